"""A SearXNG server on the loopback, which answers in its format, or misbehaves. It is a proxy of the web, too."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.sources.support import Reply
from tests.support.loopback import LoopbackServer, QuietHandler


def row(title: str, url: str, content: str = "", **more: Any) -> dict[str, Any]:
    """Return a result as SearXNG writes it."""
    return {
        "title": title,
        "url": url,
        "content": content,
        "engine": "wikipedia",
        "score": 1.0,
        "category": "general",
    } | more


class SearxngServer(LoopbackServer):
    """``with SearxngServer({"tea": [row(…)]}) as server``.

    Args:
        results: The results by query.
        pages: What the web has, by whole addresses, for clients that use the server as their proxy.
        raw: An answer in place of all results.
        status: The status of all answers.
        delay: Seconds before each answer.
    """

    def __init__(
        self,
        results: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        pages: Mapping[str, Reply] | None = None,
        *,
        raw: bytes | None = None,
        status: int = 200,
        delay: float = 0.0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.asked: list[dict[str, str]] = []
        self.fetched: list[str] = []
        self.authorizations: list[str] = []
        server = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                if self.path.startswith("http"):
                    server.fetched.append(self.path)
                    reply = (pages or {}).get(self.path, Reply(b"missing", 404))
                    self._send(reply.status, reply.body, reply.headers)
                    return
                parts = urlsplit(self.path)
                given = {name: values[0] for name, values in parse_qs(parts.query).items()}
                server.asked.append(given)
                server.authorizations.append(self.headers.get("Authorization", ""))
                if delay:
                    time.sleep(delay)
                found = (results or {}).get(given.get("q", ""), [])
                answer = {
                    "query": given.get("q", ""),
                    "number_of_results": len(found),
                    "results": list(found),
                    "answers": [],
                    "corrections": [],
                    "infoboxes": [],
                    "suggestions": [],
                    "unresponsive_engines": [],
                }
                body = raw if raw is not None else json.dumps(answer).encode()
                is_search = parts.path == "/search" and given.get("format") == "json"
                self._send(
                    status if is_search else 404, body, {"Content-Type": "application/json"} | dict(headers or {})
                )

            def _send(self, code: int, body: bytes, more: Mapping[str, str]) -> None:
                try:
                    self.send_response(code)
                    for name, value in more.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True  # the client has gone

        super().__init__(Handler)
        self.address = self.origin

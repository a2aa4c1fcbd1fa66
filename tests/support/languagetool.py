"""A LanguageTool server on the loopback interface that finds given words."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


@dataclass
class Checker:
    """What the server finds: the type of each issue, by word. ``answer`` overrides its answer."""

    finds: Mapping[str, str] = field(default_factory=dict)
    answer: tuple[int, str] | None = None
    address: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)

    def reply(self, text: str) -> str:
        matches = []
        for word, kind in self.finds.items():
            before, found, _ = text.partition(word)
            if found:
                offset, length = (len(one.encode("utf-16-le")) // 2 for one in (before, word))
                rule = {"id": "X", "issueType": kind}
                said = {"message": f"About {word}.", "replacements": [{"value": "other"}], "rule": rule}
                matches.append({"offset": offset, "length": length} | said)
        return json.dumps({"matches": matches})


@contextmanager
def languagetool(checker: Checker) -> Iterator[Checker]:
    """Serve ``checker``; its address is in it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            checker.asked.append({"path": self.path} | {name: values[0] for name, values in form.items()})
            status, body = checker.answer or (200, checker.reply(form["text"][0]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    checker.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield checker
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""A hub on loopback that keeps one GGUF on another host, as the real one does, and fails on purpose."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lwtui.models.known_ggufs import Source

REVISION = "0123456789abcdef0123456789abcdef01234567"
FILE = "acme/writer-GGUF/writer-Q4_K_M.gguf"


@dataclass(frozen=True)
class Fault:
    """How one answer with bytes differs from what it should be."""

    status: int = 0  # this instead of the file
    headers: tuple[tuple[str, str], ...] = ()
    after: int | None = None  # bytes of the body, then the connection is closed
    says: int = 0  # added to Content-Length
    ignores_range: bool = False
    content: bytes | None = None  # from now on the file is another
    etag: str | None = None  # from now on
    weak: bool = False  # says nothing about what If-Range asks
    encoding: str = ""
    pace: float = 0.0  # seconds between pieces of 64 KiB
    more: bytes = b""  # sent after the end


@dataclass
class Asked:
    """A request as it came."""

    at: str  # hub or cdn
    path: str
    headers: dict[str, str]


@dataclass
class Hub:
    """``with Hub(content) as hub``. ``faults`` strike one body after the other."""

    content: bytes
    faults: Iterable[Fault | None] = ()
    redirects: bool = True  # to the other host; else the hub sends the bytes itself
    says_hash: bool = True
    hub_status: int = 0  # the hub's own answer instead of a redirect
    location: str = ""  # where it redirects to instead
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> Hub:
        self._left = iter(self.faults)
        self.etag = f'"{self.sha256[:32]}"'
        self._hub, self._cdn = _server(self, "hub"), _server(self, "cdn")
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self._hub, self._cdn):
            server.shutdown()
            server.server_close()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._hub.server_port}"

    @property
    def file_address(self) -> str:
        """The file without the hub around it."""
        return f"http://127.0.0.1:{self._cdn.server_port}/writer.gguf"

    @property
    def bodies(self) -> list[Asked]:
        """The requests that were answered with bytes, or with a fault in their stead."""
        return [one for one in self.asked if one.at == "cdn"]

    def source(self, folder: Path, sha256: str = "") -> Source:
        url = f"{self.address}/acme/writer-GGUF/resolve/main/writer-Q4_K_M.gguf"
        return Source(f"hf:{FILE}", "writer", url, folder / "writer.gguf", sha256, self.address)

    def next_fault(self) -> Fault:
        return next(self._left, None) or Fault()


def _server(hub: Hub, at: str) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            hub.asked.append(Asked(at, self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.close_connection = True
            try:
                if at == "hub" and hub.redirects:
                    _redirect(hub, self)
                else:
                    _send(hub, self, hub.next_fault())
            except ConnectionError:
                return  # the client went away

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


def _redirect(hub: Hub, handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(hub.hub_status or 302)
    if hub.hub_status in (0, 302):
        handler.send_header("X-Repo-Commit", REVISION)
        handler.send_header("X-Linked-Size", str(len(hub.content)))
        if hub.says_hash:
            handler.send_header("X-Linked-Etag", f'"{hub.sha256}"')
        handler.send_header("Location", hub.location or f"{hub.file_address}?signature=SECRETSIGNATURE")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def _send(hub: Hub, handler: BaseHTTPRequestHandler, fault: Fault) -> None:
    if fault.status:
        handler.send_response(fault.status)
        for name, value in (("Content-Length", "0"), *fault.headers):
            handler.send_header(name, value)
        handler.end_headers()
        return
    hub.content = hub.content if fault.content is None else fault.content
    hub.etag = hub.etag if fault.etag is None else fault.etag
    content = hub.content
    start = _start(hub, handler, fault)
    if start is not None and start >= len(content):
        handler.send_response(416)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    body = content[start or 0 :]
    handler.send_response(200 if start is None else 206)
    if start is not None:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    handler.send_header("Content-Length", str(len(body) + fault.says))
    handler.send_header("ETag", hub.etag)
    if fault.encoding:
        handler.send_header("Content-Encoding", fault.encoding)
    handler.end_headers()
    body = (body if fault.after is None else body[: fault.after]) + fault.more
    for at in range(0, len(body), 2**16):
        handler.wfile.write(body[at : at + 2**16])
        time.sleep(fault.pace)


def _start(hub: Hub, handler: BaseHTTPRequestHandler, fault: Fault) -> int | None:
    """Where a request wants the bytes from; None for the whole file."""
    found = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    if found is None or fault.ignores_range:
        return None
    condition = handler.headers.get("If-Range")
    return None if condition is not None and condition != hub.etag and not fault.weak else int(found[1])

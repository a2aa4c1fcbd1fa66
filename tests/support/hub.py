"""A hub on the loopback that keeps one GGUF on another host, as the real hub does, and fails on purpose."""

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

from lwtui.models.known_ggufs import DownloadSource

REVISION = "0123456789abcdef0123456789abcdef01234567"
FILE = "acme/writer-GGUF/writer-Q4_K_M.gguf"


@dataclass(frozen=True)
class HubFault:
    """How one response with the file differs from what it should be.

    Attributes:
        status: Sent instead of the file.
        headers: Sent with ``status``.
        after: How many bytes of the body are sent before the connection closes.
        extra_length: Added to Content-Length.
        ignores_range: Sends the whole file whatever Range asks for.
        content: The contents of the file from now on.
        etag: The ETag of the file from now on.
        ignores_if_range: Sends the range even if the file has changed.
        encoding: The Content-Encoding.
        delay: Seconds between pieces of 64 KiB.
        trailing: Sent after the end.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    after: int | None = None
    extra_length: int = 0
    ignores_range: bool = False
    content: bytes | None = None
    etag: str | None = None
    ignores_if_range: bool = False
    encoding: str = ""
    delay: float = 0.0
    trailing: bytes = b""


@dataclass
class HubRequest:
    """A request as it came, to the ``host`` "hub" or "cdn"."""

    host: str
    path: str
    headers: dict[str, str]


@dataclass
class Hub:
    """The hub with its other host. Use it as ``with Hub(content) as hub``.

    Attributes:
        content: The contents of the file.
        faults: One for each response with the file, in order.
        redirects: Whether the hub redirects to the other host instead of sending the file itself.
        states_hash: Whether the hub states the file's hash.
        hub_status: What the hub answers instead of redirecting.
        location: Where the hub redirects to instead of the other host.
        requests: All requests so far.
    """

    content: bytes
    faults: Iterable[HubFault | None] = ()
    redirects: bool = True
    states_hash: bool = True
    hub_status: int = 0
    location: str = ""
    requests: list[HubRequest] = field(default_factory=list)

    def __enter__(self) -> Hub:
        self._remaining_faults = iter(self.faults)
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
        """The address of the file on the other host."""
        return f"http://127.0.0.1:{self._cdn.server_port}/writer.gguf"

    @property
    def file_requests(self) -> list[HubRequest]:
        """The requests to the other host, for the file itself."""
        return [request for request in self.requests if request.host == "cdn"]

    def source(self, folder: Path, sha256: str = "") -> DownloadSource:
        url = f"{self.address}/acme/writer-GGUF/resolve/main/writer-Q4_K_M.gguf"
        return DownloadSource(f"hf:{FILE}", "writer", url, folder / "writer.gguf", sha256, self.address)

    def next_fault(self) -> HubFault:
        return next(self._remaining_faults, None) or HubFault()


def _server(hub: Hub, host: str) -> ThreadingHTTPServer:
    class HubHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            hub.requests.append(HubRequest(host, self.path, headers))
            self.close_connection = True
            try:
                if host == "hub" and hub.redirects:
                    _redirect(hub, self)
                else:
                    _send(hub, self, hub.next_fault())
            except ConnectionError:
                return  # the client went away

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), HubHandler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


def _redirect(hub: Hub, handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(hub.hub_status or 302)
    if hub.hub_status in (0, 302):
        handler.send_header("X-Repo-Commit", REVISION)
        handler.send_header("X-Linked-Size", str(len(hub.content)))
        if hub.states_hash:
            handler.send_header("X-Linked-Etag", f'"{hub.sha256}"')
        handler.send_header("Location", hub.location or f"{hub.file_address}?signature=SECRETSIGNATURE")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def _send(hub: Hub, handler: BaseHTTPRequestHandler, fault: HubFault) -> None:
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
    handler.send_header("Content-Length", str(len(body) + fault.extra_length))
    handler.send_header("ETag", hub.etag)
    if fault.encoding:
        handler.send_header("Content-Encoding", fault.encoding)
    handler.end_headers()
    body = (body if fault.after is None else body[: fault.after]) + fault.trailing
    for at in range(0, len(body), 2**16):
        handler.wfile.write(body[at : at + 2**16])
        time.sleep(fault.delay)


def _start(hub: Hub, handler: BaseHTTPRequestHandler, fault: HubFault) -> int | None:
    """Return the offset that a request asks for, or ``None`` if it gets the whole file."""
    found = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    if found is None or fault.ignores_range:
        return None
    condition = handler.headers.get("If-Range")
    return None if condition is not None and condition != hub.etag and not fault.ignores_if_range else int(found[1])

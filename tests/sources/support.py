"""Sources for tests: PDFs made by hand, and a web site on the loopback."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lwtui.sources.model import ReadSource, Stretch
from tests.support.loopback import LoopbackServer, QuietHandler

TEA = (
    "Tea grows on high hills where rain falls often.",
    "In 2019 the farmers of Assam picked 1,200 tons by hand.",
    "The leaf withers for 18 hours before it is rolled.",
)
TODAY = "2026-11-30"


def read_source(*passages: str, title: str = "Tea", location: str = "tea.txt", **csl: Any) -> ReadSource:
    """Return a source as it is after reading."""
    return ReadSource("text", title, location, TODAY, tuple(map(Stretch, passages)), {"title": title, **csl})


def raw_pdf(objects: Sequence[bytes], trailer: bytes = b"/Root 1 0 R") -> bytes:
    """Return a PDF of these objects, numbered from 1."""
    body, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    body += b"trailer\n<< /Size %d %b >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(body)


def stream(content: bytes, more: bytes = b"") -> bytes:
    """Return a compressed stream of a PDF."""
    packed = zlib.compress(content)
    return b"<< /Length %d /Filter /FlateDecode %b >>\nstream\n%b\nendstream" % (len(packed), more, packed)


def pdf(pages: Sequence[Sequence[str]], *, contents: Sequence[bytes] | None = None, **properties: str) -> bytes:
    """Return a PDF with these lines on each page, or with these ``contents`` of its pages."""
    if contents is None:
        contents = [_lines(page) for page in pages]
    count = len(contents)
    kids = b" ".join(b"%d 0 R" % (5 + 2 * number) for number in range(count))
    info = b" ".join(b"/%b (%b)" % (name.encode(), _escaped(value)) for name, value in properties.items())
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, count),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< %b >>" % info,
    ]
    for number, content in enumerate(contents):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>"
            b" /Contents %d 0 R >>" % (6 + 2 * number)
        )
        objects.append(stream(content))
    return raw_pdf(objects, b"/Root 1 0 R /Info 4 0 R")


def _lines(page: Sequence[str]) -> bytes:
    shown = b"".join(b"(%b) Tj 0 -14 Td\n" % _escaped(line) for line in page)
    return b"BT /F1 11 Tf 60 780 Td\n%bET" % shown


def _escaped(text: str) -> bytes:
    return text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def page(*paragraphs: str, title: str = "Tea", head: str = "") -> bytes:
    """Return a web page with a menu, an article and a footer."""
    article = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>{title}</title>{head}</head><body>"
        f"<nav><a href='/'>Home</a> <a href='/about'>About us</a></nav><article><h1>{title}</h1>{article}</article>"
        "<footer>Subscribe to our newsletter</footer></body></html>"
    ).encode()


def article(sentence: str = "The pots are made of clay and burnt in an oven.") -> str:
    """Return a paragraph that is long enough for an article."""
    return " ".join(sentence for _ in range(12))


@dataclass
class Reply:
    """What a site answers to one path."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"})


class Site(LoopbackServer):
    """A web site on the loopback: ``with Site({"/": Reply(…)}) as site``. It logs the paths that are asked for."""

    def __init__(self, replies: Mapping[str, Reply]) -> None:
        self.asked: list[str] = []
        self.agents: set[str] = set()
        site = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                site.agents.add(self.headers["User-Agent"])
                reply = replies.get(self.path, Reply(b"missing", 404))
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value.replace("SITE", site.address))
                if "Content-Length" not in reply.headers:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

        super().__init__(Handler)
        self.address = self.origin

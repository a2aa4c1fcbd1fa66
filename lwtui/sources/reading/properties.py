"""What a file of a word processor, or an EPUB, says of itself in its properties."""

from __future__ import annotations

import html
import io
from dataclasses import dataclass
from zipfile import BadZipFile, ZipFile

import regex

from lwtui.text import one_line

_MAX_PART = 1_000_000  # bytes of a part, which may be small and unpack to any size
_MAX_VALUE = 2_000  # characters
_ROOTFILE = regex.compile(r"<rootfile\b[^>]*\bfull-path=[\"']([^\"']+)")
# By the reader: the part of the archive, and the elements that name each property, the best first.
_PARTS = {"docx": "docProps/core.xml", "odt": "meta.xml", "epub": "META-INF/container.xml"}
_ELEMENTS = {
    "title": ("dc:title",),
    "author": ("meta:initial-creator", "dc:creator"),
    "date": ("dcterms:created", "meta:creation-date", "dc:date"),
    "publisher": ("dc:publisher",),
    "language": ("dc:language",),
}


@dataclass(frozen=True)
class FileProperties:
    """The properties of a file; empty where it has none."""

    title: str = ""
    author: str = ""
    date: str = ""
    publisher: str = ""
    language: str = ""


def file_properties(data: bytes, reader: str) -> FileProperties:
    """Return the properties of a file.

    Args:
        data: Its bytes.
        reader: Pandoc's name for its format.
    """
    if reader not in _PARTS:
        return FileProperties()
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            xml = _part(archive, _PARTS[reader])
            if reader == "epub" and (package := _ROOTFILE.search(xml)):
                xml = _part(archive, html.unescape(package[1]))
    except (BadZipFile, KeyError, OSError, RuntimeError, NotImplementedError, ValueError, EOFError):
        return FileProperties()  # its text may be read all the same
    return FileProperties(**{name: _value(xml, elements) for name, elements in _ELEMENTS.items()})


def _value(xml: str, elements: tuple[str, ...]) -> str:
    for element in elements:
        found = regex.findall(rf"(?s)<{element}\b[^>]*(?<!/)>(.{{0,{_MAX_VALUE}}}?)</{element}>", xml)
        values = [value for inner in found if (value := one_line(html.unescape(regex.sub(r"<[^>]*>", "", inner))))]
        if values:
            return "; ".join(values) if element == "dc:creator" else values[0]
    return ""


def _part(archive: ZipFile, name: str) -> str:
    with archive.open(name) as part:
        return part.read(_MAX_PART).decode("utf-8", "replace")

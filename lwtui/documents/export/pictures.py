"""Pictures of a document, which are read from its own folder and from nowhere else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote
from zlib import crc32

import regex

from lwtui.documents.export.export_job import ExportJob
from lwtui.text import one_line
from lwtui.translation import _, _n

MAX_PICTURE = 20_000_000  # bytes of one picture
MAX_PICTURES = 200_000_000  # bytes of all pictures of a document
_MAX_PIXELS = 100_000_000
_SHOWN = 5  # names in a note
_NAME_LENGTH = 60  # characters of a name in a note
_MIME = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "svg": "image/svg+xml"}
# What the formats can hold; EPUB and HTML can hold all.
_KINDS = {
    "docx": {"png", "jpg", "gif"},
    "odt": {"png", "jpg", "gif"},
    "tex": {"png", "jpg"},
    "pdf": {"png", "jpg", "gif", "webp", "svg"},
}
_SCHEME = regex.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
_SVG = regex.compile(rb"\A\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<svg[\s>]", regex.S)
# An SVG that runs or loads something, or that defines entities.
_ACTIVE_SVG = regex.compile(
    rb"(?i)<script|<foreignObject|<!ENTITY|<!DOCTYPE|\son\w+\s*=|href\s*=\s*[\"'](?!#|data:image/(?:png|jpeg|gif))|@import|"
    rb"url\(\s*[\"']?(?!#)|<\?xml-stylesheet"
)


@dataclass(frozen=True)
class Picture:
    """A picture that was read.

    Attributes:
        data: Its bytes.
        kind: ``png``, ``jpg``, ``gif``, ``webp`` or ``svg``.
        number: Its place among the pictures of the export, from 1.
    """

    data: bytes = field(repr=False)
    kind: str
    number: int

    @property
    def name(self) -> str:
        """A file name, which contains nothing of the picture's own."""
        return f"picture-{self.number}.{self.kind}"

    @property
    def address(self) -> str:
        """The whole picture as a ``data:`` address."""
        return f"data:{_MIME[self.kind]};base64,{base64.b64encode(self.data).decode('ascii')}"


class PictureFolder:
    """Reads the pictures of one export, and keeps account of those it leaves out."""

    def __init__(self, folder: Path | None, to: str) -> None:
        """Create it for a document's ``folder`` and an export to the format ``to``."""
        self._folder = folder
        self._kinds = _KINDS.get(to, set(_MIME))
        self._to = to
        self._read: dict[str, Picture | None] = {}
        self._bytes = 0
        self._left_out: dict[str, list[str]] = {}

    @property
    def pictures(self) -> list[Picture]:
        """The pictures that were read, in order."""
        return [picture for picture in self._read.values() if picture is not None]

    def read(self, address: str) -> Picture | None:
        """Return the picture at an address of the text, or ``None`` if it has to be left out."""
        if address not in self._read:
            data, kind, problem = self._load(address)
            if problem:
                self._left_out.setdefault(problem, []).append(shown_name(address))
            self._read[address] = Picture(data, kind, len(self.pictures) + 1) if not problem else None
        return self._read[address]

    def report(self, job: ExportJob) -> None:
        """Add a line to the notes of the job for each reason to leave out pictures."""
        for problem, names in self._left_out.items():
            job.notes.append(left_out(problem, names))

    def _load(self, address: str) -> tuple[bytes, str, str]:
        """Return the bytes and the kind of a picture, or why it is left out."""
        path, problem = self.find(address)
        if path is None:
            return b"", "", problem
        try:
            size = path.stat().st_size
            if size > MAX_PICTURE or self._bytes + size > MAX_PICTURES:
                if size > MAX_PICTURE:
                    return b"", "", _("more than {size} MB", size=MAX_PICTURE // 1_000_000)
                return b"", "", _("more than {size} MB in all", size=MAX_PICTURES // 1_000_000)
            data = path.read_bytes()
        except OSError as error:
            return b"", "", error.strerror.lower() if error.strerror else _("cannot be read")
        kind = picture_kind(data)
        if not kind:
            return b"", "", _("not a PNG, JPEG, GIF, WebP or SVG picture, or one that loads or runs something")
        if kind not in self._kinds:
            return (
                b"",
                "",
                _("a {kind} cannot be in a .{format} file; save it as PNG", kind=kind.upper(), format=self._to),
            )
        self._bytes += len(data)
        return data, kind, ""

    def find(self, address: str) -> tuple[Path | None, str]:
        """Return the file that an address names within the folder, or why there is none. It does not read the file."""
        name = unquote(address)
        outside = _("only pictures in the folder of the document are read")
        if _SCHEME.match(name) or not name or self._folder is None:
            return None, outside
        parts = (PurePosixPath(name), PureWindowsPath(name))
        if any(part.is_absolute() or part.drive or ".." in part.parts for part in parts) or "\0" in name:
            return None, outside
        try:
            folder = self._folder.resolve(strict=True)
            path = (folder / name).resolve(strict=True)
        except (OSError, RuntimeError):
            return None, _("no such file")
        if not path.is_relative_to(folder):
            return None, outside
        return (path, "") if path.is_file() else (None, _("no such file"))


def shown_name(address: str) -> str:
    """Return the address of a picture as a note shows it."""
    return one_line(unquote(address))


def picture_folder(stem: str, suffix: str) -> str:
    """Return the name of a folder for the pictures of a file, in which neither Markdown nor LaTeX interprets anything.

    Args:
        stem: The name of the file without its extension.
        suffix: The end of the name, such as ``pictures``.
    """
    plain = regex.sub(r"[^A-Za-z0-9-]+", "-", stem).strip("-")
    return f"{plain}-{suffix}" if plain == stem else f"{plain or 'book'}-{crc32(stem.encode()):08x}-{suffix}"


def left_out(problem: str, names: Sequence[str]) -> str:
    """Return a line that tells which pictures were left out, and why."""
    shown = ", ".join(name[:_NAME_LENGTH] for name in names[:_SHOWN])
    if (more := len(names) - _SHOWN) > 0:
        shown = _("{names} and {count} more", names=shown, count=more)
    return _n(
        "Left out {count} picture ({problem}): {names}.",
        "Left out {count} pictures ({problem}): {names}.",
        len(names),
        problem=problem,
        names=shown,
    )


def picture_kind(data: bytes) -> str:
    """Return the kind of a picture by its contents; empty if it is none, too large, or does more than to show."""
    size = (0, 0)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        kind, size = "png", (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))
    elif data.startswith(b"\xff\xd8\xff"):
        kind, size = "jpg", _jpeg_size(data)
    elif data[:6] in (b"GIF87a", b"GIF89a"):
        kind, size = "gif", (int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little"))
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind = "webp"
    elif _SVG.match(data):
        return "" if _ACTIVE_SVG.search(data) else "svg"
    else:
        return ""
    return kind if size[0] * size[1] <= _MAX_PIXELS else ""


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Return the width and height of a JPEG, from its frame header, or zeros."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0, 0

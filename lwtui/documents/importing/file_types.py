"""What a file is: by its contents, and only where these do not tell by the ending of its name."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import regex

from lwtui.errors import DocumentError, UsageError
from lwtui.translation import _

MARKDOWN, TEXT, NOVELWRITER = "markdown", "text", "novelwriter"
ENDINGS = {
    "markdown": MARKDOWN,
    "md": MARKDOWN,
    "mdown": MARKDOWN,
    "mdtext": MARKDOWN,
    "mdtxt": MARKDOWN,
    "mdwn": MARKDOWN,
    "mkd": MARKDOWN,
    "mkdn": MARKDOWN,
    "mmd": MARKDOWN,
    "qmd": MARKDOWN,
    "rmd": MARKDOWN,
    "text": TEXT,
    "txt": TEXT,
    "nwd": NOVELWRITER,
}
# The formats that pandoc reads, by the ending of the name. Of these, the binary ones are known by their contents.
PANDOC_ENDINGS = {
    "adoc": "asciidoc",
    "asciidoc": "asciidoc",
    "dbk": "docbook",
    "docbook": "docbook",
    "docm": "docx",
    "docx": "docx",
    "dotm": "docx",
    "dotx": "docx",
    "epub": "epub",
    "fb2": "fb2",
    "htm": "html",
    "html": "html",
    "ipynb": "ipynb",
    "jats": "jats",
    "latex": "latex",
    "ltx": "latex",
    "mediawiki": "mediawiki",
    "muse": "muse",
    "odt": "odt",
    "opml": "opml",
    "org": "org",
    "ott": "odt",
    "pptx": "pptx",
    "rest": "rst",
    "rst": "rst",
    "rtf": "rtf",
    "t2t": "t2t",
    "tex": "latex",
    "textile": "textile",
    "typ": "typst",
    "wiki": "mediawiki",
    "xhtml": "html",
}
# The formats whose files are not text, or say by themselves how they are encoded.
BINARY = frozenset({"docx", "epub", "odt", "pptx"})
KNOWN_TYPES = _("Markdown, plain text, DOCX, ODT, RTF, HTML, EPUB, FB2, LaTeX, Org, reStructuredText, AsciiDoc, Typst")
_HEAD = 4_096  # bytes
_MAX_PART = 1_000_000  # bytes of a part of an archive that tells what the archive is
_MAX_UNZIPPED = 100_000_000  # bytes

_OLE, _ZIP, _RTF = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK", b"{\\rtf"
_ODF = "application/vnd.oasis.opendocument."
_OTHER_BINARIES = (
    (b"%PDF", _("{source} is a PDF, whose text has no structure. Import the file that it was made from.")),
    (
        b"SQLite format 3\0",
        _("{source} is a database. A lwtui document is opened, not imported: its name ends in .lw."),
    ),
    (b"\x89PNG", _("{source} is a picture. Import a file with text.")),
    (b"\xff\xd8\xff", _("{source} is a picture. Import a file with text.")),
    (b"GIF8", _("{source} is a picture. Import a file with text.")),
    (b"\x1f\x8b", _("{source} is compressed. Unpack it first.")),
    (b"7z\xbc\xaf\x27\x1c", _("{source} is an archive. Unpack it first.")),
    (b"Rar!", _("{source} is an archive. Unpack it first.")),
    (b"BZh", _("{source} is compressed. Unpack it first.")),
    (b"\xfd7zXZ\0", _("{source} is compressed. Unpack it first.")),
    (b"ITSF", _("{source} is a CHM help file. Import the pages that it was made from.")),
    (b"\x00\x01BINARY", _("{source} is a Mobipocket book. Convert it to EPUB first.")),
)
_XML_ROOTS = (
    (rb"<FictionBook[\s>]", "fb2"),
    (rb"<opml[\s>]", "opml"),
    (rb"<(?:\w+:)?html[\s>]", "html"),
    (rb"<(?:book|article|chapter)\b[^>]*(?:docbook|version=\"5)", "docbook"),
    (rb"<!DOCTYPE\s+(?:book|article|chapter)\b[^>]*DocBook", "docbook"),
    (rb"<!DOCTYPE\s+article\b[^>]*(?:JATS|NLM)", "jats"),
)
_HTML = regex.compile(rb"\A\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html[\s>]|head[\s>]|body[\s>])", regex.I | regex.S)
_LATEX = regex.compile(rb"(?m)^[ \t]*\\documentclass\b")


@dataclass(frozen=True)
class FileType:
    """What a file is.

    Attributes:
        kind: :data:`MARKDOWN`, :data:`TEXT`, :data:`NOVELWRITER` or ``pandoc``.
        reader: Pandoc's name for the format, if ``kind`` is ``pandoc``.
        expected: Whether the ending of the name says the same.
    """

    kind: str
    reader: str = ""
    expected: bool = True

    @property
    def is_binary(self) -> bool:
        """Whether the file must not be decoded before it is read."""
        return self.reader in BINARY


class UnknownTypeError(DocumentError):
    """A file is of a type that lwtui cannot import.

    Attributes:
        problem: A sentence that says what it is. The message also says what can be imported.
    """

    def __init__(self, problem: str) -> None:
        known = _("lwtui imports {types} and folders of these; rename a plain text to end in .txt.", types=KNOWN_TYPES)
        super().__init__(_("{problem} {advice}", problem=problem, advice=known), code="unknown-type")
        self.problem = problem


def project_folder(source: Path) -> Path | None:
    """Return the folder to import, if ``source`` is one or names the main file of a project in it."""
    if source.is_dir():
        return source
    is_project = source.suffix.lower() in (".scrivx", ".nwx") or source.name.lower() == "book.toml"
    return source.parent if is_project and source.is_file() else None


def file_type(source: Path, data: bytes) -> FileType:
    """Tell what a file is.

    Args:
        source: The file. Only its name is used.
        data: Its bytes.

    Raises:
        DocumentError: lwtui cannot import such a file. The message says what it is.
    """
    ending = source.suffix.removeprefix(".").lower()
    found = _by_contents(source, data, ending)
    if found:
        return FileType("pandoc", found, PANDOC_ENDINGS.get(ending) == found)
    if ending in ENDINGS:
        return FileType(ENDINGS[ending])
    reader = PANDOC_ENDINGS.get(ending, "")
    if reader in BINARY or reader in ("fb2", "rtf", "ipynb"):
        name = {"fb2": "FB2", "rtf": "RTF", "ipynb": _("notebook"), "pptx": "PPTX"}.get(reader, reader.upper())
        raise DocumentError(
            _(
                "{source} is not a valid {format} file. Save it again in the program that made it, and import it "
                "again.",
                source=source,
                format=name,
            ),
            code=f"not-{reader}",
        )
    if ending == "doc":
        raise UnknownTypeError(_("{source} is not a Word document.", source=source))
    if reader:
        return FileType("pandoc", reader)
    if not ending or ending.isdigit():  # README, or "Part 1.2"
        return FileType(MARKDOWN)
    raise UnknownTypeError(_("{source} is of a type that lwtui does not know.", source=source))


def _by_contents(source: Path, data: bytes, ending: str) -> str:
    """Return pandoc's name for the format of a file that its contents tell; empty if they do not."""
    head = data[:_HEAD].removeprefix(b"\xef\xbb\xbf")
    if data.startswith(_OLE):
        raise _ole_error(source, data)
    if data.startswith(_ZIP) and data[2:4] in (b"\x03\x04", b"\x05\x06"):
        return _in_zip(source, data)
    for start, message in _OTHER_BINARIES:
        if data.startswith(start):
            raise DocumentError(message.format(source=source), code="unknown-type")
    if head.lstrip().startswith(_RTF):
        return "rtf"
    if _is_wide(head):
        head = data[:_HEAD].decode("utf-16", "ignore").encode("utf-8")
    if ending not in ENDINGS or ENDINGS[ending] == TEXT:
        if head.lstrip().startswith(b"<?xml") or ending in ("xml", "fb2"):
            return _in_xml(source, head)
        if _LATEX.search(head) and not head.lstrip().startswith((b"#", b"<")):
            return "latex"
    if _HTML.match(head):
        return "html"
    if head.startswith(b"MIME-Version:"):
        raise DocumentError(
            _("{source} is a web archive (MHTML). Save the page as HTML and import that.", source=source),
            code="unknown-type",
        )
    if ending in ("json", "ipynb") and head.lstrip().startswith(b"{"):
        return _in_json(source, data)
    return ""


def _in_zip(source: Path, data: bytes) -> str:
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            if any(entry.flag_bits & 1 for entry in archive.infolist()):
                raise _has_password(source)
            kind = _head_of(archive, "mimetype")[:100].decode("ascii", "replace").strip() if "mimetype" in names else ""
            manifest = _head_of(archive, "META-INF/manifest.xml") if "META-INF/manifest.xml" in names else b""
            types = _head_of(archive, "[Content_Types].xml") if "[Content_Types].xml" in names else b""
            rights = _head_of(archive, "META-INF/encryption.xml") if "META-INF/encryption.xml" in names else b""
    except (BadZipFile, OSError, ValueError, KeyError, EOFError, NotImplementedError, RuntimeError):
        raise _damaged(source) from None
    if kind == "application/epub+zip" or "META-INF/container.xml" in names:
        # Fonts may be obfuscated by two known methods, which hides no text.
        if b"EncryptedData" in rights and not (b"embedding" in rights or b"adobe.com/pdf/enc#RC" in rights):
            raise _encrypted(
                _(
                    "{source} is protected against copying (DRM), so that lwtui cannot read it. Save a copy without a "
                    "password and import that.",
                    source=source,
                )
            )
        return "epub"
    if kind.startswith(_ODF):
        if b"encryption-data" in manifest:
            raise _has_password(source)
        if kind.removeprefix(_ODF).startswith("text"):
            return "odt"
    if "word/document.xml" in names or b"wordprocessingml.document.main" in types or b"ms-word.document" in types:
        return "docx"
    if "ppt/presentation.xml" in names:
        return "pptx"
    if any(name.startswith(("xl/", "Index/")) for name in names) or kind.startswith(_ODF):
        raise UnknownTypeError(_("{source} is a file of a spreadsheet or of another office program.", source=source))
    books = [name for name in names if name.lower().endswith(".fb2")]
    if len(books) == 1 and len(names) == 1:
        return "fb2"
    if source.suffix.lower() in (".docx", ".docm", ".odt", ".epub", ".dotx", ".ott"):
        raise _damaged(source)
    raise DocumentError(
        _("{source} is an archive. Unpack it, and import the files in it.", source=source), code="unknown-type"
    )


def unzipped(data: bytes) -> bytes:
    """Return the only file of an archive, as a book in FB2 comes."""
    with ZipFile(io.BytesIO(data)) as archive, archive.open(archive.namelist()[0]) as part:
        return part.read(_MAX_UNZIPPED)


def _head_of(archive: ZipFile, name: str) -> bytes:
    """Read the beginning of a part of an archive, which may be small and unpack to any size."""
    with archive.open(name) as part:
        return part.read(_MAX_PART)


def _in_xml(source: Path, head: bytes) -> str:
    for pattern, reader in _XML_ROOTS:
        if regex.search(pattern, head):
            return reader
    if b"Word.Document" in head or b"office:document" in head or b"schemas.microsoft.com/office/word" in head:
        raise UnknownTypeError(_("{source} is a word processor's file in one piece of XML.", source=source))
    raise UnknownTypeError(_("{source} is XML of a kind that lwtui does not know.", source=source))


def _in_json(source: Path, data: bytes) -> str:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict) and "nbformat" in value:
        return "ipynb"
    if isinstance(value, dict) and "pandoc-api-version" in value:
        return "json"
    raise UnknownTypeError(_("{source} is JSON, but no document of pandoc and no notebook.", source=source))


def _is_wide(head: bytes) -> bool:
    return head.startswith((b"\xff\xfe", b"\xfe\xff"))


def _ole_error(source: Path, data: bytes) -> DocumentError:
    if "EncryptedPackage".encode("utf-16-le") in data or "EncryptionInfo".encode("utf-16-le") in data:
        return _has_password(source)
    if source.suffix.lower() in (".docx", ".docm", ".dotx", ".dotm"):
        return DocumentError(
            _(
                "{source} is encrypted, or in the format of Word 97. Save it as .docx without a password and import "
                "that.",
                source=source,
            ),
            code="old-format",
        )
    return DocumentError(
        _(
            "{source} is in the format of Word 97 or another old office program. Save it as .docx and import that.",
            source=source,
        ),
        code="old-format",
    )


def _encrypted(message: str) -> DocumentError:
    return DocumentError(message, code="encrypted")


def _has_password(source: Path) -> DocumentError:
    return _encrypted(
        _(
            "{source} is encrypted, so that lwtui cannot read it. Save a copy without a password and import that.",
            source=source,
        )
    )


def _damaged(source: Path) -> DocumentError:
    ending = source.suffix.removeprefix(".").lower()
    code = f"not-{PANDOC_ENDINGS.get(ending, 'archive')}"
    return DocumentError(
        _(
            "{source} is damaged: it is not a complete {ending} file. Save it again and import it again.",
            source=source,
            ending=ending.upper() or "ZIP",
        ),
        code=code,
    )


def check_is_no_document(source: Path) -> None:
    """Check that a file to import is no lwtui document.

    Raises:
        UsageError: It is one.
    """
    if source.suffix.lower() == ".lw":
        raise UsageError(
            _("{source} is already a document. Open it: lwtui {source}", source=source), code="is-document"
        )

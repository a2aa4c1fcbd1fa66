"""A document as a file that other programs read."""

from __future__ import annotations

import errno
from pathlib import Path

from lwtui.documents.export.export_job import ExportJob, Stopped
from lwtui.documents.export.manuscript import (
    FONT_SIZE,
    PAPERS,
    Manuscript,
    ManuscriptPart,
    Options,
    author_of,
    collect,
    keep_author,
    with_disclosure,
)
from lwtui.documents.export.text import html, markdown, plain
from lwtui.documents.library import safe_name
from lwtui.documents.store import Document
from lwtui.errors import DocumentError, UsageError
from lwtui.files import write_atomically

__all__ = [
    "FONT_SIZE",
    "FORMATS",
    "PAPERS",
    "TEXT_FORMATS",
    "ExportJob",
    "Manuscript",
    "ManuscriptPart",
    "Options",
    "Stopped",
    "author_of",
    "check_format",
    "collect",
    "export",
    "file_in",
    "keep_author",
    "render",
    "save",
    "with_disclosure",
]

TEXT_FORMATS = ("md", "txt", "html")
FORMATS = (*TEXT_FORMATS, "docx", "epub", "pdf")
_ENDINGS = {"markdown": "md", "text": "txt", "htm": "html"}  # other endings for the same


def render(document: Document, to: str, options: Options | None = None) -> str:
    """The document as ``md``, ``txt`` or ``html``. Raises :class:`lwtui.errors.UsageError` for another format.

    A section without text is left out.
    """
    return _text(collect(document, options), to)


def export(
    document: Document, path: Path, to: str | None = None, options: Options | None = None, work: ExportJob | None = None
) -> list[str]:
    """Write the document to ``path`` in one step, in the format ``to`` or that of the path's extension.

    Returns lines that are worth telling, such as that a font is missing. Raises :class:`lwtui.errors.UsageError` or
    :class:`lwtui.errors.LwtuiError`; an old file then stays.
    """
    to = check_format(path, to)
    work = work or ExportJob()
    save(collect(document, options), path, to, work)
    return work.notes


def check_format(path: Path, to: str | None = None) -> str:
    """The format ``to``, or that of the path's extension, if it can be made on this machine.

    Raises :class:`lwtui.errors.UsageError`, or :class:`lwtui.errors.LwtuiError` that says what to install.
    """
    ending = path.suffix.removeprefix(".").lower()
    if ending == "lw":
        raise UsageError(f"{path} is a document's own file. Export to a name that ends in .{to or 'md'}.")
    to = to or _ENDINGS.get(ending, ending)
    if to not in FORMATS:
        raise UsageError(f"{path.name} does not say which format. Let it end in .{' or .'.join(FORMATS)}.")
    from lwtui.documents.export.pandoc import need

    if to in ("docx", "epub"):
        need(f"Making a .{to} file", "pypandoc")
    elif to == "pdf":
        need("Making a .pdf file", "typst", "fontTools")
    return to


def save(book: Manuscript, path: Path, to: str, work: ExportJob) -> None:
    """Write ``book`` to ``path`` in the format ``to``, in one step. Not bound to the thread of its document.

    Raises :class:`lwtui.errors.LwtuiError`; an old file then stays.
    """
    content = _text(book, to) if to in TEXT_FORMATS else _bytes(book, to, work)
    work.step(f"Writing {path.name}")
    try:
        write_atomically(path, content)
    except OSError as error:
        raise DocumentError(_why_not(error, path)) from error


def file_in(folder: Path, title: str, to: str) -> Path:
    """The file in ``folder`` that an export of ``title`` gets by itself: whatever the title holds, a plain name."""
    return folder / f"{safe_name(title)}.{to}"


def _text(book: Manuscript, to: str) -> str:
    match to:
        case "md":
            return markdown(book)
        case "txt":
            return plain(book)
        case "html":
            return html(book)
    raise UsageError(f"{to!r} is no text to be shown. Choose one of {', '.join(TEXT_FORMATS)}.")


def _bytes(book: Manuscript, to: str, work: ExportJob) -> bytes:
    match to:
        case "docx":
            from lwtui.documents.export.docx import docx

            return docx(book, work)
        case "epub":
            from lwtui.documents.export.epub import epub

            return epub(book, work)
        case _:
            from lwtui.documents.export.pdf import pdf

            return pdf(book, work)


def _why_not(error: OSError, path: Path) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return f"There is no folder {path.parent}. Make it or choose another place."
        case errno.EISDIR:
            return f"{path} is a folder. Name a file in it."
        case errno.ENOSPC | errno.EDQUOT:
            return f"The disk is full: {path} could not be written. Free some space and export again."
    return f"Cannot write {path}: {error.strerror}. Check the folder's permissions or choose another place."

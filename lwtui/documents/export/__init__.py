"""Export of documents to Markdown, plain text, HTML, DOCX, ODT, EPUB, PDF and LaTeX."""

from __future__ import annotations

import errno
from pathlib import Path

from lwtui.documents.export.citeproc import bibliography, cited_sources, with_citations
from lwtui.documents.export.export_job import ExportJob, ExportStopped
from lwtui.documents.export.manuscript import (
    FONT_SIZE,
    PAPERS,
    ExportOptions,
    Manuscript,
    ManuscriptPart,
    author_of,
    build_manuscript,
    has_headings,
    store_author,
    with_disclosure,
)
from lwtui.documents.export.pictures import Picture, picture_folder
from lwtui.documents.export.style_files import style_option
from lwtui.documents.export.text import html, markdown, plain
from lwtui.documents.library import safe_name
from lwtui.documents.store import Document
from lwtui.errors import DocumentError, UsageError
from lwtui.files import write_atomically
from lwtui.translation import _

__all__ = [
    "FONT_SIZE",
    "FORMATS",
    "PAPERS",
    "TEXT_FORMATS",
    "ExportJob",
    "ExportOptions",
    "ExportStopped",
    "Manuscript",
    "ManuscriptPart",
    "author_of",
    "bibliography",
    "build_manuscript",
    "check_format",
    "cited_sources",
    "export",
    "export_path",
    "has_headings",
    "render",
    "save",
    "store_author",
    "style_option",
    "with_disclosure",
]

TEXT_FORMATS = ("md", "txt", "html")
FORMATS = (*TEXT_FORMATS, "docx", "odt", "epub", "pdf", "tex")
_ALIASES = {"markdown": "md", "text": "txt", "htm": "html", "latex": "tex"}  # other file name extensions of the formats


def render(document: Document, to: str, options: ExportOptions | None = None, job: ExportJob | None = None) -> str:
    """Return a document as ``md``, ``txt`` or ``html``. Sections without text are left out.

    Raises:
        UsageError: The format is another one, or one of the options is invalid.
        LwtuiError: The export failed or was stopped.
    """
    job = job or ExportJob()
    book = build_manuscript(document, options)
    book.style.check(to)
    return _text(with_citations(book, job), to, job)


def export(
    document: Document,
    path: Path,
    to: str | None = None,
    options: ExportOptions | None = None,
    job: ExportJob | None = None,
) -> list[str]:
    """Write a document to a file, which is replaced in one step.

    Args:
        document: The document.
        path: The file to write.
        to: One of :data:`FORMATS`; by default the format of the file name extension.
        options: What the user chose.
        job: Reports progress, and can stop the export.

    Returns:
        Lines for the user, such as that a font is missing.

    Raises:
        UsageError: The format or an option is invalid. An old file stays.
        LwtuiError: The export failed or was stopped. An old file stays.
    """
    to = check_format(path, to)
    job = job or ExportJob()
    save(build_manuscript(document, options), path, to, job)
    return job.notes


def check_format(path: Path, to: str | None = None) -> str:
    """Check that this machine can export to a file, and return the format: ``to``, or that of the file's extension.

    Raises:
        UsageError: The format is unknown.
        LwtuiError: A package is missing; the message says what to install.
    """
    extension = path.suffix.removeprefix(".").lower()
    if extension == "lw":
        raise UsageError(
            _(
                "{path} ends in .lw like a document. Export to a name that ends in .{ending}.",
                path=path,
                ending=to or "md",
            ),
            code="is-document",
        )
    to = to or _ALIASES.get(extension, extension)
    if to not in FORMATS:
        raise UsageError(
            _(
                "The name {name} does not tell the format. Let it end in .{formats}.",
                name=path.name,
                formats=" or .".join(FORMATS),
            ),
            code="unknown-format",
        )
    from lwtui.documents.export.pandoc import require_packages

    if to in ("docx", "odt", "epub", "tex"):
        require_packages(_("Export to .{format}", format=to), "pypandoc")
    elif to == "pdf":
        require_packages(_("Export to .{format}", format=to), "typst", "fontTools", "pypandoc")
    return to


def save(book: Manuscript, path: Path, to: str, job: ExportJob) -> None:
    """Write a manuscript to a file, which is replaced in one step. It may run in any thread.

    Args:
        book: The manuscript.
        path: The file to write.
        to: One of :data:`FORMATS`.
        job: Reports progress, and can stop the export.

    Raises:
        LwtuiError: The export failed or was stopped. An old file stays.
    """
    pictures: list[Picture] = []
    folder = path.with_name(picture_folder(path.stem, "tex"))
    book.style.check(to)
    book = with_citations(book, job)
    if to in TEXT_FORMATS:
        content: str | bytes = _text(book, to, job)
    elif to == "tex":
        from lwtui.documents.export.latex import latex

        content, pictures = latex(book, job, folder.name)
    else:
        content = _bytes(book, to, job)
    job.step(_("Writing {name}", name=path.name))
    try:
        if pictures:
            folder.mkdir(exist_ok=True)
            for picture in pictures:
                write_atomically(folder / picture.name, picture.data)
        write_atomically(path, content)
    except OSError as error:
        raise _write_error(error, path) from error


def export_path(folder: Path, title: str, to: str) -> Path:
    """Return the default path of an export in ``folder``, with a safe file name made from the title."""
    return folder / f"{safe_name(title)}.{to}"


def _text(book: Manuscript, to: str, job: ExportJob) -> str:
    match to:
        case "md":
            return markdown(book)
        case "txt":
            return plain(book)
        case "html":
            return html(book, job)
    raise UsageError(
        _("{name!r} is not a text format. Choose one of {formats}.", name=to, formats=", ".join(TEXT_FORMATS)),
        code="unknown-format",
    )


def _bytes(book: Manuscript, to: str, job: ExportJob) -> bytes:
    match to:
        case "odt":
            from lwtui.documents.export.odt import odt

            return odt(book, job)
        case "docx":
            from lwtui.documents.export.docx import docx

            return docx(book, job)
        case "epub":
            from lwtui.documents.export.epub import epub

            return epub(book, job)
        case _:
            from lwtui.documents.export.pdf import pdf

            return pdf(book, job)


def _write_error(error: OSError, path: Path) -> DocumentError:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            message, code = (
                _("There is no folder {folder}. Create it or choose another one.", folder=path.parent),
                "no-folder",
            )
        case errno.EISDIR:
            message, code = _("{path} is a folder. Name a file in it.", path=path), "is-folder"
        case errno.ENOSPC | errno.EDQUOT:
            message = _("The disk is full: {path} was not written. Free some space and export again.", path=path)
            code = "disk-full"
        case _:
            message = _(
                "Cannot write {path}: {reason}. Check the permissions of the folder or choose another.",
                path=path,
                reason=error.strerror,
            )
            code = "unwritable"
    return DocumentError(message, code=code)

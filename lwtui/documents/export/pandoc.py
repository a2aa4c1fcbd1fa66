"""Pandoc, which converts HTML to DOCX and EPUB.

The HTML is sanitized, and pandoc runs in its sandbox, so that it opens no other file and no address. The title and
author are in the head of the HTML, because pandoc would parse options for them as Markdown.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

import regex

from lwtui.documents.export.export_job import REINSTALL, ExportJob
from lwtui.documents.export.manuscript import Manuscript
from lwtui.documents.export.text import html_body
from lwtui.documents.export.translations import contents_title, is_right_to_left
from lwtui.errors import LwtuiError

# A single one of these characters would make the file unreadable.
_NOT_IN_XML = regex.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\uFFFE\uFFFF]")
_MAX_MEMORY = "2g"  # a book of 100,000 words needs 0.1
# HTML without the extensions that allow other languages in it. Unknown tags are text.
_FROM = (
    "html-native_divs-native_spans-raw_html-raw_tex-tex_math_dollars-tex_math_single_backslash"
    "+epub_html_exts"  # knows footnotes
)


def require_packages(task: str, *packages: str, extra: str = "export") -> None:
    """Check that the packages of an extra are installed.

    Raises:
        LwtuiError: A package is missing; the message says what to install for the ``task``.
    """
    if any(find_spec(package) is None for package in packages):
        raise LwtuiError(
            f'{task} needs packages that are not installed. Install the extra: pip install "lwtui[{extra}]"',
            code="missing-extra",
        )


def pandoc() -> list[str]:
    """Return the start of every pandoc command: the program with its sandbox and memory limit.

    Raises:
        LwtuiError: Pandoc is not installed.
    """
    import pypandoc

    for name in ("pandoc", "pandoc.exe"):
        bundled = Path(pypandoc.__file__).parent / "files" / name
        if bundled.is_file():
            return [str(bundled), "+RTS", f"-M{_MAX_MEMORY}", "-RTS", "--sandbox"]
    raise LwtuiError(f"pandoc is not installed. {REINSTALL}", code="tool-missing")


def convert(book: Manuscript, to: str, options: Sequence[str], job: ExportJob, template: str = "") -> bytes:
    """Convert a manuscript with pandoc.

    Args:
        book: The manuscript.
        to: Pandoc's name for the format.
        options: More options for pandoc.
        job: Reports progress, and can stop the export.
        template: A pandoc template to use in place of the default.

    Returns:
        The bytes of the file.

    Raises:
        LwtuiError: The export failed or was stopped.
    """
    job.step("Reading the text")
    page = _page(book)
    with TemporaryDirectory(prefix="lwtui-") as temporary:
        folder = Path(temporary)
        (folder / "book.html").write_text(_NOT_IN_XML.sub("", page), encoding="utf-8")
        if template:
            (folder / "template").write_text(_NOT_IN_XML.sub("", template), encoding="utf-8")
            options = [*options, "--template=template"]
        job.step("Setting the book")
        command = [*pandoc(), "--standalone", f"--from={_FROM}", f"--to={to}", "--output=book.out"]
        command += [f"--metadata=toc-title={contents_title(book.language)}", *options]
        if is_right_to_left(book.language):
            command.append("--metadata=dir=rtl")
        job.run([*command, "book.html"], folder, "pandoc")
        return (folder / "book.out").read_bytes()


def rewrite_zip(archive: bytes, changes: Mapping[str, Callable[[str], str]], added: Mapping[str, str]) -> bytes:
    """Change and add text files in a zip archive.

    Args:
        archive: The bytes of the archive.
        changes: Functions from the old text to the new, by file name.
        added: New files and their texts.

    Returns:
        The bytes of the new archive.
    """
    result = io.BytesIO()
    with ZipFile(io.BytesIO(archive)) as old, ZipFile(result, "w", ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if change := changes.get(entry.filename):
                content = change(content.decode("utf-8")).encode("utf-8")
            new.writestr(entry, content)  # keeps the compression: the first file of an EPUB must be uncompressed
        for name, text in added.items():
            new.writestr(name, text)
    return result.getvalue()


def with_date(xml: str, book: Manuscript) -> str:
    """Put the date of the manuscript into pandoc's metadata. In its sandbox, pandoc does not know the time."""
    return xml.replace("1970-01-01T00:00:00Z", f"{book.date}T00:00:00Z")


def _page(book: Manuscript) -> str:
    head = [f"<title>{escape(book.title)}</title>"]
    metadata = {"author": book.author, "date": book.date if book.title_page or book.signed else ""}
    head += [f'<meta name="{name}" content="{escape(value)}">' for name, value in metadata.items() if value]
    language = f' lang="{escape(book.language)}"' if book.language else ""
    lines = ["<!DOCTYPE html>", f"<html{language}>", "<head>", '<meta charset="utf-8">', *head, "</head>", "<body>"]
    return "\n".join([*lines, *html_body(book, top=0, numbered_notes=False), "</body>", "</html>", ""])

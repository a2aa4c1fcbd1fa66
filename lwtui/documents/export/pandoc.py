"""Pandoc makes DOCX and EPUB, out of HTML that is safe already, in its sandbox: it opens no file and no address.

Titles and names are handed over in the head of that HTML. Pandoc would read its own options for them as Markdown.
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

from lwtui.documents.export.export_job import ExportJob
from lwtui.documents.export.manuscript import Manuscript
from lwtui.documents.export.text import html_body
from lwtui.documents.export.words import contents_title, runs_right_to_left
from lwtui.errors import LwtuiError

# With one such character in it, no program opens the file.
_NOT_IN_XML = regex.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\uFFFE\uFFFF]")
_MOST_MEMORY = "2g"  # a book of 100,000 words takes 0.1
# HTML without any of the extensions that let other languages in. What is not a known tag is text.
_FROM = "html-native_divs-native_spans-raw_html-raw_tex-tex_math_dollars-tex_math_single_backslash"


def need(what: str, *packages: str) -> None:
    """Raises :class:`LwtuiError` that says what to install if a package of the extra is not there."""
    if any(find_spec(package) is None for package in packages):
        raise LwtuiError(f'{what} needs what is not installed yet: pip install "lwtui[export]"')


def pandoc() -> list[str]:
    """The beginning of every command: the program, in its sandbox, held to a sane amount of memory."""
    import pypandoc

    for name in ("pandoc", "pandoc.exe"):
        bundled = Path(pypandoc.__file__).parent / "files" / name
        if bundled.is_file():
            return [str(bundled), "+RTS", f"-M{_MOST_MEMORY}", "-RTS", "--sandbox"]
    raise LwtuiError('pandoc is not installed. Install the extra anew: pip install --force-reinstall "lwtui[export]"')


def convert(book: Manuscript, to: str, options: Sequence[str], work: ExportJob, template: str = "") -> bytes:
    """``book`` in pandoc's format ``to``."""
    work.step("Reading the text")
    page = _page(book)
    with TemporaryDirectory(prefix="lwtui-") as made:
        folder = Path(made)
        (folder / "book.html").write_text(_NOT_IN_XML.sub("", page), encoding="utf-8")
        if template:
            (folder / "template").write_text(_NOT_IN_XML.sub("", template), encoding="utf-8")
            options = [*options, "--template=template"]
        work.step("Setting the book")
        command = [*pandoc(), "--standalone", f"--from={_FROM}", f"--to={to}", "--output=book.out"]
        command += [f"--metadata=toc-title={contents_title(book.language)}", *options]
        if runs_right_to_left(book.language):
            command.append("--metadata=dir=rtl")
        work.run([*command, "book.html"], folder, "pandoc")
        return (folder / "book.out").read_bytes()


def edited(made: bytes, changes: Mapping[str, Callable[[str], str]], added: Mapping[str, str]) -> bytes:
    """A zip file with some of its texts changed, and some added."""
    result = io.BytesIO()
    with ZipFile(io.BytesIO(made)) as old, ZipFile(result, "w", ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if change := changes.get(entry.filename):
                content = change(content.decode("utf-8")).encode("utf-8")
            new.writestr(entry, content)  # each compressed as it was: the first one of an EPUB must not be
        for name, text in added.items():
            new.writestr(name, text)
    return result.getvalue()


def dated(xml: str, book: Manuscript) -> str:
    """Pandoc's metadata with the book's date, for in its sandbox pandoc does not know the time."""
    return xml.replace("1970-01-01T00:00:00Z", f"{book.date}T00:00:00Z")


def _page(book: Manuscript) -> str:
    head = [f"<title>{escape(book.title)}</title>"]
    metadata = {"author": book.author, "date": book.date if book.title_page or book.signed else ""}
    head += [f'<meta name="{name}" content="{escape(value)}">' for name, value in metadata.items() if value]
    language = f' lang="{escape(book.language)}"' if book.language else ""
    lines = ["<!DOCTYPE html>", f"<html{language}>", "<head>", '<meta charset="utf-8">', *head, "</head>", "<body>"]
    return "\n".join([*lines, *html_body(book, top=0), "</body>", "</html>", ""])

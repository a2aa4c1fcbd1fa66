"""``lwtui export DOC.lw --to FORMAT``: a document as a file that other programs read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lwtui.cli.outputs import check_output
from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, command_parser
from lwtui.command_line.values import between
from lwtui.config import load_settings
from lwtui.documents.disclosure import TITLE, report, save_report
from lwtui.documents.export import (
    FONT_SIZE,
    FORMATS,
    PAPERS,
    TEXT_FORMATS,
    ExportJob,
    Options,
    author_of,
    check_format,
    collect,
    file_in,
    render,
    save,
)
from lwtui.documents.store import Document
from lwtui.errors import UsageError

_CLEAR_LINE = "\r\x1b[K"


def parser() -> Parser:
    result = command_parser(
        "export",
        "Turn a document into a file of another format. The document stays as it is.\n"
        'DOCX, EPUB and PDF need the extra: pip install "lwtui[export]"',
        """
        lwtui export guide.lw --to pdf --author "A. Author"
        lwtui export guide.lw --output chapters/guide.docx --force
        lwtui export guide.lw --to pdf --paper letter --font-size 12 --new-pages
        lwtui export guide.lw --to epub --output ~/Books --disclosure
        lwtui export guide.lw --to txt --output - | less
        """,
    )
    result.add_argument("document", type=Path, metavar="DOC.lw", help="the document")
    result.add_argument(
        "--to",
        "--format",
        dest="to",
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)} (default: by the end of the output's name)",
    )
    result.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the file to write, or a folder for it; - is standard output (default: beside the document)",
    )
    result.add_argument("--force", action="store_true", help="overwrite the file if there is one")
    result.add_argument("--title", default="", help="another title than the document's")
    result.add_argument(
        "--author", default="", help="the name on the title page (default: the document's, or the settings')"
    )
    result.add_argument("--date", default="", metavar="YYYY-MM-DD", help="the date (default: that of the last change)")
    result.add_argument("--no-contents", action="store_true", help="no table of contents (html, docx, epub, pdf)")
    result.add_argument("--no-title-page", action="store_true", help="no page for the title (html, docx, epub, pdf)")
    result.add_argument("--paper", choices=PAPERS, default=PAPERS[0], help=f"of pdf and docx (default: {PAPERS[0]})")
    result.add_argument(
        "--font-size",
        type=between(7, 24),
        default=FONT_SIZE,
        metavar="POINTS",
        help=f"of the text in a pdf (default: {FONT_SIZE:g})",
    )
    result.add_argument(
        "--new-pages",
        action=argparse.BooleanOptionalAction,
        help="each part or chapter of the top level on a new page (pdf, docx; default: where they are long)",
    )
    result.add_argument(
        "--disclosure", action="store_true", help="an appendix that says which part of the text a model wrote"
    )
    result.add_argument("--disclosure-to", type=Path, metavar="FILE.md", help="the same, as a Markdown file of its own")
    return result


def run(options: argparse.Namespace) -> int:
    path: Path = options.document
    to = _format(options)
    if not path.is_file():
        raise UsageError(f"There is no document {path}.")
    if options.disclosure_to:
        check_output(options.disclosure_to, overwrite=options.force)
    with Document.open(path, read_only=True) as document:
        chosen = _chosen(options, document)
        if options.output == "-":
            sys.stdout.write(render(document, to, chosen))
        else:
            _save(document, _output(options, document, chosen, to), to, chosen, force=options.force)
        if options.disclosure_to:
            save_report(report(document), document.title, options.disclosure_to)
            say(f"{TITLE}: {options.disclosure_to}")
    return 0


def _chosen(options: argparse.Namespace, document: Document) -> Options:
    return Options(
        title=options.title,
        author=options.author or author_of(document, load_settings().author),
        date=options.date,
        contents=not options.no_contents,
        title_page=not options.no_title_page,
        new_pages=options.new_pages,
        paper=options.paper,
        font_size=options.font_size,
        disclosure=options.disclosure,
    )


def _output(options: argparse.Namespace, document: Document, chosen: Options, to: str) -> Path:
    """The file to write: the one that was named, one in the folder that was, or one beside the document."""
    if not options.output:
        return document.path.with_suffix(f".{to}")
    output = Path(options.output).expanduser()
    return file_in(output, chosen.title or document.title, to) if output.is_dir() else output


def _save(document: Document, output: Path, to: str, chosen: Options, *, force: bool) -> None:
    check_output(output, overwrite=force)
    check_format(output, to)
    book = collect(document, chosen)
    with _progress() as work:
        save(book, output, to, work)
    say(f"{book.title}: {output}")
    for note in work.notes:
        say(f"lwtui: {note}")


@contextmanager
def _progress() -> Iterator[ExportJob]:
    """ExportJob that says on a terminal what it is at. Ctrl-C ends it, and nothing is written."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield ExportJob()
        return
    try:
        yield ExportJob(lambda text: print(f"{_CLEAR_LINE}{text} …", end="", file=sys.stderr, flush=True))
    finally:
        print(_CLEAR_LINE, end="", file=sys.stderr, flush=True)


def _format(options: argparse.Namespace) -> str:
    """The format that was asked for. Raises :class:`UsageError`."""
    to: str | None = options.to
    to_stdout = options.output == "-"
    if to is None and options.output and not to_stdout:
        return check_format(Path(options.output))
    if to is None:
        raise UsageError(f"Say which format: --to {', --to '.join(FORMATS)}.")
    if to not in FORMATS:
        raise UsageError(f"There is no format {to!r}. Known: {', '.join(FORMATS)}.")
    if to_stdout and to not in TEXT_FORMATS:
        raise UsageError(f"A .{to} file is no text to be printed. Name a file: --output FILE.{to}")
    return to

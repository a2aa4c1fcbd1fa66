"""``lwtui export DOC.lw --to FORMAT``: export a document to another format."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lwtui.cli.outputs import check_output
from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, command_parser
from lwtui.command_line.values import float_between
from lwtui.config import load_settings
from lwtui.documents.disclosure import TITLE, report, save_report
from lwtui.documents.export import (
    FONT_SIZE,
    FORMATS,
    PAPERS,
    TEXT_FORMATS,
    ExportJob,
    ExportOptions,
    author_of,
    bibliography,
    build_manuscript,
    check_format,
    cited_sources,
    export_path,
    render,
    save,
)
from lwtui.documents.export.csl_styles import BUILT_IN, DEFAULT_STYLE, find_style
from lwtui.documents.shortfalls import shortfall_line
from lwtui.documents.store import Document
from lwtui.errors import DocumentError, UsageError
from lwtui.files import write_atomically
from lwtui.translation import _

_CLEAR_LINE = "\r\x1b[K"


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "export",
        _(
            "Export a document to another format. The document does not change.\n"
            "Formulas, footnotes, tables, code and pictures from the document's folder are part of it.\n"
            'DOCX, ODT, EPUB, PDF and LaTeX need the extra, and so do formulas in HTML: pip install "lwtui[export]"'
        ),
        """
        lwtui export guide.lw --to pdf --author "A. Author"
        lwtui export guide.lw --output chapters/guide.docx --force
        lwtui export guide.lw --to pdf --paper letter --font-size 12 --new-pages
        lwtui export guide.lw --to epub --output ~/Books --disclosure
        lwtui export guide.lw --to docx --reference house-style.docx
        lwtui export guide.lw --to tex --output paper/guide.tex
        lwtui export guide.lw --to txt --output - | less
        lwtui export report.lw --to docx --csl notes --bibliography report.bib
        """,
    )
    result.add_argument("document", type=Path, metavar="DOC.lw", help=_("the document"))
    result.add_argument(
        "--to",
        "--format",
        dest="to",
        metavar="FORMAT",
        help=_("{formats} (default: by the file name extension of the output)", formats=", ".join(FORMATS)),
    )
    result.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=_("the file to write, or a folder for it; - is standard output (default: beside the document)"),
    )
    result.add_argument("--force", action="store_true", help=_("overwrite an existing file"))
    result.add_argument("--title", default="", help=_("use this title instead of the document's"))
    result.add_argument(
        "--author", default="", help=_("the name on the title page (default: from the document or the settings)")
    )
    result.add_argument(
        "--date", default="", metavar="YYYY-MM-DD", help=_("the date (default: that of the last change)")
    )
    result.add_argument(
        "--headings",
        action=argparse.BooleanOptionalAction,
        help=_("print the headings of sections, or leave them out (default: none in a letter or a speech)"),
    )
    result.add_argument("--no-contents", action="store_true", help=_("no table of contents (all but md and txt)"))
    result.add_argument("--no-title-page", action="store_true", help=_("no title page (all but md and txt)"))
    result.add_argument(
        "--paper",
        choices=PAPERS,
        default=PAPERS[0],
        help=_("paper size (docx, odt, pdf, tex; default: {default})", default=PAPERS[0]),
    )
    result.add_argument(
        "--font-size",
        type=float_between(7, 24),
        default=FONT_SIZE,
        metavar="POINTS",
        help=_("size of the text (pdf, tex; default: {default:g})", default=FONT_SIZE),
    )
    result.add_argument(
        "--new-pages",
        action=argparse.BooleanOptionalAction,
        help=_("start each chapter on a new page (docx, odt, pdf, tex; default: if chapters are long)"),
    )
    result.add_argument(
        "--reference", type=Path, metavar="FILE", help=_("a document whose styles and page setup to use (docx, odt)")
    )
    result.add_argument("--css", type=Path, metavar="FILE", help=_("a style sheet to add to lwtui's own (html, epub)"))
    result.add_argument(
        "--template",
        type=Path,
        metavar="FILE",
        help=_("a Typst file that defines template(title: none, author: none, body, ..rest) (pdf)"),
    )
    result.add_argument(
        "--csl",
        default="",
        metavar="STYLE",
        help=_(
            "the citation style: {names}, the name of a style that you have, or a .csl file (default: {default})",
            names=", ".join(BUILT_IN),
            default=DEFAULT_STYLE,
        ),
    )
    result.add_argument(
        "--bibliography", type=Path, metavar="FILE.bib", help=_("write the sources that the text cites as BibTeX, too")
    )
    result.add_argument(
        "--disclosure", action="store_true", help=_("append a report that says how much of the text a model wrote")
    )
    result.add_argument("--disclosure-to", type=Path, metavar="FILE.md", help=_("write the report to a Markdown file"))
    return result


def run(options: argparse.Namespace) -> int:
    """Export the document, and return the exit code."""
    path: Path = options.document
    to = _format(options)
    if not path.is_file():
        raise UsageError(_("There is no document {path}. Check the path.", path=path), code="not-found")
    if options.disclosure_to:
        check_output(options.disclosure_to, overwrite=options.force)
    if options.bibliography:
        check_output(options.bibliography, overwrite=options.force)
    find_style(options.csl)  # an unknown style is told at once
    with Document.open(path, read_only=True) as document:
        export_options = _export_options(options, document)
        if options.output == "-":
            job = ExportJob()
            sys.stdout.write(render(document, to, export_options, job))
            for note in job.notes:
                say(f"lwtui: {note}")
        else:
            _save(document, _output(options, document, export_options, to), to, export_options, force=options.force)
        if options.bibliography:
            _save_bibliography(document, options.bibliography)
        if options.disclosure_to:
            save_report(report(document), document.title, options.disclosure_to)
            say(f"{TITLE}: {options.disclosure_to}")
        if line := shortfall_line(document.sections()):
            say(line)
    return 0


def _export_options(options: argparse.Namespace, document: Document) -> ExportOptions:
    return ExportOptions(
        title=options.title,
        author=options.author or author_of(document, load_settings().author),
        date=options.date,
        contents=not options.no_contents,
        title_page=not options.no_title_page,
        headings=options.headings,
        new_pages=options.new_pages,
        paper=options.paper,
        font_size=options.font_size,
        disclosure=options.disclosure,
        csl=options.csl,
        reference=options.reference,
        css=options.css,
        template=options.template,
    )


def _save_bibliography(document: Document, path: Path) -> None:
    """Write the records of the cited sources as BibTeX.

    Raises:
        LwtuiError: The file cannot be written, or the text cites nothing.
    """
    sources = cited_sources(build_manuscript(document))
    if not sources:
        raise DocumentError(_("The text cites no source, so there is no bibliography."), code="no-citations")
    try:
        write_atomically(path, bibliography(sources))
    except OSError as error:
        raise DocumentError(
            _("Cannot write {path}: {strerror}. Choose another file.", path=path, strerror=error.strerror),
            code="unwritable",
        ) from None
    say(_("Bibliography: {path}", path=path))


def _output(options: argparse.Namespace, document: Document, export_options: ExportOptions, to: str) -> Path:
    """Return the file to write: as given, or in the folder that was given, or beside the document."""
    if not options.output:
        return document.path.with_suffix(f".{to}")
    output = Path(options.output).expanduser()
    return export_path(output, export_options.title or document.title, to) if output.is_dir() else output


def _save(document: Document, output: Path, to: str, export_options: ExportOptions, *, force: bool) -> None:
    check_output(output, overwrite=force)
    check_format(output, to)
    book = build_manuscript(document, export_options)
    with _progress() as job:
        save(book, output, to, job)
    say(f"{book.title}: {output}")
    for note in job.notes:
        say(f"lwtui: {note}")


@contextmanager
def _progress() -> Iterator[ExportJob]:
    """Yield a job that shows its steps if standard error is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield ExportJob()
        return
    try:
        yield ExportJob(lambda text: print(f"{_CLEAR_LINE}{text} …", end="", file=sys.stderr, flush=True))
    finally:
        print(_CLEAR_LINE, end="", file=sys.stderr, flush=True)


def _format(options: argparse.Namespace) -> str:
    """Return the format. Raises :class:`UsageError` if none was given or it is unknown."""
    to: str | None = options.to
    to_stdout = options.output == "-"
    if to is None and options.output and not to_stdout:
        return check_format(Path(options.output))
    if to is None:
        raise UsageError(_("Choose a format: --to {formats}.", formats=", --to ".join(FORMATS)), code="no-format")
    if to not in FORMATS:
        raise UsageError(
            _("There is no format {name!r}. Known: {formats}.", name=to, formats=", ".join(FORMATS)),
            code="unknown-format",
        )
    if to_stdout and to not in TEXT_FORMATS:
        raise UsageError(
            _("A .{format} file cannot go to standard output. Name a file: --output FILE.{format}", format=to),
            code="needs-file",
        )
    return to

"""``lwtui import FILE``: create a document from a file of another format."""

from __future__ import annotations

import argparse
from pathlib import Path

from lwtui.cli.outputs import check_folder
from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, command_parser
from lwtui.documents.export import export_path
from lwtui.documents.importing import create_document, project_folder, read_file
from lwtui.errors import UsageError
from lwtui.translation import _, _n


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "import",
        _(
            "Create a document from a file or folder of another program, and report what was kept and what was left "
            "out.\n"
            "Headings become sections, and pictures go into a folder beside the document; the file does not change.\n"
            "Files are read by what they are:\n\n"
            "  Markdown, also that of Obsidian, pandoc, Hugo, MultiMarkdown and novelWriter\n"
            "  plain text: lines such as Chapter 1, Prologue, 第一章 or Глава 1 become headings\n"
            "  DOCX, ODT, RTF, HTML, EPUB, FB2, LaTeX, Org, reStructuredText, AsciiDoc, Typst, DocBook, OPML, "
            "Textile,\n"
            "  MediaWiki, PPTX, notebooks (.ipynb) and pandoc's JSON\n"
            "  folders: an Obsidian vault, an mdBook, a project of novelWriter or Scrivener, or any folder of such "
            "files;\n"
            "  folders named Notes, Characters, Places or the like become notes\n\n"
            'All but Markdown and plain text need the extra: pip install "lwtui[export]"'
        ),
        """
        lwtui import notes.md
        lwtui import thesis.docx --output thesis.lw
        lwtui import novel.txt --encoding shift_jis
        lwtui import ~/Vault/Novel
        """,
    )
    result.add_argument("file", type=Path, metavar="FILE", help=_("the file or folder"))
    result.add_argument(
        "--encoding",
        default="",
        metavar="NAME",
        help=_("the encoding of a text file, such as cp1252 or gb18030 (default: UTF-8, UTF-16 or a guess)"),
    )
    result.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DOC.lw",
        help=_("the document to create, or a folder for it (default: beside the file)"),
    )
    return result


def run(options: argparse.Namespace) -> int:
    """Import the file, and return the exit code."""
    source: Path = options.file
    target = options.output or _default_target(source)
    if target.is_dir():
        target = export_path(target, source.stem, "lw")
    if target.suffix.lower() != ".lw":
        raise UsageError(
            _("The name of a document must end in .lw, which {target} does not.", target=target), code="wrong-extension"
        )
    if source.suffix.lower() == ".lw":
        raise UsageError(
            _("{source} is already a document. Open it: lwtui {source}", source=source), code="is-document"
        )
    check_folder(target.parent)
    if target.exists():
        raise UsageError(
            _("{target} already exists. Choose another name with --output.", target=target), code="already-exists"
        )
    imported = read_file(source, options.encoding)
    with create_document(imported, target) as document:
        sections = _n("{count} section", "{count} sections", len(document.sections()))
        words = _n("{count:,} word", "{count:,} words", document.words)
        say(f"{document.title}: {target} ({sections}, {words})")
    for line in imported.report.lines():
        say(line)
    return 0


def _default_target(source: Path) -> Path:
    """Return the path of a document beside the file, folder or project."""
    if folder := project_folder(source):
        folder = folder.resolve()
        return folder.with_name(f"{folder.name.removesuffix('.scriv')}.lw")
    return source.with_suffix(".lw")

"""``lwtui import FILE``: create a document from a file of another format."""

from __future__ import annotations

import argparse
from pathlib import Path

from lwtui.cli.outputs import check_folder
from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, command_parser
from lwtui.documents.export import export_path
from lwtui.documents.importing import import_file
from lwtui.errors import UsageError


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "import",
        "Create a document from a Markdown, plain text or DOCX file. Its headings become sections; the file does not\n"
        'change. DOCX needs the extra: pip install "lwtui[export]"',
        """
        lwtui import notes.md
        lwtui import thesis.docx --output thesis.lw
        """,
    )
    result.add_argument("file", type=Path, metavar="FILE", help="the .md, .txt or .docx file")
    result.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DOC.lw",
        help="the document to create, or a folder for it (default: beside the file)",
    )
    return result


def run(options: argparse.Namespace) -> int:
    """Import the file, and return the exit code."""
    source: Path = options.file
    target = options.output or source.with_suffix(".lw")
    if target.is_dir():
        target = export_path(target, source.stem, "lw")
    if target.suffix.lower() != ".lw":
        raise UsageError(f"The name of a document must end in .lw, which {target} does not.", code="wrong-extension")
    if source.suffix.lower() == ".lw":
        raise UsageError(f"{source} is already a document. Open it: lwtui {source}", code="is-document")
    check_folder(target.parent)
    if target.exists():
        raise UsageError(f"{target} already exists. Choose another name with --output.", code="already-exists")
    with import_file(source, target) as document:
        count = len(document.sections())
        sections = f"{count} section{'s' * (count != 1)}"
        say(f"{document.title}: {target} ({sections}, {document.words:,} words)")
    return 0

"""``lwtui import FILE``: a file of another program as a document."""

from __future__ import annotations

import argparse
from pathlib import Path

from lwtui.cli.outputs import check_folder
from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, command_parser
from lwtui.documents.export import file_in
from lwtui.documents.importing import import_file
from lwtui.errors import UsageError


def parser() -> Parser:
    result = command_parser(
        "import",
        "Make a document from a Markdown, plain text or DOCX file. Its headings become sections; the file stays as it\n"
        'is. DOCX needs the extra: pip install "lwtui[export]"',
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
        help="the document to make, or a folder for it (default: beside the file)",
    )
    return result


def run(options: argparse.Namespace) -> int:
    source: Path = options.file
    target = options.output or source.with_suffix(".lw")
    if target.is_dir():
        target = file_in(target, source.stem, "lw")
    if target.suffix.lower() != ".lw":
        raise UsageError(f"{target} must end in .lw to be a document.")
    if source.suffix.lower() == ".lw":
        raise UsageError(f"{source} is a document already. Open it: lwtui {source}")
    check_folder(target.parent)
    if target.exists():
        raise UsageError(f"{target} is there already. Choose another name with --output.")
    with import_file(source, target) as document:
        count = len(document.sections())
        sections = f"{count} section{'s' * (count != 1)}"
        say(f"{document.title}: {target} ({sections}, {document.words:,} words)")
    return 0

"""``lwtui export DOC.lw --to FORMAT``: a document as a file that other programs read."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lwtui.cli.guard import say
from lwtui.cli.outputs import check_output, format_of
from lwtui.cli.parser import Parser, command_parser
from lwtui.documents.export import FORMATS, export, render
from lwtui.documents.store import Document
from lwtui.errors import UsageError


def parser() -> Parser:
    result = command_parser(
        "export",
        "Turn a document into a file of another format. The document stays as it is.",
        """
        lwtui export guide.lw --to html
        lwtui export guide.lw --output chapters/guide.md --force
        lwtui export guide.lw --to txt --output - | less
        """,
    )
    result.add_argument("document", type=Path, metavar="DOC.lw", help="the document")
    result.add_argument(
        "--to", metavar="FORMAT", help=f"{', '.join(FORMATS)} (default: by the end of the output's name)"
    )
    result.add_argument(
        "--output", metavar="FILE", help="the file to write; - is standard output (default: beside the document)"
    )
    result.add_argument("--force", action="store_true", help="overwrite the file if there is one")
    return result


def run(options: argparse.Namespace) -> int:
    path: Path = options.document
    to = _format(options)
    if not path.is_file():
        raise UsageError(f"There is no document {path}.")
    to_stdout = options.output == "-"
    output = Path(options.output) if options.output and not to_stdout else path.with_suffix(f".{to}")
    if not to_stdout:
        check_output(output, overwrite=options.force)
    with Document.open(path, read_only=True) as document:
        if to_stdout:
            sys.stdout.write(render(document, to))
        else:
            export(document, output, to)
            say(f"{document.title}: {output}")
    return 0


def _format(options: argparse.Namespace) -> str:
    to: str | None = options.to
    if to is None and options.output and options.output != "-":
        return format_of(Path(options.output))
    if to is None:
        raise UsageError(f"Say which format: --to {', --to '.join(FORMATS)}.")
    if to not in FORMATS:
        raise UsageError(f"There is no format {to!r}. Known: {', '.join(FORMATS)}.")
    return to

"""``lwtui compare``: show what differs between two documents."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from lwtui.command_line.parser import Parser, command_parser
from lwtui.documents.comparison import Change, ComparedSection, compare, comparison_lines
from lwtui.documents.store import Document
from lwtui.translation import _


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "compare",
        _(
            "Show what differs between two documents, section by section: what was added, removed and changed, with "
            "the\n"
            "changes as [-old-]{+new+}. The exit code is 0 whether they differ or not."
        ),
        """
        lwtui compare draft.lw final.lw
        lwtui compare draft.lw final.lw --summary
        """,
    )
    result.add_argument("old", type=Path, metavar="OLD", help=_("a .lw document"))
    result.add_argument("new", type=Path, metavar="NEW", help=_("another .lw document, or a later copy"))
    result.add_argument("--summary", action="store_true", help=_("print a line for each section, without the texts"))
    result.add_argument("--json", action="store_true", help=_("print JSON instead of text"))
    return result


def run(options: argparse.Namespace) -> int:
    """Print the comparison, and return the exit code."""
    with Document.open(options.old, read_only=True) as old, Document.open(options.new, read_only=True) as new:
        compared = compare(old.sections(), new.sections())
    if options.json:
        rows = [_row(item, texts=not options.summary) for item in compared]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    print("\n".join(comparison_lines(compared, texts=not options.summary)))
    return 0


def _row(item: ComparedSection, *, texts: bool) -> dict[str, object]:
    row: dict[str, object] = {"change": item.change.value, "title": item.title, "gained": item.gained}
    return row | {"text": item.marked()} if texts and item.change is not Change.SAME else row

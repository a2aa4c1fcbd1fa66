"""``lwtui backups``: list the backups of a document, and restore one."""

from __future__ import annotations

import argparse
from pathlib import Path

from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, command_parser
from lwtui.documents.backups import find_backup, list_backups, restore_backup
from lwtui.translation import _, _n


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "backups",
        _(
            "List the backups of a document. The app makes one when it first opens the document on a day, in the "
            "folder\n"
            ".backups beside it, and keeps the last ones: lwtui config set backups 30 keeps 30, and 0 makes none."
        ),
        """
        lwtui backups novel.lw
        lwtui backups novel.lw --restore 2026-12-01
        """,
    )
    result.add_argument("document", type=Path, metavar="FILE.lw", help=_("the document, which may have been deleted"))
    result.add_argument("--restore", metavar="DAY", help=_("make a new document of the backup of this day"))
    return result


def run(options: argparse.Namespace) -> int:
    """List or restore, and return the exit code."""
    document: Path = options.document
    if options.restore:
        print(restore_backup(document, find_backup(document, options.restore)))
        return 0
    found = list_backups(document)
    for backup in found:
        words = _n("{count:>9,} word", "{count:>9,} words", backup.words)
        print(f"{backup.day.isoformat()}  {words}")
    if not found:
        say(_("{name} has no backups yet.", name=document.name))
    return 0

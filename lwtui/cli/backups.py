"""``lwtui backups``: list the backups of a document, and restore one."""

from __future__ import annotations

import argparse
from pathlib import Path

from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, command_parser
from lwtui.documents.backups import find_backup, list_backups, restore_backup


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "backups",
        "List the backups of a document. The app makes one when it first opens the document on a day, in the folder\n"
        ".backups beside it, and keeps the last ones: lwtui config set backups 30 keeps 30, and 0 makes none.",
        """
        lwtui backups novel.lw
        lwtui backups novel.lw --restore 2026-12-01
        """,
    )
    result.add_argument("document", type=Path, metavar="FILE.lw", help="the document, which may have been deleted")
    result.add_argument("--restore", metavar="DAY", help="make a new document of the backup of this day")
    return result


def run(options: argparse.Namespace) -> int:
    """List or restore, and return the exit code."""
    document: Path = options.document
    if options.restore:
        print(restore_backup(document, find_backup(document, options.restore)))
        return 0
    found = list_backups(document)
    for backup in found:
        print(f"{backup.day.isoformat()}  {backup.words:>9,} words")
    if not found:
        say(f"{document.name} has no backups yet.")
    return 0

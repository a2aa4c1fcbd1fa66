"""Backups by day: a copy of a document as it was when it was first opened on a day, in ``.backups`` beside it."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lwtui.documents.database import check_header, connect_reader, copy_database, document_error
from lwtui.documents.library import new_path, read_entry
from lwtui.errors import DocumentError
from lwtui.translation import _

FOLDER = ".backups"


@dataclass(frozen=True)
class Backup:
    """A backup of a document.

    Attributes:
        path: Its file.
        day: The day on which it was made.
        words: The length of its text.
    """

    path: Path
    day: date
    words: int


def back_up_today(document: Path, keep: int, today: date | None = None) -> Path | None:
    """Back a document up, unless there is a backup of today or nothing has changed since the last one.

    Args:
        document: The document.
        keep: How many backups of it to keep; the oldest are removed. 0 makes none.
        today: The day, if it is another one.

    Returns:
        The new backup, or ``None``.

    Raises:
        DocumentError: The backup cannot be written.
    """
    day = today or date.today()
    folder = document.parent / FOLDER / document.stem
    path = folder / f"{day.isoformat()}.lw"
    if keep < 1 or path.exists():
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        earlier = _files(folder)
        if earlier and not _differs(document, earlier[-1]):
            return None
        _copy(document, path)
        for old in _files(folder)[:-keep]:
            old.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        raise document_error(error, path) from error
    return path


def list_backups(document: Path) -> list[Backup]:
    """List the backups of a document, the newest first. The document itself may be gone."""
    folder = document.parent / FOLDER / document.stem
    return [Backup(path, date.fromisoformat(path.stem), read_entry(path).words) for path in reversed(_files(folder))]


def restore_backup(document: Path, backup: Backup) -> Path:
    """Make a new document of a backup, beside the document, which stays as it is.

    Returns:
        Its path.

    Raises:
        DocumentError: The backup is damaged, or the new document cannot be written.
    """
    check_header(backup.path)
    target = new_path(document.parent, f"{document.stem} {backup.day.isoformat()}")
    try:
        _copy(backup.path, target)
    except (OSError, sqlite3.Error) as error:
        raise document_error(error, target) from error
    return target


def find_backup(document: Path, day: str) -> Backup:
    """Find the backup of a day such as ``2026-12-01``.

    Raises:
        DocumentError: There is none; the message lists those that there are.
    """
    found = list_backups(document)
    for backup in found:
        if backup.day.isoformat() == day:
            return backup
    days = ", ".join(backup.day.isoformat() for backup in found) or "none"
    raise DocumentError(
        _("{name} has no backup of {day}. Its backups: {days}.", name=document.name, day=day, days=days),
        code="not-found",
    )


def _files(folder: Path) -> list[Path]:
    """Return the backups in a folder, the oldest first."""
    found = []
    with suppress(OSError):
        for path in folder.glob("*.lw"):
            with suppress(ValueError):
                date.fromisoformat(path.stem)
                found.append(path)
    return sorted(found)


def _differs(document: Path, backup: Path) -> bool:
    """Tell whether a document has changed since a backup; opening it changes the file, but not its contents."""
    entries = read_entry(document), read_entry(backup)
    return any(entry.problem for entry in entries) or entries[0].changed != entries[1].changed


def _copy(source: Path, target: Path) -> None:
    """Copy a document, with what other processes have written to its log so far, in one step."""
    with closing(connect_reader(source)) as db:
        copy_database(db, target)

"""Upgrade of older files when they are opened. A backup of the old file stays beside them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from lwtui.documents.database import copy_database, newer_format_error, transaction
from lwtui.documents.schema import UPGRADES, VERSION, split_statements
from lwtui.translation import _


def upgrade(db: sqlite3.Connection, path: Path) -> None:
    """Upgrade the file of a writer's connection to the current version, completely or not at all.

    Raises:
        sqlite3.Error: The file cannot be upgraded, and is unchanged.
        OSError: The backup cannot be written; the file is unchanged.
        DocumentError: The upgrade cannot be stored, or the file is of a newer version; the file is unchanged.
    """
    found = _version(db, path)
    if found == VERSION:
        return
    back_up(db, path, found)
    with transaction(db, path):
        _apply(db, found)


def upgraded_reader(db: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """Return a reader's connection, or for an older file, a connection to an upgraded copy in memory.

    Raises:
        sqlite3.Error: The copy cannot be upgraded.
        DocumentError: The file is of a newer version.
    """
    found = _version(db, path)
    if found == VERSION:
        return db
    copy = sqlite3.connect(":memory:", isolation_level=None)
    try:
        db.backup(copy)
        _apply(copy, found)
    except BaseException:
        copy.close()
        raise
    db.close()
    return copy


def back_up(db: sqlite3.Connection, path: Path, version: int) -> Path:
    """Back up the file as ``NAME.lw.v1.bak``, with a number if that name is taken; the path of the backup."""
    number = 1
    target = path.with_name(f"{path.name}.v{version}.bak")
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.v{version}.{number}.bak")
    copy_database(db, target)
    return target


def _version(db: sqlite3.Connection, path: Path) -> int:
    """Return the version as the connection sees it. The header of the file may be older than its log."""
    (found,) = db.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        raise newer_format_error(path, found)
    if found < 1:
        raise sqlite3.DatabaseError(_("unexpected contents, format {version}", version=found))
    return int(found)


def _apply(db: sqlite3.Connection, found: int) -> None:
    for version in range(found + 1, VERSION + 1):
        for statement in split_statements(UPGRADES[version]):
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {VERSION}")

"""Files of older versions: brought up to date when they are opened, with a copy of the old file kept beside them."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from lwtui.documents.database import newer, sync_folder, transaction
from lwtui.documents.schema import UPGRADES, VERSION, statements
from lwtui.files import new_file_mode


def upgrade(db: sqlite3.Connection, path: Path) -> None:
    """Bring the file behind a writer's connection up to date: all of it, or nothing.

    Raises ``sqlite3.Error``, ``OSError`` or :class:`lwtui.errors.DocumentError`; the file is then as it was.
    """
    found = _version(db, path)
    if found == VERSION:
        return
    back_up(db, path, found)
    with transaction(db, path):
        _apply(db, found)


def upgraded_to_read(db: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """A reader's connection itself, or one to a copy in memory that is up to date, while the file stays as it is."""
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
    """Keep the file as it is now under the name ``NAME.lw.v1.bak``, or with a number if that is taken; its path."""
    handle, name = tempfile.mkstemp(prefix=".backup-", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        with closing(sqlite3.connect(temporary, isolation_level=None)) as copy:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # so that it is one file, whatever the document is now
        temporary.chmod(new_file_mode())
        number = 1
        target = path.with_name(f"{path.name}.v{version}.bak")
        while target.exists():
            number += 1
            target = path.with_name(f"{path.name}.v{version}.{number}.bak")
        temporary.rename(target)
        sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()
    return target


def _version(db: sqlite3.Connection, path: Path) -> int:
    """As the connection sees it, with what stands in a log: the file's own header may be older."""
    (found,) = db.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        raise newer(path, found)
    if found < 1:
        raise sqlite3.DatabaseError(f"unexpected contents, format {found}")
    return int(found)


def _apply(db: sqlite3.Connection, found: int) -> None:
    for version in range(found + 1, VERSION + 1):
        for statement in statements(UPGRADES[version]):
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {VERSION}")

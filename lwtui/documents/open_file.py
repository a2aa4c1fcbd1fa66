"""A document's file while it is open: who may write it, its transactions, and how it is let go of."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from time import time

from lwtui.documents import section_rows
from lwtui.documents.contents import Contents, load
from lwtui.documents.database import (
    SIDE_FILES,
    check_header,
    close_writer,
    connect_reader,
    connect_writer,
    explain,
    is_unwritable,
    transaction,
)
from lwtui.documents.upgrade import upgrade, upgraded_to_read
from lwtui.errors import DocumentError
from lwtui.files import FileLock, Locked


class OpenFile:
    """Without a ``lock`` it is only read, and ``reason`` is the line that says why."""

    def __init__(self, path: Path, db: sqlite3.Connection, lock: FileLock | None, reason: str = "") -> None:
        self.path = path
        self.reason = reason
        self._db: sqlite3.Connection | None = db
        self._lock = lock

    @property
    def read_only(self) -> bool:
        return self._lock is None

    @property
    def closed(self) -> bool:
        return self._db is None

    @property
    def db(self) -> sqlite3.Connection:
        """The connection. Raises :class:`DocumentError` once the file is closed."""
        if self._db is None:
            raise DocumentError(f"{self.path.name} is closed. Open it again.")
        return self._db

    def check_writable(self) -> None:
        """Raise :class:`DocumentError` if the file is only read."""
        if self.read_only:
            raise DocumentError(f"{self.path.name} cannot be changed. {self.reason}")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Raises :class:`DocumentError` if what is asked for cannot be read."""
        try:
            yield self.db
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    @contextmanager
    def change(self, *, seen: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction. The caller brings the memory up to date after it, so that the two agree.

        ``seen``: it is a change of the document to the library too, which tells when the last one was.
        """
        self.check_writable()
        with transaction(self.db, self.path) as db:
            yield db
            if seen:
                db.execute("UPDATE document SET changed = ?", (time(),))

    def close(self) -> None:
        """Let go of the file. Does nothing the second time."""
        db, self._db = self._db, None
        if db is None:
            return
        if self._lock is None:
            db.close()
        else:
            close_writer(db)
            self._lock.release()


def open_file(path: Path, *, read_only: bool) -> tuple[OpenFile, Contents]:
    """Open a document for writing, or for reading where that was asked for or nothing else can be done."""
    check_header(path)
    if read_only:
        return _open_to_read(path, "It was opened for reading only.")
    try:
        lock = FileLock.acquire(path)
    except Locked as holder:
        return _open_to_read(path, f"It is open {holder}. Close it there to write here.", live=True)
    except OSError as error:
        return _open_to_read(path, f"Its folder may not be written ({error.strerror}).")
    try:
        return _open_to_write(path, lock)
    except BaseException as error:
        lock.release()
        if isinstance(error, DocumentError) and is_unwritable(error):
            return _open_to_read(path, str(error))
        raise


def open_new(path: Path) -> OpenFile:
    """Open a file that was just built, whose contents are known.

    Raises:
        DocumentError: It cannot be opened for writing, and is taken away again.
    """
    try:
        lock = FileLock.acquire(path)
        try:
            return OpenFile(path, connect_writer(path), lock)
        except BaseException:
            for leftover in (path, *(Path(f"{path}{side}") for side in SIDE_FILES)):
                with suppress(OSError):
                    leftover.unlink()  # or the next try would find it in its way
            lock.release()
            raise
    except Locked as holder:
        raise DocumentError(f"{path} is open {holder} already.") from None
    except (sqlite3.Error, OSError) as error:
        raise explain(error, path) from error


def _open_to_write(path: Path, lock: FileLock) -> tuple[OpenFile, Contents]:
    try:
        db = connect_writer(path)
        try:
            upgrade(db, path)
            contents = load(db)
            _recover(db, path, contents)
        except BaseException:
            db.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise explain(error, path) from error
    return OpenFile(path, db, lock), contents


def _open_to_read(path: Path, reason: str, *, live: bool = False) -> tuple[OpenFile, Contents]:
    """``live``: another process may be streaming into it, so what is being written is not interrupted."""
    try:
        db = connect_reader(path)
        try:
            db = upgraded_to_read(db, path)
            contents = load(db)
        except BaseException:
            db.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise explain(error, path) from error
    if not live:
        for section_id, stream in contents.streams.items():
            kept = contents.sections[section_id]
            contents.sections[section_id] = replace(kept, section=stream.result(kept.section))
        contents.streams.clear()
    return OpenFile(path, db, None, reason), contents


def _recover(db: sqlite3.Connection, path: Path, contents: Contents) -> None:
    """Sections whose writer died keep what the journal has of them, as interrupted."""
    if not contents.streams:
        return
    with transaction(db, path):
        ended = {
            section_id: section_rows.end_stream(db, contents.sections[section_id], stream)
            for section_id, stream in contents.streams.items()
        }
    contents.sections.update(ended)
    contents.streams.clear()

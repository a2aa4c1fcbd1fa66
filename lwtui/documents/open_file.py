"""The file of an open document: its lock, its connection and its transactions."""

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
    document_error,
    is_unwritable,
    transaction,
)
from lwtui.documents.upgrade import upgrade, upgraded_reader
from lwtui.errors import DocumentError
from lwtui.files import FileLock, FileLocked
from lwtui.translation import _


class OpenFile:
    """The file of an open document. It is read-only without a ``lock``; then ``reason`` says why."""

    def __init__(self, path: Path, db: sqlite3.Connection, lock: FileLock | None, reason: str = "") -> None:
        self.path = path
        self.reason = reason
        self._db: sqlite3.Connection | None = db
        self._lock = lock

    @property
    def read_only(self) -> bool:
        """Whether the file cannot be changed."""
        return self._lock is None

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` has been called."""
        return self._db is None

    @property
    def db(self) -> sqlite3.Connection:
        """The connection.

        Raises:
            DocumentError: The file is closed.
        """
        if self._db is None:
            raise DocumentError(_("{name} is closed. Open it again.", name=self.path.name), code="closed")
        return self._db

    def check_writable(self) -> None:
        """Check that the file can be changed.

        Raises:
            DocumentError: It is read-only.
        """
        if self.read_only:
            raise DocumentError(
                _("{name} cannot be changed. {reason}", name=self.path.name, reason=self.reason), code="read-only"
            )

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Provide the connection for queries.

        Raises:
            DocumentError: The file is closed, or a query fails.
        """
        try:
            yield self.db
        except sqlite3.Error as error:
            raise document_error(error, self.path) from error

    @contextmanager
    def change(self, *, touch: bool = True) -> Iterator[sqlite3.Connection]:
        """Run the block as one transaction. The caller updates the contents in memory after it.

        Args:
            touch: Whether the library shows it as a change of the document.

        Raises:
            DocumentError: The file is read-only or closed, or the transaction cannot be stored.
        """
        self.check_writable()
        with transaction(self.db, self.path) as db:
            yield db
            if touch:
                db.execute("UPDATE document SET changed = ?", (time(),))

    def close(self) -> None:
        """Close the file and release its lock. A second call does nothing."""
        db, self._db = self._db, None
        if db is None:
            return
        if self._lock is None:
            db.close()
        else:
            close_writer(db)
            self._lock.release()


def open_file(path: Path, *, read_only: bool) -> tuple[OpenFile, Contents]:
    """Open a document for writing, or for reading if ``read_only`` is set or it cannot be written.

    Raises:
        DocumentError: The document cannot be read, or is damaged.
    """
    check_header(path)
    if read_only:
        return _open_to_read(path, _("It is open for reading only."))
    try:
        lock = FileLock.acquire(path)
    except FileLocked as holder:
        return _open_to_read(path, _("It is open {holder}. Close it there to write here.", holder=holder), live=True)
    except OSError as error:
        return _open_to_read(path, _("Its folder is not writable ({reason}).", reason=error.strerror))
    try:
        return _open_to_write(path, lock)
    except BaseException as error:
        lock.release()
        if isinstance(error, DocumentError) and is_unwritable(error):
            return _open_to_read(path, str(error))
        raise


def open_new(path: Path) -> OpenFile:
    """Open a file that was just created, for writing.

    Raises:
        DocumentError: It cannot be opened for writing. The file has been removed again.
    """
    try:
        lock = FileLock.acquire(path)
        try:
            return OpenFile(path, connect_writer(path), lock)
        except BaseException:
            for leftover in (path, *(Path(f"{path}{side}") for side in SIDE_FILES)):
                with suppress(OSError):
                    leftover.unlink()  # it would be in the way of the next attempt
            lock.release()
            raise
    except FileLocked as holder:
        raise DocumentError(
            _("{path} is already open {holder}. Close it there first.", path=path, holder=holder), code="open-elsewhere"
        ) from None
    except (sqlite3.Error, OSError) as error:
        raise document_error(error, path) from error


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
        raise document_error(error, path) from error
    return OpenFile(path, db, lock), contents


def _open_to_read(path: Path, reason: str, *, live: bool = False) -> tuple[OpenFile, Contents]:
    """Open a document for reading. In a ``live`` document, another process may be streaming text."""
    try:
        db = connect_reader(path)
        try:
            db = upgraded_reader(db, path)
            contents = load(db)
        except BaseException:
            db.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise document_error(error, path) from error
    if not live:
        for section_id, stream in contents.streams.items():
            stored = contents.sections[section_id]
            contents.sections[section_id] = replace(stored, section=stream.result(stored.section))
        contents.streams.clear()
    return OpenFile(path, db, None, reason), contents


def _recover(db: sqlite3.Connection, path: Path, contents: Contents) -> None:
    """Recover sections whose writer died: they are PARTIAL, with the text in the journal."""
    if not contents.streams:
        return
    with transaction(db, path):
        ended = {
            section_id: section_rows.end_stream(db, contents.sections[section_id], stream)
            for section_id, stream in contents.streams.items()
        }
    contents.sections.update(ended)
    contents.streams.clear()

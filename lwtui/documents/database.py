"""Connections to a ``.lw`` file, and its errors in words.

While it is written, a document is in WAL mode, so that others can read it meanwhile. At rest it is one plain file:
the writer turns WAL off when it closes.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copyfile
from urllib.parse import quote

from lwtui.documents.schema import APPLICATION_ID, VERSION
from lwtui.errors import DocumentError
from lwtui.text import clean

_PATIENCE = 1.0  # seconds that a lock of another program is waited for
SIDE_FILES = ("-wal", "-shm", "-journal")
_UNWRITABLE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_IOERR,
}


def check_header(path: Path) -> None:
    """Raise :class:`DocumentError` unless ``path`` begins like a document that this version can read."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        raise DocumentError(f"There is no document at {path}. Check the path.") from None
    except IsADirectoryError:
        raise DocumentError(f"{path} is a folder, not a document. Name a .lw file.") from None
    except OSError as error:
        raise DocumentError(f"Cannot read {path}: {error.strerror}. Check the path and its permissions.") from None
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise DocumentError(f"{path} is not a lwtui document. Markdown and plain text can be imported instead.")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise DocumentError(f"{path} is a database of another program, not a lwtui document.")
    version = int.from_bytes(header[60:64], "big")
    if version > VERSION:
        raise newer(path, version)


def newer(path: Path, version: int) -> DocumentError:
    """The error for a file whose format is newer than this program knows."""
    return DocumentError(
        f"{path} was written by a newer version of lwtui (format {version}, this one reads {VERSION}): "
        "update lwtui to open it."
    )


def _as_text(stored: bytes) -> str:
    """Text of a file that anybody may have made: nothing of it may drive a terminal."""
    try:
        return clean(stored.decode("utf-8"))
    except UnicodeDecodeError:
        raise sqlite3.DatabaseError("it holds text that is not UTF-8") from None


def connect_writer(path: Path) -> sqlite3.Connection:
    """A connection for the one writer. Raises ``sqlite3.Error``."""
    db = sqlite3.connect(f"{_uri(path)}?mode=rw", uri=True, isolation_level=None, timeout=_PATIENCE)
    db.text_factory = _as_text
    try:
        _check_schema(db)
        _quick_check(db)  # first: a damaged file is left as it is
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA journal_mode = WAL")
        # NORMAL would be enough against kill -9, but after a power cut it may lose the last transactions. FULL
        # syncs the log at each one, which is cheap here: a stream is journalled about twice a second.
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")  # fails here, not at the first change, where the file may not be written
        db.execute("ROLLBACK")
    except BaseException:
        db.close()
        raise
    return db


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads, also while another process writes. Raises ``sqlite3.Error`` or ``OSError``."""
    try:
        db = _reader(f"{_uri(path)}?mode=ro")
    except sqlite3.OperationalError as error:
        if primary_code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR):
            raise
        # SQLite cannot make its side files here.
        db = _copy_reader(path) if _has_log(path) else _reader(f"{_uri(path)}?immutable=1")
    try:
        _quick_check(db)
    except BaseException:
        db.close()
        raise
    return db


def connect_glance(path: Path) -> sqlite3.Connection:
    """A connection for one quick look that leaves no side files. Raises ``sqlite3.Error`` or ``OSError``."""
    if _has_log(path):
        try:
            return _reader(f"{_uri(path)}?mode=ro")
        except sqlite3.OperationalError:
            return _copy_reader(path)
    return _reader(f"{_uri(path)}?immutable=1")


def connect_memory() -> sqlite3.Connection:
    """A connection to a database in memory, of which text is read as from a file."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.text_factory = _as_text
    return db


def close_writer(db: sqlite3.Connection) -> None:
    """Close the writer's connection; the document becomes a single file unless someone is reading it."""
    with suppress(sqlite3.Error):  # a reader keeps WAL in use: the next writer finds it so
        db.execute("PRAGMA busy_timeout = 0")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode = DELETE")
    db.close()


@contextmanager
def transaction(db: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """All or nothing. Raises :class:`DocumentError` if it cannot be stored."""
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:  # SQLite itself rolls back after some errors
                db.execute("ROLLBACK")
            raise
    except (sqlite3.Error, OSError) as error:
        raise explain(error, path) from error


@contextmanager
def as_lwtui_writes() -> Iterator[None]:
    """Raises ``sqlite3.Error`` for contents of a file that no version of lwtui would have written."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, DocumentError) as error:
        raise sqlite3.DatabaseError(f"unexpected contents, {error}") from error


def explain(error: sqlite3.Error | OSError, path: Path) -> DocumentError:
    """What went wrong with ``path``, in one line that says what to do."""
    name = path.name
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _disk_full(name)
        return DocumentError(f"Cannot write {path}: {error.strerror}. Check the folder and its permissions.")
    why = " ".join(str(error).split())  # SQLite may quote lines of the file's own description
    match primary_code(error):
        case sqlite3.SQLITE_FULL:
            return _disk_full(name)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return DocumentError(f"{path} may not be written. Check its permissions and those of its folder.")
        case sqlite3.SQLITE_CANTOPEN:
            return DocumentError(f"Cannot open {path}. Check the folder, its permissions and free space.")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return DocumentError(f"Another program keeps {name} locked. Close it there and try again.")
        case sqlite3.SQLITE_IOERR:
            return DocumentError(
                f"The disk failed while {name} was in use ({why}). Check that it is there and not full."
            )
    return DocumentError(f"{path} is damaged ({why}). Restore it from a backup; the file is left as it is.")


def is_unwritable(error: DocumentError) -> bool:
    """Whether a document that could not be opened for writing, because of ``error``, may still be readable."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return primary_code(cause) in _UNWRITABLE
    return isinstance(cause, OSError)


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its details; -1 for an error of the Python module's own."""
    code = getattr(error, "sqlite_errorcode", -1)
    return code & 0xFF if code >= 0 else -1


def sync_folder(folder: Path) -> None:
    """Make a new or renamed entry of ``folder`` last through a power cut, where the system can."""
    with suppress(OSError):  # not every file system lets a folder be synced
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _disk_full(name: str) -> DocumentError:
    return DocumentError(f"The disk is full: {name} could not be saved. Free some space and save again.")


def _uri(path: Path) -> str:
    return "file:" + quote(str(path.absolute()))


def _reader(uri: str) -> sqlite3.Connection:
    db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_PATIENCE)
    db.text_factory = _as_text
    try:
        _check_schema(db)  # opens the file
    except BaseException:
        db.close()
        raise
    return db


def _check_schema(db: sqlite3.Connection) -> None:
    """Raises ``sqlite3.Error``, also where SQLite quotes bytes in its message that Python cannot decode."""
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except UnicodeDecodeError:
        raise sqlite3.DatabaseError("its description of itself is no text") from None


def _has_log(path: Path) -> bool:
    """Whether changes stand in a write-ahead log beside the file."""
    try:
        return Path(f"{path}-wal").stat().st_size > 0
    except OSError:
        return False


def _copy_reader(path: Path) -> sqlite3.Connection:
    """Read a copy in memory: changes stand in a log that cannot be read where it is."""
    with tempfile.TemporaryDirectory(prefix="lwtui-") as folder:
        copy = Path(folder) / "copy.lw"
        copyfile(path, copy)
        copyfile(f"{path}-wal", f"{copy}-wal")
        source = sqlite3.connect(copy)
        try:
            db = connect_memory()
            source.backup(db)
        finally:
            source.close()
    return db


def _quick_check(db: sqlite3.Connection) -> None:
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(" ".join(str(verdict).split()))

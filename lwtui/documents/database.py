"""Connections to ``.lw`` files, and their errors as messages for the user.

While a document is open for writing, it is in WAL mode, so that other processes can read it. The writer turns WAL off
when it closes: at rest, a document is a single file.

WAL needs memory that processes share and locks on files. Network folders often have neither, and a service that
synchronizes a folder could copy the document without its log. There, a document has a rollback journal instead.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from shutil import copyfile
from urllib.parse import quote

from lwtui.documents.file_system import folder_kind, has_file_locks
from lwtui.documents.schema import APPLICATION_ID, VERSION
from lwtui.errors import DocumentError
from lwtui.files import move_file, new_file_mode
from lwtui.system import is_in_use
from lwtui.text import clean
from lwtui.translation import _

_LOCK_TIMEOUT = 1.0  # seconds to wait for the lock of another program
SIDE_FILES = ("-wal", "-shm", "-journal")
# Errors that SQLite has where shared memory or locks are missing.
_NO_LOG = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_BUSY}
# Errors of network folders; EREMOTEIO is known to Linux alone.
_NETWORK_FAILED = {errno.ESTALE, errno.EIO, errno.ENOLCK, getattr(errno, "EREMOTEIO", errno.EIO)}
_UNREADABLE_LOG = {*_NO_LOG, sqlite3.SQLITE_READONLY}
_UNWRITABLE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_IOERR,
}


def check_header(path: Path) -> None:
    """Check that a file is a document that this version can read, by its first bytes.

    Raises:
        DocumentError: It is not, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        if path.with_name(f".{path.name}.icloud").exists():
            raise DocumentError(
                _(
                    "{path} is in iCloud, but not on this machine. Download it in the Finder, and open it again.",
                    path=path,
                ),
                code="not-downloaded",
            ) from None
        raise DocumentError(_("There is no document at {path}. Check the path.", path=path), code="not-found") from None
    except IsADirectoryError:
        raise DocumentError(
            _("{path} is a folder, not a document. Name a .lw file.", path=path), code="is-folder"
        ) from None
    except OSError as error:
        raise DocumentError(
            _(
                "Cannot read {path}: {reason}. Check the path and its permissions.",
                path=path,
                reason=error.strerror,
            ),
            code="unreadable",
        ) from None
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise DocumentError(
            _("{path} is not a lwtui document. Markdown and plain text can be imported instead.", path=path),
            code="not-a-document",
        )
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise DocumentError(
            _("{path} is a database of another program, not a lwtui document. Name a .lw file.", path=path),
            code="other-program",
        )
    version = int.from_bytes(header[60:64], "big")
    if version > VERSION:
        raise newer_format_error(path, version)


def newer_format_error(path: Path, version: int) -> DocumentError:
    """Return the error for a file in a format that is newer than this version of lwtui."""
    return DocumentError(
        _(
            "{path} was written by a newer version of lwtui (format {version}; this version reads format {newest}). "
            "Update lwtui to open it.",
            path=path,
            version=version,
            newest=VERSION,
        ),
        code="newer-format",
    )


def _decode(stored: bytes) -> str:
    """Decode text from a file that anybody may have made, and clean it so that it cannot control a terminal."""
    try:
        return clean(stored.decode("utf-8"))
    except UnicodeDecodeError:
        raise sqlite3.DatabaseError(_("it holds text that is not UTF-8")) from None


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open a connection for the only writer.

    Raises:
        sqlite3.Error: The file cannot be opened for writing, or is damaged.
    """
    if folder_kind(path) or not has_file_locks(path):
        return _connect_with_journal(path)
    try:
        return _connect_with_log(path)
    except sqlite3.OperationalError as error:
        if primary_code(error) not in _NO_LOG:
            raise
        with suppress(sqlite3.Error):  # then the first error is the cause
            return _connect_with_journal(path)
        raise


def _connect_with_log(path: Path) -> sqlite3.Connection:
    """Open a connection in WAL mode."""
    db = sqlite3.connect(f"{_uri(path)}?mode=rw", uri=True, isolation_level=None, timeout=_LOCK_TIMEOUT)
    db.text_factory = _decode
    try:
        _check_schema(db)
        _quick_check(db)  # before anything is changed: a damaged file is left as it is
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA journal_mode = WAL")
        # NORMAL survives kill -9 but may lose the last transactions in a power cut. FULL syncs the log at every
        # transaction, which is cheap here: a stream is journaled about twice a second.
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")  # a read-only file fails here, not at its first change
        db.execute("ROLLBACK")
    except BaseException:
        db.close()
        raise
    return db


def _connect_with_journal(path: Path) -> sqlite3.Connection:
    """Open a connection with a rollback journal, which needs no shared memory, and locks only where there are any.

    Where there are none, lwtui's own :class:`lwtui.files.FileLock` keeps other writers away.
    """
    has_locks = has_file_locks(path)
    options = "mode=rw" if has_locks else "mode=rw&vfs=unix-none"  # a file system of SQLite that locks nothing
    db = sqlite3.connect(f"{_uri(path)}?{options}", uri=True, isolation_level=None, timeout=_LOCK_TIMEOUT)
    db.text_factory = _decode
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")  # reads a log that a crash left without shared memory
        _check_schema(db)
        _quick_check(db)
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA journal_mode = DELETE")
        with suppress(OSError):
            Path(f"{path}-shm").unlink()  # of an attempt in WAL mode
        db.execute("PRAGMA synchronous = EXTRA")  # in this mode, FULL may lose the last transaction in a power cut
        db.execute("PRAGMA locking_mode = NORMAL")  # other processes can read; the next statement releases the lock
        db.execute("BEGIN IMMEDIATE")
        db.execute("ROLLBACK")
        _check_schema(db)
    except BaseException:
        db.close()
        raise
    return db


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a connection for reading, which works even while another process writes.

    Raises:
        sqlite3.Error: The file cannot be opened, or is damaged.
        OSError: The file cannot be copied where that is needed.
    """
    try:
        db = _reader(f"{_uri(path)}?mode=ro")
    except sqlite3.OperationalError as error:
        if primary_code(error) == sqlite3.SQLITE_BUSY and has_file_locks(path):
            raise
        if primary_code(error) not in _UNREADABLE_LOG:
            raise
        # SQLite cannot create its side files in this folder, or lock the file.
        db = _copy_reader(path) if _has_log(path) else _reader(f"{_uri(path)}?immutable=1")
    try:
        _quick_check(db)
    except BaseException:
        db.close()
        raise
    return db


def connect_peek(path: Path) -> sqlite3.Connection:
    """Open a connection for a few quick queries, which leaves no side files behind and does not check the file.

    Raises:
        sqlite3.Error: The file cannot be opened.
        OSError: The file cannot be copied where that is needed.
    """
    if _has_log(path):
        try:
            return _reader(f"{_uri(path)}?mode=ro")
        except sqlite3.OperationalError:
            return _copy_reader(path)
    return _reader(f"{_uri(path)}?immutable=1")


def connect_memory() -> sqlite3.Connection:
    """Open a database in memory whose text is cleaned like that of a file."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.text_factory = _decode
    return db


def close_writer(db: sqlite3.Connection) -> None:
    """Close the writer's connection. The document becomes a single file unless another process is reading it."""
    with suppress(sqlite3.Error):  # a reader keeps the file in WAL mode, which the next writer can handle
        db.execute("PRAGMA busy_timeout = 0")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode = DELETE")
    db.close()


@contextmanager
def transaction(db: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """Run the block as one transaction, which is rolled back if the block fails.

    Raises:
        DocumentError: The transaction cannot be stored.
    """
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
        raise document_error(error, path) from error


@contextmanager
def checked_contents() -> Iterator[None]:
    """Turn errors from contents that no version of lwtui would have written into ``sqlite3.DatabaseError``."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, DocumentError) as error:
        raise sqlite3.DatabaseError(_("unexpected contents, {error}", error=error)) from error


def document_error(error: sqlite3.Error | OSError, path: Path) -> DocumentError:
    """Return an error that says what went wrong with ``path`` and what to do."""
    name = path.name
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return _disk_full(name)
        if is_in_use(error):
            return DocumentError(
                _("{name} is open in another program. Close it there and try again.", name=name), code="locked"
            )
        if error.errno in _NETWORK_FAILED and (kind := folder_kind(path)):
            return DocumentError(
                _(
                    "{name} is in {folder}, which failed ({reason}). Try again, or copy the document to a folder of "
                    "this machine.",
                    name=name,
                    folder=kind,
                    reason=error.strerror,
                ),
                code="network-folder",
            )
        return DocumentError(
            _(
                "Cannot write {path}: {reason}. Check the folder and its permissions.",
                path=path,
                reason=error.strerror,
            ),
            code="unwritable",
        )
    reason = " ".join(str(error).split())  # SQLite may quote lines of the schema
    is_failure = primary_code(error) in _NO_LOG - {sqlite3.SQLITE_BUSY}
    if is_failure and (kind := folder_kind(path)):
        return DocumentError(
            _(
                "{name} is in {folder}, which failed ({reason}). Try again, or copy the document to a folder of this "
                "machine.",
                name=name,
                folder=kind,
                reason=reason,
            ),
            code="network-folder",
        )
    match primary_code(error):
        case sqlite3.SQLITE_FULL:
            return _disk_full(name)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return DocumentError(
                _("{path} is not writable. Check its permissions and those of its folder.", path=path),
                code="read-only-file",
            )
        case sqlite3.SQLITE_CANTOPEN:
            return DocumentError(
                _("Cannot open {path}. Check the folder, its permissions and free space.", path=path), code="unwritable"
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return DocumentError(
                _("{name} is locked by another program. Close it there and try again.", name=name), code="locked"
            )
        case sqlite3.SQLITE_IOERR:
            return DocumentError(
                _(
                    "The disk failed while {name} was in use ({reason}). "
                    "Check that the disk is connected and not full.",
                    name=name,
                    reason=reason,
                ),
                code="disk-failed",
            )
    return DocumentError(
        _(
            "{path} is damaged ({reason}). Restore it from a backup; lwtui has not changed the file.",
            path=path,
            reason=reason,
        ),
        code="damaged",
    )


def is_unwritable(error: DocumentError) -> bool:
    """Tell whether a document that could not be opened for writing because of ``error`` may still be readable."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return primary_code(cause) in _UNWRITABLE
    return isinstance(cause, OSError)


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, or -1 for an error of the Python module itself."""
    code = getattr(error, "sqlite_errorcode", -1)
    return code & 0xFF if code >= 0 else -1


def copy_database(db: sqlite3.Connection, target: Path) -> None:
    """Write what a connection sees, with the changes in its log, to a single file, complete or not at all.

    A file that has the name ``target`` is replaced.

    Raises:
        sqlite3.Error: The database cannot be read, or the copy cannot be written.
        OSError: The copy cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=".backup-", suffix=".tmp", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        with closing(sqlite3.connect(temporary, isolation_level=None)) as copy:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # so that the copy is a single file
        temporary.chmod(new_file_mode())
        move_file(temporary, target)
        sync_folder(target.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


def sync_folder(folder: Path) -> None:
    """Flush a new or renamed entry of ``folder`` to the disk, where the file system supports it."""
    with suppress(OSError):  # not every file system can sync a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _disk_full(name: str) -> DocumentError:
    return DocumentError(
        _("The disk is full: {name} was not saved. Free some space and save again.", name=name), code="disk-full"
    )


def _uri(path: Path) -> str:
    return "file:" + quote(str(path.absolute()))


def _reader(uri: str) -> sqlite3.Connection:
    db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_LOCK_TIMEOUT)
    db.text_factory = _decode
    try:
        _check_schema(db)  # opens the file
    except BaseException:
        db.close()
        raise
    return db


def _check_schema(db: sqlite3.Connection) -> None:
    """Raise ``sqlite3.Error`` unless the schema can be read."""
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except UnicodeDecodeError:  # SQLite's message quotes the schema, and Python cannot decode it
        raise sqlite3.DatabaseError(_("its schema is not UTF-8 text")) from None


def _has_log(path: Path) -> bool:
    """Tell whether the file has a write-ahead log with changes."""
    try:
        return Path(f"{path}-wal").stat().st_size > 0
    except OSError:
        return False


def _copy_reader(path: Path) -> sqlite3.Connection:
    """Open a copy in memory, for a file whose log cannot be read in its folder."""
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

"""JSON Lines files: errors name every malformed line, and a crash loses no row.

A row is on disk before :meth:`JsonLinesFile.append` returns. If the process is killed, at most the last line is
damaged, and :meth:`JsonLinesFile.open` repairs it.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

from lwtui.errors import LwtuiError
from lwtui.files import FileLock, FileLocked, write_atomically
from lwtui.translation import _, _n

_MAX_LISTED = 10  # malformed rows
_T = TypeVar("_T")


def read_rows(path: Path, parse: Callable[[dict[str, Any]], _T]) -> list[_T]:
    """Read every row of a file; empty lines are skipped.

    Args:
        path: The file.
        parse: Converts a row, or raises ``ValueError`` with what is wrong with it.

    Raises:
        LwtuiError: The file cannot be read, or some rows are malformed. Message and notes name their lines.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise LwtuiError(_("There is no file {path}.", path=path), code="not-found") from None
    except OSError as error:
        raise LwtuiError(
            _("Cannot read {path}: {reason}.", path=path, reason=error.strerror), code="unreadable"
        ) from None
    rows, problems = [], []
    for number, line in _lines(data):
        try:
            rows.append(parse(_object(line)))
        except ValueError as error:
            problems.append(_("line {number}: {error}", number=number, error=error))
    if problems:
        raise _malformed(path, problems)
    return rows


class JsonLinesFile:
    """A JSON Lines file open for appending, locked against other writers. Close it with :meth:`close` or ``with``.

    Attributes:
        rows: All rows of the file.
        truncated: How many bytes of a half-written last line :meth:`open` removed.
    """

    def __init__(self, path: Path, lock: FileLock, descriptor: int, rows: list[dict[str, Any]], truncated: int) -> None:
        """Wrap an open file; use :meth:`open` instead."""
        self.path = path
        self.rows = rows
        self.truncated = truncated
        self._lock = lock
        self._descriptor = descriptor
        self._appending = asyncio.Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or create a file, and remove a half-written last line.

        Raises:
            LwtuiError: Another process has the file open, it cannot be written, or some rows are malformed.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock.acquire(path)
        except FileLocked as holder:
            raise LwtuiError(
                _(
                    "{path} is being written {holder}. Wait for it, or choose another --output.",
                    path=path,
                    holder=holder,
                ),
                code="open-elsewhere",
            ) from None
        except OSError as error:
            raise _unwritable(path, error) from None
        try:
            descriptor, truncated = _open_repaired(path)
        except OSError as error:
            lock.release()
            raise _unwritable(path, error) from None
        try:
            return cls(path, lock, descriptor, read_rows(path, lambda row: row), truncated)
        except BaseException:
            os.close(descriptor)
            lock.release()
            raise

    def append(self, row: dict[str, Any]) -> None:
        """Append a row. It is on disk when this returns.

        Raises:
            LwtuiError: The row cannot be written; the file is unchanged.
        """
        data = encode(row)
        size = os.fstat(self._descriptor).st_size
        try:
            _write_all(self._descriptor, data)
            os.fsync(self._descriptor)
        except OSError as error:
            os.ftruncate(self._descriptor, size)
            raise _unwritable(self.path, error) from None
        self.rows.append(row)

    async def append_async(self, row: dict[str, Any]) -> None:
        """Call :meth:`append` in a thread, so that a slow disk does not block the event loop."""
        async with self._appending:
            writing = asyncio.ensure_future(asyncio.to_thread(self.append, row))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await writing  # the caller may close the file next
                raise

    def retain(self, predicate: Callable[[dict[str, Any]], bool]) -> None:
        """Atomically remove the rows for which ``predicate`` is false."""
        rows = [row for row in self.rows if predicate(row)]
        if len(rows) == len(self.rows):
            return
        try:
            write_atomically(self.path, b"".join(map(encode, rows)))
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            raise _unwritable(self.path, error) from None
        os.close(self._descriptor)
        self._descriptor, self.rows = descriptor, rows

    def close(self) -> None:
        """Close and unlock the file. A second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def encode(row: dict[str, Any]) -> bytes:
    """Encode a row as a line."""
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _open_repaired(path: Path) -> tuple[int, int]:
    """Open a file and complete or remove its last line; return the descriptor and how many bytes were removed."""
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        if is_new:
            _sync_folder(path.parent)
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole == len(data):
            return descriptor, 0
        if _is_object(data[whole:]):  # only the newline is missing
            _write_all(descriptor, b"\n")
            truncated = 0
        else:
            os.ftruncate(descriptor, whole)
            truncated = len(data) - whole
        os.fsync(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, truncated


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            yield number, line


def _object(line: bytes) -> dict[str, Any]:
    """Parse a line; ``ValueError`` says why it is not a JSON object."""
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(_("it is not UTF-8 text (byte {byte})", byte=error.start + 1)) from None
    except json.JSONDecodeError as error:
        raise ValueError(
            _("it is not JSON: {reason} (column {column})", reason=error.msg, column=error.colno)
        ) from None
    except RecursionError:
        raise ValueError(_("it is not usable JSON: it is nested too deeply")) from None
    if not isinstance(row, dict):
        raise ValueError(_("it is not a JSON object"))
    return row


def _is_object(line: bytes) -> bool:
    try:
        _object(line)
    except ValueError:
        return False
    return True


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _sync_folder(folder: Path) -> None:
    """Make the entry of a new file durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _malformed(path: Path, problems: Iterable[str]) -> LwtuiError:
    problems = list(problems)
    message = _n(
        "{path}: {count} row is malformed. Fix or remove {problem}.",
        "{path}: {count} rows are malformed. Fix or remove {problem}.",
        len(problems),
        path=path,
        problem=problems[0],
    )
    error = LwtuiError(message, code="malformed-rows")
    for problem in problems[1:_MAX_LISTED]:
        error.add_note(f"  {problem}")
    if len(problems) > _MAX_LISTED:
        error.add_note("  " + _("and {count} more", count=len(problems) - _MAX_LISTED))
    return error


def _unwritable(path: Path, error: OSError) -> LwtuiError:
    return LwtuiError(
        _(
            "Cannot write {path}: {reason}. Check its permissions and the free space.",
            path=path,
            reason=error.strerror,
        ),
        code="unwritable",
    )

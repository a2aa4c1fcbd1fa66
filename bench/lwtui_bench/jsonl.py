"""Files of one JSON object a line: read with the number of every line that is wrong, and grown so that nothing is lost.

A row is on the disk before :meth:`JsonLines.append` returns. Whatever kills the process, what can be wrong with the
file afterwards is its last line, and :meth:`JsonLines.open` repairs that.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

from lwtui.errors import LwtuiError
from lwtui.files import FileLock, Locked, write_atomically

_MOST_SHOWN = 10
_T = TypeVar("_T")


def read_rows(path: Path, parse: Callable[[dict[str, Any]], _T]) -> list[_T]:
    """Every row of a file, as ``parse`` makes it. Empty lines are none.

    ``parse`` raises ``ValueError`` for a row that it cannot take. Raises :class:`LwtuiError` for a file that cannot
    be read, or that holds such rows: its notes name their lines and say why.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise LwtuiError(f"There is no file {path}.") from None
    except OSError as error:
        raise LwtuiError(f"Cannot read {path}: {error.strerror}.") from None
    rows, wrong = [], []
    for number, line in _lines(data):
        try:
            rows.append(parse(_object(line)))
        except ValueError as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        raise _malformed(path, wrong)
    return rows


class JsonLines:
    """A file of rows that grows. One writer at a time; close it with :meth:`close` or ``with``."""

    def __init__(self, path: Path, lock: FileLock, descriptor: int, rows: list[dict[str, Any]], cut: int) -> None:
        """For :meth:`open`. ``rows`` are those that were there; ``cut`` bytes of a last one had to go."""
        self.path = path
        self.rows = rows
        self.cut = cut
        self._lock = lock
        self._descriptor = descriptor
        self._appending = asyncio.Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or make a file; a last line that is half-written goes.

        Raises :class:`LwtuiError` where another process writes it, where it cannot be written, or where it holds
        something else than rows.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock.acquire(path)
        except Locked as holder:
            raise LwtuiError(f"{path} is being written {holder}. Wait for it, or choose another --output.") from None
        except OSError as error:
            raise _unwritable(path, error) from None
        try:
            descriptor, cut = _open_repaired(path)
        except OSError as error:
            lock.release()
            raise _unwritable(path, error) from None
        try:
            return cls(path, lock, descriptor, read_rows(path, lambda row: row), cut)
        except BaseException:
            os.close(descriptor)
            lock.release()
            raise

    def append(self, row: dict[str, Any]) -> None:
        """Add a row; it is on the disk when this returns. Raises :class:`LwtuiError`; the file is then as before."""
        data = encode(row)
        size = os.fstat(self._descriptor).st_size
        try:
            _write_all(self._descriptor, data)
            os.fsync(self._descriptor)
        except OSError as error:
            os.ftruncate(self._descriptor, size)
            raise _unwritable(self.path, error) from None
        self.rows.append(row)

    async def append_soon(self, row: dict[str, Any]) -> None:
        """:meth:`append` in a thread: the disk is slow, and the event loop has other answers to take meanwhile."""
        async with self._appending:
            writing = asyncio.ensure_future(asyncio.to_thread(self.append, row))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await writing  # the file may be closed next
                raise

    def keep(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Take out the rows that are not ``wanted``, in one step."""
        rows = [row for row in self.rows if wanted(row)]
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
        """Let go of the file. Does nothing the second time."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def encode(row: dict[str, Any]) -> bytes:
    """A row as its line."""
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _open_repaired(path: Path) -> tuple[int, int]:
    """The file's descriptor, its last line ended or cut off, and how many bytes were cut."""
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        if is_new:
            _sync_folder(path.parent)
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole == len(data):
            return descriptor, 0
        if _is_object(data[whole:]):  # only the line's end is missing
            _write_all(descriptor, b"\n")
            cut = 0
        else:
            os.ftruncate(descriptor, whole)
            cut = len(data) - whole
        os.fsync(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, cut


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            yield number, line


def _object(line: bytes) -> dict[str, Any]:
    """The object on a line; ``ValueError`` that says what else is there."""
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 text (byte {error.start + 1})") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg} (column {error.colno})") from None
    except RecursionError:
        raise ValueError("it is not JSON that can be read: it is nested too deeply") from None
    if not isinstance(row, dict):
        raise ValueError("it is not a JSON object")
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
    """Make a new file's name last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _malformed(path: Path, wrong: Iterable[str]) -> LwtuiError:
    wrong = list(wrong)
    what = "1 row" if len(wrong) == 1 else f"{len(wrong)} rows"
    error = LwtuiError(f"{path}: {what} cannot be used. Mend or remove: {wrong[0]}.")
    for line in wrong[1:_MOST_SHOWN]:
        error.add_note(f"  {line}")
    if len(wrong) > _MOST_SHOWN:
        error.add_note(f"  and {len(wrong) - _MOST_SHOWN} more")
    return error


def _unwritable(path: Path, error: OSError) -> LwtuiError:
    return LwtuiError(f"Cannot write {path}: {error.strerror}. Check its permissions and the free space.")

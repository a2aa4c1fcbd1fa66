"""One writer at a time: a lock that the system takes back when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Self


class Locked(Exception):
    """Another holder has the lock; ``str`` says who, in words."""


class WriterLock:
    """An exclusive lock on a document, in a small file beside it.

    Not on the document itself: SQLite keeps POSIX locks there, and closing a second descriptor would drop them.
    ``flock`` also tells two openings in one process apart.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, document: Path) -> Self:
        """Lock ``document``. Raises :class:`Locked`, or ``OSError`` where no lock file can be made."""
        path = lock_path(document)
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = _holder(descriptor)
                os.close(descriptor)
                raise Locked(holder) from None
            except OSError:
                os.close(descriptor)
                raise
            if _is_in_place(path, descriptor):
                break
            os.close(descriptor)  # its holder removed it between our opening and our locking: try the new one
        with suppress(OSError):  # a full disk: the lock holds without a name in it
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return cls(path, descriptor)

    def release(self) -> None:
        """Give the lock back and remove its file. Does nothing the second time."""
        if self._descriptor < 0:
            return
        with suppress(OSError):
            self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1


def lock_path(document: Path) -> Path:
    """Where the lock of ``document`` is: the same for every name that leads to the file."""
    real = document.resolve()
    return real.with_name(f".{real.name}.lock")


def _is_in_place(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _holder(descriptor: int) -> str:
    pid = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    if pid == str(os.getpid()):
        return "in this window already"
    return f"in another lwtui (process {pid})" if pid.isdigit() else "in another lwtui"

"""Atomic writes, and locks on files that only one process may write at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path
from typing import Self


def expand_user(path: str) -> Path:
    """Return a path with ``~`` replaced by the home folder; that of an unknown user stays as it is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace the contents of ``path`` in one step, flushed to the disk. Text is written as UTF-8.

    Raises:
        OSError: The file cannot be written. The old file is intact, and no partial file is left behind.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else new_file_mode()
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def new_file_mode() -> int:
    """Return the permissions of a file that this process creates."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


class FileLocked(Exception):
    """The lock is taken; ``str`` says by whom, as words that go after "is open"."""


class FileLock:
    """An exclusive lock on a file. The system releases it when the process that holds it dies.

    A small file beside the locked file carries the lock: SQLite keeps POSIX locks on the file itself, and closing a
    second descriptor would drop them. ``flock`` also works between two descriptors of one process.
    """

    def __init__(self, lock_file: Path, descriptor: int) -> None:
        self._lock_file = lock_file
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, path: Path) -> Self:
        """Lock the file at ``path``.

        Raises:
            FileLocked: Another process, or another part of this one, holds the lock.
            OSError: The lock file cannot be created.
        """
        lock_file = lock_path(path)
        while True:
            descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = _holder(descriptor)
                os.close(descriptor)
                raise FileLocked(holder) from None
            except OSError:
                os.close(descriptor)
                raise
            if _is_same_file(lock_file, descriptor):
                break
            os.close(descriptor)  # the last holder removed the file after we opened it: lock the new one
        with contextlib.suppress(OSError):  # on a full disk the lock works without a process id in its file
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return cls(lock_file, descriptor)

    def release(self) -> None:
        """Release the lock and remove its file. A second call does nothing."""
        if self._descriptor < 0:
            return
        with contextlib.suppress(OSError):
            self._lock_file.unlink()
        os.close(self._descriptor)
        self._descriptor = -1


def lock_path(path: Path) -> Path:
    """Return the path of a file's lock file, which is the same whatever symbolic link leads to the file."""
    real = path.resolve()
    return real.with_name(f".{real.name}.lock")


def _is_same_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _holder(descriptor: int) -> str:
    pid = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    if pid == str(os.getpid()):
        return "in this window already"
    return f"in another lwtui (process {pid})" if pid.isdigit() else "in another lwtui"

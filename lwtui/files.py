"""Files that are replaced in one step, and files that one process at a time may write."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path
from typing import Self


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write ``content`` beside ``path``, flush it to the disk, then put it in place in one step.

    Raises ``OSError``; the old file is then still there and no half-written one is left behind.
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
    """The permissions that this process gives a new file."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


class Locked(Exception):
    """Another holder has the lock; ``str`` says who, in words."""


class FileLock:
    """An exclusive lock on a file, held in a small file beside it. The system takes it back when its holder dies.

    Not on the file itself: SQLite keeps POSIX locks there, and closing a second descriptor would drop them. ``flock``
    also tells two openings in one process apart.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, locked: Path) -> Self:
        """Lock a file.

        Raises:
            Locked: Another holder has the lock.
            OSError: No lock file can be made.
        """
        path = lock_path(locked)
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
        with contextlib.suppress(OSError):  # a full disk: the lock holds without a name in it
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return cls(path, descriptor)

    def release(self) -> None:
        """Give the lock back and remove its file. Does nothing the second time."""
        if self._descriptor < 0:
            return
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1


def lock_path(locked: Path) -> Path:
    """Where the lock of a file is: the same for every name that leads to the file."""
    real = locked.resolve()
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

"""Atomic writes, and locks on files that only one process may write at a time."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import tempfile
from pathlib import Path
from typing import Self

from lwtui.system import WINDOWS, is_alive, lock_descriptor, open_lock_file, retry_busy
from lwtui.translation import _

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
_TRIES = 5  # to take over the lock of a dead process, which others may try too


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
        move_file(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def move_file(source: Path, target: Path) -> None:
    """Give a file the name ``target``, in place of a file that has it, as soon as no other program holds either.

    Raises:
        OSError: The file cannot be moved.
    """
    retry_busy(lambda: source.replace(target))


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
    second descriptor would drop them. The lock also holds between two descriptors of one process. In folders that have
    no such locks, as some network folders, a file that names its owner is the lock while it exists.
    """

    def __init__(self, lock_file: Path, descriptor: int, owner_file: Path | None = None) -> None:
        self._lock_file = lock_file
        self._descriptor = descriptor
        self._owner_file = owner_file

    @classmethod
    def acquire(cls, path: Path) -> Self:
        """Lock the file at ``path``.

        Raises:
            FileLocked: Another process, or another part of this one, holds the lock.
            OSError: The lock file cannot be created.
        """
        lock_file = lock_path(path)
        while True:
            descriptor = retry_busy(lambda: open_lock_file(lock_file))
            try:
                lock_descriptor(descriptor)
            except BlockingIOError:
                holder = _holder(descriptor)
                os.close(descriptor)
                raise FileLocked(holder) from None
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    os.close(descriptor)
                    raise
                try:
                    return cls(lock_file, descriptor, _own(lock_file.with_suffix(".owner")))
                except BaseException:
                    os.close(descriptor)
                    raise
            if _is_same_file(lock_file, descriptor):
                break
            os.close(descriptor)  # the last holder removed the file after we opened it: lock the new one
        with contextlib.suppress(OSError):  # on a full disk the lock works without a process id in its file
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, str(os.getpid()).encode())
        return cls(lock_file, descriptor)

    def release(self) -> None:
        """Release the lock and remove its file. A second call does nothing."""
        if self._descriptor < 0:
            return
        if WINDOWS:  # nobody can remove a file there that is open, be it in the process that locks it next
            os.close(self._descriptor)
        for file in (self._lock_file, self._owner_file):
            if file is not None:
                with contextlib.suppress(OSError):
                    file.unlink()
        if not WINDOWS:
            os.close(self._descriptor)
        self._descriptor = -1


def lock_path(path: Path) -> Path:
    """Return the path of a file's lock file, which is the same whatever symbolic link leads to the file."""
    real = path.resolve()
    return real.with_name(f".{real.name}.lock")


def _own(owner_file: Path) -> Path:
    """Create the file that is a lock while it exists. That of a dead process of this machine is replaced.

    Raises:
        FileLocked: Another process has created it.
        OSError: It cannot be created.
    """
    mine = f"{os.getpid()} {platform.node()}"
    for _try in range(_TRIES):
        try:
            descriptor = open_lock_file(owner_file, os.O_EXCL)
        except FileExistsError:
            owner = owner_file.read_text(encoding="utf-8", errors="replace") if owner_file.exists() else ""
            pid, _space, host = owner.partition(" ")
            if owner == mine:
                raise FileLocked(_("in this window already")) from None
            if host != platform.node() or (pid.isdecimal() and is_alive(int(pid))):
                raise FileLocked(_other_owner(pid, host, owner_file)) from None
            with contextlib.suppress(FileNotFoundError):
                owner_file.unlink()
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(mine)
        return owner_file
    raise FileLocked(_("in another lwtui"))


def _other_owner(pid: str, host: str, owner_file: Path) -> str:
    if host:
        return _(
            "in another lwtui (process {pid} on {host}; if that is not so, delete {file})",
            pid=pid,
            host=host,
            file=owner_file,
        )
    return _("in another lwtui (which names no process; if that is not so, delete {file})", file=owner_file)


def _is_same_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _holder(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    pid = os.read(descriptor, 32).decode("ascii", "replace").strip()
    if pid == str(os.getpid()):
        return _("in this window already")
    return _("in another lwtui (process {pid})", pid=pid) if pid.isdigit() else _("in another lwtui")

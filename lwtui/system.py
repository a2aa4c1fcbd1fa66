"""What differs between the systems: locks, processes, command lines and reserved names.

Every other module is the same on Linux, macOS and Windows, and imports no module that one of them lacks.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import sleep
from typing import Any, TypeVar

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

WINDOWS = sys.platform == "win32"

T = TypeVar("T")
# Windows keeps other processes from reading locked bytes. This one is beyond the contents of any lock file.
_LOCKED_BYTE = 2**30
_BUSY_TRIES, _BUSY_SECONDS = 10, 0.05  # virus scanners and indexers hold a new file for some milliseconds
_EDITORS = ("notepad",) if WINDOWS else ("sensible-editor", "nano", "vim", "vi")
# Variables without which no process starts, or finds its temporary folder.
SYSTEM_VARIABLES = ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP") if WINDOWS else ()
# Device names of Windows, which are no names of files there, whatever the extension.
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)")
_SHELL_SAFE = re.compile(r"[\w@%+=:,./\\~-]+")
_MAX_NAME, _LEAST_NAME, _MAX_WINDOWS_PATH = 255, 40, 259
_SHARING_VIOLATIONS = (32, 33)  # error codes of Windows
_ILLEGAL_INSTRUCTION = 0xC000001D  # the exit code of a process on Windows


def open_lock_file(path: Path, flags: int = 0) -> int:
    """Open or create a file that carries a lock, and return its descriptor, which child processes do not inherit."""
    return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | flags, 0o666)


def lock_descriptor(descriptor: int) -> None:
    """Lock an open file until the descriptor is closed or the process dies.

    The lock also holds between two descriptors of one process.

    Raises:
        BlockingIOError: Another descriptor has the lock.
        OSError: The folder of the file has no locks.
    """
    if sys.platform == "win32":
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise  # the folder has no locks
            raise BlockingIOError(*error.args) from None
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def unlock_descriptor(descriptor: int) -> None:
    """Release the lock of :func:`lock_descriptor`, which the descriptor must hold."""
    if sys.platform == "win32":
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def lock_range(descriptor: int) -> None:
    """Lock an open file in the way that databases do, to find out whether its folder allows that.

    Raises:
        OSError: It does not.
    """
    if sys.platform == "win32":
        lock_descriptor(descriptor)
    else:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_alive(pid: int) -> bool:
    """Return whether a process of this machine exists, be it another user's."""
    import psutil

    return pid > 0 and bool(psutil.pid_exists(pid))


def is_network_drive(folder: Path) -> bool:
    """Return whether Windows has a folder on another machine; ``False`` on other systems."""
    if sys.platform == "win32":
        import ctypes

        drive_remote = 4
        anchor = folder.anchor
        return anchor.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(anchor) == drive_remote
    return False


def is_own(path: Path) -> bool:
    """Return whether a file belongs to this user; on Windows, the folders of a user do.

    Raises:
        OSError: It cannot be looked at.
    """
    return WINDOWS or path.stat().st_uid == os.getuid()


def retry_busy(action: Callable[[], T]) -> T:
    """Run ``action``, and on Windows again for half a second as long as another program holds its file.

    Raises:
        OSError: That of the last try.
    """
    for _ in range(_BUSY_TRIES if WINDOWS else 0):
        try:
            return action()
        except PermissionError:
            sleep(_BUSY_SECONDS)
    return action()


def detached() -> dict[str, Any]:
    """Return the arguments with which a child process does not get the Ctrl+C of this terminal."""
    if sys.platform == "win32":
        import subprocess

        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def without_console() -> dict[str, Any]:
    """Return the arguments with which a child process opens no console window of its own."""
    if sys.platform == "win32":
        import subprocess

        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {}


def is_illegal_instruction(code: int) -> bool:
    """Return whether a process with this exit code had been compiled for another processor."""
    import signal

    return code in (-signal.SIGILL, _ILLEGAL_INSTRUCTION, _ILLEGAL_INSTRUCTION - 2**32)


def split_command(line: str) -> list[str]:
    """Divide a command line into words, as the shell of this system does.

    Raises:
        ValueError: A quote is not closed.
    """
    import shlex

    if not WINDOWS:
        return shlex.split(line)
    words = shlex.split(line, posix=False)  # where a backslash is part of a path
    return [word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word for word in words]


def join_command(words: Sequence[str]) -> str:
    """Return a command line for the shell of this system, which :func:`split_command` divides into ``words`` again."""
    return " ".join(quote_word(word) for word in words)


def quote_word(word: str) -> str:
    """Quote a word of a command line for the shell of this system where it needs that."""
    if not WINDOWS:
        from shlex import quote

        return quote(word)
    if _SHELL_SAFE.fullmatch(word):
        return word
    from subprocess import list2cmdline

    quoted = list2cmdline([word])
    return quoted if quoted.startswith('"') and quoted.endswith('"') and len(quoted) > 1 else f'"{quoted}"'


def editor_command(environment: Mapping[str, str]) -> list[str]:
    """Return the user's editor: ``$VISUAL``, ``$EDITOR``, or one that this system has; empty if there is none.

    Raises:
        ValueError: A quote in the variable is not closed.
    """
    from shutil import which

    given = environment.get("VISUAL", "").strip() or environment.get("EDITOR", "").strip()
    if not given:
        return [editor] if (editor := next(filter(which, _EDITORS), "")) else []
    program, *arguments = split_command(given) or [""]
    # Windows starts scripts such as code.cmd by their full names alone.
    return [(WINDOWS and which(program)) or program, *arguments] if program else []


def is_reserved_name(name: str) -> bool:
    """Return whether Windows has a device of this name, so that no file can have it there."""
    return _RESERVED.match(name) is not None


def max_name_length(folder: Path) -> int:
    """Return how long the name of a file in a folder may be: Windows limits the whole path."""
    if not WINDOWS:
        return _MAX_NAME
    return max(_LEAST_NAME, _MAX_WINDOWS_PATH - len(str(folder.absolute())) - 1)


def terminal_is_gone() -> bool:
    """Tell whether the terminal in which the process was started has been closed. Always false on Windows."""
    try:
        os.get_terminal_size(sys.__stdin__.fileno() if sys.__stdin__ else 0)
    except OSError as error:
        return error.errno == errno.EIO
    except ValueError:  # standard input was closed
        return False
    return False


def is_in_use(error: OSError) -> bool:
    """Return whether a file could not be moved or removed because another program of Windows has it open."""
    return getattr(error, "winerror", None) in _SHARING_VIOLATIONS


def enable_escape_sequences() -> None:
    """Have the old console of Windows act on escape sequences instead of printing them."""
    if sys.platform == "win32":
        import ctypes

        kernel, output_handles, virtual_terminal = ctypes.windll.kernel32, (-11, -12), 4
        for number in output_handles:
            handle, mode = kernel.GetStdHandle(number), ctypes.c_uint32()
            if kernel.GetConsoleMode(handle, ctypes.byref(mode)):
                kernel.SetConsoleMode(handle, mode.value | virtual_terminal)


def ui_locale() -> str:
    """Return the locale of the user interface where the system does not name it in variables; empty elsewhere."""
    if sys.platform == "win32":
        import ctypes
        import locale

        return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
    return ""

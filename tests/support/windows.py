"""Makes this process look like a base install on Windows: what only POSIX has and all extras are taken away.

The libraries that lwtui uses choose their own parts for a system as they are imported, and so they are imported before.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import importlib
import importlib.abc
import importlib.metadata
import os
import pkgutil
import re
import signal
import sys
import tomllib
import types
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]

MISSING = ("fcntl", "termios", "tty", "pty", "resource", "pwd", "grp", "syslog", "posix", "readline", "curses")
_OS = (
    *(
        "fork",
        "forkpty",
        "kill",
        "killpg",
        "getpgid",
        "setsid",
        "getuid",
        "geteuid",
        "getgid",
        "chown",
        "uname",
        "wait",
    ),
    *("sched_getaffinity", "sched_setaffinity", "sysconf", "pread", "pwrite", "openpty", "nice", "mkfifo", "statvfs"),
    *("O_CLOEXEC", "O_NONBLOCK", "O_DIRECTORY", "O_NOFOLLOW", "WNOHANG", "getloadavg", "posix_fallocate", "ctermid"),
)
_SIGNALS = (
    "SIGHUP",
    "SIGQUIT",
    "SIGKILL",
    "SIGUSR1",
    "SIGUSR2",
    "SIGALRM",
    "SIGWINCH",
    "SIGTSTP",
    "SIGCONT",
    "SIGCHLD",
)


class _Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in {*MISSING, *_EXTRAS} - set(BASE):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _modules_of(dependencies: Iterable[str]) -> set[str]:
    """Return the modules of the libraries that a list of dependencies names."""
    names = {re.split(r"[^\w.-]", line)[0].lower().replace("_", "-") for line in dependencies}
    return {
        module
        for module, distributions in importlib.metadata.packages_distributions().items()
        if not module.startswith("_") and names & {name.lower().replace("_", "-") for name in distributions}
    }


_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_EXTRAS = _modules_of(line for lines in _PROJECT["optional-dependencies"].values() for line in lines)
BASE = [*sorted(_modules_of(_PROJECT["dependencies"])), "textual.app", "textual.screen", "textual.command"]


def lwtui_modules() -> Iterator[str]:
    """List all modules of the package."""
    package = importlib.import_module("lwtui")
    for module in pkgutil.walk_packages(package.__path__, "lwtui."):
        if not module.name.endswith("__main__"):
            yield module.name


def become_windows(libraries: Iterable[str] = ("regex", "psutil")) -> None:
    """Take away what Windows lacks, from now on and for the whole process, once ``libraries`` are imported."""
    for name in libraries:
        importlib.import_module(name)
    fake = types.ModuleType("msvcrt")
    fake.LK_NBLCK = 2  # type: ignore[attr-defined]
    fake.locking = _locking  # type: ignore[attr-defined]
    sys.modules["msvcrt"] = fake
    local_drive = 3
    kernel = types.SimpleNamespace(GetDriveTypeW=lambda _root: local_drive)
    ctypes.windll = types.SimpleNamespace(kernel32=kernel)  # type: ignore[attr-defined]
    for name in MISSING:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, _Missing())
    for owner, names in ((os, _OS), (signal, _SIGNALS)):
        for name in names:
            if hasattr(owner, name):
                delattr(owner, name)
    asyncio.BaseEventLoop.add_signal_handler = asyncio.AbstractEventLoop.add_signal_handler  # type: ignore[method-assign]
    for loop in (asyncio.SelectorEventLoop, asyncio.get_event_loop_policy()._loop_factory):  # type: ignore[attr-defined]
        loop.add_signal_handler = asyncio.AbstractEventLoop.add_signal_handler
    sys.platform = "win32"


def _locking(descriptor: int, mode: int, length: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PermissionError(13, "Permission denied") from error


def without_extras(names: Sequence[str]) -> Iterator[str]:
    """Import modules by their names; yields those that fail, unless it is an extra that they miss."""
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in _EXTRAS:
                yield f"{name}: {error}"
        except (ImportError, AttributeError) as error:
            yield f"{name}: {type(error).__name__}: {error}"

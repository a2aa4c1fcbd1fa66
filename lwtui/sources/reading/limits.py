"""Limits of a child process that reads a file of unknown origin. It imports nothing but the standard library."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType


class TooSlow(BaseException):
    """A step took too much time. It is no ``Exception``, so that no library takes it for an error of its own."""


def limit_process(memory: int, seconds: int) -> None:
    """Limit the memory (bytes) and the CPU time of this process, on systems that can. Windows cannot."""
    if sys.platform == "win32":
        return
    import resource

    for limit, maximum in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (maximum, maximum))


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`TooSlow` in the block once it has taken this CPU time; on Windows, the caller's timeout must do."""
    if sys.platform == "win32":
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)

"""The reading of sources: progress, stopping, and child processes with bounded time, memory and output."""

from __future__ import annotations

import asyncio
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack, suppress
from threading import Event
from time import monotonic
from typing import Any, TypeVar

from lwtui.errors import LwtuiError

_POLL_SECONDS = 0.05  # between two checks whether to stop
_PIECE = 1 << 16  # bytes
# The variables that a child process gets. It needs no others, least of all those with API keys.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV")

_T = TypeVar("_T")


class SourceError(LwtuiError):
    """A source cannot be read."""

    code = "source"


class ReadStopped(LwtuiError):
    """The user stopped the reading of a source."""

    code = "stopped"


class ReadJob:
    """Reports the progress of reading, and can stop it. It may be used for many sources, one after the other."""

    def __init__(self, on_pages: Callable[[int, int], None] | None = None) -> None:
        """Create a job. ``on_pages`` is called with the pages of a source that are read, and all of its pages."""
        self._on_pages = on_pages
        self._stop = Event()

    def stop(self) -> None:
        """Stop reading soon, with :class:`ReadStopped`. It may be called from another thread."""
        self._stop.set()

    def check(self) -> None:
        """Check whether to go on.

        Raises:
            ReadStopped: :meth:`stop` was called.
        """
        if self._stop.is_set():
            raise ReadStopped("Reading was stopped. What was added before stays.")

    async def stoppable(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Await ``work``, and end it soon after :meth:`stop` is called.

        Raises:
            ReadStopped: :meth:`stop` was called.
        """
        task = asyncio.create_task(work)
        try:
            while not task.done():
                self.check()
                await asyncio.wait([task], timeout=_POLL_SECONDS)
            return task.result()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])

    def pages(self, done: int, total: int) -> None:
        """Report the progress within a source."""
        if self._on_pages is not None:
            self._on_pages(done, total)

    def run_children(
        self,
        module: str,
        arguments: Sequence[Sequence[str]],
        on_line: Callable[[bytes], None],
        *,
        seconds: float,
        most_bytes: int,
    ) -> list[int]:
        """Run a module in child processes, one for each list of arguments, and take the lines that they print.

        Args:
            module: The module, which limits its memory by itself.
            arguments: The arguments of each child.
            on_line: Called with each line, in the order in which they come.
            seconds: After this time the children are ended.
            most_bytes: After so many bytes of output they are ended.

        Returns:
            The exit codes; negative for a child that was ended.

        Raises:
            ReadStopped: :meth:`stop` was called.
            SourceError: No process can be started.
        """
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        with ExitStack() as ending, selectors.DefaultSelector() as selector:
            children = []
            for each in arguments:
                child = _start([sys.executable, "-P", "-m", module, *each], environment)
                ending.callback(_end, child)
                children.append(child)
                assert child.stdout is not None
                os.set_blocking(child.stdout.fileno(), False)
                selector.register(child.stdout, selectors.EVENT_READ, bytearray())
            self._take_lines(selector, on_line, monotonic() + seconds, most_bytes)
            for child in children:
                _end(child)
            return [child.returncode for child in children]

    def _take_lines(
        self, selector: selectors.BaseSelector, on_line: Callable[[bytes], None], deadline: float, most_bytes: int
    ) -> None:
        left = most_bytes
        while selector.get_map() and left > 0 and monotonic() < deadline:
            self.check()
            for key, _ in selector.select(_POLL_SECONDS):
                buffer: bytearray = key.data
                piece = os.read(key.fd, _PIECE)
                left -= len(piece)
                buffer += piece
                *lines, rest = buffer.split(b"\n")
                buffer[:] = rest
                for line in lines:
                    on_line(bytes(line))
                if not piece:
                    selector.unregister(key.fileobj)


def _start(command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        raise SourceError(
            f"No process can be started to read the source ({error.strerror}). Close other programs and try again."
        ) from None


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child process. One that has closed its output ends by itself."""
    try:
        child.wait(1.0 if child.stdout is None or child.stdout.closed else _POLL_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()

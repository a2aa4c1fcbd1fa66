"""The reading of sources: progress, stopping, and child processes with bounded time, memory and output."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack, suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import monotonic
from typing import Any, TypeVar

from lwtui.errors import LwtuiError
from lwtui.system import SYSTEM_VARIABLES, without_console
from lwtui.translation import _

_POLL_SECONDS = 0.05  # between two checks whether to stop
_EXIT_SECONDS = 5.0  # for a child to end that has closed its output
_PIECE = 1 << 16  # bytes
_MAX_WAITING = 64  # pieces that wait to be taken
# The variables that a child process gets. It needs no others, least of all those with API keys.
_ENVIRONMENT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV"),
    *SYSTEM_VARIABLES,
)

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
            raise ReadStopped(_("Reading was stopped. What was added before stays."))

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
        with ExitStack() as ending:
            # Windows can wait for no pipe, so a thread reads each.
            pieces = _Pieces()
            ending.callback(pieces.stop)
            children = []
            for number, each in enumerate(arguments):
                child = _start([sys.executable, "-P", "-m", module, *each], environment)
                ending.callback(_end, child)
                children.append(child)
                Thread(target=pieces.read, args=(child, number), daemon=True).start()
            silent = self._take_lines(pieces, len(children), on_line, monotonic() + seconds, most_bytes)
            pieces.stop()
            for number, child in enumerate(children):
                _end(child, _EXIT_SECONDS if number in silent else _POLL_SECONDS)
            return [child.returncode for child in children]

    def _take_lines(
        self, pieces: _Pieces, children: int, on_line: Callable[[bytes], None], deadline: float, most_bytes: int
    ) -> set[int]:
        """Take lines until all children have closed their output, or up to a limit. Returns which of them have."""
        left = most_bytes
        rests = [b""] * children
        silent: set[int] = set()
        while len(silent) < children and left > 0 and monotonic() < deadline:
            self.check()
            if (found := pieces.next(_POLL_SECONDS)) is None:
                continue
            number, piece = found
            left -= len(piece)
            *lines, rests[number] = (rests[number] + piece).split(b"\n")
            for line in lines:
                on_line(line)
            if not piece:
                silent.add(number)
        return silent


class _Pieces:
    """What child processes print, in the order in which it comes. Only so much of it waits to be taken."""

    def __init__(self) -> None:
        self._queue: Queue[tuple[int, bytes]] = Queue(_MAX_WAITING)
        self._stopped = Event()

    def stop(self) -> None:
        """Pass on nothing more. The children are to end now, and with them the threads that read."""
        self._stopped.set()

    def next(self, seconds: float) -> tuple[int, bytes] | None:
        """Return the number of a child and what it has printed; ``None`` if nothing comes in time."""
        try:
            return self._queue.get(timeout=seconds)
        except Empty:
            return None

    def read(self, child: subprocess.Popen[bytes], number: int) -> None:
        """Read all that a child prints, and an empty piece at its end. To be called in a thread of its own."""
        assert child.stdout is not None
        with child.stdout as pipe:
            while piece := os.read(pipe.fileno(), _PIECE):
                self._put(number, piece)
        self._put(number, b"")

    def _put(self, number: int, piece: bytes) -> None:
        while not self._stopped.is_set():
            try:
                self._queue.put((number, piece), timeout=_POLL_SECONDS)
                return
            except Full:
                continue


def _start(command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            **without_console(),
        )
    except OSError as error:
        raise SourceError(
            _(
                "No process can be started to read the source ({reason}). Close other programs and try again.",
                reason=error.strerror,
            )
        ) from None


def _end(child: subprocess.Popen[bytes], patience: float = 0.0) -> None:
    """End a child process, unless it ends by itself within ``patience`` (seconds)."""
    try:
        child.wait(patience)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()

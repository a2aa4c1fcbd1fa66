"""What the processes that run GGUFs have in common: how they are ended, what they said last, and the file's hash."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from lwtui.models.base import ModelError
from lwtui.models.llama_cpp.hashing import file_hash
from lwtui.text import clean
from lwtui.translation import _

_END_SECONDS = 15.0  # a process may have a large state to save
_MAX_LINE = 200  # characters
_MAX_REST = 1000  # bytes of a line without an end


class ChildProcess:
    """A process that ends when its standard input does. A subclass reads what it sends, and waits for its end."""

    def __init__(self, process: asyncio.subprocess.Process, max_lines: int) -> None:
        """Start to read. Of the standard error, the last ``max_lines`` are kept."""
        self._process = process
        self._stderr: deque[str] = deque(maxlen=max_lines)
        self._reader = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def last_lines(self) -> list[str]:
        """What the process said last on its standard error, without empty lines."""
        return [line for line in self._stderr if line]

    async def close(self) -> None:
        """End the process and wait for its end; calls under way fail."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await asyncio.shield(self._reader)
        except TimeoutError:
            self.kill()
            await self._reader

    def kill(self) -> None:
        """End the process at once."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def _read(self) -> None:
        """Read what the process sends until it has ended."""
        raise NotImplementedError

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        rest = b""
        while data := await self._process.stderr.read(65_536):
            *lines, rest = (rest + data).split(b"\n")
            rest = rest[-_MAX_REST:]
            self._stderr.extend(clean(line.decode("utf-8", "replace")).strip()[:_MAX_LINE] for line in lines)


@asynccontextmanager
async def hashing(path: Path, close: Callable[[], Awaitable[None]]) -> AsyncIterator[Awaitable[str]]:
    """Compute the SHA-256 of a model's file while the model is loaded within the block.

    Args:
        path: The file.
        close: Closes the model, if the block fails.

    Yields:
        The hash, to be awaited within the block.

    Raises:
        ModelError: The file cannot be read.
    """
    cancel = threading.Event()
    task = asyncio.create_task(asyncio.to_thread(file_hash, path, cancel))
    try:
        yield task
    except BaseException as error:
        cancel.set()
        await asyncio.gather(task, return_exceptions=True)
        await close()
        if isinstance(error, OSError):
            raise ModelError(
                _("Cannot read {path}: {reason}.", path=path, reason=error.strerror), kind="refused"
            ) from None
        raise

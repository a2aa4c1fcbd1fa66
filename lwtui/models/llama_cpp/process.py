"""The app's side of the worker process: starts it, talks to it, and notices its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lwtui.models.base import ModelError
from lwtui.models.child_process import ChildProcess
from lwtui.models.llama_cpp import protocol
from lwtui.models.llama_cpp.protocol import (
    CallFailed,
    GenerationDone,
    Load,
    ModelLoaded,
    PromptRead,
    PromptStarted,
    TextChunk,
    TokenCount,
    WorkerMessage,
)
from lwtui.system import detached, is_illegal_instruction
from lwtui.text import clean
from lwtui.translation import _

SPIN_COUNT = "20000"
_MAX_LINE = 2**20  # bytes
_MAX_STDERR_LINES = 20

Replies = asyncio.Queue[WorkerMessage | ModelError]

# Without GGML_NATIVE, llama.cpp uses only what every processor with AVX2 has. pip's cache of wheels knows no processor.
REBUILD = "CMAKE_ARGS=-DGGML_NATIVE=OFF pip install --force-reinstall --no-deps --no-cache-dir llama-cpp-python"


class WorkerProcess(ChildProcess):
    """A running worker process. When it dies, every pending call gets a :class:`ModelError`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__(process, _MAX_STDERR_LINES)
        self._pending: dict[int, Replies] = {0: asyncio.Queue()}
        self._last_id = 0
        self._closing = False
        self._death: ModelError | None = None
        self.loaded: ModelLoaded | None = None

    @classmethod
    async def start(cls) -> WorkerProcess:
        """Start a process.

        Raises:
            ModelError: It does not start.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "lwtui.models.llama_cpp.worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=worker_environment(),
                limit=_MAX_LINE,
                **detached(),  # Ctrl-C in the terminal is for the app alone
            )
        except OSError as error:
            raise ModelError(
                _("Cannot start a process for the model: {reason}.", reason=error.strerror),
                kind="worker",
                retryable=True,
            ) from None
        return cls(process)

    @property
    def is_alive(self) -> bool:
        """Whether the process can take calls."""
        return self._death is None and not self._closing

    async def load(self, path: Path, options: dict[str, Any]) -> ModelLoaded:
        """Open a GGUF with these fields of :class:`lwtui.models.llama_cpp.fit.LoadOptions`.

        Raises:
            ModelError: Loading failed. The process has ended or cannot be used any more.
        """
        self.send(Load(str(path), options))
        reply = await self.next(self._pending[0])
        if not isinstance(reply, ModelLoaded):
            raise ModelError(
                _("The model's process sent {name} out of turn.", name=type(reply).__name__), kind="worker"
            )
        self.loaded = reply
        return reply

    @contextmanager
    def call(self) -> Iterator[tuple[int, Replies]]:
        """Open a call: yields its id and the queue of its replies."""
        self._last_id += 1
        call_id, replies = self._last_id, Replies()
        if self._death:
            replies.put_nowait(self._death)
        self._pending[call_id] = replies
        try:
            yield call_id, replies
        finally:
            del self._pending[call_id]

    def send(self, message: WorkerMessage) -> None:
        """Send a message. If the process has died, :meth:`next` will tell."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(protocol.encode(message))

    async def next(self, replies: Replies) -> WorkerMessage:
        """Wait for the next reply to a call.

        Raises:
            ModelError: The call failed, or the process has died.
        """
        reply = await replies.get()
        if isinstance(reply, ModelError):
            raise reply
        if isinstance(reply, CallFailed):
            raise ModelError(clean(reply.message), kind=reply.kind, retryable=reply.retryable)
        return reply

    async def close(self) -> None:
        """End the process and wait for its end; calls under way fail."""
        self._closing = True
        await super().close()

    def kill(self) -> None:
        """End the process at once."""
        self._closing = True
        super().kill()

    async def _read(self) -> None:
        """Hand replies to their callers until the process ends."""
        assert self._process.stdout is not None
        stderr_reader = asyncio.create_task(self._read_stderr())
        reason = ""
        try:
            while line := await self._process.stdout.readline():
                self._dispatch(protocol.decode(line, protocol.TO_APP))
        except (protocol.ProtocolError, ValueError, ConnectionError) as error:
            reason = str(error)
            self.kill()
        code = await self._process.wait()
        await stderr_reader
        self._death = self._death_error(code, reason)
        for replies in self._pending.values():
            replies.put_nowait(self._death)

    def _dispatch(self, message: WorkerMessage) -> None:
        call_id = (
            message.id
            if isinstance(message, PromptStarted | PromptRead | TextChunk | GenerationDone | TokenCount | CallFailed)
            else 0
        )
        if call_id in self._pending:  # otherwise its caller has gone
            self._pending[call_id].put_nowait(message)

    def _death_error(self, code: int, reason: str) -> ModelError:
        if self._closing and not reason:
            return ModelError(_("The model was closed."), kind="worker", code="closed")
        return death_error(code, reason, self.last_lines[-1] if self.last_lines else "")


def worker_environment() -> dict[str, str]:
    """Return the environment of a process that computes with llama.cpp."""
    environment = os.environ.copy()
    # llama.cpp's threads wait for each other many times per token. They should spin about as long as such a wait
    # takes: the default is much longer, and on a busy machine spinning threads keep the one they wait for from
    # running.
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    environment["GGML_NO_BACKTRACE"] = "1"  # otherwise a crash waits for a debugger
    return environment


def death_error(code: int, reason: str = "", last_line: str = "") -> ModelError:
    """Return the error that tells why a model's process has ended.

    Args:
        code: Its exit code; negative for a signal.
        reason: What it did wrong, if it was ended for that.
        last_line: What it said last.
    """
    if is_illegal_instruction(code):
        return ModelError(
            _(
                "llama.cpp was compiled for another processor (illegal instruction). Compile it again: {command}",
                command=REBUILD,
            ),
            kind="worker",
            code="wrong-processor",
        )
    how = reason or (
        _("killed by {signal}", signal=_signal_name(-code)) if code < 0 else _("exit code {code}", code=code)
    )
    last = _(" Its last output: {line}", line=last_line) if last_line else ""
    return ModelError(
        _("The model's process has ended ({how}).{last}", how=how, last=last), kind="worker", retryable=True
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return _("signal {number}", number=number)

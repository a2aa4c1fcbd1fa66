"""The model process as the app sees it: started, spoken to, and its end noticed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lwtui.models.base import ModelError
from lwtui.models.llama_cpp import protocol
from lwtui.models.llama_cpp.protocol import Begun, Counted, Done, Failed, Load, Loaded, Message, Read, Text
from lwtui.text import clean

SPIN_COUNT = "20000"
_MOST_LINE = 2**20  # bytes
_MOST_KEPT = 20  # lines of what native code printed
_GOODBYE_SECONDS = 15.0  # a large state may have to be saved

Answers = asyncio.Queue[Message | ModelError]


class WorkerProcess:
    """One running model process. When it dies, every call that waits gets a :class:`ModelError`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting: dict[int, Answers] = {0: asyncio.Queue()}
        self._last_id = 0
        self._printed: deque[str] = deque(maxlen=_MOST_KEPT)
        self._closing = False
        self._death: ModelError | None = None
        self._reader = asyncio.create_task(self._read())
        self.loaded: Loaded | None = None

    @classmethod
    async def start(cls) -> WorkerProcess:
        """Start a process. Raises :class:`ModelError`."""
        environment = os.environ.copy()
        # Threads that wait for each other spin for about as long as a step within a token takes. By default it is much
        # longer, which on a busy machine keeps the one that they wait for from running.
        if "OMP_WAIT_POLICY" not in environment:
            environment.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
        environment["GGML_NO_BACKTRACE"] = "1"  # or a crash would wait for a debugger
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "lwtui.models.llama_cpp.worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment,
                limit=_MOST_LINE,
                start_new_session=True,  # Ctrl-C in the terminal is for the app
            )
        except OSError as error:
            raise ModelError(
                f"Cannot start a process for the model: {error.strerror}.", kind="worker", retryable=True
            ) from None
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._death is None and not self._closing

    async def load(self, path: Path, wishes: dict[str, Any]) -> Loaded:
        """Open a GGUF. Raises :class:`ModelError`; the process has then ended or is of no use."""
        self.send(Load(str(path), wishes))
        answer = await self.next(self._waiting[0])
        if not isinstance(answer, Loaded):
            raise self._off_script(answer)
        self.loaded = answer
        return answer

    @contextmanager
    def call(self) -> Iterator[tuple[int, Answers]]:
        """A number for a call, and the queue that its answers come to."""
        self._last_id += 1
        number, answers = self._last_id, Answers()
        if self._death:
            answers.put_nowait(self._death)
        self._waiting[number] = answers
        try:
            yield number, answers
        finally:
            del self._waiting[number]

    def send(self, message: Message) -> None:
        """Send a message; if the process has died, whoever waits is told so."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(protocol.encode(message))

    async def next(self, answers: Answers) -> Message:
        """The next answer to a call. Raises :class:`ModelError` for a failure, or when the process has died."""
        answer = await answers.get()
        if isinstance(answer, ModelError):
            raise answer
        if isinstance(answer, Failed):
            raise ModelError(clean(answer.message), kind=answer.kind, retryable=answer.retryable)
        return answer

    async def close(self) -> None:
        """End the process and wait for it; calls that are under way fail."""
        self._closing = True
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await asyncio.shield(self._reader)
        except TimeoutError:
            self.kill()
            await self._reader

    def kill(self) -> None:
        """End the process at once."""
        self._closing = True
        with suppress(ProcessLookupError):
            self._process.kill()

    async def _read(self) -> None:
        """Pass answers to whom they are for, until the process ends."""
        assert self._process.stdout is not None
        printing = asyncio.create_task(self._read_printed())
        why = ""
        try:
            while line := await self._process.stdout.readline():
                self._pass_on(protocol.decode(line, protocol.TO_APP))
        except (protocol.ProtocolError, ValueError, ConnectionError) as error:
            why = str(error)
            self.kill()
        code = await self._process.wait()
        await printing
        self._death = self._obituary(code, why)
        for answers in self._waiting.values():
            answers.put_nowait(self._death)

    def _pass_on(self, message: Message) -> None:
        number = message.id if isinstance(message, Begun | Read | Text | Done | Counted | Failed) else 0
        if number in self._waiting:  # else its caller has gone
            self._waiting[number].put_nowait(message)

    async def _read_printed(self) -> None:
        assert self._process.stderr is not None
        rest = b""
        while data := await self._process.stderr.read(65_536):
            *lines, rest = (rest + data).split(b"\n")
            rest = rest[-1000:]
            self._printed.extend(clean(line.decode("utf-8", "replace")).strip()[:200] for line in lines)

    def _obituary(self, code: int, why: str) -> ModelError:
        if self._closing and not why:
            return ModelError("The model was closed.", kind="worker")
        how = why or (f"killed by {_signal_name(-code)}" if code < 0 else f"exit code {code}")
        printed = [line for line in self._printed if line]
        last = f" It last said: {printed[-1]}" if printed else ""
        return ModelError(f"The process of the model has ended ({how}).{last}", kind="worker", retryable=True)

    def _off_script(self, answer: Message) -> ModelError:
        return ModelError(f"The model's process sent {type(answer).__name__} out of turn.", kind="worker")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

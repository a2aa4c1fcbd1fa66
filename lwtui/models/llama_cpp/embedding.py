"""A GGUF that makes embeddings: the app's side of its process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import weakref
from array import array
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Lock

from lwtui.config import ModelSettings
from lwtui.models.base import ModelError
from lwtui.models.embeddings import MOST_CHARACTERS, Embedded, normalized
from lwtui.models.llama_cpp import protocol
from lwtui.models.llama_cpp.embedding_worker import IDLE_SECONDS
from lwtui.models.llama_cpp.process import death_error, worker_environment
from lwtui.models.llama_cpp.protocol import CallFailed, Embed, Load, TextVectors
from lwtui.models.usage import Usage
from lwtui.system import detached
from lwtui.text import clean
from lwtui.translation import _

_LOAD_OPTIONS = ("gpu_layers", "threads")
_END_SECONDS = 5.0


class GgufEmbeddingModel:
    """A GGUF that makes vectors, in a process of its own (see :class:`lwtui.models.embeddings.EmbeddingModel`).

    The process is started by the first call. It ends by itself when nothing is asked for a while, when this object is
    dropped, and with lwtui. The next call starts another.

    Attributes:
        settings: The model's settings.
        name: What the vectors are kept under: the file's name and size, so that another file has vectors of its own.
    """

    def __init__(self, settings: ModelSettings, path: Path, idle_seconds: float = IDLE_SECONDS) -> None:
        """Create the model, without loading it.

        Args:
            settings: Its settings; ``gpu_layers`` and ``threads`` count.
            path: The file.
            idle_seconds: After this time without a call, the process ends.

        Raises:
            OSError: The file cannot be read.
        """
        self.settings = settings
        self.name = f"{path.name} ({path.stat().st_size})"
        self._path = path.absolute()
        self._idle_seconds = idle_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    @property
    def pid(self) -> int | None:
        """The id of the process, if one is running."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Return the vectors of texts.

        Raises:
            ModelError: The model cannot be loaded, or the process has ended.
        """
        canceled = Event()
        cut = [text[:MOST_CHARACTERS] for text in texts]
        call = asyncio.create_task(asyncio.to_thread(self._embed, cut, canceled))
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            canceled.set()
            self.close()  # otherwise the thread would wait for vectors that nobody wants
            await asyncio.gather(call, return_exceptions=True)
            raise

    def close(self) -> None:
        """End the process. A later call starts another."""
        if self._process is not None:
            _end(self._process)

    def _embed(self, texts: list[str], canceled: Event) -> Embedded:
        with self._lock:
            # It may have ended just now, because nothing was asked for a while.
            is_new = self._start()
            reply = self._ask(texts)
            if reply is None and not is_new and not canceled.is_set():
                self.close()
                self._start()
                reply = self._ask(texts)
            if reply is None:
                raise self._death()
        if isinstance(reply, CallFailed):
            self.close()
            raise ModelError(clean(reply.message), kind=reply.kind, retryable=reply.retryable)
        return Embedded(tuple(_vector(vector) for vector in reply.vectors), Usage(reply.tokens, 0))

    def _start(self) -> bool:
        """Start the process and have it load the model. Returns whether it is a new one."""
        if self.pid is not None:
            return False
        self.close()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "lwtui.models.llama_cpp.embedding_worker", str(self._idle_seconds)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=worker_environment(),
                **detached(),
            )
        except OSError as error:
            raise ModelError(
                _("Cannot start a process for the model: {reason}.", reason=error.strerror), kind="worker"
            ) from None
        weakref.finalize(self, _end, self._process)
        options = {name: getattr(self.settings, name) for name in _LOAD_OPTIONS}
        self._send(Load(str(self._path), options))
        return True

    def _send(self, message: Load | Embed) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(protocol.encode(message))
            self._process.stdin.flush()
        except (OSError, ValueError):
            return  # it has ended, which its answer shows

    def _ask(self, texts: list[str]) -> TextVectors | CallFailed | None:
        """Return the answer; ``None`` if the process has ended."""
        assert self._process is not None and self._process.stdout is not None
        self._send(Embed(texts))
        try:
            line = self._process.stdout.readline()
        except (OSError, ValueError):
            return None
        if not line:
            return None
        try:
            reply: TextVectors | CallFailed = protocol.decode(line, protocol.FROM_EMBEDDER)
        except protocol.ProtocolError as error:
            self.close()
            raise death_error(0, str(error)) from None
        return reply

    def _death(self) -> ModelError:
        assert self._process is not None
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return death_error(code)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process, and close its pipes."""
    process.kill()
    process.wait()


def _vector(encoded: str) -> array[float]:
    """Decode a vector.

    Raises:
        ModelError: It has no direction.
    """
    vector = array("f", b64decode(encoded))
    if sys.byteorder == "big":
        vector.byteswap()
    try:
        return normalized(vector)
    except ValueError:
        raise ModelError(_("The model makes vectors without a direction."), kind="malformed") from None

"""A GGUF on this machine as a model: the app's side of the worker process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lwtui.config import ModelSettings, cache_folder
from lwtui.models.base import (
    Capabilities,
    Finished,
    ModelError,
    PromptProgress,
    Request,
    Sampling,
    StreamPart,
    TextPiece,
    UnsurePiece,
)
from lwtui.models.child_process import hashing
from lwtui.models.llama_cpp.process import WorkerProcess
from lwtui.models.llama_cpp.protocol import (
    MAX_SEQUENCES,
    Cancel,
    CountTokens,
    Generate,
    GenerationDone,
    KeepStates,
    ModelLoaded,
    PromptRead,
    PromptStarted,
    TextChunk,
    TokenCount,
)
from lwtui.models.reasoning import ReasoningSplitter
from lwtui.models.usage import Usage
from lwtui.translation import _

_MAX_DEATHS = 3  # in a row while loading
_DEFAULTS = ModelSettings("", provider="llama_cpp", state_gb=0)
_LOAD_OPTIONS = ("context_length", "kv_type", "flash_attention", "gpu_layers", "threads")


class LlamaModel:
    """A GGUF in a worker process (see :class:`lwtui.models.base.Model`). Open it with :meth:`load`.

    If the process dies, the next call starts a new one. ``model_hash`` is the file's SHA-256.
    """

    def __init__(self, path: Path, name: str, settings: ModelSettings) -> None:
        self.name = name
        self.model_hash = ""
        self._path = path.absolute()
        self._settings = settings
        self._loaded: ModelLoaded | None = None
        self._worker: WorkerProcess | None = None
        self._starting = asyncio.Lock()
        self._deaths = 0
        self._closed = False

    @classmethod
    async def load(cls, path: Path, name: str, settings: ModelSettings = _DEFAULTS) -> LlamaModel:
        """Open a GGUF.

        Meanwhile the file's hash is computed. For a large file that is new to lwtui, this may take longer than loading.

        Args:
            path: The file.
            name: The model's name in the settings.
            settings: Options for loading; those left open are chosen to fit into memory.

        Raises:
            ModelError: The GGUF cannot be opened; the message is one line.
        """
        await asyncio.to_thread(_check_file, path)
        model = cls(path, name, settings)
        async with hashing(path, model.aclose) as sha256:
            await model._load_with_retries()
            model.model_hash = await sha256
            model._keep_states()
        return model

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do."""
        return Capabilities(
            context_length=self._loaded.context_length if self._loaded else self._settings.context_length,
            chat=self._loaded is not None and self._loaded.chat,
            completion=True,
            grammar=True,
            parallel=MAX_SEQUENCES,
            exact_tokens=True,
            sampling=Sampling(**self._loaded.sampling) if self._loaded else Sampling(),  # type: ignore[arg-type]
            weights=self._loaded.weights if self._loaded else 0,
        )

    @property
    def description(self) -> str:
        """Architecture, size and quantization in llama.cpp's words."""
        return self._loaded.description if self._loaded else ""

    @property
    def pid(self) -> int | None:
        """The id of the worker process, if one is running."""
        return self._worker.pid if self._worker and self._worker.is_alive else None

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Make one call and yield its parts; see :meth:`lwtui.models.base.Model.stream`."""
        worker = await self._running_worker()
        splitter: ReasoningSplitter | None = None
        with worker.call() as (call_id, replies):
            # Nobody shows the marks of an edited passage, and without them its tokens can be guessed.
            entropy = self._settings.mark_unsure and not request.repeats_prompt
            worker.send(_generate(call_id, request, entropy=entropy))
            usage, ended = Usage(), False
            parts: Sequence[StreamPart]
            try:
                while not ended:
                    match await worker.next(replies):
                        case PromptStarted(prompt_tokens=prompt, cached_tokens=cached, thinking=thinking):
                            usage = Usage(prompt, 0, cached)
                            splitter = ReasoningSplitter(thinking=thinking) if request.prompt.is_chat else None
                            parts = []
                        case PromptRead(tokens=tokens):
                            parts = [PromptProgress(tokens, usage.prompt)]
                        case TextChunk(text=text, completion_tokens=completion, unsure=unsure):
                            usage = replace(usage, completion=completion)
                            parts = splitter.add(text) if splitter else [TextPiece(text)]
                            parts = [*parts, *(UnsurePiece(*piece) for piece in unsure)]
                        case GenerationDone() as done:
                            ended = True
                            usage = replace(usage, completion=done.completion_tokens)
                            parts = splitter.close() if splitter else []
                        case other:
                            raise ModelError(
                                _("The model's process sent {name}.", name=type(other).__name__), kind="worker"
                            )
                    for part in parts:
                        yield replace(part, usage=usage) if isinstance(part, TextPiece) else part
                    if splitter is not None and splitter.ended:
                        break
            finally:
                if not ended:
                    worker.send(Cancel(call_id, usage.completion))
        yield Finished("length" if ended and done.reason == "length" else "stop", usage)

    async def count_tokens(self, text: str) -> int:
        """Count the tokens of ``text`` exactly, without the beginning-of-text token."""
        worker = await self._running_worker()
        with worker.call() as (call_id, replies):
            worker.send(CountTokens(call_id, text))
            reply = await worker.next(replies)
        assert isinstance(reply, TokenCount)
        return reply.tokens

    async def aclose(self) -> None:
        """End the worker process; calls under way fail."""
        self._closed = True
        if self._worker is not None:
            await self._worker.close()

    def _load_options(self) -> dict[str, Any]:
        """Return the options for loading. Loading the model again keeps its context length."""
        options = {name: getattr(self._settings, name) for name in _LOAD_OPTIONS}
        if self._loaded is not None:
            options["context_length"] = self._loaded.context_length
        return options

    def _keep_states(self) -> None:
        max_bytes = int(self._settings.state_gb * 2**30)
        if self._worker is not None and max_bytes and self.model_hash:
            self._worker.send(KeepStates(str(cache_folder() / "kv"), self.model_hash, max_bytes))

    async def _load_with_retries(self) -> None:
        while True:
            try:
                await self._running_worker()
                return
            except ModelError as error:
                if not error.retryable:
                    raise

    async def _running_worker(self) -> WorkerProcess:
        """Return the worker process; start a new one if it has died.

        Raises:
            ModelError: The model is closed or cannot be loaded.
        """
        async with self._starting:
            if self._closed:
                raise ModelError(_("The model was closed."), kind="worker", code="closed")
            if self._worker is None or not self._worker.is_alive:
                self._worker = await self._start_worker()
                self._keep_states()
            return self._worker

    async def _start_worker(self) -> WorkerProcess:
        worker = await WorkerProcess.start()
        try:
            self._loaded = await worker.load(self._path, self._load_options())
        except ModelError as error:
            await worker.close()
            if not error.retryable:
                raise
            self._deaths += 1
            raise self._died_while_loading(error) from None
        except BaseException:
            worker.kill()
            await worker.close()
            raise
        self._deaths = 0
        return worker

    def _died_while_loading(self, error: ModelError) -> ModelError:
        if self._deaths < _MAX_DEATHS:
            return error
        return ModelError(
            _(
                "The model's process ended {times} times while it loaded {path}. Free some memory, lower "
                "context_length, or use a smaller model. {error}",
                times=self._deaths,
                path=self._path,
                error=error,
            ),
            kind="worker",
            code="died-while-loading",
        )


def _generate(call_id: int, request: Request, *, entropy: bool) -> Generate:
    return Generate(
        id=call_id,
        max_tokens=request.max_tokens,
        text=request.prompt.text,
        messages=[[message.role, message.content] for message in request.prompt.messages],
        stop=list(request.stop),
        sampling=request.sampling.to_dict(),
        seed=request.seed,
        grammar=request.grammar,
        min_words=request.min_words,
        repeats_prompt=request.repeats_prompt,
        penalized=request.penalized,
        entropy=entropy,
    )


def _check_file(path: Path) -> None:
    """Check what can be checked without llama.cpp, whose own messages are less plain.

    Raises:
        ModelError: The file is not a GGUF that can be read.
    """
    try:
        if path.is_dir():
            raise ModelError(
                _("{path} is a folder: give the path of a GGUF file in it.", path=path),
                kind="unknown-model",
                code="is-folder",
            )
        with path.open("rb") as file:
            magic = file.read(4)
    except FileNotFoundError:
        raise ModelError(
            _("There is no file {path}. Check the model's path.", path=path), kind="unknown-model", code="not-found"
        ) from None
    except OSError as error:
        raise ModelError(_("Cannot read {path}: {reason}.", path=path, reason=error.strerror), kind="refused") from None
    if magic != b"GGUF":
        raise ModelError(
            _("{path} is not a GGUF file. Download the model again, or check its path.", path=path),
            kind="malformed",
            code="not-a-gguf",
        )

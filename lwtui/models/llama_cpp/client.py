"""A GGUF on this machine as a model: the app's end of the model process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lwtui.config import ModelSettings, cache_folder
from lwtui.models.base import Capabilities, Finished, ModelError, PromptProgress, Request, StreamPart, TextPiece
from lwtui.models.llama_cpp.hashing import file_hash
from lwtui.models.llama_cpp.process import WorkerProcess
from lwtui.models.llama_cpp.protocol import (
    MOST_ANSWERS,
    Begun,
    Cancel,
    Count,
    Counted,
    Done,
    Generate,
    Keep,
    Loaded,
    Read,
    Text,
)
from lwtui.models.openai_stream import ThinkSplitter
from lwtui.models.usage import Usage

_MOST_DEATHS = 3  # in a row while loading
_PLAIN = ModelSettings("", provider="llama_cpp", state_gb=0)
_WISHES = ("context_length", "kv_type", "flash_attention", "gpu_layers", "threads")


class LlamaModel:
    """A GGUF in a process of its own (see :class:`lwtui.models.base.Model`). Open one with :meth:`load`.

    A process that dies is started again by the next call. ``model_hash`` is the file's SHA-256.
    """

    def __init__(self, path: Path, name: str, settings: ModelSettings) -> None:
        self.name = name
        self.model_hash = ""
        self._path = path.absolute()
        self._settings = settings
        self._loaded: Loaded | None = None
        self._worker: WorkerProcess | None = None
        self._starting = asyncio.Lock()
        self._deaths = 0
        self._closed = False

    @classmethod
    async def load(cls, path: Path, name: str, settings: ModelSettings = _PLAIN) -> LlamaModel:
        """Open the GGUF at ``path`` as its ``settings`` say and the memory allows.

        The file's hash is computed meanwhile, which for a large file and on its first use may take longer than
        loading. Raises :class:`ModelError` with one line.
        """
        await asyncio.to_thread(_check_file, path)
        model = cls(path, name, settings)
        unwanted = threading.Event()
        hashing = asyncio.create_task(asyncio.to_thread(file_hash, path, unwanted))
        try:
            await model._load_patiently()
            model.model_hash = await hashing
            model._keep_states()
        except OSError as error:
            await model.aclose()
            raise ModelError(f"Cannot read {path}: {error.strerror}.", kind="refused") from None
        except BaseException:
            unwanted.set()
            await asyncio.gather(hashing, return_exceptions=True)
            await model.aclose()
            raise
        return model

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            context_length=self._loaded.context_length if self._loaded else self._settings.context_length,
            chat=self._loaded is not None and self._loaded.chat,
            completion=True,
            grammar=True,
            parallel=MOST_ANSWERS,
            exact_tokens=True,
        )

    @property
    def description(self) -> str:
        """Architecture, size and quantisation, as llama.cpp words it."""
        return self._loaded.description if self._loaded else ""

    @property
    def pid(self) -> int | None:
        """The number of the model's process, if one runs."""
        return self._worker.pid if self._worker and self._worker.is_alive else None

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Make the call and yield what comes; see :meth:`lwtui.models.base.Model.stream`."""
        worker = await self._running()
        splitter = ThinkSplitter() if request.prompt.is_chat else None
        with worker.call() as (number, answers):
            worker.send(_generate(number, request))
            usage, ended = Usage(), False
            parts: Sequence[StreamPart]
            try:
                while not ended:
                    match await worker.next(answers):
                        case Begun(prompt=prompt, cached=cached, thinking=thinking):
                            usage = Usage(prompt, 0, cached)
                            parts = splitter.add("<think>") if splitter and thinking else []
                        case Read(tokens=tokens):
                            parts = [PromptProgress(tokens, usage.prompt)]
                        case Text(text=text, token=token):
                            usage = replace(usage, completion=token)
                            parts = splitter.add(text) if splitter else [TextPiece(text)]
                        case Done() as done:
                            ended = True
                            usage = replace(usage, completion=done.completion)
                            parts = splitter.close() if splitter else []
                        case other:
                            raise ModelError(f"The model's process sent {type(other).__name__}.", kind="worker")
                    for part in parts:
                        yield replace(part, usage=usage) if isinstance(part, TextPiece) else part
            finally:
                if not ended:
                    worker.send(Cancel(number, usage.completion))
        yield Finished("length" if done.reason == "length" else "stop", usage)

    async def count_tokens(self, text: str) -> int:
        """Tokens of ``text``, exactly, without the one that begins every text."""
        worker = await self._running()
        with worker.call() as (number, answers):
            worker.send(Count(number, text))
            answer = await worker.next(answers)
        assert isinstance(answer, Counted)
        return answer.tokens

    async def aclose(self) -> None:
        """End the model's process; calls that are under way fail."""
        self._closed = True
        if self._worker is not None:
            await self._worker.close()

    def _wishes(self) -> dict[str, Any]:
        """What is asked for; a model that is loaded again gets the context that it had."""
        wishes = {name: getattr(self._settings, name) for name in _WISHES}
        if self._loaded is not None:
            wishes["context_length"] = self._loaded.context_length
        return wishes

    def _keep_states(self) -> None:
        most_bytes = int(self._settings.state_gb * 2**30)
        if self._worker is not None and most_bytes and self.model_hash:
            self._worker.send(Keep(str(cache_folder() / "kv"), self.model_hash, most_bytes))

    async def _load_patiently(self) -> None:
        while True:
            try:
                await self._running()
                return
            except ModelError as error:
                if not error.retryable:
                    raise

    async def _running(self) -> WorkerProcess:
        """The process, started anew if it has died. Raises :class:`ModelError`."""
        async with self._starting:
            if self._closed:
                raise ModelError("The model was closed.", kind="worker")
            if self._worker is None or not self._worker.is_alive:
                self._worker = await self._start()
                self._keep_states()
            return self._worker

    async def _start(self) -> WorkerProcess:
        worker = await WorkerProcess.start()
        try:
            self._loaded = await worker.load(self._path, self._wishes())
        except ModelError as error:
            await worker.close()
            if not error.retryable:
                raise
            self._deaths += 1
            raise self._died_loading(error) from None
        except BaseException:
            worker.kill()
            await worker.close()
            raise
        self._deaths = 0
        return worker

    def _died_loading(self, error: ModelError) -> ModelError:
        if self._deaths < _MOST_DEATHS:
            return error
        return ModelError(
            f"The process of the model ended {self._deaths} times while it loaded {self._path}. Free some memory, set "
            f"context_length lower, or use a smaller model. {error}",
            kind="worker",
        )


def _generate(number: int, request: Request) -> Generate:
    return Generate(
        id=number,
        max_tokens=request.max_tokens,
        text=request.prompt.text,
        messages=[[one.role, one.content] for one in request.prompt.messages],
        stop=list(request.stop),
        sampling=request.sampling.to_dict(),
        seed=request.seed,
        grammar=request.grammar,
        least=request.least_words,
    )


def _check_file(path: Path) -> None:
    """Raise :class:`ModelError` for what can be told without llama.cpp, in plainer words than it has."""
    try:
        if path.is_dir():
            raise ModelError(f"{path} is a folder: give the path of a GGUF file in it.", kind="unknown-model")
        with path.open("rb") as file:
            magic = file.read(4)
    except FileNotFoundError:
        raise ModelError(f"There is no file {path}. Check the model's path.", kind="unknown-model") from None
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror}.", kind="refused") from None
    if magic != b"GGUF":
        raise ModelError(f"{path} is not a GGUF file. Download the model again, or check its path.", kind="malformed")

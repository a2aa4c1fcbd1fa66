"""Run a Hugging Face checkpoint as a model that answers waiting prompts together, in padded batches.

Needs torch and transformers. It is meant for trying a checkpoint right after training; for a large run, an engine such
as vLLM is many times faster.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Self

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, StoppingCriteriaList

from lwtui.models.base import Capabilities, Finished, FinishReason, ModelError, Request, Sampling, StreamPart, TextPiece
from lwtui.models.reasoning import ReasoningSplitter
from lwtui.models.usage import Usage
from lwtui.translation import _

_DEFAULT_CONTEXT = 8192
_DEFAULT_BATCH = {"cuda": 16, "cpu": 4}
_GATHER_SECONDS = 0.02  # how long a batch waits for further prompts
_STREAM_EVERY = 8  # tokens


class HFModel:
    """A checkpoint in memory (see :class:`lwtui.models.base.Model`). Open it with :meth:`load`.

    A batch samples with the seed of its first request, so an answer is reproducible only within the same batch.
    """

    def __init__(self, model: Any, tokenizer: Any, name: str, batch: int = 0) -> None:
        """Wrap a loaded model; use :meth:`load` instead."""
        self.name = name
        self.model_hash = ""
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._batch = batch or _DEFAULT_BATCH.get(model.device.type, 8)
        self._queue: deque[_BatchRow] = deque()
        self._worker: asyncio.Task[None] | None = None

    @classmethod
    def load(cls, source: str, name: str, batch: int = 0) -> Self:
        """Load a checkpoint.

        Args:
            source: Its folder, or its name on the Hugging Face hub.
            name: What the rows call it.
            batch: How many prompts it answers at once; 0 for the default of its device.

        Raises:
            ModelError: It cannot be loaded.
        """
        device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            tokenizer = AutoTokenizer.from_pretrained(source, padding_side="left")
            model = AutoModelForCausalLM.from_pretrained(source, dtype="auto").to(device)
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            reason = str(error).strip().split("\n")[0]
            raise ModelError(
                _("The checkpoint {source} cannot be loaded: {reason}", source=source, reason=reason),
                kind="unknown-model",
            ) from None
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        return cls(model, tokenizer, name, batch)

    @property
    def capabilities(self) -> Capabilities:
        """What the checkpoint can do."""
        length = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        return Capabilities(
            context_length=length or _DEFAULT_CONTEXT,
            chat=self._tokenizer.chat_template is not None,
            completion=True,
            parallel=self._batch,
            exact_tokens=True,
        )

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Wait for a place in a batch and stream the answer; see :meth:`lwtui.models.base.Model.stream`."""
        row = _BatchRow(request, self._tokens(request), self._tokenizer, asyncio.get_running_loop())
        self._queue.append(row)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._answer_batches())
        splitter = ReasoningSplitter() if request.prompt.is_chat else None
        try:
            while True:
                part = await row.parts.get()
                if isinstance(part, ModelError):
                    raise part
                if isinstance(part, Finished):
                    for piece in splitter.close() if splitter else ():
                        yield piece
                    yield part
                    return
                if splitter is None or not isinstance(part, TextPiece):
                    yield part
                    continue
                for piece in splitter.add(part.text):
                    yield piece
        finally:
            row.canceled.set()

    async def count_tokens(self, text: str) -> int:
        """Count the tokens of ``text``, without special tokens."""
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    async def aclose(self) -> None:
        """Cancel all pending and running requests."""
        for row in self._queue:
            row.canceled.set()
        if self._worker is not None:
            self._worker.cancel()

    def _tokens(self, request: Request) -> list[int]:
        text = request.prompt.text
        if request.prompt.is_chat:
            turns = [{"role": message.role, "content": message.content} for message in request.prompt.messages]
            text = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        # A chat template adds the special tokens itself.
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=not request.prompt.is_chat)
        return tokens

    async def _answer_batches(self) -> None:
        """Answer batch after batch until the queue is empty."""
        await asyncio.sleep(_GATHER_SECONDS)
        while self._queue:
            rows = self._next_batch()
            try:
                await asyncio.to_thread(self._generate, rows)
            except (RuntimeError, ValueError) as error:
                reason = str(error).strip().split("\n")[0]
                failure = ModelError(
                    _("The checkpoint failed: {reason} Try a smaller batch with --concurrency.", reason=reason),
                    kind="worker",
                )
                for row in rows:
                    row.emit(failure)
            except asyncio.CancelledError:
                for row in rows:
                    row.canceled.set()
                raise
            await asyncio.sleep(_GATHER_SECONDS)  # for the next prompts of callers just answered

    def _next_batch(self) -> list[_BatchRow]:
        """Take the longest-waiting requests with the same sampling options."""
        sampling = self._queue[0].request.sampling
        rows = [row for row in self._queue if row.request.sampling == sampling][: self._batch]
        for row in rows:
            self._queue.remove(row)
        return rows

    @torch.inference_mode()
    def _generate(self, rows: list[_BatchRow]) -> None:
        batch = self._tokenizer.pad({"input_ids": [row.tokens for row in rows]}, padding=True, return_tensors="pt")
        batch = batch.to(self._model.device)
        if rows[0].request.seed is not None:
            torch.manual_seed(rows[0].request.seed)
        streamer = _BatchStreamer(rows, batch["input_ids"].shape[1], _end_tokens(self._model))
        self._model.generate(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            max_new_tokens=max(row.request.max_tokens for row in rows),
            pad_token_id=self._tokenizer.pad_token_id,
            stopping_criteria=StoppingCriteriaList([streamer]),
            **_generation_options(rows[0].request.sampling),
        )
        for row in rows:
            row.finish("length")  # does nothing for rows that have already ended


class _BatchRow:
    """One request of a batch and its answer so far. The event loop reads ``parts``."""

    def __init__(self, request: Request, tokens: list[int], tokenizer: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.request = request
        self.tokens = tokens
        self.parts: asyncio.Queue[StreamPart | ModelError] = asyncio.Queue()
        self.canceled = threading.Event()
        self.ended = False
        self._tokenizer = tokenizer
        self._loop = loop
        self._completion: list[int] = []
        self._context_start = 0  # decode from here: a token's text may depend on the token before it
        self._decoded_end = 0  # tokens before this index have been decoded
        self._held = ""  # decoded text that may be the beginning of a stop string
        self._holdback = max((len(stop) for stop in request.stop), default=1) - 1  # characters

    def add_tokens(self, tokens: Sequence[int]) -> None:
        """Append tokens to the answer and stream the text that is final."""
        self._completion += tokens
        before = self._decode(self._completion[self._context_start : self._decoded_end])
        now = self._decode(self._completion[self._context_start :])
        if now.endswith("\ufffd"):
            return  # wait for the token that completes the character
        self._held += now[len(before) :]
        self._context_start, self._decoded_end = self._decoded_end, len(self._completion)
        if (at := self._stop_position()) is not None:
            self._held = self._held[:at]
            self.finish("stop")
            return
        final = len(self._held) - self._holdback
        if final > 0:
            self.emit(TextPiece(self._held[:final]))
            self._held = self._held[final:]

    def finish(self, reason: FinishReason) -> None:
        """End the answer, unless it has ended."""
        if self.ended:
            return
        self.ended = True
        if self._held:
            self.emit(TextPiece(self._held))
        self.emit(Finished(reason, Usage(len(self.tokens), len(self._completion))))

    def emit(self, part: StreamPart | ModelError) -> None:
        """Pass ``part`` to the reader, from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.parts.put_nowait, part)

    def _decode(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=True)
        return text

    def _stop_position(self) -> int | None:
        positions = [at for stop in self.request.stop if (at := self._held.find(stop)) >= 0]
        return min(positions, default=None)


class _BatchStreamer(StoppingCriteria):
    """Streams the rows of a batch while it is generated, and tells transformers which rows are done."""

    def __init__(self, rows: list[_BatchRow], prompt_length: int, end_tokens: set[int]) -> None:
        self._rows = rows
        self._streamed = prompt_length
        self._prompt_length = prompt_length
        self._end_tokens = end_tokens

    def __call__(self, input_ids: Any, scores: Any, **_rest: Any) -> Any:
        last = input_ids[:, -1].tolist()
        length = input_ids.shape[1]
        is_due = length - self._streamed >= _STREAM_EVERY
        for at, row in enumerate(self._rows):
            if row.ended:
                continue
            at_limit = length - self._prompt_length >= row.request.max_tokens
            if is_due or at_limit or last[at] in self._end_tokens:
                self._stream(row, input_ids[at, self._streamed :].tolist(), at_limit=at_limit)
        if is_due:
            self._streamed = length
        done = [row.ended or row.canceled.is_set() for row in self._rows]
        return torch.tensor(done, device=input_ids.device)

    def _stream(self, row: _BatchRow, tokens: list[int], *, at_limit: bool) -> None:
        end = next((at for at, token in enumerate(tokens) if token in self._end_tokens), None)
        row.add_tokens(tokens if end is None else tokens[:end])
        if end is not None:
            row.finish("stop")
        elif at_limit:
            row.finish("length")


def _end_tokens(model: Any) -> set[int]:
    end = model.generation_config.eos_token_id
    return set(end) if isinstance(end, list) else {end} - {None}


def _generation_options(sampling: Sampling) -> dict[str, Any]:
    """Translate sampling options for transformers. Unset options keep the checkpoint's own defaults."""
    if not sampling.temperature:
        return {"do_sample": False}
    options = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repetition_penalty": sampling.repeat_penalty,
    }
    return {"do_sample": True} | {name: value for name, value in options.items() if value is not None}

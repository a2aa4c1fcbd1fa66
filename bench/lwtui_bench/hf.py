"""A Hugging Face checkpoint as a model: prompts that wait are answered together, in one padded batch.

Needs torch and transformers. For a large run an engine such as vLLM is many times faster; this is for a checkpoint
as it comes out of training, on the machine that it is on.
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
from lwtui.models.openai_stream import ThinkSplitter
from lwtui.models.usage import Usage

_DEFAULT_CONTEXT = 8192
_BATCH = {"cuda": 16, "cpu": 4}
_GATHER_SECONDS = 0.02  # how long a batch waits for prompts that come at the same time
_LOOK_EVERY = 8  # tokens between two looks at the text


class HFModel:
    """A checkpoint in memory (see :class:`lwtui.models.base.Model`). Open one with :meth:`load`.

    Sampling draws one seed for a batch, its first request's: an answer can be drawn again only in the same batch.
    """

    def __init__(self, model: Any, tokenizer: Any, name: str, batch: int = 0) -> None:
        self.name = name
        self.model_hash = ""
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._batch = batch or _BATCH.get(model.device.type, 8)
        self._waiting: deque[_Row] = deque()
        self._working: asyncio.Task[None] | None = None

    @classmethod
    def load(cls, place: str, name: str, batch: int = 0) -> Self:
        """Load a checkpoint from a folder, or by its name on the hub. Raises :class:`ModelError` with one line."""
        device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            tokenizer = AutoTokenizer.from_pretrained(place, padding_side="left")
            model = AutoModelForCausalLM.from_pretrained(place, dtype="auto").to(device)
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            why = str(error).strip().split("\n")[0]
            raise ModelError(f"The checkpoint {place} cannot be loaded: {why}", kind="unknown-model") from None
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        return cls(model, tokenizer, name, batch)

    @property
    def capabilities(self) -> Capabilities:
        length = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        return Capabilities(
            context_length=length or _DEFAULT_CONTEXT,
            chat=self._tokenizer.chat_template is not None,
            completion=True,
            parallel=self._batch,
            exact_tokens=True,
        )

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Wait for a place in a batch and yield what comes; see :meth:`lwtui.models.base.Model.stream`."""
        row = _Row(request, self._tokens(request), self._tokenizer, asyncio.get_running_loop())
        self._waiting.append(row)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        splitter = ThinkSplitter() if request.prompt.is_chat else None
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
            row.cancelled.set()

    async def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    async def aclose(self) -> None:
        """Stop what is being generated."""
        for row in self._waiting:
            row.cancelled.set()
        if self._working is not None:
            self._working.cancel()

    def _tokens(self, request: Request) -> list[int]:
        text = request.prompt.text
        if request.prompt.is_chat:
            turns = [{"role": one.role, "content": one.content} for one in request.prompt.messages]
            text = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        # A chat template writes the special tokens itself.
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=not request.prompt.is_chat)
        return tokens

    async def _work(self) -> None:
        """Answer batch after batch until nobody waits."""
        await asyncio.sleep(_GATHER_SECONDS)
        while self._waiting:
            rows = self._next_batch()
            try:
                await asyncio.to_thread(self._generate, rows)
            except (RuntimeError, ValueError) as error:
                why = str(error).strip().split("\n")[0]
                failure = ModelError(f"The checkpoint failed: {why} Try fewer at once: --concurrency.", kind="worker")
                for row in rows:
                    row.put(failure)
            except asyncio.CancelledError:
                for row in rows:
                    row.cancelled.set()
                raise
            await asyncio.sleep(_GATHER_SECONDS)  # those that were answered ask for their next

    def _next_batch(self) -> list[_Row]:
        """Those that wait longest and are sampled alike."""
        sampling = self._waiting[0].request.sampling
        rows = [row for row in self._waiting if row.request.sampling == sampling][: self._batch]
        for row in rows:
            self._waiting.remove(row)
        return rows

    @torch.inference_mode()
    def _generate(self, rows: list[_Row]) -> None:
        batch = self._tokenizer.pad({"input_ids": [row.tokens for row in rows]}, padding=True, return_tensors="pt")
        batch = batch.to(self._model.device)
        if rows[0].request.seed is not None:
            torch.manual_seed(rows[0].request.seed)
        watch = _Watch(rows, batch["input_ids"].shape[1], _end_tokens(self._model))
        self._model.generate(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            max_new_tokens=max(row.request.max_tokens for row in rows),
            pad_token_id=self._tokenizer.pad_token_id,
            stopping_criteria=StoppingCriteriaList([watch]),
            **_drawing(rows[0].request.sampling),
        )
        for row in rows:
            row.close("length")  # those that have not ended by themselves


class _Row:
    """One prompt of a batch, and its answer as far as it is. ``parts`` is read on the event loop."""

    def __init__(self, request: Request, tokens: list[int], tokenizer: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.request = request
        self.tokens = tokens
        self.parts: asyncio.Queue[StreamPart | ModelError] = asyncio.Queue()
        self.cancelled = threading.Event()
        self.ended = False
        self._tokenizer = tokenizer
        self._loop = loop
        self._new: list[int] = []
        self._context = 0  # decoding starts here: a token's text may depend on the one before it
        self._read = 0  # tokens before it are taken
        self._held = ""  # text that may be the beginning of a stop string
        self._hold = max((len(stop) for stop in request.stop), default=1) - 1

    def take(self, tokens: Sequence[int]) -> None:
        """More tokens of the answer."""
        self._new += tokens
        before = self._decoded(self._new[self._context : self._read])
        now = self._decoded(self._new[self._context :])
        if now.endswith("\ufffd"):
            return  # the next token completes the character
        self._held += now[len(before) :]
        self._context, self._read = self._read, len(self._new)
        if (at := self._stop()) is not None:
            self._held = self._held[:at]
            self.close("stop")
            return
        cut = len(self._held) - self._hold
        if cut > 0:
            self.put(TextPiece(self._held[:cut]))
            self._held = self._held[cut:]

    def close(self, reason: FinishReason) -> None:
        """The answer is complete."""
        if self.ended:
            return
        self.ended = True
        if self._held:
            self.put(TextPiece(self._held))
        self.put(Finished(reason, Usage(len(self.tokens), len(self._new))))

    def put(self, part: StreamPart | ModelError) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.parts.put_nowait, part)

    def _decoded(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=True)
        return text

    def _stop(self) -> int | None:
        found = [at for stop in self.request.stop if (at := self._held.find(stop)) >= 0]
        return min(found, default=None)


class _Watch(StoppingCriteria):
    """Passes on what a batch brings while it is generated, and says which of its rows are done."""

    def __init__(self, rows: list[_Row], prompt: int, ends: set[int]) -> None:
        self._rows = rows
        self._taken = prompt
        self._prompt = prompt
        self._ends = ends

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        last = input_ids[:, -1].tolist()
        length = input_ids.shape[1]
        is_due = length - self._taken >= _LOOK_EVERY
        for at, row in enumerate(self._rows):
            if row.ended:
                continue
            at_limit = length - self._prompt >= row.request.max_tokens
            if is_due or at_limit or last[at] in self._ends:
                self._pass_on(row, input_ids[at, self._taken :].tolist(), at_limit=at_limit)
        if is_due:
            self._taken = length
        done = [row.ended or row.cancelled.is_set() for row in self._rows]
        return torch.tensor(done, device=input_ids.device)

    def _pass_on(self, row: _Row, tokens: list[int], *, at_limit: bool) -> None:
        end = next((at for at, token in enumerate(tokens) if token in self._ends), None)
        row.take(tokens if end is None else tokens[:end])
        if end is not None:
            row.close("stop")
        elif at_limit:
            row.close("length")


def _end_tokens(model: Any) -> set[int]:
    end = model.generation_config.eos_token_id
    return set(end) if isinstance(end, list) else {end} - {None}


def _drawing(sampling: Sampling) -> dict[str, Any]:
    """Sampling in transformers' words. What a checkpoint's own generation settings say stands where nothing is said."""
    if not sampling.temperature:
        return {"do_sample": False}
    given = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repetition_penalty": sampling.repeat_penalty,
    }
    return {"do_sample": True} | {name: value for name, value in given.items() if value is not None}

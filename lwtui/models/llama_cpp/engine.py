"""Computing answers: which tokens are evaluated, in which sequence, and what is kept of them.

A sequence is one text in the model's memory. An answer runs in a sequence: what its prompt has in common with the text
that is there is not computed again. Each step puts the waiting tokens of every running answer into one batch.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal

import llama_cpp.llama_cpp as C

from lwtui.models.llama_cpp.bindings import Batch, Gguf, LoadError, NativeLog
from lwtui.models.llama_cpp.machine import available_memory, usable_cores
from lwtui.models.llama_cpp.output import TextOut
from lwtui.models.llama_cpp.sampler import Sampler

DEFAULT_CONTEXT = 8192  # tokens, where neither the settings nor the model say less
_LEAST_CONTEXT = 1024
_MEMORY_SHARE = 0.25  # of the available memory, for the default context
_BATCH = 256  # tokens of a prompt that are computed at once
# llama.cpp rounds differently for a few tokens and for many, and for those that fill no whole tile. The end of every
# prompt is computed as many, from the beginning of a tile, so that the same prompt leads to the same numbers, whatever
# of it was still in memory.
_LEAST_AT_ONCE = 64
_TILE = 16
_SLOW_STEP = 0.05  # seconds; from here on a step for one token can be broken off as well

Reason = Literal["stop", "length", "cancelled"]


class EngineError(Exception):
    """The model cannot go on computing; the text says what happened."""


class NoRoom(LoadError):
    """The memory is too small for the context."""


class Aborted(Exception):
    """A step was broken off because :attr:`Engine.should_abort` said so."""


class TooLong(Exception):
    """A prompt has more tokens than the context takes."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(f"{tokens} tokens, {limit} fit")
        self.tokens = tokens
        self.limit = limit


@dataclass
class Strand:
    """One text in the model's memory: its number there and its tokens."""

    number: int
    tokens: list[int] = field(default_factory=list)


class Answer:
    """One answer in the making. ``completion`` counts the tokens drawn, ``cached`` those not computed again."""

    def __init__(
        self, prompt: Sequence[int], sampler: Sampler, output: TextOut, max_tokens: int, sequence: Strand
    ) -> None:
        self.prompt = len(prompt)
        self.completion = 0
        self.cached = 0
        self.reason: Reason | None = None
        self._sampler = sampler
        self._output = output
        self._most = max(1, max_tokens)
        self.sequence = sequence
        self.waiting = list(prompt)  # tokens that are still to be evaluated

    def take(self, gguf: Gguf, context: Any, index: int, room: int) -> str:
        """Draw a token from the logits at ``index``; the text that it completes. Sets ``reason`` at the end.

        ``room`` is how many more tokens the context takes.
        """
        token = self._sampler.draw(context, index)
        self.completion += 1
        if gguf.ends(token):
            return self._end("stop", self._output.close())
        text = self._output.add(gguf.piece(token))
        if self._output.stopped:
            return self._end("stop", text)
        if self.completion >= self._most or room < 1:
            return self._end("length", text + self._output.close())
        self.waiting.append(token)
        return text

    def _end(self, reason: Reason, text: str) -> str:
        self.reason = "stop" if self._output.stopped else reason
        self.waiting.clear()
        return text

    def close(self) -> None:
        self._sampler.close()


class Engine:
    """A model with its memory. Raises :class:`LoadError` if it cannot be opened."""

    def __init__(self, path: str, context_length: int, log: NativeLog) -> None:
        self.gguf = Gguf(path, log)
        self._log = log
        self.context_length = context_length or self._default_length()
        self._context = self._open()
        room = int(C.llama_n_ctx(self._context))  # it may be rounded up
        self.context_length = min(self.context_length or room, room)
        self._memory = C.llama_get_memory(self._context)
        self._batch = Batch(_BATCH)
        self.sequences = [Strand(0)]
        self.should_abort: Callable[[], bool] = lambda: False
        self._abort = C.ggml_abort_callback(lambda _: self.should_abort())
        self._slow = False

    def _default_length(self) -> int:
        wanted = min(DEFAULT_CONTEXT, self.gguf.trained_length)
        affordable = int(available_memory() * _MEMORY_SHARE) // max(1, self.gguf.cache_bytes_per_token())
        return max(min(wanted, _LEAST_CONTEXT), min(wanted, affordable // 256 * 256))

    def _open(self) -> Any:
        needed = self.context_length * self.gguf.cache_bytes_per_token()
        # Systems hand out more memory than there is: asking would end in a killed process, perhaps another one.
        if needed > available_memory() and not C.llama_supports_gpu_offload():
            raise self._no_room(needed)
        params = C.llama_context_default_params()
        params.n_ctx = self.context_length
        params.n_batch = params.n_ubatch = _BATCH
        params.n_seq_max = 1
        params.n_threads = params.n_threads_batch = usable_cores()
        params.swa_full = True  # else no part of a text could be taken back in models with sliding windows
        params.no_perf = True
        self._log.clear()
        context = C.llama_init_from_model(self.gguf.model, params)
        if not context:
            raise self._no_room(needed)
        return context

    def _no_room(self, needed: int) -> NoRoom:
        takes, free = needed / 1e9, available_memory() / 1e9
        return NoRoom(
            f"there is no room for a context of {self.context_length} tokens: it takes about {takes:.1f} GB, and "
            f"{free:.1f} GB are free. Set context_length lower. {self._log.first_error()}".strip()
        )

    def close(self) -> None:
        """Give the memory back; the engine is of no use afterwards."""
        self._batch.close()
        C.llama_free(self._context)
        self.gguf.close()

    def begin(self, prompt: Sequence[int], sampler: Sampler, output: TextOut, max_tokens: int) -> Answer:
        """Start an answer to ``prompt``. Raises :class:`TooLong`."""
        if len(prompt) >= self.context_length:
            raise TooLong(len(prompt), self.context_length)
        sequence = self.sequences[0]
        answer = Answer(prompt, sampler, output, max_tokens, sequence)
        common = min(_common(sequence.tokens, prompt), len(prompt) - _LEAST_AT_ONCE) // _TILE * _TILE
        answer.cached = self.rewind(sequence, common if common >= _LEAST_AT_ONCE else 0)
        del answer.waiting[: answer.cached]
        sampler.read(prompt)
        return answer

    def rewind(self, sequence: Strand, keep: int) -> int:
        """Take back all but the first ``keep`` tokens of a sequence; how many could be kept."""
        if not C.llama_memory_seq_rm(self._memory, sequence.number, keep, -1):
            C.llama_memory_seq_rm(self._memory, sequence.number, -1, -1)
            keep = 0
        del sequence.tokens[keep:]
        return min(keep, len(sequence.tokens))

    def step(self, answers: Sequence[Answer]) -> list[tuple[Answer, str]]:
        """Compute one batch for the running ``answers``; those that drew a token, with the text it completed.

        Raises :class:`Aborted`, with all sequences as they were before, and :class:`EngineError`.
        """
        self._batch.clear()
        parts = [(answer, self._next_part(answer)) for answer in answers if answer.waiting]
        asked = []
        for answer, part in parts:
            last = len(part) == len(answer.waiting)
            position = len(answer.sequence.tokens)
            index = self._batch.add(part, position, answer.sequence.number, answer=last)
            if last:
                asked.append((answer, index))
        self._compute(parts)
        for answer, part in parts:
            answer.sequence.tokens += part
            del answer.waiting[: len(part)]
        return [(answer, self._take(answer, index)) for answer, index in asked]

    def _next_part(self, answer: Answer) -> list[int]:
        """The waiting tokens that go into the next batch: a long prompt in even parts of whole tiles."""
        waiting = len(answer.waiting)
        if waiting <= _BATCH:
            return answer.waiting[:]
        parts = -(-waiting // _BATCH)
        return answer.waiting[: -(-waiting // parts // _TILE) * _TILE]

    def _compute(self, parts: Sequence[tuple[Answer, list[int]]]) -> None:
        # The callback is Python, so it costs too much where a step takes a few milliseconds only.
        watched = self._slow or any(len(part) > 1 for _, part in parts)
        callback = self._abort if watched else C.ggml_abort_callback()
        C.llama_set_abort_callback(self._context, callback, ctypes.c_void_p(0))
        began = monotonic()
        result = self._batch.decode(self._context)
        if all(len(part) == 1 for _, part in parts):
            self._slow = monotonic() - began > _SLOW_STEP
        if result == 0:
            return
        for answer, _ in parts:
            self.rewind(answer.sequence, len(answer.sequence.tokens))
        if result == 2:
            raise Aborted
        reason = "there is no room left in its memory" if result == 1 else self._log.first_error()
        raise EngineError(reason or f"llama_decode returned {result}")

    def _take(self, answer: Answer, index: int) -> str:
        try:
            room = self.context_length - len(answer.sequence.tokens)
            return answer.take(self.gguf, self._context, index, room)
        except ArithmeticError as error:
            self.rewind(answer.sequence, 0)  # what led to such numbers may be wrong itself
            raise EngineError(str(error)) from None


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two texts have in common at their beginnings."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))

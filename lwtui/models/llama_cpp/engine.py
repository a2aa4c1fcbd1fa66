"""Computing answers: which tokens are evaluated, in which sequence, and what is kept of them.

An answer runs in a sequence of the model's memory: what its prompt has in common with a text that is there, or with
one whose state was saved, is not computed again. Each step reads a part of one prompt, or computes the next token of
all the answers that are being written.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import llama_cpp.llama_cpp as C

from lwtui.models.llama_cpp.bindings import Batch, Gguf, LoadError, NativeLog
from lwtui.models.llama_cpp.fit import BATCH, Fit
from lwtui.models.llama_cpp.kv_cache import LEAST_AT_ONCE, TILE, CachedSequence, KVCache, common, reusable
from lwtui.models.llama_cpp.output import TextOut
from lwtui.models.llama_cpp.protocol import MOST_ANSWERS
from lwtui.models.llama_cpp.sampler import Sampler
from lwtui.models.llama_cpp.saved import Saved, SavedStates
from lwtui.models.llama_cpp.thread_tuner import ThreadPace
from lwtui.text import RunningCount

_SLOW_STEP = 0.05  # seconds; from here on a step for one token can be broken off as well
_MOST_REFUSED = 32  # tokens at one place that would end an answer too early
_WORTH_SAVING = 512  # tokens that would have to be computed anew
_LIKELY_CUT = 128  # tokens at the end of a text
_LEAST_FREE = 512  # tokens of room that an answer gets at the cost of texts that nobody is writing
_KV_TYPES = {"f16": C.GGML_TYPE_F16, "q8_0": C.GGML_TYPE_Q8_0}
_FLASH_ATTENTION = {
    "on": C.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": C.LLAMA_FLASH_ATTN_TYPE_DISABLED,
    "auto": C.LLAMA_FLASH_ATTN_TYPE_AUTO,
}

Reason = Literal["stop", "length", "cancelled"]


class EngineError(Exception):
    """The model cannot go on computing; the text says what happened."""


class Aborted(Exception):
    """A step was broken off because :attr:`Engine.should_abort` said so."""


class TooLong(Exception):
    """A prompt has more tokens than the context takes."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(f"{tokens} tokens, {limit} fit")
        self.tokens = tokens
        self.limit = limit


class Generation:
    """One answer in the making.

    ``completion`` counts the tokens drawn, ``cached`` those of the prompt that were not computed again. It runs in
    ``sequence`` once its turn has come. Before it has ``least`` words (or characters of Chinese and Japanese) neither
    the model's own end nor a stop string ends it.
    """

    def __init__(
        self, prompt: Sequence[int], sampler: Sampler, output: TextOut, max_tokens: int, *, least: int = 0
    ) -> None:
        self.prompt = list(prompt)
        self.completion = 0
        self.cached = 0
        self.reason: Reason | None = None
        self.sequence: CachedSequence | None = None
        self.waiting: list[int] = []  # tokens that are still to be evaluated
        self.is_reading = True  # the prompt, or all of the text once more
        self.fault = ""  # why it cannot go on
        self.sampler = sampler
        self._output = output
        self._most = max(1, max_tokens)
        self._least = least
        self._written = RunningCount()

    def take(self, gguf: Gguf, context: Any, index: int, room: int) -> str:
        """Draw a token from the logits at ``index``; the text that it completes. Sets ``reason`` at the end.

        ``room`` is how many more tokens the context takes. Raises :class:`ArithmeticError`.
        """
        self.is_reading = False
        token, text = self._draw(gguf, context, index)
        self.completion += 1
        if gguf.ends(token):
            return self._end("stop", self._output.close())
        if self._least:
            self._written.add(text)
        if self._output.stopped:
            return self._end("stop", text)
        if self.completion >= self._most or room < 1:
            return self._end("length", text + self._output.close())
        self.waiting.append(token)
        return text

    def _draw(self, gguf: Gguf, context: Any, index: int) -> tuple[int, str]:
        """A token and the text that it completes; no token that would end the answer too early."""
        self.sampler.look(context, index)
        if self._written.words >= self._least:
            token = self.sampler.draw()
            return token, "" if gguf.ends(token) else self._output.add(gguf.piece(token))
        self.sampler.refuse(gguf.ends_of_answers)
        before = self._output.state()
        for _ in range(_MOST_REFUSED):
            token = self.sampler.draw()
            text = self._output.add(gguf.piece(token))
            if not self._output.stopped:
                return token, text
            self._output.restore(before)
            self.sampler.refuse([token])
        token = self.sampler.draw()
        return token, self._output.add(gguf.piece(token))

    def _end(self, reason: Reason, text: str) -> str:
        self.reason = "stop" if self._output.stopped else reason
        self.waiting.clear()
        return text


class Engine:
    """A model with its memory. Raises :class:`LoadError` if it cannot be opened."""

    def __init__(self, path: str, fit: Fit, log: NativeLog) -> None:
        self.gguf = Gguf(path, log, fit.gpu_layers)
        self._log = log
        self._fit = fit
        self._context = self._open()
        self.context_length = min(fit.context_length, int(C.llama_n_ctx(self._context)))
        self.kv_cache = KVCache(self.gguf, self._context, MOST_ANSWERS)
        self.saved: SavedStates | None = None
        self._batch = Batch(BATCH)
        self._waiting: list[Generation] = []  # for a sequence
        self._running: list[Generation] = []
        self.just_read: Generation | None = None  # in the last step
        self.should_abort: Callable[[], bool] = lambda: False
        self._abort = C.ggml_abort_callback(lambda _: self.should_abort())
        self._slow = self._watched = False
        self._threads = fit.threads
        # With flash attention the number of threads decides how llama.cpp rounds, so there it stays.
        self._pace = ThreadPace(fit.threads) if fit.flash_attention == "off" else None

    def _open(self) -> Any:
        params = C.llama_context_default_params()
        params.n_ctx = self._fit.context_length
        params.n_batch = params.n_ubatch = BATCH
        params.n_seq_max = MOST_ANSWERS
        params.kv_unified = True  # one text may have all the room, several may share their beginning
        params.n_threads = params.n_threads_batch = self._fit.threads
        params.n_outputs_max = MOST_ANSWERS
        params.type_k = params.type_v = _KV_TYPES[self._fit.kv_type]
        params.flash_attn_type = _FLASH_ATTENTION[self._fit.flash_attention]
        params.swa_full = True  # else no part of a text could be taken back in models with sliding windows
        params.no_perf = True
        self._log.clear()
        context = C.llama_init_from_model(self.gguf.model, params)
        if not context:
            self.gguf.close()
            raise LoadError(self._log.first_error())
        return context

    @property
    def state_format(self) -> str:
        """What has to be the same for a saved state to be of use."""
        fit = self._fit
        return f"{version('llama-cpp-python')}/{fit.kv_type}/{fit.flash_attention}"

    def close(self) -> None:
        """Give the memory back; the engine is of no use afterwards."""
        self._batch.close()
        C.llama_free(self._context)
        self.gguf.close()

    # Answers begin and end.

    @property
    def is_running(self) -> bool:
        """Whether there is anything to compute."""
        return bool(self._running)

    def begin(self, answer: Generation) -> None:
        """Start an answer as soon as it is its turn. Raises :class:`TooLong`."""
        if len(answer.prompt) >= self.context_length:
            raise TooLong(len(answer.prompt), self.context_length)
        answer.waiting = answer.prompt[:]
        answer.sampler.read(answer.prompt)
        self._waiting.append(answer)

    def end(self, answer: Generation) -> None:
        """Let go of an answer that has ended, or is no longer wanted."""
        if answer in self._waiting:
            self._waiting.remove(answer)
        if answer in self._running:
            self._running.remove(answer)
        if answer.sequence is not None:
            answer.sequence.busy = False
        answer.sampler.close()

    def admit(self) -> list[Generation]:
        """Give sequences to waiting answers; those that begin now."""
        admitted = []
        for answer in self._waiting[:]:
            if len(self._running) == MOST_ANSWERS:
                break
            if self._is_better_later(answer):
                continue
            self._place(answer)
            self._waiting.remove(answer)
            self._running.append(answer)
            admitted.append(answer)
        return admitted

    def _is_better_later(self, answer: Generation) -> bool:
        """Whether another answer is just reading what this one would have to read too."""
        reading = [other for other in self._running if other.is_reading]
        if not reading:
            return False
        soon = max(common(other.prompt, answer.waiting) for other in reading)
        return soon >= self.kv_cache.closest(answer.waiting)[1] + LEAST_AT_ONCE

    def _place(self, answer: Generation) -> None:
        """Find the sequence in which the least has to be computed."""
        text = answer.waiting
        alone = not self._running
        source, in_common = self.kv_cache.closest(text)
        sequence = self._spare_sequence(source, in_common)
        found, found_in_common = self.saved.closest(text) if self.saved else (None, 0)
        if found is not None and found_in_common >= in_common + _WORTH_SAVING:
            self._drop(sequence)
            if alone:
                self._tidy(sequence, len(text))
            in_common = found_in_common if self._restore(sequence, found) else 0
            source = sequence
        keep = reusable(source, in_common, len(text), alone=alone)
        if sequence is source:
            if len(sequence.tokens) - keep >= _WORTH_SAVING:
                self._save(sequence)
            keep = self.kv_cache.rewind(sequence, keep)
        else:
            self._save(sequence)
            keep = self.kv_cache.copy(source, sequence, keep)
        self.kv_cache.take(sequence)
        answer.sequence = sequence
        answer.is_reading = True
        answer.cached = min(keep, len(answer.prompt))
        del answer.waiting[:keep]
        if alone:
            self._tidy(sequence, len(answer.waiting))

    def _spare_sequence(self, source: CachedSequence, in_common: int) -> CachedSequence:
        """An idle sequence: the one that shares the beginning, unless it holds much else as well."""
        if not source.busy and len(source.tokens) <= max(2 * in_common, _WORTH_SAVING):
            return source
        return next((sequence for sequence in self.kv_cache.idle if sequence is not source), source)

    def _tidy(self, kept: CachedSequence, needed: int) -> None:
        """Let go of idle texts that are quickly read again, and of others whose room is needed for so many tokens.

        What lies beside a text in memory makes it slower to compute, and may change how its numbers are rounded.
        """
        held = sum(len(sequence.tokens) for sequence in self.kv_cache.sequences)
        for sequence in self.kv_cache.idle:
            if sequence is kept:
                continue
            if len(sequence.tokens) < _WORTH_SAVING or held + needed + _LEAST_FREE > self.context_length:
                held -= len(sequence.tokens)
                self._drop(sequence)

    # What is kept.

    def keep_states(self, folder: Path, key: str, most_bytes: int) -> None:
        """From now on save states, and use those that are there (see :class:`SavedStates`)."""
        windows = C.llama_model_n_swa(self.gguf.model) > 0
        self.saved = SavedStates(folder, f"{key}/{self.state_format}", most_bytes, windows=windows)

    def save(self) -> None:
        """Save the longest text in memory, so that a later process need not compute it."""
        self._save(max(self.kv_cache.sequences, key=lambda sequence: len(sequence.tokens)))

    def _save(self, sequence: CachedSequence) -> None:
        """Save a text that is about to be cut anyway, but for its end, which may come out otherwise the next time."""
        if self.saved is not None and len(sequence.tokens) >= _WORTH_SAVING:
            self.kv_cache.rewind(sequence, (len(sequence.tokens) - _LIKELY_CUT) // TILE * TILE)
            self.saved.save(self._context, sequence)

    def _drop(self, sequence: CachedSequence) -> None:
        self._save(sequence)
        self.kv_cache.rewind(sequence, 0)

    def _restore(self, sequence: CachedSequence, saved: Saved) -> bool:
        assert self.saved is not None
        if self.saved.load(self._context, sequence, saved):
            return True
        self.kv_cache.rewind(sequence, 0)
        return False

    # Steps.

    def step(self) -> list[tuple[Generation, str]]:
        """Compute one batch for the answers that run; those that drew a token, with the text it completed.

        An answer that cannot go on has a ``fault`` then. Raises :class:`Aborted`, with all sequences as they were
        before, and :class:`EngineError`, which ends all answers.
        """
        while True:
            parts = self._next_parts()
            self._batch.clear()
            asked = []
            for answer, part in parts:
                assert answer.sequence is not None
                is_last = len(part) == len(answer.waiting)
                index = self._batch.add(part, len(answer.sequence.tokens), answer.sequence.number, answer=is_last)
                if is_last:
                    asked.append((answer, index))
            if self._compute(parts):
                break
            self._make_room()
        for answer, part in parts:
            self._computed(answer, part)
        return [(answer, self._take(answer, index)) for answer, index in asked]

    def _next_parts(self) -> list[tuple[Generation, list[int]]]:
        """What the next batch computes: a part of one prompt, or the last token of each answer, in turns.

        A prompt is read alone: its numbers depend on how its tokens lie in the batch.
        """
        reading = next((answer for answer in self._running if answer.is_reading), None)
        writing = [answer for answer in self._running if not answer.is_reading]
        if reading is not None and not (writing and self.just_read):
            self.just_read = reading
            return [(reading, _next_part(reading.waiting))]
        self.just_read = None
        return [(answer, answer.waiting[:]) for answer in writing]

    def _computed(self, answer: Generation, part: list[int]) -> None:
        sequence = answer.sequence
        assert sequence is not None
        if answer.is_reading and sequence.prefill_len == len(sequence.tokens):
            sequence.prefill_len += len(part)
        sequence.tokens += part
        del answer.waiting[: len(part)]

    def _compute(self, parts: Sequence[tuple[Generation, list[int]]]) -> bool:
        """Compute the batch; false if there is no room for it."""
        # The callback is Python, so it costs too much where a step takes a few milliseconds only.
        is_writing = all(len(part) == 1 for _, part in parts)
        self._watch(self._slow or not is_writing)
        if is_writing and self._pace is not None and self._pace.threads != self._threads:
            self._threads = self._pace.threads
            C.llama_set_n_threads(self._context, self._threads, self._fit.threads)
        began = monotonic()
        result = self._batch.decode(self._context)
        if is_writing:
            took = monotonic() - began
            self._slow = took > _SLOW_STEP
            if self._pace is not None:
                self._pace.took(took, len(parts))
        if result == 0:
            return True
        for answer, _ in parts:
            assert answer.sequence is not None
            self.kv_cache.undo(answer.sequence)
        if result == 1:
            return False
        if result == 2:
            raise Aborted
        raise EngineError(self._log.first_error() or f"llama_decode returned {result}")

    def _watch(self, watched: bool) -> None:
        """Whether the next computation can be broken off."""
        if watched != self._watched:
            self._watched = watched
            callback = self._abort if watched else C.ggml_abort_callback()
            C.llama_set_abort_callback(self._context, callback, ctypes.c_void_p(0))

    def _make_room(self) -> None:
        """Let go of the text that is needed the least. Raises :class:`EngineError` if there is none."""
        idle = [sequence for sequence in self.kv_cache.idle if sequence.tokens]
        if idle:
            self._drop(idle[0])
        elif len(self._running) > 1:
            self._postpone(self._running[-1])
        else:
            raise EngineError("there is no room left in its memory")

    def _postpone(self, answer: Generation) -> None:
        """Let an answer wait until another one has ended; what it has so far is computed once more then."""
        assert answer.sequence is not None
        answer.waiting = answer.sequence.tokens + answer.waiting
        self.kv_cache.rewind(answer.sequence, 0)
        answer.sequence.busy = False
        answer.sequence = None
        self._running.remove(answer)
        self._waiting.insert(0, answer)

    def _take(self, answer: Generation, index: int) -> str:
        assert answer.sequence is not None
        try:
            room = self.context_length - len(answer.sequence.tokens)
            return answer.take(self.gguf, self._context, index, room)
        except ArithmeticError as error:
            answer.fault = str(error)
            self.kv_cache.rewind(answer.sequence, 0)  # what led to such numbers may be wrong itself
            return ""


def _next_part(waiting: Sequence[int]) -> list[int]:
    """The tokens of a prompt that are read next: all, or an even part of whole tiles."""
    if len(waiting) <= BATCH:
        return list(waiting)
    parts = -(-len(waiting) // BATCH)
    return list(waiting[: -(-len(waiting) // parts // TILE) * TILE])

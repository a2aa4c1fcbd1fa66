"""The inference engine: which tokens are evaluated, in which sequence, and what stays in the KV cache.

Each generation runs in a sequence of the KV cache. The part of its prompt that it shares with a cached text, or with a
text whose state was saved, is not computed again. Each step either processes a part of one prompt, or computes the next
token of every generation that has processed its prompt.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any

import llama_cpp.llama_cpp as C

from lwtui.models.llama_cpp.bindings import Batch, Gguf, LoadError, NativeLog
from lwtui.models.llama_cpp.fit import BATCH, Fit
from lwtui.models.llama_cpp.generation import Generation
from lwtui.models.llama_cpp.kv_cache import (
    MIN_PREFILL,
    TILE,
    CachedSequence,
    KVCache,
    common_prefix_len,
    reusable_prefix_len,
)
from lwtui.models.llama_cpp.protocol import MAX_SEQUENCES
from lwtui.models.llama_cpp.saved_states import SavedState, SavedStates
from lwtui.models.llama_cpp.thread_tuner import ThreadTuner
from lwtui.models.llama_cpp.turns import Turns
from lwtui.translation import _

_SLOW_STEP = 0.05  # seconds; slower steps for single tokens can be aborted too
_WORTH_SAVING = 512  # tokens; shorter texts are not worth a saved state
_VOLATILE_END = 128  # tokens at the end of a text that the next prompt is likely to change
_MIN_FREE = 512  # tokens of room to make for a generation at the cost of idle sequences
_KV_TYPES = {"f16": C.GGML_TYPE_F16, "q8_0": C.GGML_TYPE_Q8_0}
_FLASH_ATTENTION = {
    "on": C.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": C.LLAMA_FLASH_ATTN_TYPE_DISABLED,
    "auto": C.LLAMA_FLASH_ATTN_TYPE_AUTO,
}


class EngineError(Exception):
    """The engine cannot go on; ``str`` says what happened."""


class StepAborted(Exception):
    """A step was aborted because :attr:`Engine.should_abort` returned true."""


class PromptTooLong(Exception):
    """A prompt has more ``tokens`` than the ``limit`` of the context."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(f"{tokens} tokens, {limit} fit")
        self.tokens = tokens
        self.limit = limit


class Engine:
    """A loaded model with its KV cache. Free it with :meth:`close`.

    Args:
        path: The GGUF.
        fit: How to load it.
        log: llama.cpp's log.
        turns: Shared with other processes that compute on this machine.

    Attributes:
        gguf: The model and its vocabulary.
        context_length: Tokens that the context holds.
        kv_cache: The KV cache.
        saved_states: States on disk, once :meth:`keep_states` was called.
        last_prefilled: The generation whose prompt the last step processed, if it processed one.
        should_abort: Asked during a step; the step is aborted when it returns true.

    Raises:
        LoadError: The model cannot be loaded.
    """

    def __init__(self, path: str, fit: Fit, log: NativeLog, turns: Turns | None = None) -> None:
        self.gguf = Gguf(path, log, fit.gpu_layers)
        self._log = log
        self._fit = fit
        self._turns = turns
        self._context = self._open()
        self.context_length = min(fit.context_length, int(C.llama_n_ctx(self._context)))
        self.kv_cache = KVCache(self.gguf, self._context, MAX_SEQUENCES)
        self.saved_states: SavedStates | None = None
        self._batch = Batch(BATCH)
        self._queue: list[Generation] = []  # waiting for a sequence
        self._running: list[Generation] = []
        self._most_running = MAX_SEQUENCES  # fewer once the KV cache had no room for so many
        self.last_prefilled: Generation | None = None
        self.should_abort: Callable[[], bool] = lambda: False
        self._abort_callback = C.ggml_abort_callback(lambda _data: self.should_abort())
        self._is_slow = self._is_abortable = False
        self._threads = fit.threads
        # With flash attention the number of threads decides how llama.cpp rounds, so it must not change.
        self._thread_tuner = ThreadTuner(fit.threads) if fit.flash_attention == "off" else None

    def _open(self) -> Any:
        params = C.llama_context_default_params()
        params.n_ctx = self._fit.context_length
        params.n_batch = params.n_ubatch = BATCH
        params.n_seq_max = MAX_SEQUENCES
        params.kv_unified = True  # one text may use all the room, and several may share a prefix
        params.n_threads = params.n_threads_batch = self._fit.threads
        params.n_outputs_max = MAX_SEQUENCES
        params.type_k = params.type_v = _KV_TYPES[self._fit.kv_type]
        params.flash_attn_type = _FLASH_ATTENTION[self._fit.flash_attention]
        params.swa_full = True  # otherwise sequences of models with sliding windows could not be truncated
        params.no_perf = True
        self._log.clear()
        context = C.llama_init_from_model(self.gguf.model, params)
        if not context:
            self.gguf.close()
            raise LoadError(self._log.first_error())
        return context

    @property
    def state_format(self) -> str:
        """Identifies the format of saved states: a state is usable only where this is the same."""
        fit = self._fit
        return f"{version('llama-cpp-python')}/{fit.kv_type}/{fit.flash_attention}"

    def close(self) -> None:
        """Free the memory; the engine cannot be used afterwards."""
        self._batch.close()
        C.llama_free(self._context)
        self.gguf.close()

    # Generations begin and end.

    @property
    def is_running(self) -> bool:
        """Whether there is anything to compute."""
        return bool(self._running)

    def submit(self, generation: Generation) -> None:
        """Queue a generation; :meth:`admit` starts it when its turn comes.

        Raises:
            PromptTooLong: The prompt does not fit the context.
        """
        if len(generation.prompt) >= self.context_length:
            raise PromptTooLong(len(generation.prompt), self.context_length)
        generation.pending = generation.prompt[:]
        generation.sampler.accept_earlier(generation.penalized)
        self._queue.append(generation)

    def release(self, generation: Generation) -> None:
        """Remove a generation that has ended or is no longer wanted. Its sequence stays in the KV cache."""
        if generation in self._queue:
            self._queue.remove(generation)
        if generation in self._running:
            self._running.remove(generation)
            self._most_running = min(MAX_SEQUENCES, self._most_running + 1)
        if generation.sequence is not None:
            generation.sequence.busy = False
        generation.sampler.close()

    def admit(self) -> list[Generation]:
        """Give sequences to queued generations and return those that start now."""
        admitted = []
        for generation in self._queue[:]:
            if len(self._running) >= self._most_running:
                break
            if self._should_wait(generation):
                continue
            self._assign_sequence(generation)
            self._queue.remove(generation)
            self._running.append(generation)
            admitted.append(generation)
        return admitted

    def _should_wait(self, generation: Generation) -> bool:
        """Whether a running generation is just processing a prefix that this one needs too."""
        prefilling = [running for running in self._running if running.is_prefilling]
        if not prefilling:
            return False
        soon_cached = max(common_prefix_len(running.prompt, generation.pending) for running in prefilling)
        return soon_cached >= self.kv_cache.closest(generation.pending)[1] + MIN_PREFILL

    def _assign_sequence(self, generation: Generation) -> None:
        """Choose the sequence in which the least has to be computed."""
        text = generation.pending
        alone = not self._running
        source, shared = self.kv_cache.closest(text)
        sequence = self._choose_target(source, shared)
        state, shared_with_state = self.saved_states.closest(text) if self.saved_states else (None, 0)
        if state is not None and shared_with_state >= shared + _WORTH_SAVING:
            self._evict(sequence)
            if alone:
                self._evict_idle(sequence, len(text))
            shared = shared_with_state if self._restore(sequence, state) else 0
            source = sequence
        keep = reusable_prefix_len(source, shared, len(text), alone=alone)
        if sequence is source:
            if len(sequence.tokens) - keep >= _WORTH_SAVING:
                self._save(sequence)
            keep = self.kv_cache.truncate(sequence, keep)
        else:
            self._save(sequence)
            keep = self.kv_cache.copy_prefix(source, sequence, keep)
        self.kv_cache.claim(sequence)
        generation.sequence = sequence
        generation.is_prefilling = True
        generation.cached = min(keep, len(generation.prompt))
        del generation.pending[:keep]
        if alone:
            self._evict_idle(sequence, len(generation.pending))

    def _choose_target(self, source: CachedSequence, shared: int) -> CachedSequence:
        """Choose an idle sequence: ``source``, which shares the prefix, unless it holds much more than the prefix."""
        if not source.busy and len(source.tokens) <= max(2 * shared, _WORTH_SAVING):
            return source
        return next((sequence for sequence in self.kv_cache.idle if sequence is not source), source)

    def _evict_idle(self, kept: CachedSequence, needed: int) -> None:
        """Evict idle texts that are short, and others as far as ``needed`` tokens of room require it.

        Other texts in the KV cache slow down the computation and may change how its numbers are rounded.
        """
        held = sum(len(sequence.tokens) for sequence in self.kv_cache.sequences)
        for sequence in self.kv_cache.idle:
            if sequence is kept:
                continue
            if len(sequence.tokens) < _WORTH_SAVING or held + needed + _MIN_FREE > self.context_length:
                held -= len(sequence.tokens)
                self._evict(sequence)

    # Saved states.

    def keep_states(self, folder: Path, key: str, max_bytes: int) -> None:
        """From now on save states, and use those saved earlier (see :class:`SavedStates`)."""
        has_windows = C.llama_model_n_swa(self.gguf.model) > 0
        self.saved_states = SavedStates(folder, f"{key}/{self.state_format}", max_bytes, has_windows=has_windows)

    def save(self) -> None:
        """Save the longest text in the KV cache, so that a later process need not compute it."""
        self._save(max(self.kv_cache.sequences, key=lambda sequence: len(sequence.tokens)))

    def _save(self, sequence: CachedSequence) -> None:
        """Save a text that is about to be truncated anyway, except its end, which the next prompt may change."""
        if self.saved_states is not None and len(sequence.tokens) >= _WORTH_SAVING:
            self.kv_cache.truncate(sequence, (len(sequence.tokens) - _VOLATILE_END) // TILE * TILE)
            self.saved_states.save(self._context, sequence)

    def _evict(self, sequence: CachedSequence) -> None:
        self._save(sequence)
        self.kv_cache.truncate(sequence, 0)

    def _restore(self, sequence: CachedSequence, state: SavedState) -> bool:
        assert self.saved_states is not None
        if self.saved_states.load(self._context, sequence, state):
            return True
        self.kv_cache.truncate(sequence, 0)
        return False

    # Steps.

    def step(self) -> list[tuple[Generation, str]]:
        """Compute one batch for the running generations.

        Returns:
            The generations that sampled a token, each with the text that the token completed. A generation that cannot
            go on has a ``fault``.

        Raises:
            StepAborted: :attr:`should_abort` returned true; all sequences are as they were before.
            EngineError: The computation failed, which ends all generations.
        """
        while True:
            slices = self._next_slices()
            self._batch.clear()
            sampling = []
            for generation, tokens in slices:
                assert generation.sequence is not None
                guess = tokens[len(generation.pending) :]
                is_last = len(tokens) >= len(generation.pending)
                position, number = len(generation.sequence.tokens), generation.sequence.number
                logits = 1 + len(guess) if is_last else 0
                index = self._batch.add(tokens, position, number, logits=logits)
                if is_last:
                    sampling.append((generation, index, guess))
            if self._compute(slices):
                break
            self._make_room()
        for generation, tokens in slices:
            self._record_computed(generation, tokens[: len(generation.pending)])
        return [(generation, self._sample(generation, index, guess)) for generation, index, guess in sampling]

    def _next_slices(self) -> list[tuple[Generation, list[int]]]:
        """Choose the tokens of the next batch: by turns, a part of one prompt or the last token of each completion.

        A prompt is processed alone, because its numbers depend on how its tokens are placed in the batch.
        """
        prefilling = next((generation for generation in self._running if generation.is_prefilling), None)
        decoding = [generation for generation in self._running if not generation.is_prefilling]
        if prefilling is not None and not (decoding and self.last_prefilled):
            self.last_prefilled = prefilling
            return [(prefilling, _prompt_slice(prefilling.pending))]
        self.last_prefilled = None
        slices = [(generation, generation.pending[:]) for generation in decoding]
        if len(self._running) == 1 and (lookup := decoding[0].lookup) and self.kv_cache.can_share:
            [(generation, tokens)] = slices
            assert generation.sequence is not None
            room = self.context_length - len(generation.sequence.tokens) - len(tokens)
            tokens += lookup.guess(generation.sequence.tokens + tokens)[: max(0, room)]
        return slices

    def _record_computed(self, generation: Generation, tokens: list[int]) -> None:
        sequence = generation.sequence
        assert sequence is not None
        if generation.is_prefilling and sequence.prefill_len == len(sequence.tokens):
            sequence.prefill_len += len(tokens)
        sequence.tokens += tokens
        del generation.pending[: len(tokens)]

    def _compute(self, slices: Sequence[tuple[Generation, list[int]]]) -> bool:
        """Compute the batch; false if the KV cache has no room for it."""
        # The abort callback is Python: too slow for steps of a few milliseconds.
        self._set_abortable(self._is_slow or any(generation.is_prefilling for generation, _tokens in slices))
        is_decoding = all(len(tokens) == 1 for _generation, tokens in slices)
        if is_decoding and self._thread_tuner is not None and self._thread_tuner.threads != self._threads:
            self._threads = self._thread_tuner.threads
            C.llama_set_n_threads(self._context, self._threads, self._fit.threads)
        result, seconds = self._decode()
        if is_decoding and seconds:
            self._is_slow = seconds > _SLOW_STEP
            if self._thread_tuner is not None:
                self._thread_tuner.record(seconds, len(slices))
        if result == 0:
            return True
        for generation, _tokens in slices:
            assert generation.sequence is not None
            self.kv_cache.roll_back(generation.sequence)
        if result == 1:
            return False
        if result == 2:
            raise StepAborted
        raise EngineError(self._log.first_error() or _("llama_decode returned {result}", result=result))

    def _decode(self) -> tuple[int, float]:
        """Compute the batch when it is this process's turn.

        Returns:
            See :meth:`Batch.decode`, and how long it took, in seconds; 0.0 if it was aborted before.
        """
        with self._turns.turn(self.should_abort) if self._turns else nullcontext(True) as is_on:
            if not is_on:
                return 2, 0.0
            began = monotonic()
            return self._batch.decode(self._context), monotonic() - began

    def _set_abortable(self, abortable: bool) -> None:
        """Set whether the next computation can be aborted."""
        if abortable != self._is_abortable:
            self._is_abortable = abortable
            callback = self._abort_callback if abortable else C.ggml_abort_callback()
            C.llama_set_abort_callback(self._context, callback, ctypes.c_void_p(0))

    def _make_room(self) -> None:
        """Evict the text that is needed least.

        Raises:
            EngineError: There is none.
        """
        idle = [sequence for sequence in self.kv_cache.idle if sequence.tokens]
        if idle:
            self._evict(idle[0])
        elif len(self._running) > 1:
            self._preempt(self._running[-1])
        else:
            raise EngineError(_("there is no room left in its memory"))

    def _preempt(self, generation: Generation) -> None:
        """Put a generation back into the queue; what it has so far is computed again once another has ended.

        Started again at once it would find the KV cache as full as it left it.
        """
        assert generation.sequence is not None
        generation.pending = generation.sequence.tokens + generation.pending
        self.kv_cache.truncate(generation.sequence, 0)
        generation.sequence.busy = False
        generation.sequence = None
        self._running.remove(generation)
        self._queue.insert(0, generation)
        self._most_running = len(self._running)

    def _sample(self, generation: Generation, index: int, guess: Sequence[int] = ()) -> str:
        """Sample a token, and another one after each token of ``guess`` that was right. Return their text."""
        sequence = generation.sequence
        assert sequence is not None
        text, right = "", 0
        try:
            while True:
                room = self.context_length - len(sequence.tokens)
                text += generation.sample(self.gguf, self._context, index + right, room)
                if right == len(guess) or generation.pending != [guess[right]]:
                    break
                sequence.tokens += generation.pending  # the guess was right: this token is computed already
                generation.pending.clear()
                right += 1
        except ArithmeticError as error:
            generation.fault = str(error)
            self.kv_cache.truncate(sequence, 0)  # what led to such logits may be wrong itself
            return text
        if guess:
            self.kv_cache.roll_back(sequence)
            if generation.lookup is not None:
                generation.lookup.learn(len(guess), right)
        return text


def _prompt_slice(pending: Sequence[int]) -> list[int]:
    """Return the tokens of a prompt to process next: all, or an even share of whole tiles."""
    if len(pending) <= BATCH:
        return list(pending)
    batches = -(-len(pending) // BATCH)
    return list(pending[: -(-len(pending) // batches // TILE) * TILE])

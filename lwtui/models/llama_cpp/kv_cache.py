"""The KV cache: a few texts that a model has computed, which may share their beginnings.

Each text is a sequence of llama.cpp's KV cache. Sequences share the cells of a common prefix, so a copy costs nothing
and room is needed only for what differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import llama_cpp.llama_cpp as C

from lwtui.models.llama_cpp.bindings import Gguf

# llama.cpp rounds differently for a few tokens and for many, and for those that fill no whole tile. The end of a
# prompt is computed as many, from the beginning of a tile, so that the same prompt leads to the same numbers, whatever
# of it was still in memory.
LEAST_AT_ONCE = 64
TILE = 16


@dataclass
class CachedSequence:
    """One text in the cache.

    Attributes:
        number: llama.cpp's number of the sequence.
        tokens: The tokens that the cache holds of it.
        prefill_len: The first so many tokens were computed as (part of) a prompt, which gives the same numbers each
            time. The tokens of an answer, computed one by one, may not.
        min_keep: Only what comes after the first so many tokens can be taken back. That is so for a text whose state
            was loaded where the model has sliding windows: the state holds only the last window.
        busy: Whether an answer is being computed in it.
        used: When it was used last, in turns.
    """

    number: int
    tokens: list[int] = field(default_factory=list)
    prefill_len: int = 0
    min_keep: int = 0
    busy: bool = False
    used: int = 0


class KVCache:
    """The sequences of a context, and which text is in which."""

    def __init__(self, gguf: Gguf, context: Any, count: int) -> None:
        self._memory = C.llama_get_memory(context)
        # A recurrent state holds its whole text: there is no part of it to share.
        self._shares = not (C.llama_model_is_recurrent(gguf.model) or C.llama_model_is_hybrid(gguf.model))
        self.sequences = [CachedSequence(number) for number in range(count)]
        self._turn = 0

    @property
    def idle(self) -> list[CachedSequence]:
        """Those that no answer runs in, the one that was used last at the end."""
        return sorted(
            (sequence for sequence in self.sequences if not sequence.busy), key=lambda sequence: sequence.used
        )

    def take(self, sequence: CachedSequence) -> None:
        """An answer begins in ``sequence``."""
        self._turn += 1
        sequence.busy, sequence.used = True, self._turn

    def closest(self, prompt: Sequence[int]) -> tuple[CachedSequence, int]:
        """The sequence that has the most in common with ``prompt`` at its beginning, and how many tokens that is.

        Of equal ones, an idle sequence is preferred, then the one that was used last.
        """
        found = []
        for sequence in self.sequences:
            shared = common(sequence.tokens, prompt)
            found.append(
                (shared if shared >= sequence.min_keep else 0, not sequence.busy, sequence.used, -sequence.number)
            )
        best = max(found)
        return self.sequences[-best[3]], best[0]

    def rewind(self, sequence: CachedSequence, keep: int) -> int:
        """Take back all but the first ``keep`` tokens; how many could be kept."""
        if keep < sequence.min_keep:
            keep = 0
        if not C.llama_memory_seq_rm(self._memory, sequence.number, keep, -1):
            C.llama_memory_seq_rm(self._memory, sequence.number, -1, -1)
            keep = 0
        del sequence.tokens[keep:]
        sequence.prefill_len = min(sequence.prefill_len, keep)
        sequence.min_keep = min(sequence.min_keep, keep)
        return keep

    def undo(self, sequence: CachedSequence) -> None:
        """Take back what a computation that failed may have left after the tokens of ``sequence``."""
        self.rewind(sequence, len(sequence.tokens))

    def copy(self, source: CachedSequence, target: CachedSequence, keep: int) -> int:
        """Let ``target`` hold the first ``keep`` tokens of ``source`` and nothing else; how many it holds then."""
        self.rewind(target, 0)
        if not self._shares or keep < max(1, source.min_keep):
            return 0
        C.llama_memory_seq_cp(self._memory, source.number, target.number, 0, keep)
        target.tokens = source.tokens[:keep]
        target.prefill_len, target.min_keep = min(source.prefill_len, keep), source.min_keep
        return keep


def reusable(sequence: CachedSequence, in_common: int, prompt: int, *, alone: bool) -> int:
    """How many of the first tokens of a prompt of ``prompt`` tokens need not be computed again.

    ``in_common`` is what it shares with ``sequence``. At least the last one is computed, for what comes after it.
    ``alone``: no other answer is computed at the same time, or its numbers would depend on that anyway.
    """
    most = min(in_common, prompt - 1)
    if not alone or in_common > sequence.prefill_len:
        return most
    keep = min(in_common, prompt - LEAST_AT_ONCE) // TILE * TILE
    if keep < sequence.min_keep <= most:
        return sequence.min_keep
    return keep if keep >= LEAST_AT_ONCE else 0


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two texts have in common at their beginnings."""
    if one[: len(other)] == other[: len(one)]:
        return min(len(one), len(other))
    return next(at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)

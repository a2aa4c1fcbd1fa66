"""What a model holds in its memory: a few texts, which may share their beginnings.

Each is a sequence of llama.cpp's KV cache. Sequences share the cells of a common beginning, so that a copy costs
nothing and room is needed for what differs only.
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
class Strand:
    """One text in the memory: its number there and its tokens.

    The first ``even`` tokens were computed as (part of) a prompt: another time they come out the same. Those of an
    answer, one by one, do not. Of a text whose state was loaded, only what comes after the first ``floor`` tokens can
    be taken back: where a model has sliding windows, its state holds no more than the last of them.
    """

    number: int
    tokens: list[int] = field(default_factory=list)
    even: int = 0
    floor: int = 0
    busy: bool = False
    used: int = 0  # when, in turns


class Memory:
    """The sequences of a context, and which text is in which."""

    def __init__(self, gguf: Gguf, context: Any, count: int) -> None:
        self._memory = C.llama_get_memory(context)
        # A recurrent state holds its whole text: there is no part of it to share.
        self._shares = not (C.llama_model_is_recurrent(gguf.model) or C.llama_model_is_hybrid(gguf.model))
        self.strands = [Strand(number) for number in range(count)]
        self._turn = 0

    @property
    def idle(self) -> list[Strand]:
        """Those that no answer runs in, the one that was used last at the end."""
        return sorted((strand for strand in self.strands if not strand.busy), key=lambda strand: strand.used)

    def take(self, strand: Strand) -> None:
        """An answer begins in ``strand``."""
        self._turn += 1
        strand.busy, strand.used = True, self._turn

    def closest(self, prompt: Sequence[int]) -> tuple[Strand, int]:
        """The strand that has the most in common with ``prompt`` at its beginning, and how many tokens that is.

        Of equal ones, an idle strand is preferred, then the one that was used last.
        """
        found = []
        for strand in self.strands:
            shared = common(strand.tokens, prompt)
            found.append((shared if shared >= strand.floor else 0, not strand.busy, strand.used, -strand.number))
        best = max(found)
        return self.strands[-best[3]], best[0]

    def rewind(self, strand: Strand, keep: int) -> int:
        """Take back all but the first ``keep`` tokens; how many could be kept."""
        if keep < strand.floor:
            keep = 0
        if not C.llama_memory_seq_rm(self._memory, strand.number, keep, -1):
            C.llama_memory_seq_rm(self._memory, strand.number, -1, -1)
            keep = 0
        del strand.tokens[keep:]
        strand.even = min(strand.even, keep)
        strand.floor = min(strand.floor, keep)
        return keep

    def undo(self, strand: Strand) -> None:
        """Take back what a computation that failed may have left after the tokens of ``strand``."""
        self.rewind(strand, len(strand.tokens))

    def copy(self, source: Strand, target: Strand, keep: int) -> int:
        """Let ``target`` hold the first ``keep`` tokens of ``source`` and nothing else; how many it holds then."""
        self.rewind(target, 0)
        if not self._shares or keep < max(1, source.floor):
            return 0
        C.llama_memory_seq_cp(self._memory, source.number, target.number, 0, keep)
        target.tokens = source.tokens[:keep]
        target.even, target.floor = min(source.even, keep), source.floor
        return keep


def reusable(strand: Strand, in_common: int, prompt: int, *, alone: bool) -> int:
    """How many of the first tokens of a prompt of ``prompt`` tokens need not be computed again.

    ``in_common`` is what it shares with ``strand``. At least the last one is computed, for what comes after it.
    ``alone``: no other answer is computed at the same time, or its numbers would depend on that anyway.
    """
    most = min(in_common, prompt - 1)
    if not alone or in_common > strand.even:
        return most
    keep = min(in_common, prompt - LEAST_AT_ONCE) // TILE * TILE
    if keep < strand.floor <= most:
        return strand.floor
    return keep if keep >= LEAST_AT_ONCE else 0


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two texts have in common at their beginnings."""
    if one[: len(other)] == other[: len(one)]:
        return min(len(one), len(other))
    return next(at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)

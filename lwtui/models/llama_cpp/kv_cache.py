"""The KV cache: a few texts that a model has computed, which may share prefixes.

Each text is a sequence of llama.cpp's KV cache. Sequences share the cells of a common prefix, so a copy costs nothing
and only the differing tokens take up room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import llama_cpp.llama_cpp as C

from lwtui.models.llama_cpp.bindings import Gguf

# llama.cpp rounds differently for few tokens than for many, and for a partial tile than for a whole one. The end of a
# prompt is therefore computed as many tokens from the beginning of a tile, so that the same prompt leads to the same
# numbers, whatever part of it was cached.
MIN_PREFILL = 64
TILE = 16


@dataclass
class CachedSequence:
    """One text in the cache.

    Attributes:
        number: llama.cpp's number of the sequence.
        tokens: The tokens in the cache.
        prefill_len: How many of the first tokens were computed as (part of) a prompt, which gives the same numbers each
            time. The tokens of a completion, computed one by one, may not.
        min_keep: How many of the first tokens cannot be truncated except by dropping the whole text. Above 0 only for a
            text that was restored from a saved state, in a model with sliding windows: the state holds only the last
            window.
        busy: Whether a generation runs in it.
        last_used: The turn in which it was used last.
    """

    number: int
    tokens: list[int] = field(default_factory=list)
    prefill_len: int = 0
    min_keep: int = 0
    busy: bool = False
    last_used: int = 0


class KVCache:
    """The sequences of a llama.cpp context, and which text is in which.

    Args:
        gguf: The model.
        context: llama.cpp's context.
        count: How many sequences it has.

    Attributes:
        can_share: Whether sequences can share prefixes, and can be truncated at any token.
        sequences: The sequences.
    """

    def __init__(self, gguf: Gguf, context: Any, count: int) -> None:
        self._memory = C.llama_get_memory(context)
        # A recurrent state covers its whole text, so a prefix of it cannot be shared.
        self.can_share = not (C.llama_model_is_recurrent(gguf.model) or C.llama_model_is_hybrid(gguf.model))
        self.sequences = [CachedSequence(number) for number in range(count)]
        self._turn = 0

    @property
    def idle(self) -> list[CachedSequence]:
        """Sequences in which no generation runs, the least recently used first."""
        return sorted(
            (sequence for sequence in self.sequences if not sequence.busy), key=lambda sequence: sequence.last_used
        )

    def claim(self, sequence: CachedSequence) -> None:
        """Mark ``sequence`` as in use by a generation."""
        self._turn += 1
        sequence.busy, sequence.last_used = True, self._turn

    def closest(self, prompt: Sequence[int]) -> tuple[CachedSequence, int]:
        """Find the sequence that shares the longest prefix with ``prompt``.

        Among equals it prefers idle sequences, then the most recently used.

        Returns:
            The sequence, and the length of the shared prefix in tokens.
        """
        candidates = []
        for sequence in self.sequences:
            shared = common_prefix_len(sequence.tokens, prompt)
            candidates.append(
                (shared if shared >= sequence.min_keep else 0, not sequence.busy, sequence.last_used, -sequence.number)
            )
        best = max(candidates)
        return self.sequences[-best[3]], best[0]

    def truncate(self, sequence: CachedSequence, keep: int) -> int:
        """Remove all but the first ``keep`` tokens; return how many could be kept."""
        if keep < sequence.min_keep:
            keep = 0
        if not C.llama_memory_seq_rm(self._memory, sequence.number, keep, -1):
            C.llama_memory_seq_rm(self._memory, sequence.number, -1, -1)
            keep = 0
        del sequence.tokens[keep:]
        sequence.prefill_len = min(sequence.prefill_len, keep)
        sequence.min_keep = min(sequence.min_keep, keep)
        return keep

    def roll_back(self, sequence: CachedSequence) -> None:
        """Remove what a failed computation may have left after the tokens of ``sequence``."""
        self.truncate(sequence, len(sequence.tokens))

    def copy_prefix(self, source: CachedSequence, target: CachedSequence, keep: int) -> int:
        """Replace ``target`` by the first ``keep`` tokens of ``source``; return how many tokens it holds then."""
        self.truncate(target, 0)
        if not self.can_share or keep < max(1, source.min_keep):
            return 0
        C.llama_memory_seq_cp(self._memory, source.number, target.number, 0, keep)
        target.tokens = source.tokens[:keep]
        target.prefill_len, target.min_keep = min(source.prefill_len, keep), source.min_keep
        return keep


def reusable_prefix_len(sequence: CachedSequence, shared: int, prompt_len: int, *, alone: bool) -> int:
    """Compute how many of a prompt's first tokens need not be computed again.

    At least the last token is always computed, to get the logits after it.

    Args:
        sequence: The cached text.
        shared: The length of the prefix that it shares with the prompt, in tokens.
        prompt_len: The length of the prompt, in tokens.
        alone: Whether no other generation runs. If others run, the numbers depend on them anyway.
    """
    longest = min(shared, prompt_len - 1)
    if not alone or shared > sequence.prefill_len:
        return longest
    keep = min(shared, prompt_len - MIN_PREFILL) // TILE * TILE
    if keep < sequence.min_keep <= longest:
        return sequence.min_keep
    return keep if keep >= MIN_PREFILL else 0


def common_prefix_len(a: Sequence[int], b: Sequence[int]) -> int:
    """Count the tokens that two texts share at their beginnings."""
    if a[: len(b)] == b[: len(a)]:
        return min(len(a), len(b))
    return next(at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y)

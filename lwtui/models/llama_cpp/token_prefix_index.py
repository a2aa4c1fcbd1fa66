"""Which tokens of a vocabulary a grammar need be asked about, by how their texts begin.

If a grammar refuses the token "P", it refuses every token that begins with a P. So a few thousand questions, about the
tokens that are one or two characters long, spare those about the hundreds of thousands that begin like them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

Allowed = Callable[[np.ndarray], np.ndarray]
"""Takes token ids and returns those that a grammar allows next."""


_BROKEN = "\ufffd"  # stands for bytes that are no whole character


def _beginning(text: bytes) -> str:
    return text.decode("utf-8", "replace")[:3]


class TokenPrefixIndex:
    """The tokens of a vocabulary, in groups by their first and by their first two characters."""

    def __init__(self, vocabulary: Iterable[bytes]) -> None:
        """Take the text of each token in order, empty for one that ends a text: that is allowed or not whatever its
        text is. It takes about half a second for 262,144 tokens.
        """
        texts = [_beginning(text) for text in vocabulary]
        self._tokens = np.arange(len(texts), dtype=np.int32)
        self._levels = [_Level(texts, length) for length in (1, 2)]

    def narrowed(self, allowed: Allowed) -> np.ndarray:
        """The ids of tokens that may be allowed: all that are, and some that are not."""
        tokens = self._tokens
        for level in self._levels:
            tokens = level.narrowed(tokens, allowed)
        return tokens


class _Level:
    """Groups of tokens whose texts have the same first ``length`` characters."""

    def __init__(self, texts: list[str], length: int) -> None:
        numbers: dict[str, int] = {}
        # Group 0 holds the tokens of which nothing is known: shorter ones, and bytes that are no whole character.
        self._group = np.zeros(len(texts), np.int32)
        standing_for: dict[int, int] = {}
        for token, text in enumerate(texts):
            if len(text) < length or _BROKEN in text[:length]:
                continue
            number = numbers.setdefault(text[:length], len(numbers) + 1)
            self._group[token] = number
            if len(text) == length:
                standing_for.setdefault(number, token)
        self._one = np.full(len(numbers) + 1, -1, np.int32)  # the token that stands for a group
        for number, token in standing_for.items():
            self._one[number] = token

    def narrowed(self, tokens: np.ndarray, allowed: Allowed) -> np.ndarray:
        groups = np.unique(self._group[tokens])
        asked = self._one[groups]
        asked = asked[asked >= 0]
        if not len(asked):
            return tokens
        refused = np.zeros(len(self._one), bool)
        refused[self._group[np.setdiff1d(asked, allowed(asked), assume_unique=True)]] = True
        return tokens[~refused[self._group[tokens]]]

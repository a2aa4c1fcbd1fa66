"""An index of a vocabulary by prefixes, which tells which tokens a grammar has to be asked about.

If a grammar rejects the token "P", it rejects every token that begins with a P. So a few thousand questions, about the
tokens of one or two characters, save the questions about hundreds of thousands of longer tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

Allowed = Callable[[np.ndarray], np.ndarray]
"""Takes token ids (shape ``(n,)``) and returns those that a grammar allows next."""

_BROKEN = "\ufffd"  # stands for bytes that are not a whole character


class TokenPrefixIndex:
    """The tokens of a vocabulary, grouped by their first character and by their first two characters.

    Building it takes about half a second for 262,144 tokens.

    Args:
        vocabulary: The bytes of each token in order; empty for an end token, which a grammar allows or rejects whatever
            its text is.
    """

    def __init__(self, vocabulary: Iterable[bytes]) -> None:
        prefixes = [piece.decode("utf-8", "replace")[:3] for piece in vocabulary]
        self._tokens = np.arange(len(prefixes), dtype=np.int32)
        self._levels = [_Level(prefixes, length) for length in (1, 2)]

    def narrow(self, allowed: Allowed) -> np.ndarray:
        """Return the ids of the tokens that may be allowed: all that are, and some that are not. Shape: ``(n,)``."""
        tokens = self._tokens
        for level in self._levels:
            tokens = level.narrow(tokens, allowed)
        return tokens


class _Level:
    """Groups of tokens with the same first ``length`` characters."""

    def __init__(self, prefixes: list[str], length: int) -> None:
        numbers: dict[str, int] = {}
        # Group 0 holds the tokens about which nothing is known: shorter ones, and parts of a character.
        self._group = np.zeros(len(prefixes), np.int32)
        representatives: dict[int, int] = {}
        for token, prefix in enumerate(prefixes):
            if len(prefix) < length or _BROKEN in prefix[:length]:
                continue
            number = numbers.setdefault(prefix[:length], len(numbers) + 1)
            self._group[token] = number
            if len(prefix) == length:
                representatives.setdefault(number, token)
        self._representative = np.full(len(numbers) + 1, -1, np.int32)  # the token that is exactly the prefix
        for number, token in representatives.items():
            self._representative[number] = token

    def narrow(self, tokens: np.ndarray, allowed: Allowed) -> np.ndarray:
        groups = np.unique(self._group[tokens])
        asked = self._representative[groups]
        asked = asked[asked >= 0]
        if not len(asked):
            return tokens
        rejected = np.zeros(len(self._representative), bool)
        rejected[self._group[np.setdiff1d(asked, allowed(asked), assume_unique=True)]] = True
        return tokens[~rejected[self._group[tokens]]]

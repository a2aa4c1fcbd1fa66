"""Guesses the next tokens of a completion that repeats parts of its prompt, such as a corrected passage.

Where the last tokens of the completion stand in the prompt, it probably goes on as the prompt does. The engine computes
the guess and the next token together, which costs much less than one token after the other, and drops what the model
would not have written. This is prompt lookup decoding, a kind of speculative decoding without a second model.
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_GUESS = 7  # tokens; with the next token, as many as have logits in one batch
_MATCH = 3  # tokens that must stand in the prompt before a guess
_LONG_MATCH = 8  # the same after too many wrong guesses
_SHORT_GUESS = 3  # tokens, until a guess was right, and after a wrong one
_PRICE = 0.35  # of a guessed token, in tokens that are computed one by one
_MOST_CREDIT = 4.0


class PromptLookup:
    """Guesses tokens, the fewer the more of its guesses were wrong.

    What it guesses depends on the tokens alone, not on time, so that a completion is repeatable.

    Args:
        prompt: The tokens of the prompt.
    """

    def __init__(self, prompt: Sequence[int]) -> None:
        self._prompt = list(prompt)
        self._places: dict[tuple[int, ...], int] = {}
        for end in range(_MATCH, len(self._prompt)):
            self._places[tuple(self._prompt[end - _MATCH : end])] = end
        self._longest = _SHORT_GUESS
        self._credit = 1.0

    def guess(self, text: Sequence[int]) -> list[int]:
        """Guess how ``text``, the tokens of prompt and completion, goes on: up to :data:`MAX_GUESS` tokens."""
        place = self._places.get(tuple(text[-_MATCH:]))
        if place is None or len(text) == len(self._prompt):
            return []
        if self._credit < 0 and self._prompt[max(0, place - _LONG_MATCH) : place] != list(text[-_LONG_MATCH:]):
            return []
        return self._prompt[place : place + self._longest]

    def learn(self, guessed: int, right: int) -> None:
        """Take up how many of the ``guessed`` tokens were right."""
        if guessed:
            self._credit = min(_MOST_CREDIT, self._credit + right - _PRICE * guessed)
            self._longest = MAX_GUESS if right == guessed else _SHORT_GUESS

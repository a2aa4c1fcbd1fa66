"""How fast text comes, over the last half minute, and what that means for the rest."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from time import monotonic

_WINDOW = 30.0  # seconds
_TOGETHER = 0.1  # what comes within so many seconds is one piece: some backends send thousands in a second
_USUAL_CHARACTERS = 4.2  # a token, until finished sections have told
_LEAST_SECONDS = 1.0


@dataclass
class Pace:
    """Fed with the length of each piece of text. Time without a model at work is not counted: see :meth:`restart`."""

    _pieces: deque[tuple[float, int]] = field(default_factory=deque)
    _characters: int = 0  # of those pieces
    _began: float = field(default_factory=monotonic)
    _told_characters: int = 0
    _told_tokens: int = 0

    def restart(self) -> None:
        """A run begins."""
        self._pieces.clear()
        self._characters = 0
        self._began = monotonic()

    def add(self, characters: int) -> None:
        now = monotonic()
        self._characters += characters
        if self._pieces and now - self._pieces[-1][0] < _TOGETHER:
            began, before = self._pieces.pop()
            now, characters = began, before + characters
        self._pieces.append((now, characters))
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._pieces and self._pieces[0][0] < now - _WINDOW:
            self._characters -= self._pieces.popleft()[1]

    def tell(self, characters: int, tokens: int) -> None:
        """A finished section took ``tokens`` for its ``characters``: from then on tokens are known better."""
        if tokens > 0:
            self._told_characters += characters
            self._told_tokens += tokens

    @property
    def characters_per_second(self) -> float:
        if not self._pieces:
            return 0.0
        now = monotonic()
        self._forget(now)
        return self._characters / max(_LEAST_SECONDS, min(_WINDOW, now - self._began))

    @property
    def tokens_per_second(self) -> float:
        per_token = self._told_characters / self._told_tokens if self._told_tokens else _USUAL_CHARACTERS
        return self.characters_per_second / max(0.5, per_token)

    def seconds_for(self, words: int, characters_per_word: float) -> float | None:
        """Time that ``words`` more take at this pace; ``None`` while there is no telling."""
        rate = self.characters_per_second
        return words * characters_per_word / rate if rate > 0 else None

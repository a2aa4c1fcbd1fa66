"""Watching a text for loops and restated sentences while it streams."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import regex

from lwtui.text import sentence_ends

_TOKEN = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}]+")
_GRAM = 4  # tokens in an n-gram
_SEEN_SHARE = 0.6  # a sentence with this share of known n-grams says nothing new
_LEAST_TOKENS = 7  # shorter sentences may repeat: "Why?" is no loop
_LOOP_TOKENS = 24  # a run with no sentence's end that repeats over this many tokens is a loop
_CHECK_EVERY = 40  # characters between two looks for a run within one sentence


@dataclass(frozen=True)
class Finding:
    """Where the sound text ends (offset in the section) and what follows it."""

    keep: int
    reason: str


class RepetitionWatch:
    """Knows the text of a document so far and looks at a section as it grows.

    Create it with the earlier text, then call :meth:`look` with the section's whole text after each piece.
    """

    def __init__(self, earlier: str = "") -> None:
        self._known: set[tuple[str, ...]] = set()
        self._checked = 0  # the section's text up to here is sound and known
        self._looked_at = 0
        for sentence in _sentences(earlier):
            self._known.update(_grams(_tokens(sentence)))

    def look(self, text: str, *, ended: bool = False) -> Finding | None:
        """The first repetition past what was checked before, or ``None``.

        ``ended`` says that no more is coming, so that a last sentence without its full stop is checked too.
        """
        for end in _ends(text, self._checked, ended):
            tokens = _tokens(text[self._checked : end])
            grams = _grams(tokens)
            if len(tokens) >= _LEAST_TOKENS and grams:
                seen = sum(gram in self._known for gram in grams) / len(grams)
                repeated = 1 - len(set(grams)) / len(grams)
                if max(seen, repeated) >= _SEEN_SHARE:
                    return Finding(self._checked, "a sentence was said before")
            self._known.update(grams)
            self._checked = end
        if len(text) - self._looked_at >= _CHECK_EVERY:
            self._looked_at = len(text)
            if _loops(_tokens(text[self._checked :])):
                return Finding(self._checked, "a phrase loops")
        return None

    def rolled_back(self, keep: int) -> None:
        """The section was cut to ``keep`` characters; what was said after it stays known, so as not to return."""
        self._checked = min(self._checked, keep)
        self._looked_at = min(self._looked_at, keep)


def _ends(text: str, start: int, ended: bool) -> list[int]:
    tail = text[start:]
    # A sentence that ends where the text does may still be growing.
    ends = [start + end for end in sentence_ends(tail) if end < len(tail)]
    if ended and tail.strip():
        ends.append(len(text))
    return ends


def _sentences(text: str) -> list[str]:
    cuts = [0, *sentence_ends(text), len(text)]
    return [text[a:b] for a, b in pairwise(cuts) if b > a]


def _tokens(text: str) -> list[str]:
    return [match.casefold() for match in _TOKEN.findall(text)]


def _grams(tokens: list[str]) -> list[tuple[str, ...]]:
    return [tuple(tokens[at : at + _GRAM]) for at in range(len(tokens) - _GRAM + 1)]


def _loops(tokens: list[str]) -> bool:
    """Whether the last tokens are one phrase over and over (at least three times)."""
    tail = tokens[-_LOOP_TOKENS * 3 :]
    for period in range(1, _LOOP_TOKENS + 1):
        span = max(period * 3, _LOOP_TOKENS)
        if len(tail) < span:
            break
        run = tail[-span:]
        if all(run[at] == run[at - period] for at in range(period, span)):
            return True
    return False

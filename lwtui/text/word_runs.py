"""Runs of words, by which a text is found to repeat another one word for word."""

from __future__ import annotations

import regex

_WORD = regex.compile(r"[\p{L}\p{N}]+")


def words_in_line(text: str) -> str:
    """Return the words of a text without case, each followed by one space but the last."""
    return " ".join(_WORD.findall(text.casefold()))


def word_runs(text: str, size: int) -> frozenset[str]:
    """Return every run of ``size`` words in a text, each as :func:`words_in_line` has it."""
    words = words_in_line(text).split()
    return frozenset(" ".join(words[start : start + size]) for start in range(len(words) - size + 1))

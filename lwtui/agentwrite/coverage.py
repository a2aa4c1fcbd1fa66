"""Finds what a section was to say and does not."""

from __future__ import annotations

import regex

_CLAUSE = regex.compile(r"[;；。.]\s*|[,，、]\s*|\s+(?:and|und|et|y|e)\s+")
_WORD = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]{2,}|[\p{L}\p{N}]{4,}")
_CJK = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]")
_STEM = 5  # characters that identify a word, whatever its ending


def missing_points(main_point: str, text: str) -> list[str]:
    """Return the clauses of a main point of which ``text`` has less than half of the words."""
    present = {stem for word in _WORD.findall(text) for stem in _stems(word)}
    return [clause for clause in _clauses(main_point) if _coverage(clause, present) < 0.5]


def _clauses(main_point: str) -> list[str]:
    return [clause.strip() for clause in _CLAUSE.split(main_point) if _WORD.search(clause)]


def _coverage(clause: str, present: set[str]) -> float:
    stems = [stem for word in _WORD.findall(clause) for stem in _stems(word)]
    return sum(stem in present for stem in stems) / max(1, len(stems))


def _stems(word: str) -> list[str]:
    """Return what identifies a word: its beginning, or its pairs of characters in Chinese and Japanese."""
    word = word.casefold()
    return [word[start : start + 2] for start in range(len(word) - 1)] if _CJK.match(word) else [word[:_STEM]]

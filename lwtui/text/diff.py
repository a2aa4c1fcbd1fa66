"""What an answer changes in a text, word by word, in pieces that can be taken or left one by one.

Chinese and Japanese are compared by characters. Whole sentences are matched first, words only within those that
differ: that keeps a section of many thousand words quick, and a change in one sentence from being matched with
another. Small words that happen to stand in both texts do not tear a rewritten sentence into confetti.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

import regex

from lwtui.text.sentences import sentence_ends

# A word keeps the space before it, so that a changed word is one change. A line's end is a token of its own.
_TOKEN = regex.compile(
    r"[ \t\u3000]*(?:[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]"
    r"|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])[\p{L}\p{N}\p{M}'’])+"
    r"|[^\s\p{L}\p{N}])|\n+|\s+|."
)
_MOST_KEPT = 24  # characters in common that may be given up between two changes


@dataclass(frozen=True)
class Hunk:
    """``old``, which stands from ``start`` to ``end`` (offsets in the old text), becomes ``new``."""

    start: int
    end: int
    old: str
    new: str

    @property
    def size(self) -> int:
        """Characters of the longer side."""
        return max(len(self.old), len(self.new))


def diff(old: str, new: str) -> list[Hunk]:
    """The changes from ``old`` to ``new``, in order; none if they are equal."""
    if old == new:
        return []
    before, after = _sentences(old), _sentences(new)
    hunks: list[Hunk] = []
    at = _offsets(before)
    for same, a, b, c, d in _opcodes(before, after):
        if not same:
            hunks += _by_words("".join(before[a:b]), "".join(after[c:d]), at[a])
    return _gathered(old, hunks)


def merged(old: str, hunks: Sequence[Hunk], accepted: Collection[int]) -> str:
    """``old`` with the hunks whose numbers (from 0) are in ``accepted``."""
    parts, at = [], 0
    for number, hunk in enumerate(hunks):
        if number in accepted:
            parts += [old[at : hunk.start], hunk.new]
            at = hunk.end
    return "".join([*parts, old[at:]])


def pieces(old: str, hunks: Sequence[Hunk]) -> Iterator[tuple[str, int | None]]:
    """The old text in order: what stays with ``None``, and for each hunk an empty text with its number."""
    at = 0
    for number, hunk in enumerate(hunks):
        yield old[at : hunk.start], None
        yield "", number
        at = hunk.end
    yield old[at:], None


def _sentences(text: str) -> list[str]:
    cuts = [0, *sentence_ends(text), len(text)]
    return [text[a:b] for a, b in pairwise(cuts) if b > a]


def _offsets(parts: Sequence[str]) -> list[int]:
    at = [0]
    for part in parts:
        at.append(at[-1] + len(part))
    return at


def _opcodes(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[bool, int, int, int, int]]:
    """As difflib's, without its names. What is frequent is no place to match at, but grows a match."""
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=True).get_opcodes():
        yield tag == "equal", a, b, c, d


def _by_words(old: str, new: str, offset: int) -> list[Hunk]:
    if not old or not new:
        return [Hunk(offset, offset + len(old), old, new)]
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    at = _offsets(before)
    return [
        Hunk(offset + at[a], offset + at[b], "".join(before[a:b]), "".join(after[c:d]))
        for same, a, b, c, d in _opcodes(before, after)
        if not same
    ]


def _gathered(old: str, hunks: Sequence[Hunk]) -> list[Hunk]:
    """Join changes with so little between them that reading them as one is easier."""
    result: list[Hunk] = []
    for hunk in hunks:
        while result and _is_slight(old[result[-1].end : hunk.start], result[-1], hunk):
            last = result.pop()
            between = old[last.end : hunk.start]
            hunk = Hunk(last.start, hunk.end, last.old + between + hunk.old, last.new + between + hunk.new)
        result.append(hunk)
    return result


def _is_slight(between: str, before: Hunk, after: Hunk) -> bool:
    """Whether what two changes have between them is no landmark: shorter than both, and within a line."""
    return len(between) <= min(before.size, after.size, _MOST_KEPT) and "\n" not in between

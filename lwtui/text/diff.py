"""A word diff whose hunks can be accepted or rejected one by one.

Chinese and Japanese are compared by characters. Sentences are matched first, and words only within sentences that
differ: this stays fast for a section of many thousand words, and never matches words of unrelated sentences. Short
words that both versions share do not split a rewritten sentence into many small hunks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

import regex

from lwtui.text.sentences import sentence_ends

# A token includes the space before its word, so that a changed word is one change. Line ends are tokens too.
_TOKEN = regex.compile(
    r"[ \t\u3000]*(?:[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]"
    r"|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])[\p{L}\p{N}\p{M}'’])+"
    r"|[^\s\p{L}\p{N}])|\n+|\s+|."
)
_MAX_GAP = 24  # unchanged characters between two changes that are joined into one hunk


@dataclass(frozen=True)
class Hunk:
    """A change: ``old``, at offsets ``start`` to ``end`` of the old text, becomes ``new``."""

    start: int
    end: int
    old: str
    new: str

    @property
    def size(self) -> int:
        """The length of the longer side, in characters."""
        return max(len(self.old), len(self.new))


def diff(old: str, new: str) -> list[Hunk]:
    """Return the changes from ``old`` to ``new``, in order."""
    if old == new:
        return []
    before, after = _sentences(old), _sentences(new)
    hunks: list[Hunk] = []
    offsets = _offsets(before)
    for same, a, b, c, d in _opcodes(before, after):
        if not same:
            hunks += _word_hunks("".join(before[a:b]), "".join(after[c:d]), offsets[a])
    return _join_close_hunks(old, hunks)


def apply_hunks(old: str, hunks: Sequence[Hunk], accepted: Collection[int]) -> str:
    """Apply the hunks whose numbers (from 0) are in ``accepted`` to ``old``."""
    parts, end = [], 0
    for number, hunk in enumerate(hunks):
        if number in accepted:
            parts += [old[end : hunk.start], hunk.new]
            end = hunk.end
    return "".join([*parts, old[end:]])


def split_at_hunks(old: str, hunks: Sequence[Hunk]) -> Iterator[tuple[str, int | None]]:
    """Split ``old`` at its hunks.

    Yields:
        In order, ``(text, None)`` for unchanged text and ``("", number)`` for each hunk.
    """
    end = 0
    for number, hunk in enumerate(hunks):
        yield old[end : hunk.start], None
        yield "", number
        end = hunk.end
    yield old[end:], None


def _sentences(text: str) -> list[str]:
    cuts = [0, *sentence_ends(text), len(text)]
    return [text[a:b] for a, b in pairwise(cuts) if b > a]


def _offsets(parts: Sequence[str]) -> list[int]:
    offsets = [0]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return offsets


def _opcodes(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[bool, int, int, int, int]]:
    """Like ``difflib``, but with a flag for equal parts in place of tags.

    With ``autojunk``, no match starts at a very frequent token, but a match may extend over one.
    """
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=True).get_opcodes():
        yield tag == "equal", a, b, c, d


def _word_hunks(old: str, new: str, offset: int) -> list[Hunk]:
    if not old or not new:
        return [Hunk(offset, offset + len(old), old, new)]
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    offsets = _offsets(before)
    return [
        Hunk(offset + offsets[a], offset + offsets[b], "".join(before[a:b]), "".join(after[c:d]))
        for same, a, b, c, d in _opcodes(before, after)
        if not same
    ]


def _join_close_hunks(old: str, hunks: Sequence[Hunk]) -> list[Hunk]:
    """Join hunks that are easier to read as one, because little unchanged text lies between them."""
    result: list[Hunk] = []
    for hunk in hunks:
        while result and _is_small_gap(old[result[-1].end : hunk.start], result[-1], hunk):
            last = result.pop()
            between = old[last.end : hunk.start]
            hunk = Hunk(last.start, hunk.end, last.old + between + hunk.old, last.new + between + hunk.new)
        result.append(hunk)
    return result


def _is_small_gap(between: str, before: Hunk, after: Hunk) -> bool:
    """Tell whether the text between two hunks is within one line and shorter than both."""
    return len(between) <= min(before.size, after.size, _MAX_GAP) and "\n" not in between

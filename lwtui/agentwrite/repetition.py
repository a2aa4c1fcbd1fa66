"""Watching a text for loops and restated sentences while it streams."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import regex

from lwtui.agentwrite.filters import FilterVerdict, SectionText
from lwtui.text import last_sentence_end, sentence_ends

_TOKEN = regex.compile(r"(?P<character>[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])|[\p{L}\p{N}]+")
_BREAK = regex.compile(r"\n\s*\n")
_LAST_BREAK = regex.compile(r"(?r)\n\s*\n")
_MAY_RETURN = regex.compile(r"\s*[#“\"«„‘「『—–]")  # headings and what people say
_SEEN_SHARE = 0.6  # a sentence with this share of known n-grams says nothing new
_LOOP_TOKENS = 24  # a phrase that repeats over this many tokens is a loop
_LOOP_REACH = 700  # characters in which a loop is looked for
_CHECK_EVERY = 40  # characters between two looks for a loop
_PLACES = 2**24 - 1  # of the n-grams that were said
_RESCAN = 80  # characters before the last look in which a sentence's end may since have become one


@dataclass(frozen=True)
class _Measure:
    """``gram``: tokens in an n-gram. ``least``: shorter sentences may repeat, "Why?" is no loop; so may paragraphs
    shorter than ``least_paragraph``."""

    gram: int
    least: int
    least_paragraph: int


# A character of Chinese or Japanese says about half of what a word does.
_WORDS, _CHARACTERS = _Measure(4, 7, 4), _Measure(8, 14, 8)


class RepetitionFilter:
    """Knows the text of a document so far and looks at a section as it grows (see
    :class:`lwtui.agentwrite.filters.TextFilter`).

    Args:
        earlier: The texts of the earlier sections.
    """

    def __init__(self, earlier: Iterable[str] = ()) -> None:
        earlier = list(earlier)
        self._known = _Grams()
        for text in earlier:
            self._known.update(_grams_of(text))
        self._paragraphs: set[int] = set().union(*map(_paragraphs_of, earlier))
        self._checked = 0  # the section's text up to here is sound and known
        self._scanned = 0  # no sentence ends between _checked and here
        self._broken = 0  # paragraphs that end before it are known
        self._paragraph_end = 0  # of the last one that is
        self._trusted = 0  # nothing before it is taken back
        self._looked_at = 0

    def trust(self, text: str) -> None:
        end = last_sentence_end(text)
        self._known.update(_grams_of(text[:end]))
        self._paragraphs |= _paragraphs_of(text[:end])
        self._checked = self._scanned = end
        self._trusted = self._looked_at = self._broken = len(text)
        self._paragraph_end = len(text.rstrip())

    def feed(self, text: SectionText, *, ended: bool = False) -> FilterVerdict | None:
        whole = text.text
        for end in self._ends(whole, ended):
            tokens, measure = _tokens(whole[self._checked : end])
            grams = _grams(tokens, measure)
            if len(tokens) >= measure.least and grams:
                seen = sum(gram in self._known for gram in grams) / len(grams)
                repeated = 1 - len(set(grams)) / len(grams)
                if max(seen, repeated) >= _SEEN_SHARE:
                    return _loop(max(self._checked, self._trusted), "a sentence was said before")
            self._known.update(grams)
            self._checked = self._scanned = end
        self._scanned = max(self._checked, len(whole) - _RESCAN)
        if (before := self._paragraph_before(whole, ended)) is not None:
            return before
        if len(whole) - self._looked_at < _CHECK_EVERY:
            return None
        self._looked_at = len(whole)
        loop = _loop_in(whole, max(self._trusted, len(whole) - _LOOP_REACH))
        return None if loop is None else _loop(loop, "a phrase loops")

    def cut(self, keep: int) -> None:
        """The section was cut to ``keep`` characters. What followed stays known, so that it does not return."""
        self._checked = min(self._checked, keep)
        self._scanned = min(self._scanned, keep)
        self._broken = min(self._broken, keep)
        self._paragraph_end = min(self._paragraph_end, keep)
        self._trusted = min(self._trusted, keep)
        self._looked_at = min(self._looked_at, keep)

    def _paragraph_before(self, text: str, ended: bool) -> FilterVerdict | None:
        """A paragraph that has ended since the last look and has stood in the document before."""
        for match in _BREAK.finditer(text, self._broken):
            self._broken = match.end()
            if (verdict := self._paragraph_at(text, match.start())) is not None:
                return verdict
        self._broken = max(self._broken, len(text) - _RESCAN)
        return self._paragraph_at(text, len(text)) if ended else None

    def _paragraph_at(self, text: str, end: int) -> FilterVerdict | None:
        """Whether the paragraph that ends at ``end`` has stood before; if it has not, it is known now."""
        found = _LAST_BREAK.search(text, 0, end)
        start, sound = (found.end(), found.start()) if found else (0, 0)
        end = start + len(text[start:end].rstrip())
        if end == self._paragraph_end:
            return None  # more white space after one that is known
        self._paragraph_end = end
        paragraph = _paragraph(text[start:end])
        if paragraph in self._paragraphs:
            return _loop(max(sound, self._trusted), "a paragraph was said before")
        if paragraph is not None:
            self._paragraphs.add(paragraph)
        return None

    def _ends(self, text: str, ended: bool) -> list[int]:
        start = max(self._checked, self._scanned)
        tail = text[start:]
        # A sentence that ends where the text does may still be growing.
        ends = [start + end for end in sentence_ends(tail) if end < len(tail)]
        if ended and text[ends[-1] if ends else self._checked :].strip():
            ends.append(len(text))
        return ends


def _loop(keep: int, reason: str) -> FilterVerdict:
    return FilterVerdict(keep, reason, loop=True)


class _Grams:
    """A set of n-grams in little room, whatever their number: one bit for each that a hash may fall on.

    Of a million words' n-grams that are not in it, it takes one in seventeen for one that is; a sentence is said to be
    known only if most of its are.
    """

    def __init__(self) -> None:
        self._bits = bytearray((_PLACES + 1) // 8)

    def update(self, grams: Iterable[int]) -> None:
        bits = self._bits
        for gram in grams:
            at = gram & _PLACES
            bits[at >> 3] |= 1 << (at & 7)

    def __contains__(self, gram: int) -> bool:
        at = gram & _PLACES
        return bool(self._bits[at >> 3] & 1 << (at & 7))


@lru_cache(maxsize=512)
def _grams_of(text: str) -> array[int]:
    """The n-grams of all sentences of a text, by their places. Each section asks for those of all earlier ones."""
    cuts = [0, *sentence_ends(text), len(text)]
    return array("I", (gram & _PLACES for a, b in pairwise(cuts) if b > a for gram in _grams(*_tokens(text[a:b]))))


@lru_cache(maxsize=512)
def _paragraphs_of(text: str) -> frozenset[int]:
    return frozenset(known for one in _BREAK.split(text) if (known := _paragraph(one)) is not None)


def _paragraph(text: str) -> int | None:
    """What a paragraph is known by; ``None`` if it may come again."""
    tokens, measure = _tokens(text)
    if len(tokens) < measure.least_paragraph or _MAY_RETURN.match(text):
        return None
    return hash(tuple(tokens))


def _tokens(text: str) -> tuple[list[str], _Measure]:
    matches = list(_TOKEN.finditer(text))
    characters = sum(match["character"] is not None for match in matches)
    tokens = [match.group().casefold() for match in matches]
    return tokens, _CHARACTERS if characters * 2 > len(tokens) else _WORDS


def _grams(tokens: list[str], measure: _Measure) -> list[int]:
    """Hashes of the n-grams: a long document has a great many."""
    size = measure.gram
    return [hash(tuple(tokens[at : at + size])) for at in range(len(tokens) - size + 1)]


def _loop_in(text: str, start: int) -> int | None:
    """Where ``text``, from ``start`` on, ends in one phrase over and over (at least three times): the first time's end.

    It is moved back to a sentence's end, if one lies between.
    """
    matches = list(_TOKEN.finditer(text, start))
    tokens = [match.group().casefold() for match in matches]
    for period in range(1, _LOOP_TOKENS + 1):
        span = max(period * 3, _LOOP_TOKENS)
        if len(tokens) < span:
            return None
        first = len(tokens)
        while first > period and tokens[first - 1] == tokens[first - 1 - period]:
            first -= 1
        if len(tokens) - first >= span - period:
            again = matches[first].start()
            return start + (last_sentence_end(text[start:again]) or len(text[start:again].rstrip()))
    return None

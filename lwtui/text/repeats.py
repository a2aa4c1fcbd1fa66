"""What a text says more than once: spans word for word, phrases that return, passages that are nearly the same.

All of it works on tokens with their places: words, or characters of Chinese and Japanese. A hundred thousand of them
take a second or two.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import regex

_CHARACTER = r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]"
_TOKEN = regex.compile(rf"(?P<character>{_CHARACTER})|(?:(?!{_CHARACTER})[\p{{L}}\p{{N}}\p{{M}}'’])+")
_MOST_SHARED = 15  # passages that a shingle or word may stand in and still tell two of them apart
_LEAST_RARE = 5  # words that two passages must share to be compared by their words


@dataclass(frozen=True)
class RepeatMeasure:
    """How many tokens make a phrase, a span and a passage worth looking at."""

    phrase: int
    span: int
    passage: int
    shingle: int
    opening: int


# A character of Chinese or Japanese says about half of what a word does.
WORDS = RepeatMeasure(phrase=5, span=16, passage=12, shingle=3, opening=4)
CHARACTERS = RepeatMeasure(phrase=10, span=32, passage=24, shingle=5, opening=6)


@dataclass(frozen=True)
class Token:
    """A word in small letters, or a character; ``start`` and ``end`` are offsets in its text."""

    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    return [Token(match.group().casefold(), match.start(), match.end()) for match in _TOKEN.finditer(text)]


def measure_of(texts: Sequence[str]) -> RepeatMeasure:
    """The measure for a document: that of characters where most of its tokens are."""
    sample = "\n".join(text[:4000] for text in texts[:50])
    found = [match["character"] is not None for match in _TOKEN.finditer(sample)]
    return CHARACTERS if sum(found) * 2 > len(found) else WORDS


@dataclass(frozen=True)
class RepeatedSpan:
    """``length`` tokens from ``first`` on stand again from ``again`` on."""

    first: int
    again: int
    length: int


def repeated_spans(tokens: Sequence[str], least: int) -> list[RepeatedSpan]:
    """Where at least ``least`` tokens stand once more, word for word; each place once, as long as it gets."""
    seen: dict[tuple[str, ...], int] = {}
    spans, at = [], 0
    while at <= len(tokens) - least:
        gram = tuple(tokens[at : at + least])
        first = seen.setdefault(gram, at)
        if first == at or first + least > at:
            at += 1
            continue
        length = least
        while at + length < len(tokens) and first + length < at and tokens[at + length] == tokens[first + length]:
            length += 1
        spans.append(RepeatedSpan(first, at, length))
        at += length
    return spans


def repeated_phrases(tokens: Sequence[str], size: int, times: int, but: set[int]) -> list[tuple[int, list[int]]]:
    """Phrases of at least ``size`` tokens that occur at least so many ``times``: length and places, the longest first.

    Places in ``but`` do not count. A phrase within a longer one that occurs as often is not told.
    """
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at in range(len(tokens) - size + 1):
        if at not in but:
            places[tuple(tokens[at : at + size])].append(at)
    found: dict[tuple[int, int], list[int]] = {}
    for starts in places.values():
        if len(starts) >= times and len(set(tokens[starts[0] : starts[0] + size])) > 2:
            left, length = _widened(tokens, starts, size)
            found[(starts[0] - left, length)] = [start - left for start in starts]
    return sorted(((length, starts) for (_, length), starts in found.items()), key=lambda one: (-one[0], one[1][0]))


def _widened(tokens: Sequence[str], starts: Sequence[int], length: int) -> tuple[int, int]:
    """How far to the left, and to which length, what stands at all of ``starts`` is the same."""
    left = 0
    while starts[0] - left > 0 and len({tokens[one - left - 1] for one in starts}) == 1:
        left += 1
    length += left
    while starts[-1] - left + length < len(tokens) and len({tokens[one - left + length] for one in starts}) == 1:
        length += 1
    return left, length


def alike(
    passages: Sequence[Sequence[str]], measure: RepeatMeasure, least: float = 0.45
) -> Iterator[tuple[int, int, float]]:
    """Pairs of passages that say nearly the same, and how alike they are (``least`` to 1).

    By the share of their word sequences that they have in common, or by their rare words: a passage that was told
    in another order is found too. Single characters of Chinese and Japanese are no words, so there it is not.
    """
    shingles = [_shingles(passage, measure.shingle) for passage in passages]
    likeness: dict[tuple[int, int], float] = {}
    for pair, shared in _shared(shingles).items():
        smaller = min(len(shingles[pair[0]]), len(shingles[pair[1]]))
        if shared / smaller >= least:
            likeness[pair] = shared / smaller
    for pair, cosine in (_by_rare_words(passages) if measure is WORDS else {}).items():
        if cosine >= least + 0.1:
            likeness[pair] = max(likeness.get(pair, 0.0), cosine)
    for (one, other), value in sorted(likeness.items()):
        yield one, other, min(1.0, value)


def _shingles(passage: Sequence[str], size: int) -> set[tuple[str, ...]]:
    return {tuple(passage[at : at + size]) for at in range(len(passage) - size + 1)}


def _shared(sets: Sequence[set[tuple[str, ...]]]) -> Counter[tuple[int, int]]:
    """How many members each two of the sets share. Members of many sets tell nothing."""
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, members in enumerate(sets):
        for member in members:
            holders[member].append(number)
    shared: Counter[tuple[int, int]] = Counter()
    for numbers in holders.values():
        if 2 <= len(numbers) <= _MOST_SHARED:
            shared.update((one, other) for at, one in enumerate(numbers) for other in numbers[at + 1 :])
    return shared


def _by_rare_words(passages: Sequence[Sequence[str]]) -> dict[tuple[int, int], float]:
    """The cosine of the rare words of each two passages that share enough of them."""
    holders: dict[str, list[int]] = defaultdict(list)
    for number, passage in enumerate(passages):
        for word in set(passage):
            holders[word].append(number)
    weights = {word: math.log(1 + len(passages) / len(numbers)) for word, numbers in holders.items()}
    norms = [math.sqrt(sum(weights[word] ** 2 for word in set(passage))) or 1.0 for passage in passages]
    products: Counter[tuple[int, int]] = Counter()
    counts: Counter[tuple[int, int]] = Counter()
    for word, numbers in holders.items():
        if 2 <= len(numbers) <= _MOST_SHARED:
            square = weights[word] ** 2
            for at, one in enumerate(numbers):
                for other in numbers[at + 1 :]:
                    products[one, other] += square  # type: ignore[assignment]
                    counts[one, other] += 1
    return {
        pair: product / (norms[pair[0]] * norms[pair[1]])
        for pair, product in products.items()
        if counts[pair] >= _LEAST_RARE
    }

"""Repetition in a text: repeated spans, recurring phrases and near-duplicate passages.

Everything works on tokens: words, or characters of Chinese and Japanese. 100,000 tokens take a second or two.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import regex

_CHARACTER = r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]"
_TOKEN = regex.compile(rf"(?P<character>{_CHARACTER})|(?:(?!{_CHARACTER})[\p{{L}}\p{{N}}\p{{M}}'’])+")
_MAX_SHARED = 15  # passages; a shingle or word that occurs in more says nothing about any two of them
_MIN_RARE_WORDS = 5  # words that two passages must share to be compared by their rare words


@dataclass(frozen=True)
class RepeatThresholds:
    """The least numbers of tokens.

    Attributes:
        phrase: Of a recurring phrase.
        span: Of a repeated span.
        passage: Of a passage that is compared with others.
        shingle: Of the n-grams by which passages are compared.
        opening: Of the openings and endings of sections that are compared.
    """

    phrase: int
    span: int
    passage: int
    shingle: int
    opening: int


# A Chinese or Japanese character carries about half as much meaning as a word.
WORDS = RepeatThresholds(phrase=5, span=16, passage=12, shingle=3, opening=4)
CHARACTERS = RepeatThresholds(phrase=10, span=32, passage=24, shingle=5, opening=6)


@dataclass(frozen=True)
class Token:
    """A case-folded word or a character, at the offsets ``start`` to ``end`` of its text."""

    text: str
    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    """Split a text into words, and into characters where it is Chinese or Japanese."""
    return [Token(match.group().casefold(), match.start(), match.end()) for match in _TOKEN.finditer(text)]


def choose_thresholds(texts: Sequence[str]) -> RepeatThresholds:
    """Return the thresholds for a document: :data:`CHARACTERS` if most of its tokens are, else :data:`WORDS`."""
    sample = "\n".join(text[:4000] for text in texts[:50])
    is_character = [match["character"] is not None for match in _TOKEN.finditer(sample)]
    return CHARACTERS if sum(is_character) * 2 > len(is_character) else WORDS


@dataclass(frozen=True)
class RepeatedSpan:
    """The ``length`` tokens at position ``first`` occur again at position ``again``."""

    first: int
    again: int
    length: int


def repeated_spans(tokens: Sequence[str], least: int) -> list[RepeatedSpan]:
    """Find every verbatim repetition of at least ``least`` tokens, each as long as possible."""
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
    """Find phrases that occur often. A phrase within a longer one that occurs as often is left out.

    Args:
        tokens: The text.
        size: The least length of a phrase, in tokens.
        times: The least number of occurrences.
        but: Positions to ignore.

    Returns:
        The length and the positions of each phrase, the longest first.
    """
    positions: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at in range(len(tokens) - size + 1):
        if at not in but:
            positions[tuple(tokens[at : at + size])].append(at)
    phrases: dict[tuple[int, int], list[int]] = {}
    for starts in positions.values():
        if len(starts) >= times and len(set(tokens[starts[0] : starts[0] + size])) > 2:
            left, length = _extend(tokens, starts, size)
            phrases[(starts[0] - left, length)] = [start - left for start in starts]
    found = ((length, starts) for (_, length), starts in phrases.items())
    return sorted(found, key=lambda phrase: (-phrase[0], phrase[1][0]))


def _extend(tokens: Sequence[str], starts: Sequence[int], length: int) -> tuple[int, int]:
    """Extend a phrase as long as all its occurrences agree; how far to the left, and its new length."""
    left = 0
    while starts[0] - left > 0 and len({tokens[start - left - 1] for start in starts}) == 1:
        left += 1
    length += left
    while starts[-1] - left + length < len(tokens) and len({tokens[start - left + length] for start in starts}) == 1:
        length += 1
    return left, length


def similar_passages(
    passages: Sequence[Sequence[str]], thresholds: RepeatThresholds, least: float = 0.45
) -> Iterator[tuple[int, int, float]]:
    """Find pairs of passages that say nearly the same.

    Passages are compared by the share of their shingles that they have in common, and by their rare words, which
    also finds a passage that was told in another order. Chinese and Japanese are compared by shingles alone, because
    single characters are not words.

    Args:
        passages: The tokens of each passage.
        thresholds: Those of the document.
        least: The least similarity, from 0 to 1.

    Yields:
        The numbers of two passages, and their similarity from ``least`` to 1.
    """
    shingles = [_shingles(passage, thresholds.shingle) for passage in passages]
    similarity: dict[tuple[int, int], float] = {}
    for pair, shared in _count_shared(shingles).items():
        smaller = min(len(shingles[pair[0]]), len(shingles[pair[1]]))
        if shared / smaller >= least:
            similarity[pair] = shared / smaller
    for pair, cosine in (_rare_word_cosines(passages) if thresholds is WORDS else {}).items():
        if cosine >= least + 0.1:
            similarity[pair] = max(similarity.get(pair, 0.0), cosine)
    for (first, second), value in sorted(similarity.items()):
        yield first, second, min(1.0, value)


def _shingles(passage: Sequence[str], size: int) -> set[tuple[str, ...]]:
    return {tuple(passage[at : at + size]) for at in range(len(passage) - size + 1)}


def _count_shared(sets: Sequence[set[tuple[str, ...]]]) -> Counter[tuple[int, int]]:
    """Count the members that each pair of sets shares. Members of many sets are ignored."""
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, members in enumerate(sets):
        for member in members:
            holders[member].append(number)
    shared: Counter[tuple[int, int]] = Counter()
    for numbers in holders.values():
        if 2 <= len(numbers) <= _MAX_SHARED:
            shared.update(combinations(numbers, 2))
    return shared


def _rare_word_cosines(passages: Sequence[Sequence[str]]) -> dict[tuple[int, int], float]:
    """Compute the cosine similarity of the rare words of each pair of passages that shares enough of them."""
    holders: dict[str, list[int]] = defaultdict(list)
    for number, passage in enumerate(passages):
        for word in set(passage):
            holders[word].append(number)
    weights = {word: math.log(1 + len(passages) / len(numbers)) for word, numbers in holders.items()}
    norms = [math.sqrt(sum(weights[word] ** 2 for word in set(passage))) or 1.0 for passage in passages]
    products: Counter[tuple[int, int]] = Counter()
    counts: Counter[tuple[int, int]] = Counter()
    for word, numbers in holders.items():
        if 2 <= len(numbers) <= _MAX_SHARED:
            square = weights[word] ** 2
            for pair in combinations(numbers, 2):
                products[pair] += square  # type: ignore[assignment]
                counts[pair] += 1
    return {
        pair: product / (norms[pair[0]] * norms[pair[1]])
        for pair, product in products.items()
        if counts[pair] >= _MIN_RARE_WORDS
    }

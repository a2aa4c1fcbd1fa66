"""What can be told of a text without a judge: whether it repeats itself, keeps to its plan, and tires towards its end.

All figures are of tokens: words in any case, and single characters of Chinese and Japanese. None of them is a score;
they show where to look.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean

import regex

from lwtui.text import sentence_ends
from lwtui_bench.answers import Answer

_CJK = r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]"
_WORD = rf"(?:(?!{_CJK})[\p{{L}}\p{{N}}])+"
_TOKEN = regex.compile(rf"(?P<character>{_CJK})|{_WORD}(?:['’\-]{_WORD})*")
_CONTENT = regex.compile(rf"{_CJK}{{2,}}|(?:(?!{_CJK})\p{{L}}){{4,}}")
_WINDOW = 500  # tokens: distinct-n falls with a text's length, so it is taken of windows
_LEAST_PARAGRAPH = 12  # tokens; shorter ones are headings, items of lists, lines of dialogue
_SAME_PARAGRAPH = 0.6  # Jaccard similarity of their shingles from which two paragraphs are near-duplicates
_LEAST_FOR_DECILES = 300  # tokens

# What is shown, and in which direction it is better: 1 up, -1 down, 0 neither.
NAMES: Mapping[str, tuple[str, int]] = {
    "attainment": ("length reached, share of the required", 0),
    "section_error": ("sections' distance from their planned length", -1),
    "distinct_1": ("distinct-1 in windows of 500 tokens", 1),
    "distinct_2": ("distinct-2 in windows of 500 tokens", 1),
    "distinct_4": ("distinct-4 in windows of 500 tokens", 1),
    "repeated_ngrams": ("tokens in an n-gram that was there before", -1),
    "longest_repeat": ("longest repeated span, tokens", -1),
    "duplicate_paragraphs": ("near-duplicate paragraphs", -1),
    "repeated_openings": ("paragraphs that open like another", -1),
    "repeated_closings": ("paragraphs that close like another", -1),
    "plan_recall": ("main points found in their sections", 1),
    "plan_place": ("main points best met by their own section", 1),
    "drift": ("new n-grams, last third less first third", 1),
}


@dataclass(frozen=True)
class Metric:
    """Sizes that say about as much in Chinese characters as in words."""

    repeated: int  # tokens of an n-gram whose return is no accident
    shingle: int
    edge: int  # tokens of a paragraph's opening or closing
    fresh: int  # tokens of the n-grams whose newness is followed through a text


WORDS, CHARACTERS = Metric(6, 3, 3, 3), Metric(10, 5, 5, 5)


@dataclass(frozen=True)
class Decile:
    """A tenth of a text. ``fresh``: share of its n-grams that no earlier tenth has; ``sentence`` in tokens."""

    fresh: float
    distinct: float
    sentence: float


def measure(answer: Answer) -> dict[str, float]:
    """The figures of :data:`NAMES` that an answer has. Shares run from 0 to 1."""
    text = answer.text
    found: dict[str, float | None] = {"attainment": answer.actual / answer.length}
    tokens, sizes = tokens_of(text)
    if tokens:
        found |= {f"distinct_{n}": distinct(tokens, n) for n in (1, 2, 4)}
        found["repeated_ngrams"] = repeated_share(tokens, sizes.repeated)
        found["longest_repeat"] = float(longest_repeat(tokens))
        found |= _of_paragraphs(_pieces(answer), sizes)
    found |= _of_sections(answer)
    if len(tenths := deciles(text)) == 10:
        fresh = [one.fresh for one in tenths]
        found["drift"] = fmean(fresh[-3:]) - fmean(fresh[:3])
    return {name: value for name in NAMES if (value := found.get(name)) is not None}


@lru_cache(maxsize=64)
def tokens_of(text: str) -> tuple[tuple[str, ...], Metric]:
    """The tokens of a text, and the sizes that go with them."""
    matches = list(_TOKEN.finditer(text))
    characters = sum(match["character"] is not None for match in matches)
    return tuple(match.group().casefold() for match in matches), CHARACTERS if characters * 2 > len(matches) else WORDS


def distinct(tokens: Sequence[str], n: int) -> float | None:
    """The share of different ones among the n-grams, on average over windows; ``None`` for a text without any."""
    count = max(1, round(len(tokens) / _WINDOW))
    size = -(-len(tokens) // count)
    shares = []
    for start in range(0, len(tokens), size):
        grams = ngrams(tokens[start : start + size], n)
        if grams:
            shares.append(len(set(grams)) / len(grams))
    return fmean(shares) if shares else None


def repeated_share(tokens: Sequence[str], n: int) -> float:
    """The share of tokens that are in an n-gram which the text has had before."""
    seen: set[tuple[str, ...]] = set()
    covered = [False] * len(tokens)
    for at, gram in enumerate(ngrams(tokens, n)):
        if gram in seen:
            covered[at : at + n] = [True] * n
        seen.add(gram)
    return sum(covered) / len(tokens) if tokens else 0.0


def longest_repeat(tokens: Sequence[str]) -> int:
    """Tokens of the longest span that occurs twice without overlapping itself."""
    low, most = 0, len(tokens) // 2
    # Most texts repeat little, and it is the sizes that do not repeat which take time: so from small to large.
    while low < most and _repeats(tokens, min(most, 2 * low + 1)):
        low = min(most, 2 * low + 1)
    high = min(most, 2 * low)  # a span of `low` tokens repeats, one of `high + 1` does not
    while low < high:
        middle = (low + high + 1) // 2
        if _repeats(tokens, middle):
            low = middle
        else:
            high = middle - 1
    return low


def _repeats(tokens: Sequence[str], size: int) -> bool:
    """Whether some span of ``size`` tokens comes again after its end. Spans are told apart by a rolling hash."""
    prime, base = (1 << 61) - 1, 1_000_003
    first: dict[int, int] = {}
    value, lead = 0, pow(base, size, prime)
    for end, token in enumerate(tokens):
        value = (value * base + hash(token)) % prime
        if end >= size:
            value = (value - hash(tokens[end - size]) * lead) % prime
        start = end - size + 1
        if start >= 0 and start - first.setdefault(value, start) >= size:
            earlier = first[value]
            if tokens[earlier : earlier + size] == tokens[start : end + 1]:
                return True
    return False


def ngrams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(tokens[at : at + n]) for at in range(len(tokens) - n + 1)]


def deciles(text: str) -> list[Decile]:
    """Ten parts of a text with about as many tokens each; none of a short text."""
    tokens, sizes = tokens_of(text)
    if len(tokens) < _LEAST_FOR_DECILES:
        return []
    ends = [match.end() for match in _TOKEN.finditer(text)]
    seen: set[tuple[str, ...]] = set()
    parts = []
    for at in range(10):
        start, end = len(tokens) * at // 10, len(tokens) * (at + 1) // 10
        part = tokens[start:end]
        grams = ngrams(part, sizes.fresh)
        sentences = len(sentence_ends(text[ends[start] : ends[end - 1]])) + 1
        fresh = sum(gram not in seen for gram in grams) / len(grams)
        parts.append(Decile(fresh, len(set(part)) / len(part), len(part) / sentences))
        seen.update(grams)
    return parts


def _pieces(answer: Answer) -> list[str]:
    return regex.split(r"\n\s*\n|\n(?=\S)", answer.text)


def _of_paragraphs(texts: Sequence[str], sizes: Metric) -> dict[str, float | None]:
    paragraphs = [tokens for text in texts if len(tokens := tokens_of(text)[0]) >= _LEAST_PARAGRAPH]
    if len(paragraphs) < 2:
        return {}
    size = sizes.edge
    return {
        "duplicate_paragraphs": near_duplicates([ngrams(one, sizes.shingle) for one in paragraphs]) / len(paragraphs),
        "repeated_openings": _again([one[:size] for one in paragraphs]),
        "repeated_closings": _again([one[-size:] for one in paragraphs]),
    }


def near_duplicates(shingles: Sequence[Sequence[Hashable]]) -> int:
    """How many of the paragraphs, given by their shingles, are nearly the same as an earlier one."""
    where: dict[Hashable, list[int]] = {}
    found = 0
    sets = [set(one) for one in shingles]
    for at, own in enumerate(sets):
        shared: dict[int, int] = {}
        for shingle in own:
            for earlier in where.get(shingle, ()):
                shared[earlier] = shared.get(earlier, 0) + 1
            where.setdefault(shingle, []).append(at)
        if any(both >= _SAME_PARAGRAPH * (len(own) + len(sets[one]) - both) for one, both in shared.items()):
            found += 1
    return found


def _again(edges: Sequence[Hashable]) -> float:
    """The share of edges that an earlier paragraph has too."""
    return 1 - len(set(edges)) / len(edges)


def _of_sections(answer: Answer) -> dict[str, float | None]:
    """How well an AgentWrite answer keeps to its plan."""
    sections = [one for one in answer.sections if one["words"] > 0]
    if not sections:
        return {}
    error = fmean(abs(one["length"] - one["words"]) / one["words"] for one in sections)
    texts = [_content(answer.text[one["start"] : one["end"]]) for one in sections]
    points = [_content(str(one.get("main_point", ""))) for one in sections]
    everywhere = set.intersection(*points) if len(points) > 1 else set()
    recalls, placed = [], 0
    for at, point in enumerate(points):
        if not (wanted := point - everywhere):
            continue
        found = [len(wanted & text) / len(wanted) for text in texts]
        recalls.append(found[at])
        placed += found[at] > 0 and found[at] == max(found)
    if not recalls:
        return {"section_error": error}
    return {"section_error": error, "plan_recall": fmean(recalls), "plan_place": placed / len(recalls)}


def _content(text: str) -> set[str]:
    """What a text is about: its longer words, and pairs of characters where words are not told apart."""
    units: set[str] = set()
    for match in _CONTENT.finditer(text):
        run = match.group().casefold()
        units |= {run[at : at + 2] for at in range(len(run) - 1)} if regex.match(_CJK, run) else {run}
    return units

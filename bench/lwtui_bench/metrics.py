"""Measure a text without a judge: does it repeat itself, follow its plan, and run out of ideas toward the end?

All metrics count tokens: case-folded words, and single characters of Chinese and Japanese. None of them is a score;
they show where to look.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean

import regex

from lwtui.agentwrite.lint import TextPart
from lwtui.agentwrite.word_lists import SHIPPED, find_stock_phrases, load_phrases
from lwtui.text import detect_language, sentence_ends
from lwtui.translation import _
from lwtui_bench.answers import StoredAnswer

_CJK = r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]"
_WORD = rf"(?:(?!{_CJK})[\p{{L}}\p{{N}}])+"
_TOKEN = regex.compile(rf"(?P<character>{_CJK})|{_WORD}(?:['’\-]{_WORD})*")
_CONTENT_WORD = regex.compile(rf"{_CJK}{{2,}}|(?:(?!{_CJK})\p{{L}}){{4,}}")
_WINDOW = 500  # tokens: distinct-n falls with a text's length, so it is averaged over windows
_MIN_PARAGRAPH = 12  # tokens; shorter ones are headings, list items and lines of dialogue
_NEAR_DUPLICATE = 0.6  # minimum Jaccard similarity of the shingles of near-duplicate paragraphs
_MIN_FOR_DECILES = 300  # tokens

# Label of each metric, and which direction is better: 1 up, -1 down, 0 neither.
METRICS: Mapping[str, tuple[str, int]] = {
    "attainment": (_("length, as a share of the required length"), 0),
    "section_error": (_("mean deviation of sections from their planned length"), -1),
    "distinct_1": (_("distinct-1 in windows of 500 tokens"), 1),
    "distinct_2": (_("distinct-2 in windows of 500 tokens"), 1),
    "distinct_4": (_("distinct-4 in windows of 500 tokens"), 1),
    "stock_phrases": (_("stock phrases of machine prose in 1,000 words"), -1),
    "repeated_ngrams": (_("tokens in repeated n-grams"), -1),
    "longest_repeat": (_("longest repeated span, tokens"), -1),
    "duplicate_paragraphs": (_("near-duplicate paragraphs"), -1),
    "repeated_openings": (_("paragraphs that open like an earlier one"), -1),
    "repeated_closings": (_("paragraphs that close like an earlier one"), -1),
    "plan_recall": (_("words of the main points found in their sections"), 1),
    "plan_place": (_("main points matched best by their own section"), 1),
    "drift": (_("new n-grams, last three tenths minus first three"), 1),
}


@dataclass(frozen=True)
class NgramSizes:
    """Sizes in tokens. Chinese characters need larger ones than words to be as specific.

    Attributes:
        repeat: An n-gram this long does not recur by accident.
        shingle: N-grams that near-duplicate paragraphs share.
        edge: The opening or closing of a paragraph.
        novelty: N-grams whose novelty is followed through a text.
    """

    repeat: int
    shingle: int
    edge: int
    novelty: int


WORD_SIZES, CHARACTER_SIZES = NgramSizes(6, 3, 3, 3), NgramSizes(10, 5, 5, 5)


@dataclass(frozen=True)
class Decile:
    """A tenth of a text.

    Attributes:
        novelty: Share of its n-grams that no earlier tenth contains.
        distinct: Share of distinct tokens.
        sentence_length: Mean length of its sentences, in tokens.
    """

    novelty: float
    distinct: float
    sentence_length: float


def measure(answer: StoredAnswer) -> dict[str, float]:
    """Compute the metrics of :data:`METRICS` that apply to an answer. Shares run from 0 to 1."""
    text = answer.text
    values: dict[str, float | None] = {"attainment": answer.actual / answer.length}
    tokens, sizes = tokens_of(text)
    if tokens:
        values |= {f"distinct_{n}": distinct_n(tokens, n) for n in (1, 2, 4)}
        values["repeated_ngrams"] = repeated_share(tokens, sizes.repeat)
        values["longest_repeat"] = float(longest_repeat(tokens))
        values |= _paragraph_metrics(_paragraphs(text), sizes)
    values |= _plan_metrics(answer)
    values["stock_phrases"] = stock_phrases(text)
    if tenths := deciles(text):
        novelty = [tenth.novelty for tenth in tenths]
        values["drift"] = fmean(novelty[-3:]) - fmean(novelty[:3])
    return {name: value for name in METRICS if (value := values.get(name)) is not None}


@lru_cache(maxsize=64)
def tokens_of(text: str) -> tuple[tuple[str, ...], NgramSizes]:
    """Return the tokens of a text, and the n-gram sizes that suit them."""
    matches = list(_TOKEN.finditer(text))
    characters = sum(match["character"] is not None for match in matches)
    sizes = CHARACTER_SIZES if characters * 2 > len(matches) else WORD_SIZES
    return tuple(match.group().casefold() for match in matches), sizes


def stock_phrases(text: str) -> float | None:
    """Return how many phrases of lwtui's word lists a text has in 1,000 words or characters.

    ``None`` if there is no text, or no list for its language.
    """
    language = detect_language(text)
    if not text.strip() or language.split("-")[0].lower() not in SHIPPED:
        return None
    return find_stock_phrases([TextPart("", text)], load_phrases(language))[1].per_1000


def distinct_n(tokens: Sequence[str], n: int) -> float | None:
    """Return distinct-n, the share of distinct n-grams, averaged over windows; ``None`` if there are no n-grams."""
    windows = max(1, round(len(tokens) / _WINDOW))
    size = -(-len(tokens) // windows)
    shares = []
    for start in range(0, len(tokens), size):
        grams = ngrams(tokens[start : start + size], n)
        if grams:
            shares.append(len(set(grams)) / len(grams))
    return fmean(shares) if shares else None


def repeated_share(tokens: Sequence[str], n: int) -> float:
    """Return the share of tokens that are part of an n-gram seen earlier in the text."""
    seen: set[tuple[str, ...]] = set()
    covered = [False] * len(tokens)
    for at, gram in enumerate(ngrams(tokens, n)):
        if gram in seen:
            covered[at : at + n] = [True] * n
        seen.add(gram)
    return sum(covered) / len(tokens) if tokens else 0.0


def longest_repeat(tokens: Sequence[str]) -> int:
    """Return the length in tokens of the longest span that occurs twice without overlapping itself."""
    low, longest = 0, len(tokens) // 2
    # Search upward: most texts repeat little, and sizes without a repeat cost most.
    while low < longest and _repeats(tokens, min(longest, 2 * low + 1)):
        low = min(longest, 2 * low + 1)
    high = min(longest, 2 * low)  # a span of `low` tokens repeats, no span of `high + 1` does
    while low < high:
        middle = (low + high + 1) // 2
        if _repeats(tokens, middle):
            low = middle
        else:
            high = middle - 1
    return low


def _repeats(tokens: Sequence[str], size: int) -> bool:
    """Return whether some span of ``size`` tokens recurs after its own end, using a rolling hash."""
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
    """Return all n-grams in order."""
    return [tuple(tokens[at : at + n]) for at in range(len(tokens) - n + 1)]


def deciles(text: str) -> list[Decile]:
    """Split a text into ten parts of about equal token counts, and measure each; return ``[]`` for a short text."""
    tokens, sizes = tokens_of(text)
    if len(tokens) < _MIN_FOR_DECILES:
        return []
    ends = [match.end() for match in _TOKEN.finditer(text)]
    seen: set[tuple[str, ...]] = set()
    parts = []
    for at in range(10):
        start, end = len(tokens) * at // 10, len(tokens) * (at + 1) // 10
        part = tokens[start:end]
        grams = ngrams(part, sizes.novelty)
        sentences = len(sentence_ends(text[ends[start] : ends[end - 1]])) + 1
        novelty = sum(gram not in seen for gram in grams) / len(grams)
        parts.append(Decile(novelty, len(set(part)) / len(part), len(part) / sentences))
        seen.update(grams)
    return parts


def _paragraphs(text: str) -> list[str]:
    return regex.split(r"\n\s*\n|\n(?=\S)", text)


def _paragraph_metrics(texts: Sequence[str], sizes: NgramSizes) -> dict[str, float | None]:
    paragraphs = [tokens for text in texts if len(tokens := tokens_of(text)[0]) >= _MIN_PARAGRAPH]
    if len(paragraphs) < 2:
        return {}
    shingles = [ngrams(tokens, sizes.shingle) for tokens in paragraphs]
    return {
        "duplicate_paragraphs": near_duplicates(shingles) / len(paragraphs),
        "repeated_openings": _duplicate_share([tokens[: sizes.edge] for tokens in paragraphs]),
        "repeated_closings": _duplicate_share([tokens[-sizes.edge :] for tokens in paragraphs]),
    }


def near_duplicates(shingles: Sequence[Sequence[Hashable]]) -> int:
    """Count the paragraphs that nearly duplicate an earlier one.

    Args:
        shingles: The n-grams of each paragraph.
    """
    paragraphs_with: dict[Hashable, list[int]] = {}
    duplicates = 0
    sets = [set(paragraph) for paragraph in shingles]
    for at, current in enumerate(sets):
        shared: dict[int, int] = {}
        for shingle in current:
            for earlier in paragraphs_with.get(shingle, ()):
                shared[earlier] = shared.get(earlier, 0) + 1
            paragraphs_with.setdefault(shingle, []).append(at)
        if any(
            common >= _NEAR_DUPLICATE * (len(current) + len(sets[earlier]) - common)
            for earlier, common in shared.items()
        ):
            duplicates += 1
    return duplicates


def _duplicate_share(edges: Sequence[Hashable]) -> float:
    return 1 - len(set(edges)) / len(edges)


def _plan_metrics(answer: StoredAnswer) -> dict[str, float | None]:
    """Measure how well an AgentWrite answer follows its plan."""
    sections = [section for section in answer.sections if section["words"] > 0]
    if not sections:
        return {}
    error = fmean(abs(section["length"] - section["words"]) / section["words"] for section in sections)
    texts = [_content_words(answer.text[section["start"] : section["end"]]) for section in sections]
    points = [_content_words(str(section.get("main_point", ""))) for section in sections]
    in_every_point = set.intersection(*points) if len(points) > 1 else set()
    recalls, placed = [], 0
    for at, point in enumerate(points):
        if not (specific := point - in_every_point):
            continue
        recall = [len(specific & text) / len(specific) for text in texts]
        recalls.append(recall[at])
        placed += recall[at] > 0 and recall[at] == max(recall)
    if not recalls:
        return {"section_error": error}
    return {"section_error": error, "plan_recall": fmean(recalls), "plan_place": placed / len(recalls)}


def _content_words(text: str) -> set[str]:
    """Return the longer words of a text, and pairs of characters for scripts without word boundaries."""
    units: set[str] = set()
    for match in _CONTENT_WORD.finditer(text):
        run = match.group().casefold()
        units |= {run[at : at + 2] for at in range(len(run) - 1)} if regex.match(_CJK, run) else {run}
    return units

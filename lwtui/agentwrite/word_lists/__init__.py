"""Finds stock phrases: shipped lists of what marks machine prose, and the user's own lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import regex

from lwtui.agentwrite.lint import Finding, TextPart, place_of
from lwtui.errors import ConfigError
from lwtui.text import clean, count_words
from lwtui.translation import _

STOCK_PHRASE = "stock-phrase"  # the kind of these findings
SHIPPED = ("en", "zh")  # languages that have a list
_MOST_PLACES = 12  # of one finding
_MOST_PHRASES = 5_000  # of one list
_LONGEST = 200  # characters of a phrase
_CJK = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'"})
_GAP = regex.compile(r"\s*(?:\.\.\.|…+)\s*")


@dataclass(frozen=True)
class StockPhrase:
    """A phrase of a list. In ``text``, ``...`` stands for some words."""

    text: str
    pattern: regex.Pattern[str]


@dataclass(frozen=True)
class PhraseScore:
    """How many stock phrases a text has: in total, and in 1,000 words or characters."""

    count: int
    per_1000: float


def load_phrases(language: str, own: Path | None = None) -> tuple[StockPhrase, ...]:
    """Return the phrases of the shipped list of a language, if there is one, and of all lists in the folder ``own``.

    Raises:
        ConfigError: A list of the user's own cannot be read.
    """
    short = language.split("-")[0].lower()
    texts = [(files(__package__) / f"{short}.txt").read_text(encoding="utf-8")] if short in SHIPPED else []
    for path in sorted(own.glob("*.txt")) if own is not None else ():
        try:
            texts.append(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                _("Cannot read your word list {path}: {error}. Fix the file, or move it away.", path=path, error=error)
            ) from None
    return tuple(phrase for text in texts for phrase in _phrases(text))


def find_stock_phrases(parts: Sequence[TextPart], phrases: Sequence[StockPhrase]) -> tuple[list[Finding], PhraseScore]:
    """Return a finding for each phrase that occurs, the most frequent first, and the score of the whole text."""
    texts = [part.text.translate(_APOSTROPHES) for part in parts]
    taken: list[set[int]] = [set() for _part in parts]  # offsets that a longer phrase has
    found: list[tuple[int, Finding]] = []
    for phrase in sorted(phrases, key=lambda one: -len(one.text)):
        places = [
            (number, match.start(), match.end())
            for number, text in enumerate(texts)
            for match in phrase.pattern.finditer(text)
            if match.start() not in taken[number]
        ]
        if places:
            for number, start, end in places:
                taken[number].update(range(start, end))
            if len(places) == 1:
                message = _("“{phrase}” occurs once", phrase=phrase.text)
            else:
                message = _("“{phrase}” occurs {count} times", phrase=phrase.text, count=len(places))
            shown = tuple(place_of(parts, *place) for place in places[:_MOST_PLACES])
            found.append((len(places), Finding(STOCK_PHRASE, message, shown)))
    found.sort(key=lambda one: -one[0])
    count = sum(times for times, _finding in found)
    length = sum(count_words(part.text) for part in parts)
    score = PhraseScore(count, round(1000 * count / length, 2) if length else 0.0)
    return [finding for _times, finding in found], score


@lru_cache(maxsize=16)
def _phrases(text: str) -> tuple[StockPhrase, ...]:
    return tuple(_read(text))


def _read(text: str) -> Iterator[StockPhrase]:
    lines = (" ".join(line.translate(_APOSTROPHES).split()) for line in clean(text).splitlines())
    wanted = dict.fromkeys(line for line in lines if line and not line.startswith("#") and len(line) <= _LONGEST)
    for line in list(wanted)[:_MOST_PHRASES]:
        pieces = [piece for piece in _GAP.split(line) if piece]
        if pieces:
            yield StockPhrase(line, _pattern(pieces))


def _pattern(pieces: Sequence[str]) -> regex.Pattern[str]:
    is_cjk = _CJK.search(pieces[0]) is not None
    gap = r"[^\n。！？；]{1,12}?" if is_cjk else r"[\s,]+(?:[^\s.!?;]+\s+){0,3}[^\s.!?;]+[\s,]+"
    bodies = (r"\s+".join(map(regex.escape, piece.split())) for piece in pieces)
    body = gap.join(bodies)
    if not is_cjk:
        body = rf"(?<![\p{{L}}\p{{N}}]){body}(?![\p{{L}}\p{{N}}])"
    return regex.compile(body, regex.IGNORECASE)

"""Figures about how a text reads: the length of its sentences and words, and how much of it is dialogue."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, pstdev
from typing import Any

import regex

from lwtui.text.counting import count_words
from lwtui.text.sentences import sentence_ends

_WORD = regex.compile(r"[\p{L}\p{M}'’-]+")
_CJK = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]")
_LONG_WORD = 6  # letters; longer words are long ones, as LIX has it
_SPEECH = regex.compile(r"“[^”\n]{2,}”|「[^」\n]{2,}」|„[^“\n]{2,}“|«[^»\n]{2,}»|(?<!\w)\"[^\"\n]{2,}\"(?!\w)")
_MARKUP = regex.compile(r"(?m)^\s*(?:#{1,6}|[-*+>]|\d+[.)])\s+|[*_`]")


@dataclass(frozen=True)
class Readability:
    """Figures about a text.

    Attributes:
        sentences: How many sentences it has.
        sentence_length: Their mean length, in words, or in characters for Chinese and Japanese.
        sentence_spread: The standard deviation of their length.
        longest_sentence: The length of the longest one.
        word_length: The mean length of a word, in letters; 0.0 for Chinese and Japanese.
        lix: Björnsson's index, from about 25 (easy) to 60 (hard); 0.0 for Chinese and Japanese.
        dialogue: The share of the text within quotation marks.
    """

    sentences: int
    sentence_length: float
    sentence_spread: float
    longest_sentence: int
    word_length: float
    lix: float
    dialogue: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        return dict(vars(self))


def readability(text: str) -> Readability:
    """Return the figures of a text in Markdown."""
    text = _MARKUP.sub("", text)
    lengths = [length for line in text.splitlines() for length in _sentence_lengths(line) if length]
    words = [] if _is_cjk(text) else [word.strip("'’-") for word in _WORD.findall(text)]
    letters = [len(word) for word in words if word]
    spoken = sum(len(match.group()) for match in _SPEECH.finditer(text))
    mean = fmean(lengths) if lengths else 0.0
    long_words = sum(length > _LONG_WORD for length in letters)
    return Readability(
        len(lengths),
        round(mean, 1),
        round(pstdev(lengths), 1) if lengths else 0.0,
        max(lengths, default=0),
        round(fmean(letters), 2) if letters else 0.0,
        round(mean + 100 * long_words / len(letters), 1) if letters else 0.0,
        round(spoken / len(text), 3) if text.strip() else 0.0,
    )


def readability_line(figures: Readability, unit: str) -> str:
    """Return the figures in a line. ``unit`` is that of lengths, ``words`` or ``characters``."""
    parts = [
        f"{figures.sentences:,} sentence{'' if figures.sentences == 1 else 's'}",
        f"{figures.sentence_length:g} {unit} each (± {figures.sentence_spread:g}, longest {figures.longest_sentence})",
    ]
    if figures.lix:
        parts.append(f"LIX {figures.lix:g}")
    if figures.dialogue:
        parts.append(f"{figures.dialogue:.0%} dialogue")
    return ", ".join(parts)


def _sentence_lengths(line: str) -> list[int]:
    cuts = [0, *sentence_ends(line), len(line)]
    return [count_words(line[start:end]) for start, end in pairwise(cuts)]


def _is_cjk(text: str) -> bool:
    return 2 * len(_CJK.findall(text)) > len(_WORD.findall(text))

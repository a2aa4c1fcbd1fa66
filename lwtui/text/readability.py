"""Figures about how a text reads: the length of its sentences and words, formulas of readability, and dialogue.

The formulas, with their sources:

- LIX, any language with words: words per sentence + 100 × long words (over 6 letters) / words. C. H. Björnsson,
  "Läsbarhet", 1968.
- Reading ease, English: 206.835 − 1.015 × words per sentence − 84.6 × syllables per word. R. Flesch, "A new readability
  yardstick", Journal of Applied Psychology 32 (1948).
- Grade, English: 0.39 × words per sentence + 11.8 × syllables per word − 15.59. J. P. Kincaid and others, "Derivation
  of new readability formulas", Naval Technical Training Command, 1975.
- Chinese and Japanese have no such formula here; their figure is the number of characters per sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, pstdev
from typing import Any

import regex

from lwtui.text.counting import count_words
from lwtui.text.sentences import sentence_ends
from lwtui.translation import _, _n

_WORD = regex.compile(r"[\p{L}\p{M}'’-]+")
_CJK = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]")
_LONG_WORD = 6  # letters; longer words are long ones, as LIX has it
_SPEECH = regex.compile(r"“[^”\n]{2,}”|「[^」\n]{2,}」|„[^“\n]{2,}“|«[^»\n]{2,}»|(?<!\w)\"[^\"\n]{2,}\"(?!\w)")
_VOWELS = regex.compile(r"[aeiouy]+")
_SILENT = regex.compile(r"(?<=[^aeiouy])e$|(?<=[^aeiouydt])ed$|(?<=[^aeiouysxzgc])es$")
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
        reading_ease: Flesch's, from about 0 (very hard) to 100 (very easy); ``None`` unless the text is English.
        grade: The school grade that Flesch and Kincaid's formula gives; ``None`` unless the text is English.
    """

    sentences: int
    sentence_length: float
    sentence_spread: float
    longest_sentence: int
    word_length: float
    lix: float
    dialogue: float
    reading_ease: float | None = None
    grade: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        return dict(vars(self))


def readability(text: str, language: str = "") -> Readability:
    """Return the figures of a text in Markdown. ``language`` is a BCP 47 tag, if it is known."""
    text = _MARKUP.sub("", text)
    lengths = [length for line in text.splitlines() for length in _sentence_lengths(line) if length]
    words = [] if _is_cjk(text) else [word.strip("'’-") for word in _WORD.findall(text)]
    letters = [len(word) for word in words if word]
    spoken = sum(len(match.group()) for match in _SPEECH.finditer(text))
    mean = fmean(lengths) if lengths else 0.0
    ease, grade = _english_figures(words, mean) if language.split("-")[0].lower() == "en" else (None, None)
    long_words = sum(length > _LONG_WORD for length in letters)
    return Readability(
        len(lengths),
        round(mean, 1),
        round(pstdev(lengths), 1) if lengths else 0.0,
        max(lengths, default=0),
        round(fmean(letters), 2) if letters else 0.0,
        round(mean + 100 * long_words / len(letters), 1) if letters else 0.0,
        round(spoken / len(text), 3) if text.strip() else 0.0,
        ease,
        grade,
    )


def readability_line(figures: Readability, unit: str) -> str:
    """Return the figures in a line. ``unit`` is that of lengths, ``words`` or ``characters``, as the user reads it."""
    parts = [
        _n("{count:,} sentence", "{count:,} sentences", figures.sentences),
        _(
            "{length:g} {unit} each (± {spread:g}, longest {longest})",
            length=figures.sentence_length,
            unit=unit,
            spread=figures.sentence_spread,
            longest=figures.longest_sentence,
        ),
    ]
    if figures.lix:
        parts.append(f"LIX {figures.lix:g}")
    if figures.reading_ease is not None:
        parts.append(
            _(
                "reading ease {ease:g} (Flesch), grade {grade:g} (Flesch-Kincaid)",
                ease=figures.reading_ease,
                grade=figures.grade,
            )
        )
    if figures.dialogue:
        parts.append(_("{share:.0%} dialogue", share=figures.dialogue))
    return ", ".join(parts)


def syllables(word: str) -> int:
    """Estimate the syllables of an English word: its groups of vowels, without an e that is not spoken."""
    bare = word.lower().strip("'’-")
    if bare.endswith("le") and len(bare) > 2 and bare[-3] not in "aeiouy":
        return max(1, len(_VOWELS.findall(bare)))  # ta-ble
    return max(1, len(_VOWELS.findall(_SILENT.sub("", bare))))


def _english_figures(words: list[str], sentence_length: float) -> tuple[float | None, float | None]:
    """Return Flesch's reading ease and the grade of Flesch and Kincaid."""
    counts = [syllables(word) for word in words if word.strip("'’-")]
    if not counts or not sentence_length:
        return None, None
    per_word = fmean(counts)
    ease = 206.835 - 1.015 * sentence_length - 84.6 * per_word
    return round(ease, 1), round(0.39 * sentence_length + 11.8 * per_word - 15.59, 1)


def _sentence_lengths(line: str) -> list[int]:
    cuts = [0, *sentence_ends(line), len(line)]
    return [count_words(line[start:end]) for start, end in pairwise(cuts)]


def _is_cjk(text: str) -> bool:
    return 2 * len(_CJK.findall(text)) > len(_WORD.findall(text))

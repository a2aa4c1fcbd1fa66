"""Filters that decide which long texts to train on."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import regex

from lwtui.text import count_words, sentence_ends
from lwtui_training.recipe import DataConfig

_TOKEN = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}]+")
_NGRAM = 6  # tokens
_MIN_SENTENCE = 6  # tokens; shorter sentences may recur
_MAX_SHARED = 0.5  # share of its sentences that a row may have in common with earlier rows
_REFUSAL = regex.compile(
    r"^\W*(?:i(?:'|’)?m (?:sorry|unable)|i am (?:sorry|unable)|sorry,"
    r"|i (?:can(?:no|')t|can’t) (?:help|assist|write|fulfill)"
    r"|as an ai\b|抱歉|对不起|很抱歉|作为(?:一个)?(?:AI|人工智能))",
    regex.IGNORECASE,
)


@dataclass
class RowFilters:
    """Checks one text after another, and remembers their sentences to detect copies."""

    settings: DataConfig
    _known: set[str] = field(default_factory=set)

    def reason_to_refuse(self, text: str, words: int = 0, sections: tuple[tuple[int, int], ...] = ()) -> str:
        """Check a text.

        Args:
            text: The text.
            words: The length asked for; 0 if it is unknown.
            sections: Planned and actual length of each section, in words.

        Returns:
            Why the text is refused; empty if it is accepted.
        """
        length = count_words(text)
        if _REFUSAL.match(text):
            return "a refusal"
        if length < self.settings.least_words:
            return f"{length} words, fewer than {self.settings.least_words}"
        if words and length < words * self.settings.least_length:
            return f"too short: {length} of {words} words"
        if words and length > words * self.settings.most_length:
            return f"too long: {length} of {words} words"
        if any(written < planned * 0.3 for planned, written in sections):
            return "the plan was not followed: a section is missing or far too short"
        share = repeated_ngram_share(text)
        if share > self.settings.most_repetition:
            return f"repeats itself: {share:.0%} of its n-grams occurred before"
        if self._is_copy(text):
            return "a copy of an earlier row"
        return ""

    def _is_copy(self, text: str) -> bool:
        sentences = _sentences(text)
        seen = sum(sentence in self._known for sentence in sentences)
        if sentences and seen > _MAX_SHARED * len(sentences):
            return True
        self._known.update(sentences)
        return False


def reason_not_to_teach(text: str, most_repetition: float) -> str:
    """Return why a text must not be preferred whatever its score: a refusal or a loop; empty if it may be."""
    if _REFUSAL.match(text):
        return "a refusal"
    share = repeated_ngram_share(text)
    if share > most_repetition:
        return f"repeats itself: {share:.0%} of its n-grams occurred before"
    return ""


def repeated_ngram_share(text: str) -> float:
    """Return the share of a text's n-grams that occurred before in it, from 0 to 1."""
    tokens = [match.casefold() for match in _TOKEN.findall(text)]
    grams = [tuple(tokens[at : at + _NGRAM]) for at in range(len(tokens) - _NGRAM + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def truncate_to_words(text: str, words: int) -> str:
    """Truncate ``text`` to ``words``, at the end of a sentence if possible, else at white space."""
    if count_words(text) <= words:
        return text
    ends = [end for end in sentence_ends(text) if count_words(text[:end]) <= words]
    if ends:
        return text[: ends[-1]].rstrip()
    spaces = [match.start() for match in regex.finditer(r"\s+|$", text)]
    return text[: max((at for at in spaces if count_words(text[:at]) <= words), default=0)].rstrip()


def _sentences(text: str) -> list[str]:
    cuts = [0, *sentence_ends(text), len(text)]
    pieces = (" ".join(_TOKEN.findall(text[a:b])).casefold() for a, b in itertools.pairwise(cuts))
    return [piece for piece in pieces if piece.count(" ") + 1 >= _MIN_SENTENCE]

"""What a long text has to be to be learnt from. Each filter says why it refuses a row."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import regex

from lwtui.text import count_words, sentence_ends
from lwtui_training.recipe import Data

_TOKEN = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}]+")
_GRAM = 6  # tokens in an n-gram
_LEAST_SENTENCE = 6  # tokens; shorter sentences may come again
_SEEN_BEFORE = 0.5  # a row that shares this much of its sentences with earlier ones is one of them
_REFUSAL = regex.compile(
    r"^\W*(?:i(?:'|’)?m (?:sorry|unable)|i am (?:sorry|unable)|sorry,"
    r"|i (?:can(?:no|')t|can’t) (?:help|assist|write|fulfil)"
    r"|as an ai\b|抱歉|对不起|很抱歉|作为(?:一个)?(?:AI|人工智能))",
    regex.IGNORECASE,
)


@dataclass
class Filters:
    """Looks at one text after another; remembers their sentences, so that a later copy is found."""

    settings: Data
    _known: set[str] = field(default_factory=set)

    def why_not(self, text: str, words: int = 0, sections: tuple[tuple[int, int], ...] = ()) -> str:
        """Why ``text`` is not learnt from; empty if it is.

        ``words`` is the length asked, 0 if it is not known; ``sections`` are (planned, written) lengths.
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
            return "the plan was not followed: a section is missing or a stub"
        share = repeated_share(text)
        if share > self.settings.most_repetition:
            return f"repeats itself: {share:.0%} of its n-grams were there before"
        if self._is_copy(text):
            return "a copy of an earlier row"
        return ""

    def _is_copy(self, text: str) -> bool:
        sentences = _sentences(text)
        seen = sum(sentence in self._known for sentence in sentences)
        if sentences and seen > _SEEN_BEFORE * len(sentences):
            return True
        self._known.update(sentences)
        return False


def repeated_share(text: str) -> float:
    """The share of a text's n-grams that it had before, from 0 to 1."""
    tokens = [match.casefold() for match in _TOKEN.findall(text)]
    grams = [tuple(tokens[at : at + _GRAM]) for at in range(len(tokens) - _GRAM + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def cut_after(text: str, words: int) -> str:
    """``text`` up to the last sentence's end within ``words``, or cut at a space where there is none."""
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
    return [piece for piece in pieces if piece.count(" ") + 1 >= _LEAST_SENTENCE]

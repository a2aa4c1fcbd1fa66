"""Word counts. All lengths in lwtui are measured here.

The unit of length is a word, except in Han, kana and bopomofo, where it is a character, as writers of Chinese and
Japanese count. Words are those of Unicode (UAX 29), with what Markdown and everyday typing add: "don't",
"well-known", "and/or", "3.5" and an address are one word each, and so is a word with a soft hyphen, a joiner or a
Hebrew quotation mark in it. Words of Thai, Lao, Khmer and Burmese are found with a dictionary. Numbers and words of
every script count; punctuation and symbols do not, and neither do Markdown marks (``#``, ``*``, ``-``) and citations in
brackets (``[@gray2020, p. 12]``), which each style writes in its own way.
"""

from __future__ import annotations

import re

import regex

from lwtui.text.lazy_pattern import LazyPattern
from lwtui.text.scripts import CHARACTERS, UNSPACED
from lwtui.text.word_dictionary import split_words

_START = rf"[[\p{{L}}\p{{N}}]--[{CHARACTERS}{UNSPACED}]]"
# Marks and invisible characters belong to the word that they are in, and so do Armenian and Hebrew marks of its tone.
_INSIDE = rf"[[\p{{L}}\p{{N}}\p{{M}}\p{{Cf}}\u200b\u055b\u055c\u055e\u05f3]--[{CHARACTERS}{UNSPACED}]]"
_PART = f"{_START}{_INSIDE}*+"
_JOINER = (
    r"['’‘＇′ʼ\-‐‑\u058a\u05be.․,:·‧/⁄@_&\u055f\u05f4\u066b\u066c]"
    r"|-['’‘]|['’‘]-"  # rock-'n'-roll
    r'|(?<=\p{Hebrew}\p{M}*)"(?=\p{Hebrew})'
    r"|(?<=[\p{N}\p{Mongolian}])\u202f(?=[\p{N}\p{Mongolian}])"
)
_CLOSES_ADDRESS = rf"\s<>\"()\[\]{{}}«»“”、。，；：！？）】」』》{CHARACTERS}"
_ADDRESS = rf"(?i:(?:https?|ftp)://|www\.)(?:[^{_CLOSES_ADDRESS}]|\([^{_CLOSES_ADDRESS}]*\))+"
# A run has an end, so that a text that never has a space is counted in pieces.
_RUN = rf"[[\p{{L}}\p{{N}}]&&[{UNSPACED}]][[{UNSPACED}\p{{Cf}}\p{{M}}]--[\p{{P}}\u200b]]{{0,399}}+"
_UNIT = LazyPattern(rf"[{CHARACTERS}]|{_ADDRESS}|{_PART}(?:(?:{_JOINER}){_PART})*+|{_RUN}", regex.VERSION1)
# The blocks of UNSPACED: whether a text has any such letter is asked for each count.
_HAS_RUN = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f]")
_LONGEST_CITATION = 400  # characters
_BRACKETS = LazyPattern(rf"\[[^\[\]]{{1,{_LONGEST_CITATION}}}+\](?!\()")
_KEY = LazyPattern(r"(?<![\p{L}\p{N}])@\{?[\p{L}\p{N}_]")
# Where a text may be split without splitting a unit.
_BREAK = LazyPattern(r"[^\S\u202f]")
_MAX_TAIL = 200  # characters


def count_words(text: str) -> int:
    """Count the words of ``text``, and the characters where it is Chinese or Japanese."""
    text = _without_citations(text)
    found = len(_UNIT.findall(text))
    return len(units(text)) if found and _HAS_RUN.search(text) else found


def units(text: str) -> list[str]:
    """Return the words and characters that :func:`count_words` counts, in order."""
    text = _without_citations(text)
    found: list[str] = _UNIT.findall(text)
    if not _HAS_RUN.search(text):
        return found
    return [unit for part in found for unit in (split_words(part) if _HAS_RUN.match(part) else [part])]


def _without_citations(text: str) -> str:
    if "@" not in text or "[" not in text:
        return text
    shown: str = _BRACKETS.sub(lambda found: " " if _KEY.search(found[0]) else found[0], text)
    return shown


def counts_characters(language: str) -> bool:
    """Tell whether lengths in ``language`` (a BCP 47 tag such as ``en`` or ``zh-TW``) are in characters."""
    return language.split("-")[0].lower() in {"zh", "ja", "yue"}


class RunningCount:
    """Counts the words of a growing text without recounting all of it for each piece.

    >>> count = RunningCount("It rai")
    >>> count.add("ned all day.")
    >>> count.words
    4
    """

    def __init__(self, text: str = "") -> None:
        self._settled = 0
        self._tail = ""
        self.add(text)

    def add(self, piece: str) -> None:
        """Append ``piece``. The text before its last white space is final and is not counted again."""
        self._tail += piece
        end = self._end_before_bracket()
        self._tail = _without_citations(self._tail[:end]) + self._tail[end:]
        end = self._end_before_bracket()
        cut = max((match.end() for match in _BREAK.finditer(self._tail, 0, end)), default=0)
        # Text without white space, such as Chinese, is cut at a length that keeps each call cheap.
        if cut == 0 and len(self._tail) > _MAX_TAIL:
            matches = list(_UNIT.finditer(self._tail, 0, end))
            cut = matches[-1].start() if matches else end
        self._settled += count_words(self._tail[:cut])
        self._tail = self._tail[cut:]

    def _end_before_bracket(self) -> int:
        """Return where a bracket begins that may become a citation with the next piece; the end if there is none."""
        opened, length = self._tail.rfind("["), len(self._tail)
        is_open = opened >= 0 and self._tail.find("]", opened) in (-1, length - 1)
        return opened if is_open and length - opened <= _LONGEST_CITATION + 2 else length

    @property
    def words(self) -> int:
        """The length so far, as :func:`count_words` counts it."""
        return self._settled + count_words(self._tail)

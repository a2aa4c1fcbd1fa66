"""Sentence boundaries, where a text can be cut cleanly.

A sentence ends with a mark that ends sentences in its script (Unicode's Sentence_Terminal), with the quotes, brackets
and footnote numbers after it, and at the end of a paragraph. A full stop ends none before a lower-case word or a
number, nor after an initial, an ordinal or an abbreviation. Thai and Lao have no mark: there, the space after a longer
run of letters counts.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import regex

from lwtui.text.abbreviations import (
    BEFORE_NAMES,
    BEFORE_ORDINALS,
    CLOSING,
    CLOSING_LETTERS,
    INTRODUCING,
    MONTHS,
    SENTENCE_STARTERS,
)
from lwtui.text.lazy_pattern import LazyPattern
from lwtui.text.scripts import CHARACTERS

# Marks that are nothing else. U+104A is a comma; Tibetan's shads and Ethiopic's two colons do the work of a full stop.
_MARK = r"(?:[[\p{STerm}\u0f0d\u0f0e\u0f11\u0f12]--[.!?\u2024\u104a．]]|፡፡|．(?![\p{Nd}\p{Latin}]))"
_MARKS = rf"{_MARK}(?:{_MARK}|[.!?…])*+"
# What closes behind a mark, as do citations. An opening quotation mark closes in German, where nothing follows it.
_CLOSERS = (
    r"(?:[\p{Pe}\p{Pf}'\"*_`~¹²³⁰-⁹]|[“‘«‹](?=[\p{Pe}\p{Pf}'\"*_,;:.]*+(?:\s|$))|[\u00a0\u202f ]»(?=[\s.,;:]|$)"
    r"|\[\^?[\p{L}\p{N}_-]{1,20}\](?!\()|[ ]?\[[^\[\]\n@]{0,40}@[^\[\]\n]{1,200}\](?!\())*+"
)
_APART = rf"(?=\s|$|[{CHARACTERS}「『（《]|“[{CHARACTERS}])"
_UNMARKED = r"[\p{Thai}\p{Lao}]"
# Thai "and", "or", "but", "that", "which", "for", "by", "as", "if", and Lao "and", "or", "but", "that"
_GOES_ON = r"และ|หรือ|แต่|ที่|ซึ่ง|เพื่อ|โดย|เช่น|ถ้า|จน|จึง|ແລະ|ຫຼື|ແຕ່|ທີ່"
_STOP = LazyPattern(
    rf"(?P<stop>\.(?![.…!?])|(?:\.{{2,}}|…)[.…]*+(?![!?])|[.…]*+[!?][.!?…]*+){_CLOSERS}{_APART}", regex.VERSION1
)
_MARK_END = LazyPattern(rf"{_MARKS}{_CLOSERS}(?!(?<=[」』”])(?:と|って|など))", regex.VERSION1)
_PARAGRAPH_END = LazyPattern(r"(?<=\S)\n\s*?\n")
_OTHER_ENDS = LazyPattern(
    rf"(?<=\p{{Armenian}}):{_CLOSERS}(?=\s|$)|(?<=\p{{Greek}}\p{{M}}*)[;\u037e]{_CLOSERS}(?=\s|$)(?!\s+\p{{Ll}})"
    rf"|{_UNMARKED}{{15}}(?=[ ]{{1,3}}(?!{_GOES_ON}){_UNMARKED}{{2}})",
    regex.VERSION1,
)
_HAS_OTHER_ENDS = re.compile("[\u037e\u0370-\u03ff\u0531-\u058f\u0e00-\u0eff]")
_NEXT = LazyPattern(
    r"(?P<gap>\s*+)(?:(?P<block>(?<=\n[ \t]{0,8})(?:[-*+•–|>#]|\d{1,3}[.)、])\s?)"
    r"|[[\p{P}\p{S}]--[\\$`]]{0,4}+(?:(?<=[—–])\s)?(?P<word>[\p{L}\p{M}\p{N}'’]*+)(?P<dot>\.?))",
    regex.VERSION1,
)
_REACH = 40  # characters before a full stop that say what it is
# These are matched backward, from the full stop.
_WORD_BEFORE = LazyPattern(rf"(?r)[\p{{L}}\p{{M}}\p{{N}}.'’\-]{{0,{_REACH}}}")
_LIST_NUMBER = LazyPattern(r"(?r)(?:\A|\n)[ \t>#*_\-+]*(?:\d{1,3}|\p{Ll}|\p{Lu})\Z")
_PREVIOUS = LazyPattern(r"(?r)(?P<word>[\p{L}\p{M}\p{N}]+)(?P<dot>\.?)\s*\Z")
_INITIAL = LazyPattern(
    r"(?r)(?:\A|[.\-'’])(?:[\p{L}--[\p{Hangul}\p{Han}\p{Hiragana}\p{Katakana}]]|\p{Lo}\p{M}+)\Z", regex.VERSION1
)
_SYLLABLE = LazyPattern(r"\p{Lo}\p{M}+")  # an initial in India
_ROMAN = LazyPattern(r"[IVXLC]{2,7}")
_MONTHS = tuple(name.casefold() for name in MONTHS)
_MONTH = LazyPattern(rf"(?:{'|'.join(map(regex.escape, MONTHS))})\w{{0,3}}", regex.IGNORECASE)
_PART_OF_TWO = LazyPattern(r"(?r)\b\p{L}\.\s?\p{Ll}{2,3}\Z")  # "p. ex."
_TELLING = INTRODUCING | BEFORE_NAMES | CLOSING | frozenset(["ex"])
_ONE_LETTER_WORDS = frozenset("aeiouyаиуяієж")
_FIRST_PERSON = frozenset(
    ["and", "or", "but", "as", "am", "than", "do", "did", "so", "nor", "if", "that", "what", "like"]
)


def sentence_ends(text: str) -> list[int]:
    """Return the offset of the end of each sentence, in ascending order. The end of a paragraph ends a sentence."""
    ends = {match.end() for match in _STOP.finditer(text) if _is_end(text, match)}
    ends.update(match.start() for match in _PARAGRAPH_END.finditer(text))
    if not text.isascii():
        ends.update(match.end() for match in _MARK_END.finditer(text))
        if _HAS_OTHER_ENDS.search(text):
            ends.update(match.end() for match in _OTHER_ENDS.finditer(text))
    return sorted(ends)


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a text, without white space around and within them."""
    cuts = [0, *sentence_ends(text), len(text)]
    return [one for start, end in pairwise(cuts) if (one := " ".join(text[start:end].split()))]


def last_sentence_end(text: str) -> int:
    """Return the offset of the end of the last complete sentence, or 0 if there is none."""
    ends = sentence_ends(text)
    return ends[-1] if ends else 0


def ends_sentence(text: str) -> bool:
    """Tell whether ``text`` ends with the end of a sentence, by its mark."""
    tail = text[text.rfind("\n") + 1 :].rstrip()
    return bool(tail) and last_sentence_end(tail) == len(tail)


def _is_end(text: str, match: regex.Match[str]) -> bool:
    """Tell whether a mark that may stand within a sentence, such as a full stop, ends one."""
    following = _NEXT.match(text, match.end())
    word = following["word"] or ""
    new_block = following["block"] is not None or following["gap"].count("\n") > 1
    if word and (word[0].islower() or (word[0].isdecimal() and not new_block)):
        return False
    if match["stop"] != ".":
        # In Chinese and Japanese, an ellipsis is a pause.
        return match["stop"][-1] in "!?" or following.start("word") > match.end() or not word
    last = _WORD_BEFORE.match(text, 0, match.start()).group()
    if len(last) > 1 and last not in _TELLING and last.isalpha():
        return True
    before = text[max(0, match.start() - _REACH) : match.start()]
    if last in INTRODUCING:
        return new_block
    if last.isdecimal() or _ROMAN.fullmatch(last):
        return new_block or not _is_ordinal(before, last, word, following.end() == len(text))
    if _INITIAL.match(last):
        return _ends_after_letter(before, last, word, bool(following["dot"]))
    name = last.rpartition("-")[2]
    if name in CLOSING:
        return True
    short = {last, name, name.rpartition("'")[2], name.rpartition("’")[2]}
    if short & BEFORE_NAMES or name.rpartition(".")[2] in BEFORE_NAMES:
        return not word or new_block or word in SENTENCE_STARTERS or not word[0].isalpha()
    return new_block or not (short & INTRODUCING or _PART_OF_TWO.match(before))


def _is_ordinal(before: str, number: str, word: str, unfinished: bool) -> bool:
    """Tell whether a number with a full stop stands for "first", "second" and so on, or is that of a list item."""
    if _LIST_NUMBER.match(before):
        return True
    if len(number) > 2 and number.isdecimal():
        return False
    month = word.casefold()
    if word and (_MONTH.fullmatch(word) or (unfinished and any(name.startswith(month) for name in _MONTHS))):
        return True
    previous = _PREVIOUS.match(before[: len(before) - len(number)])
    return bool(word) and previous is not None and previous["word"].lower() in BEFORE_ORDINALS


def _ends_after_letter(before: str, last: str, word: str, abbreviated: bool) -> bool:
    """Tell whether a full stop after a single letter ends a sentence.

    Args:
        before: The text before the full stop.
        last: Its end without a space, such as ``U.S`` or ``I``.
        word: The word after the full stop.
        abbreviated: Whether that has a full stop as well.
    """
    if _LIST_NUMBER.match(before):
        return False
    previous = _PREVIOUS.match(before[: len(before) - len(last)])
    dotted = previous is not None and bool(previous["dot"])
    if last in CLOSING or (dotted and previous is not None and f"{previous['word']} {last}" in CLOSING_LETTERS):
        return True
    if _SYLLABLE.fullmatch(last):
        return not dotted and not abbreviated
    if "." not in last and not dotted and previous is not None:
        if last in _ONE_LETTER_WORDS and not abbreviated:
            return True
        if last.islower() and not last.isascii() and "a" <= regex.sub(r"\p{M}", "", _plain(last)) <= "z":
            return True  # a word of Vietnamese
        if previous["word"].isdecimal() and last.islower() and last not in "гр":
            return True  # a unit, and no year
        if last == "I" and previous["word"] in _FIRST_PERSON:
            return True
    return word in SENTENCE_STARTERS and not abbreviated


def _plain(letter: str) -> str:
    """Return a letter taken apart into its base and its marks."""
    return unicodedata.normalize("NFD", letter)

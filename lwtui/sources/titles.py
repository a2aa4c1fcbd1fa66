"""Tells which words of a title keep their capitals: names and acronyms, not every word of a title in title case.

Citation styles and readers of BibTeX write titles in sentence case: "Tea in assam". CSL marks what they must leave
alone with ``<span class="nocase">``, BibTeX with braces.
"""

from __future__ import annotations

from collections.abc import Iterable

import regex

from lwtui.text import detect_language

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}][\p{L}\p{M}\p{N}'’\-]*+")
_CAPITAL = regex.compile(r"\p{Lu}")
_MIXED = regex.compile(r"[\p{L}\p{N}]\p{Lu}")
# Before a word that begins a title, or the part of one after a colon or a dash.
_BEGINNING = regex.compile(r"(?r)(?:\A|[:.?!—–][\"'”’)]*\s+|\s[-–—]\s+)[^\p{L}\p{N}]*\Z")
_LEAST_TELLING = 4  # letters of a word that title case capitalizes
# Words of that length that stay small in title case.
_SMALL = frozenset(
    """
    about above across after against along amid among around atop before behind below beneath beside besides between
    beyond despite down during except from inside into like near once onto outside over past per plus since than that
    through throughout till toward towards under underneath unless unlike until unto upon versus when whereas whether
    while with within without
    """.split()  # noqa: SIM905
)


def kept_words(title: str, language: str = "") -> list[tuple[int, int]]:
    """Return where the words are whose capitals mean something: those inside a title in sentence case, and acronyms.

    Args:
        title: The title.
        language: Its language (BCP 47), if it is known. English alone has titles in title case.
    """
    if title.isupper():
        return []
    inside = _words_inside(title)
    names = [] if _is_title_case(title, inside, language) else _with_capitals(inside)
    acronyms = [word for word in _WORD.finditer(title) if _MIXED.search(word[0])]
    return sorted({word.span() for word in [*names, *acronyms]})


def words_with_capitals(title: str) -> list[tuple[int, int]]:
    """Return where the words with capitals are, except those that begin the title or a part of it."""
    return [word.span() for word in _with_capitals(_words_inside(title))]


def mark_words(title: str, places: Iterable[tuple[int, int]], opening: str, closing: str) -> str:
    """Return a title with marks around the words at ``places``, which are in order."""
    parts, at = [], 0
    for start, end in places:
        parts += [title[at:start], opening, title[start:end], closing]
        at = end
    return "".join([*parts, title[at:]])


def _words_inside(title: str) -> list[regex.Match[str]]:
    return [word for word in _WORD.finditer(title) if not _BEGINNING.search(title, 0, word.start())]


def _with_capitals(words: Iterable[regex.Match[str]]) -> list[regex.Match[str]]:
    return [word for word in words if _CAPITAL.search(word[0])]


def _is_title_case(title: str, inside: Iterable[regex.Match[str]], language: str) -> bool:
    if (language or detect_language(title)).split("-")[0].lower() not in ("en", "und", ""):
        return False
    telling = [word[0] for word in inside if len(word[0]) >= _LEAST_TELLING and word[0].lower() not in _SMALL]
    # A single capital may be either. To keep that of "Tea in Winter" is the smaller fault.
    return len(telling) > 1 and not any(word[0].islower() for word in telling)

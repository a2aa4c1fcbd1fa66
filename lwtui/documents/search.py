"""Finding in the texts of a document, and replacing there. Pure: takes texts, gives places and new texts.

Case is folded, words are those of Unicode (in Chinese and Japanese every character may be one), and an expression that
a person makes up cannot hold the app up: it is given a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import regex

from lwtui.errors import UsageError

_SECONDS = 1.0  # the longest that an expression may take for one section


@dataclass(frozen=True)
class Query:
    """What is looked for, and how."""

    text: str
    case: bool = False  # capitals differ from small letters
    word: bool = False  # whole words alone
    expression: bool = False  # ``text`` is a regular expression; ^ and $ are the ends of a line


class Match(NamedTuple):
    """A place: characters ``start`` to ``end`` of a section's text."""

    section_id: str
    start: int
    end: int


def find(texts: Mapping[str, str], query: Query) -> list[Match]:
    """Every place in ``texts`` (by section id), in their order; none for an empty query.

    Raises :class:`lwtui.errors.UsageError` for an expression that is not one or takes too long.
    """
    if not query.text:
        return []
    pattern = _pattern(query)
    return [
        Match(section_id, match.start(), match.end())
        for section_id, text in texts.items()
        for match in _matches(pattern, text)
    ]


def count(texts: Iterable[str], query: Query) -> int:
    """How many places :func:`find` would find, in less time. Raises as it does."""
    if not query.text:
        return 0
    pattern = _pattern(query)
    return sum(sum(1 for _ in _matches(pattern, text)) for text in texts)


def replace_all(text: str, query: Query, by: str) -> tuple[str, int]:
    """``text`` with each match replaced, and how many those were.

    In an expression's replacement ``\\1`` and ``\\g<name>`` stand for groups; otherwise ``by`` is taken as it is.
    Raises :class:`lwtui.errors.UsageError` as :func:`find` does, and for a replacement that names no group.
    """
    pieces: list[str] = []
    end = count = 0
    for match in _matches(_pattern(query), text):
        pieces += (text[end : match.start()], _expanded(match, query, by))
        end, count = match.end(), count + 1
    return "".join(pieces) + text[end:], count


def replacement_at(text: str, query: Query, by: str, start: int, end: int) -> str | None:
    """What stands for the match from ``start`` to ``end``; ``None`` if there is none (any more)."""
    if not query.text:
        return None
    found = (match for match in _matches(_pattern(query), text) if match.span() == (start, end))
    match = next(found, None)
    return None if match is None else _expanded(match, query, by)


def nearest(matches: list[Match], order: Iterable[str], section_id: str, at: int, *, forward: bool) -> int | None:
    """Number of the first match from a place on (or before it), around the document's end; ``None`` without any."""
    if not matches:
        return None
    rank = {id: number for number, id in enumerate(order)}
    here = (rank.get(section_id, 0), at)
    places = [(rank[match.section_id], match.start) for match in matches]
    if forward:
        return next((number for number, place in enumerate(places) if place >= here), 0)
    return next((number for number in reversed(range(len(places))) if places[number] < here), len(places) - 1)


def _pattern(query: Query) -> regex.Pattern[str]:
    source = query.text if query.expression else regex.escape(query.text, special_only=True, literal_spaces=True)
    flags = regex.MULTILINE | regex.WORD | (0 if query.case else regex.IGNORECASE)
    try:
        return regex.compile(rf"\b(?:{source})\b" if query.word else source, flags)
    except regex.error as error:
        raise UsageError(f"This expression cannot be used: {error.msg}.") from None


def _matches(pattern: regex.Pattern[str], text: str) -> Iterator[regex.Match[str]]:
    try:
        for match in pattern.finditer(text, timeout=_SECONDS):
            if match[0]:
                yield match
    except TimeoutError:
        raise UsageError("This expression takes too long. Make it simpler.") from None


def _expanded(match: regex.Match[str], query: Query, by: str) -> str:
    if not query.expression:
        return by
    try:
        return match.expand(by)
    except (regex.error, IndexError) as error:
        raise UsageError(f"This replacement cannot be used: {error}.") from None

"""Search and replace in the texts of a document, as pure functions.

By default, case is ignored. Words are those of Unicode; in Chinese and Japanese any character may be a word. A regular
expression has one second for each section, so that none can block the app.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import regex

from lwtui.errors import UsageError
from lwtui.translation import _

_TIMEOUT = 1.0  # seconds that an expression may take for one section


@dataclass(frozen=True)
class Query:
    """A search query.

    Attributes:
        text: What to search for.
        case: Whether to match upper and lower case exactly.
        word: Whether to match whole words only.
        expression: Whether ``text`` is a regular expression, in which ^ and $ match at the ends of lines.
    """

    text: str
    case: bool = False
    word: bool = False
    expression: bool = False


class Match(NamedTuple):
    """A match: the characters ``start`` to ``end`` of a section's text."""

    section_id: str
    start: int
    end: int


def find(texts: Mapping[str, str], query: Query) -> list[Match]:
    """Find all matches in order.

    Args:
        texts: The texts to search, by section id.
        query: An empty query has no matches.

    Raises:
        UsageError: The regular expression is invalid or takes too long.
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
    """Count the matches, which is faster than :func:`find`.

    Raises:
        UsageError: The regular expression is invalid or takes too long.
    """
    if not query.text:
        return 0
    pattern = _pattern(query)
    return sum(sum(1 for _match in _matches(pattern, text)) for text in texts)


def replace_all(text: str, query: Query, replacement: str) -> tuple[str, int]:
    r"""Replace all matches in a text.

    Args:
        text: The text.
        query: What to replace.
        replacement: The new text. For a regular expression, ``\1`` and ``\g<name>`` refer to groups.

    Returns:
        The new text, and the number of matches.

    Raises:
        UsageError: The regular expression is invalid or takes too long, or the replacement refers to no group.
    """
    pieces: list[str] = []
    end = count = 0
    for match in _matches(_pattern(query), text):
        pieces += (text[end : match.start()], _expand(match, query, replacement))
        end, count = match.end(), count + 1
    return "".join(pieces) + text[end:], count


def replacement_at(text: str, query: Query, replacement: str, start: int, end: int) -> str | None:
    """Return the replacement of the match from ``start`` to ``end``; ``None`` if there is no such match (any more).

    Raises:
        UsageError: As for :func:`replace_all`.
    """
    if not query.text:
        return None
    found = (match for match in _matches(_pattern(query), text) if match.span() == (start, end))
    match = next(found, None)
    return None if match is None else _expand(match, query, replacement)


def nearest(matches: list[Match], order: Iterable[str], section_id: str, at: int, *, forward: bool) -> int | None:
    """Find the match nearest to a position, going around the ends of the document.

    Args:
        matches: The matches, in order.
        order: The ids of all sections, in order.
        section_id: The section of the position.
        at: The offset in the section's text.
        forward: Whether to search from the position on, or backward from it.

    Returns:
        The index of the match; ``None`` without matches.
    """
    if not matches:
        return None
    rank = {id: number for number, id in enumerate(order)}
    here = (rank.get(section_id, 0), at)
    positions = [(rank[match.section_id], match.start) for match in matches]
    if forward:
        return next((index for index, position in enumerate(positions) if position >= here), 0)
    return next((index for index in reversed(range(len(positions))) if positions[index] < here), len(positions) - 1)


def _pattern(query: Query) -> regex.Pattern[str]:
    source = query.text if query.expression else regex.escape(query.text, special_only=True, literal_spaces=True)
    flags = regex.MULTILINE | regex.WORD | (0 if query.case else regex.IGNORECASE)
    try:
        return regex.compile(rf"\b(?:{source})\b" if query.word else source, flags)
    except regex.error as error:
        raise UsageError(
            _("Invalid regular expression: {reason}.", reason=error.msg), code="invalid-expression"
        ) from None


def _matches(pattern: regex.Pattern[str], text: str) -> Iterator[regex.Match[str]]:
    try:
        for match in pattern.finditer(text, timeout=_TIMEOUT):
            if match[0]:
                yield match
    except TimeoutError:
        raise UsageError(
            _("This regular expression takes too long. Make it simpler."), code="slow-expression"
        ) from None


def _expand(match: regex.Match[str], query: Query, replacement: str) -> str:
    if not query.expression:
        return replacement
    try:
        return match.expand(replacement)
    except (regex.error, IndexError) as error:
        raise UsageError(_("Invalid replacement: {reason}.", reason=error), code="invalid-replacement") from None

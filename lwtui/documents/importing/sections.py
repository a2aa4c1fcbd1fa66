"""Division of Markdown into sections, by its headings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import regex

from lwtui.documents.importing.imported import ImportedPart
from lwtui.documents.plain_text import parser, without_marks
from lwtui.text import count_words

_INTRODUCTION = "Introduction"  # the heading of text before the first heading
_LONG_SECTION = 2_000  # words; a longer section is split at the headings within it


@dataclass(frozen=True)
class _MarkdownHeading:
    level: int
    title: str
    start: int  # the number of its first line, from 0
    end: int  # the number of the line after it


def divide(text: str, title: str = "") -> tuple[str, list[ImportedPart]]:
    """Divide a text into its title, which may be empty, and its sections.

    Args:
        text: The text, without front matter.
        title: The title that the front matter gave.
    """
    lines = text.split("\n")
    headings = _headings(text)
    if _is_title(headings, lines) and title.casefold() in ("", headings[0].title.casefold()):
        first = headings.pop(0)
        title = title or first.title
        lines[: first.end] = [""] * first.end
    if not headings:
        return title, [ImportedPart("", 1, _joined(lines))]
    starts = _section_headings(headings, lines)
    highest = min(heading.level for heading in starts)
    parts = []
    if before := _joined(lines[: starts[0].start]):
        parts.append(ImportedPart(_INTRODUCTION, 1, before))
    for heading, following in zip(starts, [*starts[1:], None], strict=True):
        stop = following.start if following else len(lines)
        inner = [deeper for deeper in headings if heading.end <= deeper.start < stop]
        body = _joined(_lowered(lines, inner, highest)[heading.end : stop])
        is_heading_only = following is not None and following.level > heading.level and not body
        parts.append(ImportedPart(heading.title, heading.level - highest + 1, body, is_heading_only))
    return title, parts


def _is_title(headings: Sequence[_MarkdownHeading], lines: Sequence[str]) -> bool:
    """Tell whether the first heading is the only one of level 1, with no text before it."""
    return (
        bool(headings)
        and headings[0].level == 1
        and _levels(headings)[1] == 1
        and not _joined(lines[: headings[0].start])
    )


def _section_headings(headings: Sequence[_MarkdownHeading], lines: Sequence[str]) -> list[_MarkdownHeading]:
    """Select the headings that start sections: all down to one level, and deeper ones in parts and long sections."""
    return _select(headings, lines, len(lines), _split_level(headings))


def _select(
    headings: Sequence[_MarkdownHeading], lines: Sequence[str], stop: int, level: int
) -> list[_MarkdownHeading]:
    """Select the headings that start sections, within one section.

    These are all headings down to ``level``. Deeper headings start sections in a long section and in a part, which is
    a section that starts with another heading, or one on the level of such a section.

    Args:
        headings: The headings of the section.
        lines: The lines of the whole text.
        stop: The number of the line after the section.
        level: The level of headings that always start sections.
    """
    starts = [heading for heading in headings if heading.level <= level]
    stops = [*(heading.start for heading in starts[1:]), stop]
    inner = [
        [deeper for deeper in headings if heading.end <= deeper.start < end]
        for heading, end in zip(starts, stops, strict=True)
    ]
    part_levels = {
        heading.level
        for heading, within in zip(starts, inner, strict=True)
        if within and not _joined(lines[heading.end : within[0].start])
    }
    selected = []
    for heading, within, end in zip(starts, inner, stops, strict=True):
        is_long = len(within) > 1 and count_words("\n".join(lines[heading.end : end])) >= _LONG_SECTION
        is_part = heading.level in part_levels
        selected.append(heading)
        if within and (is_long or is_part):
            next_level = min(deeper.level for deeper in within) if is_part else _split_level(within)
            selected += _select(within, lines, end, next_level)
    return selected


def _headings(text: str) -> list[_MarkdownHeading]:
    """Find the headings of the text itself, not those in quotes, lists or code."""
    tokens = parser().parse(text)
    found = []
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            heading = " ".join(without_marks(tokens[at + 1].content).split())
            found.append(_MarkdownHeading(int(token.tag[1:]), heading, *token.map))
    return found


def _levels(headings: Sequence[_MarkdownHeading]) -> Counter[int]:
    return Counter(heading.level for heading in headings)


def _split_level(headings: Sequence[_MarkdownHeading]) -> int:
    """Return the highest level that occurs more than once; if there is none, level 2 or the highest below it."""
    levels = _levels(headings)
    return min((level for level, times in levels.items() if times > 1), default=max(2, min(levels)))


def _lowered(lines: Sequence[str], inner: Sequence[_MarkdownHeading], highest: int) -> list[str]:
    """Move headings within a section below the level that section headings have in an export."""
    lines = list(lines)
    if highest == 1:
        for heading in inner:
            blank = [""] * (heading.end - heading.start - 1)
            lines[heading.start : heading.end] = ["#" * min(6, heading.level + 1) + " " + heading.title, *blank]
    return lines


def _joined(lines: Sequence[str]) -> str:
    """Join lines into a text without blank lines at its ends."""
    text = "\n".join(lines).rstrip()
    return regex.sub(r"\A(?:[ \t]*\n)+", "", text)

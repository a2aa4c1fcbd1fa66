"""Feeds a text to one of the filters that a section passes through, piece by piece."""

from __future__ import annotations

from lwtui.agentwrite.filters import FilterVerdict, SectionText, TextFilter


def feed(
    text_filter: TextFilter, text: str, step: int = 5, *, start: int = 0, floor: int = 0, ended: bool = False
) -> tuple[FilterVerdict, int] | None:
    """The first verdict as ``text`` comes in pieces of ``step`` characters, and how much had come by then.

    The first ``start`` characters stand already. ``ended``: no more is coming after it.
    """
    section = SectionText(text[:start], floor)
    while len(section) < len(text):
        section.append(text[len(section) : len(section) + step])
        if verdict := text_filter.feed(section):
            return verdict, len(section)
    if ended and (verdict := text_filter.feed(section, ended=True)):
        return verdict, len(section)
    return None


def look(text_filter: TextFilter, text: str, *, ended: bool = False) -> FilterVerdict | None:
    """The verdict on a text that has come as far as this."""
    return text_filter.feed(SectionText(text), ended=ended)

"""Feeds a text piece by piece to one of the filters for section text."""

from __future__ import annotations

from lwtui.agentwrite.filters import FilterVerdict, SectionText, TextFilter


def feed(
    text_filter: TextFilter, text: str, step: int = 5, *, start: int = 0, floor: int = 0, ended: bool = False
) -> tuple[FilterVerdict, int] | None:
    """Feed ``text`` in pieces of ``step`` characters, and return the first verdict with the length fed by then.

    The first ``start`` characters are already in the section. ``ended`` means that no more text follows.
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
    """Return the verdict on a text that has come this far."""
    return text_filter.feed(SectionText(text), ended=ended)

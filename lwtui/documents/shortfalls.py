"""What a document lacks after a run: sections that are far too short, and those that the model refused to write."""

from __future__ import annotations

from collections.abc import Sequence

from lwtui.documents.model import Section, Status
from lwtui.translation import _, _n, listed, sentences

_MOST_NAMED = 4  # sections in a line


def shortfall_line(sections: Sequence[Section]) -> str:
    """Return one line that names the sections that are short or were refused; empty if there are none."""
    short = [
        _("{section} ({length:,} of {words:,})", section=_name(section), length=section.length, words=section.words)
        for section in _of(sections, Status.SHORT)
    ]
    refused = [_name(section) for section in _of(sections, Status.REFUSED)]
    parts = []
    if short:
        parts.append(
            _n(
                "{count} section is short: {sections}.",
                "{count} sections are short: {sections}.",
                len(short),
                sections=_listed(short),
            )
        )
    if refused:
        parts.append(
            _n(
                "{count} section was refused by the model: {sections}.",
                "{count} sections were refused by the model: {sections}.",
                len(refused),
                sections=_listed(refused),
            )
        )
    return sentences(*parts)


def _of(sections: Sequence[Section], status: Status) -> list[Section]:
    return [section for section in sections if section.status is status]


def _name(section: Section) -> str:
    return f"“{section.title}”" if section.title else _("the text")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    shown = listed(names[:_MOST_NAMED])
    return _("{names} and {count} more", names=shown, count=more) if more > 0 else shown

"""What a document lacks after a run: sections that are far too short, and those that the model refused to write."""

from __future__ import annotations

from collections.abc import Sequence

from lwtui.documents.model import Section, Status

_MOST_NAMED = 4  # sections in a line


def shortfall_line(sections: Sequence[Section]) -> str:
    """Return one line that names the sections that are short or were refused; empty if there are none."""
    short = [f"{_name(section)} ({section.length:,} of {section.words:,})" for section in _of(sections, Status.SHORT)]
    refused = [_name(section) for section in _of(sections, Status.REFUSED)]
    parts = []
    if short:
        parts.append(f"{_counted(short, 'is', 'are')} short: {_listed(short)}.")
    if refused:
        parts.append(f"{_counted(refused, 'was', 'were')} refused by the model: {_listed(refused)}.")
    return " ".join(parts)


def _of(sections: Sequence[Section], status: Status) -> list[Section]:
    return [section for section in sections if section.status is status]


def _name(section: Section) -> str:
    return f"“{section.title}”" if section.title else "the text"


def _counted(names: Sequence[str], one: str, several: str) -> str:
    return f"1 section {one}" if len(names) == 1 else f"{len(names)} sections {several}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")

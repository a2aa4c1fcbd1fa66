"""Chooses which of the writer's notes a section's prompt shows, and lays them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import regex

from lwtui.documents.model import Note, Section
from lwtui.text import one_line

RECENT = 2_000  # characters of the preceding text in which a note's trigger selects it
_NO_SPACES = r"\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}"


def recent_text(sections: Sequence[Section], position: int) -> str:
    """Return the end of the text before the section at ``position`` (from 0), and the end of its own text."""
    before = next((section.text for section in reversed(sections[:position]) if section.text), "")
    return f"{before[-RECENT:]}\n{sections[position].text[-RECENT:]}"


def reselect_notes(notes: Sequence[Note], sections: Sequence[Section], position: int) -> tuple[Note, ...]:
    """Return the notes for the section at ``position`` (from 0) if it were written again now."""
    blank = replace(sections[position], text="")
    return select_notes(notes, blank, recent_text([*sections[:position], blank], position))


def select_notes(notes: Sequence[Note], section: Section, recent: str) -> tuple[Note, ...]:
    """Return the notes for a section, in the writer's order.

    These are the notes that are always shown, and those with a trigger in the section's heading, main point or
    ``recent`` text.
    """
    if not notes:
        return ()
    return _chosen(tuple(notes), f"{section.title}\n{section.main_point}\n{recent}")


@lru_cache(maxsize=512)
def _chosen(notes: tuple[Note, ...], text: str) -> tuple[Note, ...]:
    return tuple(
        note for note in notes if note.text and (note.always or any(_occurs(word, text) for word in note.triggers))
    )


def _occurs(trigger: str, text: str) -> bool:
    """Tell whether a trigger occurs in a text: as a whole word, in scripts that put spaces between words."""
    apart = "" if regex.search(f"[{_NO_SPACES}]", trigger) else r"(?<![\p{L}\p{N}])|(?![\p{L}\p{N}])"
    before, _, after = apart.partition("|")
    return regex.search(f"{before}{regex.escape(trigger)}{after}", text, regex.IGNORECASE) is not None


def always_shown(notes: Sequence[Note]) -> list[Note]:
    """Return the notes that are shown for every section."""
    return [note for note in notes if note.always and note.text]


def as_list(notes: Sequence[Note]) -> str:
    """Return notes as a Markdown list, for chat models."""
    return "\n".join(f"- {_line(note)}" for note in notes)


def as_line(notes: Sequence[Note]) -> str:
    """Return notes as one line of sentences, for base models."""
    return " ".join(_line(note).rstrip(".。") + "." for note in notes)


def _line(note: Note) -> str:
    text = one_line(note.text)
    return f"{note.title}: {text}" if note.title else text

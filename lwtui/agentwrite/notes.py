"""The writer's notes: which of them a section's prompt shows, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import regex

from lwtui.documents.model import Brief, Note, Section
from lwtui.text import one_line

_MOST_WITH_BRIEF = 6_000  # characters of notes in a prompt that is not a section's
RECENT = 2_000  # characters of the text before a section in which a note's trigger calls it up
_NO_SPACES = r"\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}"


def recent_text(sections: Sequence[Section], at: int) -> str:
    """The end of the text before the section at position ``at``, and what stands of that section itself."""
    before = next((one.text for one in reversed(sections[:at]) if one.text), "")
    return f"{before[-RECENT:]}\n{sections[at].text[-RECENT:]}"


def chosen_now(notes: Sequence[Note], sections: Sequence[Section], at: int) -> tuple[Note, ...]:
    """The notes that the section at position ``at`` would be shown if it were written anew."""
    blank = replace(sections[at], text="")
    return chosen(notes, blank, recent_text([*sections[:at], blank], at))


def chosen(notes: Sequence[Note], section: Section, recent: str) -> tuple[Note, ...]:
    """The notes for a section, in the writer's order: those shown always, and those that its line of the plan or the
    ``recent`` text calls up."""
    if not notes:
        return ()
    return _chosen(tuple(notes), f"{section.title}\n{section.main_point}\n{recent}")


@lru_cache(maxsize=512)
def _chosen(notes: tuple[Note, ...], text: str) -> tuple[Note, ...]:
    return tuple(
        note for note in notes if note.text and (note.always or any(_occurs(one, text) for one in note.triggers))
    )


def _occurs(trigger: str, text: str) -> bool:
    """Whether a trigger stands in a text, as a word of its own where words are written apart."""
    apart = "" if regex.search(f"[{_NO_SPACES}]", trigger) else r"(?<![\p{L}\p{N}])|(?![\p{L}\p{N}])"
    before, _, after = apart.partition("|")
    return regex.search(f"{before}{regex.escape(trigger)}{after}", text, regex.IGNORECASE) is not None


def with_notes(brief: Brief, notes: Sequence[Note]) -> Brief:
    """The brief with notes to go along with it wherever it is told: the first of them that are not too long."""
    taken: list[Note] = []
    for note in notes:
        if len(as_list([*taken, note])) > _MOST_WITH_BRIEF:
            break
        taken.append(note)
    return replace(brief, notes=tuple(taken))


def always(notes: Sequence[Note]) -> list[Note]:
    """The notes that are shown whatever is written."""
    return [note for note in notes if note.always and note.text]


def as_list(notes: Sequence[Note]) -> str:
    """Notes as a list for a model that follows instructions."""
    return "\n".join(f"- {_line(note)}" for note in notes)


def as_line(notes: Sequence[Note]) -> str:
    """Notes in one line, for a model that carries a text on."""
    return " ".join(_line(note).rstrip(".。") + "." for note in notes)


def _line(note: Note) -> str:
    text = one_line(note.text)
    return f"{note.title}: {text}" if note.title else text

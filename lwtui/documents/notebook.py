"""The notes and section summaries of an open document."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from time import monotonic

from lwtui.documents.edits import JOIN_SECONDS
from lwtui.documents.model import Note, SectionSummary
from lwtui.documents.notes_store import (
    StoredNotes,
    clean_notes,
    pop_note_step,
    push_note_step,
    put_notes,
    put_summary,
)
from lwtui.errors import DocumentError
from lwtui.text import clean
from lwtui.translation import _


class Notebook:
    """The notes and summaries of a :class:`lwtui.documents.store.Document`.

    Like those of the document, all methods that change something raise :class:`lwtui.errors.DocumentError` if the
    change cannot be stored.
    """

    def __init__(self, change: Callable[[], AbstractContextManager[sqlite3.Connection]], stored: StoredNotes) -> None:
        """Create a notebook. ``change`` opens a transaction of the document."""
        self._change = change
        self._stored = stored
        self._redo: list[tuple[str, tuple[Note, ...]]] = []  # undone changes, the last at the end
        self._last_change = ("", 0.0)  # its label, and its time on the monotonic clock

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes, in the user's order."""
        return self._stored.notes

    @property
    def summaries(self) -> Mapping[str, SectionSummary]:
        """The summaries in force, by section id."""
        return self._stored.summaries

    def set_notes(self, notes: Sequence[Note], label: str) -> None:
        """Replace the notes.

        Args:
            notes: All notes, in order.
            label: Describes the change in the undo history, as in "Edit “Tone”". Changes with the same label that
                follow each other closely are undone together.
        """
        new = clean_notes(notes)
        if len({note.id for note in new}) < len(new):
            raise DocumentError(
                _("The notes contain the same note twice. Undo the last change to them."), code="duplicate-note"
            )
        if new == self.notes:
            return
        label = clean(label)
        same_step = label == self._last_change[0] and monotonic() - self._last_change[1] < JOIN_SECONDS
        with self._change() as db:
            if not same_step:
                push_note_step(db, label, self.notes)
            put_notes(db, new)
        self._stored.notes = new
        self._last_change = (label, monotonic())
        self._redo.clear()

    def undo_notes(self) -> str | None:
        """Undo the last change of the notes, and return its label; ``None`` if there is nothing to undo."""
        with self._change() as db:
            step = pop_note_step(db)
            if step is not None:
                put_notes(db, step[1])
        self._last_change = ("", 0.0)
        if step is None:
            return None
        self._redo.append((step[0], self.notes))
        label, self._stored.notes = step
        return label

    def redo_notes(self) -> str | None:
        """Redo the last undone change of the notes, and return its label; ``None`` if there is nothing to redo.

        Any other change of the notes, and closing the document, clears the redo history.
        """
        if not self._redo:
            return None
        label, notes = self._redo[-1]
        with self._change() as db:
            push_note_step(db, label, self.notes)
            put_notes(db, notes)
        self._stored.notes = notes
        self._redo.pop()
        return label

    def set_summary(self, summary: SectionSummary) -> None:
        """Set the summary of a section. An empty text removes it; a model then writes a new one when it is needed."""
        summary = SectionSummary(
            summary.section_id, clean(summary.text).strip(), summary.digest, summary.revision, summary.by_hand
        )
        old = self._stored.summaries.get(summary.section_id)
        if summary == old:
            return
        with self._change() as db:
            put_summary(db, summary, old)
        if summary.text:
            self._stored.summaries[summary.section_id] = summary
        else:
            self._stored.summaries.pop(summary.section_id, None)

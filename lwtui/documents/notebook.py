"""The writer's notes and the summaries of sections, as an open document has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from time import monotonic

from lwtui.documents.edits import JOIN_SECONDS
from lwtui.documents.model import Note, SectionSummary
from lwtui.documents.notes_store import (
    StoredNotes,
    checked_notes,
    put_note_step,
    put_notes,
    put_summary,
    take_note_step,
)
from lwtui.errors import DocumentError
from lwtui.text import clean


class Notebook:
    """Part of a :class:`lwtui.documents.store.Document`. Its changes raise :class:`DocumentError` as those of it do."""

    def __init__(self, change: Callable[[], AbstractContextManager[sqlite3.Connection]], memory: StoredNotes) -> None:
        """``change`` opens a transaction of the document."""
        self._change = change
        self._memory = memory
        self._undone: list[tuple[str, tuple[Note, ...]]] = []  # what was taken back, the last at the end
        self._last = ("", 0.0)  # the label of the last change of the notes, and when it was

    @property
    def notes(self) -> tuple[Note, ...]:
        """In the order that the writer gave them."""
        return self._memory.notes

    @property
    def summaries(self) -> Mapping[str, SectionSummary]:
        """By section id."""
        return self._memory.summaries

    def set_notes(self, notes: Sequence[Note], label: str) -> None:
        """Replace the notes. ``label`` says what was done, as in "Edit “Tone”"; changes of one label that follow
        each other closely are taken back together."""
        checked = checked_notes(notes)
        if len({note.id for note in checked}) < len(checked):
            raise DocumentError("The notes name one of them twice. Undo the last change to them.")
        if checked == self.notes:
            return
        label = clean(label)
        joined = label == self._last[0] and monotonic() - self._last[1] < JOIN_SECONDS
        with self._change() as db:
            if not joined:
                put_note_step(db, label, self.notes)
            put_notes(db, checked)
        self._memory.notes = checked
        self._last = (label, monotonic())
        self._undone.clear()

    def undo_notes(self) -> str | None:
        """Take back the last change of the notes; its label, or ``None`` if there is none."""
        with self._change() as db:
            step = take_note_step(db)
            if step is not None:
                put_notes(db, step[1])
        self._last = ("", 0.0)
        if step is None:
            return None
        self._undone.append((step[0], self.notes))
        label, self._memory.notes = step
        return label

    def redo_notes(self) -> str | None:
        """Do again what :meth:`undo_notes` took back last; its label, or ``None`` if there is none.

        That is so until the notes are changed otherwise, or the document closed.
        """
        if not self._undone:
            return None
        label, notes = self._undone[-1]
        with self._change() as db:
            put_note_step(db, label, self.notes)
            put_notes(db, notes)
        self._memory.notes = notes
        self._undone.pop()
        return label

    def set_summary(self, summary: SectionSummary) -> None:
        """Put a summary in force; an empty one removes it, so that a model makes it anew when it is needed."""
        summary = SectionSummary(
            summary.section_id, clean(summary.text).strip(), summary.digest, summary.revision, summary.by_hand
        )
        before = self._memory.summaries.get(summary.section_id)
        if summary == before:
            return
        with self._change() as db:
            put_summary(db, summary, before)
        if summary.text:
            self._memory.summaries[summary.section_id] = summary
        else:
            self._memory.summaries.pop(summary.section_id, None)

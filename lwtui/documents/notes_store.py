"""What a document remembers beside its text: the writer's notes, summaries of sections, settings. Rows and data."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from time import time

from lwtui.documents.database import as_lwtui_writes
from lwtui.documents.model import Note, SectionSummary
from lwtui.text import clean, one_line

_NOTE_STEPS = 200  # how many changes of the notes can be taken back


@dataclass
class StoredNotes:
    """Notes in the writer's order, the summary in force of each section that has one, and settings by name."""

    notes: tuple[Note, ...] = ()
    summaries: dict[str, SectionSummary] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)


def load_memory(db: sqlite3.Connection) -> StoredNotes:
    """Read it all. Raises ``sqlite3.Error``, and ``ValueError`` or ``TypeError`` for what lwtui never writes."""
    memory = StoredNotes()
    found = db.execute("SELECT title, text, kind, always, triggers, id FROM note ORDER BY position")
    memory.notes = tuple(
        Note(title, text, kind, bool(always), tuple(json.loads(triggers)), id)
        for title, text, kind, always, triggers, id in found
    )
    for section_id, text, digest, revision, by_hand in db.execute(
        "SELECT section_id, text, digest, revision, by_hand FROM summary"
        " WHERE id IN (SELECT max(id) FROM summary GROUP BY section_id)"
    ):
        if text:
            memory.summaries[section_id] = SectionSummary(section_id, text, digest, revision, bool(by_hand))
    memory.settings = dict(db.execute("SELECT name, value FROM setting"))
    return memory


def checked_notes(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Notes with one-line titles, and triggers that say something and differ."""
    return tuple(
        replace(
            note,
            title=one_line(note.title),
            text=clean(note.text).strip(),
            kind=one_line(note.kind),
            triggers=tuple(dict.fromkeys(word for one in note.triggers if (word := one_line(one)))),
        )
        for note in notes
    )


def put_notes(db: sqlite3.Connection, notes: Sequence[Note]) -> None:
    db.execute("DELETE FROM note")
    db.executemany(
        "INSERT INTO note (id, position, kind, always, triggers, title, text) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (one.id, at, one.kind, one.always, json.dumps(one.triggers, ensure_ascii=False), one.title, one.text)
            for at, one in enumerate(notes)
        ),
    )


def put_note_step(db: sqlite3.Connection, label: str, before: Sequence[Note]) -> None:
    """Remember the notes ``before`` the change called ``label``."""
    stored = json.dumps([asdict(note) for note in before], ensure_ascii=False)
    db.execute("INSERT INTO note_step (created, label, before) VALUES (?, ?, ?)", (time(), label, stored))
    db.execute("DELETE FROM note_step WHERE id <= (SELECT max(id) FROM note_step) - ?", (_NOTE_STEPS,))


def take_note_step(db: sqlite3.Connection) -> tuple[str, tuple[Note, ...]] | None:
    """The label of the last change of the notes and what they were before it; forgets it.

    Raises ``sqlite3.Error``, also for what no version of lwtui would have written.
    """
    row = db.execute("SELECT id, label, before FROM note_step ORDER BY id DESC LIMIT 1").fetchone()
    if row is None:
        return None
    step, label, before = row
    db.execute("DELETE FROM note_step WHERE id = ?", (step,))
    with as_lwtui_writes():
        notes = tuple(Note(**{**one, "triggers": tuple(one["triggers"])}) for one in json.loads(before))
        return label, checked_notes(notes)


def put_summary(db: sqlite3.Connection, summary: SectionSummary, over: SectionSummary | None) -> None:
    """Make ``summary`` the one in force. The one before stays in the file, but where the writer goes on typing
    about the same text (``over``), that row is written over."""
    if over is not None and over.by_hand and summary.by_hand and over.digest == summary.digest:
        db.execute(
            "UPDATE summary SET text = ? WHERE id = (SELECT max(id) FROM summary WHERE section_id = ?)",
            (summary.text, summary.section_id),
        )
        return
    db.execute(
        "INSERT INTO summary (section_id, revision, digest, by_hand, text) VALUES (?, ?, ?, ?, ?)",
        (summary.section_id, summary.revision, summary.digest, summary.by_hand, summary.text),
    )


def put_setting(db: sqlite3.Connection, name: str, value: str) -> None:
    db.execute(
        "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )

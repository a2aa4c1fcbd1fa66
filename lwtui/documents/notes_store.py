"""Storage of notes, section summaries and document settings."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from time import time

from lwtui.documents.database import checked_contents
from lwtui.documents.model import Note, SectionSummary
from lwtui.text import clean, one_line

_MAX_NOTE_STEPS = 200  # undo steps of the notes


@dataclass
class StoredNotes:
    """What a document stores beside its text.

    Attributes:
        notes: The notes, in the user's order.
        summaries: The summaries in force, by section id.
        settings: The document settings, by name.
    """

    notes: tuple[Note, ...] = ()
    summaries: dict[str, SectionSummary] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)


def load_notes(db: sqlite3.Connection) -> StoredNotes:
    """Load notes, summaries and settings.

    Raises:
        sqlite3.Error: They cannot be read.
        ValueError: They hold contents that lwtui never writes.
        TypeError: The same.
    """
    stored = StoredNotes()
    rows = db.execute("SELECT title, text, kind, always, triggers, id FROM note ORDER BY position")
    stored.notes = tuple(
        Note(title, text, kind, bool(always), tuple(json.loads(triggers)), id)
        for title, text, kind, always, triggers, id in rows
    )
    for section_id, text, digest, revision, by_hand in db.execute(
        "SELECT section_id, text, digest, revision, by_hand FROM summary"
        " WHERE id IN (SELECT max(id) FROM summary GROUP BY section_id)"
    ):
        if text:
            stored.summaries[section_id] = SectionSummary(section_id, text, digest, revision, bool(by_hand))
    stored.settings = dict(db.execute("SELECT name, value FROM setting"))
    return stored


def clean_notes(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Clean the text of notes, put their titles on one line, and drop empty and repeated triggers."""
    return tuple(
        replace(
            note,
            title=one_line(note.title),
            text=clean(note.text).strip(),
            kind=one_line(note.kind),
            triggers=tuple(dict.fromkeys(word for trigger in note.triggers if (word := one_line(trigger)))),
        )
        for note in notes
    )


def put_notes(db: sqlite3.Connection, notes: Sequence[Note]) -> None:
    """Replace all notes."""
    db.execute("DELETE FROM note")
    db.executemany(
        "INSERT INTO note (id, position, kind, always, triggers, title, text) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (n.id, position, n.kind, n.always, json.dumps(n.triggers, ensure_ascii=False), n.title, n.text)
            for position, n in enumerate(notes)
        ),
    )


def push_note_step(db: sqlite3.Connection, label: str, before: Sequence[Note]) -> None:
    """Push an undo step: the notes as they were before the change called ``label``."""
    stored = json.dumps([asdict(note) for note in before], ensure_ascii=False)
    db.execute("INSERT INTO note_step (created, label, before) VALUES (?, ?, ?)", (time(), label, stored))
    db.execute("DELETE FROM note_step WHERE id <= (SELECT max(id) FROM note_step) - ?", (_MAX_NOTE_STEPS,))


def pop_note_step(db: sqlite3.Connection) -> tuple[str, tuple[Note, ...]] | None:
    """Pop the last undo step; its label and the notes as they were before it, or ``None`` if there is none.

    Raises:
        sqlite3.Error: It cannot be read, or holds contents that no version of lwtui would have written.
    """
    row = db.execute("SELECT id, label, before FROM note_step ORDER BY id DESC LIMIT 1").fetchone()
    if row is None:
        return None
    step, label, before = row
    db.execute("DELETE FROM note_step WHERE id = ?", (step,))
    with checked_contents():
        notes = tuple(Note(**{**row, "triggers": tuple(row["triggers"])}) for row in json.loads(before))
        return label, clean_notes(notes)


def put_summary(db: sqlite3.Connection, summary: SectionSummary, old: SectionSummary | None) -> None:
    """Store a summary and put it in force.

    The ``old`` summary stays in the file, unless both are the user's and summarize the same text: then the user is
    typing, and the new summary overwrites the old one.
    """
    if old is not None and old.by_hand and summary.by_hand and old.digest == summary.digest:
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
    """Store a document setting."""
    db.execute(
        "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )

"""Data into the rows of a document, and old versions out of them. What writes is called within a transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from time import time

from lwtui.documents.contents import Kept, Stream
from lwtui.documents.database import as_lwtui_writes
from lwtui.documents.model import (
    Basis,
    Brief,
    Origin,
    Provenance,
    Revision,
    Section,
    Status,
)
from lwtui.documents.schema import basis_to_json, moment, provenance_from_json, provenance_to_json
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.text import count_words

ASIDE = Status.EMPTY  # of a revision that was only kept: it never was a section's text


def put_text(
    db: sqlite3.Connection,
    section_id: str,
    text: str,
    origin: Origin,
    status: Status,
    *,
    length: int | None = None,
    provenance: Provenance | None = None,
    usage: Usage = NO_USAGE,
) -> int:
    """Make ``text`` a revision and the section's present text; the revision's id.

    With a ``provenance``, the section's basis is that one's; without, it stays: a text that was edited by hand still
    rests on what it was written from.
    """
    revision = put_version(db, section_id, text, origin, status, length=length, provenance=provenance, usage=usage)
    db.execute("UPDATE section SET status = ?, revision = ? WHERE id = ?", (status, revision, section_id))
    if provenance is not None:
        put_basis(db, section_id, provenance.basis)
    return revision


def put_version(
    db: sqlite3.Connection,
    section_id: str,
    text: str,
    origin: Origin,
    status: Status,
    *,
    length: int | None = None,
    provenance: Provenance | None = None,
    usage: Usage = NO_USAGE,
) -> int:
    """Make ``text`` a revision of a section whose present text stays what it is; the revision's id."""
    cursor = db.execute(
        "INSERT INTO revision (section_id, created, origin, status, length, prompt_tokens, completion_tokens,"
        " cached_tokens, provenance, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            section_id,
            time(),
            origin,
            status,
            count_words(text) if length is None else length,
            usage.prompt,
            usage.completion,
            usage.cached,
            provenance_to_json(provenance),
            text,
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def adopt_version(db: sqlite3.Connection, kept: Kept, revision: int, status: Status | None) -> Kept:
    """Make a revision that was only kept the section's present one."""
    section = kept.section
    row = db.execute("SELECT text, length, origin, provenance FROM revision WHERE id = ?", (revision,)).fetchone()
    text, length, origin, made = row
    status, provenance = status or _status_with(section, text), provenance_from_json(made)
    basis = (provenance and provenance.basis) or kept.basis
    db.execute("UPDATE revision SET status = ? WHERE id = ?", (status, revision))
    db.execute("UPDATE section SET status = ?, revision = ? WHERE id = ?", (status, revision, section.id))
    put_basis(db, section.id, basis)
    return Kept(replace(section, status=status, text=text, length=length, origin=Origin(origin)), revision, basis)


def grow_version(db: sqlite3.Connection, revision: int, text: str, usage: Usage) -> None:
    """Put a longer ``text`` into a revision that is no section's present one."""
    db.execute(
        "UPDATE revision SET text = ?, length = ?, prompt_tokens = ?, completion_tokens = ?, cached_tokens = ?"
        " WHERE id = ?",
        (text, count_words(text), usage.prompt, usage.completion, usage.cached, revision),
    )


def add_usage(db: sqlite3.Connection, usage: Usage) -> None:
    """Count what a call took into the document's sum."""
    db.execute(
        "UPDATE document SET prompt_tokens = prompt_tokens + ?, completion_tokens = completion_tokens + ?,"
        " cached_tokens = cached_tokens + ?",
        (usage.prompt, usage.completion, usage.cached),
    )


def put_basis(db: sqlite3.Connection, section_id: str, basis: Basis | None) -> None:
    """What a section's present text was written from."""
    db.execute("UPDATE section SET basis = ? WHERE id = ?", (basis_to_json(basis), section_id))


def put_brief(db: sqlite3.Connection, brief: Brief) -> None:
    db.execute(
        "UPDATE document SET instruction = ?, words = ?, language = ?, mode = ?, model = ?, seed = ?, sampling = ?",
        (brief.instruction, brief.words, brief.language, brief.mode, brief.model, brief.seed, brief.sampling),
    )


def put_stream(db: sqlite3.Connection, section_id: str, stream: Stream, keep: int) -> None:
    """A model starts on a section, of whose text it keeps ``keep`` characters."""
    db.execute(
        "INSERT INTO stream (section_id, length, provenance) VALUES (?, ?, ?)",
        (section_id, stream.length, provenance_to_json(stream.provenance)),
    )
    db.execute("INSERT INTO journal (section_id, keep, text) VALUES (?, ?, '')", (section_id, keep))


def put_journal(db: sqlite3.Connection, section_id: str, stream: Stream) -> None:
    """Store what came since the last time: only that, not the text before it."""
    db.executemany(
        "INSERT INTO journal (section_id, keep, text) VALUES (?, ?, ?)",
        ((section_id, keep, "".join(pieces)) for keep, pieces in stream.unsaved),
    )
    db.execute("UPDATE stream SET length = ? WHERE section_id = ?", (stream.length, section_id))


def write_text(db: sqlite3.Connection, kept: Kept, text: str, origin: Origin) -> Kept:
    """Give a section a text by hand, as a revision of its own; an empty text leaves it without one."""
    section = kept.section
    status = _status_with(section, text)
    if not text:
        db.execute("UPDATE section SET status = ?, revision = NULL, basis = NULL WHERE id = ?", (status, section.id))
        return Kept(replace(section, status=status, text="", length=0, origin=None), None)
    length = count_words(text)
    revision = put_text(db, section.id, text, origin, status, length=length)
    return Kept(replace(section, status=status, text=text, length=length, origin=origin), revision, kept.basis)


def write_taken(db: sqlite3.Connection, kept: Kept, text: str, provenance: Provenance) -> Kept:
    """Give a section a text of which a person took some from a model. It stays theirs if it was."""
    section = kept.section
    origin = Origin.USER if section.origin is Origin.USER else Origin.MODEL
    status, length = _status_with(section, text), count_words(text)
    made = replace(provenance, basis=kept.basis)
    revision = put_text(db, section.id, text, origin, status, length=length, provenance=made)
    return Kept(replace(section, status=status, text=text, length=length, origin=origin), revision, kept.basis)


def write_over(db: sqlite3.Connection, kept: Kept, text: str) -> Kept:
    """Put ``text`` into the section's present revision, which is one that is being typed."""
    status, length = _status_with(kept.section, text), count_words(text)
    db.execute(
        "UPDATE revision SET created = ?, text = ?, length = ?, status = ? WHERE id = ?",
        (time(), text, length, status, kept.revision),
    )
    db.execute("UPDATE section SET status = ? WHERE id = ?", (status, kept.section.id))
    return Kept(replace(kept.section, status=status, text=text, length=length), kept.revision, kept.basis)


def write_old(db: sqlite3.Connection, kept: Kept, revision: int | None, status: Status | None = None) -> Kept:
    """Give a section the text of an old revision (``None`` for no text) again, as a new revision."""
    if revision is None:
        return write_text(db, kept, "", Origin.USER)
    section = kept.section
    row = db.execute("SELECT text, length, origin, status, provenance FROM revision WHERE id = ?", (revision,))
    with as_lwtui_writes():
        text, length, stored_origin, stored, made = row.fetchone()
        origin, provenance = Origin(stored_origin), provenance_from_json(made)
        status = status or (_status_with(section, text) if stored == ASIDE else Status(stored))
    new = put_text(db, section.id, text, origin, status, length=length, provenance=provenance)
    basis = kept.basis if provenance is None else provenance.basis
    return Kept(replace(section, status=status, text=text, length=length, origin=origin), new, basis)


def set_status(db: sqlite3.Connection, kept: Kept, status: Status) -> Kept:
    """Change how far a section is, and its present revision with it."""
    db.execute("UPDATE section SET status = ? WHERE id = ?", (status, kept.section.id))
    db.execute("UPDATE revision SET status = ? WHERE id = ?", (status, kept.revision))
    return Kept(replace(kept.section, status=status), kept.revision, kept.basis)


def end_stream(db: sqlite3.Connection, kept: Kept, stream: Stream) -> Kept:
    """Make what streamed in the section's text, and drop its journal."""
    section, after = kept.section, stream.result(kept.section)
    db.execute("DELETE FROM stream WHERE section_id = ?", (section.id,))  # the rows of the journal go with it
    if after.text == section.text:
        if stream.wrote and stream.ended is Status.DONE and stream.provenance.basis is not None:
            put_basis(db, section.id, stream.provenance.basis)  # written anew, with the same words
            kept = replace(kept, basis=stream.provenance.basis)
        return kept if after == section else set_status(db, kept, after.status)
    if not after.text:
        return write_text(db, kept, "", Origin.MODEL)
    revision = put_text(
        db,
        section.id,
        after.text,
        Origin.MODEL,
        after.status,
        length=after.length,
        provenance=stream.provenance,
        usage=stream.usage,
    )
    return Kept(after, revision, stream.provenance.basis)


def revisions(db: sqlite3.Connection, section_id: str) -> list[Revision]:
    """Every version of a section, the newest first. Raises ``sqlite3.Error``."""
    found = db.execute(
        "SELECT id, section_id, created, origin, text, length, provenance, status, prompt_tokens, completion_tokens,"
        " cached_tokens FROM revision WHERE section_id = ? ORDER BY id DESC",
        (section_id,),
    )
    with as_lwtui_writes():
        return [
            Revision(
                id,
                section,
                moment(created),
                Origin(origin),
                text,
                length,
                provenance_from_json(made),
                Usage(*tokens),
                status == ASIDE,
            )
            for id, section, created, origin, text, length, made, status, *tokens in found
        ]


def section_of(db: sqlite3.Connection, revision: int) -> str | None:
    """The section of which a revision is a version; ``None`` if there is no such revision."""
    row = db.execute("SELECT section_id FROM revision WHERE id = ?", (revision,)).fetchone()
    return None if row is None else str(row[0])


def _status_with(section: Section, text: str) -> Status:
    if not text.strip():
        return Status.EMPTY
    return Status.PARTIAL if section.status is Status.PARTIAL else Status.DONE

"""Storage of sections, revisions and streams. Functions that write are called within a transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from time import time

from lwtui.documents.contents import StoredSection, StreamingText
from lwtui.documents.database import checked_contents
from lwtui.documents.model import (
    Basis,
    Brief,
    Origin,
    Provenance,
    Revision,
    Section,
    Status,
    status_of_length,
)
from lwtui.documents.schema import basis_to_json, clamp_time, provenance_from_json, provenance_to_json
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.text import count_words

ALTERNATIVE = Status.EMPTY  # the status of a revision that was never its section's text


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
    """Store ``text`` as a new revision and make it the section's current text.

    With a ``provenance``, the section takes its basis from there. Without one it keeps its basis, because a text that
    was edited by hand is still based on what it was written from.

    Returns:
        The id of the revision.
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
    """Store ``text`` as a new revision without making it the section's current text.

    Args:
        db: The connection.
        section_id: The section.
        text: The text.
        origin: Who wrote it.
        status: The section's status with this text, or :data:`ALTERNATIVE`.
        length: The length of the text if it is known, as :func:`lwtui.text.count_words` counts it.
        provenance: Where the text came from, if a model wrote any of it.
        usage: The token usage of the text.

    Returns:
        The id of the revision.
    """
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


def adopt_version(db: sqlite3.Connection, stored: StoredSection, revision: int, status: Status | None) -> StoredSection:
    """Make an alternative revision the section's current one.

    ``status`` is the section's status with it; if it is ``None``, the same as after an edit by hand.
    """
    section = stored.section
    row = db.execute("SELECT text, length, origin, provenance FROM revision WHERE id = ?", (revision,)).fetchone()
    text, length, origin, provenance_json = row
    status, provenance = status or _status_with(section, text), provenance_from_json(provenance_json)
    basis = (provenance and provenance.basis) or stored.basis
    db.execute("UPDATE revision SET status = ? WHERE id = ?", (status, revision))
    db.execute("UPDATE section SET status = ?, revision = ? WHERE id = ?", (status, revision, section.id))
    put_basis(db, section.id, basis)
    return StoredSection(
        replace(section, status=status, text=text, length=length, origin=Origin(origin)), revision, basis
    )


def extend_version(db: sqlite3.Connection, revision: int, text: str, usage: Usage) -> None:
    """Replace the text of an alternative revision by a longer one."""
    db.execute(
        "UPDATE revision SET text = ?, length = ?, prompt_tokens = ?, completion_tokens = ?, cached_tokens = ?"
        " WHERE id = ?",
        (text, count_words(text), usage.prompt, usage.completion, usage.cached, revision),
    )


def add_usage(db: sqlite3.Connection, usage: Usage) -> None:
    """Add to the document's token usage."""
    db.execute(
        "UPDATE document SET prompt_tokens = prompt_tokens + ?, completion_tokens = completion_tokens + ?,"
        " cached_tokens = cached_tokens + ?",
        (usage.prompt, usage.completion, usage.cached),
    )


def put_basis(db: sqlite3.Connection, section_id: str, basis: Basis | None) -> None:
    """Store what a section's current text was written from."""
    db.execute("UPDATE section SET basis = ? WHERE id = ?", (basis_to_json(basis), section_id))


def put_brief(db: sqlite3.Connection, brief: Brief) -> None:
    """Store what the user asked for."""
    db.execute(
        "UPDATE document SET instruction = ?, words = ?, language = ?, mode = ?, model = ?, seed = ?, sampling = ?,"
        " style = ?",
        (
            brief.instruction,
            brief.words,
            brief.language,
            brief.mode,
            brief.model,
            brief.seed,
            brief.sampling,
            brief.style,
        ),
    )


def put_stream(db: sqlite3.Connection, section_id: str, stream: StreamingText, keep: int) -> None:
    """Store a new stream, after the first ``keep`` characters of the section's text."""
    db.execute(
        "INSERT INTO stream (section_id, length, provenance) VALUES (?, ?, ?)",
        (section_id, stream.length, provenance_to_json(stream.provenance)),
    )
    db.execute("INSERT INTO journal (section_id, keep, text) VALUES (?, ?, '')", (section_id, keep))


def put_journal(db: sqlite3.Connection, section_id: str, stream: StreamingText) -> None:
    """Append the unsaved part of a stream to the journal."""
    db.executemany(
        "INSERT INTO journal (section_id, keep, text) VALUES (?, ?, ?)",
        ((section_id, keep, "".join(pieces)) for keep, pieces in stream.unsaved),
    )
    db.execute("UPDATE stream SET length = ? WHERE section_id = ?", (stream.length, section_id))


def write_text(db: sqlite3.Connection, stored: StoredSection, text: str, origin: Origin) -> StoredSection:
    """Replace a section's text by a new revision; an empty text leaves the section without one."""
    section = stored.section
    status = _status_with(section, text)
    if not text:
        db.execute("UPDATE section SET status = ?, revision = NULL, basis = NULL WHERE id = ?", (status, section.id))
        return StoredSection(replace(section, status=status, text="", length=0, origin=None), None)
    length = count_words(text)
    revision = put_text(db, section.id, text, origin, status, length=length)
    return StoredSection(
        replace(section, status=status, text=text, length=length, origin=origin), revision, stored.basis
    )


def write_answer(db: sqlite3.Connection, stored: StoredSection, text: str, provenance: Provenance) -> StoredSection:
    """Replace a section's text by one that contains parts of a model's answer. A user's text stays the user's."""
    section = stored.section
    origin = Origin.USER if section.origin is Origin.USER else Origin.MODEL
    status, length = _status_with(section, text), count_words(text)
    provenance = replace(provenance, basis=stored.basis)
    revision = put_text(db, section.id, text, origin, status, length=length, provenance=provenance)
    return StoredSection(
        replace(section, status=status, text=text, length=length, origin=origin), revision, stored.basis
    )


def overwrite_text(db: sqlite3.Connection, stored: StoredSection, text: str) -> StoredSection:
    """Replace the text of a section's current revision, for an edit of the same typing session."""
    status, length = _status_with(stored.section, text), count_words(text)
    db.execute(
        "UPDATE revision SET created = ?, text = ?, length = ?, status = ? WHERE id = ?",
        (time(), text, length, status, stored.revision),
    )
    db.execute("UPDATE section SET status = ? WHERE id = ?", (status, stored.section.id))
    return StoredSection(
        replace(stored.section, status=status, text=text, length=length), stored.revision, stored.basis
    )


def restore_revision(
    db: sqlite3.Connection, stored: StoredSection, revision: int | None, status: Status | None = None
) -> StoredSection:
    """Make the text of an old revision (``None`` for no text) the section's current text, as a new revision.

    Raises:
        sqlite3.Error: The revision holds contents that no version of lwtui would have written.
    """
    if revision is None:
        return write_text(db, stored, "", Origin.USER)
    section = stored.section
    row = db.execute("SELECT text, length, origin, status, provenance FROM revision WHERE id = ?", (revision,))
    with checked_contents():
        text, length, old_origin, old_status, provenance_json = row.fetchone()
        origin, provenance = Origin(old_origin), provenance_from_json(provenance_json)
        status = status or (_status_with(section, text) if old_status == ALTERNATIVE else Status(old_status))
    new = put_text(db, section.id, text, origin, status, length=length, provenance=provenance)
    basis = stored.basis if provenance is None else provenance.basis
    return StoredSection(replace(section, status=status, text=text, length=length, origin=origin), new, basis)


def set_status(db: sqlite3.Connection, stored: StoredSection, status: Status) -> StoredSection:
    """Change the status of a section and of its current revision."""
    db.execute("UPDATE section SET status = ? WHERE id = ?", (status, stored.section.id))
    db.execute("UPDATE revision SET status = ? WHERE id = ?", (status, stored.revision))
    return StoredSection(replace(stored.section, status=status), stored.revision, stored.basis)


def end_stream(db: sqlite3.Connection, stored: StoredSection, stream: StreamingText) -> StoredSection:
    """Make the text of a stream the section's text, and delete its journal."""
    section, after = stored.section, stream.result(stored.section)
    db.execute("DELETE FROM stream WHERE section_id = ?", (section.id,))  # which deletes its rows of the journal too
    if after.text == section.text:
        if stream.received_text and stream.final_status is Status.DONE and stream.provenance.basis is not None:
            put_basis(db, section.id, stream.provenance.basis)  # the model wrote the same text again
            stored = replace(stored, basis=stream.provenance.basis)
        return stored if after == section else set_status(db, stored, after.status)
    if not after.text:
        stored = write_text(db, stored, "", Origin.MODEL)
        return set_status(db, stored, after.status) if after.status is Status.REFUSED else stored
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
    return StoredSection(after, revision, stream.provenance.basis)


def revisions(db: sqlite3.Connection, section_id: str) -> list[Revision]:
    """Return every revision of a section, the newest first.

    Raises:
        sqlite3.Error: They cannot be read, or hold contents that no version of lwtui would have written.
    """
    rows = db.execute(
        "SELECT id, section_id, created, origin, text, length, provenance, status, prompt_tokens, completion_tokens,"
        " cached_tokens FROM revision WHERE section_id = ? ORDER BY id DESC",
        (section_id,),
    )
    with checked_contents():
        return [
            Revision(
                revision,
                section,
                clamp_time(created),
                Origin(origin),
                text,
                length,
                provenance_from_json(provenance),
                Usage(*tokens),
                status == ALTERNATIVE,
            )
            for revision, section, created, origin, text, length, provenance, status, *tokens in rows
        ]


def section_of(db: sqlite3.Connection, revision: int) -> str | None:
    """Return the section of a revision; ``None`` if there is no such revision."""
    row = db.execute("SELECT section_id FROM revision WHERE id = ?", (revision,)).fetchone()
    return None if row is None else str(row[0])


def _status_with(section: Section, text: str) -> Status:
    """Return the status of ``section`` after its text was replaced by hand."""
    if not text.strip():
        return Status.EMPTY
    if section.status is Status.SHORT:
        return status_of_length(count_words(text), section.words, section.kind)
    return Status.PARTIAL if section.status is Status.PARTIAL else Status.DONE

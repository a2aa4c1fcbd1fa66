"""The tables of a ``.lw`` file, and the conversion between rows and data."""

from __future__ import annotations

import json
from sys import intern
from typing import Any

from lwtui.documents.model import Basis, Provenance
from lwtui.text import clean

APPLICATION_ID = 0x6C777475  # "lwtu", bytes 68 to 71 of the file
_MAX_TIME = 2.5e11  # seconds; in the year 9892
VERSION = 7  # user_version; every change of the tables needs a new version with a step in UPGRADES

# A section's text is that of its current revision, so that each text is stored once. A section that was removed from
# the plan has no position. While a model writes a section, `stream` has a row for it, and `journal` has its pieces in
# order: cut the text to `keep` characters unless that is NULL, then append `text`.
# Long texts are the last columns, so that reading the other columns does not read the pages of the text.
# A section's `basis` is what its current text was written from. Of its summaries, the newest is in force.
TABLES = """
CREATE TABLE document (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    words INTEGER NOT NULL,
    language TEXT NOT NULL,
    mode TEXT NOT NULL,
    model TEXT NOT NULL,
    seed INTEGER,
    title TEXT NOT NULL,
    created REAL NOT NULL,
    changed REAL NOT NULL,
    prompt_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    cached_tokens INTEGER NOT NULL DEFAULT 0,
    instruction TEXT NOT NULL,
    sampling TEXT NOT NULL DEFAULT '',
    style TEXT
) STRICT;
CREATE TABLE section (
    id TEXT PRIMARY KEY,
    position INTEGER,
    words INTEGER NOT NULL,
    status TEXT NOT NULL,
    revision INTEGER REFERENCES revision(id),
    title TEXT NOT NULL,
    main_point TEXT NOT NULL,
    level INTEGER NOT NULL DEFAULT 1,
    basis TEXT,
    kind TEXT NOT NULL DEFAULT 'prose'
) STRICT, WITHOUT ROWID;
CREATE TABLE revision (
    id INTEGER PRIMARY KEY,
    section_id TEXT NOT NULL REFERENCES section(id),
    created REAL NOT NULL,
    origin TEXT NOT NULL,
    status TEXT NOT NULL,
    length INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    cached_tokens INTEGER NOT NULL DEFAULT 0,
    provenance TEXT,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX revision_of_section ON revision(section_id, id);
CREATE TABLE stream (
    section_id TEXT PRIMARY KEY REFERENCES section(id),
    length INTEGER NOT NULL,
    provenance TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    section_id TEXT NOT NULL REFERENCES stream(section_id) ON DELETE CASCADE,
    keep INTEGER,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX journal_of_section ON journal(section_id, id);
CREATE TABLE plan_step (
    id INTEGER PRIMARY KEY,
    created REAL NOT NULL,
    label TEXT NOT NULL,
    before TEXT NOT NULL
) STRICT;
"""
_NOTE_TABLES = """\
CREATE TABLE note (
    id TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    always INTEGER NOT NULL,
    triggers TEXT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE note_step (
    id INTEGER PRIMARY KEY,
    created REAL NOT NULL,
    label TEXT NOT NULL,
    before TEXT NOT NULL
) STRICT;
CREATE TABLE summary (
    id INTEGER PRIMARY KEY,
    section_id TEXT NOT NULL REFERENCES section(id),
    revision INTEGER REFERENCES revision(id),
    digest TEXT NOT NULL,
    by_hand INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX summary_of_section ON summary(section_id, id);
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
_FACT_TABLE = """\
CREATE TABLE fact (
    id TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    section_id TEXT NOT NULL REFERENCES section(id),
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    pinned INTEGER NOT NULL,
    by_hand INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    text TEXT NOT NULL,
    quote TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
# The index has no content of its own, only the terms of each passage by its id. Ids are never used again, so that what
# the index still has of removed passages finds nothing (see lwtui.sources.store).
_SOURCE_TABLES = """\
CREATE TABLE source (
    id TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    location TEXT NOT NULL,
    retrieved TEXT NOT NULL,
    pinned TEXT NOT NULL,
    csl TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE passage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_id TEXT NOT NULL REFERENCES source(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    page INTEGER,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX passage_of_source ON passage(source_id, number);
CREATE VIRTUAL TABLE passage_index USING fts5(terms, content = '', tokenize = 'unicode61 remove_diacritics 2');
"""
# The vectors of passages, of one model at a time, each with the digest of the text that it is of.
_VECTOR_TABLE = """\
CREATE TABLE passage_vector (
    passage_id INTEGER PRIMARY KEY REFERENCES passage(id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    digest TEXT NOT NULL,
    vector BLOB NOT NULL
) STRICT;
"""
TABLES += _NOTE_TABLES + _FACT_TABLE + _SOURCE_TABLES + _VECTOR_TABLE

# By the version that each upgrade leads to.
UPGRADES = {
    2: """\
ALTER TABLE section ADD COLUMN level INTEGER NOT NULL DEFAULT 1;
ALTER TABLE section ADD COLUMN basis TEXT;
ALTER TABLE document ADD COLUMN sampling TEXT NOT NULL DEFAULT '';
"""
    + _NOTE_TABLES,
    3: "ALTER TABLE document ADD COLUMN style TEXT;\n",
    4: _FACT_TABLE,
    5: _SOURCE_TABLES,
    6: "ALTER TABLE section ADD COLUMN kind TEXT NOT NULL DEFAULT 'prose';\n",
    7: _VECTOR_TABLE,
}


def split_statements(script: str) -> list[str]:
    """Split a script into its statements, because ``executescript`` would commit the open transaction."""
    return [statement for statement in script.split(";\n") if statement.strip()]


def clamp_time(stored: float) -> float:
    """Limit a stored time to seconds since the epoch that are a valid date, because anybody may have made the file."""
    return min(max(stored, 0.0), _MAX_TIME)


def provenance_to_json(provenance: Provenance | None) -> str | None:
    """Serialize a provenance."""
    if provenance is None:
        return None
    basis = provenance.basis and vars(provenance.basis)  # a deep copy by asdict takes longer than the rest
    return json.dumps(vars(provenance) | {"basis": basis}, ensure_ascii=False)


def provenance_from_json(stored: str | None) -> Provenance | None:
    """Deserialize a provenance.

    Raises:
        ValueError: It is not what :func:`provenance_to_json` returns.
        TypeError: The same.
    """
    if stored is None:
        return None
    values = json.loads(stored, object_hook=_cleaned)
    if not isinstance(values, dict):
        raise ValueError("a provenance that is not an object")
    if basis := values.get("basis"):
        values["basis"] = Basis(**basis)
    return Provenance(**values)


def _cleaned(values: dict[str, Any]) -> dict[str, Any]:
    """Clean the strings of an object: JSON escapes can contain control characters."""
    return {clean(name): clean(value) if isinstance(value, str) else value for name, value in values.items()}


def basis_to_json(basis: Basis | None) -> str | None:
    """Serialize a basis."""
    return None if basis is None else json.dumps(vars(basis))


def basis_from_json(stored: str | None) -> Basis | None:
    """Deserialize a basis.

    Raises:
        ValueError: It is not what :func:`basis_to_json` returns.
        TypeError: The same.
    """
    return None if stored is None else Basis(**json.loads(stored, object_hook=_interned))


def _interned(values: dict[str, Any]) -> dict[str, Any]:
    """Intern all strings: a section's fingerprint is in the basis of every later section."""
    return {intern(name): intern(value) if isinstance(value, str) else value for name, value in values.items()}

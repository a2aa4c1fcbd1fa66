"""The tables of a ``.lw`` file, and how rows and data stand for each other."""

from __future__ import annotations

import json
from dataclasses import asdict
from sys import intern
from typing import Any

from lwtui.documents.model import Basis, Provenance
from lwtui.text import clean

APPLICATION_ID = 0x6C777475  # "lwtu", bytes 68 to 71 of the file
_LAST_MOMENT = 2.5e11  # seconds: in the year 9892
VERSION = 2  # user_version; a change of the tables makes it one more, and adds a step to UPGRADES

# A section's text is that of its current revision, so each text is in the file once. A section that left the plan
# has no position. While a model writes a section, `stream` has a row for it and `journal` its pieces in order: cut
# the text to `keep` characters (where there is a number), then append `text`.
# Long texts come last in their rows: reading the columns before them then does not read the text's pages.
# A section's `basis` is what its present text was written from. Of its summaries the newest is in force.
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
    sampling TEXT NOT NULL DEFAULT ''
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
    basis TEXT
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
_MEMORY = """\
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
TABLES += _MEMORY

# From the version before to the one named.
UPGRADES = {
    2: """\
ALTER TABLE section ADD COLUMN level INTEGER NOT NULL DEFAULT 1;
ALTER TABLE section ADD COLUMN basis TEXT;
ALTER TABLE document ADD COLUMN sampling TEXT NOT NULL DEFAULT '';
"""
    + _MEMORY,
}


def statements(script: str) -> list[str]:
    """The statements of a script one by one: ``executescript`` would end the transaction they belong to."""
    return [one for one in script.split(";\n") if one.strip()]


def moment(stored: float) -> float:
    """A time of a file that anybody may have made, as seconds since 1970 that are a date everywhere."""
    return min(max(stored, 0.0), _LAST_MOMENT)


def provenance_to_json(provenance: Provenance | None) -> str | None:
    """The stored form of where a text came from."""
    return None if provenance is None else json.dumps(asdict(provenance), ensure_ascii=False)


def provenance_from_json(stored: str | None) -> Provenance | None:
    if stored is None:
        return None
    values = json.loads(stored, object_hook=_cleaned)
    if not isinstance(values, dict):
        raise ValueError("provenance that is no object")
    if basis := values.get("basis"):
        values["basis"] = Basis(**basis)
    return Provenance(**values)


def _cleaned(values: dict[str, Any]) -> dict[str, Any]:
    """JSON can hide a control character in an escape."""
    return {clean(name): clean(value) if isinstance(value, str) else value for name, value in values.items()}


def basis_to_json(basis: Basis | None) -> str | None:
    """The stored form of what a text was written from."""
    return None if basis is None else json.dumps(asdict(basis))


def basis_from_json(stored: str | None) -> Basis | None:
    return None if stored is None else Basis(**json.loads(stored, object_hook=_shared))


def _shared(values: dict[str, Any]) -> dict[str, Any]:
    """The fingerprint of a section stands in the basis of each that comes after it: it is held once."""
    return {intern(name): intern(value) if isinstance(value, str) else value for name, value in values.items()}

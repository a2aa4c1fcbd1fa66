"""A document's contents in memory: read once when it is opened, kept up to date after each transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field, replace

from lwtui.documents.database import as_lwtui_writes
from lwtui.documents.model import (
    DEEPEST,
    Basis,
    Brief,
    Mode,
    Origin,
    Plan,
    PlannedSection,
    Provenance,
    Section,
    Status,
)
from lwtui.documents.notes_store import StoredNotes, load_memory
from lwtui.documents.schema import basis_from_json, provenance_from_json
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.text import RunningCount


@dataclass(frozen=True)
class Kept:
    """A section as stored, the revision that holds its text (``None`` for no text), and what that was written from
    (``None`` where it is not known)."""

    section: Section
    revision: int | None
    basis: Basis | None = None


class Stream:
    """The text of one section while a model writes it. ``unsaved`` is what the journal does not have yet."""

    def __init__(self, provenance: Provenance, text: str) -> None:
        self.provenance = provenance
        self.unsaved: list[tuple[int | None, list[str]]] = []  # cut to this length if it is a number, then append
        self.wrote = False  # whether any text came
        self.ended: Status | None = None  # the model is through, but that could not be stored yet
        self.usage = NO_USAGE
        self._pieces = [text]
        self._count = RunningCount(text)

    @property
    def text(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    @property
    def length(self) -> int:
        return self._count.words

    def view(self, section: Section) -> Section:
        """``section`` as it stands now."""
        if self.ended is not None:
            return self.result(section)
        return replace(section, status=Status.WRITING, text=self.text, length=self.length, origin=Origin.MODEL)

    def result(self, section: Section) -> Section:
        """``section`` as it is when the stream ends. If nothing came before it broke off, it is as before."""
        status = self.ended or Status.PARTIAL
        if status is Status.PARTIAL and not self.wrote:
            return section
        text = self.text
        if text == section.text:
            return replace(section, status=status if text.strip() else Status.EMPTY)
        if not text.strip():
            return replace(section, status=Status.EMPTY, text="", length=0, origin=None)
        return replace(section, status=status, text=text, length=self.length, origin=Origin.MODEL)

    def append(self, text: str) -> None:
        self.replay(None, text)
        if not self.unsaved:
            self.unsaved.append((None, []))
        self.unsaved[-1][1].append(text)

    def cut(self, keep: int) -> None:
        """Cut the text to ``keep`` characters."""
        self.replay(keep, "")
        self.unsaved.append((keep, []))

    def replay(self, keep: int | None, text: str) -> None:
        """What a row of the journal says, without noting it anew."""
        if keep is not None:
            self._pieces = [self.text[:keep]]
            self._count = RunningCount(self._pieces[0])
        if text:
            self.wrote = True
            self._pieces.append(text)
            self._count.add(text)


@dataclass
class Contents:
    """Everything but old revisions. ``sections`` also has those that left the plan."""

    brief: Brief
    title: str  # the plan's
    usage: Usage
    sections: dict[str, Kept]
    order: list[str]
    streams: dict[str, Stream] = field(default_factory=dict)
    memory: StoredNotes = field(default_factory=StoredNotes)

    @property
    def plan(self) -> Plan:
        kept = [self.sections[section_id].section for section_id in self.order]
        return Plan(self.title, tuple(PlannedSection(s.title, s.main_point, s.words, s.id, s.level) for s in kept))

    def planned(self, plan: Plan) -> dict[str, Kept]:
        """All sections as they are under ``plan``."""
        sections = dict(self.sections)
        for step in plan.sections:
            if step.id in sections:
                kept = sections[step.id]
                section = replace(
                    kept.section, title=step.title, main_point=step.main_point, words=step.words, level=step.level
                )
                sections[step.id] = replace(kept, section=section)
            else:
                section = Section(step.id, step.title, step.main_point, step.words, Status.EMPTY, "", 0)
                sections[step.id] = Kept(replace(section, level=step.level), None)
        return sections


def load(db: sqlite3.Connection) -> Contents:
    """Read a document. Raises ``sqlite3.Error``, also for what no version of lwtui would have written."""
    db.execute("BEGIN")  # all from one moment, also while another process writes
    try:
        with as_lwtui_writes():
            return _load(db)
    finally:
        db.execute("ROLLBACK")


def _load(db: sqlite3.Connection) -> Contents:
    row = db.execute(
        "SELECT instruction, words, language, mode, model, seed, sampling, title, prompt_tokens, completion_tokens,"
        " cached_tokens FROM document"
    ).fetchone()
    if row is None:
        raise sqlite3.DatabaseError("it has no contents")
    instruction, words, language, mode, model, seed, sampling, title, *tokens = row
    contents = Contents(
        Brief(instruction, words, language, Mode(mode), model, seed, sampling), title, Usage(*tokens), {}, []
    )
    rows = db.execute(
        "SELECT s.id, s.position, s.title, s.main_point, s.words, s.level, s.status, s.revision, s.basis,"
        " r.text, r.length, r.origin"
        " FROM section s LEFT JOIN revision r ON r.id = s.revision ORDER BY s.position"
    )
    for section_id, position, heading, main_point, target, level, status, revision, basis, text, length, origin in rows:
        if not 1 <= level <= DEEPEST:
            raise ValueError(f"a section on level {level}")
        section = Section(
            section_id,
            heading,
            main_point,
            target,
            Status(status),
            text or "",
            length or 0,
            None if origin is None else Origin(origin),
            level,
        )
        contents.sections[section_id] = Kept(section, revision, basis_from_json(basis))
        if position is not None:
            contents.order.append(section_id)
    for section_id, stored in db.execute("SELECT section_id, provenance FROM stream"):
        provenance = provenance_from_json(stored)
        assert provenance is not None
        contents.streams[section_id] = Stream(provenance, contents.sections[section_id].section.text)
    for section_id, keep, text in db.execute("SELECT section_id, keep, text FROM journal ORDER BY id"):
        contents.streams[section_id].replay(keep, text)
    contents.memory = load_memory(db)
    return contents

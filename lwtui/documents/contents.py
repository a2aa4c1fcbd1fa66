"""The contents of an open document in memory: loaded once, then updated after each transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field, replace
from functools import cached_property

from lwtui.documents.database import checked_contents
from lwtui.documents.facts import Fact, load_facts
from lwtui.documents.model import (
    MAX_LEVEL,
    Basis,
    Brief,
    Mode,
    Origin,
    Plan,
    PlannedSection,
    Provenance,
    Section,
    Status,
    Style,
)
from lwtui.documents.notes_store import StoredNotes, load_notes
from lwtui.documents.schema import basis_from_json, provenance_from_json
from lwtui.documents.section_kind import SectionKind
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.sources.model import Source
from lwtui.sources.store import load_sources
from lwtui.text import RunningCount
from lwtui.translation import _


@dataclass(frozen=True)
class StoredSection:
    """A section as it is in the file.

    Attributes:
        section: Its state.
        revision: The revision that holds its text; ``None`` without text.
        basis: What its text was written from; ``None`` if that is not known.
    """

    section: Section
    revision: int | None
    basis: Basis | None = None

    # These follow from the section, which never changes. A long document asks for those of all sections all the time.

    @cached_property
    def view(self) -> Section:
        """The section as others see it while no model writes it: a heading without text is DONE."""
        section = self.section
        return replace(section, status=Status.DONE) if section.is_heading_only else section

    @cached_property
    def planned(self) -> PlannedSection:
        """The section's line of the plan."""
        section = self.section
        return PlannedSection(section.title, section.main_point, section.words, section.id, section.level, section.kind)


class StreamingText:
    """The text of a section while a model writes it.

    Attributes:
        provenance: Where the text comes from.
        unsaved: The rows that the journal does not have yet: a length to cut the text to, or ``None``, and the pieces
            to append.
        received_text: Whether the model has sent any text.
        final_status: The status that the stream ended with, if it has ended but could not be stored yet.
        usage: The token usage of the text, once the stream has ended.
    """

    def __init__(self, provenance: Provenance, text: str) -> None:
        self.provenance = provenance
        self.unsaved: list[tuple[int | None, list[str]]] = []
        self.received_text = False
        self.final_status: Status | None = None
        self.usage = NO_USAGE
        self._pieces = [text]
        self._count = RunningCount(text)

    @property
    def text(self) -> str:
        """The text so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    @property
    def length(self) -> int:
        """The length of the text so far, as :func:`lwtui.text.count_words` counts it."""
        return self._count.words

    def view(self, section: Section) -> Section:
        """Return ``section`` with the text so far."""
        if self.final_status is not None:
            return self.result(section)
        return replace(section, status=Status.WRITING, text=self.text, length=self.length, origin=Origin.MODEL)

    def result(self, section: Section) -> Section:
        """Return ``section`` as it is after the stream. An interrupted stream without text changes nothing."""
        status = self.final_status or Status.PARTIAL
        if status is Status.PARTIAL and not self.received_text:
            return section
        text = self.text
        if text == section.text:
            return replace(section, status=status if text.strip() else _without_text(status))
        if not text.strip():
            return replace(section, status=_without_text(status), text="", length=0, origin=None)
        return replace(section, status=status, text=text, length=self.length, origin=Origin.MODEL)

    def append(self, text: str) -> None:
        """Append ``text``."""
        self.replay(None, text)
        if not self.unsaved:
            self.unsaved.append((None, []))
        self.unsaved[-1][1].append(text)

    def cut(self, keep: int) -> None:
        """Cut the text to ``keep`` characters."""
        self.replay(keep, "")
        self.unsaved.append((keep, []))

    def replay(self, keep: int | None, text: str) -> None:
        """Apply a row of the journal: cut the text to ``keep`` characters unless that is ``None``, then append."""
        if keep is not None:
            self._pieces = [self.text[:keep]]
            self._count = RunningCount(self._pieces[0])
        if text:
            self.received_text = True
            self._pieces.append(text)
            self._count.add(text)


def _without_text(status: Status) -> Status:
    return status if status is Status.REFUSED else Status.EMPTY


@dataclass
class Contents:
    """All of a document except its old revisions.

    Attributes:
        brief: What the user asked for.
        title: The title of the plan.
        usage: The token usage of all calls.
        sections: All sections by id, also those that have been removed from the plan.
        order: The ids of the sections in the plan, in order.
        streams: The sections that a model is writing, by id.
        stored_notes: Notes, summaries and settings.
        facts: What the sections say, by the id of the fact.
        sources: What the document is written from, by the id of the source.
    """

    brief: Brief
    title: str
    usage: Usage
    sections: dict[str, StoredSection]
    order: list[str]
    streams: dict[str, StreamingText] = field(default_factory=dict)
    stored_notes: StoredNotes = field(default_factory=StoredNotes)
    facts: dict[str, Fact] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    _plan: Plan = field(default=Plan("", ()), repr=False, compare=False)
    _planned: tuple[PlannedSection, ...] = field(default=(), repr=False, compare=False)

    @property
    def plan(self) -> Plan:
        """The plan."""
        planned = tuple([self.sections[section_id].planned for section_id in self.order])
        # The same object as long as it does not change, by which what is computed from it is kept. Only lines that are
        # not the same as the last time are compared.
        if planned != self._planned or self.title != self._plan.title:
            self._plan = Plan(self.title, planned)
        self._planned = planned
        return self._plan

    def views(self) -> list[Section]:
        """Return all sections in the plan, in order, including text that is streaming in."""
        stored = [self.sections[section_id] for section_id in self.order]
        if not self.streams:
            return [each.view for each in stored]
        return [
            stream.view(each.section) if (stream := self.streams.get(each.section.id)) else each.view for each in stored
        ]

    def sections_under(self, plan: Plan) -> dict[str, StoredSection]:
        """Return all sections by id as they would be with ``plan`` as the document's plan."""
        sections = dict(self.sections)
        for planned in plan.sections:
            stored = sections.get(planned.id)
            if stored is None:
                stored = StoredSection(Section(planned.id, "", "", 0, Status.EMPTY, "", 0), None)
            section = replace(
                stored.section,
                title=planned.title,
                main_point=planned.main_point,
                words=planned.words,
                level=planned.level,
                kind=planned.kind,
            )
            sections[planned.id] = replace(stored, section=section)
        return sections


def load(db: sqlite3.Connection) -> Contents:
    """Load a document.

    Raises:
        sqlite3.Error: It cannot be read, or holds contents that no version of lwtui would have written.
    """
    db.execute("BEGIN")  # one consistent snapshot, even while another process writes
    try:
        with checked_contents():
            return _load(db)
    finally:
        db.execute("ROLLBACK")


def _load(db: sqlite3.Connection) -> Contents:
    row = db.execute(
        "SELECT instruction, words, language, mode, model, seed, sampling, style, title, prompt_tokens,"
        " completion_tokens, cached_tokens FROM document"
    ).fetchone()
    if row is None:
        raise sqlite3.DatabaseError(_("it has no contents"))
    instruction, words, language, mode, model, seed, sampling, style, title, *tokens = row
    brief = Brief(
        instruction, words, language, Mode(mode), model, seed, sampling, style=None if style is None else Style(style)
    )
    contents = Contents(brief, title, Usage(*tokens), {}, [])
    rows = db.execute(
        "SELECT s.id, s.position, s.title, s.main_point, s.words, s.level, s.kind, s.status, s.revision, s.basis,"
        " r.text, r.length, r.origin"
        " FROM section s LEFT JOIN revision r ON r.id = s.revision ORDER BY s.position"
    )
    for section_id, position, heading, main_point, target, level, kind, status, revision, basis, *written in rows:
        text, length, origin = written
        if not 1 <= level <= MAX_LEVEL:
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
            SectionKind(kind),
        )
        contents.sections[section_id] = StoredSection(section, revision, basis_from_json(basis))
        if position is not None:
            contents.order.append(section_id)
    for section_id, stored in db.execute("SELECT section_id, provenance FROM stream"):
        provenance = provenance_from_json(stored)
        assert provenance is not None
        contents.streams[section_id] = StreamingText(provenance, contents.sections[section_id].section.text)
    for section_id, keep, text in db.execute("SELECT section_id, keep, text FROM journal ORDER BY id"):
        contents.streams[section_id].replay(keep, text)
    contents.stored_notes = load_notes(db)
    contents.facts = load_facts(db)
    contents.sources = load_sources(db)
    return contents

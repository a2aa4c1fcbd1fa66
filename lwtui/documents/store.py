"""A document is one SQLite file, ``name.lw``: nothing that was written is ever lost from it.

Each change is one transaction, and only when it is stored does the memory follow. What a model streams is the one
exception: it is in memory at once and in the file's journal soon after, so a full disk loses none of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from lwtui.documents import plan_history, section_rows
from lwtui.documents.build import build
from lwtui.documents.contents import Contents, Kept
from lwtui.documents.edits import Typing
from lwtui.documents.model import (
    Basis,
    Brief,
    Note,
    Origin,
    Plan,
    Provenance,
    Revision,
    Section,
    SectionSummary,
    Status,
    title_from,
)
from lwtui.documents.notebook import Notebook
from lwtui.documents.notes_store import put_setting
from lwtui.documents.open_file import OpenFile, open_file, open_new
from lwtui.documents.streaming import Streaming
from lwtui.errors import DocumentError
from lwtui.models.usage import Usage
from lwtui.text import clean


class Document:
    """An open document. Not for use from several threads; close it with :meth:`close` or ``with``.

    Every method that changes it raises :class:`lwtui.errors.DocumentError` (one line: what is wrong, what to do)
    if the change cannot be stored, or if it is :attr:`read_only`.
    """

    notebook: Notebook  # the writer's notes and the summaries of sections

    def __init__(self, file: OpenFile, contents: Contents) -> None:
        """For :meth:`create` and :meth:`open`."""
        self._file = file
        self._now = contents
        self.notebook = Notebook(file.change, contents.memory)
        self._streaming = Streaming(file, contents)
        self._typing: dict[str, Typing] = {}
        self._undone: list[plan_history.Step] = []  # what was taken back of the plan, the last at the end

    @classmethod
    def create(cls, path: Path, brief: Brief, plan: Plan | None = None) -> Self:
        """Make a new file; never overwrites one."""
        contents = build(path, brief, plan)
        return cls(open_new(path), contents)

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open a file. Another writer has it: it opens read-only. Sections left as WRITING by a crash are PARTIAL."""
        return cls(*open_file(path, read_only=read_only))

    def close(self) -> None:
        """Store what is not stored yet, and let go of the file. Raises :class:`DocumentError` after letting go."""
        try:
            if not (self.read_only or self._file.closed):
                self._streaming.interrupt()
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what it is

    @property
    def path(self) -> Path:
        return self._file.path

    @property
    def read_only(self) -> bool:
        return self._file.read_only

    @property
    def read_only_reason(self) -> str:
        """One line: who has it open, or that the file may not be written; empty if it is not read-only."""
        return self._file.reason

    @property
    def brief(self) -> Brief:
        return self._now.brief

    @property
    def plan(self) -> Plan:
        """The plan; one without sections while there is none."""
        return self._now.plan

    @property
    def title(self) -> str:
        """The plan's title, or the beginning of the instruction."""
        return self._now.title or title_from(self._now.brief.instruction)

    @property
    def words(self) -> int:
        """Length of all sections together, by the counter."""
        return sum(section.length for section in self.sections())

    @property
    def usage(self) -> Usage:
        """Tokens that all model calls for this document took."""
        return self._now.usage

    @property
    def notes(self) -> Sequence[Note]:
        """What the writer wants the model to know, in the writer's order."""
        return self.notebook.notes

    @property
    def summaries(self) -> Mapping[str, SectionSummary]:
        """What stands for sections whose text no longer fits, by section id."""
        return self.notebook.summaries

    def basis(self, section_id: str) -> Basis | None:
        """What a section's present text was written from, where that is known; ``KeyError`` for an unknown section."""
        return self._now.sections[section_id].basis

    def revision_id(self, section_id: str) -> int | None:
        """The revision that holds a section's present text, if it has any; ``KeyError`` for an unknown section."""
        return self._now.sections[section_id].revision

    def setting(self, name: str, default: str = "") -> str:
        """What :meth:`set_setting` stored under ``name``."""
        return self._now.memory.settings.get(name, default)

    def sections(self) -> list[Section]:
        """All sections in the plan's order, with what has streamed in so far. A heading alone is DONE."""
        return [self._view(section_id) for section_id in self._now.order]

    def section(self, section_id: str) -> Section:
        """One section; ``KeyError`` if the plan has none of that id."""
        if section_id not in self._now.order:
            raise KeyError(section_id)
        return self._view(section_id)

    # -- changes by hand

    def set_brief(self, brief: Brief) -> None:
        brief = replace(brief, instruction=clean(brief.instruction))
        with self._file.change() as db:
            section_rows.put_brief(db, brief)
        self._now.brief = brief

    def set_plan(self, plan: Plan, label: str, texts: Mapping[str, str] | None = None, *, joined: bool = False) -> None:
        """Replace the plan and, in the same step, the texts of some sections (``texts``, by section id).

        Texts belong to section ids: a section that leaves the plan keeps its text in the file, and
        :meth:`undo_plan` (or a later plan that names its id again) brings it back. ``label`` says what was done, as
        in "Delete section “Soil”". ``joined``: if the last change had the same label, both are taken back together.
        """
        plan = plan_history.checked_plan(plan)
        new = {id: text for id, given in (texts or {}).items() if (text := clean(given)) != self._text(id)}
        for section_id in new:
            self._settle(section_id)
        if plan == self.plan and not new:
            return
        with self._file.change() as db:
            if not (joined and plan_history.last_label(db) == clean(label)):
                plan_history.put_step(db, clean(label), self.plan, [(id, *self._state(id)) for id in new])
            plan_history.put_plan(db, plan)
            planned = self._now.planned(plan)
            for section_id, text in new.items():
                planned[section_id] = section_rows.write_text(db, planned[section_id], text, Origin.USER)
        self._took_plan(plan, planned)
        self._undone.clear()

    @property
    def last_step(self) -> str | None:
        """The label of what :meth:`undo_plan` would take back."""
        with self._file.reading() as db:
            return plan_history.last_label(db)

    def undo_plan(self) -> str | None:
        """Take back the last :meth:`set_plan`, its texts included; its label, or ``None`` if there is none.

        Also works after the document was closed and opened again.
        """
        self._file.check_writable()
        with self._file.reading() as db:
            step = plan_history.last_step(db, self._now.sections)
        if step is None:
            return None
        again = self._settled(step)
        with self._file.change() as db:
            plan_history.forget_step(db, step)
            planned = plan_history.put_back(db, step, self._now)
        self._took_plan(step.plan, planned)
        self._undone.append(again)
        return step.label

    def redo_plan(self) -> str | None:
        """Do again what :meth:`undo_plan` took back last; its label, or ``None`` if there is none.

        That is so until the plan is changed otherwise, or the document closed.
        """
        self._file.check_writable()
        if not self._undone:
            return None
        step = self._undone[-1]
        before = self._settled(step)
        with self._file.change() as db:
            plan_history.put_step(db, step.label, before.plan, before.texts)
            planned = plan_history.put_back(db, step, self._now)
        self._took_plan(step.plan, planned)
        self._undone.pop()
        return step.label

    def edit(self, section_id: str, text: str, origin: Origin = Origin.USER) -> None:
        """Replace a section's text by hand. Edits that follow each other closely become one revision.

        A section with text is DONE unless it was PARTIAL; one without is EMPTY. Not for a section that is WRITING.
        """
        self._file.check_writable()
        self._settle(section_id)
        kept, text = self._now.sections[section_id], clean(text)
        if text == kept.section.text:
            return
        typing = self._typing.get(section_id, Typing(None))
        joined = typing.joined(kept, text) if origin is Origin.USER else None
        with self._file.change() as db:
            kept = (
                section_rows.write_over(db, kept, text) if joined else section_rows.write_text(db, kept, text, origin)
            )
        self._now.sections[section_id] = kept
        self._typing[section_id] = joined or Typing(kept.revision if origin is Origin.USER else None)

    def clear(self, section_id: str) -> None:
        """Make a section EMPTY so that it is written anew; its text stays as a revision."""
        self.edit(section_id, "")

    def mark_done(self, section_id: str) -> None:
        """The writer says that a PARTIAL section is complete."""
        self._file.check_writable()
        self._settle(section_id)
        kept = self._now.sections[section_id]
        if kept.section.status is not Status.PARTIAL:
            return
        with self._file.change() as db:
            kept = section_rows.set_status(db, kept, Status.DONE)
        self._now.sections[section_id] = kept

    def accept(self, section_id: str, basis: Basis) -> None:
        """The writer says that a section's text is right for what it would be written from now."""
        kept = self._now.sections[section_id]
        with self._file.change() as db:
            section_rows.put_basis(db, section_id, basis)
        self._now.sections[section_id] = replace(kept, basis=basis)

    def set_setting(self, name: str, value: str) -> None:
        """Keep something about the document that is not part of its text, such as what is folded in its outline."""
        with self._file.change(seen=False) as db:
            put_setting(db, name, value)
        self._now.memory.settings[name] = value

    def revisions(self, section_id: str) -> list[Revision]:
        """Every version of a section, the newest first."""
        with self._file.reading() as db:
            return section_rows.revisions(db, section_id)

    def restore(self, revision_id: int) -> None:
        """Make an old revision the section's text again (as a new revision; the present text stays one)."""
        self._file.check_writable()
        with self._file.reading() as db:
            section_id = section_rows.section_of(db, revision_id)
        if section_id is None:
            raise DocumentError("There is no such version. Open the list of versions again.")
        self._settle(section_id)
        kept = self._now.sections[section_id]
        if revision_id == kept.revision:
            return
        with self._file.change() as db:
            kept = section_rows.write_old(db, kept, revision_id)
        self._now.sections[section_id] = kept
        self._typing.pop(section_id, None)

    # -- answers that a person chooses from (see lwtui.agentwrite.revise and lwtui.agentwrite.candidates)

    def keep_version(
        self,
        section_id: str,
        text: str,
        provenance: Provenance,
        usage: Usage,
        over: int | None = None,
        *,
        origin: Origin = Origin.MODEL,
    ) -> int:
        """Keep a model's text among the versions of a section, which stays as it is; the version's id.

        ``over`` names one that was kept before and has grown. ``usage`` is of the whole text. ``origin`` is USER where
        most of the text is the writer's.
        """
        text = clean(text)
        with self._file.change() as db:
            if over is None:
                over = section_rows.put_version(
                    db, section_id, text, origin, section_rows.ASIDE, provenance=provenance, usage=usage
                )
            else:
                section_rows.grow_version(db, over, text, usage)
        return over

    def add_usage(self, usage: Usage) -> None:
        """Count what a model call for this document took.

        It never fails: what cannot be stored now is stored with the next :meth:`flush`, which raises if it cannot be
        stored then either. In a document that is read-only it is counted until that is closed.
        """
        self._streaming.add_usage(usage)

    def adopt_version(self, section_id: str, version: int, status: Status | None = None) -> None:
        """Make a version that was kept the section's text; the one before is among its versions.

        ``status`` is how far the section is with it: as after an edit by hand if it is not given.
        """
        self._file.check_writable()
        self._settle(section_id)
        with self._file.change() as db:
            kept = section_rows.adopt_version(db, self._now.sections[section_id], version, status)
        self._now.sections[section_id] = kept
        self._typing.pop(section_id, None)

    def take_answer(self, section_id: str, text: str, provenance: Provenance) -> None:
        """Make ``text``, of which a person took some or all from a model, a section's own; the one before is kept."""
        self._file.check_writable()
        self._settle(section_id)
        kept, text = self._now.sections[section_id], clean(text)
        if text == kept.section.text:
            return
        with self._file.change() as db:
            kept = section_rows.write_taken(db, kept, text, provenance)
        self._now.sections[section_id] = kept
        self._typing.pop(section_id, None)

    # -- changes by a model (see lwtui.agentwrite.record)

    def begin(self, section_id: str, provenance: Provenance, keep: int) -> None:
        """A model starts on a section, or goes on with it after ``keep`` characters of its text."""
        self._file.check_writable()
        self._settle(section_id)
        self._streaming.begin(section_id, provenance, keep)
        self._typing.pop(section_id, None)

    def append(self, section_id: str, text: str) -> None:
        """Text that streamed in. In memory at once, in the file at the next :meth:`flush` or after 0.4 s of appends."""
        self._streaming.append(section_id, text)

    def roll_back(self, section_id: str, keep: int) -> None:
        """Cut the streaming text to ``keep`` characters."""
        self._streaming.roll_back(section_id, keep)

    def finish(self, section_id: str, status: Status, usage: Usage) -> None:
        """The model's part ends (DONE or PARTIAL): the text becomes a revision with its provenance.

        ``usage`` goes into the revision; the document's own sum is :meth:`add_usage`'s. A section whose model brought
        nothing before it was interrupted is as it was before. If this cannot be stored, the text stays in the buffer
        and the next :meth:`flush` tries again.
        """
        self._streaming.finish(section_id, status, usage)

    def flush(self) -> None:
        """Put everything that has streamed in into the file, in one transaction. Cheap when there is nothing new."""
        self._streaming.flush()

    # -- the rest is for this class alone

    def _view(self, section_id: str) -> Section:
        section, stream = self._now.sections[section_id].section, self._now.streams.get(section_id)
        if stream is not None:
            return stream.view(section)
        return replace(section, status=Status.DONE) if section.heads else section

    def _text(self, section_id: str) -> str:
        """The stored text of a section, which need not be known."""
        kept = self._now.sections.get(section_id)
        return kept.section.text if kept else ""

    def _state(self, section_id: str) -> tuple[int | None, Status]:
        kept = self._now.sections.get(section_id)
        return (kept.revision, kept.section.status) if kept else (None, Status.EMPTY)

    def _settled(self, step: plan_history.Step) -> plan_history.Step:
        """What there is now in the place of a step, none of whose sections is being written."""
        for section_id, _, _ in step.texts:
            self._settle(section_id)
        return replace(step, plan=self.plan, texts=tuple((id, *self._state(id)) for id, _, _ in step.texts))

    def _settle(self, section_id: str) -> None:
        """Before a section is changed otherwise: not while a model writes it."""
        kept = self._now.sections.get(section_id)
        self._streaming.settle(section_id, (kept and kept.section.title) or self.title)

    def _took_plan(self, plan: Plan, planned: dict[str, Kept]) -> None:
        self._now.title = plan.title
        self._now.order = [section.id for section in plan.sections]
        self._now.sections = planned
        self._typing.clear()

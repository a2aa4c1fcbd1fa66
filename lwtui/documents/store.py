"""A document is an SQLite file, ``NAME.lw``, that never loses anything that was written.

Every change is one transaction; the contents in memory follow once it is stored. Streaming text is the exception: it
is in memory at once and in the file's journal shortly after, so that a full disk loses none of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from lwtui.documents import plan_history, section_rows
from lwtui.documents.build import build
from lwtui.documents.contents import Contents, StoredSection
from lwtui.documents.edits import TypingSession
from lwtui.documents.facts import Fact, FactBook
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
from lwtui.documents.streaming import StreamManager
from lwtui.errors import DocumentError
from lwtui.models.usage import Usage
from lwtui.sources.model import Source
from lwtui.sources.store import SourceStore
from lwtui.text import clean
from lwtui.translation import _


class Document:
    """An open document, for use in one thread. Close it with :meth:`close`, or use it in a ``with`` statement.

    Every method that changes the document raises :class:`lwtui.errors.DocumentError` if the change cannot be stored,
    or if the document is :attr:`read_only`. Methods that take a section id raise ``KeyError`` for an unknown section.

    Attributes:
        notebook: The user's notes and the summaries of sections.
        fact_book: The facts that the sections state.
        source_store: What the document is written from.
    """

    notebook: Notebook
    fact_book: FactBook
    source_store: SourceStore

    def __init__(self, file: OpenFile, contents: Contents) -> None:
        """Use :meth:`create` or :meth:`open` instead."""
        self._file = file
        self._now = contents
        self.notebook = Notebook(file.change, contents.stored_notes)
        self.fact_book = FactBook(file.change, contents.facts, contents.stored_notes.settings, self.set_setting)
        self.source_store = SourceStore(file.change, file.reading, contents.sources)
        self._streams = StreamManager(file, contents)
        self._typing: dict[str, TypingSession] = {}
        self._redo: list[plan_history.PlanStep] = []  # undone changes of the plan, the last at the end

    @classmethod
    def create(cls, path: Path, brief: Brief, plan: Plan | None = None) -> Self:
        """Create a document and open it for writing.

        Raises:
            DocumentError: The file exists or cannot be written, or the plan is invalid.
        """
        contents = build(path, brief, plan)
        return cls(open_new(path), contents)

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open a document.

        It is read-only if ``read_only`` is set, if another process has it open for writing, or if the file cannot be
        written. Sections that were WRITING in a crash are PARTIAL.

        Raises:
            DocumentError: The document cannot be read, or is damaged.
        """
        return cls(*open_file(path, read_only=read_only))

    def close(self) -> None:
        """Store everything and close the file. It is closed even if that fails."""
        try:
            if not (self.read_only or self._file.closed):
                self._streams.interrupt_all()
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # -- contents

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def read_only(self) -> bool:
        """Whether the document cannot be changed."""
        return self._file.read_only

    @property
    def read_only_reason(self) -> str:
        """One line that says why the document is read-only; empty if it is not."""
        return self._file.reason

    def require_writable(self) -> None:
        """Check that the document can be changed, before anything is read or paid for that is to go into it.

        Raises:
            DocumentError: It is :attr:`read_only`.
        """
        if self.read_only:
            raise DocumentError(
                _("Cannot write to {path}. {reason}", path=self.path, reason=self.read_only_reason),
                code="read-only",
            )

    @property
    def brief(self) -> Brief:
        """What the user asked for."""
        return self._now.brief

    @property
    def plan(self) -> Plan:
        """The plan, which has no sections before the document is planned."""
        return self._now.plan

    @property
    def title(self) -> str:
        """The title of the plan, or the beginning of the instruction."""
        return self._now.title or title_from(self._now.brief.instruction)

    @property
    def words(self) -> int:
        """The length of all sections together, as :func:`lwtui.text.count_words` counts it."""
        return sum(section.length for section in self.sections())

    @property
    def usage(self) -> Usage:
        """The token usage of all model calls for this document."""
        return self._now.usage

    @property
    def notes(self) -> Sequence[Note]:
        """The user's notes, in order."""
        return self.notebook.notes

    @property
    def summaries(self) -> Mapping[str, SectionSummary]:
        """The summaries of sections, by section id."""
        return self.notebook.summaries

    @property
    def facts(self) -> Sequence[Fact]:
        """The facts that the sections state."""
        return self.fact_book.facts

    @property
    def sources(self) -> Sequence[Source]:
        """The sources that the document is written from, in the order in which they were added."""
        return self.source_store.list()

    def basis(self, section_id: str) -> Basis | None:
        """Return what a section's current text was written from; ``None`` if that is not known."""
        return self._now.sections[section_id].basis

    def revision_id(self, section_id: str) -> int | None:
        """Return the revision of a section's current text; ``None`` without text."""
        return self._now.sections[section_id].revision

    def setting(self, name: str, default: str = "") -> str:
        """Return the document setting ``name``, or ``default`` if it is not set."""
        return self._now.stored_notes.settings.get(name, default)

    def sections(self) -> list[Section]:
        """Return all sections in order, including text that is streaming in. A heading without text is DONE."""
        return self._now.views()

    def section(self, section_id: str) -> Section:
        """Return a section of the plan."""
        if section_id not in self._now.order:
            raise KeyError(section_id)
        return self._view(section_id)

    # -- changes by the user

    def set_brief(self, brief: Brief) -> None:
        """Replace the brief."""
        brief = replace(brief, instruction=clean(brief.instruction))
        with self._file.change() as db:
            section_rows.put_brief(db, brief)
        self._now.brief = brief

    def set_plan(self, plan: Plan, label: str, texts: Mapping[str, str] | None = None, *, joined: bool = False) -> None:
        """Replace the plan and, in the same step of the undo history, the texts of some sections.

        Texts belong to section ids: a section that is removed from the plan keeps its text in the file. Undoing the
        change, or a later plan with the same id, brings the text back.

        Args:
            plan: The new plan.
            label: Describes the change in the undo history, as in "Delete section “Soil”".
            texts: The new texts, by section id.
            joined: Whether to undo it together with the change before, if that has the same label.
        """
        plan = plan_history.checked_plan(plan)
        new_texts = {id: text for id, given in (texts or {}).items() if (text := clean(given)) != self._text(id)}
        for section_id in new_texts:
            self._ensure_not_streaming(section_id)
        if plan == self.plan and not new_texts:
            return
        with self._file.change() as db:
            if not (joined and plan_history.last_label(db) == clean(label)):
                plan_history.push_step(db, clean(label), self.plan, [(id, *self._state(id)) for id in new_texts])
            plan_history.put_plan(db, plan)
            sections = self._now.sections_under(plan)
            for section_id, text in new_texts.items():
                sections[section_id] = section_rows.write_text(db, sections[section_id], text, Origin.USER)
        self._set_plan_in_memory(plan, sections)
        self._redo.clear()

    @property
    def undo_label(self) -> str | None:
        """The label of the change that :meth:`undo_plan` would undo; ``None`` if there is none."""
        with self._file.reading() as db:
            return plan_history.last_label(db)

    def undo_plan(self) -> str | None:
        """Undo the last :meth:`set_plan`, including its texts. The undo history is stored in the document.

        Returns:
            The label of the change; ``None`` if there is nothing to undo.
        """
        self._file.check_writable()
        with self._file.reading() as db:
            step = plan_history.last_step(db, self._now.sections)
        if step is None:
            return None
        inverse = self._inverse_step(step)
        with self._file.change() as db:
            plan_history.delete_step(db, step)
            sections = plan_history.apply_step(db, step, self._now)
        self._set_plan_in_memory(step.plan, sections)
        self._redo.append(inverse)
        return step.label

    def redo_plan(self) -> str | None:
        """Redo the last undone change of the plan.

        Any other change of the plan, and closing the document, clears the redo history.

        Returns:
            The label of the change; ``None`` if there is nothing to redo.
        """
        self._file.check_writable()
        if not self._redo:
            return None
        step = self._redo[-1]
        inverse = self._inverse_step(step)
        with self._file.change() as db:
            plan_history.push_step(db, step.label, inverse.plan, inverse.texts)
            sections = plan_history.apply_step(db, step, self._now)
        self._set_plan_in_memory(step.plan, sections)
        self._redo.pop()
        return step.label

    def edit(self, section_id: str, text: str, origin: Origin = Origin.USER) -> None:
        """Replace a section's text. Edits that follow each other closely share a revision.

        A section with text becomes DONE, unless it was PARTIAL; one without text becomes EMPTY.

        Raises:
            DocumentError: A model is writing the section, or the change cannot be stored.
        """
        self._file.check_writable()
        self._ensure_not_streaming(section_id)
        stored, text = self._now.sections[section_id], clean(text)
        if text == stored.section.text:
            return
        typing = self._typing.get(section_id, TypingSession(None))
        extended = typing.extended(stored, text) if origin is Origin.USER else None
        with self._file.change() as db:
            if extended:
                stored = section_rows.overwrite_text(db, stored, text)
            else:
                stored = section_rows.write_text(db, stored, text, origin)
        self._now.sections[section_id] = stored
        self._typing[section_id] = extended or TypingSession(stored.revision if origin is Origin.USER else None)

    def clear(self, section_id: str) -> None:
        """Make a section EMPTY so that it is written again. Its text stays a revision."""
        self.edit(section_id, "")

    def mark_done(self, section_id: str) -> None:
        """Mark a PARTIAL or SHORT section as DONE."""
        self._file.check_writable()
        self._ensure_not_streaming(section_id)
        stored = self._now.sections[section_id]
        if stored.section.status not in (Status.PARTIAL, Status.SHORT):
            return
        with self._file.change() as db:
            stored = section_rows.set_status(db, stored, Status.DONE)
        self._now.sections[section_id] = stored

    def mark_up_to_date(self, section_id: str, basis: Basis) -> None:
        """Mark a stale section as up to date, because the user finds that its text still fits.

        Args:
            section_id: The section.
            basis: What the section would be written from now (:func:`lwtui.documents.stale.current_basis`).
        """
        stored = self._now.sections[section_id]
        with self._file.change() as db:
            section_rows.put_basis(db, section_id, basis)
        self._now.sections[section_id] = replace(stored, basis=basis)

    def set_setting(self, name: str, value: str) -> None:
        """Store a document setting, such as which parts are folded in the outline."""
        with self._file.change(touch=False) as db:
            put_setting(db, name, value)
        self._now.stored_notes.settings[name] = value

    def revisions(self, section_id: str) -> list[Revision]:
        """Return every revision of a section, the newest first."""
        with self._file.reading() as db:
            return section_rows.revisions(db, section_id)

    def restore(self, revision_id: int) -> None:
        """Make the text of an old revision the section's current text, as a new revision.

        Raises:
            DocumentError: There is no such revision, a model is writing the section, or the change cannot be stored.
        """
        self._file.check_writable()
        with self._file.reading() as db:
            section_id = section_rows.section_of(db, revision_id)
        if section_id is None:
            raise DocumentError(_("There is no such version. Open the list of versions again."), code="no-such-version")
        self._ensure_not_streaming(section_id)
        stored = self._now.sections[section_id]
        if revision_id == stored.revision:
            return
        with self._file.change() as db:
            stored = section_rows.restore_revision(db, stored, revision_id)
        self._now.sections[section_id] = stored
        self._typing.pop(section_id, None)

    # -- answers and candidates of a model (see lwtui.agentwrite.revise and lwtui.agentwrite.candidates)

    def keep_version(
        self,
        section_id: str,
        text: str,
        provenance: Provenance,
        usage: Usage,
        revision: int | None = None,
        *,
        origin: Origin = Origin.MODEL,
    ) -> int:
        """Store a model's text as a revision of a section without changing the section's text.

        Args:
            section_id: The section.
            text: The text.
            provenance: Where it came from.
            usage: The token usage of the whole text.
            revision: The revision of an earlier, shorter state of this text, which is overwritten.
            origin: Who wrote the text; USER if most of it is the user's.

        Returns:
            The id of the revision.
        """
        text = clean(text)
        with self._file.change() as db:
            if revision is None:
                revision = section_rows.put_version(
                    db, section_id, text, origin, section_rows.ALTERNATIVE, provenance=provenance, usage=usage
                )
            else:
                section_rows.extend_version(db, revision, text, usage)
        return revision

    def add_usage(self, usage: Usage) -> None:
        """Add to the document's token usage. It never fails.

        If the usage cannot be stored now, the next :meth:`flush` stores it or raises an error. In a read-only document
        it is counted only until the document is closed.
        """
        self._streams.add_usage(usage)

    def adopt_version(self, section_id: str, revision: int, status: Status | None = None) -> None:
        """Make a revision from :meth:`keep_version` the section's current text. The text before stays a revision.

        ``status`` is the section's status with it; by default, the same as after an edit by hand.
        """
        self._file.check_writable()
        self._ensure_not_streaming(section_id)
        with self._file.change() as db:
            stored = section_rows.adopt_version(db, self._now.sections[section_id], revision, status)
        self._now.sections[section_id] = stored
        self._typing.pop(section_id, None)

    def apply_answer(self, section_id: str, text: str, provenance: Provenance) -> None:
        """Replace a section's text by one that contains parts of a model's answer. The old text stays a revision."""
        self._file.check_writable()
        self._ensure_not_streaming(section_id)
        stored, text = self._now.sections[section_id], clean(text)
        if text == stored.section.text:
            return
        with self._file.change() as db:
            stored = section_rows.write_answer(db, stored, text, provenance)
        self._now.sections[section_id] = stored
        self._typing.pop(section_id, None)

    # -- changes by a model (see lwtui.agentwrite.record)

    def begin(self, section_id: str, provenance: Provenance, keep: int) -> None:
        """Start streaming text into a section, after the first ``keep`` characters of its text."""
        self._file.check_writable()
        self._ensure_not_streaming(section_id)
        self._streams.begin(section_id, provenance, keep)
        self._typing.pop(section_id, None)

    def append(self, section_id: str, text: str) -> None:
        """Append streamed text: at once in memory, and in the file at the next :meth:`flush` or within 0.4 seconds."""
        self._streams.append(section_id, text)

    def roll_back(self, section_id: str, keep: int) -> None:
        """Cut the streaming text to ``keep`` characters."""
        self._streams.roll_back(section_id, keep)

    def finish(self, section_id: str, status: Status, usage: Usage) -> None:
        """End the stream of a section: its text becomes a revision.

        A section whose stream is interrupted before any text arrives is unchanged. If the revision cannot be stored,
        the text stays in memory, and the next :meth:`flush` tries again.

        Args:
            section_id: The section.
            status: DONE, SHORT, REFUSED or PARTIAL.
            usage: The token usage of the revision; :meth:`add_usage` counts that of the document.
        """
        self._streams.finish(section_id, status, usage)

    def flush(self) -> None:
        """Store everything that has streamed in, in one transaction. Without anything new it is cheap."""
        self._streams.flush()

    # -- private

    def _view(self, section_id: str) -> Section:
        stored, stream = self._now.sections[section_id], self._now.streams.get(section_id)
        return stored.view if stream is None else stream.view(stored.section)

    def _text(self, section_id: str) -> str:
        """Return the stored text of a section; empty if the section is unknown."""
        stored = self._now.sections.get(section_id)
        return stored.section.text if stored else ""

    def _state(self, section_id: str) -> tuple[int | None, Status]:
        """Return the current revision and status of a section, which may be unknown."""
        stored = self._now.sections.get(section_id)
        return (stored.revision, stored.section.status) if stored else (None, Status.EMPTY)

    def _inverse_step(self, step: plan_history.PlanStep) -> plan_history.PlanStep:
        """Return the step that would bring back the current plan and texts after ``step`` is applied."""
        for section_id, _text, _origin in step.texts:
            self._ensure_not_streaming(section_id)
        return replace(step, plan=self.plan, texts=tuple((id, *self._state(id)) for id, _text, _origin in step.texts))

    def _ensure_not_streaming(self, section_id: str) -> None:
        """Raise :class:`DocumentError` if a model is writing a section."""
        stored = self._now.sections.get(section_id)
        self._streams.ensure_not_streaming(section_id, (stored and stored.section.title) or self.title)

    def _set_plan_in_memory(self, plan: Plan, sections: dict[str, StoredSection]) -> None:
        self._now.title = plan.title
        self._now.order = [section.id for section in plan.sections]
        self._now.sections = sections
        self._typing.clear()

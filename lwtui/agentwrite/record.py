"""Stores a run's events in the document: streamed text is in the file within half a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from lwtui.agentwrite.events import (
    Event,
    FactsNoted,
    ModelUnsure,
    PlanGrew,
    PlanReady,
    SectionFinished,
    SectionStarted,
    SummaryMade,
    TextDelta,
    TextRolledBack,
)
from lwtui.agentwrite.plan_nested import unplanned
from lwtui.agentwrite.polish_progress import store_polish
from lwtui.agentwrite.run_state import RunState
from lwtui.agentwrite.source_assignment import assigned_sources
from lwtui.agentwrite.source_selection import named_sources
from lwtui.agentwrite.unsure import UNSURE, UnsureMark, from_setting, marks_to_keep, to_setting
from lwtui.config import ModelSettings
from lwtui.documents.facts import Fact
from lwtui.documents.model import BUDGET, Note, Plan, Section, SectionSummary, Status
from lwtui.documents.stale import resumed_basis
from lwtui.errors import DocumentError
from lwtui.models.budget import Prices, parse_budget
from lwtui.models.metering import UsageTracker
from lwtui.sources.store import SourceStore

if TYPE_CHECKING:
    from lwtui.documents.store import Document

JOURNAL_SECONDS = 0.4  # between two writes of buffered text to the file
_UNFINISHED = "plan-unfinished"  # a setting of the document: the ids of chapters that still need sections


class Recorder:
    """Stores each event of a run in a document. Make one with :func:`recording`.

    Attributes:
        document: The document.
        state: The state of the run.
    """

    def __init__(self, document: Document, tracker: UsageTracker) -> None:
        self.document = document
        self.state = RunState(document.sections())
        self._tracker = tracker
        self._failure: DocumentError | None = None
        self._unsure: dict[str, list[UnsureMark]] = {}  # of sections that are being written

    # -- as a lwtui.agentwrite.write.WorkingDocument

    @property
    def plan(self) -> Plan:
        """The document's plan."""
        return self.document.plan

    @property
    def notes(self) -> Sequence[Note]:
        """The writer's notes."""
        return self.document.notes

    @property
    def summaries(self) -> Mapping[str, SectionSummary]:
        """The stored summaries, by section id."""
        return self.document.summaries

    @property
    def facts(self) -> Sequence[Fact]:
        """The facts that the sections state."""
        return self.document.facts

    @property
    def source_store(self) -> SourceStore:
        """What the document is written from."""
        return self.document.source_store

    def noted(self) -> Mapping[str, str]:
        """Return the fingerprints of the texts that facts were noted from, by section id."""
        return self.document.fact_book.noted()

    def sections(self) -> list[Section]:
        """Return the sections as they are now."""
        return self.document.sections()

    # -- storing

    def store(self, event: Event) -> None:
        """Store one event.

        Raises:
            DocumentError: Text cannot be stored. It stays in the document's buffer, so a later ``flush`` may succeed.
        """
        if self._failure is not None:
            raise self._failure
        if isinstance(event, SectionStarted):
            self.state.begin(self.document.sections())
        self.state.apply(event)
        self._store(event)

    async def keep(self, event: Event) -> None:
        """Store one event: :meth:`store` as an :data:`~lwtui.agentwrite.events.Emit`."""
        self.store(event)

    def _store(self, event: Event) -> None:
        document = self.document
        match event:
            case TextDelta(section_id, text):
                document.append(section_id, text)
            case TextRolledBack(section_id, keep):
                document.roll_back(section_id, keep)
                if not keep:
                    self._unsure.pop(section_id, None)
            case SectionStarted(section_id, provenance=provenance, keep=keep):
                if (basis := self.state.runs[section_id].basis) is not None:
                    provenance = replace(provenance, basis=resumed_basis(document, section_id, basis, keep))
                document.begin(section_id, provenance, keep)
            case SectionFinished(section_id, usage=usage, status=status):
                document.finish(section_id, status, usage)
                self._keep_unsure(section_id)
            case ModelUnsure(section_id, before, text, entropy):
                self._unsure.setdefault(section_id, []).append(UnsureMark(before, text, entropy))
            case SummaryMade(section_id, text, digest):
                revision = document.revision_id(section_id)
                document.notebook.set_summary(SectionSummary(section_id, text, digest, revision))
            case FactsNoted(section_id, digest, facts):
                document.fact_book.renew(section_id, digest, facts)
            case _:
                store_polish(document, event)

    def _keep_unsure(self, section_id: str) -> None:
        """Store the words of a section that the model was unsure of, and forget those of its old text."""
        stored = self.document.setting(UNSURE)
        marks = self._unsure.pop(section_id, [])
        if stored or marks:
            kept = from_setting(stored)
            kept[section_id] = marks_to_keep(self.document.section(section_id).text, marks)
            self.document.set_setting(UNSURE, to_setting(kept))

    def _interrupt(self) -> None:
        """Mark every open section as interrupted, even if the first one cannot be stored."""
        failure: DocumentError | None = None
        for run in self.state.open:
            try:
                self.document.finish(run.section_id, Status.PARTIAL, self._tracker.usage_of(run.section_id))
            except DocumentError as error:
                failure = error
        if failure is not None:
            raise failure

    async def _journal(self) -> None:
        """Write buffered text to the file at intervals, also while a stream stalls. The next event raises any error."""
        while self._failure is None:
            await asyncio.sleep(JOURNAL_SECONDS)
            try:
                self.document.flush()
            except DocumentError as error:
                self._failure = error


@asynccontextmanager
async def recording(document: Document, tracker: UsageTracker) -> AsyncIterator[Recorder]:
    """Record one run. If the run ends early, open sections are stored as interrupted, with all their text.

    Args:
        document: The document to store the events in.
        tracker: Has the token usage of interrupted sections.

    Yields:
        The recorder.

    Raises:
        DocumentError: An open section cannot be stored.
    """
    recorder = Recorder(document, tracker)
    journal = asyncio.create_task(recorder._journal())
    try:
        yield recorder
    finally:
        journal.cancel()
        recorder._interrupt()


def document_tracker(document: Document, model: ModelSettings) -> UsageTracker:
    """Return a tracker that adds the usage of all calls to a document's, and enforces the document's budget.

    Args:
        document: The document.
        model: The model whose prices apply to what was spent before.

    Raises:
        UsageError: The stored budget is not one.
    """
    budget, prices = parse_budget(document.setting(BUDGET)), Prices.of(model)
    return UsageTracker(lambda: budget, spent=document.usage, spent_prices=lambda: prices, record=document.add_usage)


def keep_plan(document: Document, event: Event, label: str) -> None:
    """Store the plan of a :class:`PlanGrew` or :class:`PlanReady`. Undo reverts all steps of one planning together.

    Sources that the plan names for a section are pinned to it, and short ones that it names for none to the section
    that they fit best.

    Args:
        document: The document.
        event: Any event.
        label: The name of the change in the undo history.
    """
    match event:
        case PlanGrew(plan, planned):
            document.set_plan(plan, label, joined=planned > 0)
            document.set_setting(_UNFINISHED, " ".join(chapter.id for chapter in unplanned(plan)))
        case PlanReady(plan):
            plan, named = named_sources(plan, document.sources)
            document.set_plan(plan, label, joined=bool(document.setting(_UNFINISHED)))
            document.set_setting(_UNFINISHED, "")
            for section_id, source_ids in assigned_sources(plan, document.source_store, named).items():
                for source_id in source_ids:
                    document.source_store.pin(source_id, section_id)


def begun_plan(document: Document) -> Plan | None:
    """Return the document's plan if its planning was interrupted, for :func:`plan_document` to resume."""
    plan, waiting = document.plan, document.setting(_UNFINISHED).split()
    return plan if any(chapter.id in waiting for chapter in unplanned(plan)) else None

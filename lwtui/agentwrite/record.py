"""Stores a run: from events to the document, so that what streams is in the file before a second has passed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from lwtui.agentwrite.events import (
    Event,
    PlanGrew,
    PlanReady,
    SectionFinished,
    SectionStarted,
    SummaryMade,
    TextDelta,
    TextRolledBack,
)
from lwtui.agentwrite.plan_nested import unplanned
from lwtui.agentwrite.run_state import RunState
from lwtui.documents.model import Note, Plan, Section, SectionSummary, Status
from lwtui.documents.stale import with_basis
from lwtui.errors import DocumentError
from lwtui.models.metering import UsageTracker

if TYPE_CHECKING:
    from lwtui.documents.store import Document

JOURNAL_SECONDS = 0.4  # text is in the file at the latest this long after it came
_UNFINISHED = "plan-unfinished"  # a setting of the document: the ids of chapters that are still to be planned


class Recorder:
    """Stores each event of a run in a document. Make one with :func:`recording`.

    Attributes:
        document: Where to.
        state: The run so far.
    """

    def __init__(self, document: Document, tracker: UsageTracker) -> None:
        self.document = document
        self.state = RunState(document.sections())
        self._tracker = tracker
        self._failure: DocumentError | None = None

    # -- as a lwtui.agentwrite.write.WorkingDocument

    @property
    def plan(self) -> Plan:
        return self.document.plan

    @property
    def notes(self) -> Sequence[Note]:
        return self.document.notes

    @property
    def summaries(self) -> Mapping[str, SectionSummary]:
        return self.document.summaries

    def sections(self) -> list[Section]:
        """The sections as they stand."""
        return self.document.sections()

    # -- storing

    def store(self, event: Event) -> None:
        """Store one event.

        Raises:
            DocumentError: Text cannot be stored. It stays in the document's buffer, and a later ``flush`` can still
                save it.
        """
        if self._failure is not None:
            raise self._failure
        if isinstance(event, SectionStarted):
            self.state.begin(self.document.sections())
        self.state.apply(event)
        self._store(event)

    async def keep(self, event: Event) -> None:
        """:meth:`store` as what :func:`lwtui.agentwrite.write.write_document` emits to."""
        self.store(event)

    def _store(self, event: Event) -> None:
        document = self.document
        match event:
            case TextDelta(section_id, text):
                document.append(section_id, text)
            case TextRolledBack(section_id, keep):
                document.roll_back(section_id, keep)
            case SectionStarted(section_id, provenance=provenance, keep=keep):
                if (basis := self.state.runs[section_id].basis) is not None:
                    provenance = replace(provenance, basis=with_basis(document, section_id, basis, keep))
                document.begin(section_id, provenance, keep)
            case SectionFinished(section_id, usage=usage):
                document.finish(section_id, Status.DONE, usage)
            case SummaryMade(section_id, text, digest):
                revision = document.revision_id(section_id)
                document.notebook.set_summary(SectionSummary(section_id, text, digest, revision))

    def _interrupt(self) -> None:
        """Leave every section in the making as interrupted, also where the first of them cannot be stored."""
        failure: DocumentError | None = None
        for run in self.state.open:
            try:
                self.document.finish(run.section_id, Status.PARTIAL, self._tracker.usage_of(run.section_id))
            except DocumentError as error:
                failure = error
        if failure is not None:
            raise failure

    async def _journal(self) -> None:
        """Store what a stalled stream left in the buffer; the next event raises what went wrong here."""
        while self._failure is None:
            await asyncio.sleep(JOURNAL_SECONDS)
            try:
                self.document.flush()
            except DocumentError as error:
                self._failure = error


@asynccontextmanager
async def recording(document: Document, tracker: UsageTracker) -> AsyncIterator[Recorder]:
    """A recorder for one run. When the run ends early, sections in the making stay as interrupted, with all text.

    Args:
        document: Where to store.
        tracker: Knows what an interrupted section took.
    """
    recorder = Recorder(document, tracker)
    journal = asyncio.create_task(recorder._journal())
    try:
        yield recorder
    finally:
        journal.cancel()
        recorder._interrupt()


def keep_plan(document: Document, event: Event, label: str) -> None:
    """Store the plan that an event brings. All parts of one planning are undone together."""
    match event:
        case PlanGrew(plan, planned):
            document.set_plan(plan, label, joined=planned > 0)
            document.set_setting(_UNFINISHED, " ".join(chapter.id for chapter in unplanned(plan)))
        case PlanReady(plan):
            document.set_plan(plan, label, joined=bool(document.setting(_UNFINISHED)))
            document.set_setting(_UNFINISHED, "")


def begun_plan(document: Document) -> Plan | None:
    """The document's plan if its planning was interrupted, for :func:`lwtui.agentwrite.make_plan` to go on with."""
    plan, waiting = document.plan, document.setting(_UNFINISHED).split()
    return plan if any(chapter.id in waiting for chapter in unplanned(plan)) else None

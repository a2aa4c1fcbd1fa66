"""Writes a document: every section that is not done yet, in order or side by side, or the whole text in one call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Protocol
from zlib import crc32

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.context import ContextBuilder
from lwtui.agentwrite.event_stream import events_of
from lwtui.agentwrite.events import (
    DocumentFinished,
    Emit,
    Event,
    SectionFinished,
    SectionStarted,
    SummaryMade,
    TextDelta,
    TextRolledBack,
)
from lwtui.agentwrite.length import section_target
from lwtui.agentwrite.notes import recent_text
from lwtui.agentwrite.run_state import RunState
from lwtui.agentwrite.section import SectionWriter
from lwtui.agentwrite.section_task import SectionTask
from lwtui.documents.model import Brief, Mode, Note, Origin, Plan, Section, SectionSummary, Status
from lwtui.models.metering import MeteredTask, UsageTracker
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.text import count_words

_CANDIDATE_SALT = 7_919  # between the seeds of candidates
_USUAL = Usage(2000, 800)  # of a section of which no forecast is known
_LEAST_ANSWER = 50  # tokens that are worth a call


class WorkingDocument(Protocol):
    """What is being written: a :class:`Draft`, or a stored document (:mod:`lwtui.agentwrite.record`).

    It is read anew before each section, so that the plan and the texts may change meanwhile.
    """

    @property
    def plan(self) -> Plan: ...

    @property
    def notes(self) -> Sequence[Note]: ...

    @property
    def summaries(self) -> Mapping[str, SectionSummary]: ...

    def sections(self) -> list[Section]: ...


def write(
    agent: Agent,
    brief: Brief,
    document: WorkingDocument,
    only: Collection[str] | None = None,
    tracker: UsageTracker | None = None,
) -> AsyncGenerator[Event, None]:
    """Write a document and yield what happens, last :class:`~lwtui.agentwrite.events.DocumentFinished`.

    This is :func:`write_document` as an iterator; see there. Apply or store each event before asking for the next one.
    Closing the iterator cancels the calls at once; calling :func:`write` again resumes.
    """
    return events_of(lambda emit: write_document(agent, brief, document, emit, only=only, tracker=tracker))


async def write_document(
    agent: Agent,
    brief: Brief,
    document: WorkingDocument,
    emit: Emit,
    *,
    only: Collection[str] | None = None,
    tracker: UsageTracker | None = None,
    expected: Mapping[str, Usage] | None = None,
    metered: MeteredTask | None = None,
    candidate: int = 0,
) -> None:
    """Write every section that is not done, and go on with interrupted ones (AgentWrite, step II; arXiv 2408.07055,
    section 3.1).

    Args:
        agent: Who writes.
        brief: What the writer asked for.
        document: What is there; it has to reflect each event once ``emit`` has returned.
        emit: Is told every event, last :class:`~lwtui.agentwrite.events.DocumentFinished`.
        only: Ids of the sections to write; of these, finished ones are written anew.
        tracker: Counts the calls and holds them to a budget.
        expected: What each section is likely to take, by id; one is not begun if the budget has no room for that.
        metered: Counts all calls, where the caller has a task of its own for them; then ``tracker`` and ``expected``
            are not used.
        candidate: Gives the calls other seeds, for another text of the same section.

    Raises:
        ModelError: A fault lasts. All text emitted until then stays valid.
        BudgetReached: The budget is used up.
    """
    began = monotonic()
    run = _Run(agent, brief, document, emit, only, tracker or UsageTracker(), expected or {}, metered, candidate)
    await run.write()
    length = sum(section.length for section in document.sections())
    seconds = round(monotonic() - began, 3)
    await emit(DocumentFinished(length, document.plan.words, run.usage, seconds))


@dataclass
class _Run:
    agent: Agent
    brief: Brief
    document: WorkingDocument
    emit: Emit
    only: Collection[str] | None
    tracker: UsageTracker
    expected: Mapping[str, Usage]
    metered: MeteredTask | None
    candidate: int
    usage: Usage = NO_USAGE
    tried: set[str] = field(default_factory=set)
    begun: bool = False

    async def write(self) -> None:
        if self.brief.mode is Mode.PARALLEL:
            # Each section is written without the text of the others.
            workers = max(1, self.agent.model.capabilities.parallel)
            await together([self._work(lambda: ContextBuilder(self.agent, self.brief)) for _ in range(workers)])
        else:
            context = ContextBuilder(self.agent, self.brief, self.document.summaries)
            await self._work(lambda: context)

    async def _work(self, context: Callable[[], ContextBuilder]) -> None:
        """Write one section after the other, until none is left."""
        while (section := self._next()) is not None:
            self.tried.add(section.id)
            alone = self.only is not None or self.brief.mode is Mode.PARALLEL
            task = section_task(self.brief, self.document, section, self.candidate, alone=alone)
            metered = self.metered or self._metered(task)
            before = metered.usage
            await SectionWriter(self.agent, task, context(), self.emit, metered).run()
            self.usage += metered.usage - before

    def _metered(self, task: SectionTask) -> MeteredTask:
        """What counts a section's calls. Raises :class:`BudgetReached` where there is no room for the section."""
        purpose = f"section {task.ordinal} of {task.total}"
        likely = self.expected.get(task.section.id, _USUAL)
        # The first section of a run is begun if there is room for some of it.
        least = likely if self.begun else Usage(likely.prompt, _LEAST_ANSWER)
        self.tracker.check_room(purpose, least, self.agent.prices)
        self.begun = True
        return self.tracker.task(purpose, key=task.section.id, likely_completion=least.completion)

    def _next(self) -> Section | None:
        for section in self.document.sections():
            if section.id in self.tried or section.heads:
                continue
            if self.only is not None and section.id in self.only:
                return replace(section, text="", length=0, origin=None) if section.status is Status.DONE else section
            if self.only is None and section.status is not Status.DONE:
                return section
        return None


def section_task(
    brief: Brief, document: WorkingDocument, section: Section, candidate: int = 0, *, alone: bool
) -> SectionTask:
    """What is to be done for a section. ``alone``: hold its target tightly, since no later section can compensate."""
    sections, plan = document.sections(), document.plan
    at = next(position for position, one in enumerate(sections) if one.id == section.id)
    unfinished = [one for one in sections if one.status is not Status.DONE]
    replaced = "" if section.text else sections[at].text
    return SectionTask(
        brief=brief,
        plan=plan,
        section=section,
        number=at + 1,
        target=section.words if alone else section_target(sections, section.id),
        precise=alone or len(unfinished) == 1,
        earlier=[one for one in sections[:at] if one.text],
        notes=document.notes,
        recent=recent_text(sections, at),
        variant=crc32(replaced.encode("utf-8", "replace")) + candidate * _CANDIDATE_SALT,
    )


async def together(work: Iterable[Awaitable[None]]) -> None:
    """Await all of ``work`` at the same time. The first error cancels the rest, and is raised itself."""

    async def awaited(one: Awaitable[None]) -> None:
        await one

    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(awaited(one))
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None


@dataclass
class Draft:
    """A document in memory, for using the method as a library.

    ``async for event in write(agent, brief, draft): draft.apply(event)`` keeps it up to date.
    """

    plan: Plan
    texts: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    notes: Sequence[Note] = ()
    summaries: dict[str, SectionSummary] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._state = RunState(self.sections())

    def sections(self) -> list[Section]:
        """The sections as they stand."""
        return [
            Section(
                planned.id,
                planned.title,
                planned.main_point,
                planned.words,
                self._status(planned.id),
                self.texts.get(planned.id, ""),
                count_words(self.texts.get(planned.id, "")),
                Origin.MODEL if planned.id in self.texts else None,
                planned.level,
            )
            for planned in self.plan.sections
        ]

    def apply(self, event: Event) -> None:
        """Bring the draft to where ``event`` leaves the document."""
        if isinstance(event, SectionStarted):
            self._state.begin(self.sections())
            self.done.discard(event.section_id)
        self._state.apply(event)
        match event:
            case SectionStarted(section_id) | TextDelta(section_id) | TextRolledBack(section_id):
                self.texts[section_id] = self._state.runs[section_id].text
            case SummaryMade(section_id, text, digest):
                self.summaries[section_id] = SectionSummary(section_id, text, digest)
            case SectionFinished(section_id):
                self.done.add(section_id)

    async def keep(self, event: Event) -> None:
        """:meth:`apply` as what :func:`write_document` emits to."""
        self.apply(event)

    def _status(self, section_id: str) -> Status:
        if section_id in self.done or not self.plan.sections[self.plan.find(section_id)].words:
            return Status.DONE  # a heading alone has nothing to be written
        return Status.PARTIAL if self.texts.get(section_id) else Status.EMPTY

"""Writes a document: all unfinished sections in order or in parallel, or the whole text in one call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol
from zlib import crc32

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.context import ContextBuilder
from lwtui.agentwrite.earlier_index import EarlierIndex
from lwtui.agentwrite.event_stream import events_of
from lwtui.agentwrite.events import (
    DocumentFinished,
    Emit,
    Event,
    PolishOutcome,
    SectionFinished,
    SectionPolished,
    SectionStarted,
    SummaryMade,
    TextDelta,
    TextRolledBack,
)
from lwtui.agentwrite.fact_notes import LIKELY_FACTS, FactSource, note_facts, unnoted
from lwtui.agentwrite.fact_selection import facts_before, facts_of
from lwtui.agentwrite.length import missing_words, section_target
from lwtui.agentwrite.notes import recent_text
from lwtui.agentwrite.run_state import RunState
from lwtui.agentwrite.section import SectionWriter
from lwtui.agentwrite.section_task import SectionTask
from lwtui.agentwrite.source_selection import sources_of
from lwtui.agentwrite.style import text_kind
from lwtui.documents.model import Brief, Mode, Note, Origin, Plan, PlannedSection, Section, SectionSummary, Status
from lwtui.models.metering import MeteredTask, UsageTracker
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.text import count_words
from lwtui.translation import _

_CANDIDATE_SALT = 7_919  # between the seeds of candidates
_USUAL = Usage(2000, 800)  # of a section without a forecast
_DOCUMENT_SLACK = 0.04  # share of the document's length by which the last section may miss its target
_ALONE_SLACK = 0.15  # share of its own length by which a section that is written alone may miss its target
_LEAST_ANSWER = 50  # output tokens that are worth a call


class WorkingDocument(Protocol):
    """The document to write: a :class:`Draft`, or a stored document (:mod:`lwtui.agentwrite.record`).

    It is read before each section, so the plan and the texts may change during the run.
    """

    @property
    def plan(self) -> Plan:
        """The plan."""
        ...

    @property
    def notes(self) -> Sequence[Note]:
        """The writer's notes."""
        ...

    @property
    def summaries(self) -> Mapping[str, SectionSummary]:
        """The stored summaries, by section id."""
        ...

    def sections(self) -> list[Section]:
        """Return the sections as they are now."""
        ...


def write(
    agent: Agent,
    brief: Brief,
    document: WorkingDocument,
    only: Collection[str] | None = None,
    tracker: UsageTracker | None = None,
) -> AsyncGenerator[Event, None]:
    """Write a document and yield the events, last :class:`~lwtui.agentwrite.events.DocumentFinished`.

    This is :func:`write_document` as an async iterator. Apply or store each event before you ask for the next one.
    Closing the iterator cancels the calls at once; calling :func:`write` again resumes the run.
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
    note_facts: bool = False,
) -> None:
    """Write all unfinished sections, continue interrupted ones, and write short and refused ones again.

    This is step II of AgentWrite (arXiv 2408.07055, section 3.1).

    Args:
        agent: The model that writes.
        brief: What the writer asked for.
        document: The document. It must reflect each event once ``emit`` has returned.
        emit: Awaited for each event, last :class:`~lwtui.agentwrite.events.DocumentFinished`.
        only: Ids of the sections to write. Finished ones among them are written again.
        tracker: Counts token usage and enforces the budget.
        expected: The token usage to expect for each section, by id. A section is not started if the budget has no room
            for it.
        metered: Counts token usage in place of ``tracker`` and ``expected``.
        candidate: The number of the candidate, which varies the seeds; 0 for none.
        note_facts: Whether to note the facts of each section, for the prompts of later ones. ``document`` then has
            ``facts`` and ``noted`` (see :class:`lwtui.agentwrite.fact_notes.FactSource`).

    Raises:
        ModelError: A call failed for good. The text emitted so far remains valid.
        BudgetReached: The budget is used up. The text emitted so far remains valid.
    """
    began = monotonic()
    run = _Run(agent, brief, document, emit, only, tracker or UsageTracker(), expected or {}, metered, candidate)
    run.facts = document if note_facts and isinstance(document, FactSource) else None
    await run.write()
    await run.note_facts()
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
    started: bool = False
    facts: FactSource | None = None

    async def write(self) -> None:
        if self.brief.mode is Mode.PARALLEL:
            workers = max(1, self.agent.model.capabilities.parallel)
            await run_concurrently([self._work(self._own_contexts()) for _worker in range(workers)])
        else:
            context = ContextBuilder(self.agent, self.brief, self.document.summaries)
            await self._work(lambda: context)

    def _own_contexts(self) -> Callable[[], ContextBuilder]:
        """Return what makes a context for each section of a worker, since each is written without the others' text."""
        index = EarlierIndex()
        return lambda: ContextBuilder(self.agent, self.brief, index=index)

    async def _work(self, context: Callable[[], ContextBuilder]) -> None:
        """Write sections one after the other until none is left."""
        while (section := self._next()) is not None:
            self.tried.add(section.id)
            if self.brief.mode is Mode.AGENTWRITE:
                await self.note_facts(before=section.id)
            alone = self.only is not None or self.brief.mode is Mode.PARALLEL
            task = section_task(self.agent, self.brief, self.document, section, self.candidate, alone=alone)
            metered = self.metered or self._metered(task)
            before = metered.usage
            await SectionWriter(self.agent, task, context(), self.emit, metered).run()
            self.usage += metered.usage - before

    async def note_facts(self, before: str = "") -> None:
        """Note the facts of the finished sections, or of those before one, that have changed since they were noted."""
        if self.facts is None:
            return
        agent = self.agent.helper or self.agent
        for section in unnoted(self.facts, before):
            task = self.tracker.task(_("the facts of “{title}”", title=section.title), likely_completion=LIKELY_FACTS)
            await note_facts(agent.metered(task), self.brief, self.facts, section, self.emit)
            self.usage += task.usage

    def _metered(self, task: SectionTask) -> MeteredTask:
        """Return the counter for a section's calls. Raises :class:`BudgetReached` if the budget has no room for it."""
        purpose = _("section {ordinal} of {total}", ordinal=task.ordinal, total=task.total)
        likely = self.expected.get(task.section.id, _USUAL)
        # The first section of a run is started even if there is room for only a part of it.
        least = likely if self.started else Usage(likely.prompt, _LEAST_ANSWER)
        self.tracker.check_room(purpose, least, self.agent.prices)
        self.started = True
        return self.tracker.task(purpose, key=task.section.id, likely_completion=least.completion)

    def _next(self) -> Section | None:
        for section in self.document.sections():
            if section.id in self.tried or section.is_heading_only:
                continue
            if self.only is not None and section.id in self.only:
                return section.blank() if section.is_written else section
            if self.only is None and section.status is not Status.DONE:
                return section.blank() if section.starts_again else section
        return None


def section_task(
    agent: Agent, brief: Brief, document: WorkingDocument, section: Section, candidate: int = 0, *, alone: bool
) -> SectionTask:
    """Return the task of writing a section.

    Args:
        agent: What writes it. For a small model, the target does not rise above what that is known to fill.
        brief: What the writer asked for.
        document: The document.
        section: The section, with the text to continue.
        candidate: The number of the candidate, which varies the seeds; 0 for none.
        alone: Whether to hold the target tightly, since no later section can compensate.
    """
    sections, plan = document.sections(), document.plan
    index = next(index for index, other in enumerate(sections) if other.id == section.id)
    # Backwards, since the others that are not finished usually come later.
    is_last = all(other.is_written or other.id == section.id for other in reversed(sections))
    present = sections[index]
    replaced = "" if section.text else present.text
    target = section.words if alone else section_target(sections, section.id)
    longest = agent.lengths.longest(text_kind(brief, section.kind)) if agent.is_small else 0
    if longest:
        target = min(target, max(section.words, longest))
    slack = _slack(plan, section, alone=alone) if alone or is_last else None
    if not alone and slack is not None and missing_words(sections, section.id, target) > slack:
        slack = None  # the last section cannot bring the document to its length any more
    return SectionTask(
        brief=brief,
        plan=plan,
        section=section,
        number=index + 1,
        target=target,
        slack=slack,
        earlier=[other for other in sections[:index] if other.text],
        facts=facts_before(facts_of(document), sections, index),
        sources=sources_of(document),
        notes=document.notes,
        recent=recent_text(sections, index),
        variant=crc32(replaced.encode("utf-8", "replace")) + candidate * _CANDIDATE_SALT,
        replaced="" if candidate else replaced,
        was_short=not candidate and present.status is Status.SHORT,
    )


def _slack(plan: Plan, section: Section, *, alone: bool) -> int:
    """Return how far a section may miss its target if no later section can compensate."""
    return round(section.words * _ALONE_SLACK if alone else plan.words * _DOCUMENT_SLACK)


async def run_concurrently(work: Iterable[Awaitable[None]]) -> None:
    """Await all of ``work`` concurrently. The first error cancels the rest and is raised itself."""

    async def wait_for(awaitable: Awaitable[None]) -> None:
        await awaitable

    try:
        async with asyncio.TaskGroup() as group:
            for awaitable in work:
                group.create_task(wait_for(awaitable))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


@dataclass
class Draft:
    """A document in memory, for use as a library.

    ``async for event in write(agent, brief, draft): draft.apply(event)`` keeps it up to date.
    """

    plan: Plan
    texts: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    shortfalls: dict[str, Status] = field(default_factory=dict)  # the sections that are short or were refused
    notes: Sequence[Note] = ()
    summaries: dict[str, SectionSummary] = field(default_factory=dict)
    _counted: dict[str, tuple[str, int]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._state = RunState(self.sections())

    def sections(self) -> list[Section]:
        """Return the sections as they are now."""
        return [
            Section(
                planned.id,
                planned.title,
                planned.main_point,
                planned.words,
                self._status(planned),
                self.texts.get(planned.id, ""),
                self._length(planned.id),
                Origin.MODEL if planned.id in self.texts else None,
                planned.level,
                planned.kind,
            )
            for planned in self.plan.sections
        ]

    def apply(self, event: Event) -> None:
        """Update the draft with an event."""
        if isinstance(event, SectionStarted):
            self._state.begin(self.sections())
            self.done.discard(event.section_id)
            self.shortfalls.pop(event.section_id, None)
        self._state.apply(event)
        match event:
            case SectionStarted(section_id) | TextDelta(section_id) | TextRolledBack(section_id):
                self.texts[section_id] = self._state.runs[section_id].text
            case SummaryMade(section_id, text, digest):
                self.summaries[section_id] = SectionSummary(section_id, text, digest)
            case SectionFinished(section_id, status=Status.DONE):
                self.done.add(section_id)
            case SectionFinished(section_id, status=status):
                self.shortfalls[section_id] = status
            case SectionPolished(section_id, PolishOutcome.BETTER, text):
                self.texts[section_id] = text

    async def keep(self, event: Event) -> None:
        """Update the draft with an event: :meth:`apply` as an :data:`~lwtui.agentwrite.events.Emit`."""
        self.apply(event)

    def _status(self, planned: PlannedSection) -> Status:
        if planned.id in self.done or not planned.words:
            return Status.DONE  # a heading only
        if planned.id in self.shortfalls:
            return self.shortfalls[planned.id]
        return Status.PARTIAL if self.texts.get(planned.id) else Status.EMPTY

    def _length(self, section_id: str) -> int:
        """Return the length of a section's text, which is counted once."""
        text = self.texts.get(section_id, "")
        counted, length = self._counted.get(section_id, ("", 0))
        if counted != text:
            length = count_words(text)
            self._counted[section_id] = (text, length)
        return length

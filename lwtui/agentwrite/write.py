"""Writing a document: every section that is not done yet, in order or side by side, or the whole text in one call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Protocol
from zlib import crc32

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.context import Context
from lwtui.agentwrite.events import (
    DocumentFinished,
    Event,
    SectionFinished,
    SectionStarted,
    SummaryMade,
    TextDelta,
    TextRolledBack,
)
from lwtui.agentwrite.length import section_target
from lwtui.agentwrite.notes import recent_text
from lwtui.agentwrite.section import SectionWriter
from lwtui.agentwrite.section_prompts import Job
from lwtui.agentwrite.side_by_side import side_by_side
from lwtui.documents.model import Brief, Mode, Note, Origin, Plan, Section, SectionSummary, Status, Usage
from lwtui.text import count_words

_APART = 7_919  # between the seeds of takes


class Manuscript(Protocol):
    """What is being written. A :class:`lwtui.documents.store.Document` is one, a :class:`Draft` another.

    It is read anew before each section, so that the plan and the texts may change meanwhile.
    """

    @property
    def plan(self) -> Plan: ...

    @property
    def notes(self) -> Sequence[Note]: ...

    @property
    def summaries(self) -> Mapping[str, SectionSummary]: ...

    def sections(self) -> list[Section]: ...


async def write(
    agent: Agent, brief: Brief, manuscript: Manuscript, only: Collection[str] | None = None, take: int = 0
) -> AsyncGenerator[Event, None]:
    """Write every section that is not done, and go on with interrupted ones. Or just those in ``only`` (section
    ids): of these, the ones that are done are written anew. Each ``take`` has seeds of its own.

    Yields events, last :class:`DocumentFinished`. Closing the iterator stops at once; calling :func:`write` again
    resumes. The caller stores what the events say before it asks for the next one (see :func:`record`). Raises
    :class:`~lwtui.models.base.ModelError` where a fault lasts; all text yielded before stays valid.
    """
    began = monotonic()
    usage = Usage()
    side_by_side = brief.mode is Mode.PARALLEL
    events = (_side_by_side if side_by_side else _in_order)(agent, brief, manuscript, only, take)
    async with aclosing(events):
        async for event in events:
            if isinstance(event, SectionFinished):
                usage += event.usage
            yield event
    length = sum(section.length for section in manuscript.sections())
    yield DocumentFinished(length, manuscript.plan.words, usage, round(monotonic() - began, 3))


async def _in_order(
    agent: Agent, brief: Brief, manuscript: Manuscript, only: Collection[str] | None, take: int
) -> AsyncGenerator[Event, None]:
    context = Context(agent, brief, manuscript.summaries)
    tried: set[str] = set()
    while (section := _next(manuscript.sections(), only, tried)) is not None:
        tried.add(section.id)
        writer = SectionWriter(agent, job_for(brief, manuscript, section, take, alone=only is not None), context)
        async with aclosing(writer.run()) as events:
            async for event in events:
                yield event


async def _side_by_side(
    agent: Agent, brief: Brief, manuscript: Manuscript, only: Collection[str] | None, take: int
) -> AsyncGenerator[Event, None]:
    """As many sections at once as the backend takes; each is written without the text of the others."""
    tried: set[str] = set()

    async def work() -> AsyncGenerator[Event, None]:
        while (section := _next(manuscript.sections(), only, tried)) is not None:
            tried.add(section.id)
            job = job_for(brief, manuscript, section, take, alone=True)
            async with aclosing(SectionWriter(agent, job, Context(agent, brief)).run()) as events:
                async for event in events:
                    yield event

    workers = max(1, agent.model.capabilities.parallel)
    async with aclosing(side_by_side([work() for _ in range(workers)])) as events:
        async for event in events:
            yield event


def _next(sections: Sequence[Section], only: Collection[str] | None, tried: set[str]) -> Section | None:
    for section in sections:
        if section.id in tried or section.heads:
            continue
        if only is not None and section.id in only:
            return replace(section, text="", length=0, origin=None) if section.status is Status.DONE else section
        if only is None and section.status is not Status.DONE:
            return section
    return None


def job_for(brief: Brief, manuscript: Manuscript, section: Section, take: int, *, alone: bool) -> Job:
    """What is to be done for a section. ``alone``: it keeps to its own target, and closely, for no other makes up."""
    sections, plan = manuscript.sections(), manuscript.plan
    at = next(position for position, one in enumerate(sections) if one.id == section.id)
    open_ones = [one for one in sections if one.status is not Status.DONE]
    replaced = "" if section.text else sections[at].text
    return Job(
        brief=brief,
        plan=plan,
        section=section,
        number=at + 1,
        target=section.words if alone else section_target(sections, section.id),
        precise=alone or len(open_ones) == 1,
        earlier=[one for one in sections[:at] if one.text],
        notes=manuscript.notes,
        recent=recent_text(sections, at),
        parallel=brief.mode is Mode.PARALLEL,
        direct=brief.mode is Mode.DIRECT,
        variant=crc32(replaced.encode("utf-8", "replace")) + take * _APART,
    )


@dataclass
class Draft:
    """A manuscript in memory, for using the method as a library.

    ``async for event in write(agent, brief, draft): draft.apply(event)`` keeps it up to date.
    """

    plan: Plan
    texts: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    notes: Sequence[Note] = ()
    summaries: dict[str, SectionSummary] = field(default_factory=dict)

    def sections(self) -> list[Section]:
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
        match event:
            case SectionStarted(section_id=id, keep=keep) | TextRolledBack(section_id=id, keep=keep):
                self.texts[id] = self.texts.get(id, "")[:keep]
                self.done.discard(id)
            case TextDelta(section_id=id, text=text):
                self.texts[id] += text
            case SummaryMade(section_id=id, text=text, digest=digest):
                self.summaries[id] = SectionSummary(id, text, digest)
            case SectionFinished(section_id=id):
                self.done.add(id)
            case _:
                return

    def _status(self, section_id: str) -> Status:
        if section_id in self.done or not self.plan.sections[self.plan.find(section_id)].words:
            return Status.DONE  # a heading alone has nothing to be written
        return Status.PARTIAL if self.texts.get(section_id) else Status.EMPTY

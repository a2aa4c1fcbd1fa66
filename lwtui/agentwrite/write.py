"""Writing a document: every section that is not done yet, in order or side by side, or the whole text in one call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.context import Context
from lwtui.agentwrite.events import (
    DocumentFinished,
    Event,
    SectionFinished,
    SectionStarted,
    TextDelta,
    TextRolledBack,
)
from lwtui.agentwrite.length import section_target
from lwtui.agentwrite.section import Job, SectionWriter
from lwtui.documents.model import Brief, Mode, Origin, Plan, Section, Status, Usage
from lwtui.text import count_words


class Manuscript(Protocol):
    """What is being written. A :class:`lwtui.documents.store.Document` is one, a :class:`Draft` another.

    It is read anew before each section, so that the plan and the texts may change meanwhile.
    """

    @property
    def plan(self) -> Plan: ...

    def sections(self) -> list[Section]: ...


async def write(
    agent: Agent, brief: Brief, manuscript: Manuscript, only: Collection[str] | None = None
) -> AsyncGenerator[Event, None]:
    """Write every section that is not done, or those in ``only`` (section ids), and go on with interrupted ones.

    Yields events, last :class:`DocumentFinished`. Closing the iterator stops at once; calling :func:`write` again
    resumes. The caller stores what the events say before it asks for the next one (see :func:`record`). Raises
    :class:`~lwtui.models.base.ModelError` where a fault lasts; all text yielded before stays valid.
    """
    began = monotonic()
    usage = Usage()
    side_by_side = brief.mode is Mode.PARALLEL
    events = (_side_by_side if side_by_side else _in_order)(agent, brief, manuscript, only)
    async with aclosing(events):
        async for event in events:
            if isinstance(event, SectionFinished):
                usage += event.usage
            yield event
    length = sum(section.length for section in manuscript.sections())
    yield DocumentFinished(length, manuscript.plan.words, usage, round(monotonic() - began, 3))


async def _in_order(
    agent: Agent, brief: Brief, manuscript: Manuscript, only: Collection[str] | None
) -> AsyncGenerator[Event, None]:
    context = Context(agent, brief)
    tried: set[str] = set()
    while (section := _next(manuscript.sections(), only, tried)) is not None:
        tried.add(section.id)
        writer = SectionWriter(agent, _job(brief, manuscript, section, alone=only is not None), context)
        async with aclosing(writer.run()) as events:
            async for event in events:
                yield event


async def _side_by_side(
    agent: Agent, brief: Brief, manuscript: Manuscript, only: Collection[str] | None
) -> AsyncGenerator[Event, None]:
    """As many sections at once as the backend takes; each is written without the text of the others."""
    queue: asyncio.Queue[Event | None] = asyncio.Queue(maxsize=64)
    waiting = [s for s in manuscript.sections() if s.status is not Status.DONE and (only is None or s.id in only)]

    async def work() -> None:
        while waiting:
            job = _job(brief, manuscript, waiting.pop(0), alone=True)
            async with aclosing(SectionWriter(agent, job, Context(agent, brief)).run()) as events:
                async for event in events:
                    await queue.put(event)

    async def work_all() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(max(1, agent.model.capabilities.parallel)):
                    group.create_task(work())
        finally:
            await queue.put(None)

    task = asyncio.create_task(work_all())
    try:
        while (event := await queue.get()) is not None:
            yield event
        await _first_error(task)
    finally:
        task.cancel()
        await asyncio.wait({task}) if not queue.full() else await _drain(queue, task)


async def _first_error(task: asyncio.Task[None]) -> None:
    """Raise what stopped the work: the first error of the group, not the group."""
    try:
        await task
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


async def _drain(queue: asyncio.Queue[Event | None], task: asyncio.Task[None]) -> None:
    """Wait for a cancelled task that may be about to put its last item into a full queue."""
    while not task.done():
        while not queue.empty():
            queue.get_nowait()
        await asyncio.sleep(0)


def _next(sections: Sequence[Section], only: Collection[str] | None, tried: set[str]) -> Section | None:
    for section in sections:
        wanted = only is None or section.id in only
        if wanted and section.status is not Status.DONE and section.id not in tried:
            return section
    return None


def _job(brief: Brief, manuscript: Manuscript, section: Section, *, alone: bool) -> Job:
    """What is to be done for a section. ``alone``: it keeps to its own target, whatever became of the others."""
    sections, plan = manuscript.sections(), manuscript.plan
    at = next(position for position, one in enumerate(sections) if one.id == section.id)
    open_ones = [one for one in sections if one.status is not Status.DONE]
    return Job(
        brief=brief,
        plan=plan,
        section=section,
        number=at + 1,
        target=section.words if alone else section_target(sections, section.id),
        last=not alone and len(open_ones) == 1,
        earlier=[one for one in sections[:at] if one.text],
        parallel=brief.mode is Mode.PARALLEL,
        direct=brief.mode is Mode.DIRECT,
    )


@dataclass
class Draft:
    """A manuscript in memory, for using the method as a library.

    ``async for event in write(agent, brief, draft): draft.apply(event)`` keeps it up to date.
    """

    plan: Plan
    texts: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

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
            )
            for planned in self.plan.sections
        ]

    def apply(self, event: Event) -> None:
        """Bring the draft to where ``event`` leaves the document."""
        match event:
            case SectionStarted(section_id=id, keep=keep) | TextRolledBack(section_id=id, keep=keep):
                self.texts[id] = self.texts.get(id, "")[:keep]
            case TextDelta(section_id=id, text=text):
                self.texts[id] += text
            case SectionFinished(section_id=id):
                self.done.add(id)
            case _:
                return

    def _status(self, section_id: str) -> Status:
        if section_id in self.done:
            return Status.DONE
        return Status.PARTIAL if self.texts.get(section_id) else Status.EMPTY

"""Writes one section. If its length is off, writes another draft and keeps the better one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.context import ContextBuilder
from lwtui.agentwrite.coverage import missing_points
from lwtui.agentwrite.events import (
    CitationsAdded,
    CitationsDropped,
    Emit,
    Event,
    ModelUnsure,
    ReadingPrompt,
    Redrafting,
    Retrying,
    SectionFinished,
    SectionStarted,
    TextDelta,
    TextRolledBack,
    Thinking,
)
from lwtui.agentwrite.length import LengthTarget
from lwtui.agentwrite.section_requests import SectionRequests
from lwtui.agentwrite.section_stream import SectionStream
from lwtui.agentwrite.section_task import SectionTask
from lwtui.documents.model import Status, status_of_length
from lwtui.models.base import ModelError
from lwtui.models.metering import MeteredTask
from lwtui.sources.attribution import add_citations
from lwtui.sources.model import FoundPassage
from lwtui.text import count_words
from lwtui.translation import _

_MOST_REDRAFTS = 2  # of a section whose length no later one can compensate for; otherwise 1
_REDRAFT_SALT = 131  # between the seeds of drafts
_LEAST_ASK, _MOST_ASK = 0.5, 2.5  # bounds for the length that is asked for, as shares of the target


@dataclass(frozen=True)
class _Draft:
    text: str
    length: int
    unsure: tuple[ModelUnsure, ...] = ()


class SectionWriter:
    """Writes one section, or continues it.

    Args:
        agent: The model that writes.
        task: The section to write.
        context: Chooses the earlier text for the prompts.
        emit: Awaited for each event.
        usage: Counts the token usage of the section's calls and enforces the budget.
    """

    def __init__(
        self, agent: Agent, task: SectionTask, context: ContextBuilder, emit: Emit, usage: MeteredTask
    ) -> None:
        self._agent = agent.metered(usage)
        self._task = task
        self._context = context
        self._id = task.section.id
        self._emit = emit
        self._usage = usage
        self._unsure: list[ModelUnsure] = []  # marks of the further draft that is being written
        self._target = LengthTarget(task.target, agent.profile.ends_itself, task.slack, task.has_free_length)
        # What a draft that repeated itself has to reach: it will hardly make up for other sections as well.
        self._due = replace(self._target, target=min(task.section.words or task.target, task.target))

    async def run(self) -> None:
        """Write the section.

        Raises:
            ModelError: A call failed for good. The text emitted so far remains valid.
            BudgetReached: The budget is used up. The text emitted so far remains valid.
        """
        began = monotonic()
        task = self._task
        requests = SectionRequests(self._agent, task, self._context, self._emit)
        await requests.prepare()
        stream = SectionStream(self._agent, task, requests, self._emit, self._context.index)
        provenance = self._agent.provenance(await stream.first_request())
        resumed, title = bool(task.section.text), task.section.title
        await self._emit(
            SectionStarted(self._id, task.ordinal, task.total, title, task.target, resumed, stream.keep, provenance)
        )
        try:
            await stream.run()
        except ModelError as error:
            if error.code != "only-repeats":
                raise
        draft = _Draft(stream.text, stream.length)
        if requests.shows_all and not stream.keep and task.rewrite is None:
            self._context.repeating = self._context.repeating + 1 if stream.repeated_at_once else 0
        if self._agent.profile.ends_itself and not task.direct and not stream.keep and not stream.refusal:
            if stream.has_own_length:
                self._agent.lengths.learn(task.kind, requests.asked, stream.reached)
            draft = await self._redrafted(draft, requests, stream)
        empty = not draft.text.strip()
        # A section without text does not keep the others from being written: it is told with those that are too short.
        draft = await self._kept(draft, refused=bool(stream.refusal) or empty)
        draft = await self._cited(draft, requests.passages or (), stream.keep)
        status = Status.REFUSED if stream.refusal and not draft.text else self._status(draft)
        seconds = round(monotonic() - began, 3)
        await self._emit(
            SectionFinished(
                self._id, draft.length, task.target, self._usage.usage, seconds, status, refusal=stream.refusal
            )
        )

    def _status(self, draft: _Draft) -> Status:
        # The target of this run may be above the planned length, to make up for other sections.
        planned = self._task.section.words or self._task.target
        return status_of_length(draft.length, min(planned, self._task.target), self._task.section.kind)

    async def _kept(self, draft: _Draft, *, refused: bool) -> _Draft:
        """Return the section's former text if the new one is no better, else ``draft``."""
        former = self._task.replaced
        if not former or not (refused or self._task.was_short):
            return draft
        target, length = self._target.target, count_words(former)
        if not refused and abs(draft.length - target) < abs(length - target):
            return draft
        reason = _("the model gave no other text") if refused else _("the former text is nearer to its length")
        await self._put(former, 0, reason)
        return _Draft(former, length)

    async def _cited(self, draft: _Draft, passages: Sequence[FoundPassage], keep: int) -> _Draft:
        """Add the citations that the model has left out. The first ``keep`` characters stay as they are."""
        if self._task.sources is None or not passages:
            return draft
        keys = {source.key for source in self._task.sources.list()}
        language = self._task.brief.language
        # It compares every sentence with every passage, and the app's screen must not wait for that.
        added = await asyncio.to_thread(add_citations, draft.text, passages, keys, language, keep)
        if added is None:
            return draft
        await self._put(added.text, added.start, _("what it takes from the sources is cited"))
        await self._emit(CitationsAdded(self._id, added.citations))
        return replace(draft, text=added.text, length=count_words(added.text))

    async def _redrafted(self, best: _Draft, requests: SectionRequests, stream: SectionStream) -> _Draft:
        """Write further drafts while the length is off. Returns the draft that is nearest to the target.

        Args:
            best: The first draft.
            requests: The requests that it was written with.
            stream: What wrote it.
        """
        first, asked, looped = best, requests.asked, stream.looped
        last = best
        for number in range(1, 1 + (1 if self._target.slack is None else _MOST_REDRAFTS)):
            wanted = self._target if stream.has_own_length or self._target.slack is not None else self._due
            if not wanted.is_off(best.length):
                break
            await self._emit(Redrafting(self._id, last.length, self._task.target))
            if stream.has_own_length:  # correct the length to ask for by how far the last draft missed it
                share = min(_MOST_ASK, max(_LEAST_ASK, asked / max(1, last.length)))
                asked = max(1, round(self._task.target * share))
            lacks = (
                missing_points(self._task.section.main_point, last.text) if last.length < self._target.target else []
            )
            task = replace(
                self._task, ask=asked, lacks=tuple(lacks), variant=self._task.variant + number * _REDRAFT_SALT
            )
            self._unsure.clear()
            others = await requests.for_draft(task, looped=looped)
            stream = SectionStream(self._agent, task, others, self._emit_progress, self._context.index)
            try:
                await stream.run()
            except ModelError as error:
                if error.kind != "no-answer":
                    raise
                break
            last = _Draft(stream.text, stream.length, tuple(self._unsure))
            best = min(best, last, key=lambda draft: abs(draft.length - self._target.target))
            if looped and stream.looped:
                break  # it has no more to say
            looped = looped or stream.looped
        if best is not first:
            await self._put(best.text, 0, _("another draft is nearer to its length"))
            for mark in best.unsure:
                await self._emit(mark)
        return best

    async def _put(self, text: str, keep: int, reason: str) -> None:
        """Put another text in place of the section's, which begins with the same ``keep`` characters."""
        await self._emit(TextRolledBack(self._id, keep, reason))
        await self._emit(TextDelta(self._id, text[keep:]))

    async def _emit_progress(self, event: Event) -> None:
        """Emit the events of a further draft except its text, which is shown only if it is the better one."""
        if isinstance(event, ModelUnsure):
            self._unsure.append(event)
        elif isinstance(event, Retrying | Thinking | ReadingPrompt | CitationsDropped):
            await self._emit(event)

"""Several takes of one section, for a person to choose from: the same request under different seeds.

They are written side by side where the backend takes several calls at once (a prefix that they share is then read
once), else one after the other.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.budget import BudgetReached
from lwtui.agentwrite.events import Event, Grounded, SectionFinished, SectionStarted, TextDelta, TextRolledBack
from lwtui.agentwrite.side_by_side import side_by_side
from lwtui.agentwrite.write import Manuscript, write
from lwtui.documents.model import Basis, Brief, Note, Plan, Provenance, Section, SectionSummary, Status, Usage
from lwtui.errors import LwtuiError
from lwtui.text import count_words

MOST_TAKES = 8


class TakeState(StrEnum):
    """How far a take is."""

    WAITING = "waiting"
    WRITING = "being written"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass
class Take:
    """One take, brought up to date by :meth:`apply`. ``number`` counts from 1.

    ``version`` is where a document keeps it, once it does.
    """

    number: int
    text: str = ""
    state: TakeState = TakeState.WAITING
    provenance: Provenance | None = None
    usage: Usage = field(default_factory=Usage)
    error: str = ""
    version: int | None = None
    basis: Basis | None = None

    @property
    def length(self) -> int:
        return count_words(self.text)

    def apply(self, event: Event) -> None:
        match event:
            case Grounded(basis=basis):
                self.basis = basis
            case SectionStarted(provenance=provenance):
                self.provenance = replace(provenance, task=f"take {self.number}", basis=self.basis)
                self.state = TakeState.WRITING
            case TextDelta(text=text):
                self.text += text
            case TextRolledBack(keep=keep):
                self.text = self.text[:keep]
            case SectionFinished(usage=usage):
                self.usage = usage
                self.state = TakeState.DONE
            case _:
                return


@dataclass(frozen=True)
class TakeMoved:
    """Something happened in a take, which has already applied it; ``event`` is empty where the take failed."""

    take: Take
    event: Event | None


async def make_takes(
    agent: Agent, brief: Brief, manuscript: Manuscript, section_id: str, count: int
) -> AsyncGenerator[TakeMoved, None]:
    """Write ``count`` takes of a section, whatever stands there now. Closing the iterator stops them all.

    A take that fails does not stop the others; raises :class:`LwtuiError` only if all of them failed, or at the end
    if the budget did not last for all of them.
    """
    if not 1 <= count <= MOST_TAKES:
        raise LwtuiError(f"Between 1 and {MOST_TAKES} takes can be made at once.")
    if brief.seed is None:
        brief = replace(brief, seed=secrets.randbelow(2**31))  # one that can be kept with the text
    takes = [Take(number) for number in range(1, count + 1)]
    slots = asyncio.Semaphore(max(1, agent.model.capabilities.parallel))
    reached: list[BudgetReached] = []
    view = _View(manuscript.plan, manuscript.sections(), section_id, manuscript.notes, manuscript.summaries)

    async def work(take: Take) -> AsyncGenerator[TakeMoved, None]:
        try:
            async with slots, aclosing(write(agent, brief, view, {section_id}, take.number)) as events:
                async for event in events:
                    take.apply(event)
                    yield TakeMoved(take, event)
        except LwtuiError as error:
            if isinstance(error, BudgetReached):
                reached.append(error)
            stopped = isinstance(error, BudgetReached) and take.text.strip()
            take.state = TakeState.STOPPED if stopped else TakeState.FAILED
            take.error = str(error)
            yield TakeMoved(take, None)

    async with aclosing(side_by_side([work(take) for take in takes])) as moves:
        async for moved in moves:
            yield moved
    if reached:
        raise reached[0]
    if all(take.state is TakeState.FAILED for take in takes):
        raise LwtuiError(takes[0].error)


@dataclass(frozen=True)
class _View:
    """A document as it was when the takes began, its section taken for done, so that each take begins it anew."""

    plan: Plan
    standing: Sequence[Section]
    section_id: str
    notes: Sequence[Note]
    summaries: Mapping[str, SectionSummary]

    def sections(self) -> list[Section]:
        return [replace(one, status=Status.DONE) if one.id == self.section_id else one for one in self.standing]

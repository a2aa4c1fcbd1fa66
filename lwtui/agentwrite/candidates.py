"""Candidates for one section, for a person to choose from: the same request under different seeds.

They are written at the same time where the backend takes several calls at once (a prefix that they share is then
evaluated once), otherwise one after the other.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event
from lwtui.agentwrite.run_state import RunState, SectionRun
from lwtui.agentwrite.write import WorkingDocument, together, write_document
from lwtui.documents.model import Brief, Note, Plan, Provenance, Section, SectionSummary, Status
from lwtui.errors import LwtuiError
from lwtui.models.budget import BudgetReached
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.text import count_words

MOST_CANDIDATES = 8


class CandidateState(StrEnum):
    """How far a candidate is."""

    WAITING = "waiting"
    WRITING = "being written"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass
class Candidate:
    """One candidate.

    Attributes:
        number: Counts from 1.
        state: How far it is.
        error: Why it stopped or failed.
        version: The id under which a document keeps it, once it does.
    """

    number: int
    state: CandidateState = CandidateState.WAITING
    error: str = ""
    version: int | None = None
    _events: RunState = field(default_factory=RunState)
    _usage: Usage = NO_USAGE

    @property
    def _run(self) -> SectionRun | None:
        return next(iter(self._events.runs.values()), None)

    @property
    def text(self) -> str:
        """The text so far."""
        return self._run.text if self._run else ""

    @property
    def length(self) -> int:
        """Its length, in the counter's unit."""
        return count_words(self.text)

    @property
    def usage(self) -> Usage:
        """What its calls took, once it has ended."""
        return self._usage

    @property
    def provenance(self) -> Provenance | None:
        """Where its text comes from, once it has started."""
        run = self._run
        if run is None or run.provenance is None:
            return None
        return replace(run.provenance, task=f"candidate {self.number}", basis=run.basis)

    def apply(self, event: Event) -> None:
        """Bring it to where ``event`` leaves it."""
        self._events.apply(event)
        if self._run is not None:
            self.state = CandidateState.DONE if self._run.finished else CandidateState.WRITING

    def fail(self, error: LwtuiError) -> None:
        """Its writing ended with ``error``."""
        kept = isinstance(error, BudgetReached) and self.text.strip()
        self.state = CandidateState.STOPPED if kept else CandidateState.FAILED
        self.error = str(error)

    def count(self, usage: Usage) -> None:
        """Its calls took ``usage`` in all."""
        self._usage = usage


@dataclass(frozen=True)
class CandidateChanged:
    """Something happened to a candidate, which has already applied it. ``event`` is ``None`` where it failed."""

    candidate: Candidate
    event: Event | None


async def write_candidates(
    agent: Agent,
    brief: Brief,
    document: WorkingDocument,
    section_id: str,
    count: int,
    emit: Callable[[CandidateChanged], Awaitable[None]],
    tracker: UsageTracker | None = None,
    likely_completion: int | None = None,
) -> None:
    """Write ``count`` candidates for a section, whatever its text is now. A candidate that fails does not stop others.

    Args:
        agent: Who writes.
        brief: What the writer asked for.
        document: What there is.
        section_id: The section.
        count: From 1 to :data:`MOST_CANDIDATES`.
        emit: Is told each change.
        tracker: Counts the calls and holds them to a budget.
        likely_completion: Tokens that one candidate is expected to take.

    Raises:
        LwtuiError: All of them failed.
        BudgetReached: The budget did not last for all of them.
    """
    if not 1 <= count <= MOST_CANDIDATES:
        raise LwtuiError(f"Between 1 and {MOST_CANDIDATES} candidates can be written at once.")
    if brief.seed is None:
        brief = replace(brief, seed=secrets.randbelow(2**31))  # one that can be kept with the text
    candidates = [Candidate(number) for number in range(1, count + 1)]
    slots = asyncio.Semaphore(max(1, agent.model.capabilities.parallel))
    reached: list[BudgetReached] = []
    view = _Finished(document.plan, document.sections(), section_id, document.notes, document.summaries)

    async def work(candidate: Candidate) -> None:
        metered = (tracker or UsageTracker()).task("another candidate", likely_completion=likely_completion)

        async def keep(event: Event) -> None:
            candidate.apply(event)
            candidate.count(metered.usage)
            await emit(CandidateChanged(candidate, event))

        try:
            async with slots:
                await write_document(
                    agent,
                    brief,
                    view,
                    keep,
                    only={section_id},
                    metered=metered,
                    candidate=candidate.number,
                )
        except LwtuiError as error:
            if isinstance(error, BudgetReached):
                reached.append(error)
            candidate.fail(error)
            candidate.count(metered.usage)
            await emit(CandidateChanged(candidate, None))
        finally:
            candidate.count(metered.usage)  # also of one that is stopped

    await together([work(candidate) for candidate in candidates])
    if reached:
        raise reached[0]
    if all(candidate.state is CandidateState.FAILED for candidate in candidates):
        raise LwtuiError(candidates[0].error)


@dataclass(frozen=True)
class _Finished:
    """A document as it was when the candidates were begun, with the section taken for done, so that each candidate
    begins it anew."""

    plan: Plan
    standing: Sequence[Section]
    section_id: str
    notes: Sequence[Note]
    summaries: Mapping[str, SectionSummary]

    def sections(self) -> list[Section]:
        return [replace(one, status=Status.DONE) if one.id == self.section_id else one for one in self.standing]

"""Candidates for one section, from which the writer chooses: the same request under different seeds.

Where the backend takes several calls at once, candidates are written in parallel, and their common prefix is evaluated
once. Otherwise they are written one after the other.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event, SectionFinished
from lwtui.agentwrite.fact_selection import facts_of
from lwtui.agentwrite.run_state import RunState, SectionRun
from lwtui.agentwrite.write import WorkingDocument, run_concurrently, write_document
from lwtui.documents.facts import Fact
from lwtui.documents.model import Brief, Note, Plan, Provenance, Section, SectionSummary, Status
from lwtui.errors import LwtuiError
from lwtui.models.base import ModelError
from lwtui.models.budget import BudgetReached
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.text import count_words
from lwtui.translation import _

MOST_CANDIDATES = 8


class CandidateState(StrEnum):
    """The state of a candidate."""

    WAITING = "waiting"
    WRITING = "being written"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass
class Candidate:
    """One of several texts for a section.

    Attributes:
        number: Its number, from 1.
        state: Its state.
        error: Why it stopped or failed.
        version: The id of the version in the document, once it is stored there.
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
        """The length of the text, in the counter's unit."""
        return count_words(self.text)

    @property
    def usage(self) -> Usage:
        """Token usage of its calls so far."""
        return self._usage

    @property
    def provenance(self) -> Provenance | None:
        """The provenance of its text; ``None`` until writing has started."""
        run = self._run
        if run is None or run.provenance is None:
            return None
        return replace(run.provenance, task=f"candidate {self.number}", basis=run.basis)

    def apply(self, event: Event) -> None:
        """Update the candidate with ``event``."""
        self._events.apply(event)
        if self._run is not None:
            self.state = CandidateState.DONE if self._run.finished else CandidateState.WRITING

    def fail(self, error: LwtuiError) -> None:
        """Record that writing ended with ``error``."""
        kept = isinstance(error, BudgetReached) and self.text.strip()
        self.state = CandidateState.STOPPED if kept else CandidateState.FAILED
        self.error = str(error)

    def count(self, usage: Usage) -> None:
        """Record the token usage of all its calls."""
        self._usage = usage


@dataclass(frozen=True)
class CandidateChanged:
    """A candidate changed: it has applied ``event``, or failed if ``event`` is ``None``."""

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
    """Write ``count`` candidates for a section, whatever its present text. One that fails does not stop the others.

    Args:
        agent: The model that writes.
        brief: What the writer asked for.
        document: The document as it stands.
        section_id: The section to write.
        count: How many candidates to write, from 1 to :data:`MOST_CANDIDATES`.
        emit: Awaited for each change of a candidate.
        tracker: Counts token usage and enforces the budget.
        likely_completion: Output tokens that one candidate is expected to take.

    Raises:
        LwtuiError: All candidates failed.
        BudgetReached: The budget was used up before all candidates were complete.
    """
    if not 1 <= count <= MOST_CANDIDATES:
        raise LwtuiError(_("Between 1 and {most} candidates can be written at once.", most=MOST_CANDIDATES))
    if brief.seed is None:
        brief = replace(brief, seed=secrets.randbelow(2**31))  # a known seed, to be stored with the text
    candidates = [Candidate(number) for number in range(1, count + 1)]
    slots = asyncio.Semaphore(max(1, agent.model.capabilities.parallel))
    reached: list[BudgetReached] = []
    view = _Snapshot(
        document.plan, document.sections(), section_id, document.notes, document.summaries, facts_of(document)
    )

    async def work(candidate: Candidate) -> None:
        metered = (tracker or UsageTracker()).task(_("another candidate"), likely_completion=likely_completion)

        async def keep(event: Event) -> None:
            if isinstance(event, SectionFinished) and event.status is Status.REFUSED:
                raise ModelError(
                    _("The model refused: “{refusal}”. Choose another model.", refusal=event.refusal), kind="refused"
                )
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
            candidate.count(metered.usage)  # also if the candidate is canceled

    await run_concurrently([work(candidate) for candidate in candidates])
    if reached:
        raise reached[0]
    if all(candidate.state is CandidateState.FAILED for candidate in candidates):
        raise LwtuiError(candidates[0].error)


@dataclass(frozen=True)
class _Snapshot:
    """A snapshot of the document in which the section counts as done, so that each candidate starts from nothing."""

    plan: Plan
    snapshot: Sequence[Section]
    section_id: str
    notes: Sequence[Note]
    summaries: Mapping[str, SectionSummary]
    facts: Sequence[Fact] = ()

    def sections(self) -> list[Section]:
        return [
            replace(section, status=Status.DONE) if section.id == self.section_id else section
            for section in self.snapshot
        ]

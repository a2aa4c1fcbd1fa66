"""What a model is asked about an open document beside writing it: passages, candidates for a section, reviews."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from time import monotonic

from lwtui.agentwrite import Agent
from lwtui.agentwrite.candidates import Candidate, CandidateChanged, CandidateState, write_candidates
from lwtui.agentwrite.critic import LIKELY_ANSWER, CriticEvent, Found, Reviewed, review
from lwtui.agentwrite.events import Emit
from lwtui.agentwrite.forecast import tokens_per_unit
from lwtui.agentwrite.lint import Finding, lint, parts_of
from lwtui.agentwrite.notes import chosen, recent_text
from lwtui.agentwrite.revise import Passage, PassageCut, PassageEdit, Proposal, passage_at, revise
from lwtui.agentwrite.throughput import load_rates
from lwtui.app.keymap import WRITING, key_of
from lwtui.app.model_pool import ModelPool, ModelRoles
from lwtui.config import Role
from lwtui.documents.model import Origin, Section, Status
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.models.budget import Budget, check_budget
from lwtui.models.metering import MeteredTask, UsageTracker
from lwtui.models.usage import Usage

_KEEP_SECONDS = 1.0  # at most so much of what a candidate has grown is lost with the machine


class Assistant:
    """Asks models about one document. What an answer brings is stored before it is passed on.

    Args:
        document: The document.
        models: The open models.
        roles: Which of them does what.
        tracker: Counts the calls and holds them to the document's budget.
        note: Puts a line into the log.
        writing: Tells whether a run is going on in the document.
    """

    def __init__(
        self,
        document: Document,
        models: ModelPool,
        roles: ModelRoles,
        tracker: UsageTracker,
        note: Callable[[str], None],
        writing: Callable[[], bool],
    ) -> None:
        self._document = document
        self._models = models
        self._roles = roles
        self._tracker = tracker
        self._note = note
        self._writing = writing
        self.findings: list[Finding] = []  # of the last look at the text

    async def _agent(self, role: Role) -> Agent:
        """The model with that role. Raises :class:`LwtuiError` if it cannot be asked now, or held to the budget."""
        name, writer = self._roles.name(role), self._roles.name(Role.WRITE)
        agent = await self._models.get(name, beside=(writer,) if self._writing() else ())
        if self._writing() and name == writer and agent.model.capabilities.parallel < 2:
            raise LwtuiError(
                f"This model does one thing at a time, and is writing. Pause it first ({key_of(WRITING, 'pause')})."
            )
        check_priced(agent, self._tracker.budget)
        return agent

    # -- passages

    async def revise(self, section_id: str, start: int, end: int, edit: PassageEdit, emit: Emit) -> Proposal:
        """Ask for another version of a passage (see :func:`lwtui.agentwrite.revise.revise`).

        The document keeps the answer among the section's versions; :meth:`take` puts it into the text.
        """
        document = self._document
        section = document.section(section_id)
        start, end = passage_at(section.text, start, end, edit.kind)
        sections, at = document.sections(), document.plan.find(section_id)
        notes = chosen(document.notes, section, recent_text(sections, at))
        brief = replace(document.brief, notes=notes)
        passage = Passage(brief, document.plan, section, start, end, _text_before(sections, at))
        agent = await self._agent(Role.WRITE)
        likely = round(passage.wanted(edit.kind) * tokens_per_unit(brief, load_rates(agent.settings)))
        task = self._tracker.task("this passage", likely_completion=likely)
        self._note(f"Asked for a passage of “{section.title or document.title}” again ({edit.task})")
        try:
            proposal = await revise(agent.metered(task), passage, edit, emit)
        except PassageCut as error:
            error.proposal = self._kept(section, error.proposal, task.usage)
            raise
        return self._kept(section, proposal, task.usage)

    def _kept(self, section: Section, proposal: Proposal, usage: Usage) -> Proposal:
        origin = Origin.USER if section.origin is Origin.USER else Origin.MODEL
        version = self._document.keep_version(section.id, proposal.text, proposal.provenance, usage, origin=origin)
        return replace(proposal, version=version)

    def take(self, section_id: str, before: str, text: str, proposal: Proposal) -> None:
        """Put ``text``, which has some or all of a proposal, in the place of ``before``.

        Raises:
            LwtuiError: The section has another text by now: nobody's words are overwritten.
        """
        if self._document.section(section_id).text != before:
            raise LwtuiError("The section has changed meanwhile, so nothing was put in. The answer is in its history.")
        if proposal.version is not None and text == proposal.text:
            self._document.adopt_version(section_id, proposal.version)
        else:
            self._document.take_answer(section_id, text, proposal.provenance)

    # -- candidates

    async def candidates(
        self, section_id: str, count: int, emit: Callable[[CandidateChanged], Awaitable[None]]
    ) -> None:
        """Write candidates for a section (see :func:`lwtui.agentwrite.candidates.write_candidates`), which stays as it
        is.

        The document keeps each among the section's versions, every second while it grows, and those that are not
        complete when this is cancelled too.
        """
        agent = await self._agent(Role.WRITE)
        document = self._document
        section = document.section(section_id)
        self._note(f"Asked for {count} candidates for “{section.title or document.title}”")
        likely = round(section.words * tokens_per_unit(document.brief, load_rates(agent.settings)))
        candidates: dict[int, Candidate] = {}
        kept: dict[int, float] = {}

        async def keep(changed: CandidateChanged) -> None:
            candidate = candidates.setdefault(changed.candidate.number, changed.candidate)
            over = candidate.state not in (CandidateState.WAITING, CandidateState.WRITING)
            if over or monotonic() - kept.setdefault(candidate.number, monotonic()) >= _KEEP_SECONDS:
                kept[candidate.number] = monotonic()
                self._keep_candidate(section_id, candidate)
            await emit(changed)

        try:
            await write_candidates(agent, document.brief, document, section_id, count, keep, self._tracker, likely)
        finally:
            for candidate in candidates.values():
                if candidate.state is CandidateState.WRITING:
                    candidate.state = CandidateState.STOPPED
                    self._keep_candidate(section_id, candidate)

    def _keep_candidate(self, section_id: str, candidate: Candidate) -> None:
        if candidate.text.strip() and candidate.provenance is not None:
            candidate.version = self._document.keep_version(
                section_id, candidate.text, candidate.provenance, candidate.usage, over=candidate.version
            )

    def pick(self, section_id: str, candidate: Candidate) -> None:
        """Make a candidate the section's text; the text that stood there stays among its versions."""
        if candidate.version is None:
            raise LwtuiError("There is no text in this candidate yet.")
        status = Status.DONE if candidate.state is CandidateState.DONE else Status.PARTIAL
        self._document.adopt_version(section_id, candidate.version, status)

    def merge(self, section_id: str, before: str, text: str, candidate: Candidate) -> None:
        """Put ``text``, which has some of a candidate, in the place of ``before``. Raises as :meth:`take` does."""
        if candidate.provenance is not None:
            provenance = replace(candidate.provenance, task=f"merge of {candidate.provenance.task}")
            self.take(section_id, before, text, Proposal("", candidate.text, provenance))

    # -- reviews

    async def look_over(self) -> list[Finding]:
        """Find what is wrong with the text as far as that can be told without a model; a critic's findings stay."""
        found = await asyncio.to_thread(lint, parts_of(self._document.sections()))
        self.findings = [*(one for one in self.findings if one.by_critic), *found]
        return self.findings

    async def review(self, emit: Callable[[CriticEvent], Awaitable[None]]) -> Reviewed:
        """Have the critic read the document (see :func:`lwtui.agentwrite.critic.review`)."""
        document = self._document
        agent = await self._agent(Role.CRITIC)
        self._note(f"Asked {agent.model.name} to review the document")
        self.findings = [one for one in self.findings if not one.by_critic]
        brief = replace(document.brief, notes=tuple(note for note in document.notes if note.text))
        task: MeteredTask = self._tracker.task("a review", likely_completion=LIKELY_ANSWER)

        async def keep(event: CriticEvent) -> None:
            if isinstance(event, Found):
                self.findings.insert(sum(one.by_critic for one in self.findings), event.finding)
            await emit(event)

        reviewed = await review(agent.metered(task), brief, parts_of(document.sections()), keep)
        self._note(f"The review is over: {reviewed.found} found, {reviewed.dropped} dropped")
        return reviewed


def check_priced(agent: Agent, budget: Budget | None) -> None:
    """Check that a model that is asked beside the writer can be held to ``budget``.

    Raises:
        UsageError: The budget is in money and the model's prices are unknown. A model on this machine costs nothing.
    """
    if agent.settings.provider != "llama_cpp":
        check_budget(budget, agent.settings)


def _text_before(sections: Sequence[Section], at: int) -> str:
    """The text of the last section before position ``at`` that has any."""
    return next((one.text for one in reversed(sections[:at]) if one.text.strip()), "")

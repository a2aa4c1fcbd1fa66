"""Model calls for an open document other than drafting: revised passages, candidates for a section, reviews."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from time import monotonic

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.candidates import Candidate, CandidateChanged, CandidateState, write_candidates
from lwtui.agentwrite.critic import LIKELY_ANSWER, CriticEvent, Found, Reviewed, review
from lwtui.agentwrite.events import Emit
from lwtui.agentwrite.forecast import tokens_per_unit
from lwtui.agentwrite.grammar import find_language_problems
from lwtui.agentwrite.lint import Finding, TextPart, lint, parts_of
from lwtui.agentwrite.note_selection import brief_with_notes
from lwtui.agentwrite.notes import recent_text, select_notes
from lwtui.agentwrite.research_queries import LIKELY_QUERIES, make_queries
from lwtui.agentwrite.revise import MarkedPassage, PassageCut, PassageEdit, Proposal, passage_at, revise
from lwtui.agentwrite.spelling import names_of
from lwtui.agentwrite.throughput import load_rates
from lwtui.agentwrite.unsure import UNSURE, unsure_findings
from lwtui.agentwrite.word_lists import PhraseScore, find_stock_phrases, load_phrases
from lwtui.app.keymap import WRITING, key_of
from lwtui.app.model_pool import ModelPool, ModelRoles
from lwtui.app.task_names import task_name
from lwtui.config import Role, config_folder
from lwtui.documents.model import Origin, Section, Status
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.models.budget import check_priced
from lwtui.models.metering import MeteredTask, UsageTracker
from lwtui.models.usage import Usage
from lwtui.sources.support import support_checker
from lwtui.translation import _

_KEEP_SECONDS = 1.0  # between two saves of a growing candidate; a crash loses at most this much


class Assistant:
    """Asks models about one document, and stores each answer before passing it on.

    Args:
        document: The document.
        models: The open models.
        roles: The model of each role.
        tracker: Counts token usage and enforces the document's budget.
        note: Adds a line to the log.
        writing: Returns whether a run is in progress in the document.
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
        self.findings: list[Finding] = []  # of the last check
        self.checks_words = False  # whether checks look for stock phrases
        self.checks_spelling = False  # whether checks look for misspelled words
        self.phrase_score: PhraseScore | None = None  # of the last check that did

    async def _agent(self, role: Role) -> Agent:
        """Open the model of a role.

        Raises:
            LwtuiError: The model is busy, or its prices are unknown and the budget is in money.
        """
        name, writer = self._roles.name(role), self._roles.name(Role.WRITE)
        agent = await self._models.get(name, beside=(writer,) if self._writing() else ())
        if self._writing() and name == writer and agent.model.capabilities.parallel < 2:
            raise LwtuiError(
                _(
                    "The model is writing and handles one request at a time. Pause it first ({key}).",
                    key=key_of(WRITING, "pause"),
                ),
                code="busy",
            )
        check_priced(self._tracker.budget, agent.settings)
        return agent

    async def make_queries(self, most: int) -> list[str]:
        """Have the planner model make search queries of the plan."""
        agent = await self._agent(Role.PLAN)
        task = self._tracker.task(_("the search queries"), likely_completion=LIKELY_QUERIES)
        return await make_queries(agent.metered(task), self._document.brief, self._document.plan, most)

    # -- passages

    async def revise(self, section_id: str, start: int, end: int, edit: PassageEdit, emit: Emit) -> Proposal:
        """Ask for another version of a passage (see :func:`lwtui.agentwrite.revise.revise`).

        The document keeps the answer as a version of the section; :meth:`take` puts it into the text.
        """
        document = self._document
        section = document.section(section_id)
        start, end = passage_at(section.text, start, end, edit.kind)
        sections, at = document.sections(), document.plan.find(section_id)
        notes = select_notes(document.notes, section, recent_text(sections, at))
        agent = await self._agent(Role.WRITE)
        subject = f"{section.title}\n{section.text[start:end] or section.main_point}"
        brief = brief_with_notes(document.brief, notes, agent.context_length, subject)
        passage = MarkedPassage(brief, document.plan, section, start, end, _text_before(sections, at))
        likely = round(passage.target(edit.kind) * tokens_per_unit(brief, load_rates(agent.settings)))
        task = self._tracker.task(_("this passage"), likely_completion=likely)
        self._note(
            _(
                "Asked the model to revise a passage of “{title}” ({task})",
                title=section.title or document.title,
                task=task_name(edit.task),
            )
        )
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
        """Replace the section's text ``before`` with ``text``, which contains some or all changes of a proposal.

        Raises:
            LwtuiError: The section's text is no longer ``before``.
        """
        if self._document.section(section_id).text != before:
            raise LwtuiError(
                _("The section has changed meanwhile, so its text was kept. The answer is in its history."),
                code="section-changed",
            )
        if proposal.version is not None and text == proposal.text:
            self._document.adopt_version(section_id, proposal.version)
        else:
            self._document.apply_answer(section_id, text, proposal.provenance)

    # -- candidates

    async def candidates(
        self, section_id: str, count: int, emit: Callable[[CandidateChanged], Awaitable[None]]
    ) -> None:
        """Write candidates for a section (see :func:`lwtui.agentwrite.candidates.write_candidates`).

        The section's text does not change. The document keeps each candidate as a version of the section: every
        second while it grows, and also when this call is canceled.

        Args:
            section_id: The section.
            count: The number of candidates.
            emit: Receives every change of a candidate.
        """
        agent = await self._agent(Role.WRITE)
        document = self._document
        section = document.section(section_id)
        self._note(_("Asked for {count} candidates for “{title}”", count=count, title=section.title or document.title))
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
                section_id, candidate.text, candidate.provenance, candidate.usage, revision=candidate.version
            )

    def pick(self, section_id: str, candidate: Candidate) -> None:
        """Make a candidate the section's text. The old text stays among the versions."""
        if candidate.version is None:
            raise LwtuiError(_("This candidate has no text yet."), code="no-text")
        status = Status.DONE if candidate.state is CandidateState.DONE else Status.PARTIAL
        self._document.adopt_version(section_id, candidate.version, status)

    def merge(self, section_id: str, before: str, text: str, candidate: Candidate) -> None:
        """Replace the section's text ``before`` with ``text``, which contains some changes of a candidate.

        Raises:
            LwtuiError: The section's text is no longer ``before``.
        """
        if candidate.provenance is not None:
            provenance = replace(candidate.provenance, task=f"merge of {candidate.provenance.task}")
            self.take(section_id, before, text, Proposal("", candidate.text, provenance))

    # -- reviews

    async def check(self) -> list[Finding]:
        """Check the text without a model, and return all findings, including the critic's from the last review."""
        parts = parts_of(self._document.sections())
        support = support_checker(self._document.source_store, [part.text for part in parts])
        language = self._document.brief.language
        found = await asyncio.to_thread(lint, parts, support=support, language=language)
        self.phrase_score = None
        if self.checks_words:
            phrases = load_phrases(self._document.brief.language, config_folder() / "words")
            stock, self.phrase_score = await asyncio.to_thread(find_stock_phrases, parts, phrases)
            found += stock
        found += unsure_findings(parts, self._document.setting(UNSURE))
        problem: LwtuiError | None
        try:
            problems, problem = await asyncio.to_thread(self._check_language, parts)
            found += problems
        except LwtuiError as error:  # no dictionary takes no other finding away
            problem = error
        self.findings = [*(one for one in self.findings if one.by_critic), *found]
        if problem is not None:
            raise problem
        return self.findings

    def _check_language(self, parts: Sequence[TextPart]) -> tuple[list[Finding], LwtuiError | None]:
        """Look for misspelled words, if they are wanted, and ask the user's LanguageTool server, if there is one."""
        language, address = self._document.brief.language, self._models.settings.lint.languagetool
        names = names_of(self._document) if self.checks_spelling or address else []
        return find_language_problems(
            parts, language, config_folder(), names, spelling=self.checks_spelling, address=address
        )

    async def review(self, emit: Callable[[CriticEvent], Awaitable[None]]) -> Reviewed:
        """Have the critic read the document (see :func:`lwtui.agentwrite.critic.review`)."""
        document = self._document
        agent = await self._agent(Role.CRITIC)
        self._note(_("Asked {name} to review the document", name=agent.model.name))
        self.findings = [one for one in self.findings if not one.by_critic]
        notes = [note for note in document.notes if note.text]
        brief = brief_with_notes(document.brief, notes, agent.context_length)
        task: MeteredTask = self._tracker.task(_("a review"), likely_completion=LIKELY_ANSWER)

        async def keep(event: CriticEvent) -> None:
            if isinstance(event, Found):
                self.findings.insert(sum(one.by_critic for one in self.findings), event.finding)
            await emit(event)

        reviewed = await review(agent.metered(task), brief, parts_of(document.sections()), keep)
        self._note(
            _(
                "The review is complete: {found} found, {dropped} dropped",
                found=reviewed.found,
                dropped=reviewed.dropped,
            )
        )
        return reviewed


def _text_before(sections: Sequence[Section], at: int) -> str:
    """Return the text of the last non-empty section before position ``at``."""
    return next((one.text for one in reversed(sections[:at]) if one.text.strip()), "")

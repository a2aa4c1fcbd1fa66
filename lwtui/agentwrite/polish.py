"""Polishes a document: reviews each section, rewrites it, and keeps the rewritten text only if it wins a comparison.

A model judges the old and the new text in both orders, and only two agreeing verdicts win. A pass that does not win
changes nothing. Further passes take only the sections that the pass before has improved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.context import ContextBuilder
from lwtui.agentwrite.coverage import missing_points
from lwtui.agentwrite.criteria import make_criteria
from lwtui.agentwrite.events import (
    CitationsAdded,
    CitationsDropped,
    ContextTrimmed,
    CriteriaMade,
    Emit,
    Event,
    NotesLeftOut,
    PassagesLeftOut,
    PolishFinished,
    Polishing,
    PolishOutcome,
    PolishStarted,
    PolishStep,
    ReadingPrompt,
    Retrying,
    ReviewPoint,
    SectionPolished,
    SectionReviewed,
    SummaryMade,
    TextDelta,
    Thinking,
)
from lwtui.agentwrite.json_answers import check_follows_instructions
from lwtui.agentwrite.judge_check import check_judge
from lwtui.agentwrite.length_habits import LengthHabits
from lwtui.agentwrite.lint import Finding, lint, parts_of
from lwtui.agentwrite.note_selection import brief_with_notes
from lwtui.agentwrite.notes import always_shown, select_notes
from lwtui.agentwrite.pairwise import is_better
from lwtui.agentwrite.polish_progress import PolishProgress
from lwtui.agentwrite.run_state import RunState
from lwtui.agentwrite.section import SectionWriter
from lwtui.agentwrite.section_review import coverage_points, finding_points, points_list, review_section
from lwtui.agentwrite.section_task import RewriteTask
from lwtui.agentwrite.source_selection import sources_of
from lwtui.agentwrite.write import WorkingDocument, section_task
from lwtui.documents.model import Brief, Mode, Origin, Provenance, Section
from lwtui.documents.outline import section_numbers
from lwtui.documents.stale import fingerprint
from lwtui.models.base import ModelError
from lwtui.models.metering import MeteredTask, UsageTracker
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.sources.support import support_checker
from lwtui.text import count_words, sentences_of
from lwtui.translation import _, english, english_kept, english_of

_SALT = 49_979  # between the seeds of passes
_TOLERANCE = 0.25  # share of its target by which a rewritten section may be off, unless it is nearer than the old one
_COPIED = 0.9  # share of its sentences above which a text is a copy of another
_REPORT_WORDS = 25  # between two reports while a section is rewritten
_SHOWN = (
    Retrying,
    Thinking,
    ReadingPrompt,
    ContextTrimmed,
    NotesLeftOut,
    PassagesLeftOut,
    CitationsDropped,
    CitationsAdded,
    SummaryMade,
)


@dataclass(frozen=True)
class PolishTeam:
    """The models that polish; they may all be the same one.

    Attributes:
        writer: Rewrites sections.
        critic: Makes the criteria and reviews.
        judge: Compares the old and the new text.
    """

    writer: Agent
    critic: Agent
    judge: Agent

    def metered(self, task: MeteredTask) -> PolishTeam:
        """Return a copy whose critic and judge count toward ``task``; a section's writer meters its calls itself.

        The writer learns no lengths from rewritten sections.
        """
        writer = replace(self.writer, lengths=LengthHabits())
        return PolishTeam(writer, self.critic.metered(task), self.judge.metered(task))


async def polish_document(
    team: PolishTeam,
    brief: Brief,
    document: WorkingDocument,
    emit: Emit,
    *,
    criteria: Sequence[str] = (),
    passes: int = 1,
    only: Collection[str] | None = None,
    edited: bool = False,
    progress: PolishProgress | None = None,
    tracker: UsageTracker | None = None,
    expected: Mapping[str, Usage] | None = None,
) -> None:
    """Polish the finished sections of a document.

    Args:
        team: The models.
        brief: What the writer asked for.
        document: The document. It must reflect each event once ``emit`` has returned.
        emit: Awaited for each event, last :class:`~lwtui.agentwrite.events.PolishFinished`.
        criteria: What sections are judged by; without any, the critic makes them from the brief.
        passes: How many passes to make at most.
        only: Ids of the sections to polish; by default, all.
        edited: Whether to include sections that were edited by hand. Those in ``only`` always are.
        progress: Where an interrupted run has stopped. It overrides ``passes``.
        tracker: Counts token usage and enforces the budget.
        expected: The token usage to expect for each section, by id. A section is not started if the budget has no room
            for it.

    Raises:
        LwtuiError: A model is a base model, or the judge cannot judge.
        ModelError: A call failed for good.
        BudgetReached: The budget is used up. Sections that are improved stay improved.
    """
    began = monotonic()
    for agent in (team.critic, team.judge, team.writer):
        check_follows_instructions(agent)
    run = _PolishRun(team, brief, document, emit, tracker or UsageTracker(), expected or {})
    now = progress or PolishProgress(passes)
    left = now.left if now.left is not None else tuple(sections_to_polish(document, only, edited=edited))
    now = replace(now, left=left)
    await run.check_judge(left)
    await run.set_criteria(tuple(criteria))
    while now.left:
        await emit(PolishStarted(now.number, now.passes, now.left, only is None))
        for section_id in now.left:
            if event := await run.polish(section_id, now.number):
                now = now.after(event)
        if now.number >= now.passes:
            break
        now = now.next_pass()
    seconds = round(monotonic() - began, 3)
    await emit(PolishFinished(len(run.taken), len(run.improved), only is None, run.usage, seconds))


def sections_to_polish(
    document: WorkingDocument, only: Collection[str] | None = None, *, edited: bool = False
) -> list[str]:
    """Return the ids of the sections that a pass takes, in the document's order.

    Args:
        document: The document.
        only: Ids of the sections to take; by default, all that are done.
        edited: Whether to include sections that were edited by hand. Those in ``only`` always are.
    """
    return [
        section.id
        for section in document.sections()
        if section.is_finished
        and (section.id in only if only is not None else edited or section.origin is not Origin.USER)
    ]


class _PolishRun:
    def __init__(
        self,
        team: PolishTeam,
        brief: Brief,
        document: WorkingDocument,
        emit: Emit,
        tracker: UsageTracker,
        expected: Mapping[str, Usage],
    ) -> None:
        self._team = team
        # Each section is rewritten with the text before it, however the document was written.
        self._brief = replace(brief, mode=Mode.AGENTWRITE)
        self._document = document
        self._emit = emit
        self._tracker = tracker
        self._expected = expected
        self._criteria: tuple[str, ...] = ()
        self._context = ContextBuilder(team.writer, self._brief, document.summaries)
        self._findings = (0, _PassFindings([], []))  # with the number of their pass
        self.taken: set[str] = set()
        self.improved: set[str] = set()
        self.usage = NO_USAGE

    async def set_criteria(self, criteria: tuple[str, ...]) -> None:
        if not criteria:
            task = self._tracker.task(_("the criteria of a review"))
            critic = self._team.metered(task).critic
            criteria = await make_criteria(critic, self.brief_for(critic), self._emit)
            self.usage += task.usage
            await self._emit(CriteriaMade(criteria))
        self._criteria = criteria

    async def check_judge(self, section_ids: Collection[str]) -> None:
        task = self._tracker.task(_("checking the judge"))
        judge = self._team.metered(task).judge
        sections = [section for section in self._document.sections() if section.id in section_ids]
        brief, plan = self.brief_for(judge), self._document.plan
        await check_judge(judge, brief, plan, sections, self._emit)
        self.usage += task.usage

    def brief_for(self, agent: Agent, section: Section | None = None) -> Brief:
        """Return the brief with the notes that a review or comparison by ``agent`` has room for."""
        notes = self._document.notes
        if section is None:
            return brief_with_notes(self._brief, always_shown(notes), agent.context_length)
        shown = select_notes(notes, section, section.text)
        subject = f"{section.title}\n{section.main_point}\n{section.text}"
        return brief_with_notes(self._brief, shown, agent.context_length, subject)

    async def findings(self, number: int) -> _PassFindings:
        """Return the findings of the built-in checks when pass ``number`` started: in a long text they take seconds."""
        if self._findings[0] != number:
            parts, store = parts_of(self._document.sections()), sources_of(self._document)
            support = support_checker(store, [part.text for part in parts]) if store is not None else None
            with english_kept():
                shown = await asyncio.to_thread(lint, parts, support=support, language=self._brief.language)
            for_model = [replace(finding, message=english_of(finding.message)) for finding in shown]
            self._findings = (number, _PassFindings(shown, for_model))
        return self._findings[1]

    async def polish(self, section_id: str, number: int) -> SectionPolished | None:
        """Polish one section, unless it was removed or changed into something else meanwhile."""
        found = next((one for one in self._document.sections() if one.id == section_id), None)
        if found is None or not found.is_finished:
            return None
        purpose = _("polishing “{title}”", title=found.title) if found.title else _("polishing the text")
        if likely := self._expected.get(section_id):
            self._tracker.check_room(purpose, likely, self._team.writer.prices)
        task = self._tracker.task(purpose, key=f"polish {section_id}", likely_completion=_likely(found))
        polish = _SectionPolish(self, found, number, self._team.metered(task), task)
        event = await polish.run()
        self.usage += task.usage
        self.taken.add(section_id)
        if event.outcome is PolishOutcome.BETTER:
            self.improved.add(section_id)
        return event


@dataclass(frozen=True)
class _PassFindings:
    """What the built-in checks have found: in the user's language, and in English for the model that rewrites."""

    shown: list[Finding]
    for_model: list[Finding]


class _SectionPolish:
    """Polishes one section in one pass."""

    def __init__(self, run: _PolishRun, section: Section, number: int, team: PolishTeam, task: MeteredTask) -> None:
        self._run = run
        self._section = section
        self._number = number
        self._team = team
        self._task = task
        self._began = monotonic()
        plan = run._document.plan
        numbers = section_numbers(plan)
        self._place = (numbers[plan.find(section.id)], numbers[-1])

    async def run(self) -> SectionPolished:
        try:
            return await self._finish(*await self._outcome())
        except ModelError as error:
            if error.kind != "context":
                raise
            return await self._finish(PolishOutcome.TOO_LONG)

    async def _outcome(self) -> tuple[PolishOutcome, str, Provenance | None]:
        run, section = self._run, self._section
        points = await self._review()
        if not points:
            return PolishOutcome.SOUND, "", None
        await self._step(PolishStep.REWRITE)
        text, provenance = await self._rewrite(points, section.text)
        if _is_copy(section.text, text):
            # Small models copy what they are to rewrite. Without seeing it, they write something new.
            text, provenance = await self._rewrite(points, "")
        if not _is_fit(section, text):
            return PolishOutcome.UNFIT, text, provenance
        await self._step(PolishStep.COMPARE)
        better = await is_better(
            self._team.judge,
            run.brief_for(self._team.judge, section),
            run._document.plan,
            section,
            text,
            run._criteria,
            run._emit,
        )
        return PolishOutcome.BETTER if better else PolishOutcome.NOT_BETTER, text, provenance

    async def _review(self) -> tuple[ReviewPoint, ...]:
        run, section = self._run, self._section
        await self._step(PolishStep.REVIEW)
        findings = await run.findings(self._number)
        review = await review_section(
            self._team.critic,
            run.brief_for(self._team.critic, section),
            run._document.plan,
            section,
            run._criteria,
            salt=self._number * _SALT,
            emit=run._emit,
        )
        shown = _points(section, review.points, findings.shown)
        await run._emit(SectionReviewed(section.id, shown, review.dropped))
        with english():
            return _points(section, review.points, findings.for_model)

    async def _rewrite(self, points: Sequence[ReviewPoint], old: str) -> tuple[str, Provenance | None]:
        """Have the section rewritten, with its ``old`` text in the prompt or without."""
        run, section = self._run, self._section
        state = RunState()
        reported = 0

        async def emit(event: Event) -> None:
            nonlocal reported
            state.apply(event)
            if isinstance(event, _SHOWN):
                await run._emit(event)
            elif isinstance(event, TextDelta):
                length = state.runs[section.id].length
                if abs(length - reported) >= _REPORT_WORDS:
                    reported = length
                    await self._step(PolishStep.REWRITE, length)

        target = target_of(section)
        blank = replace(section, words=target, text="", length=0, origin=None)
        task = section_task(self._team.writer, run._brief, run._document, blank, self._number, alone=True)
        task = replace(task, rewrite=RewriteTask(points_list(points), old))
        await SectionWriter(self._team.writer, task, run._context, emit, self._task).run()
        written = state.runs[section.id]
        provenance = written.provenance and replace(written.provenance, task="polish", basis=written.basis)
        return written.text.strip(), provenance

    async def _step(self, step: PolishStep, length: int = 0) -> None:
        section, (position, total) = self._section, self._place
        target = target_of(section) if step is PolishStep.REWRITE else 0
        await self._run._emit(Polishing(section.id, position, total, section.title, step, length, target))

    async def _finish(
        self, outcome: PolishOutcome, text: str = "", provenance: Provenance | None = None
    ) -> SectionPolished:
        section, seconds = self._section, round(monotonic() - self._began, 3)
        event = SectionPolished(
            section.id, outcome, text, fingerprint(section.text), provenance, self._task.usage, seconds
        )
        await self._run._emit(event)
        return event


def target_of(section: Section) -> int:
    """Return how long a rewritten section should be: as planned, or as long as a text that the writer made or took."""
    return section.words if section.words and section.origin is Origin.MODEL else max(1, section.length)


def _is_fit(section: Section, text: str) -> bool:
    """Tell whether a rewritten text is worth a comparison: it differs, leaves nothing out, and fits its length."""
    if not text or _is_copy(section.text, text):
        return False
    if len(missing_points(section.main_point, text)) > len(missing_points(section.main_point, section.text)):
        return False  # small models drop half of a section, and judge that better
    target = target_of(section)
    off, was_off = abs(count_words(text) - target), abs(section.length - target)
    return off <= max(_TOLERANCE * target, was_off)


def _is_copy(old: str, new: str) -> bool:
    """Tell whether a text is the old one but for a few words."""
    if fingerprint(old) == fingerprint(new):
        return True
    before, after = set(sentences_of(old)), sentences_of(new)
    return bool(after) and sum(one in before for one in after) > _COPIED * len(after)


def _likely(section: Section) -> int:
    """Return how many tokens a completion is likely to have: reviews and verdicts are shorter than a rewritten text."""
    return max(300, round(target_of(section) * 1.5))


def _points(
    section: Section, by_critic: tuple[ReviewPoint, ...], findings: Sequence[Finding]
) -> tuple[ReviewPoint, ...]:
    """Return all points of a review. What may be missing is no reason to rewrite a section that is sound otherwise."""
    points = (*by_critic, *finding_points(section, findings))
    return points + coverage_points(section) if points else points

"""Reviews a plan before it is written: points, one revision, and the better of the two plans by comparison.

The critic names gaps, overlaps, faults of order and of balance, each with the steps that it is about. The planner
revises the plan once. A judge compares both plans in both orders, and only two agreeing verdicts replace the plan: a
review that does not win changes nothing. In a plan with chapters, the list of these is reviewed first, and then each
part on its own, so that no answer becomes longer than a model can manage; the prompts show the rest of the plan.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from zlib import crc32

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import (
    PLAN_POINT_KINDS,
    Emit,
    PlanPoint,
    PlanRedrafted,
    PlanReviewed,
    PlanReviewFinished,
    PlanReviewStarted,
    PlanRevised,
    PolishOutcome,
    PolishStep,
    ReviewingPlan,
)
from lwtui.agentwrite.json_answers import (
    INTEGER,
    STRING,
    ask_for_json,
    check_follows_instructions,
    choice_schema,
    list_schema,
    object_schema,
    read_rows,
    string_rule,
)
from lwtui.agentwrite.pairwise import ask_verdict, wins_both
from lwtui.agentwrite.plan_chat import revise_chat
from lwtui.agentwrite.plan_format import MOST_AT_ONCE, Bounds, PlanError, format_plan
from lwtui.agentwrite.plan_nested import sections_within, unplanned
from lwtui.agentwrite.plan_repair import distinct
from lwtui.agentwrite.plan_review_progress import PlanReviewProgress, plan_digest
from lwtui.agentwrite.prompt_builder import ChatPromptBuilder, chapter_list, instruction_of, unit
from lwtui.agentwrite.prompt_templates import language_name
from lwtui.agentwrite.style import text_kind
from lwtui.config import Role
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.outline import has_children, parents, subtree, subtree_totals, with_subsections
from lwtui.documents.plan_edits import rescale, resize
from lwtui.models.base import ModelError
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.text import one_line
from lwtui.translation import _, english

_REVIEW_TOKENS = 900
_MOST_POINTS = 6
_MOST_STEPS = 4  # that a point may be about
_LONGEST = 300  # characters of what is wrong
_SALT = 70_001
_POINT = object_schema(kind=choice_schema(PLAN_POINT_KINDS), steps=list_schema(INTEGER), problem=STRING, advice=STRING)
_SCHEMA = object_schema(points=list_schema(_POINT))
_GRAMMAR = (
    rf'root ::= "{{\"points\": [" (point (", " point){{0,{_MOST_POINTS - 1}}})? "]}}"'
    "\n"
    r'point ::= "{\"kind\": \"" kind "\", \"steps\": [" number (", " number)'
    f"{{0,{_MOST_STEPS - 1}}}"
    r' "], \"problem\": " said ", \"advice\": " said "}"'
    "\n"
    f"kind ::= {' | '.join(json.dumps(json.dumps(kind)[1:-1]) for kind in PLAN_POINT_KINDS)}\n"
    "number ::= [1-9] [0-9]?\n"
) + string_rule("said", 200)


@dataclass(frozen=True)
class PlanTeam:
    """The models that review a plan; they may all be the same one.

    Attributes:
        planner: Revises the plan.
        critic: Reviews it.
        judge: Compares the two plans.
    """

    planner: Agent
    critic: Agent
    judge: Agent


async def review_plan(
    team: PlanTeam,
    brief: Brief,
    plan: Plan,
    emit: Emit,
    *,
    progress: PlanReviewProgress | None = None,
    tracker: UsageTracker | None = None,
    expected: Mapping[str, Usage] | None = None,
) -> Plan:
    """Review a plan, and return the plan that stands.

    Args:
        team: The models.
        brief: What the writer asked for.
        plan: The plan.
        emit: Awaited for each event, last :class:`~lwtui.agentwrite.events.PlanReviewFinished`.
        progress: Where an interrupted review has stopped.
        tracker: Counts token usage and enforces the budget.
        expected: The token usage to expect for each part, by id. A part is not reviewed if the budget has no room.

    Raises:
        LwtuiError: A model is a base model.
        ModelError: A call failed for good.
        BudgetReached: The budget is used up. Parts that are improved stay improved.
    """
    for agent in (team.critic, team.judge, team.planner):
        check_follows_instructions(agent)
    began, tracker = monotonic(), tracker or UsageTracker()
    now, parts = progress or PlanReviewProgress(), parts_to_review(plan)
    left = tuple(part_id for part_id in parts if now.left is None or part_id in now.left)
    if now.left and not left:  # the writer has changed the plan meanwhile
        left = tuple(parts)
    await emit(PlanReviewStarted(left))
    usage, improved = NO_USAGE, 0
    for number, part_id in enumerate(left, 1):
        if part_id and not any(section.id == part_id for section in plan.sections):
            continue  # the review of the chapters has removed it
        purpose = _("the review of the plan")
        if likely := (expected or {}).get(part_id):
            tracker.check_room(purpose, likely, team.planner.prices)
        task = tracker.task(purpose, likely_completion=_likely(plan, part_id))
        metered = PlanTeam(*(agent.metered(task) for agent in (team.planner, team.critic, team.judge)))
        part = _PartReview(metered, brief, plan, part_id, (number, len(left)), emit)
        started, digest = monotonic(), plan_digest(plan)
        resumed = now if now.digest == digest and number == 1 else PlanReviewProgress()
        outcome, plan = await part.run(resumed)
        seconds = round(monotonic() - started, 3)
        await emit(PlanRevised(part_id, outcome, plan, digest, task.usage, seconds))
        usage += task.usage
        improved += outcome is PolishOutcome.BETTER
    await emit(PlanReviewFinished(len(left), improved, usage, round(monotonic() - began, 3)))
    return plan


def parts_to_review(plan: Plan) -> list[str]:
    """Return the ids of the parts that are reviewed one by one; ``""`` stands for the first level of the plan.

    In a plan with chapters, these come first, and then the parts all of whose sections are to have text.
    """
    if not plan.nested:
        return [""] if plan.sections and all(section.words for section in plan.sections) else []
    chapters = part_of(plan, "").sections
    first = [""] if len(chapters) > 1 and all(chapter.words for chapter in chapters) else []
    inside: dict[int, list[PlannedSection]] = {}
    for section, parent in zip(plan.sections, parents(plan), strict=True):
        if parent is not None:
            inside.setdefault(parent, []).append(section)
    return first + [
        plan.sections[at].id
        for at, sections in sorted(inside.items())
        if all(section.words and not has_children(plan, section.id) for section in sections)
    ]


def part_of(plan: Plan, part_id: str) -> Plan:
    """Return a part as a plan of its own, without nesting. Chapters have the lengths of all sections within them."""
    if not part_id:
        totals = subtree_totals(plan, [section.words for section in plan.sections])
        chapters = (
            replace(section, words=words)
            for section, words in zip(plan.sections, totals, strict=True)
            if section.level == 1
        )
        return replace(plan, sections=tuple(chapters))
    at = plan.find(part_id)
    inside = (
        replace(section, level=1)
        for section, parent in zip(plan.sections, parents(plan), strict=True)
        if parent == at and section.words
    )
    return Plan(plan.sections[at].title, tuple(inside))


class _PartReview:
    """Reviews one part of a plan."""

    def __init__(
        self, team: PlanTeam, brief: Brief, plan: Plan, part_id: str, place: tuple[int, int], emit: Emit
    ) -> None:
        self._team = team
        self._plan = plan
        self._part_id = part_id
        self._part = part_of(plan, part_id)
        self._is_chapters = not part_id and plan.nested
        self._brief = replace(brief, words=self._part.words)
        self._place = place
        self._emit = emit
        self._salt = _SALT + crc32(part_id.encode()) % 10_000

    async def run(self, done: PlanReviewProgress) -> tuple[PolishOutcome, Plan]:
        """Review, revise and compare, without the steps that are ``done``. Returns the plan that stands."""
        try:
            points = done.points
            if points is None:
                points = await self._review()
            if not points:
                return PolishOutcome.SOUND, self._plan
            revised = done.revised or await self._revise(points)
            if revised is None:
                return PolishOutcome.UNFIT, self._plan
            await self._step(PolishStep.COMPARE)
            better = await wins_both(
                self._verdict, format_plan(self._part), format_plan(part_of(revised, self._part_id))
            )
        except ModelError as error:
            if error.kind != "context":
                raise
            return PolishOutcome.TOO_LONG, self._plan
        return (PolishOutcome.BETTER, revised) if better else (PolishOutcome.NOT_BETTER, self._plan)

    async def _review(self) -> tuple[PlanPoint, ...]:
        await self._step(PolishStep.REVIEW)
        text = self._render("plan_review", self._team.critic, plan=format_plan(self._part), most=_MOST_POINTS)
        answer = await ask_for_json(
            self._team.critic,
            self._brief,
            text,
            role=Role.CRITIC,
            tokens=_REVIEW_TOKENS,
            salt=self._salt,
            grammar=_GRAMMAR,
            schema=_SCHEMA,
            emit=self._emit,
        )
        points, dropped = read_points(answer, self._part)
        await self._emit(PlanReviewed(self._part_id, points, dropped, plan_digest(self._plan)))
        return points

    async def _revise(self, points: Sequence[PlanPoint]) -> Plan | None:
        """Have the part revised. Returns the whole plan with the revised part, or ``None`` if it is no candidate."""
        await self._step(PolishStep.REWRITE)
        planner, part = self._team.planner, self._part
        assert isinstance(planner.prompts, ChatPromptBuilder)  # see check_follows_instructions
        most_steps = min(planner.profile.max_steps, MOST_AT_ONCE)
        if self._is_chapters:
            usual = Bounds.of_chapters(part.words, most_steps)
        else:
            usual = Bounds.of(part.words, most_steps, planner.lengths.longest(text_kind(self._brief)))
        try:
            revised = await revise_chat(
                planner,
                planner.prompts,
                self._brief,
                part,
                points_text(points),
                self._around(),
                _widened(usual, part),
                self._emit,
                self._salt,
            )
            plan = await self._with_chapters(revised) if self._is_chapters else self._with(revised)
        except PlanError:
            return None
        if format_plan(plan) == format_plan(self._plan):
            return None
        await self._emit(PlanRedrafted(self._part_id, plan))
        return plan

    def _with(self, revised: Plan) -> Plan:
        """Return the whole plan with a revised part. Sections that stay keep their ids."""
        by_title = {section.title.casefold(): section.id for section in self._part.sections}
        sections = [
            replace(section, id=by_title.pop(section.title.casefold(), section.id)) for section in revised.sections
        ]
        if not self._part_id:
            return replace(revised, title=self._plan.title, sections=tuple(sections))
        own = {section.id for section in self._part.sections}
        others = [one for one in self._plan.sections if one.id not in own and one.id != self._part_id]
        part = rescale(distinct(Plan("", tuple(sections)), others), self._part.words)
        return with_subsections(self._plan, self._part_id, part.sections) if part.sections else self._plan

    async def _with_chapters(self, revised: Plan) -> Plan:
        """Return the whole plan with revised chapters. Those that stay keep their sections; new ones are planned.

        Raises:
            PlanError: The model gave no usable sections for a new chapter.
        """
        before = self._plan
        by_title = {section.title.casefold(): section.id for section in self._part.sections}
        sections: list[PlannedSection] = []
        lengths: dict[str, int] = {}
        for chapter in revised.sections:
            if (known := by_title.pop(chapter.title.casefold(), None)) is None:
                sections.append(chapter)
                continue
            first, *within = (before.sections[at] for at in subtree(before, known))
            sections += [replace(first, main_point=chapter.main_point), *within]
            lengths[known] = chapter.words
        plan = Plan(before.title, tuple(sections))
        for section_id, words in lengths.items():
            plan = resize(plan, section_id, words)
        for chapter in unplanned(plan):
            if chapter.id not in lengths:
                plan = await sections_within(self._team.planner, self._brief, plan, chapter.id, self._emit)
        return plan

    async def _verdict(self, first: str, second: str) -> int:
        text = self._render("plan_compare", self._team.judge, first=first, second=second)
        return await ask_verdict(self._team.judge, self._brief, text, self._emit)

    def _render(self, name: str, agent: Agent, **values: object) -> str:
        brief = self._brief
        common = {"words": brief.words, "unit": unit(brief), "around": self._around()}
        return agent.prompts.templates.render(
            name, instruction=instruction_of(brief), language=language_name(brief.language), **(common | values)
        )

    def _around(self) -> str:
        """Return the rest of the plan as a paragraph of a prompt; empty for a plan without parts."""
        if self._is_chapters:
            return (
                "\nThe sections of this plan are the chapters of the document. Each is divided into sections of its "
                "own, which are not in question here.\n"
            )
        if not self._part_id:
            return ""
        parts = chapter_list(self._plan, self._part_id)
        return (
            f"\nThe document has these parts:\n\n{parts}\n\nOnly “{self._part.title}” is in question here. What the "
            "other parts are about is left to them.\n"
        )

    async def _step(self, step: PolishStep) -> None:
        number, total = self._place
        await self._emit(ReviewingPlan(self._part_id, number, total, self._part.title if self._part_id else "", step))


def read_points(answer: str, plan: Plan) -> tuple[tuple[PlanPoint, ...], int]:
    """Return the points in an answer whose steps are in the plan, and how many others were dropped."""
    points: dict[tuple[str, tuple[int, ...]], PlanPoint] = {}
    dropped = 0
    for row in read_rows(answer, "points", "problem")[:_MOST_POINTS]:
        kind, problem = str(row.get("kind", "")).strip().casefold(), one_line(str(row.get("problem", "")))[:_LONGEST]
        given = row.get("steps")
        steps = tuple(dict.fromkeys(given if isinstance(given, list) else [given]))
        valid = bool(steps) and all(type(step) is int and 1 <= step <= len(plan.sections) for step in steps)
        if kind not in PLAN_POINT_KINDS or not problem or not valid:
            dropped += 1
            continue
        steps = steps[:_MOST_STEPS]
        ids = tuple(plan.sections[step - 1].id for step in steps)
        advice = one_line(str(row.get("advice", "")))[:_LONGEST]
        points.setdefault((kind, steps), PlanPoint(kind, steps, ids, problem, advice))
    return tuple(points.values()), dropped


def points_text(points: Sequence[PlanPoint]) -> str:
    """Return points as a Markdown list, for prompts."""
    with english():
        return "\n".join(f"- {point_line(point)}" for point in points)


def point_line(point: PlanPoint) -> str:
    """Return a point as a line, such as ``Overlap, steps 2 and 5: Both tell of soil. Merge them.``."""
    *first, last = map(str, point.steps)
    said = " ".join(part for part in (point.problem, point.advice) if part)
    kind = _kind_name(point.kind)
    if not first:
        return _("{kind}, step {step}: {said}", kind=kind, step=last, said=said)
    return _("{kind}, steps {steps} and {last}: {said}", kind=kind, steps=", ".join(first), last=last, said=said)


def _kind_name(kind: str) -> str:
    match kind:
        case "gap":
            return _("Gap")
        case "overlap":
            return _("Overlap")
        case "order":
            return _("Order")
        case "balance":
            return _("Balance")
    return kind.capitalize()


def _widened(usual: Bounds, plan: Plan) -> Bounds:
    """Return the bounds of a revision: the usual ones, widened to what the plan has already."""
    lengths = [section.words for section in plan.sections]
    return replace(
        usual,
        least_steps=min(usual.least_steps, len(lengths)),
        most_steps=max(usual.most_steps, len(lengths)),
        least_words=min(usual.least_words, *lengths),
        most_words=max(usual.most_words, *lengths),
    )


def _likely(plan: Plan, part_id: str) -> int:
    """Return how many tokens the longest of the answers is likely to have."""
    return max(300, 60 * len(part_of(plan, part_id).sections))

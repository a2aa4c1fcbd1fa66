"""Plans with a chat model: one call for the plan, and another with the findings if the answer is not usable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Emit, PlanRejected, PlanStarted
from lwtui.agentwrite.plan_format import REPAIRS, REPLAN_SALT, Bounds, PlanError, gave_up
from lwtui.agentwrite.plan_repair import distinct, has_looped, parse_plan, parse_step
from lwtui.agentwrite.prompt_builder import ChatPromptBuilder, RejectedPlan
from lwtui.agentwrite.short_calls import ShortAnswer, ask
from lwtui.config import Role
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.outline import count_text_sections, subtree
from lwtui.documents.plan_edits import rescale
from lwtui.models.base import Request
from lwtui.translation import ENGLISH, _, english, language

_CHAPTER_SALT = 1_000
_TRIES = 2  # before a plan that is not quite what was asked for is taken
_TRIES_OF_SMALL = 3  # the same for a small model, of which each answer is another draw


async def plan_chat(agent: Agent, builder: ChatPromptBuilder, brief: Brief, bounds: Bounds, emit: Emit) -> Plan:
    """Ask for a plan until one is usable; see :func:`lwtui.agentwrite.plan.make_plan`."""
    can = agent.model.capabilities
    return await _until_usable(
        agent,
        brief,
        lambda rejected: builder.plan(brief, bounds, can, rejected),
        lambda raw: parse_plan(raw, brief, bounds),
        emit,
    )


async def chapters_chat(agent: Agent, builder: ChatPromptBuilder, brief: Brief, bounds: Bounds, emit: Emit) -> Plan:
    """Ask for the chapters of a long document."""
    can = agent.model.capabilities
    return await _until_usable(
        agent,
        brief,
        lambda rejected: builder.chapters(brief, bounds, can, rejected),
        lambda raw: parse_plan(raw, brief, bounds),
        emit,
    )


async def sections_chat(
    agent: Agent, builder: ChatPromptBuilder, brief: Brief, plan: Plan, section_id: str, bounds: Bounds, emit: Emit
) -> Plan:
    """Ask for the sections of one chapter, none of which repeats a section elsewhere.

    Returns:
        A plan of these sections alone.
    """
    can, chapter_index = agent.model.capabilities, plan.find(section_id)
    chapter, inside = plan.sections[chapter_index], subtree(plan, section_id)
    others = [section for index, section in enumerate(plan.sections) if index not in inside]

    def read(raw: str) -> Plan:
        sections = parse_plan(raw, replace(brief, words=chapter.words), bounds)
        own = rescale(distinct(sections, others), chapter.words)
        if len(own.sections) < bounds.least_steps:
            dropped = len(sections.sections) - len(own.sections)
            finding = _("{count} of its sections say what another part of the document says.", count=dropped)
            raise PlanError(finding, (finding,), raw)
        return own

    found = await _until_usable(
        agent,
        brief,
        lambda rejected: builder.chapter(brief, plan, section_id, bounds, can, rejected),
        read,
        emit,
        salt=(chapter_index + 1) * _CHAPTER_SALT,
        problem=_("The model gave no usable plan of “{title}”", title=chapter.title),
    )
    # A second best plan may still repeat sections elsewhere.
    own = distinct(found, others)
    return rescale(own if own.sections else found, chapter.words)


async def revise_chat(
    agent: Agent,
    builder: ChatPromptBuilder,
    brief: Brief,
    plan: Plan,
    points: str,
    around: str,
    bounds: Bounds,
    emit: Emit,
    salt: int,
) -> Plan:
    """Ask for a plan to be revised.

    Args:
        agent: The model that plans.
        builder: Builds its prompts.
        brief: What the writer asked for; its length is that of the plan.
        plan: The plan, without parts.
        points: What is wrong with it, as a list.
        around: The rest of the document's plan, as a paragraph of the prompt.
        bounds: How many steps the plan may have, and of what lengths.
        emit: Awaited for the streamed text and rejected answers.
        salt: Varies the seed.

    Raises:
        PlanError: No answer was usable.
        ModelError: A call failed for good.
    """
    can = agent.model.capabilities
    return await _until_usable(
        agent,
        brief,
        lambda rejected: builder.revised_plan(brief, plan, points, around, bounds, can, rejected),
        lambda raw: parse_plan(raw, brief, bounds),
        emit,
        salt=salt,
        problem=_("The model gave no usable revision of the plan"),
        advice=_("The plan is unchanged."),
    )


async def replan_chat(
    agent: Agent, builder: ChatPromptBuilder, brief: Brief, plan: Plan, number: int, emit: Emit
) -> Plan:
    """Ask for another idea for section ``number``; see :func:`lwtui.agentwrite.plan.replan_section`."""
    old, can = plan.sections[number - 1], agent.model.capabilities

    def read(raw: str) -> Plan:
        return plan.with_section(_new_idea(raw, old, plan))

    return await _until_usable(
        agent,
        brief,
        lambda _rejected: builder.replan(brief, plan, number, can),
        read,
        emit,
        # The present idea is part of the seed, so that asking again brings another answer.
        salt=REPLAN_SALT + len(old.main_point) * 31 + number,
        problem=_("The model gave no other idea for this section"),
        advice=_("The plan is unchanged."),
    )


async def _until_usable(
    agent: Agent,
    brief: Brief,
    request: Callable[[RejectedPlan | None], Request],
    read: Callable[[str], Plan],
    emit: Emit,
    *,
    salt: int = 0,
    problem: str = "",
    advice: str = "",
) -> Plan:
    """Ask until ``read`` returns a plan. The next request has the findings of its :class:`PlanError`, if they help."""
    rejected: RejectedPlan | None = None
    second_best: Plan | None = None  # not quite what was asked for
    findings: tuple[str, ...] = ()
    # A small model only copies the plan that it is shown; another seed helps, unless it is sampled greedily.
    only_copies = agent.is_small and agent.sampling(brief).temperature != 0
    tries = _TRIES_OF_SMALL if only_copies else _TRIES
    for attempt in range(1, REPAIRS + 2):
        await emit(PlanStarted(attempt))
        shown = None if only_copies else rejected
        prepared = agent.prepared(request(shown), brief, salt + attempt, role=Role.PLAN)
        answer = await ask(agent, prepared, emit, until=has_looped)
        try:
            _reject_if_cut_off(answer)
            return read(answer.text)
        except PlanError as error:
            usable = [plan for plan in (second_best, error.plan) if plan is not None]
            second_best = max(usable, key=count_text_sections, default=None)
            if second_best is not None and attempt >= tries:
                return second_best
            await emit(PlanRejected(attempt, error.findings))
            findings = error.findings
            rejected = RejectedPlan(answer.text, _for_the_model(answer, read, findings))
    assert rejected is not None
    problem = problem or _("The model gave no usable plan")
    advice = advice or _("Try again, another model, or write the plan by hand.")
    raise gave_up(problem, findings, rejected.raw, advice)


def _for_the_model(answer: ShortAnswer, read: Callable[[str], Plan], findings: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is wrong with an answer in English, in which the prompt is; ``findings`` is the user's form of it."""
    if language() == ENGLISH:
        return findings
    with english():
        try:
            _reject_if_cut_off(answer)
            read(answer.text)
        except PlanError as error:
            return error.findings
    return findings


def _reject_if_cut_off(answer: ShortAnswer) -> None:
    """Raise :class:`PlanError` if the answer was cut off: its beginning may look like a shorter plan."""
    if answer.cut:
        finding = _("The answer was cut off before its end; keep it shorter.")
        raise PlanError(finding, (finding,), answer.text)


def _new_idea(raw: str, old: PlannedSection, plan: Plan) -> PlannedSection:
    section = parse_step(raw, old)
    if section.main_point.casefold() == old.main_point.casefold():
        finding = _("The section is the same as before.")
        raise PlanError(finding, (finding,), raw)
    others = [other for other in plan.sections if other.id != old.id]
    if any(other.main_point.casefold() == section.main_point.casefold() for other in others):
        finding = _("The section says what another one says.")
        raise PlanError(finding, (finding,), raw)
    return replace(distinct(Plan("", (section,)), others).sections[0], level=old.level)

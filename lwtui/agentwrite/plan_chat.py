"""Planning with a chat model: one call for the plan, and again with the findings where the answer is not usable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Emit, PlanRejected, PlanStarted
from lwtui.agentwrite.plan_format import (
    REPAIRS,
    REPLAN_SALT,
    Bounds,
    PlanError,
    check_plan,
    gave_up,
    parse_plan,
    parse_step,
    said_elsewhere,
)
from lwtui.agentwrite.prompt_builder import ChatPromptBuilder, RejectedPlan
from lwtui.agentwrite.short_calls import ShortAnswer, ask
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.models.base import Request

_CHAPTER_SALT = 1_000


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
    """Ask for the sections of one chapter; returns a plan of these alone. They repeat no other chapter's."""
    can, at = agent.model.capabilities, plan.find(section_id)
    chapter = plan.sections[at]

    def read(raw: str) -> Plan:
        sections = parse_plan(raw, replace(brief, words=chapter.words), bounds)
        if findings := said_elsewhere(sections, plan, section_id):
            raise PlanError(f"The plan cannot be used: {findings[0]}", tuple(findings), raw)
        return sections

    return await _until_usable(
        agent,
        brief,
        lambda rejected: builder.chapter(brief, plan, section_id, bounds, can, rejected),
        read,
        emit,
        salt=(at + 1) * _CHAPTER_SALT,
        what=f"usable plan of “{chapter.title}”",
    )


async def replan_chat(
    agent: Agent, builder: ChatPromptBuilder, brief: Brief, plan: Plan, number: int, emit: Emit
) -> Plan:
    """Ask for another idea for section ``number``; see :func:`lwtui.agentwrite.plan.replan_section`."""
    old, can = plan.sections[number - 1], agent.model.capabilities

    def read(raw: str) -> Plan:
        changed = plan.with_section(_new_idea(raw, old))
        if findings := check_plan(changed):
            raise PlanError(findings[0], tuple(findings), raw)
        return changed

    return await _until_usable(
        agent,
        brief,
        lambda _: builder.replan(brief, plan, number, can),
        read,
        emit,
        # The present idea is part of the seed, so that asking twice does not bring the same answer.
        salt=REPLAN_SALT + len(old.main_point) * 31 + number,
        what="other idea for this section",
        advice="The plan is unchanged.",
    )


async def _until_usable(
    agent: Agent,
    brief: Brief,
    request: Callable[[RejectedPlan | None], Request],
    read: Callable[[str], Plan],
    emit: Emit,
    *,
    salt: int = 0,
    what: str = "usable plan",
    advice: str = "Try again, another model, or write the plan by hand.",
) -> Plan:
    """Ask until ``read`` makes a plan of the answer; what its :class:`PlanError` found goes into the next request."""
    rejected: RejectedPlan | None = None
    for attempt in range(1, REPAIRS + 2):
        await emit(PlanStarted(attempt))
        answer = await ask(agent, agent.prepared(request(rejected), brief, salt + attempt), emit)
        try:
            _check_whole(answer)
            return read(answer.text)
        except PlanError as error:
            await emit(PlanRejected(attempt, error.findings))
            rejected = RejectedPlan(answer.text, error.findings)
    assert rejected is not None
    raise gave_up(what, rejected.findings, rejected.raw, advice)


def _check_whole(answer: ShortAnswer) -> None:
    """Raise :class:`PlanError` for an answer that was cut off, whose beginning may look like a shorter plan."""
    if answer.cut:
        finding = "The answer was cut off before its end; keep it shorter."
        raise PlanError(finding, (finding,), answer.text)


def _new_idea(line: str, old: PlannedSection) -> PlannedSection:
    section = parse_step(line, old)
    if section.main_point.casefold() == old.main_point.casefold():
        finding = "The section is the same as before."
        raise PlanError(finding, (finding,), line)
    return section

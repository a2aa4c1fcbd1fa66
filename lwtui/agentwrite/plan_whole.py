"""Planning with a model that follows instructions: one call, and again with the findings where that cannot be used."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.answers import Answer, ask
from lwtui.agentwrite.events import Event, PlanReady, PlanRejected, PlanStarted
from lwtui.agentwrite.forms import ChatForm, Rejected
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
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.models.base import Request

_CHAPTER_SALT = 1_000


def plan_whole(agent: Agent, form: ChatForm, brief: Brief, bounds: Bounds) -> AsyncGenerator[Event, None]:
    """Ask for a plan until one can be used; see :func:`lwtui.agentwrite.plan.make_plan`."""
    can = agent.model.capabilities
    return _until_usable(
        agent,
        brief,
        lambda rejected: form.plan(brief, bounds, can, rejected),
        lambda raw: parse_plan(raw, brief, bounds),
    )


def chapters_whole(agent: Agent, form: ChatForm, brief: Brief, bounds: Bounds) -> AsyncGenerator[Event, None]:
    """The same for the chapters of a long document."""
    can = agent.model.capabilities
    return _until_usable(
        agent,
        brief,
        lambda rejected: form.chapters(brief, bounds, can, rejected),
        lambda raw: parse_plan(raw, brief, bounds),
    )


def sections_whole(
    agent: Agent, form: ChatForm, brief: Brief, plan: Plan, section_id: str, bounds: Bounds
) -> AsyncGenerator[Event, None]:
    """Ask for the sections of one chapter; ``PlanReady`` then has these alone. They repeat no other chapter's."""
    can, at = agent.model.capabilities, plan.find(section_id)
    chapter = plan.sections[at]

    def read(raw: str) -> Plan:
        sections = parse_plan(raw, replace(brief, words=chapter.words), bounds)
        if findings := said_elsewhere(sections, plan, section_id):
            raise PlanError(f"The plan cannot be used: {findings[0]}", tuple(findings), raw)
        return sections

    return _until_usable(
        agent,
        brief,
        lambda rejected: form.chapter(brief, plan, section_id, bounds, can, rejected),
        read,
        salt=(at + 1) * _CHAPTER_SALT,
        what=f"usable plan of “{chapter.title}”",
    )


async def _until_usable(
    agent: Agent,
    brief: Brief,
    request: Callable[[Rejected | None], Request],
    read: Callable[[str], Plan],
    *,
    salt: int = 0,
    what: str = "usable plan",
) -> AsyncGenerator[Event, None]:
    """Ask until :class:`PlanError` no longer says what is wrong with the answer that ``read`` makes a plan of."""
    rejected: Rejected | None = None
    for attempt in range(1, REPAIRS + 2):
        yield PlanStarted(attempt)
        answer = Answer()
        prepared = agent.prepared(request(rejected), brief, salt + attempt)
        async with aclosing(ask(agent, prepared, answer)) as events:
            async for event in events:
                yield event
        raw = answer.text
        try:
            answer.check_whole(raw)
            plan = read(raw)
        except PlanError as error:
            yield PlanRejected(attempt, error.findings)
            rejected = Rejected(raw, error.findings)
        else:
            yield PlanReady(plan)
            return
    assert rejected is not None
    raise gave_up(what, rejected.findings, rejected.raw, "Try again, another model, or write the plan by hand.")


async def replan_whole(
    agent: Agent, form: ChatForm, brief: Brief, plan: Plan, number: int
) -> AsyncGenerator[Event, None]:
    """Ask for another idea for section ``number``; see :func:`lwtui.agentwrite.plan.replan_section`."""
    old = plan.sections[number - 1]
    rejected: Rejected | None = None
    for attempt in range(1, REPAIRS + 2):
        yield PlanStarted(attempt)
        request = form.replan(brief, plan, number, agent.model.capabilities)
        # The idea that stands now is part of the seed, so that asking twice does not bring the same answer.
        salt = REPLAN_SALT + attempt + len(old.main_point) * 31 + number
        answer = Answer()
        async with aclosing(ask(agent, agent.prepared(request, brief, salt), answer)) as events:
            async for event in events:
                yield event
        raw = answer.text
        try:
            answer.check_whole(raw)
            changed = plan.with_section(_new_idea(raw, old))
            findings = tuple(check_plan(changed))
        except PlanError as error:
            findings = error.findings
        if not findings:
            yield PlanReady(changed)
            return
        yield PlanRejected(attempt, findings)
        rejected = Rejected(raw, findings)
    assert rejected is not None
    raise gave_up("other idea for this section", rejected.findings, rejected.raw, "The plan is unchanged.")


def _new_idea(line: str, old: PlannedSection) -> PlannedSection:
    section = parse_step(line, old)
    if section.main_point.casefold() == old.main_point.casefold():
        finding = "The section is the same as before."
        raise PlanError(finding, (finding,), line)
    return section

"""Planning with a model that follows instructions: one call, and again with the findings where that cannot be used."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

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
)
from lwtui.documents.model import Brief, Plan, PlannedSection


async def plan_whole(agent: Agent, form: ChatForm, brief: Brief, bounds: Bounds) -> AsyncGenerator[Event, None]:
    """Ask for a plan until one can be used; see :func:`lwtui.agentwrite.plan.make_plan`."""
    rejected: Rejected | None = None
    for attempt in range(1, REPAIRS + 2):
        yield PlanStarted(attempt)
        request = form.plan(brief, bounds, agent.model.capabilities, rejected)
        answer = Answer()
        async with aclosing(ask(agent, agent.prepared(request, brief, attempt), answer)) as events:
            async for event in events:
                yield event
        raw = answer.text
        try:
            answer.check_whole(raw)
            plan = parse_plan(raw, brief, bounds)
        except PlanError as error:
            yield PlanRejected(attempt, error.findings)
            rejected = Rejected(raw, error.findings)
        else:
            yield PlanReady(plan)
            return
    assert rejected is not None
    raise gave_up(
        "usable plan", rejected.findings, rejected.raw, "Try again, another model, or write the plan by hand."
    )


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

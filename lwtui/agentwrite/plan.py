"""Planning: from an instruction to a checked plan."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event
from lwtui.agentwrite.forms import ChatForm, CompletionForm
from lwtui.agentwrite.plan_format import NESTED_FROM, Bounds
from lwtui.agentwrite.plan_nested import plan_nested
from lwtui.agentwrite.plan_steps import plan_by_steps, replan_by_steps
from lwtui.agentwrite.plan_whole import plan_whole, replan_whole
from lwtui.documents.model import Brief, Plan, PlannedSection, title_from


async def make_plan(agent: Agent, brief: Brief, begun: Plan | None = None) -> AsyncGenerator[Event, None]:
    """Ask for a plan until one can be used: what cannot is asked for again, at most ``REPAIRS`` times.

    A long document (above ``NESTED_FROM`` words) is planned in chapters, and then each chapter in sections; the plan
    so far comes as :class:`~lwtui.agentwrite.events.PlanGrew`, and given as ``begun`` it is gone on with.

    Ends with :class:`~lwtui.agentwrite.events.PlanReady`. Raises :class:`~lwtui.agentwrite.plan_format.PlanError`,
    which keeps what came, or :class:`~lwtui.models.base.ModelError`.
    """
    async with aclosing(_planning(agent, brief, begun)) as events:
        async for event in events:
            yield event


def _planning(agent: Agent, brief: Brief, begun: Plan | None) -> AsyncGenerator[Event, None]:
    if begun is not None or brief.words > NESTED_FROM:
        return plan_nested(agent, brief, begun)
    bounds = Bounds.of(brief.words, agent.profile.most_steps)
    match agent.form:
        case CompletionForm() as form:
            return plan_by_steps(agent, form, brief, bounds)
        case ChatForm() as form:
            return plan_whole(agent, form, brief, bounds)
    raise TypeError(f"no way to plan in the form {agent.form!r}")


async def replan_section(agent: Agent, brief: Brief, plan: Plan, section_id: str) -> AsyncGenerator[Event, None]:
    """Ask for another idea for one section. Ends with ``PlanReady``: the plan with that section replaced.

    Its target and id stay. Raises as :func:`make_plan` does, and ``KeyError`` for a section that is not in the plan.
    """
    number = plan.find(section_id) + 1
    match agent.form:
        case CompletionForm() as form:
            planning = replan_by_steps(agent, form, brief, plan, number)
        case ChatForm() as form:
            planning = replan_whole(agent, form, brief, plan, number)
        case _:
            raise TypeError(f"no way to plan in the form {agent.form!r}")
    async with aclosing(planning) as events:
        async for event in events:
            yield event


def direct_plan(brief: Brief) -> Plan:
    """The plan of direct mode: the document is one section without a heading of its own."""
    return Plan(title_from(brief.instruction), (PlannedSection("", brief.instruction, brief.words),))

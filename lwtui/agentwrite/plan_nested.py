"""Planning a long document in two steps: its chapters first, then the sections of each in a call of its own.

No call is asked for more than a model can hold in one answer, and each chapter's call sees all chapters. What has
been planned is told as it comes (:class:`PlanGrew`), so that a plan that is broken off goes on where it was.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event, PlanGrew, PlanReady
from lwtui.agentwrite.forms import ChatForm, CompletionForm
from lwtui.agentwrite.plan_format import MOST_AT_ONCE, Bounds
from lwtui.agentwrite.plan_steps import plan_by_steps, sections_by_steps
from lwtui.agentwrite.plan_whole import chapters_whole, sections_whole
from lwtui.documents.model import DEEPEST, Brief, Plan, PlannedSection
from lwtui.documents.outline import filled, is_group

_WRITTEN_AT_ONCE = 1_500  # words; what is longer is no section yet but a chapter


async def plan_nested(agent: Agent, brief: Brief, begun: Plan | None = None) -> AsyncGenerator[Event, None]:
    """Plan chapters and then sections, or go on with a plan that was ``begun``. See
    :func:`lwtui.agentwrite.plan.make_plan`."""
    plan = begun
    if plan is None:
        async with aclosing(_chapters(agent, brief)) as events:
            async for event in events:
                if isinstance(event, PlanReady):
                    plan = event.plan
                else:
                    yield event
        assert plan is not None
    todo = unplanned(plan)
    chapters = sum(section.level == 1 for section in plan.sections)
    yield PlanGrew(plan, chapters - len(todo), chapters)
    for number, chapter in enumerate(todo, 1):
        async with aclosing(sections_within(agent, brief, plan, chapter.id)) as events:
            async for event in events:
                if isinstance(event, PlanReady):
                    plan = event.plan
                else:
                    yield event
        yield PlanGrew(plan, chapters - len(todo) + number, chapters)
    yield PlanReady(plan)


def unplanned(plan: Plan) -> list[PlannedSection]:
    """The chapters that have no sections yet."""
    return [
        one for one in plan.sections if one.level == 1 and one.words > _WRITTEN_AT_ONCE and not is_group(plan, one.id)
    ]


async def sections_within(agent: Agent, brief: Brief, plan: Plan, section_id: str) -> AsyncGenerator[Event, None]:
    """Break one section of a plan into several within it. Ends with ``PlanReady``: the plan with them.

    Their targets add up to that of the section, which is then a heading alone. Raises as
    :func:`lwtui.agentwrite.plan.make_plan` does, and ``ValueError`` where the outline is as deep as it can be.
    """
    chapter = plan.sections[plan.find(section_id)]
    if chapter.level >= DEEPEST:
        raise ValueError(f"An outline has at most {DEEPEST} levels.")
    bounds = Bounds.of(chapter.words, min(agent.profile.most_steps, MOST_AT_ONCE))
    match agent.form:
        case CompletionForm() as form:
            planning = sections_by_steps(agent, form, brief, plan, section_id, bounds)
        case ChatForm() as form:
            planning = sections_whole(agent, form, brief, plan, section_id, bounds)
        case _:
            raise TypeError(f"no way to plan in the form {agent.form!r}")
    async with aclosing(planning) as events:
        async for event in events:
            if isinstance(event, PlanReady):
                found = event.plan.sections
                yield PlanReady(filled(plan, section_id, found) if found else plan)
            else:
                yield event


def _chapters(agent: Agent, brief: Brief) -> AsyncGenerator[Event, None]:
    bounds = Bounds.of_chapters(brief.words, agent.profile.most_steps)
    match agent.form:
        case CompletionForm() as form:
            return plan_by_steps(agent, form, brief, bounds)
        case ChatForm() as form:
            return chapters_whole(agent, form, brief, bounds)
    raise TypeError(f"no way to plan in the form {agent.form!r}")

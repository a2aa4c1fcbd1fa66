"""Planning a long document in two steps: its chapters first, then the sections of each chapter in a call of its own.

No call asks for more than a model can hold in one answer, and each chapter's call sees all chapters. The plan so far is
emitted as it grows (:class:`PlanGrew`), so that planning that was interrupted goes on where it was.
"""

from __future__ import annotations

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Emit, PlanGrew, ignore
from lwtui.agentwrite.plan_chat import chapters_chat, sections_chat
from lwtui.agentwrite.plan_completion import plan_by_lines, sections_by_lines
from lwtui.agentwrite.plan_format import MOST_AT_ONCE, Bounds
from lwtui.agentwrite.prompt_builder import ChatPromptBuilder, CompletionPromptBuilder
from lwtui.documents.model import DEEPEST, Brief, Plan, PlannedSection
from lwtui.documents.outline import filled, is_group

_LONGEST_SECTION = 1_500  # words; anything longer is a chapter that is not planned yet


async def plan_nested(agent: Agent, brief: Brief, emit: Emit, begun: Plan | None = None) -> Plan:
    """Plan chapters and then sections, or go on with a plan that was ``begun``. See
    :func:`lwtui.agentwrite.plan.make_plan`."""
    plan = begun if begun is not None else await _chapters(agent, brief, emit)
    todo = unplanned(plan)
    chapters = sum(section.level == 1 for section in plan.sections)
    await emit(PlanGrew(plan, chapters - len(todo), chapters))
    for number, chapter in enumerate(todo, 1):
        plan = await sections_within(agent, brief, plan, chapter.id, emit)
        await emit(PlanGrew(plan, chapters - len(todo) + number, chapters))
    return plan


def unplanned(plan: Plan) -> list[PlannedSection]:
    """The chapters that have no sections yet."""
    return [
        one for one in plan.sections if one.level == 1 and one.words > _LONGEST_SECTION and not is_group(plan, one.id)
    ]


async def sections_within(agent: Agent, brief: Brief, plan: Plan, section_id: str, emit: Emit = ignore) -> Plan:
    """Break one section of a plan into several within it.

    Their targets add up to that of the section, which is then a heading alone.

    Returns:
        The plan with them.

    Raises:
        PlanError: No usable answer came.
        ModelError: A fault lasts.
        ValueError: The outline is as deep as it can be.
    """
    chapter = plan.sections[plan.find(section_id)]
    if chapter.level >= DEEPEST:
        raise ValueError(f"An outline has at most {DEEPEST} levels.")
    bounds = Bounds.of(chapter.words, min(agent.profile.most_steps, MOST_AT_ONCE))
    match agent.prompts:
        case CompletionPromptBuilder() as builder:
            found = await sections_by_lines(agent, builder, brief, plan, section_id, bounds, emit)
        case ChatPromptBuilder() as builder:
            found = await sections_chat(agent, builder, brief, plan, section_id, bounds, emit)
        case other:
            raise TypeError(f"There is no way to plan with {other!r}.")
    return filled(plan, section_id, found.sections) if found.sections else plan


async def _chapters(agent: Agent, brief: Brief, emit: Emit) -> Plan:
    bounds = Bounds.of_chapters(brief.words, agent.profile.most_steps)
    match agent.prompts:
        case CompletionPromptBuilder() as builder:
            return await plan_by_lines(agent, builder, brief, bounds, emit)
        case ChatPromptBuilder() as builder:
            return await chapters_chat(agent, builder, brief, bounds, emit)
    raise TypeError(f"There is no way to plan with {agent.prompts!r}.")

"""Plans a long document in two steps: first its chapters, then the sections of each chapter in a call of its own.

No answer becomes longer than a model can manage, and each chapter's call sees all chapters. The plan is emitted as it
grows (:class:`PlanGrew`), so that interrupted planning can resume.
"""

from __future__ import annotations

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Emit, PlanGrew, ignore
from lwtui.agentwrite.plan_chat import chapters_chat, sections_chat
from lwtui.agentwrite.plan_completion import plan_by_lines, sections_by_lines
from lwtui.agentwrite.plan_format import MOST_AT_ONCE, Bounds
from lwtui.agentwrite.prompt_builder import ChatPromptBuilder, CompletionPromptBuilder
from lwtui.agentwrite.style import text_kind
from lwtui.documents.model import MAX_LEVEL, Brief, Plan, PlannedSection
from lwtui.documents.outline import has_children, with_subsections

_LONGEST_SECTION = 1_500  # words; anything longer is a chapter that still needs sections


async def plan_nested(agent: Agent, brief: Brief, emit: Emit, begun: Plan | None = None) -> Plan:
    """Plan chapters and then their sections, or resume the plan ``begun``.

    See :func:`lwtui.agentwrite.plan.plan_document`.
    """
    plan = begun if begun is not None else await _chapters(agent, brief, emit)
    todo = unplanned(plan)
    chapters = sum(section.level == 1 for section in plan.sections)
    await emit(PlanGrew(plan, chapters - len(todo), chapters))
    for number, chapter in enumerate(todo, 1):
        plan = await sections_within(agent, brief, plan, chapter.id, emit)
        await emit(PlanGrew(plan, chapters - len(todo) + number, chapters))
    return plan


def unplanned(plan: Plan) -> list[PlannedSection]:
    """Return the chapters that still need sections."""
    return [
        section
        for section in plan.sections
        if section.level == 1 and section.words > _LONGEST_SECTION and not has_children(plan, section.id)
    ]


async def sections_within(agent: Agent, brief: Brief, plan: Plan, section_id: str, emit: Emit = ignore) -> Plan:
    """Divide one section of a plan into several sections below it.

    Their targets add up to that of the section, which becomes a heading only.

    Returns:
        The plan with the new sections.

    Raises:
        PlanError: The model gave no usable answer.
        ModelError: A call failed for good.
        ValueError: The section is on the deepest level already.
    """
    chapter = plan.sections[plan.find(section_id)]
    if chapter.level >= MAX_LEVEL:
        raise ValueError(f"An outline has at most {MAX_LEVEL} levels.")
    longest = agent.lengths.longest(text_kind(brief))
    bounds = Bounds.of(chapter.words, min(agent.profile.max_steps, MOST_AT_ONCE), longest)
    match agent.prompts:
        case CompletionPromptBuilder() as builder:
            found = await sections_by_lines(agent, builder, brief, plan, section_id, bounds, emit)
        case ChatPromptBuilder() as builder:
            found = await sections_chat(agent, builder, brief, plan, section_id, bounds, emit)
        case other:
            raise TypeError(f"There is no way to plan with {other!r}.")
    return with_subsections(plan, section_id, found.sections) if found.sections else plan


async def _chapters(agent: Agent, brief: Brief, emit: Emit) -> Plan:
    bounds = Bounds.of_chapters(brief.words, agent.profile.max_steps)
    match agent.prompts:
        case CompletionPromptBuilder() as builder:
            return await plan_by_lines(agent, builder, brief, bounds, emit)
        case ChatPromptBuilder() as builder:
            return await chapters_chat(agent, builder, brief, bounds, emit)
    raise TypeError(f"There is no way to plan with {agent.prompts!r}.")

"""Plans a document: from an instruction to a usable plan."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.back_matter import without_back_matter
from lwtui.agentwrite.event_stream import events_of
from lwtui.agentwrite.events import Emit, Event, PlanReady, ignore
from lwtui.agentwrite.note_selection import brief_with_notes
from lwtui.agentwrite.notes import always_shown
from lwtui.agentwrite.plan_chat import plan_chat, replan_chat
from lwtui.agentwrite.plan_completion import plan_by_lines, replan_by_line
from lwtui.agentwrite.plan_format import NESTED_FROM, Bounds
from lwtui.agentwrite.plan_leak import without_leaked_sections
from lwtui.agentwrite.plan_nested import plan_nested
from lwtui.agentwrite.plan_repair import resized
from lwtui.agentwrite.prompt_builder import ChatPromptBuilder, CompletionPromptBuilder
from lwtui.agentwrite.source_selection import brief_with_sources, without_reference_sections
from lwtui.agentwrite.style import text_kind
from lwtui.documents.model import Brief, Plan, PlannedSection, title_from

if TYPE_CHECKING:
    from lwtui.documents.store import Document


def planning_brief(document: Document, agent: Agent) -> Brief:
    """Return a document's brief for a plan, with the notes and sources that the model's context has room for."""
    brief = brief_with_notes(document.brief, always_shown(document.notes), agent.context_length)
    if agent.follows_instructions:
        brief = brief_with_sources(brief, document.source_store, agent.context_length)
    return brief


def make_plan(agent: Agent, brief: Brief, begun: Plan | None = None) -> AsyncGenerator[Event, None]:
    """Plan a document and yield the events, last :class:`~lwtui.agentwrite.events.PlanReady`.

    This is :func:`plan_document` as an async iterator. Closing it cancels the call at once.
    """
    return events_of(lambda emit: plan_document(agent, brief, emit, begun))


async def plan_document(agent: Agent, brief: Brief, emit: Emit = ignore, begun: Plan | None = None) -> Plan:
    """Ask for a plan until one is usable (AgentWrite, step I; arXiv 2408.07055, section 3.1).

    A document above :data:`NESTED_FROM` words is planned in chapters first, and then each chapter in sections.

    Args:
        agent: The model that plans.
        brief: What the writer asked for.
        emit: Awaited for each event: the streamed text, rejected answers, the plan so far
            (:class:`~lwtui.agentwrite.events.PlanGrew`), and last :class:`~lwtui.agentwrite.events.PlanReady`.
        begun: An interrupted plan of chapters to continue.

    Raises:
        PlanError: The model gave no usable plan; the error has its last answer.
        ModelError: A call failed for good.
    """
    bounds: Bounds | None = None
    if begun is not None or brief.words > NESTED_FROM:
        plan = await plan_nested(agent, brief, emit, begun)
    else:
        bounds = Bounds.of(brief.words, agent.profile.max_steps, agent.lengths.longest(text_kind(brief)))
        match agent.prompts:
            case CompletionPromptBuilder() as builder:
                plan = await plan_by_lines(agent, builder, brief, bounds, emit)
            case ChatPromptBuilder() as builder:
                plan = await plan_chat(agent, builder, brief, bounds, emit)
            case other:
                raise TypeError(f"There is no way to plan with {other!r}.")
    rest = without_reference_sections(plan) if brief.sources else plan
    rest = without_back_matter(rest, brief.instruction)
    rest = without_leaked_sections(rest, agent.prompts.templates, brief.instruction)
    if rest is not plan:  # the sections that stay may have become too long for the model
        plan = rest if bounds is None else resized(rest, brief, bounds)
    await emit(PlanReady(plan))
    return plan


async def replan_section(agent: Agent, brief: Brief, plan: Plan, section_id: str, emit: Emit = ignore) -> Plan:
    """Ask for another idea for one section. The section keeps its id and its target.

    Returns:
        The plan with the new section.

    Raises:
        PlanError: The model gave no usable answer.
        ModelError: A call failed for good.
        KeyError: The plan has no such section.
    """
    number = plan.find(section_id) + 1
    match agent.prompts:
        case CompletionPromptBuilder() as builder:
            return await replan_by_line(agent, builder, brief, plan, number, emit)
        case ChatPromptBuilder() as builder:
            return await replan_chat(agent, builder, brief, plan, number, emit)
    raise TypeError(f"There is no way to plan with {agent.prompts!r}.")


def direct_plan(brief: Brief) -> Plan:
    """Return the plan for direct mode: a single section without a heading."""
    return Plan(title_from(brief.instruction), (PlannedSection("", brief.instruction, brief.words),))

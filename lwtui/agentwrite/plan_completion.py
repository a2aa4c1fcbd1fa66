"""Plans with a base model, line by line: each line is checked before the model is asked for the next.

A base model cannot follow rules about a plan as a whole, but it can continue a list, and a line that is not usable is
sampled again alone. The model writes headings and main points; numbers and targets are computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import regex

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Emit, PlanDelta, PlanRejected, PlanStarted
from lwtui.agentwrite.plan_format import REPLAN_SALT, Bounds, PlanError, gave_up
from lwtui.agentwrite.prompt_builder import CompletionPromptBuilder
from lwtui.agentwrite.short_calls import ask, retries_only
from lwtui.config import Role
from lwtui.documents.model import Brief, Plan, PlannedSection, title_from
from lwtui.documents.outline import parents, subtree
from lwtui.documents.plan_edits import rescale
from lwtui.models.base import Request
from lwtui.text import one_line
from lwtui.translation import _

_TEMPERATURE = 0.6  # lower than for prose: a line that strays leads all later ones astray
_MOST_TRIES = 8  # for one line: each costs little
_STEP_SALT = 10_000
_CHAPTER_SALT = 1_000_000
_LONGEST_HEADING = 60  # characters
_LEAST_LETTERS = 3
_LEAST_POINT = 12  # characters
# Two headings, or two main points, are too similar if they have at least this share of words in common.
_SIMILAR_HEADINGS, _SIMILAR_POINTS = 0.6, 0.8
_HEADING_ENDS = (":", "\n", ".", "?", "!", ";", "(", "[", " -", " –", "：", "。", "？", "（")
_POINT_ENDS = ("\n", " (", "[", "? ", "。")
_WORD = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}]+")


@dataclass
class _PlanLine:
    """A line of the plan, and what is wrong with it."""

    heading: str = ""
    point: str = ""
    finding: str = ""


async def plan_by_lines(
    agent: Agent, builder: CompletionPromptBuilder, brief: Brief, bounds: Bounds, emit: Emit
) -> Plan:
    """Ask for a plan line by line; see :func:`lwtui.agentwrite.plan.make_plan`."""
    steps = bounds.likely_steps(brief.words)
    await emit(PlanStarted(1))
    # The title comes from the instruction: a title of the model's own would lead its headings astray.
    plan = Plan(title_from(brief.instruction), ())
    await emit(PlanDelta(f"{plan.title}\n\n"))
    for number in range(1, steps + 1):
        line = await _sample_line(agent, builder, brief, plan, number, number * _STEP_SALT, emit)
        section = PlannedSection(line.heading, line.point, max(1, brief.words // steps))
        plan = replace(plan, sections=(*plan.sections, section))
    return rescale(plan, brief.words)


async def sections_by_lines(
    agent: Agent,
    builder: CompletionPromptBuilder,
    brief: Brief,
    plan: Plan,
    section_id: str,
    bounds: Bounds,
    emit: Emit,
) -> Plan:
    """Ask for the sections of one chapter, line by line.

    The chapter ends when the model gives no usable line.

    Returns:
        A plan of these sections alone. It is empty if there are fewer than two; the chapter is then written as one
        section.
    """
    chapter_index = plan.find(section_id)
    chapter, inside = plan.sections[chapter_index], subtree(plan, section_id)
    others = [section for index, section in enumerate(plan.sections) if index not in inside]
    own = builder.chapter_brief(brief, plan, section_id)
    steps = bounds.likely_steps(chapter.words)
    await emit(PlanStarted(1))
    found = Plan(chapter.title, ())
    for number in range(1, steps + 1):
        salt = (chapter_index + 1) * _CHAPTER_SALT + number * _STEP_SALT
        try:
            line = await _sample_line(agent, builder, own, found, number, salt, emit, others)
        except PlanError:
            break  # the rejected tries were emitted
        found = replace(found, sections=(*found.sections, PlannedSection(line.heading, line.point, 1)))
    if len(found.sections) < 2:
        found = replace(found, sections=())
    return rescale(found, chapter.words)


async def replan_by_line(
    agent: Agent, builder: CompletionPromptBuilder, brief: Brief, plan: Plan, number: int, emit: Emit
) -> Plan:
    """Ask for another idea for section ``number``; see :func:`lwtui.agentwrite.plan.replan_section`."""
    old = plan.sections[number - 1]
    await emit(PlanStarted(1))
    salt = REPLAN_SALT + number * _STEP_SALT + len(old.main_point) * 31
    part, number_in_part = _part_of(plan, number - 1)
    line = await _sample_line(agent, builder, brief, part, number_in_part, salt, emit)
    return plan.with_section(replace(old, title=line.heading, main_point=line.point))


def _part_of(plan: Plan, position: int) -> tuple[Plan, int]:
    """Return the part of the section at ``position`` as a plan of its own, and the section's number there."""
    parent_of = parents(plan)
    parent = parent_of[position]
    siblings = [index for index in range(len(plan.sections)) if parent_of[index] == parent]
    title = plan.title if parent is None else plan.sections[parent].title
    return Plan(title, tuple(plan.sections[index] for index in siblings)), siblings.index(position) + 1


async def _sample_line(
    agent: Agent,
    builder: CompletionPromptBuilder,
    brief: Brief,
    plan: Plan,
    number: int,
    salt: int,
    emit: Emit,
    others: Sequence[PlannedSection] = (),
) -> _PlanLine:
    """Sample line ``number`` until it is usable.

    A usable line is not similar to another line of ``plan``, and has neither the heading nor the main point of a
    section in ``others``.

    Raises:
        PlanError: No try gave a usable line.
    """
    before = _outline(plan, number)
    line = _PlanLine()
    for attempt in range(1, _MOST_TRIES + 1):
        seed = salt + attempt
        temperature = min(1.1, _TEMPERATURE + 0.1 * (attempt - 1))
        request = builder.plan_line(brief, before, _HEADING_ENDS)
        line = _PlanLine(_strip_marks(await _sample(agent, request, brief, seed, temperature, emit)))
        request = builder.plan_line(brief, f"{before} {line.heading}:", _POINT_ENDS)
        line.point = _strip_marks(await _sample(agent, request, brief, seed, temperature, emit))
        line.finding = _finding(line, plan.sections, number) or _finding_elsewhere(line, others, number)
        if f". {line.heading}:" in request.prompt.text.removesuffix(f" {line.heading}:"):
            line.finding = line.finding or _(
                "Step {number} copies the example {heading!r}.", number=number, heading=line.heading
            )
        if not line.finding:
            await emit(PlanDelta(f"{number}. {line.heading}: {line.point}\n"))
            return line
        await emit(PlanRejected(attempt, (line.finding,)))
    raw = f"{before} {line.heading}: {line.point}"
    problem = _("The model gave no usable step {number} of the plan", number=number)
    advice = _("Try again, another model, or write it by hand.")
    raise gave_up(problem, (line.finding,), raw, advice, _MOST_TRIES)


async def _sample(agent: Agent, request: Request, brief: Brief, salt: int, temperature: float, emit: Emit) -> str:
    """Ask for a piece of a line. Only retries are emitted; the line is emitted when it is complete."""
    prepared = agent.prepared(request, brief, salt, role=Role.PLAN)
    cool = replace(prepared, sampling=replace(prepared.sampling, temperature=temperature))
    return (await ask(agent, cool, retries_only(emit))).text


def _outline(plan: Plan, number: int) -> str:
    """Return the plan up to the number of step ``number``, for the model to continue."""
    lines = [f"Title: {plan.title}"]
    lines += [
        f"{step}. {section.title}: {section.main_point}" for step, section in enumerate(plan.sections[: number - 1], 1)
    ]
    return "\n".join([*lines, f"{number}."])


def _strip_marks(text: str) -> str:
    """Return a piece of a line without the marks around it."""
    return one_line(text).strip(" *_#\"“”'`|:：,，-–—")


def _finding(line: _PlanLine, sections: Sequence[PlannedSection], number: int) -> str:
    """Return what is wrong with step ``number``, or an empty string."""
    if len(regex.findall(r"\p{L}", line.heading)) < _LEAST_LETTERS and not regex.search(r"\p{Han}", line.heading):
        return _("Step {number} has no heading.", number=number)
    if len(line.heading) > _LONGEST_HEADING:
        return _("The heading of step {number} is too long: {heading!r}.", number=number, heading=line.heading[:60])
    if len(line.point) < _LEAST_POINT and not regex.search(r"\p{Han}", line.point):
        return _("Step {number} does not say what it is about: {point!r}.", number=number, point=line.point)
    for step, other in enumerate(sections, 1):
        if line.heading.casefold() == other.title.casefold():
            return _(
                "The heading {heading!r} is used for steps {step} and {number}; each must differ.",
                heading=line.heading,
                step=step,
                number=number,
            )
        points, headings = _similarity(line.point, other.main_point), _similarity(line.heading, other.title)
        if points >= _SIMILAR_POINTS or headings >= _SIMILAR_HEADINGS:
            return _("Step {number} says what step {step} says; each must differ.", number=number, step=step)
    return ""


def _finding_elsewhere(line: _PlanLine, others: Sequence[PlannedSection], number: int) -> str:
    """Return which section elsewhere in the document step ``number`` repeats, or an empty string."""
    for other in others:
        if line.heading.casefold() == other.title.casefold() or line.point.casefold() == other.main_point.casefold():
            return _(
                "Step {number} is one of another part, {title!r}; each must differ.", number=number, title=other.title
            )
    return ""


def _similarity(first: str, second: str) -> float:
    """Return the share of words that two lines have in common (Jaccard similarity), ignoring short words."""
    words, others = _content_words(first), _content_words(second)
    return len(words & others) / max(1, len(words | others))


def _content_words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text) if len(word) > 3 or not word.isascii()}

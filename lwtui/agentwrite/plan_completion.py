"""Planning with a base model: line by line, each checked before the next is asked for.

A base model does not follow rules about a plan as a whole, but it carries a list on, and a line that is not usable is
drawn again alone. The model writes headings and main points; their numbers and targets are ours.
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
from lwtui.documents.model import Brief, Plan, PlannedSection, title_from
from lwtui.documents.outline import block, parents
from lwtui.documents.plan_edits import rescale
from lwtui.models.base import Request
from lwtui.text import one_line

# Plans are drawn with less chance than prose: a line that strays takes all after it along.
_TEMPERATURE = 0.6
_DRAWS = 8  # of one line: it costs little, and there is nothing to learn from what was wrong
_STEP_SALT = 10_000
_CHAPTER_SALT = 1_000_000
_LONGEST_HEADING = 60  # characters
_LEAST_LETTERS = 3
_LEAST_POINT = 12  # characters
# The share of words in common from which two headings, or two main points, say the same.
_ALIKE_HEADINGS, _ALIKE_POINTS = 0.6, 0.8
_HEADING_ENDS = (":", "\n", ".", "?", "!", ";", "(", "[", " -", " –", "：", "。", "？", "（")
_POINT_ENDS = ("\n", " (", "[", "? ", "。")
_WORD = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}]+")


@dataclass
class _PlanLine:
    """A line as far as it is known, and what is wrong with it."""

    heading: str = ""
    point: str = ""
    finding: str = ""


async def plan_by_lines(
    agent: Agent, builder: CompletionPromptBuilder, brief: Brief, bounds: Bounds, emit: Emit
) -> Plan:
    """Ask for a plan line by line; see :func:`lwtui.agentwrite.plan.make_plan`."""
    steps = bounds.likely_steps(brief.words)
    await emit(PlanStarted(1))
    # A title of the model's own would lead its headings astray.
    plan = Plan(title_from(brief.instruction), ())
    await emit(PlanDelta(f"{plan.title}\n\n"))
    for number in range(1, steps + 1):
        line = await _draw_line(agent, builder, brief, plan, number, number * _STEP_SALT, emit)
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
    """Ask for the sections of one chapter; returns a plan of these alone.

    Where no usable line comes, the chapter ends with the one before. A chapter of which not even two came has no
    sections: it can be written as it is.
    """
    at = plan.find(section_id)
    chapter, inside = plan.sections[at], block(plan, section_id)
    others = [one for place, one in enumerate(plan.sections) if place not in inside]
    own = builder.chapter_brief(brief, plan, section_id)
    steps = bounds.likely_steps(chapter.words)
    await emit(PlanStarted(1))
    found = Plan(chapter.title, ())
    for number in range(1, steps + 1):
        salt = (at + 1) * _CHAPTER_SALT + number * _STEP_SALT
        try:
            line = await _draw_line(agent, builder, own, found, number, salt, emit, others)
        except PlanError:
            break  # PlanRejected was emitted
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
    part, place = _part(plan, number - 1)
    line = await _draw_line(agent, builder, brief, part, place, salt, emit)
    return plan.with_section(replace(old, title=line.heading, main_point=line.point))


def _part(plan: Plan, at: int) -> tuple[Plan, int]:
    """The part that a section is in as a plan of its own, and the section's number there."""
    above = parents(plan)
    parent = above[at]
    places = [one for one in range(len(plan.sections)) if above[one] == parent]
    title = plan.title if parent is None else plan.sections[parent].title
    return Plan(title, tuple(plan.sections[one] for one in places)), places.index(at) + 1


async def _draw_line(
    agent: Agent,
    builder: CompletionPromptBuilder,
    brief: Brief,
    plan: Plan,
    number: int,
    salt: int,
    emit: Emit,
    others: Sequence[PlannedSection] = (),
) -> _PlanLine:
    """Draw line ``number`` until it is usable.

    It must not be like another line of ``plan``, nor have the heading or main point of one of ``others``.

    Raises:
        PlanError: No try brought one.
    """
    before = _outline(plan, number)
    line = _PlanLine()
    for attempt in range(1, _DRAWS + 1):
        seed = salt + attempt
        temperature = min(1.1, _TEMPERATURE + 0.1 * (attempt - 1))
        request = builder.plan_line(brief, before, _HEADING_ENDS)
        line = _PlanLine(_tidied(await _draw(agent, request, brief, seed, temperature, emit)))
        request = builder.plan_line(brief, f"{before} {line.heading}:", _POINT_ENDS)
        line.point = _tidied(await _draw(agent, request, brief, seed, temperature, emit))
        line.finding = _finding(line, plan.sections, number) or _taken(line, others, number)
        if f". {line.heading}:" in request.prompt.text.removesuffix(f" {line.heading}:"):
            line.finding = line.finding or f"Step {number} copies the example {line.heading!r}."
        if not line.finding:
            await emit(PlanDelta(f"{number}. {line.heading}: {line.point}\n"))
            return line
        await emit(PlanRejected(attempt, (line.finding,)))
    raw = f"{before} {line.heading}: {line.point}"
    advice = "Try again, another model, or write it by hand."
    raise gave_up(f"usable step {number} of the plan", (line.finding,), raw, advice, _DRAWS)


async def _draw(agent: Agent, request: Request, brief: Brief, salt: int, temperature: float, emit: Emit) -> str:
    """Ask for a piece of a line, which is emitted when the line is whole."""
    prepared = agent.prepared(request, brief, salt)
    cool = replace(prepared, sampling=replace(prepared.sampling, temperature=temperature))
    return (await ask(agent, cool, retries_only(emit))).text


def _outline(plan: Plan, number: int) -> str:
    """The plan up to the point at which step ``number`` begins."""
    lines = [f"Title: {plan.title}"]
    lines += [f"{at}. {one.title}: {one.main_point}" for at, one in enumerate(plan.sections[: number - 1], 1)]
    return "\n".join([*lines, f"{number}."])


def _tidied(text: str) -> str:
    """A piece of a line without marks around it."""
    return one_line(text).strip(" *_#\"“”'`|:：,，-–—")


def _finding(line: _PlanLine, sections: Sequence[PlannedSection], number: int) -> str:
    """What is wrong with step ``number``; empty if nothing is."""
    if len(regex.findall(r"\p{L}", line.heading)) < _LEAST_LETTERS and not regex.search(r"\p{Han}", line.heading):
        return f"Step {number} has no heading."
    if len(line.heading) > _LONGEST_HEADING:
        return f"The heading of step {number} is too long: {line.heading[:60]!r}."
    if len(line.point) < _LEAST_POINT and not regex.search(r"\p{Han}", line.point):
        return f"Step {number} does not say what it is about: {line.point!r}."
    for at, other in enumerate(sections, 1):
        if line.heading.casefold() == other.title.casefold():
            return f"The heading {line.heading!r} is used for steps {at} and {number}; each must differ."
        points, headings = _in_common(line.point, other.main_point), _in_common(line.heading, other.title)
        if points >= _ALIKE_POINTS or headings >= _ALIKE_HEADINGS:
            return f"Step {number} says what step {at} says; each must differ."
    return ""


def _taken(line: _PlanLine, others: Sequence[PlannedSection], number: int) -> str:
    for other in others:
        if line.heading.casefold() == other.title.casefold() or line.point.casefold() == other.main_point.casefold():
            return f"Step {number} is one of another part, {other.title!r}; each must differ."
    return ""


def _in_common(one: str, other: str) -> float:
    """The share of all their words that two lines have in common, from 0 to 1. "How to the" count nothing."""
    words, others = _content(one), _content(other)
    return len(words & others) / max(1, len(words | others))


def _content(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text) if len(word) > 3 or not word.isascii()}

"""How the sections of a plan nest: what is within what, what it is numbered, what a part adds up to.

A plan is a list with levels, as the headings of a Markdown file are. Functions that take a position count from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lwtui.documents.model import DEEPEST, Plan, PlannedSection


def levelled(plan: Plan) -> Plan:
    """The plan with levels that begin at 1 and go down one at a time, at most to ``DEEPEST``."""
    level, sections = 0, []
    for section in plan.sections:
        level = min(max(1, section.level), level + 1, DEEPEST)
        sections.append(section if section.level == level else replace(section, level=level))
    return replace(plan, sections=tuple(sections))


def block(plan: Plan, section_id: str) -> range:
    """The positions of a section and of all that is within it; ``KeyError`` if the plan has none of that id."""
    start = plan.find(section_id)
    level = plan.sections[start].level
    stop = start + 1
    while stop < len(plan.sections) and plan.sections[stop].level > level:
        stop += 1
    return range(start, stop)


def is_group(plan: Plan, section_id: str) -> bool:
    """Whether there are sections within this one."""
    return len(block(plan, section_id)) > 1


def parents(plan: Plan) -> list[int | None]:
    """For each section the position of the one that it is directly within."""
    found: list[int | None] = []
    above: list[int] = []
    for at, section in enumerate(plan.sections):
        while above and plan.sections[above[-1]].level >= section.level:
            above.pop()
        found.append(above[-1] if above else None)
        above.append(at)
    return found


def labels(plan: Plan) -> list[str]:
    """The number of each section as a reader sees it: ``2``, ``2.1``, ``2.1.3``."""
    numbers: list[int] = []
    found = []
    for section in plan.sections:
        depth = min(section.level, len(numbers) + 1)
        numbers[depth:] = []
        if depth > len(numbers):
            numbers.append(0)
        numbers[depth - 1] += 1
        found.append(".".join(map(str, numbers)))
    return found


def sums(plan: Plan, values: Sequence[int]) -> list[int]:
    """What each section adds up to together with all that is within it; ``values`` are the sections' own."""
    found = list(values)
    above = parents(plan)
    for at in range(len(found) - 1, -1, -1):
        parent = above[at]
        if parent is not None:
            found[parent] += found[at]
    return found


def numbers(plan: Plan) -> list[int]:
    """How many sections with text there are up to each one, itself included. For a flat plan: 1, 2, 3."""
    found, count = [], 0
    for section in plan.sections:
        count += section.words > 0
        found.append(count)
    return found


def filled(plan: Plan, section_id: str, within: Sequence[PlannedSection]) -> Plan:
    """The plan with ``within`` one level below a section, in place of what was there; it becomes a heading alone.

    ``within`` may nest: its own levels count from 1.
    """
    places = block(plan, section_id)
    head = plan.sections[places.start]
    lowered = (replace(one, level=one.level + head.level) for one in within)
    sections = (*plan.sections[: places.start], replace(head, words=0), *lowered, *plan.sections[places.stop :])
    return replace(plan, sections=sections)


def to_write(plan: Plan) -> int:
    """How many sections there are to be written: headings alone do not count."""
    return sum(section.words > 0 for section in plan.sections)

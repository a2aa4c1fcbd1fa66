"""The nesting of a plan: subtrees, numbering and totals.

Like the headings of a Markdown file, a plan is a flat list with levels. Positions count from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, wraps
from typing import TypeVar

from lwtui.documents.model import MAX_LEVEL, Plan, PlannedSection

Entry = TypeVar("Entry")
_MOST_PLANS = 8  # whose numbers are kept


class SamePlan:
    """A plan as the key of a cache: equal only to itself, since comparing long plans takes longer than numbering."""

    def __init__(self, plan: Plan) -> None:
        """Make the key."""
        self.plan = plan

    def __hash__(self) -> int:
        return id(self.plan)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SamePlan) and other.plan is self.plan


def _once(function: Callable[[Plan], list[Entry]]) -> Callable[[Plan], list[Entry]]:
    """Compute a list only once for a plan, which never changes: each prompt asks for it several times."""
    computed = lru_cache(maxsize=_MOST_PLANS)(lambda key: function(key.plan))

    @wraps(function)
    def copied(plan: Plan) -> list[Entry]:
        return computed(SamePlan(plan)).copy()

    return copied


def normalize_levels(plan: Plan) -> Plan:
    """Return the plan with levels from 1 to ``MAX_LEVEL``, each at most one deeper than the level before it."""
    level, sections = 0, []
    for section in plan.sections:
        level = min(max(1, section.level), level + 1, MAX_LEVEL)
        sections.append(section if section.level == level else replace(section, level=level))
    return replace(plan, sections=tuple(sections))


def subtree(plan: Plan, section_id: str) -> range:
    """Return the positions of a section and of all sections within it.

    Raises:
        KeyError: The plan has no section of that id.
    """
    start = plan.find(section_id)
    level = plan.sections[start].level
    stop = start + 1
    while stop < len(plan.sections) and plan.sections[stop].level > level:
        stop += 1
    return range(start, stop)


def has_children(plan: Plan, section_id: str) -> bool:
    """Tell whether a section has others within it."""
    return len(subtree(plan, section_id)) > 1


@_once
def parents(plan: Plan) -> list[int | None]:
    """Return the position of each section's parent; ``None`` on the first level."""
    result: list[int | None] = []
    ancestors: list[int] = []
    for at, section in enumerate(plan.sections):
        while ancestors and plan.sections[ancestors[-1]].level >= section.level:
            ancestors.pop()
        result.append(ancestors[-1] if ancestors else None)
        ancestors.append(at)
    return result


@_once
def outline_numbers(plan: Plan) -> list[str]:
    """Return the hierarchical number of each section: ``2``, ``2.1``, ``2.1.3``."""
    numbers: list[int] = []
    result = []
    for section in plan.sections:
        depth = min(section.level, len(numbers) + 1)
        numbers[depth:] = []
        if depth > len(numbers):
            numbers.append(0)
        numbers[depth - 1] += 1
        result.append(".".join(map(str, numbers)))
    return result


def subtree_totals(plan: Plan, values: Sequence[int]) -> list[int]:
    """Add up ``values``, one per section, over each section and all sections within it."""
    totals = list(values)
    parent_of = parents(plan)
    for at in range(len(totals) - 1, -1, -1):
        parent = parent_of[at]
        if parent is not None:
            totals[parent] += totals[at]
    return totals


@_once
def section_numbers(plan: Plan) -> list[int]:
    """Number the sections that have text, as in "section 3 of 12". A heading without text has the number before it."""
    result, count = [], 0
    for section in plan.sections:
        count += section.words > 0
        result.append(count)
    return result


def with_subsections(plan: Plan, section_id: str, subsections: Sequence[PlannedSection]) -> Plan:
    """Replace all sections within a section, which becomes a heading without text.

    Args:
        plan: The plan.
        section_id: The section.
        subsections: The new sections within it. They may be nested; their levels count from 1.
    """
    positions = subtree(plan, section_id)
    parent = plan.sections[positions.start]
    nested = (replace(section, level=section.level + parent.level) for section in subsections)
    before, after = plan.sections[: positions.start], plan.sections[positions.stop :]
    return replace(plan, sections=(*before, replace(parent, words=0), *nested, *after))


def count_text_sections(plan: Plan) -> int:
    """Count the sections that are to have text, without headings alone."""
    return sum(section.words > 0 for section in plan.sections)

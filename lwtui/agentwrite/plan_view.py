"""A plan as a section's prompt shows it: whole while it is short, and never longer than there is room for.

What is shown in less detail is the same for all sections as long as it can be, so that a backend's prefix cache
keeps its worth.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from lwtui.agentwrite.plan_format import format_plan, format_step
from lwtui.documents.model import Plan, PlannedSection
from lwtui.documents.outline import labels, numbers, parents

_LONGEST_POINT = 200  # characters of what a part is about, where not all can be shown
_NEIGHBOURS = 4  # sections before and after the one to be written that are shown in full
_LEAST_NEIGHBOURS = 6  # of which the headings are, where nothing else fits


class Detail(IntEnum):
    """How much of the plan a prompt shows, from everything to what is next to the section."""

    FULL = 0
    HEADINGS = 1  # of every section, and what each part is about
    NEAR = 2  # the headings of this part alone, and the names of the others
    LEAST = 3  # the headings next to it


def view_plan(plan: Plan, number: int, detail: Detail) -> str:
    """The plan for the prompt of the section at position ``number`` (from 1)."""
    match detail:
        case Detail.FULL:
            return format_plan(plan)
        case Detail.HEADINGS:
            return "\n".join(_with_headings(plan))
        case Detail.NEAR:
            return "\n".join(_near(plan, number))
        case Detail.LEAST:
            return _least(plan, number)


def around(plan: Plan, number: int, detail: Detail) -> str:
    """What the plan says of the sections next to ``number``, where :func:`view_plan` shows headings alone."""
    if detail is Detail.FULL:
        return ""
    at, above, counted = number - 1, parents(plan), numbers(plan)
    lines = [_part_line(plan, parent) for parent in _path(plan, at)]
    siblings = [one for one in range(len(plan.sections)) if above[one] == above[at] and plan.sections[one].words]
    here = siblings.index(at) if at in siblings else 0
    near = siblings[max(0, here - _NEIGHBOURS) : here + _NEIGHBOURS + 1]
    lines += [format_step(counted[one], plan.sections[one]) for one in near if one != at]
    return "\n".join(lines)


def titles(plan: Plan, number: int, detail: Detail) -> str:
    """The plan in headings alone, in one line, for a model that carries a text on."""
    at, above = number - 1, parents(plan)
    path = _path(plan, at)
    tops = [one for one in range(len(plan.sections)) if above[one] is None]
    if detail >= Detail.NEAR and len(tops) > 2 * _LEAST_NEIGHBOURS:
        here = tops.index(path[0] if path else at)
        tops = tops[max(0, here - _LEAST_NEIGHBOURS) : here + _LEAST_NEIGHBOURS + 1]
    parts = ["; ".join(plan.sections[one].title for one in tops)]
    for parent in path:
        inner = [one for one in range(len(plan.sections)) if above[one] == parent]
        parts.append(f"{plan.sections[parent].title}: " + "; ".join(plan.sections[one].title for one in inner))
    return ". ".join(parts)


def _path(plan: Plan, at: int) -> list[int]:
    """The positions of the parts that a section is in, the outermost first."""
    above = parents(plan)
    path: list[int] = []
    while (parent := above[at]) is not None:
        path.insert(0, parent)
        at = parent
    return path


def _part_line(plan: Plan, at: int) -> str:
    part = plan.sections[at]
    point = part.main_point if len(part.main_point) <= _LONGEST_POINT else part.main_point[:_LONGEST_POINT] + "…"
    return f"{labels(plan)[at]} {part.title}" + (f": {point}" if point else "")


def _with_headings(plan: Plan) -> Iterator[str]:
    """Each part on a line, and the headings of its sections on the next."""
    counted = numbers(plan)
    run: list[str] = []
    for at, section in enumerate(plan.sections):
        if section.words:
            run.append(f"{counted[at]}. {section.title}")
            continue
        if run:
            yield "; ".join(run)
            run = []
        yield _part_line(plan, at)
    if run:
        yield "; ".join(run)


def _near(plan: Plan, number: int) -> Iterator[str]:
    """The names of all parts, and the headings of the section's own."""
    at, above, named, counted = number - 1, parents(plan), labels(plan), numbers(plan)
    path = set(_path(plan, at))
    siblings = [one for one in range(len(plan.sections)) if above[one] == above[at] and plan.sections[one].words]
    told = False
    for one, section in enumerate(plan.sections):
        if one in siblings:
            if not told:
                yield "; ".join(f"{counted[it]}. {plan.sections[it].title}" for it in siblings)
            told = True
        elif one in path:
            yield _part_line(plan, one)
        elif not section.words and (above[one] is None or above[one] in path):
            yield f"{named[one]} {section.title}"


def _least(plan: Plan, number: int) -> str:
    counted = numbers(plan)
    written = [one for one, section in enumerate(plan.sections) if section.words]
    here = next((place for place, one in enumerate(written) if one >= number - 1), len(written) - 1)
    near = written[max(0, here - _LEAST_NEIGHBOURS) : here + _LEAST_NEIGHBOURS + 1]
    headings = "; ".join(f"{counted[one]}. {_cut(plan.sections[one])}" for one in near)
    return f"{len(written)} sections in all. Those around this one: {headings}"


def _cut(section: PlannedSection) -> str:
    return section.title if len(section.title) <= _LONGEST_POINT else section.title[:_LONGEST_POINT] + "…"

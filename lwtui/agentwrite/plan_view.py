"""Shows a plan in a section's prompt: whole while it is short, and never longer than there is room for.

What is left out is the same for as many sections as possible, so that the backend's prefix cache stays useful.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from enum import IntEnum
from functools import lru_cache

from lwtui.documents.model import Plan, PlannedSection
from lwtui.documents.outline import SamePlan, outline_numbers, parents, section_numbers
from lwtui.text import one_line

_LONGEST_POINT = 200  # characters of a part's main point, or of a heading where nothing else fits
_NEIGHBORS = 4  # sections on either side whose main points are shown beside a plan of headings
_NEIGHBOR_HEADINGS = 6  # headings on either side that are shown where nothing else fits


class Detail(IntEnum):
    """How much of the plan a prompt shows, from all of it to the section's neighbors."""

    FULL = 0
    HEADINGS = 1  # every heading, and the main point of each part
    NEAR = 2  # the headings in the section's own part, and the names of the other parts
    LEAST = 3  # the neighboring headings


class _Outline:
    """A plan together with its numbering. Positions count from 0."""

    def __init__(self, plan: Plan) -> None:
        self.sections = plan.sections
        self.numbers = section_numbers(plan)
        self.outline_numbers = outline_numbers(plan)
        self.parents = parents(plan)
        self.with_text = [position for position, section in enumerate(self.sections) if section.words]
        self._children: defaultdict[int | None, list[int]] = defaultdict(list)
        self._with_text: defaultdict[int | None, list[int]] = defaultdict(list)
        for position, parent in enumerate(self.parents):
            self._children[parent].append(position)
            if self.sections[position].words:
                self._with_text[parent].append(position)

    def line(self, position: int) -> str:
        """A section's number, heading and main point; or those of a part."""
        section = self.sections[position]
        if not section.words:
            return self.part_line(position)
        title, point = one_line(section.title), one_line(section.main_point)
        return f"{self.numbers[position]}. {title}" + (f": {point}" if point and point != title else "")

    def part_line(self, position: int) -> str:
        """A part's number, heading and main point."""
        part = self.sections[position]
        point = part.main_point if len(part.main_point) <= _LONGEST_POINT else part.main_point[:_LONGEST_POINT] + "…"
        return f"{self.outline_numbers[position]} {part.title}" + (f": {point}" if point else "")

    def children(self, parent: int | None) -> Sequence[int]:
        """The positions of the sections directly below ``parent``, or of those on the first level."""
        return self._children.get(parent, ())

    def with_text_in(self, parent: int | None) -> Sequence[int]:
        """The positions of the sections with text directly below ``parent``."""
        return self._with_text.get(parent, ())

    def path(self, position: int) -> list[int]:
        """The positions of the parts that a section is in, the outermost first."""
        path: list[int] = []
        while (parent := self.parents[position]) is not None:
            path.insert(0, parent)
            position = parent
        return path


def view_plan(plan: Plan, number: int, detail: Detail) -> str:
    """Return the plan as the prompt for section ``number`` (its position from 1) shows it."""
    key = SamePlan(plan)
    if detail is Detail.LEAST:
        return _neighboring_headings(_outline(key), number - 1)
    # All prompts of a document show the same, or at least those of the sections of one part.
    return _view(key, detail, _outline(key).parents[number - 1] if detail is Detail.NEAR else None)


@lru_cache(maxsize=8)
def _outline(key: SamePlan) -> _Outline:
    return _Outline(key.plan)


@lru_cache(maxsize=8)
def _view(key: SamePlan, detail: Detail, parent: int | None) -> str:
    outline = _outline(key)
    match detail:
        case Detail.FULL:
            return "\n".join(outline.line(position) for position in range(len(outline.sections)))
        case Detail.HEADINGS:
            return "\n".join(_all_headings(outline))
        case _:
            return "\n".join(_headings_near(outline, parent))


def neighbors(plan: Plan, number: int, detail: Detail) -> str:
    """Return the main points of the sections around section ``number``.

    That is nothing where :func:`view_plan` shows them already, or where as little as possible is to be shown.
    """
    return "" if detail in (Detail.FULL, Detail.LEAST) else _neighbors(SamePlan(plan), number)


@lru_cache(maxsize=8)
def _neighbors(key: SamePlan, number: int) -> str:
    position, outline = number - 1, _outline(key)
    lines = [outline.part_line(parent) for parent in outline.path(position)]
    siblings = outline.with_text_in(outline.parents[position])
    here = siblings.index(position) if position in siblings else 0
    near = siblings[max(0, here - _NEIGHBORS) : here + _NEIGHBORS + 1]
    lines += [outline.line(neighbor) for neighbor in near if neighbor != position]
    return "\n".join(lines)


def headings_line(plan: Plan, number: int, detail: Detail) -> str:
    """Return the plan's headings in one line, for base models."""
    position, outline = number - 1, _outline(SamePlan(plan))
    path = outline.path(position)
    tops = outline.children(None)
    if detail >= Detail.NEAR and len(tops) > 2 * _NEIGHBOR_HEADINGS:
        here = tops.index(path[0] if path else position)
        tops = tops[max(0, here - _NEIGHBOR_HEADINGS) : here + _NEIGHBOR_HEADINGS + 1]
    parts = ["; ".join(plan.sections[top].title for top in tops)]
    for parent in path:
        inner = "; ".join(plan.sections[child].title for child in outline.children(parent))
        parts.append(f"{plan.sections[parent].title}: {inner}")
    return ". ".join(parts)


def _all_headings(outline: _Outline) -> Iterator[str]:
    """Yield each part as a line, and the headings of its sections as the next line."""
    headings: list[str] = []
    for position, section in enumerate(outline.sections):
        if section.words:
            headings.append(f"{outline.numbers[position]}. {section.title}")
            continue
        if headings:
            yield "; ".join(headings)
            headings = []
        yield outline.part_line(position)
    if headings:
        yield "; ".join(headings)


def _headings_near(outline: _Outline, parent: int | None) -> Iterator[str]:
    """Yield the names of all parts, and the headings directly within ``parent``, the section's own part."""
    path = set() if parent is None else {*outline.path(parent), parent}
    siblings = outline.with_text_in(parent)
    own = set(siblings)
    for index, section in enumerate(outline.sections):
        if index in own:
            if index == siblings[0]:
                yield "; ".join(f"{outline.numbers[place]}. {outline.sections[place].title}" for place in siblings)
        elif index in path:
            yield outline.part_line(index)
        elif not section.words and (outline.parents[index] is None or outline.parents[index] in path):
            yield f"{outline.outline_numbers[index]} {section.title}"


def _neighboring_headings(outline: _Outline, position: int) -> str:
    """Return the headings around a section, and how many sections there are."""
    with_text = outline.with_text
    here = min(bisect_left(with_text, position), len(with_text) - 1)
    near = with_text[max(0, here - _NEIGHBOR_HEADINGS) : here + _NEIGHBOR_HEADINGS + 1]
    headings = "; ".join(f"{outline.numbers[index]}. {_shortened(outline.sections[index])}" for index in near)
    return f"{len(with_text)} sections in all. Those around this one: {headings}"


def _shortened(section: PlannedSection) -> str:
    return section.title if len(section.title) <= _LONGEST_POINT else section.title[:_LONGEST_POINT] + "…"

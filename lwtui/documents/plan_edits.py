"""The user's edits of a plan, as pure functions that return a new plan.

All of them raise ``KeyError`` for a section that the plan does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

import regex

from lwtui.documents.model import MAX_LEVEL, Plan, PlannedSection, new_id
from lwtui.documents.outline import has_children, normalize_levels, subtree
from lwtui.documents.section_kind import SectionKind
from lwtui.text import count_words, ends_sentence, sentence_ends
from lwtui.translation import _

_CLAUSE = regex.compile(r"[;；:：—–](?=\s|\p{Script=Han})|[,，、](?=\s|\p{Script=Han})|\s(?=(?:and|und|et|y|e)\s)")
_HAN_END = regex.compile(r"\p{Script=Han}[^\p{L}]*$")
_SEMICOLON = regex.compile(r"[;；]")
_LEAST_PART = 3  # words or characters of a part of a main point that could be a section
_FULL_WIDTH = ("。", "！", "？", "；")
_NUMBER = regex.compile(r"^(?P<name>.*\S)\s+\((?P<number>\d{1,3})\)$")
_ITEM = regex.compile(r"(?<=^|[\s.!?;:,。！？；：，])(?P<number>\d{1,2})[.)、]\s*(?=[*\p{L}])")


def insert(plan: Plan, at: int, section: PlannedSection) -> Plan:
    """Insert a section at position ``at``, counted from 0."""
    at = min(max(0, at), len(plan.sections))
    return replace(plan, sections=(*plan.sections[:at], section, *plan.sections[at:]))


def remove(plan: Plan, section_id: str) -> Plan:
    """Remove a section and all sections within it. The targets of the other sections stay the same."""
    positions = subtree(plan, section_id)
    return replace(plan, sections=plan.sections[: positions.start] + plan.sections[positions.stop :])


def move(plan: Plan, section_id: str, by: int) -> Plan:
    """Move a section, with all sections within it, by a number of steps down, or up if negative.

    Each step passes one neighbor on the same level, or crosses into the next part. At either end it stays in place.
    """
    for _step in range(min(abs(by), len(plan.sections))):
        plan = _move_down(plan, section_id) if by > 0 else _move_up(plan, section_id)
    return plan


def _move_down(plan: Plan, section_id: str) -> Plan:
    positions = subtree(plan, section_id)
    if positions.stop == len(plan.sections):
        return plan
    following = plan.sections[positions.stop]
    is_sibling = following.level == plan.sections[positions.start].level
    stop = subtree(plan, following.id).stop if is_sibling else positions.stop + 1
    return _moved(plan, positions, stop)


def _move_up(plan: Plan, section_id: str) -> Plan:
    positions = subtree(plan, section_id)
    level = plan.sections[positions.start].level
    before = [at for at in range(positions.start) if plan.sections[at].level <= level]
    return _moved(plan, positions, before[-1]) if before else plan


def move_before(plan: Plan, section_id: str, other_id: str | None) -> Plan:
    """Move a section, with all sections within it, before another section and to its level; ``None``: to the end.

    It cannot move before a section within itself: then the plan stays the same.
    """
    positions = subtree(plan, section_id)
    to = len(plan.sections) if other_id is None else plan.find(other_id)
    if to in positions or to == positions.stop:
        return plan
    if other_id is not None:
        plan = _shifted(plan, positions, plan.sections[to].level - plan.sections[positions.start].level)
    return normalize_levels(_moved(plan, positions, to))


def indent(plan: Plan, section_id: str) -> Plan:
    """Move a section, with all sections within it, one level down, into the section above it.

    Raises:
        ValueError: There is no such section, or the outline would be too deep.
    """
    positions = subtree(plan, section_id)
    start = positions.start
    if not start or plan.sections[start - 1].level < plan.sections[start].level:
        raise ValueError(_("There is no section above this one that it could move into."))
    if max(plan.sections[at].level for at in positions) >= MAX_LEVEL:
        raise ValueError(_("An outline has at most {count} levels.", count=MAX_LEVEL))
    return _shifted(plan, positions, 1)


def outdent(plan: Plan, section_id: str) -> Plan:
    """Move a section, with all sections within it, one level up.

    The order of the text stays the same, so the siblings that follow are then within the section.

    Raises:
        ValueError: The section is on the first level.
    """
    if plan.sections[plan.find(section_id)].level == 1:
        raise ValueError(_("This section is on the first level."))
    return _shifted(plan, subtree(plan, section_id), -1)


def _moved(plan: Plan, positions: range, to: int) -> Plan:
    """Move the sections at ``positions`` before the section that is now at ``to``."""
    moved = plan.sections[positions.start : positions.stop]
    if to <= positions.start:
        sections = (*plan.sections[:to], *moved, *plan.sections[to : positions.start], *plan.sections[positions.stop :])
    else:
        sections = (*plan.sections[: positions.start], *plan.sections[positions.stop : to], *moved, *plan.sections[to:])
    return normalize_levels(replace(plan, sections=sections))


def _shifted(plan: Plan, positions: range, by: int) -> Plan:
    sections = (
        replace(section, level=section.level + by) if at in positions else section
        for at, section in enumerate(plan.sections)
    )
    return replace(plan, sections=tuple(sections))


def split(plan: Plan, section_id: str) -> tuple[Plan, str]:
    """Split a section in two with half the target each. The main point is split at a sentence or clause if possible.

    Returns:
        The plan, and the id of the new second half.

    Raises:
        ValueError: The section has others within it, or is a heading without text.
    """
    section = plan.sections[plan.find(section_id)]
    if has_children(plan, section_id) or not section.words:
        raise ValueError(_("Only a section with text, and with no sections within it, can be split."))
    first_point, second_point = _halves(section.main_point)
    second = replace(
        section,
        title=_next_title(section.title, plan),
        main_point=second_point,
        words=section.words // 2,
        id=new_id(),
    )
    first = replace(section, main_point=first_point, words=section.words - second.words)
    return insert(plan.with_section(first), plan.find(section_id) + 1, second), second.id


def merge(plan: Plan, section_id: str) -> Plan:
    """Merge a section with the one after it: their main points are joined and their targets added.

    If their kinds differ, the merged section is of the first of them that is not prose.

    Raises:
        ValueError: It is the last section, the two are on different levels, or either has sections within it.
    """
    at = plan.find(section_id)
    if at + 1 == len(plan.sections):
        raise ValueError(_("There is no section after this one to merge with."))
    first, second = plan.sections[at], plan.sections[at + 1]
    if first.level != second.level or has_children(plan, second.id):
        raise ValueError(_("Only two sections on the same level, with no sections within them, can be merged."))
    points = [point for point in (first.main_point.strip(), second.main_point.strip()) if point]
    if len(points) == 2 and points[0] == points[1]:
        points.pop()
    joined = replace(
        first,
        title=first.title or second.title,
        main_point=_joined(points),
        words=first.words + second.words,
        kind=second.kind if first.kind is SectionKind.PROSE else first.kind,
    )
    return remove(plan.with_section(joined), second.id)


def rescale(plan: Plan, words: int) -> Plan:
    """Scale all targets in proportion so that they add up to ``words``, each at least 1 and rounded if possible.

    Headings without text keep the target 0, unless the plan has nothing else.
    """
    return _rescaled(plan, words, range(len(plan.sections)))


def without_sections(plan: Plan, is_dropped: Callable[[PlannedSection], bool]) -> Plan:
    """Return a plan of the same length without some sections; if none is dropped or no text would be left, ``plan``."""
    kept = tuple(section for section in plan.sections if not is_dropped(section))
    if len(kept) == len(plan.sections) or not any(section.words for section in kept):
        return plan
    return normalize_levels(rescale(replace(plan, sections=kept), plan.words))


def resize(plan: Plan, section_id: str, words: int) -> Plan:
    """Scale the targets of a section and all sections within it so that they add up to ``words``."""
    return _rescaled(plan, words, subtree(plan, section_id))


def _rescaled(plan: Plan, words: int, positions: range) -> Plan:
    chosen = [at for at in positions if plan.sections[at].words] or list(positions)
    if not chosen:
        return plan
    weights = [max(1, plan.sections[at].words) for at in chosen]
    scale = words / sum(weights)
    step = 10 if words >= 50 * len(weights) else 1
    # The ends of sections are rounded, not their lengths, so that no section makes up for the rounding of the others.
    ends = [round(reached * scale / step) * step for reached in accumulate(weights)]
    ends[-1] = words
    targets = [max(1, end - start) for start, end in pairwise((0, *ends))]
    while sum(targets) > words and max(targets) > 1:
        targets[targets.index(max(targets))] -= 1
    sections = list(plan.sections)
    for at, target in zip(chosen, targets, strict=True):
        sections[at] = replace(sections[at], words=target)
    return replace(plan, sections=tuple(sections))


def _halves(main_point: str) -> tuple[str, str]:
    """Split a main point at the item, sentence or clause nearest its middle; else both halves are the whole."""
    if len(items := _items_of(main_point)) > 1:
        middle = (len(items) + 1) // 2
        return _joined(items[:middle]), _joined(items[middle:])
    clauses = [match.end() for match in _CLAUSE.finditer(main_point)]
    for ends in (sentence_ends(main_point), [end for end in clauses if main_point[end - 1] in ";；"], clauses):
        inner = [end for end in ends if main_point[:end].strip() and main_point[end:].strip()]
        if inner:
            at = min(inner, key=lambda end: abs(end - len(main_point) / 2))
            return main_point[:at].strip().rstrip(",;:，；：、—–").rstrip(), main_point[at:].strip()
    return main_point, main_point


def has_parts(main_point: str) -> bool:
    """Tell whether a main point has several items, sentences or parts between semicolons that each say something."""
    parts = _items_of(main_point)
    if not parts:
        cuts = sentence_ends(main_point) + [match.end() for match in _SEMICOLON.finditer(main_point)]
        parts = [main_point[start:end] for start, end in pairwise([0, *sorted(cuts), len(main_point)])]
    return sum(count_words(part) >= _LEAST_PART for part in parts) > 1


def _items_of(main_point: str) -> list[str]:
    """Return what stands before a numbered list within a main point, and its items; nothing without such a list.

    The first number may be 2, where the first item has become the heading.
    """
    marks = list(_ITEM.finditer(main_point))
    numbers = [int(mark["number"]) for mark in marks]
    if len(numbers) < 2 or numbers[0] > 2 or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return []
    stops = [*(mark.start() for mark in marks), len(main_point)]
    items = [main_point[mark.end() : stop] for mark, stop in zip(marks, stops[1:], strict=True)]
    return [item for part in [main_point[: stops[0]], *items] if (item := part.strip().strip(",;:，；：、—–").strip())]


def _joined(points: Sequence[str]) -> str:
    """Join main points, with a semicolon after one that ends no sentence."""
    text = points[0] if points else ""
    for point in points[1:]:
        if not ends_sentence(text):
            text += "；" if _HAN_END.search(text) else ";"
        text += point if text.endswith(_FULL_WIDTH) else f" {point}"
    return text


def _next_title(title: str, plan: Plan) -> str:
    """Return ``title`` with the next number in parentheses that no section of the plan has."""
    if not title:
        return ""
    match = _NUMBER.match(title)
    name, number = (match["name"], int(match["number"])) if match else (title, 1)
    taken = {section.title for section in plan.sections}
    while (new := f"{name} ({number + 1})") in taken:
        number += 1
    return new

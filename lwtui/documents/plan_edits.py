"""What a person can do to a plan: pure functions from a plan to a plan."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise

import regex

from lwtui.documents.model import DEEPEST, Plan, PlannedSection, new_id
from lwtui.text import sentence_ends

_CLAUSE = regex.compile(r"[;；:：—–](?=\s|\p{Script=Han})|[,，、](?=\s|\p{Script=Han})|\s(?=(?:and|und|et|y|e)\s)")
_NUMBER = regex.compile(r"^(?P<name>.*\S)\s+\((?P<number>\d{1,3})\)$")


def levelled(plan: Plan) -> Plan:
    """The plan with levels that begin at 1 and go down one at a time, at most to ``DEEPEST``."""
    level, sections = 0, []
    for section in plan.sections:
        level = min(max(1, section.level), level + 1, DEEPEST)
        sections.append(section if section.level == level else replace(section, level=level))
    return replace(plan, sections=tuple(sections))


def insert(plan: Plan, at: int, section: PlannedSection) -> Plan:
    """The plan with ``section`` at position ``at`` (from 0)."""
    at = min(max(0, at), len(plan.sections))
    return replace(plan, sections=(*plan.sections[:at], section, *plan.sections[at:]))


def remove(plan: Plan, section_id: str) -> Plan:
    """The plan without a section; ``KeyError`` if it has none of that id. The other targets stay as they are."""
    at = plan.find(section_id)
    return replace(plan, sections=plan.sections[:at] + plan.sections[at + 1 :])


def move(plan: Plan, section_id: str, by: int) -> Plan:
    """The section ``by`` places further down (negative: up); at the ends it stays."""
    at = plan.find(section_id)
    return insert(remove(plan, section_id), max(0, at + by), plan.sections[at])


def split(plan: Plan, section_id: str) -> tuple[Plan, str]:
    """Cut a section in two of half the target each; the plan and the id of the new second half.

    The main point is divided at a sentence or clause where it has one.
    """
    section = plan.sections[plan.find(section_id)]
    first_point, second_point = _halves(section.main_point)
    second = PlannedSection(_next_title(section.title, plan), second_point, section.words // 2, new_id())
    first = replace(section, main_point=first_point, words=section.words - second.words)
    return insert(plan.with_section(first), plan.find(section_id) + 1, second), second.id


def merge(plan: Plan, section_id: str) -> Plan:
    """Join a section with the one after it: main points and targets add up. ``ValueError`` for the last one."""
    at = plan.find(section_id)
    if at + 1 == len(plan.sections):
        raise ValueError("The last section has none after it to be joined with.")
    first, second = plan.sections[at], plan.sections[at + 1]
    points = [point for point in (first.main_point.strip(), second.main_point.strip()) if point]
    if len(points) == 2 and points[0] == points[1]:
        points.pop()
    joined = replace(
        first,
        title=first.title or second.title,
        main_point=" ".join(points),
        words=first.words + second.words,
    )
    return remove(plan.with_section(joined), second.id)


def rescale(plan: Plan, words: int) -> Plan:
    """All targets scaled in proportion so that they sum to ``words``, each at least 1 and round where there is room."""
    if not plan.sections:
        return plan
    weights = [max(1, section.words) for section in plan.sections]
    scale = words / sum(weights)
    step = 10 if words >= 50 * len(weights) else 1
    # It is the places where sections end that are rounded, so no section carries what the others lost by it.
    ends = [round(reached * scale / step) * step for reached in accumulate(weights)]
    ends[-1] = words
    targets = [max(1, end - start) for start, end in pairwise((0, *ends))]
    while sum(targets) > words and max(targets) > 1:
        targets[targets.index(max(targets))] -= 1
    sections = (replace(one, words=target) for one, target in zip(plan.sections, targets, strict=True))
    return replace(plan, sections=tuple(sections))


def _halves(main_point: str) -> tuple[str, str]:
    """A main point in two, at the sentence's or clause's end nearest its middle; both whole where it has none."""
    for ends in (sentence_ends(main_point), [match.end() for match in _CLAUSE.finditer(main_point)]):
        inner = [end for end in ends if main_point[:end].strip() and main_point[end:].strip()]
        if inner:
            at = min(inner, key=lambda end: abs(end - len(main_point) / 2))
            return main_point[:at].strip().rstrip(",;:，；：、—–").rstrip(), main_point[at:].strip()
    return main_point, main_point


def _next_title(title: str, plan: Plan) -> str:
    """``title`` with the next number in brackets that no section of the plan has."""
    if not title:
        return ""
    match = _NUMBER.match(title)
    name, number = (match["name"], int(match["number"])) if match else (title, 1)
    taken = {section.title for section in plan.sections}
    while (new := f"{name} ({number + 1})") in taken:
        number += 1
    return new

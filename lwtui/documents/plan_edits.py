"""What a person can do to a plan: pure functions from a plan to a plan."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise

import regex

from lwtui.documents.model import DEEPEST, Plan, PlannedSection, new_id
from lwtui.documents.outline import block, is_group, levelled
from lwtui.text import sentence_ends

_CLAUSE = regex.compile(r"[;；:：—–](?=\s|\p{Script=Han})|[,，、](?=\s|\p{Script=Han})|\s(?=(?:and|und|et|y|e)\s)")
_NUMBER = regex.compile(r"^(?P<name>.*\S)\s+\((?P<number>\d{1,3})\)$")


def insert(plan: Plan, at: int, section: PlannedSection) -> Plan:
    """The plan with ``section`` at position ``at`` (from 0)."""
    at = min(max(0, at), len(plan.sections))
    return replace(plan, sections=(*plan.sections[:at], section, *plan.sections[at:]))


def remove(plan: Plan, section_id: str) -> Plan:
    """The plan without a section and what is within it; ``KeyError`` if it has none of that id.

    The other targets stay as they are.
    """
    places = block(plan, section_id)
    return replace(plan, sections=plan.sections[: places.start] + plan.sections[places.stop :])


def move(plan: Plan, section_id: str, by: int) -> Plan:
    """The section ``by`` places further down (negative: up), with what is within it; at the ends it stays.

    It passes its neighbours of the same level, and goes over from one part into the next.
    """
    for _ in range(min(abs(by), len(plan.sections))):
        plan = _down(plan, section_id) if by > 0 else _up(plan, section_id)
    return plan


def _down(plan: Plan, section_id: str) -> Plan:
    places = block(plan, section_id)
    if places.stop == len(plan.sections):
        return plan
    following = plan.sections[places.stop]
    same = following.level == plan.sections[places.start].level
    stop = block(plan, following.id).stop if same else places.stop + 1
    return _moved(plan, places, stop)


def _up(plan: Plan, section_id: str) -> Plan:
    places = block(plan, section_id)
    level = plan.sections[places.start].level
    before = [at for at in range(places.start) if plan.sections[at].level <= level]
    return _moved(plan, places, before[-1]) if before else plan


def move_before(plan: Plan, section_id: str, other_id: str | None) -> Plan:
    """The section, with what is within it, in front of another one and on its level; ``None``: at the end.

    In front of something within itself it stays where it is.
    """
    places = block(plan, section_id)
    to = len(plan.sections) if other_id is None else plan.find(other_id)
    if to in places or to == places.stop:
        return plan
    if other_id is not None:
        plan = _shifted(plan, places, plan.sections[to].level - plan.sections[places.start].level)
    return levelled(_moved(plan, places, to))


def indent(plan: Plan, section_id: str) -> Plan:
    """The section, with what is within it, one level down: it goes within the one above it.

    Raises ``ValueError`` where there is none, or the outline is as deep as it can be.
    """
    places = block(plan, section_id)
    start = places.start
    if not start or plan.sections[start - 1].level < plan.sections[start].level:
        raise ValueError("There is no section above this one that it could go into.")
    if max(plan.sections[at].level for at in places) >= DEEPEST:
        raise ValueError(f"An outline has at most {DEEPEST} levels.")
    return _shifted(plan, places, 1)


def outdent(plan: Plan, section_id: str) -> Plan:
    """The section, with what is within it, one level up. The order of the text stays, so those that follow it on its
    old level are then within it. Raises ``ValueError`` on the first level."""
    if plan.sections[plan.find(section_id)].level == 1:
        raise ValueError("This section is on the first level.")
    return _shifted(plan, block(plan, section_id), -1)


def _moved(plan: Plan, places: range, to: int) -> Plan:
    """The sections at ``places`` in front of the one that is now at ``to``."""
    taken = plan.sections[places.start : places.stop]
    if to <= places.start:
        sections = (*plan.sections[:to], *taken, *plan.sections[to : places.start], *plan.sections[places.stop :])
    else:
        sections = (*plan.sections[: places.start], *plan.sections[places.stop : to], *taken, *plan.sections[to:])
    return levelled(replace(plan, sections=sections))


def _shifted(plan: Plan, places: range, by: int) -> Plan:
    sections = (replace(one, level=one.level + by) if at in places else one for at, one in enumerate(plan.sections))
    return replace(plan, sections=tuple(sections))


def split(plan: Plan, section_id: str) -> tuple[Plan, str]:
    """Cut a section in two of half the target each; the plan and the id of the new second half.

    The main point is divided at a sentence or clause where it has one. Raises ``ValueError`` for a section with
    others within it, and for a heading alone.
    """
    section = plan.sections[plan.find(section_id)]
    if is_group(plan, section_id) or not section.words:
        raise ValueError("Only a section with text of its own and none within it can be split.")
    first_point, second_point = _halves(section.main_point)
    second = PlannedSection(_next_title(section.title, plan), second_point, section.words // 2, new_id(), section.level)
    first = replace(section, main_point=first_point, words=section.words - second.words)
    return insert(plan.with_section(first), plan.find(section_id) + 1, second), second.id


def merge(plan: Plan, section_id: str) -> Plan:
    """Join a section with the one after it: main points and targets add up.

    Raises ``ValueError`` for the last one, and where either has others within it.
    """
    at = plan.find(section_id)
    if at + 1 == len(plan.sections):
        raise ValueError("There is no section after this one to merge with.")
    first, second = plan.sections[at], plan.sections[at + 1]
    if first.level != second.level or is_group(plan, second.id):
        raise ValueError("Only two sections of one level, with none within them, can be merged.")
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
    """All targets scaled in proportion so that they sum to ``words``, each at least 1 and round where there is room.

    Headings alone stay so, unless there is nothing else.
    """
    only = range(len(plan.sections))
    return _rescaled(plan, words, only)


def resize(plan: Plan, section_id: str, words: int) -> Plan:
    """A section, with what is within it, scaled to ``words`` together; the rest stays as it is."""
    return _rescaled(plan, words, block(plan, section_id))


def _rescaled(plan: Plan, words: int, places: range) -> Plan:
    chosen = [at for at in places if plan.sections[at].words] or list(places)
    if not chosen:
        return plan
    weights = [max(1, plan.sections[at].words) for at in chosen]
    scale = words / sum(weights)
    step = 10 if words >= 50 * len(weights) else 1
    # It is the places where sections end that are rounded, so no section carries what the others lost by it.
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

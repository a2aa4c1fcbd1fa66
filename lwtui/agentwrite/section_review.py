"""Has a model review one section against criteria. Each point must quote the section, else it is dropped."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zlib import crc32

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.coverage import missing_points
from lwtui.agentwrite.criteria import criteria_list
from lwtui.agentwrite.events import Emit, ReviewPoint, ignore
from lwtui.agentwrite.json_answers import (
    STRING,
    ask_for_json,
    list_schema,
    object_schema,
    quote_rule,
    read_rows,
    string_rule,
)
from lwtui.agentwrite.lint import Finding, TextPart
from lwtui.agentwrite.prompt_builder import instruction_of
from lwtui.agentwrite.prompt_templates import language_name
from lwtui.agentwrite.quotes import QuoteFinder
from lwtui.config import Role
from lwtui.documents.model import Brief, Plan, Section
from lwtui.documents.outline import section_numbers
from lwtui.sources.support import UNKNOWN_SOURCE, UNSUPPORTED
from lwtui.text import one_line
from lwtui.translation import _

REVIEW_TOKENS = 900  # most tokens of a review
_MOST_POINTS = 5  # in one review
_MOST_FINDINGS = 3  # of the built-in checks, in addition
_LONGEST = 300  # characters of what is wrong
_FOR_A_REWRITE = frozenset(  # kinds of built-in findings that rewriting the section can mend
    {"restated-paragraph", "repeated-span", "repeated-phrase", "repeated-opening", "repeated-conclusion"}
    | {UNSUPPORTED, UNKNOWN_SOURCE}
)
_POINT = object_schema(quote=STRING, problem=STRING, advice=STRING)
_SCHEMA = object_schema(points=list_schema(_POINT))
_GRAMMAR = (
    rf'root ::= "{{\"points\": [" (point (", " point){{0,{_MOST_POINTS - 1}}})? "]}}"'
    "\n"
    r'point ::= "{\"quote\": " quote ", \"problem\": " said ", \"advice\": " said "}"'
    "\n" + string_rule("said", 160)
)


@dataclass(frozen=True)
class SectionReview:
    """The result of a review.

    Attributes:
        points: What is wrong, the worst first.
        dropped: How many other points were dropped, because their quotes are not in the section.
    """

    points: tuple[ReviewPoint, ...]
    dropped: int = 0


async def review_section(
    agent: Agent,
    brief: Brief,
    plan: Plan,
    section: Section,
    criteria: Sequence[str],
    *,
    salt: int = 0,
    emit: Emit = ignore,
) -> SectionReview:
    """Have a model review a section.

    Args:
        agent: The critic.
        brief: What the writer asked for.
        plan: The plan.
        section: The section, with its text.
        criteria: What it is judged by.
        salt: Varies the seed from pass to pass.
        emit: Awaited for retries.

    Raises:
        ModelError: The call failed for good, or the section does not fit the model's context.
        BudgetReached: The budget is used up.
    """
    numbers = section_numbers(plan)
    text = agent.prompts.templates.render(
        "polish_review",
        instruction=instruction_of(brief),
        number=numbers[plan.find(section.id)],
        total=numbers[-1],
        title=section.title or plan.title,
        main_point=section.main_point or section.title or plan.title,
        text=section.text,
        criteria=criteria_list(criteria),
        most=_MOST_POINTS,
        language=language_name(brief.language),
    )
    salt += crc32(section.text.encode("utf-8", "replace")) % 100_000
    answer = await ask_for_json(
        agent,
        brief,
        text,
        role=Role.CRITIC,
        tokens=REVIEW_TOKENS,
        salt=salt,
        grammar=_GRAMMAR + quote_rule(section.text),
        schema=_SCHEMA,
        emit=emit,
    )
    return read_review(answer, section)


def read_review(answer: str, section: Section) -> SectionReview:
    """Return the points in an answer whose quotes are in the section."""
    finder = QuoteFinder([TextPart(section.title, section.text, id=section.id)])
    points: dict[tuple[int, int], ReviewPoint] = {}
    dropped = 0
    for row in read_rows(answer, "points", "quote"):
        place = finder.find(str(row.get("quote", "")))
        problem = one_line(str(row.get("problem", "")))[:_LONGEST]
        if place is None or not problem:
            dropped += 1
            continue
        advice = one_line(str(row.get("advice", "")))[:_LONGEST]
        points.setdefault((place.start, place.end), ReviewPoint(place.quote, problem, advice, place.start, place.end))
    return SectionReview(tuple(points.values())[:_MOST_POINTS], dropped)


def finding_points(section: Section, findings: Collection[Finding]) -> tuple[ReviewPoint, ...]:
    """Return what a section repeats, and what its sources do not say; no model is needed for that.

    Args:
        section: The section.
        findings: The findings of :func:`lwtui.agentwrite.lint.lint` about the whole document.
    """
    points = []
    for finding in findings:
        place = finding.places[0]
        if finding.kind in _FOR_A_REWRITE and place.section_id == section.id and not finding.by_critic:
            points.append(ReviewPoint(place.quote, finding.message, "", place.start, place.end))
    return tuple(points[:_MOST_FINDINGS])


def coverage_points(section: Section) -> tuple[ReviewPoint, ...]:
    """Return what a section may leave out, by its words. It may say these things in other words."""
    missing = missing_points(section.main_point, f"{section.title}\n{section.text}")
    return tuple(
        ReviewPoint("", _("Make sure that it says something about this: {point}", point=point))
        for point in missing[:_MOST_FINDINGS]
    )


def points_list(points: Sequence[ReviewPoint]) -> str:
    """Return points as a Markdown list, for the prompt of the rewrite."""
    return "\n".join(_line(point) for point in points)


def _line(point: ReviewPoint) -> str:
    said = " ".join(part for part in (point.problem, point.advice) if part)
    return f"- “{point.quote}”: {said}" if point.quote else f"- {said}"

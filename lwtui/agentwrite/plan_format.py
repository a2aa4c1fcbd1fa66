"""The text of a plan: reading it strictly, writing it, and a grammar that a constrained decoder keeps to.

The paper's shape of a step is the contract (arXiv 2408.07055, AgentWrite step I)::

    Paragraph 1 - Main Point: <what to say> - Word Count: 400 words

The main point begins with the section's heading and a colon. A ``Title:`` line may stand first. JSON of the form
``{"title", "sections": [{"title", "main_point", "words"}]}`` is read as well.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import regex

from lwtui.documents.model import DEEPEST, Brief, Plan, PlannedSection, title_from
from lwtui.documents.outline import block, labels, levelled, numbers, to_write
from lwtui.documents.plan_edits import rescale
from lwtui.errors import LwtuiError
from lwtui.text import clean, count_words, one_line

REPAIRS = 3  # how often a plan, or a step of one, is asked for again
REPLAN_SALT = 100  # so that another idea is not drawn with the plan's own seed
_STEP_WORDS = (200, 1000)  # the paper's bounds for one step
_LIKELY_STEP = 250
NESTED_FROM = 20_000  # words; a longer document is planned in chapters first, then each chapter in sections
_CHAPTER_WORDS = (2_000, 8_000)
_LIKELY_CHAPTER = 5_000
MOST_AT_ONCE = 40  # steps that one call plans where there are two levels of them
_STEP = regex.compile(
    r"Paragraph\s+(?P<number>\d{1,4})\s*[-–—]\s*Main\s+Point\s*[:：]\s*(?P<point>\S.*?)"
    r"\s*[-–—]\s*Word\s+Count\s*[:：]\s*(?P<words>\d[\d,]{0,7})\s*(?:words?|characters?|字)?\s*\.?",
    regex.IGNORECASE,
)
_TITLE = regex.compile(r"Title\s*[:：]\s*(?P<title>\S.*)", regex.IGNORECASE)
_FENCE = regex.compile(r"```\w*\n(?P<body>.*?)\n?```", regex.DOTALL)


class PlanError(LwtuiError):
    """No usable plan came. ``findings`` say what is wrong with the last one, ``raw`` keeps its text."""

    def __init__(self, message: str, findings: tuple[str, ...], raw: str) -> None:
        super().__init__(message)
        self.findings = findings
        self.raw = raw


def gave_up(what: str, findings: tuple[str, ...], raw: str, advice: str, tries: int = REPAIRS + 1) -> PlanError:
    """The error for a ``what`` that did not come in all the tries; ``raw`` is the last thing that came."""
    return PlanError(f"The model gave no {what} in {tries} tries: {findings[0]} {advice}", findings, raw)


@dataclass(frozen=True)
class Bounds:
    """How many steps a plan of a length may have, and how long each is: in the counter's unit."""

    least_steps: int
    most_steps: int
    least_words: int
    most_words: int
    likely_words: int = _LIKELY_STEP

    @classmethod
    def of(cls, words: int, most_steps: int) -> Bounds:
        """The paper's bounds, widened where ``most_steps`` leaves no other way to reach ``words``."""
        return cls._between(words, most_steps, _STEP_WORDS, _LIKELY_STEP)

    @classmethod
    def of_chapters(cls, words: int, most_steps: int) -> Bounds:
        """Bounds for the chapters of a long document, which are planned in sections one by one afterwards."""
        return cls._between(words, min(most_steps, MOST_AT_ONCE), _CHAPTER_WORDS, _LIKELY_CHAPTER)

    @classmethod
    def _between(cls, words: int, most_steps: int, each: tuple[int, int], likely: int) -> Bounds:
        least_words, most_words = each
        most = max(1, min(most_steps, words // least_words))
        least = min(most, max(1, math.ceil(words / most_words)))
        return cls(least, most, min(least_words, words), max(most_words, math.ceil(words / most)), likely)

    def likely_steps(self, words: int) -> int:
        """A number of steps to ask for where a model is told exactly one: about 250 units each, 5,000 for chapters."""
        return min(self.most_steps, max(self.least_steps, round(words / self.likely_words)))


def parse_plan(raw: str, brief: Brief, bounds: Bounds | None = None) -> Plan:
    """Read a plan strictly. Raises :class:`PlanError` with every finding.

    Targets are scaled in proportion to the brief's length, unless that is 0; all else that is off is a finding.
    """
    text = clean(raw).strip()
    if fenced := _FENCE.fullmatch(text):
        text = fenced["body"].strip()
    plan, findings = (_from_json if text.startswith(("{", "[")) else _from_steps)(text)
    findings = findings or check_plan(plan, bounds)
    if findings:
        raise PlanError(f"The plan cannot be used: {findings[0]}", tuple(findings), raw)
    plan = levelled(replace(plan, title=plan.title or title_from(brief.instruction)))
    if brief.words and plan.words != brief.words:
        plan = rescale(plan, brief.words)
    if bounds and (findings := _check_words(plan, bounds)):
        raise PlanError(f"The plan cannot be used: {findings[0]}", tuple(findings), raw)
    return plan


def parse_step(raw: str, old: PlannedSection) -> PlannedSection:
    """Read one step that is to replace ``old``, whose target and id it takes. Raises :class:`PlanError`."""
    line = clean(raw).strip()
    match = _STEP.fullmatch(line)
    heading, point = _split_point(_unbracketed(match["point"] if match else ""))
    if not point:
        finding = f"The answer is not a step in the shape asked for: {line[:80]!r}."
        raise PlanError(finding, (finding,), raw)
    return PlannedSection(heading, point, old.words, old.id)


def check_plan(plan: Plan, bounds: Bounds | None = None) -> list[str]:
    """What is wrong with a plan that was read: too few or too many steps, or the same one twice."""
    count = to_write(plan)
    if not count:
        return ["It has no steps."]
    findings = []
    if bounds and count > bounds.most_steps:
        findings.append(f"It has {count} steps; use at most {bounds.most_steps}.")
    if bounds and count < bounds.least_steps:
        findings.append(f"It has {count} steps; use at least {bounds.least_steps}.")
    for what, values in (
        ("heading", [section.title for section in plan.sections]),
        ("main point", [section.main_point for section in plan.sections]),
    ):
        for value, times in Counter(value.casefold() for value in values if value).items():
            if times > 1:
                findings.append(f"The {what} {value[:60]!r} is used {times} times; each must differ.")
    return findings


def _check_words(plan: Plan, bounds: Bounds) -> list[str]:
    """Steps that are far out of proportion. What is a little off is the model's own judgement."""
    return [
        f"Step {number} has {section.words} of {plan.words}; give each step {bounds.least_words} to "
        f"{bounds.most_words}."
        for number, section in enumerate(plan.sections, 1)
        if section.words and not bounds.least_words / 4 <= section.words <= bounds.most_words * 2
    ]


def said_elsewhere(steps: Plan, plan: Plan, section_id: str) -> list[str]:
    """Where ``steps``, which are to be within a section, say what is said outside it."""
    inside = block(plan, section_id)
    others = [one for at, one in enumerate(plan.sections) if at not in inside]
    findings = []
    for what, field in (("heading", "title"), ("main point", "main_point")):
        taken = {value.casefold() for one in others if (value := getattr(one, field))}
        for one in steps.sections:
            if (value := getattr(one, field)).casefold() in taken:
                findings.append(f"The {what} {value[:60]!r} is used in another part of the document; each must differ.")
    return findings


def format_plan(plan: Plan) -> str:
    """The plan's steps in the paper's shape, one a line, and before those of a part a line on that."""
    named, counted = labels(plan), numbers(plan)
    return "\n".join(
        format_step(counted[at], section)
        if section.words
        else f"{named[at]} {one_line(section.title)}: {one_line(section.main_point)}".rstrip(": ")
        for at, section in enumerate(plan.sections)
    )


def format_step(number: int, section: PlannedSection) -> str:
    """One step in the paper's shape."""
    title, point = one_line(section.title), one_line(section.main_point)
    if title and _split_point(point) != (title, point):
        point = f"{title}: {point}" if point else title
    return f"Paragraph {number} - Main Point: {point} - Word Count: {section.words} words"


PLAN_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "sections": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "title": {"type": "string"},
                    "main_point": {"type": "string"},
                    "words": {"type": "integer"},
                },
                "required": ["title", "main_point", "words"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["title", "sections"],
    "additionalProperties": False,
}

# What a heading and a main point may hold, so that the step can be read again: one line, no Markdown marks.
_GRAMMAR_PARTS = r"""
heading ::= plain [^\x00-\x1f:#*_`<>|\[\]{}"\\]{3,50}
detail ::= plain [^\x00-\x1f:#*_`<>|\[\]{}"\\-]{30,180}
plain ::= [^\x00-\x20:#*_`<>|\[\]{}"\\-]
count ::= [1-9] [0-9]{1,3}
"""


def plan_grammar(steps: range, lead: str) -> str:
    """GBNF for a title after ``lead`` and then a number of steps within ``steps``."""
    names = [f"step{number}" for number in range(1, steps.stop)]
    optional = ""
    for name in reversed(names[steps.start :]):
        optional = f"({name} {optional})?" if optional else f"({name})?"
    root = f'root ::= "{lead}" heading "\\n" {" ".join(names[: steps.start])} {optional}'.rstrip()
    rules = [f"{name} ::= {_step_rule(f'Paragraph {number} - Main Point: ')}" for number, name in enumerate(names, 1)]
    return "\n".join([root, *rules]) + _GRAMMAR_PARTS


def step_grammar(lead: str) -> str:
    """GBNF for one step that begins with ``lead``."""
    return f"root ::= {_step_rule(lead)}" + _GRAMMAR_PARTS


def _step_rule(lead: str) -> str:
    return f'"{lead}" heading ": " detail " - Word Count: " count " words\\n"'


def _from_json(text: str) -> tuple[Plan, list[str]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Plan("", ()), [f"It is not valid JSON: {error}."]
    if isinstance(value, list):
        value = {"sections": value}
    rows, title = value.get("sections"), value.get("title", "")
    if not isinstance(rows, list):
        return Plan("", ()), ['The JSON object has no list "sections".']
    findings = [] if isinstance(title, str) else ["title must be text."]
    sections = []
    for number, row in enumerate(rows, 1):
        following = rows[number] if number < len(rows) else None
        section = _json_section(row, heads=_level_of(following) > _level_of(row))
        if section is None:
            findings.append(f"Section {number} needs a title and a main_point (texts) and words (a number above 0).")
        else:
            sections.append(section)
    return Plan(one_line(title) if isinstance(title, str) else "", tuple(sections)), findings


def _level_of(row: Any) -> int:
    """The level that a row of a plan in JSON names; 1 if it names none, 0 for what is none."""
    level = row.get("level", 1) if isinstance(row, dict) else 0
    return level if isinstance(level, int) and not isinstance(level, bool) and 1 <= level <= DEEPEST else 0


def _json_section(row: Any, *, heads: bool) -> PlannedSection | None:
    """The section of a row. One that ``heads`` others may be a heading alone."""
    if not isinstance(row, dict) or not (level := _level_of(row)):
        return None
    title, point, words = row.get("title"), row.get("main_point", "" if heads else None), row.get("words")
    if not (isinstance(title, str) and one_line(title) and isinstance(point, str) and (heads or one_line(point))):
        return None
    if not isinstance(words, int) or isinstance(words, bool) or not (0 if heads else 1) <= words < 10_000_000:
        return None
    return PlannedSection(one_line(title), one_line(point), words, level=level)


def _from_steps(text: str) -> tuple[Plan, list[str]]:
    title = ""
    sections: list[PlannedSection] = []
    findings: list[str] = []
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if lines and (match := _TITLE.fullmatch(lines[0])):
        title = match["title"].strip(' "“”*#')
        lines = lines[1:]
    for line in lines:
        match = _STEP.fullmatch(line)
        if match is None:
            findings.append(f"This line is not a step in the shape asked for: {line[:80]!r}.")
            continue
        if int(match["number"]) != len(sections) + 1:
            findings.append(f"Step {len(sections) + 1} was due, but number {match['number']} came.")
        words = int(match["words"].replace(",", ""))
        if words == 0:
            findings.append(f"Step {match['number']} has a word count of 0.")
        heading, point = _split_point(_unbracketed(match["point"]))
        if not point:
            findings.append(f"Step {match['number']} has no main point.")
        sections.append(PlannedSection(heading, point, max(1, words)))
    return Plan(title, tuple(sections)), findings


def _unbracketed(point: str) -> str:
    """Some models keep the brackets in which the shape shows what goes there."""
    point = one_line(point)
    return point[1:-1].strip() if point.startswith("[") and point.endswith("]") else point


def _split_point(point: str) -> tuple[str, str]:
    """Heading and main point of a step; where the heading was left out, the point's first words serve."""
    head, colon, rest = point.replace("：", ":", 1).partition(":")
    head = head.strip(' *"“”')
    if colon and rest.strip() and 0 < count_words(head) <= 14:
        return head, rest.strip()
    clause = regex.split(r"[,;.，。；]\s*|\s+(?=[-–—(])", point, maxsplit=1)[0]
    words = clause.split()
    short = " ".join(words[:8]) if len(words) > 1 else clause[:40]
    return short.strip(' :："“”*') or point[:40], point

"""The text of a plan as a model is asked for it: its bounds, its shape, and a grammar that a decoder keeps to.

The paper's shape of a step is the contract (arXiv 2408.07055, AgentWrite step I)::

    Paragraph 1 - Main Point: <what to say> - Word Count: 400 words

The main point begins with the section's heading and a colon. A section that is not prose has `` - Kind: <kind>`` before
the word count. A ``Title:`` line may stand first. JSON of the form
``{"title", "sections": [{"title", "main_point", "words"}]}`` is asked for where a server takes a schema. What a model
makes of it is read by :mod:`lwtui.agentwrite.plan_parser`.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from lwtui.documents.model import Plan, PlannedSection
from lwtui.documents.outline import outline_numbers, section_numbers
from lwtui.documents.section_kind import SectionKind
from lwtui.errors import LwtuiError
from lwtui.text import one_line
from lwtui.translation import _

REPAIRS = 3  # how often a plan, or a step of one, is asked for again
REPLAN_SALT = 100  # so that another idea is not drawn with the plan's own seed
_STEP_WORDS = (200, 1000)  # the paper's bounds for one step
_LIKELY_STEP = 250
_LEAST_LIMIT = 300  # words that a step may have, however little a model is known to fill
NESTED_FROM = 20_000  # words; a longer document is planned in chapters first, then each chapter in sections
_CHAPTER_WORDS = (2_000, 8_000)
_LIKELY_CHAPTER = 5_000
MOST_AT_ONCE = 40  # steps that one call plans where there are two levels of them


class PlanError(LwtuiError):
    """No usable plan came.

    Attributes:
        findings: What is wrong with the last one, for the user.
        raw: Its text.
        plan: What could be made of it all the same, to fall back on.
    """

    def __init__(self, message: str, findings: tuple[str, ...], raw: str, plan: Plan | None = None) -> None:
        super().__init__(message)
        self.findings = findings
        self.raw = raw
        self.plan = plan


def gave_up(problem: str, findings: tuple[str, ...], raw: str, advice: str, tries: int = REPAIRS + 1) -> PlanError:
    """The error for what did not come in all the tries, as ``problem`` says; ``raw`` is the last thing that came."""
    return PlanError(
        _(
            "{problem} in {tries} tries: {finding} {advice}",
            problem=problem,
            tries=tries,
            finding=findings[0],
            advice=advice,
        ),
        findings,
        raw,
    )


@dataclass(frozen=True)
class Bounds:
    """How many steps a plan of a length may have, and how long each is: in the counter's unit."""

    least_steps: int
    most_steps: int
    least_words: int
    most_words: int
    likely_words: int = _LIKELY_STEP
    limit: int = 120  # steps that a document may have at all; a plan may come with more than were asked for

    @classmethod
    def of(cls, words: int, most_steps: int, longest: int = 0) -> Bounds:
        """Return the paper's bounds, widened if ``most_steps`` leaves no other way to reach ``words``.

        Args:
            words: The document's length.
            most_steps: How many steps a plan may have.
            longest: The longest section that the model is known to fill, or 0.
        """
        least, most = _STEP_WORDS
        most = min(most, max(_LEAST_LIMIT, longest)) if longest else most
        return cls._between(words, most_steps, (least, most), _LIKELY_STEP)

    @classmethod
    def of_chapters(cls, words: int, most_steps: int) -> Bounds:
        """Bounds for the chapters of a long document, which are planned in sections one by one afterwards."""
        return cls._between(words, min(most_steps, MOST_AT_ONCE), _CHAPTER_WORDS, _LIKELY_CHAPTER)

    @classmethod
    def _between(cls, words: int, most_steps: int, each: tuple[int, int], likely: int) -> Bounds:
        least_words, most_words = each
        most = max(1, min(most_steps, words // least_words))
        least = min(most, max(1, math.ceil(words / most_words)))
        return cls(least, most, min(least_words, words), max(most_words, math.ceil(words / most)), likely, most_steps)

    def likely_steps(self, words: int) -> int:
        """A number of steps to ask for where a model is told exactly one: about 250 units each, 5,000 for chapters."""
        return min(self.most_steps, max(self.least_steps, round(words / self.likely_words)))


def format_plan(plan: Plan) -> str:
    """The plan's steps in the paper's shape, one a line, and before those of a part a line on that."""
    named, counted = outline_numbers(plan), section_numbers(plan)
    return "\n".join(
        format_step(counted[at], section)
        if section.words
        else f"{named[at]} {one_line(section.title)}: {one_line(section.main_point)}".rstrip(": ")
        for at, section in enumerate(plan.sections)
    )


def format_step(number: int, section: PlannedSection) -> str:
    """One step in the paper's shape."""
    title, point = one_line(section.title), one_line(section.main_point)
    if title:
        point = f"{title}: {point}" if point else title
    kind = "" if section.kind is SectionKind.PROSE else f" - Kind: {section.kind}"
    return f"Paragraph {number} - Main Point: {point}{kind} - Word Count: {section.words} words"


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


def plan_schema(*, kinds: bool) -> dict[str, Any]:
    """Return the JSON schema of a plan; with ``kinds``, each of its sections has a kind."""
    if not kinds:
        return PLAN_SCHEMA
    schema = deepcopy(PLAN_SCHEMA)
    item = schema["properties"]["sections"]["items"]
    item["properties"]["kind"] = {"type": "string", "enum": [kind.value for kind in SectionKind]}
    item["required"].append("kind")
    return schema


# What a heading and a main point may hold, so that the step can be read again: one line, no Markdown marks. A base
# model is held to a short heading and a detail. A chat model that is held to them breaks off in the middle, so its line
# is free until a dash after a space, or the words "Word Count". Many models write these after a full stop or on a line
# of their own. If the grammar let them stand in the line instead, the model would go on behind them. No blank line
# follows the title: models that leave one there forget the headings.
_GRAMMAR_PARTS = r"""
heading ::= plain [^\x00-\x1f:#*_`<>|\[\]{}"\\]{3,50}
detail ::= plain [^\x00-\x1f:#*_`<>|\[\]{}"\\-]{30,180}
title ::= plain part{3,80}
line ::= plain part{8,300}
part ::= letter | " " [^\x00-\x20`<>|{}\\W-] | word
word ::= " W" [^\x00-\x20`<>|{}\\o] | " Wo" [^\x00-\x20`<>|{}\\r] | " Wor" [^\x00-\x20`<>|{}\\d] | after
after ::= " Word" letter | " Word " [^\x00-\x20`<>|{}\\C-]
letter ::= [^\x00-\x20`<>|{}\\]
plain ::= [^\x00-\x20:#*_`<>|\[\]{}"\\-]
between ::= " - " | " "? | line-end
end ::= between "Word Count: " count " words" "."? line-end
line-end ::= "\n" "\n"?
count ::= [1-9] [0-9]{1,3}
"""


def plan_grammar(steps: range, lead: str, *, gap: str = " ", kinds: bool = False) -> str:
    """Return a GBNF grammar for a plan.

    Args:
        steps: How many steps it may have.
        lead: What the title's line begins with.
        gap: What stands between "Main Point:" and what follows: a space, or nothing in Chinese and Japanese.
        kinds: Whether each step has a kind.
    """
    names = [f"step{number}" for number in range(1, steps.stop)]
    optional = ""
    for name in reversed(names[steps.start :]):
        optional = f"({name} {optional})?" if optional else f"({name})?"
    root = f'root ::= "{lead}" title "\\n" {" ".join(names[: steps.start])} {optional}'.rstrip()
    line = "line kind" if kinds else "line"
    rules = [f'{name} ::= "Paragraph {number} - Main Point:{gap}" {line} end' for number, name in enumerate(names, 1)]
    if kinds:
        others = " | ".join(f'"{kind}"' for kind in SectionKind)
        rules.append(f'kind ::= between "Kind: " ({others})')
    return "\n".join([root, *rules]) + _GRAMMAR_PARTS


def step_grammar(lead: str, *, gap: str = " ") -> str:
    """Return a GBNF grammar for one step that begins with ``lead``, with ``gap`` as in :func:`plan_grammar`."""
    return f'root ::= "{lead}" heading ":{gap}" detail " - Word Count: " count " words\\n"' + _GRAMMAR_PARTS

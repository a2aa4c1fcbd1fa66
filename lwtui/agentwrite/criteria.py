"""The criteria by which a document is reviewed: made once from the brief, stored with the document, and editable."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import regex

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Emit, ignore
from lwtui.agentwrite.json_answers import STRING, ask_for_json, list_schema, object_schema, read_object, string_rule
from lwtui.agentwrite.prompt_builder import instruction_of
from lwtui.agentwrite.prompt_templates import language_name
from lwtui.config import Role
from lwtui.documents.model import Brief
from lwtui.text import clean, one_line

CRITERIA = "criteria"  # the document setting that holds them, one on each line
_FEWEST, _MOST = 3, 8  # that a model is asked for
_MOST_KEPT = 20  # of the writer's own
_LONGEST = 300  # characters of one criterion
_ANSWER_TOKENS = 700
_MARK = regex.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)、．])\s*")
_SCHEMA = object_schema(criteria=list_schema(STRING))
_GRAMMAR = (
    rf'root ::= "{{\"criteria\": [" string (", " string){{{_FEWEST - 1},{_MOST - 1}}} "]}}"' + "\n"
) + string_rule("string", 160)


async def make_criteria(agent: Agent, brief: Brief, emit: Emit = ignore) -> tuple[str, ...]:
    """Have a model derive criteria from the brief. Without a usable answer, they are the general ones.

    Raises:
        ModelError: The call failed for good.
        BudgetReached: The budget is used up.
    """
    templates = agent.prompts.templates
    language = language_name(brief.language)
    text = templates.render(
        "criteria", instruction=instruction_of(brief), language=language, fewest=_FEWEST, most=_MOST
    )
    salt = crc32(brief.instruction.encode("utf-8", "replace")) % 10_000
    answer = await ask_for_json(
        agent,
        brief,
        text,
        role=Role.CRITIC,
        tokens=_ANSWER_TOKENS,
        salt=salt,
        grammar=_GRAMMAR,
        schema=_SCHEMA,
        emit=emit,
    )
    found = read_object(answer).get("criteria")
    lines = [line for line in found if isinstance(line, str)] if isinstance(found, list) else []
    criteria = parse_criteria("\n".join(map(one_line, lines)))[:_MOST]
    return criteria or general_criteria(agent)


def general_criteria(agent: Agent) -> tuple[str, ...]:
    """Return criteria that hold for any text."""
    return parse_criteria(agent.prompts.templates.render("criteria_general"))


def parse_criteria(text: str) -> tuple[str, ...]:
    """Return the criteria in a text that has one on each line, with or without bullets and numbers."""
    lines = (one_line(_MARK.sub("", line))[:_LONGEST] for line in clean(text).splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))[:_MOST_KEPT]


def criteria_list(criteria: Sequence[str]) -> str:
    """Return criteria as a Markdown list, for prompts and for editing."""
    return "\n".join(f"- {criterion}" for criterion in criteria)

"""Asks for a short answer in JSON, and reads it also if it is cut off or has text around it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import regex

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Emit, ignore
from lwtui.agentwrite.short_calls import ShortAnswer, ask, retries_only
from lwtui.config import Role
from lwtui.documents.model import Brief
from lwtui.errors import LwtuiError
from lwtui.models.base import Request
from lwtui.text import clean, sentence_ends
from lwtui.translation import _

_JUDGING_TEMPERATURE = 0.2  # a judgment should depend on the text, not on chance
_MOST_QUOTABLE = 80  # sentences of a section; in a longer one, a quote may be any string
_SHORTEST_QUOTABLE, _LONGEST_QUOTABLE = 12, 400  # characters of such a sentence


def check_follows_instructions(agent: Agent) -> None:
    """Check that a model can judge and rewrite a text.

    Raises:
        LwtuiError: It is a base model.
    """
    if not agent.follows_instructions:
        raise LwtuiError(
            _(
                "{name} is a base model, which cannot judge or rewrite a text. Choose a chat model.",
                name=agent.model.name,
            ),
            code="base-model",
        )


STRING = {"type": "string"}  # JSON schemas of values
INTEGER = {"type": "integer"}


def choice_schema(values: Iterable[str]) -> dict[str, Any]:
    """Return the JSON schema of one of some strings."""
    return {"type": "string", "enum": list(values)}


def list_schema(items: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of a list."""
    return {"type": "array", "items": items}


def object_schema(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of an object that has these properties, all of them and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def string_rule(name: str, most: int) -> str:
    """Return the GBNF rule of a JSON string that has at most ``most`` characters.

    The limit matters: a small model might never end a string by itself.
    """
    return rf'{name} ::= "\"" ([^"\\\x00-\x1f] | "\\" ["\\/n]){{1,{most}}} "\""' + "\n"


def literal_rule(text: str) -> str:
    """Return ``text`` as a JSON string in GBNF: the only string that is allowed there."""
    as_json = json.dumps(text, ensure_ascii=False)
    escaped = as_json.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def quote_rule(text: str) -> str:
    """Return the GBNF rule of a quote: one of the sentences of a text, since small models copy inexactly."""
    cuts = [0, *sentence_ends(text), len(text)]
    found = (" ".join(text[start:end].split()) for start, end in pairwise(cuts))
    sentences = [one for one in dict.fromkeys(found) if _SHORTEST_QUOTABLE <= len(one) <= _LONGEST_QUOTABLE]
    if not 0 < len(sentences) <= _MOST_QUOTABLE:
        return string_rule("quote", 240)
    return f"quote ::= {' | '.join(literal_rule(one) for one in sentences)}\n"


async def ask_for_json(
    agent: Agent,
    brief: Brief,
    text: str,
    *,
    role: Role,
    tokens: int,
    salt: int,
    grammar: str,
    schema: dict[str, Any],
    emit: Emit = ignore,
    into: ShortAnswer | None = None,
) -> str:
    """Ask a chat model for an answer in JSON, and return the answer as it came.

    Args:
        agent: The model to ask.
        brief: What the writer asked for.
        text: The instruction.
        role: The role that makes the call.
        tokens: The most tokens that the answer may have.
        salt: Varies the seed from call to call.
        grammar: The answer as a GBNF grammar, for local models.
        schema: The answer as a JSON schema, for endpoints.
        emit: Awaited for retries.
        into: The answer to fill in as it streams, for callers that use it even if the call is stopped.

    Raises:
        ModelError: The call failed for good.
        BudgetReached: The budget is used up.
    """
    prompt = agent.prompts.instruct(brief, text)
    assert prompt is not None  # see check_follows_instructions
    can = agent.model.capabilities
    request = Request(
        prompt, tokens, grammar=grammar if can.grammar else "", json_schema=schema if can.json_schema else None
    )
    request = agent.prepared(request, brief, salt, role=role)
    request = replace(request, sampling=replace(request.sampling, temperature=_JUDGING_TEMPERATURE))
    return (await ask(agent, request, retries_only(emit), into=into)).text


def read_object(answer: str) -> dict[str, Any]:
    """Return the first JSON object in an answer; empty if there is none that is complete."""
    answer = clean(answer)
    start = answer.find("{")
    while start >= 0:
        try:
            value, _end = json.JSONDecoder().raw_decode(answer[start:])
        except (ValueError, RecursionError):
            start = answer.find("{", start + 1)
            continue
        return value if isinstance(value, dict) else {}
    return {}


def read_rows(answer: str, name: str, key: str) -> list[dict[str, Any]]:
    """Return the objects in the list ``name`` of an answer.

    If the answer is cut off, or is only the list, these are all complete objects in it that have ``key``.
    """
    rows = read_object(answer).get(name)
    if isinstance(rows, list):
        return [row for row in rows if isinstance(row, dict)]
    return single_objects(answer, key)


def single_objects(answer: str, key: str) -> list[dict[str, Any]]:
    """Return the complete objects in an answer that have ``key`` and hold no other objects."""
    found = []
    for match in regex.finditer(r"\{[^{}]*\}", clean(answer)):
        try:
            row = json.loads(match.group())
        except (ValueError, RecursionError):
            continue  # later objects may still be complete
        if key in row:
            found.append(row)
    return found

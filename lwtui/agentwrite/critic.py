"""A model reads the document as an editor does: contradictions, and what is said twice in other words.

A model's word is not taken for it: each finding has to quote the text, and a quote that does not stand there word for
word drops the finding, which is counted. A document that is too long for one call is read in stretches, each of which
also leaves quotes of its facts; a last call holds those of all stretches against each other.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import regex

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event, Retrying
from lwtui.agentwrite.lint import Finding, TextPart
from lwtui.agentwrite.prompt_builder import instruction_of
from lwtui.agentwrite.prompt_templates import language_name
from lwtui.agentwrite.quotes import QuoteFinder
from lwtui.agentwrite.short_calls import ShortAnswer, ask
from lwtui.documents.model import Brief
from lwtui.errors import LwtuiError
from lwtui.models.base import Request
from lwtui.models.budget import BudgetReached
from lwtui.text import clean, one_line

_ANSWER_TOKENS = 2000
LIKELY_ANSWER = 300  # tokens
_LONGEST_WHY = 300
_MOST_FACTS = 30  # quotes that one stretch hands on
_KINDS = {
    "contradiction": "contradiction",
    "restated": "restated",
    "opening": "repeated-opening",
    "conclusion": "repeated-conclusion",
    "other": "other",
}
_BREAK = regex.compile(r"\n[ \t]*\n\s*")
KINDS = {
    "contradiction": "two places cannot both be true",
    "restated": "one place says in other words what another has said",
    "other": "anything else that an editor would mark at two places",
}  # that a look without a model does not find
_FINDING = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": list(_KINDS)},
        "first": {"type": "string"},
        "second": {"type": "string"},
        "why": {"type": "string"},
    },
    "required": ["kind", "first", "second", "why"],
    "additionalProperties": False,
}
_SCHEMA = {
    "type": "object",
    "properties": {
        "findings": {"type": "array", "items": _FINDING},
        "facts": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["findings", "facts"],
    "additionalProperties": False,
}
_MOST_FINDINGS = 12  # of one call under the grammar
# The same shape for a model on this machine. Its strings have an end, as a small model's may not have by itself.
_GRAMMAR = (
    rf'root ::= "{{\"findings\": [" (finding (", " finding){{0,{_MOST_FINDINGS - 1}}})? "], \"facts\": [" '
    rf'(string (", " string){{0,{_MOST_FACTS - 1}}})? "]}}"'
    "\n"
    r'finding ::= "{\"kind\": \"" kind "\", \"first\": " string ", \"second\": " string ", \"why\": " string "}"'
    "\n"
    f"kind ::= {' | '.join(json.dumps(kind) for kind in _KINDS)}\n"
    r'string ::= "\"" ([^"\\\x00-\x1f] | "\\" ["\\/n]){1,240} "\""'
    "\n"
)


@dataclass(frozen=True)
class Reading:
    """Stretch ``number`` of ``total`` is being read; the last of several holds the facts against each other."""

    number: int
    total: int


@dataclass(frozen=True)
class Found:
    finding: Finding


@dataclass(frozen=True)
class Reviewed:
    """The result of a review. ``dropped`` findings quoted what does not stand in the text."""

    found: int
    dropped: int


CriticEvent = Reading | Found | Retrying


@dataclass(frozen=True)
class _Stretch:
    """Paragraphs that one call reads: the number of their part, and offsets in its text."""

    blocks: tuple[tuple[int, int, int], ...]


@dataclass
class _Review:
    """What has been found so far."""

    parts: Sequence[TextPart]
    places: QuoteFinder
    told: set[frozenset[tuple[int, int]]] = field(default_factory=set)
    facts: list[str] = field(default_factory=list)
    found: int = 0
    dropped: int = 0

    def take(self, answer: str) -> Iterator[Found]:
        """The findings of an answer whose quotes stand in the text."""
        findings, facts = parse(answer)
        for row in findings:
            finding = self._checked(row)
            if finding is None:
                self.dropped += 1
                continue
            key = frozenset((place.part, place.start) for place in finding.places)
            if key not in self.told:
                self.told.add(key)
                self.found += 1
                yield Found(finding)
        self.facts += [fact for fact in facts[:_MOST_FACTS] if self.places.find(fact) is not None]

    def _checked(self, row: dict[str, Any]) -> Finding | None:
        first, second = (self.places.find(str(row.get(name, ""))) for name in ("first", "second"))
        if first is None or second is None or first == second:
            return None
        why = one_line(str(row.get("why", "")))[:_LONGEST_WHY]
        kind = _KINDS.get(str(row.get("kind", "")), "other")
        return Finding(kind, why or "The model gives no reason.", (second, first), by_critic=True)


async def review(
    agent: Agent, brief: Brief, parts: Sequence[TextPart], emit: Callable[[CriticEvent], Awaitable[None]]
) -> Reviewed:
    """Have a model read ``parts`` and find what is wrong between two places of them.

    Args:
        agent: The critic.
        brief: What the writer asked for.
        parts: The document's sections.
        emit: Is told how far the reading is, and each finding as it comes.

    Raises:
        LwtuiError: The model follows no instructions.
        ModelError: A fault lasts. What was found until then stays valid.
    """
    if not agent.follows_instructions:
        raise LwtuiError(
            f"{agent.model.name} is a base model, which cannot judge a text. Give the role of critic to a chat model: "
            "lwtui config set roles.critic NAME."
        )
    stretches = await _stretches(agent, brief, parts)
    reader = _Review(parts, QuoteFinder(parts))
    total = len(stretches) + (len(stretches) > 1)
    for number, stretch in enumerate(stretches, 1):
        await emit(Reading(number, total))
        text = _shown(parts, stretch)
        prompt = _text(agent, "critic", brief, text=text, facts=_facts_wanted(agent, number, len(stretches)))
        await _read(agent, brief, prompt, number, reader, emit)
    if len(stretches) > 1 and len(reader.facts) > 1:
        await emit(Reading(total, total))
        facts = "\n".join(f"- {fact}" for fact in reader.facts)
        await _read(agent, brief, _text(agent, "critic_facts", brief, facts=facts), total, reader, emit)
    return Reviewed(reader.found, reader.dropped)


def parse(answer: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The findings and facts of an answer, also of one that was cut off or stands in other words."""
    answer = clean(answer)
    start = answer.find("{")
    try:
        whole, _ = json.JSONDecoder().raw_decode(answer[start:]) if start >= 0 else ({}, 0)
    except (ValueError, RecursionError):
        whole = {"findings": _single_objects(answer)}
    if "findings" not in whole and "first" in whole:
        whole = {"findings": _single_objects(answer)}
    findings, facts = whole.get("findings", []), whole.get("facts", [])
    return (
        [row for row in findings if isinstance(row, dict)] if isinstance(findings, list) else [],
        [fact for fact in facts if isinstance(fact, str)] if isinstance(facts, list) else [],
    )


def _single_objects(answer: str) -> list[dict[str, Any]]:
    found = []
    for match in regex.finditer(r"\{[^{}]*\}", answer):
        try:
            row = json.loads(match.group())
        except (ValueError, RecursionError):
            continue  # what follows may still be whole
        if "first" in row:
            found.append(row)
    return found


async def _read(
    agent: Agent,
    brief: Brief,
    text: str,
    salt: int,
    reader: _Review,
    emit: Callable[[CriticEvent], Awaitable[None]],
) -> None:
    prompt = agent.prompts.instruct(brief, text)
    assert prompt is not None
    can = agent.model.capabilities
    shape: dict[str, Any] = {
        "grammar": _GRAMMAR if can.grammar else "",
        "json_schema": _SCHEMA if can.json_schema else None,
    }
    request = agent.prepared(Request(prompt, _ANSWER_TOKENS, **shape), brief, salt)
    answer = ShortAnswer()

    async def emit_retries(event: Event) -> None:
        if isinstance(event, Retrying):
            await emit(event)

    reached: BudgetReached | None = None
    try:
        await ask(agent, request, emit_retries, into=answer)
    except BudgetReached as error:
        reached = error  # what came of the answer is paid for
    for found in reader.take(answer.text):
        await emit(found)
    if reached is not None:
        raise reached


def _text(agent: Agent, name: str, brief: Brief, **values: str) -> str:
    language = language_name(brief.language)
    return agent.prompts.templates.render(
        name, instruction=instruction_of(brief), language=language, kinds=", ".join(_KINDS), **values
    )


def _facts_wanted(agent: Agent, number: int, total: int) -> str:
    if total == 1:
        return agent.prompts.templates.render("critic_whole")
    return agent.prompts.templates.render("critic_stretch", number=number, total=total, most=_MOST_FACTS)


def _shown(parts: Sequence[TextPart], stretch: _Stretch) -> str:
    shown, last = [], -1
    for number, start, end in stretch.blocks:
        if number != last and parts[number].title:
            shown.append(f"## {parts[number].title}")
        last = number
        shown.append(parts[number].text[start:end].strip())
    return "\n\n".join(shown)


async def _stretches(agent: Agent, brief: Brief, parts: Sequence[TextPart]) -> list[_Stretch]:
    """The whole document if one call has room for it; else as few stretches of whole paragraphs as there must be."""
    empty = agent.prompts.instruct(brief, _text(agent, "critic", brief, text="", facts=_facts_wanted(agent, 99, 99)))
    assert empty is not None
    answer = min(_ANSWER_TOKENS, agent.context_length // 3)
    room = max(64, await agent.room_beside(empty) - answer - agent.limits.reasoning_tokens)
    stretches: list[list[tuple[int, int, int]]] = [[]]
    filled = 0
    for number, start, end in _blocks(parts):
        tokens = await agent.model.count_tokens(parts[number].text[start:end]) + 4
        if not stretches[-1] or stretches[-1][-1][0] != number:
            tokens += await agent.model.count_tokens(parts[number].title) + 4
        if filled + tokens > room and stretches[-1]:
            stretches.append([])
            filled = 0
        stretches[-1].append((number, start, end))
        filled += tokens
    return [_Stretch(tuple(blocks)) for blocks in stretches if blocks]


def _blocks(parts: Sequence[TextPart]) -> Iterator[tuple[int, int, int]]:
    for number, part in enumerate(parts):
        start = 0
        for match in _BREAK.finditer(part.text):
            if part.text[start : match.start()].strip():
                yield number, start, match.start()
            start = match.end()
        if part.text[start:].strip():
            yield number, start, len(part.text)

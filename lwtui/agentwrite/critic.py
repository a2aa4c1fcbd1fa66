"""Has a model review the document as an editor does: contradictions, and passages that restate others.

No finding is taken on trust: each must quote the text, and a finding whose quotes are not in the text word for word is
dropped and counted. A document that is too long for one call is read in stretches. From each, the model also quotes
facts, and a last call compares the facts of all stretches.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import regex

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event, Retrying
from lwtui.agentwrite.json_answers import STRING, choice_schema, list_schema, object_schema, single_objects
from lwtui.agentwrite.lint import Finding, TextPart
from lwtui.agentwrite.prompt_builder import instruction_of
from lwtui.agentwrite.prompt_templates import language_name
from lwtui.agentwrite.quotes import QuoteFinder
from lwtui.agentwrite.short_calls import ShortAnswer, ask
from lwtui.config import Role
from lwtui.documents.model import Brief
from lwtui.errors import LwtuiError
from lwtui.models.base import Request
from lwtui.models.budget import BudgetReached
from lwtui.text import clean, one_line
from lwtui.translation import _

_ANSWER_TOKENS = 2000
LIKELY_ANSWER = 300  # tokens
_LONGEST_WHY = 300
_MOST_FACTS = 30  # quotes taken from one stretch
_KINDS = {
    "contradiction": "contradiction",
    "restated": "restated",
    "opening": "repeated-opening",
    "conclusion": "repeated-conclusion",
    "other": "other",
}
_BREAK = regex.compile(r"\n[ \t]*\n\s*")
KINDS = {
    "contradiction": _("two places cannot both be true"),
    "restated": _("one place says in other words what another has said"),
    "other": _("anything else that an editor would mark at two places"),
}  # the kinds that lint cannot find without a model
_FINDING = object_schema(kind=choice_schema(_KINDS), first=STRING, second=STRING, why=STRING)
_SCHEMA = object_schema(findings=list_schema(_FINDING), facts=list_schema(STRING))
_MOST_FINDINGS = 12  # in one answer under the grammar
# The schema as a grammar, for a local model. It limits the strings, which a small model might never end by itself.
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
    """Call ``number`` of ``total`` starts. Each reads a stretch; if there are several, the last compares the facts."""

    number: int
    total: int


@dataclass(frozen=True)
class Found:
    """The review produced a finding."""

    finding: Finding


@dataclass(frozen=True)
class Reviewed:
    """The result of a review: ``found`` findings; ``dropped`` others, whose quotes are not in the text."""

    found: int
    dropped: int


CriticEvent = Reading | Found | Retrying


@dataclass(frozen=True)
class _Stretch:
    """The paragraphs that one call reads, each as the number of its part and the offsets in the part's text."""

    blocks: tuple[tuple[int, int, int], ...]


@dataclass
class _Review:
    """The findings and facts so far."""

    parts: Sequence[TextPart]
    places: QuoteFinder
    reported: set[frozenset[tuple[int, int]]] = field(default_factory=set)
    facts: list[str] = field(default_factory=list)
    found: int = 0
    dropped: int = 0

    def findings_in(self, answer: str) -> Iterator[Found]:
        """Yield the findings of an answer that are new and whose quotes are in the text. Collect its facts, too."""
        findings, facts = parse(answer)
        for row in findings:
            finding = self._checked(row)
            if finding is None:
                self.dropped += 1
                continue
            key = frozenset((place.part, place.start) for place in finding.places)
            if key not in self.reported:
                self.reported.add(key)
                self.found += 1
                yield Found(finding)
        self.facts += [fact for fact in facts[:_MOST_FACTS] if self.places.find(fact) is not None]

    def _checked(self, row: dict[str, Any]) -> Finding | None:
        first, second = (self.places.find(str(row.get(name, ""))) for name in ("first", "second"))
        if first is None or second is None or first == second:
            return None
        why = one_line(str(row.get("why", "")))[:_LONGEST_WHY]
        kind = _KINDS.get(str(row.get("kind", "")), "other")
        return Finding(kind, why or _("The model gives no reason."), (second, first), by_critic=True)


async def review(
    agent: Agent, brief: Brief, parts: Sequence[TextPart], emit: Callable[[CriticEvent], Awaitable[None]]
) -> Reviewed:
    """Have a model read ``parts`` and report pairs of places that contradict or restate each other.

    Args:
        agent: The critic.
        brief: What the writer asked for.
        parts: The document's sections.
        emit: Awaited for each call that starts, each finding and each retry.

    Returns:
        How many findings there are, and how many were dropped.

    Raises:
        LwtuiError: The model is a base model.
        ModelError: A call failed for good. The findings so far remain valid.
        BudgetReached: The budget is used up. The findings so far remain valid.
    """
    if not agent.follows_instructions:
        raise LwtuiError(
            _(
                "{name} is a base model, which cannot judge a text. Give the role of critic to a chat model: "
                "lwtui config set roles.critic NAME.",
                name=agent.model.name,
            )
        )
    stretches = await _stretches(agent, brief, parts)
    collected = _Review(parts, QuoteFinder(parts))
    total = len(stretches) + (len(stretches) > 1)
    for number, stretch in enumerate(stretches, 1):
        await emit(Reading(number, total))
        text = _stretch_text(parts, stretch)
        facts = _facts_instruction(agent, number, len(stretches))
        prompt = _fill_template(agent, "critic", brief, text=text, facts=facts)
        await _read(agent, brief, prompt, number, collected, emit)
    if len(stretches) > 1 and len(collected.facts) > 1:
        await emit(Reading(total, total))
        facts = "\n".join(f"- {fact}" for fact in collected.facts)
        await _read(agent, brief, _fill_template(agent, "critic_facts", brief, facts=facts), total, collected, emit)
    return Reviewed(collected.found, collected.dropped)


def parse(answer: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the findings and facts in an answer, also if it is cut off or has text around the JSON."""
    answer = clean(answer)
    start = answer.find("{")
    try:
        value, _end = json.JSONDecoder().raw_decode(answer[start:]) if start >= 0 else ({}, 0)
    except (ValueError, RecursionError):
        value = {"findings": single_objects(answer, "first")}
    if "findings" not in value and "first" in value:
        value = {"findings": single_objects(answer, "first")}
    findings, facts = value.get("findings", []), value.get("facts", [])
    return (
        [row for row in findings if isinstance(row, dict)] if isinstance(findings, list) else [],
        [fact for fact in facts if isinstance(fact, str)] if isinstance(facts, list) else [],
    )


async def _read(
    agent: Agent,
    brief: Brief,
    text: str,
    salt: int,
    collected: _Review,
    emit: Callable[[CriticEvent], Awaitable[None]],
) -> None:
    prompt = agent.prompts.instruct(brief, text)
    assert prompt is not None
    can = agent.model.capabilities
    shape: dict[str, Any] = {
        "grammar": _GRAMMAR if can.grammar else "",
        "json_schema": _SCHEMA if can.json_schema else None,
    }
    request = agent.prepared(Request(prompt, _ANSWER_TOKENS, **shape), brief, salt, role=Role.CRITIC)
    answer = ShortAnswer()

    async def emit_retries(event: Event) -> None:
        if isinstance(event, Retrying):
            await emit(event)

    reached: BudgetReached | None = None
    try:
        await ask(agent, request, emit_retries, into=answer)
    except BudgetReached as error:
        reached = error  # use the part of the answer that was paid for
    for found in collected.findings_in(answer.text):
        await emit(found)
    if reached is not None:
        raise reached


def _fill_template(agent: Agent, name: str, brief: Brief, **values: str) -> str:
    language = language_name(brief.language)
    return agent.prompts.templates.render(
        name, instruction=instruction_of(brief), language=language, kinds=", ".join(_KINDS), **values
    )


def _facts_instruction(agent: Agent, number: int, total: int) -> str:
    if total == 1:
        return agent.prompts.templates.render("critic_whole")
    return agent.prompts.templates.render("critic_stretch", number=number, total=total, most=_MOST_FACTS)


def _stretch_text(parts: Sequence[TextPart], stretch: _Stretch) -> str:
    blocks, last = [], -1
    for number, start, end in stretch.blocks:
        if number != last and parts[number].title:
            blocks.append(f"## {parts[number].title}")
        last = number
        blocks.append(parts[number].text[start:end].strip())
    return "\n\n".join(blocks)


async def _stretches(agent: Agent, brief: Brief, parts: Sequence[TextPart]) -> list[_Stretch]:
    """Divide the document into as few stretches of whole paragraphs as the context allows; one, if it all fits."""
    text = _fill_template(agent, "critic", brief, text="", facts=_facts_instruction(agent, 99, 99))
    empty = agent.prompts.instruct(brief, text)
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

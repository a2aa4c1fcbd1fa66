"""Has a model note the facts of a section, each with a quote that is checked, and what contradicts earlier facts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable
from zlib import crc32

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Emit, FactContradiction, FactsNoted, ignore
from lwtui.agentwrite.fact_selection import facts_before
from lwtui.agentwrite.json_answers import (
    INTEGER,
    STRING,
    ask_for_json,
    choice_schema,
    list_schema,
    object_schema,
    quote_rule,
    read_object,
    read_rows,
    string_rule,
)
from lwtui.agentwrite.lint import Finding, TextPart, parts_of
from lwtui.agentwrite.prompt_templates import language_name
from lwtui.agentwrite.quotes import QuoteFinder
from lwtui.config import Role
from lwtui.documents.facts import FACT_KINDS, Fact
from lwtui.documents.model import Brief, Section
from lwtui.documents.relevance import relevance
from lwtui.documents.stale import fingerprint
from lwtui.models.base import ModelError
from lwtui.text import one_line
from lwtui.translation import _, _n

LIKELY_FACTS = 400  # tokens of an answer
_ANSWER_TOKENS = 1_500
_MOST_FACTS = 12  # from one section
_MOST_CONTRADICTIONS = 4
_MOST_KNOWN = 40  # earlier facts that the model compares with
_LONGEST = 300  # characters of a fact or a reason
_FACT = object_schema(kind=choice_schema(FACT_KINDS), subject=STRING, fact=STRING, quote=STRING)
_CONTRADICTION = object_schema(number=INTEGER, quote=STRING, why=STRING)
_SCHEMA = object_schema(facts=list_schema(_FACT), contradictions=list_schema(_CONTRADICTION))
_GRAMMAR = (
    rf'root ::= "{{\"facts\": [" (fact (", " fact){{0,{_MOST_FACTS - 1}}})? "], \"contradictions\": ["'
    rf' (clash (", " clash){{0,{_MOST_CONTRADICTIONS - 1}}})? "]}}"'
    "\n"
    r'fact ::= "{\"kind\": \"" kind "\", \"subject\": " name ", \"fact\": " said ", \"quote\": " quote "}"'
    "\n"
    r'clash ::= "{\"number\": " [1-9] [0-9]? ", \"quote\": " quote ", \"why\": " said "}"'
    "\n"
    f"kind ::= {' | '.join(json.dumps(kind) for kind in FACT_KINDS)}\n"
    + string_rule("name", 60)
    + string_rule("said", 160)
)


@runtime_checkable
class FactSource(Protocol):
    """A document that keeps facts."""

    @property
    def facts(self) -> Sequence[Fact]:
        """The facts that are in force."""
        ...

    def noted(self) -> Mapping[str, str]:
        """Return the fingerprints of the texts that facts were noted from, by section id."""
        ...

    def sections(self) -> list[Section]:
        """Return the sections as they are now."""
        ...


def unnoted(document: FactSource, before: str = "") -> list[Section]:
    """Return the finished sections whose facts were not noted from their present text.

    Args:
        document: The document.
        before: Ends before the section of this id.
    """
    noted, found = document.noted(), []
    for section in document.sections():
        if section.id == before:
            break
        if section.is_finished and noted.get(section.id) != fingerprint(section.text):
            found.append(section)
    return found


async def note_facts(
    agent: Agent, brief: Brief, document: FactSource, section: Section, emit: Emit = ignore
) -> FactsNoted | None:
    """Note the facts of a section, and emit them.

    Args:
        agent: The model that reads the section. A base model notes nothing.
        brief: What the writer asked for.
        document: The document.
        section: The section.
        emit: Awaited for retries and for :class:`~lwtui.agentwrite.events.FactsNoted`.

    Raises:
        ModelError: The call failed for good. A section that does not fit the context has no facts.
        BudgetReached: The budget is used up.
    """
    if not agent.follows_instructions:
        return None
    sections = document.sections()
    position = next((at for at, other in enumerate(sections) if other.id == section.id), len(sections))
    known = _most_relevant(facts_before(document.facts, sections, position), section)
    text = agent.prompts.templates.render(
        "facts",
        kinds=", ".join(FACT_KINDS),
        known="\n".join(f"{number}. {fact.subject}: {fact.text}" for number, fact in enumerate(known, 1)) or "none",
        title=section.title,
        text=section.text,
        most=_MOST_FACTS,
        language=language_name(brief.language),
    )
    salt = crc32(section.text.encode("utf-8", "replace")) % 100_000
    grammar = _GRAMMAR + quote_rule(section.text)
    try:
        answer = await ask_for_json(
            agent,
            brief,
            text,
            role=Role.CRITIC,
            tokens=_ANSWER_TOKENS,
            salt=salt,
            grammar=grammar,
            schema=_SCHEMA,
            emit=emit,
        )
    except ModelError as error:
        if error.kind not in ("context", "refused", "no-answer"):
            raise
        answer = ""
    event = read_facts(answer, section, known)
    await emit(event)
    return event


def read_facts(answer: str, section: Section, known: Sequence[Fact] = ()) -> FactsNoted:
    """Return the facts and contradictions in an answer whose quotes are in the section.

    Args:
        answer: The model's answer.
        section: The section.
        known: The earlier facts, in the order in which the model has seen them.
    """
    finder = QuoteFinder([TextPart(section.title, section.text, id=section.id)])
    facts: dict[str, Fact] = {}
    dropped = 0
    for row in read_rows(answer, "facts", "fact")[:_MOST_FACTS]:
        place = finder.find(str(row.get("quote", "")))
        said = one_line(str(row.get("fact", "")))[:_LONGEST]
        if place is None or not said:
            dropped += 1
            continue
        subject = one_line(str(row.get("subject", "")))[:_LONGEST]
        facts.setdefault(said.casefold(), Fact(str(row.get("kind", "")), subject, said, place.quote, section.id))
    clashes = []
    for row in _contradiction_rows(answer):
        number, place = row.get("number"), finder.find(str(row.get("quote", "")))
        if place is None or type(number) is not int or not 1 <= number <= len(known):
            dropped += 1
            continue
        fact, why = known[number - 1], one_line(str(row.get("why", "")))[:_LONGEST]
        clashes.append(FactContradiction(fact.id, fact.section_id, fact.quote, place.quote, why))
    contradictions = tuple(clashes[:_MOST_CONTRADICTIONS])
    return FactsNoted(section.id, fingerprint(section.text), tuple(facts.values()), contradictions, dropped)


def _contradiction_rows(answer: str) -> list[dict[str, Any]]:
    rows = read_object(answer).get("contradictions")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def contradiction_findings(event: FactsNoted, sections: Sequence[Section]) -> Iterable[Finding]:
    """Yield a finding for each contradiction whose two quotes are in the text: the later one is the one to change."""
    parts = parts_of(sections)
    for clash in event.contradictions:
        places = []
        for section_id, quote in ((event.section_id, clash.quote), (clash.earlier_section_id, clash.earlier_quote)):
            finder = QuoteFinder([part if part.id == section_id else TextPart("", "") for part in parts])
            places.append(finder.find(quote))
        later, earlier = places
        if later is not None and earlier is not None:
            why = clash.why or _("It contradicts an earlier fact.")
            yield Finding("contradiction", why, (later, earlier), by_critic=True)


def facts_note(event: FactsNoted) -> str:
    """Return the line for the log that says how many facts were noted."""
    clashes = len(event.contradictions)
    notes = [_n("Noted {count} fact", "Noted {count} facts", len(event.facts))]
    if event.dropped:
        notes.append(_("{count} dropped, because the quote is not in the text", count=event.dropped))
    if clashes:
        notes.append(
            _n(
                "{count} contradiction with earlier sections",
                "{count} contradictions with earlier sections",
                clashes,
            )
        )
    return "; ".join(notes)


def _most_relevant(facts: Sequence[Fact], section: Section) -> list[Fact]:
    """Return the facts that the section may contradict, in the document's order."""
    (scores,) = relevance([f"{fact.subject}\n{fact.text}" for fact in facts], section.text)
    best = sorted(range(len(facts)), key=lambda at: -scores[at])[:_MOST_KNOWN]
    return [facts[at] for at in sorted(best) if scores[at] > 0]

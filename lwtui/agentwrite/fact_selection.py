"""Chooses which facts of earlier sections a prompt shows: pinned ones, then the most relevant, then the latest."""

from __future__ import annotations

from collections.abc import Sequence

from lwtui.documents.facts import Fact
from lwtui.documents.model import Section
from lwtui.documents.relevance import relevance_to_section
from lwtui.models.usage import estimate_tokens

FACT_SHARE = 0.1  # largest share of the context that facts may take
_SUBJECT_WEIGHT = 3.0  # of whom a fact is about, compared with all its words


def facts_of(document: object) -> Sequence[Fact]:
    """Return the facts of a document; none if it keeps no facts."""
    facts: Sequence[Fact] = getattr(document, "facts", ())
    return facts


def facts_before(facts: Sequence[Fact], sections: Sequence[Section], position: int) -> list[Fact]:
    """Return the facts that hold before the section at ``position`` (from 0), in the document's order."""
    places = {section.id: at for at, section in enumerate(sections[:position])}
    return sorted((fact for fact in facts if fact.section_id in places), key=lambda fact: places[fact.section_id])


def choose_facts(facts: Sequence[Fact], subject: str, recent: str, room: int) -> tuple[Fact, ...]:
    """Choose facts for a prompt.

    Args:
        facts: The facts that hold there, in the document's order.
        subject: The section's heading and main point.
        recent: The text before the section.
        room: The most tokens that the facts may take.

    Returns:
        The chosen facts, in the document's order.
    """
    if not facts:
        return ()
    texts = [f"{fact.subject}\n{fact.text}" for fact in facts]
    scores = relevance_to_section(texts, subject, recent)
    # Whom a fact is about matters most: many other words are common to facts and text by chance.
    about = relevance_to_section([fact.subject for fact in facts], subject, recent)
    scores = [score + _SUBJECT_WEIGHT * named for score, named in zip(scores, about, strict=True)]
    order = sorted(range(len(facts)), key=lambda at: (not facts[at].pinned, -scores[at], -at))
    taken = set()
    for at in order:
        size = estimate_tokens(_line(facts[at])) + 1
        if size <= room:
            taken.add(at)
            room -= int(size) + 1
    return tuple(fact for at, fact in enumerate(facts) if at in taken)


def facts_list(facts: Sequence[Fact]) -> str:
    """Return facts as a Markdown list, for prompts."""
    return "\n".join(map(_line, facts))


def _line(fact: Fact) -> str:
    about = "" if fact.subject.casefold() in fact.text.casefold() else f"{fact.subject}: "
    return f"- {about}{fact.text}"

"""Polishes the document of a session: which models do it, what it takes, and what it leaves in the list of findings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event, PolishOutcome, SectionPolished, SectionReviewed
from lwtui.agentwrite.forecast import Forecast
from lwtui.agentwrite.lint import Finding, parts_of, place_of
from lwtui.agentwrite.polish import PolishTeam, sections_to_polish
from lwtui.agentwrite.polish_forecast import PolishModels, polish_forecast
from lwtui.agentwrite.polish_progress import stored_progress
from lwtui.agentwrite.throughput import load_rates
from lwtui.app.model_pool import ModelPool, ModelRoles
from lwtui.config import Role
from lwtui.documents.model import Section
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.models.budget import Budget, check_priced

REVIEW = "review"  # of the findings that a review of a section leaves


@dataclass(frozen=True)
class PolishRequest:
    """What the user wants polished.

    Attributes:
        only: Ids of the sections to polish; ``None`` for all, or for the rest of an interrupted run.
        passes: How many passes to make at most.
        edited: Whether to include sections that were edited by hand.
    """

    only: frozenset[str] | None = None
    passes: int = 1
    edited: bool = False


async def open_team(models: ModelPool, roles: ModelRoles, writer: Agent, budget: Budget | None) -> PolishTeam:
    """Open the models that polish.

    Raises:
        LwtuiError: One cannot be opened, or its prices are unknown and the budget is in money.
    """
    names = [roles.name(role) for role in (Role.WRITE, Role.CRITIC, Role.JUDGE)]
    critic = await models.get(names[1], beside=(names[0],))
    judge = await models.get(names[2], beside=names[:2])
    for agent in (writer, critic, judge):
        check_priced(budget, agent.settings)
    return PolishTeam(writer, critic, judge)


def forecast_polish(
    document: Document, models: ModelPool, roles: ModelRoles, request: PolishRequest
) -> Forecast | None:
    """Forecast polishing; ``None`` if a model is not configured on this machine."""
    try:
        settings = PolishModels(*(models.resolve(roles.name(role)) for role in (Role.WRITE, Role.CRITIC, Role.JUDGE)))
    except LwtuiError:
        return None
    brief = replace(document.brief, notes=tuple(note for note in document.notes if note.always))
    progress = stored_progress(document) if request.only is None else None
    left = progress.left if progress else None
    only = left if left is not None else sections_to_polish(document, request.only, edited=request.edited)
    return polish_forecast(brief, document.sections(), only, settings, request.passes, load_rates)


def update_findings(findings: list[Finding], sections: Sequence[Section], event: Event) -> None:
    """Put the points of a section's review into the list of findings; take them out once the section is rewritten."""
    match event:
        case SectionReviewed(section_id):
            _discard(findings, {section_id})
            findings[:0] = _as_findings(sections, event)
        case SectionPolished(section_id, PolishOutcome.BETTER):
            _discard(findings, {section_id})


def _discard(findings: list[Finding], section_ids: Collection[str]) -> None:
    findings[:] = [one for one in findings if one.kind != REVIEW or one.places[0].section_id not in section_ids]


def _as_findings(sections: Sequence[Section], event: SectionReviewed) -> list[Finding]:
    number = next((number for number, section in enumerate(sections) if section.id == event.section_id), None)
    if number is None:
        return []
    parts = parts_of(sections)
    return [
        Finding(
            REVIEW,
            " ".join(part for part in (point.problem, point.advice) if part),
            (place_of(parts, number, point.start, point.end),),
            by_critic=True,
        )
        for point in event.points
        if point.quote
    ]

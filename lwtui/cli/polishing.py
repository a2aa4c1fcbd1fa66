"""Headless polishing, which ``lwtui polish`` and ``lwtui write --passes`` share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace

from lwtui.agentwrite.events import Event
from lwtui.agentwrite.forecast import Forecast, forecast_line
from lwtui.agentwrite.polish import PolishTeam, polish_document, sections_to_polish
from lwtui.agentwrite.polish_forecast import PolishModels, polish_forecast
from lwtui.agentwrite.polish_progress import MOST_PASSES, stored_criteria, stored_progress
from lwtui.agentwrite.record import recording
from lwtui.agentwrite.throughput import load_rates
from lwtui.cli.plan_text import unit_of
from lwtui.cli.progress import Progress
from lwtui.documents.model import Brief, Section
from lwtui.documents.store import Document
from lwtui.models.budget import check_priced
from lwtui.models.metering import UsageTracker
from lwtui.translation import _


@dataclass(frozen=True)
class PolishOrder:
    """What to polish beside what the document says of an interrupted run.

    Attributes:
        only: Ids of the sections to polish; empty for all.
        passes: How many passes to make over these sections at most.
        edited: Whether to include sections that were edited by hand.
    """

    only: tuple[str, ...] = ()
    passes: int = 1
    edited: bool = False


def passes_option(given: str) -> int:
    """Parse the value of ``--passes``."""
    if not given.isdecimal() or not 1 <= int(given) <= MOST_PASSES:
        raise argparse.ArgumentTypeError(
            _("must be a whole number from 1 to {most}, not {given!r}", most=MOST_PASSES, given=given)
        )
    return int(given)


async def polish(
    team: PolishTeam,
    document: Document,
    order: PolishOrder,
    tracker: UsageTracker,
    progress: Progress,
    on_event: Callable[[Event], None],
) -> None:
    """Polish a document, or resume polishing it.

    Raises:
        LwtuiError: A model cannot polish, a call failed for good, or the budget is used up.
    """
    brief = replace(document.brief, notes=tuple(note for note in document.notes if note.always))
    for agent in (team.critic, team.judge):
        check_priced(tracker.budget, agent.settings)
    resumed = None if order.only else stored_progress(document)
    only = resumed.left if resumed else None
    if only is None:
        only = tuple(sections_to_polish(document, order.only or None, edited=order.edited))
    models = PolishModels(team.writer.settings, team.critic.settings, team.judge.settings)
    passes = resumed.passes - resumed.number + 1 if resumed else order.passes
    expected = polish_forecast(brief, document.sections(), only, models, passes, load_rates)
    progress.note(_("Expected for polishing: {forecast}", forecast=forecast_line(expected, unit_of(brief.language))))
    if expected.words:
        tracker.check_left(_("polishing"))
    async with recording(document, tracker) as recorder:
        progress.begin(recorder.state, unit_of(brief.language))

        async def emit(event: Event) -> None:
            recorder.store(event)
            on_event(event)

        await polish_document(
            team,
            document.brief,
            recorder,
            emit,
            criteria=stored_criteria(document),
            passes=order.passes,
            only=order.only or None,
            edited=order.edited,
            progress=resumed,
            tracker=tracker,
            expected=expected.each,
        )


def likely_polish(brief: Brief, sections: list[Section], models: PolishModels, passes: int) -> Forecast:
    """Forecast polishing a document as it will be once all its sections are written."""
    written = [section if section.is_finished else replace(section, length=section.words) for section in sections]
    ids = [section.id for section in written if section.length]
    return polish_forecast(brief, written, ids, models, passes, load_rates)

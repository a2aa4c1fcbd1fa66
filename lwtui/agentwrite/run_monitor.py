"""Forecasts a run, measures it, and compares the two."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from time import monotonic

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event, SectionFinished
from lwtui.agentwrite.forecast import comparison_line, forecast
from lwtui.agentwrite.run_state import RunState
from lwtui.agentwrite.throughput import RateMeter, load_rates, save_rates
from lwtui.agentwrite.write import WorkingDocument
from lwtui.documents.model import Brief, Section, Status
from lwtui.models.budget import Budget, check_budget
from lwtui.models.usage import NO_USAGE
from lwtui.text import counts_characters


class RunMonitor:
    """Monitors one run.

    Args:
        agent: The model that writes.
        brief: What the writer asked for.
        document: The document before the run.
        budget: The budget of the run.
        anew: Ids of finished sections to write again; if there are any, the run writes no others.
        facts: Whether the run notes the facts of each section.

    Attributes:
        expected: The forecast.

    Raises:
        UsageError: The budget cannot be enforced with this model.
    """

    def __init__(
        self,
        agent: Agent,
        brief: Brief,
        document: WorkingDocument,
        budget: Budget | None = None,
        anew: Collection[str] = (),
        *,
        facts: bool = False,
    ) -> None:
        self._model = agent.settings
        check_budget(budget, self._model)
        rates = replace(load_rates(self._model), context_length=agent.context_length)
        sections = sections_to_forecast(document.sections(), anew)
        brief = replace(brief, notes=tuple(note for note in document.notes if note.always))
        self.expected = forecast(brief, sections, self._model, rates, facts=facts)
        self._meter = RateMeter(rates, by_characters=counts_characters(brief.language))
        self._began = monotonic()
        self._usage = NO_USAGE  # of the finished sections

    def observe(self, event: Event, state: RunState) -> None:
        """Learn from an event after ``state`` has applied it. A run that is resumed may pass another state."""
        if isinstance(event, SectionFinished):
            self._usage += event.usage
            self._meter.learn(state.runs[event.section_id])

    def close(self, state: RunState) -> str:
        """Store the measurements.

        Returns:
            One line that compares the run with its forecast; empty if the run is incomplete.
        """
        if self._meter.rates.sections:
            save_rates(self._model, self._meter.rates)
        if state.finished is None or not self.expected.words:
            return ""
        return comparison_line(self.expected, self._usage, monotonic() - self._began, self._model)


def sections_to_forecast(sections: Sequence[Section], anew: Collection[str]) -> list[Section]:
    """Return the sections as they count for a run's forecast.

    Args:
        sections: The document's sections.
        anew: Ids of sections to write again. They count as empty, and if there are any, all others count as done.
    """
    return [_blank(section) if section.id in anew else _skipped(section, anew) for section in sections]


def _skipped(section: Section, anew: Collection[str]) -> Section:
    return replace(section, status=Status.DONE) if anew else section


def _blank(section: Section) -> Section:
    return section.blank()

"""Accompanies a run: forecasts what it will take, measures what it does take, and compares the two."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from time import monotonic

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event, SectionFinished
from lwtui.agentwrite.forecast import compared, forecast
from lwtui.agentwrite.run_state import RunState
from lwtui.agentwrite.throughput import RateMeter, load_rates, save_rates
from lwtui.agentwrite.write import WorkingDocument
from lwtui.documents.model import Brief, Section, Status
from lwtui.models.budget import Budget, check_budget
from lwtui.models.usage import NO_USAGE
from lwtui.text import counts_characters


class RunMonitor:
    """For one run.

    Args:
        agent: Who writes.
        brief: What the writer asked for.
        document: What there is before the run.
        budget: What the run is held to.
        anew: Ids of sections that are written although they are done; all others then stay as they are.

    Attributes:
        expected: The forecast.

    Raises:
        UsageError: The model cannot be held to such a budget.
    """

    def __init__(
        self,
        agent: Agent,
        brief: Brief,
        document: WorkingDocument,
        budget: Budget | None = None,
        anew: Collection[str] = (),
    ) -> None:
        self._model = agent.settings
        check_budget(budget, self._model)
        rates = replace(load_rates(self._model), context_length=agent.context_length)
        sections = as_begun(document.sections(), anew)
        brief = replace(brief, notes=tuple(note for note in document.notes if note.always))
        self.expected = forecast(brief, sections, self._model, rates)
        self._meter = RateMeter(rates, by_characters=counts_characters(brief.language))
        self._began = monotonic()
        self._usage = NO_USAGE  # of the sections that were finished

    def take(self, event: Event, state: RunState) -> None:
        """Learn from an event that ``state`` has applied. A run that begins again goes on with another state."""
        if isinstance(event, SectionFinished):
            self._usage += event.usage
            self._meter.learn(state.runs[event.section_id])

    def close(self, state: RunState) -> str:
        """Keep what was measured. Returns one line that compares forecast and fact, if the run was completed."""
        if self._meter.rates.sections:
            save_rates(self._model, self._meter.rates)
        if state.finished is None or not self.expected.words:
            return ""
        return compared(self.expected, self._usage, monotonic() - self._began, self._model)


def as_begun(sections: Sequence[Section], anew: Collection[str]) -> list[Section]:
    """The sections as a run finds them: where some are to be written ``anew``, all others stay as they are."""
    return [_blank(one) if one.id in anew else _standing(one, anew) for one in sections]


def _standing(section: Section, anew: Collection[str]) -> Section:
    return replace(section, status=Status.DONE) if anew else section


def _blank(section: Section) -> Section:
    return replace(section, status=Status.EMPTY, text="", length=0)

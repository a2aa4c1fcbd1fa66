"""Goes along with a run: says beforehand what it will take, holds it to its budget, measures, and compares."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import replace
from time import monotonic

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.budget import Budget, Watch, check_budget
from lwtui.agentwrite.estimate import compared, forecast
from lwtui.agentwrite.events import DocumentFinished, Event
from lwtui.agentwrite.rates import Meter, load_rates, save_rates
from lwtui.agentwrite.write import Manuscript
from lwtui.documents.model import Brief, Section, Status, Usage
from lwtui.text import counts_characters


class Oracle:
    """For one run. :meth:`over` wraps its events, :meth:`close` ends it."""

    def __init__(
        self,
        agent: Agent,
        brief: Brief,
        manuscript: Manuscript,
        spent: Usage,
        budget: Budget | None = None,
        anew: Collection[str] = (),
        beside: Callable[[Budget], float] = lambda _: 0.0,
    ) -> None:
        """``spent`` is what the document has taken before; ``anew`` are sections that are written although they are
        done; ``beside`` tells the share of the budget that other calls took. Raises
        :class:`lwtui.errors.UsageError` for a budget that this model cannot be held to."""
        self._model = agent.settings
        check_budget(budget, self._model)
        rates = replace(load_rates(self._model), context_length=agent.context_length)
        sections = as_begun(manuscript.sections(), anew)
        brief = replace(brief, notes=tuple(note for note in manuscript.notes if note.always))
        self.expected = forecast(brief, sections, self._model, rates)
        self._meter = Meter(rates, by_characters=counts_characters(brief.language))
        self._watch = Watch(self._model, self.expected, spent, budget, beside)
        self._spent = spent
        self._began = monotonic()
        self._finished = False

    def over(self, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """Pass ``events`` on. Raises :class:`lwtui.agentwrite.budget.BudgetReached`."""
        return self._watch.within(self._measured(events))

    async def _measured(self, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        async with aclosing(events) as source:
            async for event in source:
                self._meter.take(event)
                self._finished = isinstance(event, DocumentFinished)
                yield event

    def running(self) -> Usage:
        """What the sections take that are being written at this moment."""
        return self._watch.running

    def usage_of(self, section_id: str) -> Usage:
        """What a section took that was interrupted, as far as that can be told."""
        return self._watch.usage_of(section_id)

    def close(self) -> str:
        """Keep what was measured; one line of forecast and fact, if the run came to its end."""
        if self._meter.rates.sections:
            save_rates(self._model, self._meter.rates)
        if not self._finished or not self.expected.words:
            return ""
        usage = self._watch.spent - self._spent
        return compared(self.expected, usage, monotonic() - self._began, self._model)


def as_begun(sections: Sequence[Section], anew: Collection[str]) -> list[Section]:
    """The sections as a run begins with them: where some are to be written ``anew``, all others stay as they are."""
    return [_begun_anew(one) if one.id in anew else _standing(one, anew) for one in sections]


def _standing(section: Section, anew: Collection[str]) -> Section:
    """A section that is left as it is where only those in ``anew`` are written."""
    return replace(section, status=Status.DONE) if anew else section


def _begun_anew(section: Section) -> Section:
    return replace(section, status=Status.EMPTY, text="", length=0)

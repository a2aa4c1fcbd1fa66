"""A hard limit on what a document may take, in money or in tokens: reached, writing stops with everything kept.

A section is not begun if what it is likely to take is more than what is left; the first of a run is, if there is room
for a little of it. One that has been begun stops where the limit is reached: what a call takes is only told at its
end, so until then it is estimated from what was asked and what has come.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil, floor, log10

import regex

from lwtui.agentwrite.estimate import Forecast, cost_of
from lwtui.agentwrite.events import (
    Continuing,
    Event,
    Retrying,
    SectionFinished,
    SectionStarted,
    TextDelta,
    Thinking,
)
from lwtui.config import ModelSettings
from lwtui.documents.model import Usage
from lwtui.errors import LwtuiError, UsageError

BUDGET = "budget"  # the setting of a document that holds it, as it was given
_BUDGET = regex.compile(
    r"(?P<number>\d[\d,]*(?:\.\d+)?)\s*(?P<scale>k|m)?\s*(?P<tokens>t|tok|tokens?)?", regex.IGNORECASE
)
CHARACTERS_A_TOKEN = 3.5  # rather too few, so that a limit is not passed
_LEAST_ANSWER = 50  # tokens that are worth a call
_USUAL = Usage(2000, 800)  # of a section of which nothing is known


class BudgetReached(LwtuiError):
    """The limit is reached; all text is kept."""


def no_room(budget: Budget, what: str) -> BudgetReached:
    return BudgetReached(f"The budget of {budget} has no room for {what}. {_KEPT}")


def used_up(budget: Budget, what: str) -> BudgetReached:
    return BudgetReached(f"The budget of {budget} is used up within {what}. {_KEPT}")


@dataclass(frozen=True)
class Budget:
    """What all calls for a document may take together: an ``amount`` in the account's currency, or ``tokens``."""

    amount: float | None = None
    tokens: int | None = None

    def __str__(self) -> str:
        if self.tokens is not None:
            return f"{self.tokens:,} tokens"
        # An exponent is no amount that a person gives.
        return f"{Decimal(f'{self.amount:.6g}'):f}" if self.amount is not None else "none"

    def share(self, usage: Usage, model: ModelSettings) -> float:
        """How much of it ``usage`` takes; 1 is all."""
        if self.tokens is not None:
            return (usage.prompt + usage.completion) / max(1, self.tokens)
        cost = cost_of(usage, model)
        return cost / max(1e-9, self.amount) if cost is not None and self.amount is not None else 0.0


def parse_budget(given: str) -> Budget | None:
    """``2.50`` is money, ``200000 tokens`` or ``200k t`` are tokens; ``none`` or nothing is no limit.

    Raises :class:`UsageError`.
    """
    text = given.strip()
    if text.lower() in ("", "none"):
        return None
    match = _BUDGET.fullmatch(text)
    if match is None:
        raise UsageError(f"{given!r} is no budget: give an amount such as 2.50, or tokens such as 200k tokens.")
    number = float(match["number"].replace(",", "")) * {"k": 1e3, "m": 1e6}.get((match["scale"] or "").lower(), 1)
    if not 0 < number < 1e15 or (match["tokens"] and round(number) == 0):
        raise UsageError("The budget has to be above 0, and a figure that means something; leave it out for none.")
    return Budget(tokens=round(number)) if match["tokens"] else Budget(amount=number)


def raised(budget: Budget, share: float) -> Budget:
    """A budget that lasts where ``share`` of this one is expected to be taken, in a round figure."""
    return times(budget, max(1.5, share * 1.25))


def times(budget: Budget, times: float) -> Budget:
    """So many times a budget, rounded up to two digits."""
    if budget.tokens is not None:
        return Budget(tokens=round(_rounded_up(budget.tokens * times)))
    return Budget(amount=_rounded_up((budget.amount or 0.0) * times))


def _rounded_up(figure: float) -> float:
    """To two digits."""
    step = 10.0 ** (floor(log10(figure)) - 1)
    return float(f"{ceil(round(figure / step, 6)) * step:.2g}")


def check_budget(budget: Budget | None, model: ModelSettings) -> None:
    """Raise :class:`UsageError` for a budget in money where the model's prices are not known."""
    if budget is not None and budget.amount is not None and cost_of(Usage(), model) is None:
        raise UsageError(
            f"A budget in money needs the prices of {model.name}: lwtui config set models.{model.name}.price_input "
            "and …price_output, per million tokens. Or give it in tokens: --budget '200k tokens'."
        )


@dataclass
class _Open:
    """A section that is being written: what its calls are estimated to have taken so far."""

    prompt: int
    calls: int = 1
    characters: int = 0
    thought: int = 0  # characters, in the call that thought most

    @property
    def usage(self) -> Usage:
        return Usage(self.prompt * self.calls, round((self.characters + self.thought) / CHARACTERS_A_TOKEN))


@dataclass
class Watch:
    """Watches a run. ``spent`` is what the document took before it; the rest is counted here.

    ``beside`` tells the share of the budget that other calls for the document took. ``usage_of`` says what a section
    that was interrupted took, as far as that can be told.
    """

    model: ModelSettings
    expected: Forecast
    spent: Usage
    budget: Budget | None = None
    beside: Callable[[Budget], float] = lambda _: 0.0
    begun: bool = False
    _open: dict[str, _Open] = field(default_factory=dict)
    _beside_before: float = 0.0

    def __post_init__(self) -> None:
        if self.budget is not None:
            self._beside_before = self.beside(self.budget)  # which is in ``spent`` already

    @property
    def usage(self) -> Usage:
        """All that was taken, with the estimates for what is being written."""
        return self.spent + self.running

    @property
    def running(self) -> Usage:
        """The estimates for what is being written."""
        return sum((one.usage for one in self._open.values()), Usage())

    def usage_of(self, section_id: str) -> Usage:
        return self._open[section_id].usage if section_id in self._open else Usage()

    async def within(self, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """Pass ``events`` on while there is budget. Raises :class:`BudgetReached`, between two of them."""
        async with aclosing(events) as source:
            if self.budget is not None and self.expected.words and self._left(self.usage) <= 0:
                raise no_room(self.budget, "what is still to be written")
            async for event in source:
                if isinstance(event, SectionStarted):
                    self._check_before(event)
                self._take(event)
                yield event
                if not isinstance(event, SectionStarted | SectionFinished) and self._left(self.usage) <= 0:
                    assert self.budget is not None
                    raise used_up(self.budget, "a section")

    def _check_before(self, event: SectionStarted) -> None:
        """Whether a section may begin."""
        likely = self.expected.each.get(event.section_id, _USUAL)
        least = likely if self.begun else Usage(likely.prompt, _LEAST_ANSWER)
        if self._left(self.usage + least) < 0:
            assert self.budget is not None
            raise no_room(self.budget, f"section {event.position} of {event.total}")
        self.begun = True

    def _left(self, usage: Usage) -> float:
        if self.budget is None:
            return 1.0
        beside = self.beside(self.budget) - self._beside_before
        return 1.0 - self.budget.share(usage, self.model) - beside

    def _take(self, event: Event) -> None:
        match event:
            case SectionStarted(section_id=id):
                self._open[id] = _Open(self.expected.each.get(id, _USUAL).prompt)
            case TextDelta(section_id=id, text=text) if id in self._open:
                self._open[id].characters += len(text)
            case Thinking(section_id=id, characters=thought) if id in self._open:
                self._open[id].thought = max(self._open[id].thought, thought)
            case Continuing(section_id=id) | Retrying(section_id=id) if id in self._open:
                self._open[id].calls += 1
            case SectionFinished(section_id=id, usage=usage):
                self._open.pop(id, None)
                self.spent += usage
            case _:
                return


_KEPT = "All text is kept. Raise the budget to go on."

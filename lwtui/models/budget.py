"""Prices and budgets: what calls cost, and how much a document or a run may spend, in money or in tokens."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor, log10

import regex

from lwtui.config import ModelSettings
from lwtui.errors import LwtuiError, UsageError
from lwtui.models.usage import Usage
from lwtui.translation import _

_BUDGET = regex.compile(
    r"(?P<number>\d[\d,]*(?:\.\d+)?)\s*(?P<scale>k|m)?\s*(?P<tokens>t|tok|tokens?)?", regex.IGNORECASE
)
_MILLION = 1_000_000


class BudgetReached(LwtuiError):
    """The budget has no room for the next call, or ran out during a call. All text is kept.

    Attributes:
        purpose: What the call is for, such as ``section 3 of 12``.
    """

    code = "no-room"

    def __init__(self, message: str, *, purpose: str = "", code: str = "") -> None:
        super().__init__(message, code=code)
        self.purpose = purpose


@dataclass(frozen=True)
class Prices:
    """Prices per million tokens, in the account's currency; ``None`` where a price is unknown.

    ``cached`` applies to prompt tokens that the service cached from an earlier call; ``None`` means the same as
    ``input``.
    """

    input: float | None = None
    output: float | None = None
    cached: float | None = None

    @classmethod
    def of(cls, settings: ModelSettings) -> Prices:
        """Read the prices from a model's settings."""
        return cls(settings.price_input, settings.price_output, settings.price_cached)

    @property
    def known(self) -> bool:
        """Whether the cost of a call can be computed."""
        return self.input is not None and self.output is not None

    def cost(self, usage: Usage) -> float | None:
        """Compute the cost of ``usage`` in the account's currency, or ``None`` where the prices are unknown."""
        if self.input is None or self.output is None:
            return None
        cached = self.input if self.cached is None else self.cached
        new = usage.prompt - usage.cached
        return (new * self.input + usage.cached * cached + usage.completion * self.output) / _MILLION


def cost_of(usage: Usage, model: ModelSettings) -> float | None:
    """Compute the cost of ``usage`` at a model's prices, or ``None`` where they are unknown."""
    return Prices.of(model).cost(usage)


@dataclass(frozen=True)
class Budget:
    """The most that all calls together may spend: an ``amount`` in the account's currency, or ``tokens``."""

    amount: float | None = None
    tokens: int | None = None

    def __str__(self) -> str:
        if self.tokens is not None:
            return f"{self.tokens:,} tokens"  # as parse_budget takes it
        # Never in scientific notation: nobody writes money that way.
        return f"{Decimal(f'{self.amount:.6g}'):f}" if self.amount is not None else "none"

    def share(self, usage: Usage, prices: Prices) -> float:
        """Compute the share of the budget that ``usage`` takes: 1.0 is all of it, 0.0 means unknown prices."""
        if self.tokens is not None:
            return usage.total / max(1, self.tokens)
        cost = prices.cost(usage)
        return cost / max(1e-9, self.amount) if cost is not None and self.amount is not None else 0.0


def parse_budget(given: str) -> Budget | None:
    """Parse a budget: ``2.50`` is money, ``200000 tokens`` or ``200k t`` are tokens, ``none`` or empty is no limit.

    Raises:
        UsageError: ``given`` is not a budget.
    """
    text = given.strip()
    if text.lower() in ("", "none"):
        return None
    match = _BUDGET.fullmatch(text)
    if match is None:
        raise UsageError(
            _("{given!r} is not a budget: give an amount such as 2.50, or tokens such as 200k tokens.", given=given),
            code="not-a-budget",
        )
    number = float(match["number"].replace(",", "")) * {"k": 1e3, "m": 1e6}.get((match["scale"] or "").lower(), 1)
    if not 0 < number < 1e15 or (match["tokens"] and round(number) == 0):
        raise UsageError(
            _("The budget must be greater than 0 and of a sensible size; leave it out for no limit."),
            code="budget-size",
        )
    return Budget(tokens=round(number)) if match["tokens"] else Budget(amount=number)


def raise_budget(budget: Budget, share: float) -> Budget:
    """Suggest a round budget that suffices if ``share`` of ``budget`` is expected to be spent."""
    return scale_budget(budget, max(1.5, share * 1.25))


def scale_budget(budget: Budget, factor: float) -> Budget:
    """Multiply ``budget`` by ``factor`` and round it up to two digits."""
    if budget.tokens is not None:
        return Budget(tokens=round(_round_up(budget.tokens * factor)))
    return Budget(amount=_round_up((budget.amount or 0.0) * factor))


def _round_up(figure: float) -> float:
    step = 10.0 ** (floor(log10(figure)) - 1)
    return float(f"{ceil(round(figure / step, 6)) * step:.2g}")


def check_priced(budget: Budget | None, model: ModelSettings) -> None:
    """Check that ``budget`` can be enforced for a model other than the writer; see :func:`check_budget`.

    Local models are free, unless they have prices.
    """
    if model.is_endpoint:
        check_budget(budget, model)


def check_budget(budget: Budget | None, model: ModelSettings) -> None:
    """Check that ``budget`` can be enforced for a model.

    Raises:
        UsageError: The budget is in money and the model's prices are unknown.
    """
    if budget is not None and budget.amount is not None and not Prices.of(model).known:
        raise UsageError(
            _(
                "A budget in money needs the prices of {name}: lwtui config set models.{name}.price_input "
                "and …price_output, per million tokens. Or set it in tokens: --budget '200k tokens'.",
                name=model.name,
            ),
            code="no-prices",
        )

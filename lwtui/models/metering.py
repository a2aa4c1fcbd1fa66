"""Metered models: they count the tokens of every call and enforce a budget, whoever makes the call.

A :class:`UsageTracker` belongs to one document or one run. A caller opens a :class:`MeteredTask` for its purpose
("a plan", "section 3 of 12") and calls a :class:`MeteredModel` instead of the model itself. A call starts only if the
budget has room for the tokens it is likely to use, and it ends as soon as the budget is used up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from math import ceil

from lwtui.models.base import Capabilities, Finished, Model, ReasoningPiece, Request, StreamPart, TextPiece
from lwtui.models.budget import Budget, BudgetReached, Prices
from lwtui.models.usage import NO_USAGE, Usage, estimate_tokens
from lwtui.translation import _


@dataclass(eq=False)
class _MeteredCall:
    """A call under way: ``reserved`` is the usage it may reach, ``reported`` the backend's own count so far."""

    prices: Prices
    prompt: int
    reserved: Usage = NO_USAGE
    reported: Usage | None = None
    estimated: float = 0.0  # completion tokens
    pieces: int = 0

    @property
    def usage(self) -> Usage:
        """Usage so far; zero if nothing has come."""
        if self.reported is not None:
            return self.reported
        return Usage(self.prompt, ceil(self.estimated)) if self.pieces else NO_USAGE

    @property
    def claim(self) -> Usage:
        """The part of the budget that other calls have to leave to this call."""
        usage = self.usage
        return Usage(
            max(usage.prompt, self.reserved.prompt), max(usage.completion, self.reserved.completion), usage.cached
        )

    def add(self, part: StreamPart) -> bool:
        """Count a part. Returns whether it is a piece of text or reasoning."""
        if isinstance(part, TextPiece):
            self.reported = part.usage or self.reported
        elif not isinstance(part, ReasoningPiece):
            if isinstance(part, Finished) and part.usage != NO_USAGE:
                self.reported = part.usage
            return False
        self.pieces += 1
        if self.reported is None:
            self.estimated += estimate_tokens(part.text)
        return True


class UsageTracker:
    """Counts the tokens of all calls for one document or run, and enforces its budget.

    Args:
        budget: Returns the budget in force, or ``None`` for no limit. Called again for each call and each piece, since
            the budget may change meanwhile.
        spent: Usage from before this tracker was made; it counts against the budget.
        spent_prices: Returns the prices for ``spent``.
        spent_amount: Money spent before, where the usage is unknown.
        record: Called with the usage of each call when it has ended.

    Attributes:
        pieces: Pieces of text and reasoning received, about as many as tokens.
    """

    def __init__(
        self,
        budget: Callable[[], Budget | None] = lambda: None,
        *,
        spent: Usage = NO_USAGE,
        spent_prices: Callable[[], Prices] = Prices,
        spent_amount: float = 0.0,
        record: Callable[[Usage], None] = lambda _usage: None,
    ) -> None:
        self._budget = budget
        self.spent = spent
        self._spent_prices = spent_prices
        self.spent_amount = spent_amount
        self._record = record
        self._ended: dict[Prices, Usage] = {}
        self._running: set[_MeteredCall] = set()
        self._keyed: dict[str, MeteredTask] = {}
        self._changed = asyncio.Event()
        self.pieces = 0

    @property
    def usage(self) -> Usage:
        """Usage that this tracker has counted, including calls under way, without ``spent``."""
        return sum((call.usage for call in self._running), sum(self._ended.values(), NO_USAGE))

    @property
    def total(self) -> Usage:
        """``spent`` plus the usage counted since."""
        return self.spent + self.usage

    @property
    def budget(self) -> Budget | None:
        """The budget in force."""
        return self._budget()

    @property
    def cost(self) -> float:
        """Cost so far in the account's currency, what was spent before included, as far as prices are known."""
        running = ((call.prices, call.usage) for call in self._running)
        return self.spent_amount + sum(prices.cost(usage) or 0.0 for prices, usage in (*self._ended.items(), *running))

    def share(self, budget: Budget, more: Usage = NO_USAGE, prices: Prices | None = None) -> float:
        """Compute the share of ``budget`` that is spent, or would be after ``more`` usage at ``prices``."""
        share = self._ended_share(budget) + sum(budget.share(call.usage, call.prices) for call in self._running)
        return share + (budget.share(more, prices) if prices is not None else 0.0)

    def check_room(self, purpose: str, likely: Usage, prices: Prices) -> None:
        """Check that the budget has room for ``likely`` more usage, beside what calls under way may take.

        Raises:
            BudgetReached: It has no room.
        """
        budget = self._budget()
        if budget is not None and self._claimed(budget) + budget.share(likely, prices) > 1:
            raise no_room(budget, purpose)

    def check_left(self, purpose: str) -> None:
        """Check that some of the budget is left.

        Raises:
            BudgetReached: It is used up.
        """
        budget = self._budget()
        if budget is not None and self.share(budget) >= 1:
            raise no_room(budget, purpose)

    def count(self, usage: Usage, prices: Prices) -> None:
        """Count a call that has ended and was no text: embeddings."""
        self._ended[prices] = self._ended.get(prices, NO_USAGE) + usage
        if usage != NO_USAGE:
            self._record(usage)

    def task(self, purpose: str, *, key: str = "", likely_completion: int | None = None) -> MeteredTask:
        """Make a task whose calls are counted together.

        Args:
            purpose: What the calls are for, as error messages name it: "a plan", "section 3 of 12".
            key: Identifies the task to :meth:`usage_of`. A later task with the same key replaces it there.
            likely_completion: Tokens that a completion is expected to take; by default as many as the call allows.
        """
        task = MeteredTask(self, purpose, likely_completion)
        if key:
            self._keyed[key] = task
        return task

    def usage_of(self, key: str) -> Usage:
        """Return the usage so far of the last task with that key."""
        task = self._keyed.get(key)
        return task.usage if task else NO_USAGE

    async def _begin(self, call: _MeteredCall, purpose: str) -> None:
        """Wait until the budget has room for ``call``; only calls under way can make room, by ending."""
        while (budget := self._budget()) is not None and (
            self._claimed(budget) + budget.share(call.reserved, call.prices) > 1
        ):
            if not self._running:
                raise no_room(budget, purpose)
            self._changed.clear()
            await self._changed.wait()
        self._running.add(call)

    def _check(self, purpose: str) -> None:
        budget = self._budget()
        if budget is not None and self.share(budget) >= 1:
            raise used_up(budget, purpose)

    def _end(self, call: _MeteredCall) -> None:
        self._running.discard(call)
        usage = call.usage
        self._ended[call.prices] = self._ended.get(call.prices, NO_USAGE) + usage
        self._changed.set()
        if usage != NO_USAGE:
            self._record(usage)

    def _claimed(self, budget: Budget) -> float:
        return self._ended_share(budget) + sum(budget.share(call.claim, call.prices) for call in self._running)

    def _ended_share(self, budget: Budget) -> float:
        share = budget.share(self.spent, self._spent_prices())
        share += self.spent_amount / budget.amount if budget.amount else 0.0
        return share + sum(budget.share(usage, prices) for prices, usage in self._ended.items())


@dataclass(eq=False)
class MeteredTask:
    """One purpose for which models are called. Make it with :meth:`UsageTracker.task`."""

    tracker: UsageTracker
    purpose: str
    likely_completion: int | None = None
    _ended: Usage = NO_USAGE
    _running: set[_MeteredCall] = field(default_factory=set)

    @property
    def usage(self) -> Usage:
        """Usage of the task's calls so far."""
        return sum((call.usage for call in self._running), self._ended)

    def model(self, model: Model, prices: Prices) -> MeteredModel:
        """Wrap ``model`` so that its calls count for this task. A metered model keeps its own count as well."""
        return MeteredModel(model, prices, self)


class MeteredModel:
    """A model whose calls are counted and held to a budget. Make it with :meth:`MeteredTask.model`.

    It behaves like the wrapped model (see :class:`lwtui.models.base.Model`), and closing it closes that model.
    """

    def __init__(self, inner: Model, prices: Prices, task: MeteredTask) -> None:
        self.inner = inner
        self.name = inner.name
        self.model_hash = inner.model_hash
        self._prices = prices
        self._task = task

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities of the wrapped model."""
        return self.inner.capabilities

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Make the call within the budget. An interrupted call counts by what it had produced.

        Raises:
            BudgetReached: The budget has no room for the call, or ran out during it.
            ModelError: The call failed.
        """
        task, tracker = self._task, self._task.tracker
        # Counting the prompt costs a local model a round trip, and its first piece reports the true number anyway.
        counted = tracker.budget is not None or not self.inner.capabilities.exact_tokens
        prompt = await self.inner.count_tokens(request.prompt.plain()) if counted else 0
        completion = min(request.max_tokens, task.likely_completion or request.max_tokens)
        call = _MeteredCall(self._prices, prompt, Usage(prompt, completion))
        await tracker._begin(call, task.purpose)
        task._running.add(call)
        try:
            async with aclosing(self.inner.stream(request)) as parts:
                async for part in parts:
                    tracker.pieces += call.add(part)
                    yield part
                    if tracker.budget is not None and not isinstance(part, Finished):
                        tracker._check(task.purpose)
        finally:
            task._running.discard(call)
            task._ended += call.usage
            tracker._end(call)

    async def count_tokens(self, text: str) -> int:
        """Count the tokens of ``text`` as the wrapped model does."""
        return await self.inner.count_tokens(text)

    async def aclose(self) -> None:
        """Close the wrapped model."""
        await self.inner.aclose()


def no_room(budget: Budget, purpose: str) -> BudgetReached:
    """Make the error for a call that the budget has no room for."""
    return BudgetReached(
        _("The budget of {budget} has no room for {purpose}. {kept}", budget=budget, purpose=purpose, kept=_KEPT),
        purpose=purpose,
    )


def used_up(budget: Budget, purpose: str) -> BudgetReached:
    """Make the error for a call during which the budget ran out."""
    return BudgetReached(
        _("The budget of {budget} was used up during {purpose}. {kept}", budget=budget, purpose=purpose, kept=_KEPT),
        purpose=purpose,
        code="used-up",
    )


_KEPT = _("All text is kept. Raise the budget to go on.")

"""Holds to a document's budget whatever is asked of a model beside the writing: plans, takes, passages, reviews.

Calls are counted at the model itself, so that no way of using it gets past the budget. A call is not begun if what it
is likely to take is more than what is left; one that has been begun stops where the budget is used up. A call that is
broken off is counted by what came of it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.budget import CHARACTERS_A_TOKEN, Budget, check_budget, no_room, used_up
from lwtui.config import ModelSettings
from lwtui.documents.model import Usage
from lwtui.models.base import Capabilities, Finished, Model, ReasoningPiece, Request, StreamPart, TextPiece


@dataclass(eq=False)
class _Call:
    """A call that is being made: ``likely`` is what it was expected to take, ``said`` what the backend says so far."""

    likely: Usage
    characters: int = 0
    said: Usage | None = None

    @property
    def usage(self) -> Usage:
        return self.said or Usage(self.likely.prompt, round(self.characters / CHARACTERS_A_TOKEN))

    @property
    def reserved(self) -> Usage:
        usage = self.usage
        return replace(usage, completion=max(usage.completion, self.likely.completion))

    @property
    def at_its_end(self) -> Usage:
        """What it took; nothing, where nothing came of it."""
        return self.usage if self.said or self.characters else Usage()


@dataclass(eq=False)
class Purse:
    """What one thing that is asked beside the writing takes. ``agent`` is the model to ask for it.

    ``taken`` is what its calls took that have ended; ``told`` is what the document knows of that.
    """

    agent: Agent
    taken: Usage = field(default_factory=Usage)
    told: Usage = field(default_factory=Usage)
    calls: set[_Call] = field(default_factory=set)

    def tell(self, usage: Usage) -> None:
        """The document knows of ``usage`` by another way."""
        self.told += usage

    @property
    def untold(self) -> Usage:
        """What the document does not know of."""
        rest = self.taken - self.told
        return Usage(max(0, rest.prompt), max(0, rest.completion), max(0, rest.cached))


class Ledger:
    """Of one document. ``spent`` is what it has taken, ``add`` adds to that; ``writer`` is the model by whose prices
    it is counted, if that is known."""

    def __init__(
        self,
        spent: Callable[[], Usage],
        add: Callable[[Usage], None],
        budget: Callable[[], Budget | None],
        writer: Callable[[], ModelSettings | None],
    ) -> None:
        self._spent = spent
        self._add = add
        self._budget = budget
        self._writer = writer
        self._purses: list[Purse] = []
        self._ended: list[tuple[ModelSettings, Usage]] = []  # all calls that have ended
        self.writing: Callable[[], Usage] = Usage  # what the sections take that are being written at this moment

    @contextmanager
    def held(self, agent: Agent, what: str, likely: int) -> Iterator[Purse]:
        """A purse whose agent does as ``agent`` does, within the budget. ``likely``: tokens of an answer.

        Its calls raise :class:`lwtui.agentwrite.budget.BudgetReached`, which says that there is no room for ``what``.
        Raises :class:`lwtui.errors.UsageError` for a budget that this model cannot be held to.
        """
        if agent.settings.provider != "llama_cpp":  # which costs nothing, unless it has prices
            check_budget(self._budget(), agent.settings)
        purse = Purse(agent)
        purse.agent = replace(agent, model=_HeldModel(agent.model, self, purse, what, likely))
        self._purses.append(purse)
        try:
            yield purse
        finally:
            self._purses.remove(purse)
            agent.reasoning_tokens = max(agent.reasoning_tokens, purse.agent.reasoning_tokens)
            agent.context_share = min(agent.context_share, purse.agent.context_share)
            if (rest := purse.untold) != Usage():
                self._add(rest)

    @property
    def untold(self) -> Usage:
        """What was taken that the document does not know of yet."""
        running = (call.usage for one in self._purses for call in one.calls)
        return sum([*(one.untold for one in self._purses), *running], Usage())

    def beside(self, budget: Budget) -> float:
        """The share of ``budget`` that all calls took in this session."""
        running = [(one.agent.settings, call.usage) for one in self._purses for call in one.calls]
        return sum(budget.share(usage, model) for model, usage in [*self._ended, *running])

    def begin(self, purse: Purse, call: _Call, what: str) -> None:
        """Raises :class:`lwtui.agentwrite.budget.BudgetReached` if there is no room for ``call``."""
        purse.calls.add(call)
        budget = self._budget()
        if budget is not None and self._share(budget, lambda one: one.reserved) > 1:
            purse.calls.remove(call)
            raise no_room(budget, what)

    def check(self, what: str) -> None:
        """Raises :class:`lwtui.agentwrite.budget.BudgetReached` if all is used up."""
        budget = self._budget()
        if budget is not None and self._share(budget, lambda one: one.usage) >= 1:
            raise used_up(budget, what)

    def end(self, purse: Purse, call: _Call) -> None:
        purse.calls.remove(call)
        purse.taken += call.at_its_end
        self._ended.append((purse.agent.settings, call.at_its_end))

    def _share(self, budget: Budget, of_call: Callable[[_Call], Usage]) -> float:
        writer = self._writer()
        share = budget.share(self._spent() + self.writing(), writer) if writer else 0.0
        for purse in self._purses:
            usage = sum(map(of_call, purse.calls), purse.untold)
            share += budget.share(usage, purse.agent.settings)
        return share


class _HeldModel:
    """A model whose calls a ledger counts, and ends."""

    def __init__(self, model: Model, ledger: Ledger, purse: Purse, what: str, likely: int) -> None:
        self.name = model.name
        self.model_hash = model.model_hash
        self._model = model
        self._ledger = ledger
        self._purse = purse
        self._what = what
        self._likely = likely

    @property
    def capabilities(self) -> Capabilities:
        return self._model.capabilities

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        prompt = await self._model.count_tokens(request.prompt.plain())
        call = _Call(Usage(prompt, min(self._likely, request.max_tokens)))
        self._ledger.begin(self._purse, call, self._what)
        try:
            async with aclosing(self._model.stream(request)) as parts:
                async for part in parts:
                    if isinstance(part, TextPiece | ReasoningPiece):
                        call.characters += len(part.text)
                    if isinstance(part, TextPiece | Finished) and part.usage not in (None, Usage()):
                        call.said = part.usage
                    yield part
                    if not isinstance(part, Finished):
                        self._ledger.check(self._what)
        finally:
            self._ledger.end(self._purse, call)

    async def count_tokens(self, text: str) -> int:
        return await self._model.count_tokens(text)

    async def aclose(self) -> None:
        await self._model.aclose()

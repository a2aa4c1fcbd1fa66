"""What calls cost, counted at the model itself, so that no way of using it escapes the count or the budget."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from math import ceil

from lwtui.config import ModelSettings
from lwtui.documents.model import Usage
from lwtui.errors import UsageError
from lwtui.models.base import Capabilities, Finished, Model, ModelError, ReasoningPiece, Request, StreamPart, TextPiece

_MILLION = 1_000_000
_BYTES_A_TOKEN = 2.5  # fewer than a token has in any language that matters here, so that an estimate is not too low


@dataclass(frozen=True)
class Prices:
    """Prices of a million tokens, in the account's currency; ``None`` where they are not known."""

    input: float | None = None
    output: float | None = None

    @classmethod
    def of(cls, settings: ModelSettings) -> Prices:
        return cls(settings.price_input, settings.price_output)

    @property
    def are_known(self) -> bool:
        return self.input is not None and self.output is not None

    def cost(self, usage: Usage) -> float | None:
        """What ``usage`` costs; cached tokens at the full price, since what they are let off differs."""
        if self.input is None or self.output is None:
            return None
        return (usage.prompt * self.input + usage.completion * self.output) / _MILLION


@dataclass
class Meter:
    """What has been spent, of at most ``limit``: a call is made only if it cannot overrun that, whatever it brings.

    ``spent`` may begin with what earlier runs took.
    """

    prices: Prices = field(default_factory=Prices)
    limit: float | None = None
    spent: float = 0.0
    usage: Usage = field(default_factory=Usage)
    pieces: int = 0  # of text that came; about as many tokens
    _reserved: float = 0.0
    _calls: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        if self.limit is not None and not self.prices.are_known:
            raise UsageError(
                "A budget needs the model's prices: give --price-input and --price-output (of a million tokens), or "
                "add them to the model: lwtui models add --help."
            )

    async def reserve(self, usage: Usage) -> float:
        """Set aside what a call costs at most; waits for other calls to end if that may make room.

        Raises :class:`ModelError` (``budget``) if there is no room.
        """
        most = self.prices.cost(usage) or 0.0
        if self.limit is not None:
            async with self._changed:
                while self.spent + self._reserved + most > self.limit:
                    if not self._calls:
                        raise self._used_up(most)
                    await self._changed.wait()
        self._calls += 1
        self._reserved += most
        return most

    async def settle(self, reserved: float, usage: Usage) -> None:
        """A call for which so much was reserved took ``usage``."""
        self._calls -= 1
        self._reserved -= reserved
        self.spent += self.prices.cost(usage) or 0.0
        self.usage += usage
        async with self._changed:
            self._changed.notify_all()

    def _used_up(self, most: float) -> ModelError:
        return ModelError(
            f"The budget of {self.limit:g} is used up: {self.spent:.4g} is spent, and the next call may cost up to "
            f"{most:.4g}. What was answered is kept. Raise --budget, or lower --max-tokens.",
            kind="budget",
        )


class MeteredModel:
    """A model whose calls are counted by ``meter``, and in :attr:`usage`, which is this wrapper's own."""

    def __init__(self, model: Model, meter: Meter) -> None:
        self.name = model.name
        self.model_hash = model.model_hash
        self.usage = Usage()
        self._model = model
        self._meter = meter

    @property
    def capabilities(self) -> Capabilities:
        return self._model.capabilities

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """As the model's own, within the budget. A call that is broken off is counted by what came of it."""
        prompt = request.prompt.plain()
        tokens = await self._model.count_tokens(prompt) if self._meter.limit is not None else 0
        reserved = await self._meter.reserve(Usage(tokens, request.max_tokens))
        usage: Usage | None = None
        size = 0
        try:
            async with aclosing(self._model.stream(request)) as parts:
                async for part in parts:
                    if isinstance(part, Finished | TextPiece):
                        usage = part.usage or usage  # of a text piece, up to here
                    if isinstance(part, TextPiece | ReasoningPiece):
                        size += len(part.text.encode("utf-8", "replace"))
                        self._meter.pieces += 1
                    yield part
        finally:
            if usage is None:
                usage = Usage(_tokens(len(prompt.encode("utf-8", "replace"))), _tokens(size)) if size else Usage()
            self.usage += usage
            await self._meter.settle(reserved, usage)

    async def count_tokens(self, text: str) -> int:
        return await self._model.count_tokens(text)

    async def aclose(self) -> None:
        await self._model.aclose()


def _tokens(size: int) -> int:
    return ceil(size / _BYTES_A_TOKEN)

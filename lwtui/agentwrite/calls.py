"""Calling a model with patience: transient faults are waited out, and each wait is an event."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic

from lwtui.agentwrite.events import Retrying
from lwtui.documents.model import Usage
from lwtui.models.base import Finished, Model, ModelError, Request, StreamPart, TextPiece

MORE_ROOM = "All tokens went into reasoning; twice as many are allowed now."


@dataclass(frozen=True)
class RetryPolicy:
    """How long to go on after transient faults. All times in seconds.

    The delay doubles from ``first_delay`` to ``most_delay`` unless the server names one (Retry-After). A call is
    given up after ``attempts`` failures, or ``total_seconds`` after the first of them, without any progress between.
    """

    attempts: int = 8
    first_delay: float = 0.5
    most_delay: float = 30.0
    total_seconds: float = 300.0


@dataclass
class Patience:
    """Counts failures in a row against a policy; progress restores it."""

    policy: RetryPolicy
    failures: int = 0
    since: float = 0.0  # when the first of the failures was

    def progress(self) -> None:
        self.failures = 0

    def delay_after(self, error: ModelError) -> float:
        """Seconds to wait before the next try; raises ``error``, amended, when there is to be none."""
        if not error.retryable:
            raise error
        if not self.failures:
            self.since = monotonic()
        self.failures += 1
        policy = self.policy
        delay = error.retry_after
        if delay is None:
            delay = min(policy.most_delay, policy.first_delay * 2 ** (self.failures - 1))
            delay *= random.uniform(0.8, 1.2)  # so that parallel sections do not come back in step
        waited = monotonic() - self.since
        if self.failures >= policy.attempts or waited + delay > policy.total_seconds:
            raise ModelError(f"{str(error).rstrip('.')}. {self._why(delay, waited)}", kind=error.kind) from error
        return delay

    def _why(self, delay: float, waited: float) -> str:
        """Why there is no other try."""
        tries = f"{self.failures} tries in {waited:.0f} s" if self.failures > 1 else "the first try"
        asks = f": the next may be made in {delay:.0f} s only" if delay > self.policy.most_delay * 1.2 else ""
        return f"Gave up after {tries}{asks}; what was written is kept. Try again later."


async def stream_patiently(
    model: Model,
    next_request: Callable[[], Awaitable[Request]],
    patience: Patience,
    section_id: str = "",
    gained: Callable[[], bool] = lambda: False,
) -> AsyncGenerator[StreamPart | Retrying, None]:
    """Stream answers until one finishes; after a transient fault, yield :class:`Retrying`, wait, and call again.

    ``next_request`` is asked for each try, so that it can carry on from the text received so far. ``gained`` is
    asked at each fault: whether anything came since the last one that need not be asked for again. Pieces alone are
    no progress, or a stream that always breaks at the same place would be tried for ever.
    Raises :class:`ModelError` when the fault is not transient or patience is at its end.
    """
    while True:
        try:
            async with aclosing(model.stream(await next_request())) as parts:
                async for part in parts:
                    yield part
                    if isinstance(part, Finished):
                        return
            raise ModelError("The stream ended without saying so.", kind="dropped", retryable=True)
        except ModelError as error:
            if gained():
                patience.progress()
            delay = patience.delay_after(error)
            yield Retrying(error.kind, str(error), patience.failures, round(delay, 2), section_id)
            await asyncio.sleep(delay)


async def complete(model: Model, request: Request, patience: Patience) -> AsyncGenerator[Retrying | Usage | str, None]:
    """The whole answer to a short call: yields the waits, the usage, and the answer last.

    A cut answer is asked for anew.
    """
    answer: list[str] = []
    async with aclosing(stream_patiently(model, always(request), patience)) as parts:
        async for part in parts:
            match part:
                case Retrying():
                    answer.clear()
                    yield part
                case TextPiece(text):
                    answer.append(text)
                case Finished(usage=usage):
                    yield usage
    yield "".join(answer)


def always(request: Request) -> Callable[[], Awaitable[Request]]:
    """The same request for each try."""

    async def it() -> Request:
        return request

    return it

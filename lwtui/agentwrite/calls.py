"""Calling a model with patience: transient faults are waited out, and each wait is an event."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from time import monotonic

from lwtui.agentwrite.events import Retrying
from lwtui.models.base import Finished, Model, ModelError, ReasoningPiece, Request, StreamPart, TextPiece


@dataclass(frozen=True)
class RetryPolicy:
    """How long to go on after transient faults. All times in seconds.

    The delay doubles from ``first_delay`` to ``most_delay`` unless the server names one (Retry-After). A call is
    given up ``total_seconds`` after it last made progress, or after ``attempts`` failures without any.
    """

    attempts: int = 8
    first_delay: float = 0.5
    most_delay: float = 30.0
    total_seconds: float = 300.0


@dataclass
class Patience:
    """Counts failures against a policy; progress restores it."""

    policy: RetryPolicy
    failures: int = 0
    since: float = field(default_factory=monotonic)

    def progress(self) -> None:
        self.failures = 0
        self.since = monotonic()

    def delay_after(self, error: ModelError) -> float:
        """Seconds to wait before the next try; raises ``error``, amended, when there is to be none."""
        if not error.retryable:
            raise error
        self.failures += 1
        policy = self.policy
        delay = error.retry_after
        if delay is None:
            delay = min(policy.most_delay, policy.first_delay * 2 ** (self.failures - 1))
            delay *= random.uniform(0.8, 1.2)  # so that parallel sections do not come back in step
        waited = monotonic() - self.since
        if self.failures >= policy.attempts or waited + delay > policy.total_seconds:
            raise ModelError(
                f"{str(error).rstrip('.')}. Gave up after {self.failures} tries in {waited:.0f} s; "
                "what was written is kept. Try again later.",
                kind=error.kind,
            ) from error
        return delay


async def stream_patiently(
    model: Model,
    next_request: Callable[[], Request],
    patience: Patience,
    section_id: str = "",
) -> AsyncGenerator[StreamPart | Retrying, None]:
    """Stream answers until one finishes; after a transient fault, yield :class:`Retrying`, wait, and call again.

    ``next_request`` is asked for each try, so that it can carry on from the text received so far.
    Raises :class:`ModelError` when the fault is not transient or patience is at its end.
    """
    while True:
        try:
            async with aclosing(model.stream(next_request())) as parts:
                async for part in parts:
                    if isinstance(part, TextPiece | ReasoningPiece):
                        patience.progress()
                    yield part
                    if isinstance(part, Finished):
                        return
            raise ModelError("The stream ended without saying so.", kind="dropped", retryable=True)
        except ModelError as error:
            delay = patience.delay_after(error)
            yield Retrying(error.kind, str(error), patience.failures, round(delay, 2), section_id)
            await asyncio.sleep(delay)


async def complete(model: Model, request: Request, patience: Patience) -> AsyncGenerator[Retrying | str, None]:
    """The whole answer to a short call: yields the waits, and the answer last. A cut answer is asked for anew."""
    answer: list[str] = []
    async with aclosing(stream_patiently(model, lambda: request, patience)) as parts:
        async for part in parts:
            match part:
                case Retrying():
                    answer.clear()
                    yield part
                case TextPiece(text):
                    answer.append(text)
                case _:
                    continue
    yield "".join(answer)

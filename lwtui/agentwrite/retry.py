"""Retries calls after transient faults. Each wait is an event."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

from lwtui.agentwrite.events import Emit, Retrying
from lwtui.models.base import ModelError
from lwtui.translation import _

_T = TypeVar("_T")


@dataclass(frozen=True)
class RetryPolicy:
    """How long to retry after transient faults. All times are in seconds.

    The delay doubles from ``first_delay`` up to ``most_delay``, unless the server asks for another (Retry-After). A
    call is given up after ``attempts`` failures without progress, or ``total_seconds`` after the first of them.
    """

    attempts: int = 8
    first_delay: float = 0.5
    most_delay: float = 30.0
    total_seconds: float = 300.0


@dataclass
class Retries:
    """Counts consecutive failures and applies the policy. Progress resets the count."""

    policy: RetryPolicy
    failures: int = 0
    since: float = 0.0  # time of the first of the failures

    def progress(self) -> None:
        """Reset the count: part of the answer came that need not be asked for again."""
        self.failures = 0

    def delay_after(self, error: ModelError) -> float:
        """Return the seconds to wait before the next try.

        Raises:
            ModelError: There is to be no next try. It is ``error``, with the reason.
        """
        if not error.retryable:
            raise error
        if not self.failures:
            self.since = monotonic()
        self.failures += 1
        policy = self.policy
        delay = error.retry_after
        if delay is None:
            delay = min(policy.most_delay, policy.first_delay * 2 ** (self.failures - 1))
            delay *= random.uniform(0.8, 1.2)  # so that parallel sections do not retry in step
        waited = monotonic() - self.since
        if self.failures >= policy.attempts or waited + delay > policy.total_seconds:
            problem = str(error).rstrip(".。")
            line = _("{problem}. {reason}", problem=problem, reason=self._reason(delay, waited))
            raise ModelError(line, kind=error.kind) from error
        return delay

    def _reason(self, delay: float, waited: float) -> str:
        if self.failures > 1:
            gave_up = _("Gave up after {count} tries in {seconds:.0f} s", count=self.failures, seconds=waited)
        else:
            gave_up = _("Gave up after the first try")
        if delay > self.policy.most_delay * 1.2:
            gave_up = _("{gave_up}: the server asks to wait {seconds:.0f} s", gave_up=gave_up, seconds=delay)
        return _("{gave_up}; what was written is kept. Try again later.", gave_up=gave_up)


async def with_retries(
    call: Callable[[], Awaitable[_T]],
    retries: Retries,
    emit: Emit,
    *,
    section_id: str = "",
    failed: Callable[[], Awaitable[bool]] | None = None,
) -> _T:
    """Make a call and repeat it until it succeeds.

    Args:
        call: Makes one attempt. It should continue from what the attempts before it brought.
        retries: Counts the failures.
        emit: Awaited for each wait.
        section_id: The section that the call is for, for the event.
        failed: Called after each failed attempt; returns whether there was progress since the last failure. Streamed
            pieces alone are no progress: a stream that always breaks at the same place would be retried forever.

    Returns:
        What ``call`` returns.

    Raises:
        ModelError: The fault is not transient, or the policy allows no further try.
    """
    while True:
        try:
            return await call()
        except ModelError as error:
            if failed is not None and await failed():
                retries.progress()
            delay = retries.delay_after(error)
            await emit(Retrying(error.kind, str(error), retries.failures, round(delay, 2), section_id))
            await asyncio.sleep(delay)

"""Delays between retries, as models and their servers see them."""

from __future__ import annotations

import statistics

import pytest

from lwtui.agentwrite.retry import Retries, RetryPolicy
from lwtui.models.base import ModelError

DROPPED = ModelError("Dropped.", kind="dropped", retryable=True)


def delays(retries: Retries, error: ModelError, count: int) -> list[float]:
    return [retries.delay_after(error) for _ in range(count)]


def test_calls_that_fail_together_do_not_come_back_together() -> None:
    policy = RetryPolicy(first_delay=10, most_delay=1000, total_seconds=1e9)
    first, second = zip(*(delays(Retries(policy), DROPPED, 2) for _ in range(200)), strict=True)
    for found, center in ((first, 10), (second, 20)):
        assert 0.8 * center <= min(found) and max(found) <= 1.2 * center
        assert min(found) < 0.9 * center and max(found) > 1.1 * center
        assert statistics.mean(found) == pytest.approx(center, rel=0.05)


def test_a_delay_that_the_server_asks_for_is_kept_exactly() -> None:
    error = ModelError("Busy.", kind="rate-limit", retryable=True, retry_after=7.5)
    assert delays(Retries(RetryPolicy(total_seconds=1e9)), error, 3) == [7.5] * 3

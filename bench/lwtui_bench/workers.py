"""Run jobs concurrently and stop in an orderly way: calls in flight are finished, since they may be paid for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from lwtui.errors import LwtuiError
from lwtui.models.base import ModelError
from lwtui.models.budget import BudgetReached

# After one of these, every other call would fail too.
_FATAL = frozenset({"auth", "unknown-model", "unreachable"})
_T = TypeVar("_T")
_R = TypeVar("_R")


def is_fatal(error: LwtuiError) -> bool:
    """Return whether every other call would fail the same way: wrong key, unknown model, no server, no budget left."""
    return isinstance(error, BudgetReached) or (isinstance(error, ModelError) and error.kind in _FATAL)


async def run_concurrently(items: Iterable[_T], process: Callable[[_T], Awaitable[None]], concurrency: int) -> None:
    """Process every item, up to ``concurrency`` at once.

    Raises:
        LwtuiError: The first that ``process`` raised. No further item is started then, and those in flight are finished
            before it is raised.
    """
    queue = deque(items)
    failures: list[LwtuiError] = []

    async def work() -> None:
        while queue and not failures:
            try:
                await process(queue.popleft())
            except LwtuiError as error:
                failures.append(error)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(queue))):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    if failures:
        raise failures[0]


async def ask_about_each(
    items: Iterable[_T],
    ask: Callable[[_T], Awaitable[_R]],
    concurrency: int,
    *,
    done: Callable[[_T, _R], None],
    failed: Callable[[_T, LwtuiError], None],
    fatal: Callable[[LwtuiError], bool] = is_fatal,
) -> None:
    """Ask a model about every item, up to ``concurrency`` at once. One whose call fails is reported, and left out.

    Args:
        items: What to ask about.
        ask: Makes the calls for an item.
        concurrency: How many items at once.
        done: Receives each item with its result.
        failed: Receives each item whose call failed, with the error.
        fatal: Whether every further call would fail, too.

    Raises:
        LwtuiError: A call failed in such a way.
    """

    async def process(item: _T) -> None:
        try:
            result = await ask(item)
        except LwtuiError as error:
            if fatal(error):
                raise
            failed(item, error)
        else:
            done(item, result)

    await run_concurrently(items, process, concurrency)

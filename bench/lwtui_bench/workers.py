"""Several at once, and an orderly end: what is under way is finished, since it may be paid for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from lwtui.errors import LwtuiError
from lwtui.models.base import ModelError
from lwtui.models.budget import BudgetReached

# After these, no other call would succeed either.
_FATAL = frozenset({"auth", "unknown-model", "unreachable"})
_T = TypeVar("_T")


def is_fatal(error: LwtuiError) -> bool:
    """Whether what failed here would fail for everything else too: wrong key, no such model, nobody there, no money."""
    return isinstance(error, BudgetReached) or (isinstance(error, ModelError) and error.kind in _FATAL)


async def work_through(items: Iterable[_T], do: Callable[[_T], Awaitable[None]], concurrency: int) -> None:
    """Do every item, ``concurrency`` at once. After the first :class:`LwtuiError` nothing new is begun; it is raised
    when those under way have ended.
    """
    waiting = deque(items)
    failures: list[LwtuiError] = []

    async def work() -> None:
        while waiting and not failures:
            try:
                await do(waiting.popleft())
            except LwtuiError as error:
                failures.append(error)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(waiting))):
                group.create_task(work())
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    if failures:
        raise failures[0]

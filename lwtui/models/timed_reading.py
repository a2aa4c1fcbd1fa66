"""Waits for the next item of a stream with an upper bound, and sets a timer only if it really has to wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Generator
from typing import Any, TypeVar

Item = TypeVar("Item")


async def next_within(items: AsyncGenerator[Item, Any], seconds: float) -> Item:
    """Return the next of ``items``.

    Many tokens often come in one read. A timer for each of them would take longer than parsing it.

    Args:
        items: The stream.
        seconds: How long to wait.

    Raises:
        StopAsyncIteration: The stream has ended.
        TimeoutError: It took longer.
    """
    step = items.__anext__()
    try:
        waits_for = step.send(None)
    except StopIteration as ready:
        item: Item = ready.value
        return item
    async with asyncio.timeout(seconds):
        return await _Begun(step, waits_for)


class _Begun(Generator[Any, Any, Item]):
    """A coroutine that has run up to the first thing it waits for, for another one to await."""

    def __init__(self, coroutine: Coroutine[Any, Any, Item], waits_for: object) -> None:
        self._coroutine = coroutine
        self._first = [waits_for]

    def __await__(self) -> Generator[Any, Any, Item]:
        return self

    def send(self, value: Any) -> Any:
        return self._first.pop() if self._first else self._coroutine.send(value)

    def throw(self, error: Any, *more: Any) -> Any:
        return self._coroutine.throw(error, *more)

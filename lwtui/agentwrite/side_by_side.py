"""What several generators yield, in one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import TypeVar

_AHEAD = 64  # items that they may be ahead of their reader
_Item = TypeVar("_Item")


async def side_by_side(generators: Iterable[AsyncGenerator[_Item, None]]) -> AsyncGenerator[_Item, None]:
    """Run ``generators`` at once, and yield what each yields, as it comes.

    Closing the iterator stops them all. So does an error in one of them, the first of which is raised.
    """
    # The end of the work is told through the queue as well, so that must never have to wait for room in it.
    queue: asyncio.Queue[_Item | None] = asyncio.Queue()
    room = asyncio.Semaphore(_AHEAD)

    async def run(generator: AsyncGenerator[_Item, None]) -> None:
        async with aclosing(generator) as items:
            async for item in items:
                await room.acquire()
                queue.put_nowait(item)

    async def run_all() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for generator in generators:
                    group.create_task(run(generator))
        finally:
            queue.put_nowait(None)

    task = asyncio.create_task(run_all())
    try:
        while (item := await queue.get()) is not None:
            room.release()
            yield item
        await _first_error(task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _first_error(task: asyncio.Task[None]) -> None:
    """Raise what stopped the work: the first error of the group, not the group."""
    try:
        await task
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None

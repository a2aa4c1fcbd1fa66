"""Turns a coroutine that emits events into an async iterator, for use as a library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from lwtui.agentwrite.events import Emit, Event


async def events_of(work: Callable[[Emit], Awaitable[object]]) -> AsyncGenerator[Event, None]:
    """Run ``work`` and yield its events in order.

    ``work`` continues only when the reader asks for the next event, so it sees what the reader did with the last one.
    Closing the iterator cancels ``work`` at once.

    Args:
        work: A coroutine function whose argument it awaits for each event.

    Raises:
        Exception: Whatever ``work`` raises, after the events before it.
    """
    # Emitters wait, so the queue never holds more than one event of each. A limit could only block the end of the work.
    queue: asyncio.Queue[Event | None] = asyncio.Queue()

    async def emit(event: Event) -> None:
        await queue.put(event)
        await queue.join()

    async def run() -> None:
        try:
            await work(emit)
        finally:
            await queue.put(None)

    task = asyncio.create_task(run())
    try:
        while (event := await queue.get()) is not None:
            yield event
            queue.task_done()
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

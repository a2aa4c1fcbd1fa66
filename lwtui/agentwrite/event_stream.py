"""A coroutine that emits events, as an async iterator: for those who use the method as a library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from lwtui.agentwrite.events import Emit, Event


async def events_of(work: Callable[[Emit], Awaitable[object]]) -> AsyncGenerator[Event, None]:
    """Run ``work``, which is given what to await for each event, and yield the events in order.

    The work goes on only when the reader asks for the next event, so it sees what the reader did with the last one.
    Closing the iterator cancels the work at once. Raises what ``work`` raises, after the events before it.
    """
    # It never holds more than one event of each emitter, since they wait; a limit could only block the end of the work.
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

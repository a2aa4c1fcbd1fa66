"""Waiting for the next item of a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from lwtui.models.timed_reading import next_within


class Timers:
    """Counts the timers that the running event loop sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        loop = asyncio.get_running_loop()
        call_at = loop.call_at

        def counting(*arguments: object, **options: object) -> asyncio.TimerHandle:
            self.count += 1
            return call_at(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(loop, "call_at", counting)


async def test_items_that_are_ready_set_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def items() -> AsyncGenerator[int, None]:
        for number in range(100):
            yield number
        await asyncio.sleep(0)
        yield 100

    timers, stream = Timers(monkeypatch), items()
    assert [await next_within(stream, 60) for _ in range(100)] == list(range(100))
    assert timers.count == 0
    assert await next_within(stream, 60) == 100
    assert timers.count == 1
    with pytest.raises(StopAsyncIteration):
        await next_within(stream, 60)


async def test_several_waits_for_one_item_are_one_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def items() -> AsyncGenerator[str, None]:
        for _ in range(5):
            await asyncio.sleep(0)
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, "from afar")
        yield await future

    timers = Timers(monkeypatch)
    assert await next_within(items(), 60) == "from afar"
    assert timers.count == 1


@pytest.mark.parametrize("seconds", [0.01, 0, -1])
async def test_silence_ends_the_wait_and_the_stream_notices(seconds: float) -> None:
    seen: list[str] = []

    async def items() -> AsyncGenerator[int, None]:
        try:
            await asyncio.Event().wait()
            yield 1
        except asyncio.CancelledError:
            seen.append("canceled")
            raise
        finally:
            await asyncio.sleep(0)
            seen.append("closed")

    with pytest.raises(TimeoutError):
        await next_within(items(), seconds)
    assert seen == ["canceled", "closed"]


async def test_canceling_reaches_the_stream() -> None:
    seen: list[str] = []

    async def items() -> AsyncGenerator[int, None]:
        try:
            await asyncio.Event().wait()
            yield 1
        finally:
            seen.append("closed")

    task = asyncio.create_task(next_within(items(), 60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["closed"]


@pytest.mark.parametrize("waits", [False, True])
async def test_errors_of_the_stream_come_through(waits: bool) -> None:
    async def items() -> AsyncGenerator[int, None]:
        if waits:
            await asyncio.sleep(0)
        raise OSError("broken")
        yield 1

    with pytest.raises(OSError, match="broken"):
        await next_within(items(), 60)

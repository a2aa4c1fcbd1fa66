"""A coroutine that emits events, as an iterator: the same events, one by one, until the reader leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from lwtui.agentwrite.event_stream import events_of
from lwtui.agentwrite.events import Emit, Event, PlanDelta
from lwtui.agentwrite.write import run_concurrently
from tests.support.studio import eventually

Work = Callable[[Emit], Awaitable[object]]


def delta(name: object) -> PlanDelta:
    return PlanDelta(str(name))


async def read(work: Work) -> list[str]:
    async with aclosing(events_of(work)) as events:
        return [event.text async for event in events if isinstance(event, PlanDelta)]


def counting(count: int, done: list[str] | None = None) -> Work:
    async def work(emit: Emit) -> None:
        try:
            for index in range(count):
                await emit(delta(index))
                if done is not None:
                    done.append(f"emitted {index}")
        finally:
            if done is not None:
                done.append("over")

    return work


def parallel_work(workers: int, count: int) -> Work:
    async def work(emit: Emit) -> None:
        async def worker(name: int) -> None:
            for index in range(count):
                await emit(delta(f"{name}.{index}"))

        await run_concurrently([worker(name) for name in range(workers)])

    return work


async def test_events_come_in_order_and_then_the_stream_ends() -> None:
    assert await read(counting(200)) == [str(index) for index in range(200)]
    assert await read(counting(0)) == []


async def test_work_starts_when_the_first_event_is_requested() -> None:
    done: list[str] = []
    stream = events_of(counting(3, done))
    await asyncio.sleep(0.02)
    assert done == []
    await stream.aclose()
    await asyncio.sleep(0.02)
    assert done == []


async def test_work_continues_only_when_the_next_event_is_requested() -> None:
    done: list[str] = []
    async with aclosing(events_of(counting(3, done))) as events:
        for index in range(3):
            event = await anext(events)
            assert event == delta(index)
            await asyncio.sleep(0.02)
            assert done == [f"emitted {earlier}" for earlier in range(index)]
        with pytest.raises(StopAsyncIteration):
            await anext(events)
    assert done == ["emitted 0", "emitted 1", "emitted 2", "over"]


async def test_work_sees_what_the_reader_did_with_its_event() -> None:
    kept: list[str] = []
    seen: list[list[str]] = []

    async def work(emit: Emit) -> None:
        for index in range(5):
            await emit(delta(index))
            seen.append(list(kept))

    async with aclosing(events_of(work)) as events:
        async for event in events:
            assert isinstance(event, PlanDelta)
            kept.append(event.text)
    assert seen == [["0", "1", "2", "3", "4"][: index + 1] for index in range(5)]


@pytest.mark.parametrize("workers", [2, 64, 100])
async def test_concurrent_emitters_keep_their_order(workers: int) -> None:
    texts = await asyncio.wait_for(read(parallel_work(workers, 5)), 10)
    assert len(texts) == workers * 5
    for name in range(workers):
        own = [text for text in texts if text.startswith(f"{name}.")]
        assert own == [f"{name}.{index}" for index in range(5)]


async def test_an_error_comes_after_the_events_before_it() -> None:
    async def work(emit: Emit) -> None:
        async def fails() -> None:
            await emit(delta("last words"))
            raise ZeroDivisionError

        async def waits() -> None:
            await emit(delta("another's"))
            await asyncio.Event().wait()

        await run_concurrently([fails(), waits()])

    texts: list[Event] = []
    with pytest.raises(ZeroDivisionError):
        async with aclosing(events_of(work)) as events:
            async for event in events:
                await asyncio.sleep(0.01)
                texts.append(event)
    assert texts == [delta("last words"), delta("another's")]


async def test_an_error_before_the_first_event_is_raised() -> None:
    async def work(emit: Emit) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await read(work)


@pytest.mark.parametrize("way", ["break", "throw", "cancel"])
async def test_closing_the_stream_cancels_the_work_at_once(way: str) -> None:
    """When the reader continues, the work has ended and cleaned up."""
    steps: list[str] = []

    async def work(emit: Emit) -> None:
        try:
            await emit(delta("one"))
            await emit(delta("two"))
            steps.append("went on")
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            steps.append("canceled")
            raise
        finally:
            await asyncio.sleep(0.02)
            steps.append("cleaned up")

    async def reader() -> None:
        try:
            async with aclosing(events_of(work)) as events:
                async for event in events:
                    if event == delta("two"):
                        if way == "cancel":
                            await asyncio.Event().wait()
                        if way == "throw":
                            raise ZeroDivisionError
                        break
        finally:
            steps.append("left")

    task = asyncio.create_task(reader())
    await asyncio.sleep(0.1)
    if way == "cancel":
        task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.done()
    assert steps == ["canceled", "cleaned up", "left"]
    if way == "throw":
        assert isinstance(task.exception(), ZeroDivisionError)


async def test_canceling_a_waiting_reader_cancels_the_work() -> None:
    steps: list[str] = []

    async def work(emit: Emit) -> None:
        try:
            await emit(delta("one"))
            await asyncio.Event().wait()
        finally:
            steps.append("over")

    task = asyncio.create_task(read(work))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled() and steps == ["over"]


@pytest.mark.parametrize("workers", [2, 64, 100])
@pytest.mark.parametrize("events_read", [1, 3])
async def test_closing_does_not_hang_however_many_emitters_wait(workers: int, events_read: int) -> None:
    before = asyncio.all_tasks()

    async def leave_early() -> None:
        async with aclosing(events_of(parallel_work(workers, 5))) as events:
            for _ in range(events_read):
                await anext(events)
            await asyncio.sleep(0.05)  # until all wait at their first event

    await asyncio.wait_for(leave_early(), 5)
    assert await eventually(lambda: asyncio.all_tasks() == before)


async def test_an_error_reaches_a_slow_reader() -> None:
    """It is not lost while the reader still handles the last event, and the work is not started again."""
    calls = []

    async def work(emit: Emit) -> None:
        calls.append(1)
        await emit(delta("one"))
        raise ZeroDivisionError

    async with aclosing(events_of(work)) as events:
        assert await anext(events) == delta("one")
        await asyncio.sleep(0.05)
        with pytest.raises(ZeroDivisionError):
            await anext(events)
        with pytest.raises(StopAsyncIteration):
            await anext(events)
    assert len(calls) == 1

"""Ending in order when a signal says so: what is stored stays, and the same command goes on from there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from lwtui.command_line.guard import say
from lwtui.stop_signals import on_stop_signal


def run_until_stopped(work: Coroutine[Any, Any, int], advice: Callable[[], str]) -> int:
    """Run ``work`` and return its exit code, or that of the signal which stopped it; then ``advice`` is told."""
    caught: list[int] = []

    async def listening() -> int:
        task = asyncio.current_task()
        assert task is not None

        def stop(number: int) -> None:
            caught.append(number)
            task.cancel()

        on_stop_signal(stop, interrupt=True)
        return await work

    try:
        return asyncio.run(listening())
    except asyncio.CancelledError:
        if not caught:
            raise
        say(f"Stopped. {advice()}")
        return 128 + caught[0]

"""Stop in an orderly way on a signal: stored results are kept, and the same command continues from there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from lwtui.command_line.guard import say
from lwtui.stop_signals import on_stop_signal
from lwtui.translation import _


def run_until_stopped(work: Coroutine[Any, Any, int], advice: Callable[[], str]) -> int:
    """Run ``work`` until it ends or a signal stops it.

    Args:
        work: What to run.
        advice: Returns how to continue, which is shown after a signal.

    Returns:
        The exit code of ``work``, or 128 plus the number of the signal.
    """
    caught: list[int] = []

    async def run_cancelable() -> int:
        task = asyncio.current_task()
        assert task is not None

        def stop(number: int) -> None:
            caught.append(number)
            task.cancel()

        on_stop_signal(stop, interrupt=True)
        return await work

    try:
        return asyncio.run(run_cancelable())
    except asyncio.CancelledError:
        if not caught:
            raise
        say(_("Stopped. {advice}", advice=advice()))
        return 128 + caught[0]

"""Ending in order when the system asks for it: Ctrl-C, a shutdown, a terminal that is closed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable


def on_stop_signal(stop: Callable[[signal.Signals], object], *, interrupt: bool = False) -> None:
    """Have the running event loop call ``stop`` when SIGTERM or SIGHUP arrives, or with ``interrupt`` SIGINT too.

    A signal that the process was started to ignore stays ignored: ``nohup`` keeps its meaning, and a background job
    of a shell does not end when Ctrl-C is pressed for another one.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP, *([signal.SIGINT] if interrupt else [])):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop, number)

"""Graceful shutdown on Ctrl-C, on SIGTERM and when the terminal is closed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable


def on_stop_signal(stop: Callable[[signal.Signals], object], *, interrupt: bool = False) -> None:
    """Have the running event loop call ``stop`` on SIGTERM and SIGHUP.

    Signals that the process was started to ignore stay ignored: ``nohup`` keeps working, and Ctrl-C does not end a
    background job of the shell.

    Args:
        stop: Called with the signal, in the event loop.
        interrupt: Whether to call it on SIGINT too.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP, *([signal.SIGINT] if interrupt else [])):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop, number)

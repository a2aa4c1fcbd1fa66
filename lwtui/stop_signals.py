"""Graceful shutdown on Ctrl-C, on SIGTERM and when the terminal is closed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Windows has no SIGHUP. It sends SIGBREAK when the window of the terminal is closed, and on Ctrl+Break.
_NAMES = ("SIGTERM", "SIGHUP", "SIGBREAK")
_STOPS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))


def on_stop_signal(stop: Callable[[signal.Signals], object], *, interrupt: bool = False) -> None:
    """Have the running event loop call ``stop`` on SIGTERM, and when the terminal is closed.

    Signals that the process was started to ignore stay ignored: ``nohup`` keeps working, and Ctrl-C does not end a
    background job of the shell.

    Args:
        stop: Called with the signal, in the event loop.
        interrupt: Whether to call it on SIGINT too.
    """
    loop = asyncio.get_running_loop()
    for number in (*_STOPS, *([signal.SIGINT] if interrupt else [])):
        if signal.getsignal(number) is not signal.SIG_IGN:
            try:
                loop.add_signal_handler(number, stop, number)
            except NotImplementedError:  # on Windows
                _handle(loop, number, stop)


def _handle(loop: asyncio.AbstractEventLoop, number: signal.Signals, stop: Callable[[signal.Signals], object]) -> None:
    """Do what :meth:`asyncio.loop.add_signal_handler` does, for a loop that has none."""
    previous = signal.getsignal(number)

    def handle(_number: int, _frame: FrameType | None) -> None:
        if loop.is_closed():
            signal.signal(number, previous)
            signal.raise_signal(number)
        else:
            loop.call_soon_threadsafe(stop, number)

    signal.signal(number, handle)


@contextmanager
def interrupts_left_to_others() -> Iterator[None]:
    """Have Ctrl+C stop nothing here, while a program that this one has started has the terminal.

    A handler that does nothing, since a program inherits that a signal is ignored.
    """
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

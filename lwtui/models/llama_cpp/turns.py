"""Lets several worker processes on one machine compute by turns.

The threads of a model wait for each other many times per token. Two processes with a thread for each core would each
wait for threads of which the other has the core, and be many times slower. So each step of a model waits for its turn.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from platformdirs import user_runtime_path

from lwtui.system import is_own, lock_descriptor, open_lock_file, unlock_descriptor

_SHORTEST_SLEEP, _LONGEST_SLEEP = 0.0003, 0.02  # seconds
_SLEEP_SHARE = 0.05  # of the time waited so far
_PATIENCE = 60.0  # seconds; a process that holds its turn for longer has been stopped


def shared_turns(threads: int, cores: int, gpu_layers: int) -> Turns | None:
    """Return the turns of this user's processes on this machine.

    Args:
        threads: With how many threads a model computes.
        cores: How many cores there are.
        gpu_layers: How many of its layers a GPU computes.

    Returns:
        The turns; ``None`` where two such models can compute beside each other, and where nothing can be locked.
    """
    if gpu_layers or 2 * threads <= cores:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a folder in /tmp will do where the system has no other
        folder = user_runtime_path("lwtui", appauthor=False)
    try:
        return Turns(folder)
    except OSError:
        return None


class Turns:
    """Turns that processes take, each after the one that has waited longest. The turn of a dead process ends.

    Args:
        folder: Where the lock files are, the same for all processes. It is made if it is missing.

    Raises:
        OSError: It cannot be made, belongs to another user, or has no locks.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_own(folder):
            raise PermissionError(f"{folder} belongs to another user")
        # Who has the turn has the second lock. The first is held by who is next, so that a process that has just had
        # its turn cannot take the next one, too.
        flags = getattr(os, "O_NOFOLLOW", 0)
        self._locks = [open_lock_file(folder / name, flags) for name in ("next.lock", "turn.lock")]
        self._patience = _PATIENCE
        for descriptor in self._locks:
            with suppress(BlockingIOError):
                lock_descriptor(descriptor)
                unlock_descriptor(descriptor)

    @contextmanager
    def turn(self, should_stop: Callable[[], bool]) -> Iterator[bool]:
        """Wait for a turn, and end it.

        Args:
            should_stop: Ends the wait when it returns true.

        Yields:
            Whether to compute; false if ``should_stop`` has returned true.
        """
        first, second = self._locks
        deadline = monotonic() + self._patience
        is_next = self._wait(first, should_stop, deadline)
        is_on = is_next and self._wait(second, should_stop, deadline)
        if is_next:
            unlock_descriptor(first)
        # Once the patience has ended, no step waits until there are turns again.
        self._patience = _PATIENCE if is_on else 0.0
        try:
            yield is_on or not should_stop()
        finally:
            if is_on:
                unlock_descriptor(second)

    def _wait(self, descriptor: int, should_stop: Callable[[], bool], deadline: float) -> bool:
        """Wait for a lock, and return whether it is held now."""
        began = monotonic()
        while True:
            try:
                lock_descriptor(descriptor)
            except BlockingIOError:
                now = monotonic()
                if now >= deadline or should_stop():
                    return False
                sleep(min(_LONGEST_SLEEP, max(_SHORTEST_SLEEP, _SLEEP_SHARE * (now - began))))
            else:
                return True

"""Tunes how many threads compute a token: one per core, unless the machine is busy with something else.

A token takes hundreds of small computations, and after each the threads wait for the slowest. If another program
occupies one core, that is many times slower than a single thread. Without flash attention the number of threads does
not change a single bit of the result, so it may change at any time.
"""

from __future__ import annotations

from collections import deque
from statistics import median

_WINDOW = 6  # steps to compare
_SLOWDOWN = 1.5  # a step that takes this many times as long as usual makes the tuner try fewer threads
_FIRST_WAIT, _MAX_WAIT = 1.0, 16.0  # seconds with fewer threads until the tuner tries more again


class ThreadTuner:
    """Chooses the number of threads for the next step, and learns from how long each step took.

    Args:
        max_threads: The most threads it may choose.
    """

    def __init__(self, max_threads: int) -> None:
        self._options = sorted({max_threads, max(1, max_threads // 2), 1}, reverse=True)
        self._at = 0
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._usual: dict[int, float] = {}  # by batch size: the median when this number of threads proved best
        self._size = 0
        self._before_trial: tuple[int, float] | None = None  # during a trial: the option before it, and its median
        self._seconds = 0.0  # of computing since the number was chosen
        self._wait = _FIRST_WAIT

    @property
    def threads(self) -> int:
        """The number of threads for the next step."""
        return self._options[self._at]

    def record(self, seconds: float, size: int) -> None:
        """Record that a step of ``size`` tokens took ``seconds`` with :attr:`threads`."""
        if size != self._size:  # steps of different sizes cannot be compared
            self._size = size
            self._recent.clear()
        self._recent.append(seconds)
        self._seconds += seconds
        if len(self._recent) < _WINDOW:
            return
        now = median(self._recent)
        if self._before_trial is not None:
            self._end_trial(now)
        elif self._at + 1 < len(self._options) and now > _SLOWDOWN * self._usual.get(size, 0.0):
            self._start_trial(self._at + 1, now)
        elif self._at and self._seconds > self._wait:
            self._start_trial(self._at - 1, now)

    def _start_trial(self, option: int, now: float) -> None:
        self._before_trial = (self._at, now)
        self._at = option
        self._recent.clear()

    def _end_trial(self, now: float) -> None:
        """Keep the number that was tried, or return to the one before."""
        assert self._before_trial is not None
        option, before = self._before_trial
        went_up = self._at < option
        if now < before:
            self._usual = {}  # this makes the tuner try the next number in the same direction as well
            self._wait = _FIRST_WAIT
        else:
            self._at, self._usual[self._size] = option, before
            if went_up:
                self._wait = min(_MAX_WAIT, 2 * self._wait)
        self._before_trial, self._seconds = None, 0.0
        self._recent.clear()

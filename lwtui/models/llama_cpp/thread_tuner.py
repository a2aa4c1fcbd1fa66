"""How many threads compute a token: as many as there are cores, unless the machine is busy with something else.

A token takes hundreds of small computations, and after each the threads wait for the slowest. Where another program
has one of the cores, that is many times slower than one thread alone. The result is the same to the last bit (without
flash attention), so the number may change at any time.
"""

from __future__ import annotations

from collections import deque
from statistics import median

_WINDOW = 6  # steps that are compared
_SLOWER = 1.5  # than it was: time to try fewer threads
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 16.0  # seconds with fewer threads until more are tried again


class ThreadPace:
    """Says how many threads the next step should have, and learns from how long it took."""

    def __init__(self, most: int) -> None:
        self._options = sorted({most, max(1, most // 2), 1}, reverse=True)
        self._at = 0
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._usual: dict[int, float] = {}  # by size of a step: the median when this number was found the best
        self._size = 0
        self._before: tuple[int, float] | None = None  # while another number is tried: the one before, and its median
        self._since = 0.0  # seconds of computing since the number was chosen
        self._wait = _FIRST_WAIT

    @property
    def threads(self) -> int:
        return self._options[self._at]

    def took(self, seconds: float, size: int) -> None:
        """A step of ``size`` tokens took so long with :attr:`threads`."""
        if size != self._size:  # not to be compared with what was before
            self._size = size
            self._recent.clear()
        self._recent.append(seconds)
        self._since += seconds
        if len(self._recent) < _WINDOW:
            return
        now = median(self._recent)
        if self._before is not None:
            self._judge(now)
        elif self._at + 1 < len(self._options) and now > _SLOWER * self._usual.get(size, 0.0):
            self._try(self._at + 1, now)
        elif self._at and self._since > self._wait:
            self._try(self._at - 1, now)

    def _try(self, option: int, now: float) -> None:
        self._before = (self._at, now)
        self._at = option
        self._recent.clear()

    def _judge(self, now: float) -> None:
        """Stay with the number that was tried, or go back to the one before."""
        assert self._before is not None
        option, before = self._before
        went_up = self._at < option
        if now < before:
            self._usual = {}  # which has the next number in that direction tried as well
            self._wait = _FIRST_WAIT
        else:
            self._at, self._usual[self._size] = option, before
            if went_up:
                self._wait = min(_LONGEST_WAIT, 2 * self._wait)
        self._before, self._since = None, 0.0
        self._recent.clear()

"""What a step tells while it runs: one line with how far, how fast and how long still, and notes that stay."""

from __future__ import annotations

import itertools
import os
import sys
import warnings
from time import monotonic

from lwtui.text import duration

_REDRAW_SECONDS = 0.2
_PLAIN_SECONDS = 15.0  # between two lines where there is no terminal


def note(line: str) -> None:
    """A line that stays, on standard error."""
    print(f"\r\x1b[K{line}" if sys.stderr.isatty() else line, file=sys.stderr, flush=True)


class Meter:
    """Counts ``total`` things called ``unit``. On a terminal one line is kept up to date; elsewhere some lines."""

    def __init__(self, label: str, total: int, unit: str, done: int = 0) -> None:
        self._label, self._total, self._unit = label, total, unit
        self._at_start = self._done = done
        self._start = monotonic()
        self._shown = 0.0

    def advance(self, count: int = 1, extra: str = "") -> None:
        """``count`` more are done; ``extra`` is shown after the numbers."""
        self._done += count
        now, terminal = monotonic(), sys.stderr.isatty()
        last = self._done >= self._total
        if not last and now - self._shown < (_REDRAW_SECONDS if terminal else _PLAIN_SECONDS):
            return
        self._shown = now
        line = self._line(now - self._start, extra)
        if terminal:
            print(f"\r\x1b[K{line}", end="\n" if last else "", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def _line(self, seconds: float, extra: str) -> str:
        rate = (self._done - self._at_start) / seconds if seconds > 0.5 else 0.0
        parts = [f"{self._label} {self._done:,}/{self._total:,} {self._unit}"]
        if rate:
            parts.append(f"{rate:.2f}/s" if rate >= 0.1 else f"{1 / rate:.0f} s each")
            parts.append(f"{duration((self._total - self._done) / rate)} left")
        return " · ".join([*parts, extra] if extra else parts)


def sparkline(values: list[float], width: int = 60) -> str:
    """A curve in one line of text: the mean of each of ``width`` stretches, from its least to its greatest."""
    if not values:
        return ""
    width = min(width, len(values))
    edges = [round(at * len(values) / width) for at in range(width + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(edges)]
    low, high = min(means), max(means)
    return "".join("▁▂▃▄▅▆▇█"[round((mean - low) / (high - low or 1.0) * 7)] for mean in means)


def quiet_libraries() -> None:
    """Keep the libraries from drawing their own progress bars between ours; before any of them is imported."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers|trl")

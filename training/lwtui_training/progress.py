"""Progress on standard error: a line with items done, rate and time left, and notes that stay."""

from __future__ import annotations

import itertools
import os
import sys
import warnings
from time import monotonic

from lwtui.text import duration
from lwtui.translation import _

_REDRAW_SECONDS = 0.2
_PLAIN_SECONDS = 15.0  # between lines, without a terminal


def note(line: str) -> None:
    """Print a line that stays."""
    print(f"\r\x1b[K{line}" if sys.stderr.isatty() else line, file=sys.stderr, flush=True)


class ProgressMeter:
    """Shows progress: on a terminal in one line that is updated, elsewhere in a new line every 15 seconds."""

    def __init__(self, label: str, total: int, unit: str, done: int = 0) -> None:
        """Start to measure.

        Args:
            label: What is being done.
            total: The number of items.
            unit: What the items are called.
            done: How many of them were done before.
        """
        self._label, self._total, self._unit = label, total, unit
        self._at_start = self._done = done
        self._start = monotonic()
        self._shown = 0.0

    def advance(self, count: int = 1, extra: str = "") -> None:
        """Count items as done, and show ``extra`` after the numbers."""
        self._done += count
        now, terminal = monotonic(), sys.stderr.isatty()
        is_last = self._done >= self._total
        if not is_last and now - self._shown < (_REDRAW_SECONDS if terminal else _PLAIN_SECONDS):
            return
        self._shown = now
        line = self._line(now - self._start, extra)
        if terminal:
            print(f"\r\x1b[K{line}", end="\n" if is_last else "", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def _line(self, seconds: float, extra: str) -> str:
        rate = (self._done - self._at_start) / seconds if seconds > 0.5 else 0.0
        parts = [f"{self._label} {self._done:,}/{self._total:,} {self._unit}"]
        if rate:
            parts.append(f"{rate:.2f}/s" if rate >= 0.1 else _("{seconds:.0f} s each", seconds=1 / rate))
            parts.append(_("{time} left", time=duration((self._total - self._done) / rate)))
        return " · ".join([*parts, extra] if extra else parts)


def pad(text: str, width: int) -> str:
    """Return a text with spaces at its end, so that it takes at least ``width`` cells of a terminal."""
    from rich.cells import cell_len

    return text + " " * (width - cell_len(text))


def sparkline(values: list[float], width: int = 60) -> str:
    """Draw a curve as one line of block characters, scaled to the range of ``values``."""
    if not values:
        return ""
    width = min(width, len(values))
    edges = [round(at * len(values) / width) for at in range(width + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(edges)]
    low, high = min(means), max(means)
    return "".join("▁▂▃▄▅▆▇█"[round((mean - low) / (high - low or 1.0) * 7)] for mean in means)


def quiet_libraries() -> None:
    """Turn off the libraries' own progress bars. Call this before importing any of them."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers|trl")

"""The progress of adding many sources: rate and time left, as one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

from lwtui.sources.reading.adding import is_address
from lwtui.text import duration, one_line
from lwtui.translation import _

_ADDRESS_WEIGHT = 200_000.0  # bytes that an address counts as
_LEAST_WEIGHT = 20_000.0  # bytes that the smallest file counts as
_FIRST_SECONDS = 1.0  # before a rate is shown


class AddingProgress:
    """Follows the adding of sources, and describes it."""

    def __init__(self, names: Sequence[str], clock: Callable[[], float] = monotonic) -> None:
        """Create the progress of adding the sources called ``names``, in this order."""
        self._weights = {name: _weight(name) for name in names}
        self._names = list(names)
        self._clock = clock
        self._began = self._source_began = clock()
        self._current = names[0] if names else ""
        self._done = self._total = 0
        self._finished: set[str] = set()

    def start(self, name: str) -> None:
        """Begin with a source; the one before is done."""
        if name != self._current:
            self._finished.add(self._current)
        self._current = name
        self._done = self._total = 0
        self._source_began = self._clock()

    def pages(self, done: int, total: int) -> None:
        """Take how many pages or records of the current source are read."""
        self._done, self._total = done, total

    @property
    def seconds_left(self) -> float | None:
        """The seconds that the rest is expected to take; ``None`` if that cannot be told yet."""
        elapsed, share = self._clock() - self._began, self._share
        return elapsed * (1 - share) / share if share > 0 and elapsed >= _FIRST_SECONDS else None

    @property
    def _share(self) -> float:
        whole = sum(self._weights.values())
        done = sum(weight for name, weight in self._weights.items() if name in self._finished)
        part = self._done / self._total if self._total else 0.0
        return (done + part * self._weights.get(self._current, 0.0)) / whole if whole else 0.0

    def line(self) -> str:
        """Describe the progress: "2/12 report.pdf: 120 of 1,000 pages, 31 pages/s, 28 s left"."""
        position = self._names.index(self._current) + 1 if self._current in self._weights else 0
        where = f"{position}/{len(self._names)} " if len(self._names) > 1 else ""
        parts = []
        if self._total:
            parts.append(_("{done:,} of {total:,} pages", done=self._done, total=self._total))
            seconds = self._clock() - self._source_began
            if seconds >= _FIRST_SECONDS and self._done > 1:
                parts.append(_("{rate:.0f} pages/s", rate=self._done / seconds))
        if self.seconds_left is not None:
            parts.append(_("{time} left", time=duration(self.seconds_left)))
        shown = ", ".join(parts) or _("reading …")
        return f"{where}{one_line(self._current)}: {shown}"


def _weight(name: str) -> float:
    if is_address(name):
        return _ADDRESS_WEIGHT
    try:
        return max(_LEAST_WEIGHT, float(Path(name).expanduser().stat().st_size))
    except OSError:
        return _LEAST_WEIGHT

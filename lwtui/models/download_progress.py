"""The progress of a download, and how often it is reported."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from lwtui.models.llama_cpp.fit import format_size
from lwtui.translation import _

_RATE_SECONDS = 10.0  # the window over which the rate is measured
_REPORT_SECONDS = 0.1  # between two reports

Phase = Literal["downloading", "waiting", "checking"]


@dataclass(frozen=True)
class DownloadProgress:
    """Progress of a download.

    Attributes:
        phase: What it is doing.
        done: Bytes downloaded so far.
        size: Bytes in all.
        rate: Bytes per second; 0 if not known yet.
        note: Why it waits.
        part: Which part is downloading, for a model in several files.
    """

    phase: Phase
    done: int
    size: int
    rate: float = 0.0
    note: str = ""
    part: str = ""

    @property
    def seconds_left(self) -> float | None:
        """Expected seconds until all bytes are here, or ``None`` if that is unknown."""
        return (self.size - self.done) / self.rate if self.rate > 0 and self.phase == "downloading" else None

    @property
    def percent(self) -> int:
        """How much of the file is here."""
        return 100 * self.done // max(1, self.size)

    def summary(self) -> str:
        """Describe the progress: ``34 %, 1.7 GB of 4.9 GB, 12 MB/s``, or what the download is doing instead."""
        return _("{part}: {state}", part=self.part, state=self._state()) if self.part else self._state()

    def _state(self) -> str:
        if self.phase == "checking":
            return _("checking the SHA-256 …")
        if self.phase == "waiting":
            return self.note
        rate = f", {format_size(int(self.rate))}/s" if self.rate else ""
        return _(
            "{percent} %, {done} of {size}{rate}",
            percent=self.percent,
            done=format_size(self.done),
            size=format_size(self.size),
            rate=rate,
        )


ReportProgress = Callable[[DownloadProgress], None]


class ProgressReporter:
    """Reports the progress and the recent rate, a few times per second.

    Args:
        report: Called with the progress.

    Attributes:
        size: Bytes in all.
    """

    def __init__(self, report: ReportProgress) -> None:
        self.size = 0
        self._report = report
        self._last_report = 0.0
        self._phase: Phase | None = None
        self._samples: deque[tuple[float, int]] = deque()

    def report(self, phase: Phase, done: int, note: str = "") -> None:
        """Report the progress, unless the last report of it is not old enough.

        Args:
            phase: What the download is doing.
            done: Bytes so far.
            note: Why it waits.
        """
        now = monotonic()
        if phase == self._phase == "downloading" and now - self._last_report < _REPORT_SECONDS:
            return
        if phase != self._phase:
            self._samples.clear()
        self._last_report, self._phase = now, phase
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[0][0] > _RATE_SECONDS:
            self._samples.popleft()
        (since, done_then) = self._samples[0]
        rate = max(0.0, (done - done_then) / (now - since)) if now - since >= 0.5 else 0.0
        self._report(DownloadProgress(phase, done, self.size, rate, note))

    def report_retry(self, done: int, reason: str, seconds: float) -> None:
        """Report that the download waits before it tries again.

        Args:
            done: Bytes so far.
            reason: Why it waits.
            seconds: How long.
        """
        self.report(
            "waiting", done, _("{reason}; trying again in {seconds} s", reason=reason, seconds=max(1, round(seconds)))
        )

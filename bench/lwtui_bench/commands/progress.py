"""What a run tells meanwhile, on standard error: a line kept up to date on a terminal, elsewhere a line an answer."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from time import monotonic
from typing import Any

from lwtui.agentwrite.events import Event, PlanRejected, Retrying, SectionFinished
from lwtui.command_line.guard import say
from lwtui.errors import LwtuiError
from lwtui.models.budget import Prices
from lwtui.models.metering import UsageTracker
from lwtui.text import clean, duration, one_line
from lwtui_bench.answers import Answer
from lwtui_bench.generators import Job
from lwtui_bench.judge import Verdict

_REDRAW_SECONDS = 0.2
_MOST_PROMPT = 48  # characters


class Ticker:
    """Counts what is done of a number of things that take about as long as their weights say."""

    def __init__(
        self, done: int, total: int, weight: float, tracker: UsageTracker, prices: Prices, *, quiet: bool
    ) -> None:
        """``done`` of ``total`` were there before; ``weight`` is what is left to do, by calls at these ``prices``."""
        self._done, self._total = done, total
        self._open_weight = weight
        self._did_weight = 0.0
        self._tracker = tracker
        self._prices = prices
        self._quiet = quiet or sys.stderr is None
        self._live = not self._quiet and sys.stderr.isatty()
        self._began = monotonic()
        self._drawn_at = 0.0
        self.failed = 0

    def advance(self, weight: float) -> None:
        self._done += 1
        self._did_weight += weight
        self._open_weight -= weight

    def fail(self, weight: float) -> None:
        self.failed += 1
        self._open_weight -= weight

    def draw(self) -> None:
        """Bring the line up to date, if there is one and it is time."""
        if self._live and monotonic() - self._drawn_at >= _REDRAW_SECONDS:
            self._drawn_at = monotonic()
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r\x1b[K{self.line()[:width]}")
            sys.stderr.flush()

    def note(self, line: str) -> None:
        """A line that stays."""
        if not self._quiet:
            self.clear()
            say(line)

    def clear(self) -> None:
        if self._live and self._drawn_at:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._drawn_at = 0.0

    def line(self) -> str:
        """How far it is, how fast it goes, how long it takes, what it cost."""
        seconds = monotonic() - self._began
        parts = [f"{self._done} of {self._total}"]
        if seconds >= 1 and self._tracker.pieces:
            parts.append(f"{self._tracker.pieces / seconds:.0f} tokens/s")
        if self._did_weight and self._open_weight > 0:
            parts.append(f"{duration(self._open_weight / self._did_weight * seconds)} left")
        budget = self._tracker.budget
        if budget is not None and budget.tokens is not None:
            parts.append(f"{self._tracker.total.total:,} of {budget} spent")
        elif self._prices.known:
            parts.append(f"{self._tracker.cost:.4g}{f' of {budget}' if budget else ''} spent")
        if self.failed:
            parts.append(f"{self.failed} failed")
        return " · ".join(parts)


class Answering:
    """Tells of a run (see :class:`lwtui_bench.run.RunWatcher`)."""

    def __init__(self, ticker: Ticker) -> None:
        self.ticker = ticker

    def started(self, job: Job) -> None:
        self.ticker.draw()

    def happened(self, job: Job, event: Event) -> None:
        match event:
            case Retrying(reason=reason, delay=delay):
                self.ticker.note(f"{_short(job.sample.prompt)}: {clean(reason)} Trying again in {duration(delay)}.")
            case PlanRejected(findings=findings):
                self.ticker.note(f"{_short(job.sample.prompt)}: the plan cannot be used: {clean(findings[0])}")
            case SectionFinished(length=length, target=target):
                self.ticker.note(f"{_short(job.sample.prompt)}: a section of {length:,} ({target:,})")
        self.ticker.draw()

    def stored(self, job: Job, row: Mapping[str, Any]) -> None:
        self.ticker.advance(job.sample.length)
        length = f"{row['response_length']:,} of {job.sample.length:,}"
        ended = ", cut off" if row["finish_reason"] == "length" else ""
        took = duration(row["seconds"])
        self.ticker.note(f"{self.ticker.line()} · {_short(job.sample.prompt)}: {length}{ended} in {took}")

    def failed(self, job: Job, error: LwtuiError) -> None:
        self.ticker.fail(job.sample.length)
        self.ticker.note(f"{_short(job.sample.prompt)}: not answered: {error}")


class Judging:
    """Tells of a judge's sitting (see :class:`lwtui_bench.judge.JudgeWatcher`)."""

    def __init__(self, ticker: Ticker) -> None:
        self.ticker = ticker
        self.unscored = 0

    def happened(self, event: Event) -> None:
        if isinstance(event, Retrying):
            self.ticker.note(f"{clean(event.reason)} Trying again in {duration(event.delay)}.")

    def judged(self, answer: Answer, verdict: Verdict) -> None:
        self.ticker.advance(len(answer.text))
        told = " ".join(str(grade) for grade in verdict.grades.values())
        if not verdict.is_complete:
            self.unscored += 1
            told = "the judge gave no grades that can be used"
        self.ticker.note(f"{self.ticker.line()} · {_short(answer.prompt)}: {told}")

    def failed(self, answer: Answer, error: LwtuiError) -> None:
        self.ticker.fail(len(answer.text))
        self.ticker.note(f"{_short(answer.prompt)}: not judged: {error}")


def _short(prompt: str) -> str:
    prompt = one_line(prompt)
    return prompt if len(prompt) <= _MOST_PROMPT else f"{prompt[:_MOST_PROMPT]}…"

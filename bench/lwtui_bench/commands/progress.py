"""Progress on standard error: on a terminal a line that is updated in place, elsewhere one line per answer."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from time import monotonic
from typing import Any

from lwtui.agentwrite.critic import CriticEvent
from lwtui.agentwrite.events import Event, PlanDelta, PlanRejected, Retrying, SectionFinished, TextDelta
from lwtui.command_line.guard import say
from lwtui.errors import LwtuiError
from lwtui.models.budget import Prices
from lwtui.models.metering import UsageTracker
from lwtui.text import RunningCount, clean, duration, one_line
from lwtui.translation import _, _n
from lwtui_bench.answers import StoredAnswer
from lwtui_bench.duel import Call
from lwtui_bench.generators import Job
from lwtui_bench.judge import Verdict

_REDRAW_SECONDS = 0.2
_PLAIN_SECONDS = 30.0
_MAX_PROMPT = 48  # characters


class ProgressLine:
    """The line that shows progress.

    Attributes:
        failed: Number of items that failed.
    """

    def __init__(
        self, done: int, total: int, weight: float, tracker: UsageTracker, prices: Prices, *, quiet: bool
    ) -> None:
        """Start to measure.

        Args:
            done: How many of the ``total`` items were done before.
            total: The number of items.
            weight: The sum of the weights of the remaining items; the time an item takes is proportional to its weight.
            tracker: Counts the tokens that are used.
            prices: Of the tokens.
            quiet: Whether to show nothing.
        """
        self._done, self._total = done, total
        self._remaining_weight = weight
        self._done_weight = 0.0
        self._tracker = tracker
        self._prices = prices
        self._quiet = quiet or sys.stderr is None
        self._live = not self._quiet and sys.stderr.isatty()
        self._start = monotonic()
        self._drawn_at = self._start
        self._partial: dict[object, RunningCount] = {}
        self.failed = 0

    def stream(self, item: object, text: str) -> None:
        """Count the words of an item that is not done yet; an empty text means that it begins again."""
        if not text:
            self._partial.pop(item, None)
            return
        self._partial.setdefault(item, RunningCount()).add(text)

    def end(self, item: object) -> None:
        """Forget the words of an item that is done."""
        self._partial.pop(item, None)

    def advance(self, weight: float) -> None:
        """Count an item as done."""
        self._done += 1
        self._done_weight += weight
        self._remaining_weight -= weight

    def fail(self, weight: float) -> None:
        """Count an item as failed."""
        self.failed += 1
        self._remaining_weight -= weight

    def draw(self) -> None:
        """Redraw the line on a terminal, at most every 0.2 seconds; elsewhere print it every 30 seconds."""
        if not self._live and not self._quiet and monotonic() - self._drawn_at >= _PLAIN_SECONDS:
            self._drawn_at = monotonic()
            say(self.line())
        if self._live and monotonic() - self._drawn_at >= _REDRAW_SECONDS:
            self._drawn_at = monotonic()
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r\x1b[K{_cut(self.line(), width)}")
            sys.stderr.flush()

    def note(self, line: str) -> None:
        """Print a line that stays."""
        if not self._quiet:
            self.clear()
            say(line)

    def clear(self) -> None:
        """Remove the line from the terminal."""
        if self._live and self._drawn_at:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._drawn_at = 0.0

    def line(self) -> str:
        """Return the line: items done, rate, time left and what was spent."""
        seconds = monotonic() - self._start
        parts = [_("{done} of {total}", done=self._done, total=self._total)]
        if seconds >= 1 and self._tracker.pieces:
            parts.append(
                _(
                    "{count:,} tokens, {rate:.0f}/s",
                    count=self._tracker.pieces,
                    rate=self._tracker.pieces / seconds,
                )
            )
        words = sum(count.words for count in self._partial.values())
        if words:
            parts.append(_("{words:,} words in {count} answers under way", words=words, count=len(self._partial)))
        done = self._done_weight + min(words, self._remaining_weight)
        if done and seconds >= 1 and self._remaining_weight > 0:
            left = self._done_weight + self._remaining_weight - done
            parts.append(_("{time} left", time=duration(left / done * seconds)))
        budget = self._tracker.budget
        if budget is not None and budget.tokens is not None:
            parts.append(_("{total:,} of {budget} spent", total=self._tracker.total.total, budget=budget))
        elif self._prices.known:
            cost = self._tracker.cost
            if budget:
                parts.append(_("{cost:.4g} of {budget} spent", cost=cost, budget=budget))
            else:
                parts.append(_("{cost:.4g} spent", cost=cost))
        if self.failed:
            parts.append(_("{count} failed", count=self.failed))
        return " · ".join(parts)


class RunProgress:
    """Shows the progress of a run (see :class:`lwtui_bench.run.RunWatcher`)."""

    def __init__(self, progress: ProgressLine, *, direct: bool) -> None:
        """Show it in ``progress``; ``direct`` says whether an answer is one call, whose text is the answer's."""
        self._progress = progress
        self._text = PlanDelta if direct else TextDelta

    def on_start(self, job: Job) -> None:
        """Redraw the line."""
        self._progress.draw()

    def on_event(self, job: Job, event: Event) -> None:
        """Note retries, rejected plans and finished sections."""
        match event:
            case PlanDelta(text=text) | TextDelta(text=text):
                if isinstance(event, self._text):
                    self._progress.stream((job.sample.id, job.repeat), text)
            case Retrying(reason=reason, delay=delay):
                if self._text is PlanDelta:
                    self._progress.stream((job.sample.id, job.repeat), "")
                self._note(
                    job.sample.prompt,
                    _("{reason} Retrying in {time}.", reason=clean(reason), time=duration(delay)),
                )
            case PlanRejected(findings=findings):
                self._note(job.sample.prompt, _("the plan cannot be used: {finding}", finding=clean(findings[0])))
            case SectionFinished(length=length, target=target):
                self._note(
                    job.sample.prompt,
                    _("finished a section of {length:,} words (target: {target:,})", length=length, target=target),
                )
        self._progress.draw()

    def on_answer(self, job: Job, row: Mapping[str, Any]) -> None:
        """Note the answer's length and how long it took."""
        self._progress.end((job.sample.id, job.repeat))
        self._progress.advance(job.sample.length)
        values = {
            "length": row["response_length"],
            "target": job.sample.length,
            "time": duration(row["seconds"]),
        }
        if row["finish_reason"] == "length":
            result = _("{length:,} of {target:,} words, cut off in {time}", **values)
        else:
            result = _("{length:,} of {target:,} words in {time}", **values)
        self._progress.note(f"{self._progress.line()} · {_short(job.sample.prompt)}: {result}")

    def on_failure(self, job: Job, error: LwtuiError) -> None:
        """Note the error."""
        self._progress.end((job.sample.id, job.repeat))
        self._progress.fail(job.sample.length)
        self._note(job.sample.prompt, _("not answered: {error}", error=error))

    def _note(self, prompt: str, text: str) -> None:
        self._progress.note(f"{_short(prompt)}: {text}")


class _CallProgress:
    """Shows the progress of calls about stored answers."""

    def __init__(self, progress: ProgressLine) -> None:
        self._progress = progress

    def on_event(self, event: Event | CriticEvent) -> None:
        """Note retries."""
        if isinstance(event, Retrying):
            self._progress.note(
                _("{reason} Retrying in {time}.", reason=clean(event.reason), time=duration(event.delay))
            )


class JudgeProgress(_CallProgress):
    """Shows the progress of a judge (see :class:`lwtui_bench.judge.JudgeWatcher`)."""

    def on_verdict(self, answer: StoredAnswer, verdict: Verdict) -> None:
        """Note the grades."""
        self._progress.advance(len(answer.text))
        grades = " ".join(map(str, verdict.grades.values()))
        result = grades if verdict.is_complete else _("the judge gave no usable grades")
        self._progress.note(f"{self._progress.line()} · {_short(answer.prompt)}: {result}")

    def on_failure(self, answer: StoredAnswer, error: LwtuiError) -> None:
        """Note the error."""
        self._progress.fail(len(answer.text))
        self._progress.note(f"{_short(answer.prompt)}: " + _("not judged: {error}", error=error))


class DuelProgress(_CallProgress):
    """Shows the progress of a judge that compares (see :class:`lwtui_bench.duel.DuelWatcher`)."""

    def on_comparison(self, call: Call, better: int) -> None:
        """Note the verdict."""
        self._progress.advance(sum(len(answer.text) for answer in call))
        said = {1: _("the first"), 2: _("the second"), 0: _("neither")}.get(better, _("no usable verdict"))
        self._progress.note(f"{self._progress.line()} · {_short(call[0].prompt)}: {said}")

    def on_comparison_failure(self, call: Call, error: LwtuiError) -> None:
        """Note the error."""
        self._progress.fail(sum(len(answer.text) for answer in call))
        self._progress.note(f"{_short(call[0].prompt)}: " + _("not compared: {error}", error=error))


class ErrorsProgress(_CallProgress):
    """Shows the progress of a critic (see :class:`lwtui_bench.errors.CriticWatcher`)."""

    def on_reading(self, answer: StoredAnswer, found: int) -> None:
        """Note how many contradictions there are."""
        self._progress.advance(len(answer.text))
        count = _n("{count} contradiction", "{count} contradictions", found)
        self._progress.note(f"{self._progress.line()} · {_short(answer.prompt)}: {count}")

    def on_reading_failure(self, answer: StoredAnswer, error: LwtuiError) -> None:
        """Note the error."""
        self._progress.fail(len(answer.text))
        self._progress.note(f"{_short(answer.prompt)}: " + _("not read: {error}", error=error))


def _cut(line: str, width: int) -> str:
    from rich.cells import cell_len, set_cell_size

    return set_cell_size(line, width) if cell_len(line) > width else line


def _short(prompt: str) -> str:
    prompt = one_line(prompt)
    return prompt if len(prompt) <= _MAX_PROMPT else f"{prompt[:_MAX_PROMPT]}…"

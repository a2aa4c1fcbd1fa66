"""Progress of long-running commands on standard error.

On a terminal it is one line that is redrawn; elsewhere, a line for each event that matters.
"""

from __future__ import annotations

import shutil
import sys
from time import monotonic

from lwtui.agentwrite.events import (
    CitationsAdded,
    CitationsDropped,
    ContextTrimmed,
    CriteriaMade,
    Event,
    FactsNoted,
    Grounded,
    NotesLeftOut,
    PassagesLeftOut,
    PlanGrew,
    PlanReady,
    PlanRejected,
    PolishFinished,
    Polishing,
    PolishStarted,
    ReadingPrompt,
    Retrying,
    ReviewingPlan,
    SectionFinished,
    SectionPolished,
    SectionReviewed,
    TextDelta,
    Thinking,
)
from lwtui.agentwrite.fact_notes import facts_note
from lwtui.agentwrite.plan_review_report import plan_review_notes, reviewing_line
from lwtui.agentwrite.polish_report import POLISH_STEPS, polish_note
from lwtui.agentwrite.run_state import RunState
from lwtui.command_line.guard import say
from lwtui.documents.model import Status
from lwtui.terminal_cells import fitted
from lwtui.text import clean, duration
from lwtui.translation import _, _n, listed

_REDRAW_SECONDS = 0.1
_MAX_TITLE = 40  # columns of a section's heading
_MAX_REFUSAL = 120  # columns of the words of a model that refused
_MIN_SECONDS = 1.0  # of writing, before the speed is shown


class Progress:
    """Shows events on standard error, unless ``quiet`` is set."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._state = RunState()
        self._is_recorded = False  # whether a recorder applies the events to the state
        self._has_text = False
        self._unit = _("words")
        self._quiet = quiet or sys.stderr is None
        self._live = not self._quiet and sys.stderr.isatty()
        self._drawn_at = 0.0
        self._drawn = False

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is shown."""
        return self._quiet

    def begin(self, state: RunState, unit: str) -> None:
        """Show a run whose ``state`` a recorder keeps up to date. Lengths are in ``unit``."""
        self._state, self._unit, self._is_recorded = state, unit, True

    def take(self, event: Event) -> None:
        """Show an event."""
        if self._quiet:
            return
        if not self._is_recorded:
            self._state.apply(event)
        if isinstance(event, TextDelta) and not self._has_text:
            self._has_text = True
            self._state.throughput.restart()  # the time before the first word does not count
        for note in (self._note(event), *plan_review_notes(event)):
            if note:
                self.note(note)
        is_due = monotonic() - self._drawn_at >= _REDRAW_SECONDS and not isinstance(event, PlanReady | Grounded)
        if self._live and is_due:
            width = shutil.get_terminal_size().columns - 1
            self._draw(_status(event) or progress_line(self._state, self._unit, width))

    def note(self, line: str) -> None:
        """Print a line that stays."""
        if not self._quiet:
            self.clear()
            say(line)

    def clear(self) -> None:
        """Erase the line that is redrawn."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._drawn = False

    def _draw(self, line: str) -> None:
        self._drawn_at = monotonic()
        self._drawn = True
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()

    def _note(self, event: Event) -> str:
        match event:
            case PlanGrew(planned=planned, chapters=chapters) if planned:
                return _("{planned} of {chapters} chapters planned", planned=planned, chapters=chapters)
            case PlanRejected(attempt=attempt, findings=findings):
                return _(
                    "The plan of attempt {attempt} is not usable: {finding}",
                    attempt=attempt,
                    finding=clean(findings[0]),
                )
            case Retrying(reason=reason, delay=delay):
                problem = clean(reason).rstrip(".。")
                if delay >= 1:
                    return _("{problem}. Retrying in {time}.", problem=problem, time=duration(delay))
                return _("{problem}. Retrying.", problem=problem)
            case NotesLeftOut(titles=titles):
                return _("No room in the prompt for these notes: {titles}", titles=listed(titles))
            case PassagesLeftOut(shown=shown, left_out=left_out):
                return _(
                    "The prompt shows {shown} passages of the sources and has no room for {left_out} more.",
                    shown=shown,
                    left_out=left_out,
                )
            case CitationsDropped(citations=citations):
                return _(
                    "Dropped citations that stand for nothing: {citations}",
                    citations=fitted(clean(listed(citations)), _MAX_REFUSAL),
                )
            case CitationsAdded(citations=citations):
                return _n(
                    "Added {count} citation: a passage says what a sentence says.",
                    "Added {count} citations: passages say what sentences say.",
                    len(citations),
                )
            case ContextTrimmed(full_tokens=full, sent_tokens=sent):
                return _(
                    "The text so far has {full:,} tokens; the model sees its end and summaries, {sent:,} tokens.",
                    full=full,
                    sent=sent,
                )
            case FactsNoted() if event.facts or event.contradictions or event.dropped:
                return facts_note(event)
            case PolishStarted() | SectionReviewed() | SectionPolished() | PolishFinished() | CriteriaMade():
                return polish_note(event, self._state)
            case SectionFinished(section_id=section_id, length=length, seconds=seconds, status=status):
                run = self._state.runs[section_id]
                where = f"{run.position}/{run.total} {run.title}".rstrip()
                if event.refusal:
                    return _(
                        "{where}: the model refused: “{words}”",
                        where=where,
                        words=fitted(clean(event.refusal), _MAX_REFUSAL),
                    )
                if status is Status.SHORT:
                    return _(
                        "{where}: too short, {length:,} of {target:,} {unit} in {time}",
                        where=where,
                        length=length,
                        target=event.target,
                        unit=self._unit,
                        time=duration(seconds),
                    )
                return _(
                    "{where}: {length:,} {unit} in {time}",
                    where=where,
                    length=length,
                    unit=self._unit,
                    time=duration(seconds),
                )
            case _:
                return ""


def progress_line(state: RunState, unit: str, width: int) -> str:
    """Return the progress of a run in one line of at most ``width`` columns."""
    if not state.target:
        return fitted(_("Planning … {characters} characters", characters=len(state.plan_text)), width)
    parts = [_("{length:,} of {target:,} {unit}", length=state.length, target=state.target, unit=unit)]
    if _has_speed(state) and state.seconds_left is not None:
        parts.append(_("{speed:.1f} {unit}/s", speed=state.units_per_second, unit=unit))
        parts.append(_("{time} left", time=duration(state.seconds_left)))
    if state.open:
        first, *others = state.open
        more = f" (+{len(others)})" if others else ""
        parts.insert(0, f"{first.position}/{first.total}{more} {fitted(first.title, _MAX_TITLE)}".rstrip())
    return fitted(" · ".join(parts), width)


def _has_speed(state: RunState) -> bool:
    """Tell whether text has been streaming for long enough to show its speed."""
    first = min((run.first_text for run in state.runs.values() if run.first_text is not None), default=None)
    return first is not None and state.clock() - first >= _MIN_SECONDS


def _status(event: Event) -> str:
    match event:
        case Thinking(characters=characters):
            return _("The model is thinking … {characters:,} characters", characters=characters)
        case ReadingPrompt(tokens=tokens, total=total):
            return _("The model is reading … {tokens:,} of {total:,} tokens", tokens=tokens, total=total)
        case Polishing(position=position, total=total, title=title, step=step, length=length):
            written = f" … {length:,}" if length else ""
            return f"{position}/{total} {clean(title)}: {POLISH_STEPS[step]}{written}"
        case ReviewingPlan():
            return f"{reviewing_line(event)} …"
        case _:
            return ""

"""What a command that runs for minutes tells meanwhile, on standard error.

On a terminal a line that is kept up to date; elsewhere a plain line for each thing that happened.
"""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from lwtui.agentwrite.events import (
    ContextTrimmed,
    Event,
    Grounded,
    NotesLeftOut,
    PlanDelta,
    PlanGrew,
    PlanReady,
    PlanRejected,
    PlanStarted,
    ReadingPrompt,
    Retrying,
    SectionFinished,
    SectionStarted,
    TextDelta,
    TextRolledBack,
    Thinking,
)
from lwtui.cli.guard import say
from lwtui.documents.model import Section
from lwtui.text import RunningCount, clean, duration

_REDRAW_SECONDS = 0.1
_LONGEST_TITLE = 40  # columns of a section's heading in the line
_LEAST_SECONDS = 1.0  # of writing, before a speed means anything


@dataclass
class _Open:
    """A section that is being written: its place, and its text so far."""

    position: int
    total: int
    title: str
    text: str
    count: RunningCount


@dataclass
class Tally:
    """How far the document is, from the events. Lengths are in the counter's unit."""

    target: int = 0
    unit: str = "words"
    clock: Callable[[], float] = monotonic
    planned: int = 0  # characters of the plan so far
    _texts: dict[str, str] = field(default_factory=dict)
    _lengths: dict[str, int] = field(default_factory=dict)
    _open: dict[str, _Open] = field(default_factory=dict)
    _at_start: int = 0
    _began: float | None = None

    def begin(self, sections: list[Section], unit: str) -> None:
        """What there is before the first word of this run."""
        self.unit = unit
        self.target = sum(section.words for section in sections)
        self._texts = {section.id: section.text for section in sections}
        self._lengths = {section.id: section.length for section in sections}
        self._at_start = self.length

    @property
    def length(self) -> int:
        """Length of the whole document."""
        done = sum(length for one, length in self._lengths.items() if one not in self._open)
        return done + sum(one.count.words for one in self._open.values())

    @property
    def speed(self) -> float:
        """Words a second since the first word of this run; 0 while that is not known."""
        seconds = self.clock() - self._began if self._began is not None else 0.0
        return max(0, self.length - self._at_start) / seconds if seconds >= _LEAST_SECONDS else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time until the target at the present speed, if it is known."""
        return max(0, self.target - self.length) / self.speed if self.speed else None

    def take(self, event: Event) -> None:
        """Bring the tally up to date."""
        match event:
            case PlanStarted():
                self.planned = 0
            case PlanDelta(text=text):
                self.planned += len(text)
            case SectionStarted(section_id=section_id):
                text = self._texts.get(section_id, "")[: event.keep]
                count = RunningCount(text)
                self._open[section_id] = _Open(event.position, event.total, event.title, text, count)
            case TextDelta(section_id=section_id, text=text):
                self._began = self.clock() if self._began is None else self._began
                self._open[section_id].text += text
                self._open[section_id].count.add(text)
            case TextRolledBack(section_id=section_id, keep=keep):
                one = self._open[section_id]
                one.text = one.text[:keep]
                one.count = RunningCount(one.text)
            case SectionFinished(section_id=section_id, length=length):
                self._lengths[section_id] = length
                self._texts[section_id] = self._open.pop(section_id).text
            case _:
                return

    def line(self, width: int) -> str:
        """The state in one line of at most ``width`` columns."""
        if not self.target:
            return _fit(f"Planning … {self.planned} characters", width)
        parts = [f"{self.length:,} of {self.target:,} {self.unit}"]
        if self.speed:
            parts.append(f"{self.speed:.1f} {self.unit}/s")
        if self.seconds_left is not None:
            parts.append(f"{duration(self.seconds_left)} left")
        if self._open:
            one = min(self._open.values(), key=lambda candidate: candidate.position)
            more = f" (+{len(self._open) - 1})" if len(self._open) > 1 else ""
            parts.insert(0, f"{one.position}/{one.total}{more} {_fit(one.title, _LONGEST_TITLE)}".rstrip())
        return _fit(" · ".join(parts), width)


class Progress:
    """Shows events on standard error. ``quiet`` shows none."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.tally = Tally()
        self._quiet = quiet or sys.stderr is None
        self._live = not self._quiet and sys.stderr.isatty()
        self._drawn_at = 0.0
        self._drawn = False
        self._titles: dict[str, tuple[int, int, str]] = {}

    def take(self, event: Event) -> None:
        """Show what ``event`` changes."""
        if self._quiet:
            return
        self.tally.take(event)
        if isinstance(event, SectionStarted):
            self._titles[event.section_id] = (event.position, event.total, event.title)
        if note := self._note(event):
            self.note(note)
        is_due = monotonic() - self._drawn_at >= _REDRAW_SECONDS and not isinstance(event, PlanReady | Grounded)
        if self._live and is_due:
            self._draw(_status(event) or self.tally.line(shutil.get_terminal_size().columns - 1))

    def note(self, line: str) -> None:
        """A line that stays."""
        if not self._quiet:
            self.clear()
            say(line)

    def clear(self) -> None:
        """Take the line that is kept up to date off the screen."""
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
                return f"{planned} of {chapters} chapters planned"
            case PlanRejected(attempt=attempt, findings=findings):
                return f"Try {attempt} cannot be used: {clean(findings[0])}"
            case Retrying(reason=reason, delay=delay):
                return f"{clean(reason).rstrip('.')}. Trying again" + (f" in {duration(delay)}." if delay >= 1 else ".")
            case NotesLeftOut(titles=titles):
                return f"No room for these notes: {', '.join(titles)}"
            case ContextTrimmed(full_tokens=full, sent_tokens=sent):
                return f"The text so far has {full:,} tokens: the model sees notes and its end, {sent:,} tokens."
            case SectionFinished(section_id=section_id, length=length, seconds=seconds):
                position, total, title = self._titles[section_id]
                return f"{position}/{total} {title}".rstrip() + f": {length:,} {self.tally.unit} in {duration(seconds)}"
            case _:
                return ""


def _status(event: Event) -> str:
    match event:
        case Thinking(characters=characters):
            return f"The model is thinking … {characters:,} characters"
        case ReadingPrompt(tokens=tokens, total=total):
            return f"The model is reading … {tokens:,} of {total:,} tokens"
        case _:
            return ""


def _fit(text: str, width: int) -> str:
    """``text`` cut to ``width`` columns of a terminal."""
    if sum(map(_columns, text)) <= width:
        return text
    fitted, used = "", 0
    for character in text:
        used += _columns(character)
        if used > width - 1:
            break
        fitted += character
    return fitted + "…"


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1

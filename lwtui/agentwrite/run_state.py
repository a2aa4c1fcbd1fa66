"""The state of a run: all its events folded into one object, from which it is shown and stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic

from lwtui.agentwrite.events import (
    Continuing,
    DocumentFinished,
    Event,
    Grounded,
    PlanDelta,
    PlanGrew,
    PlanReady,
    PlanStarted,
    PlanVoided,
    PolishFinished,
    Polishing,
    PolishOutcome,
    PolishStarted,
    ReadingPrompt,
    Redrafting,
    Retrying,
    SectionFinished,
    SectionPolished,
    SectionReviewed,
    SectionStarted,
    TextDelta,
    TextRolledBack,
    Thinking,
)
from lwtui.documents.model import Basis, Plan, Provenance, Section
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.text import RunningCount, count_words

_WINDOW = 30.0  # seconds
_BATCH = 0.1  # seconds; pieces within this time count as one, since some backends send thousands per second
_LEAST_SECONDS = 1.0  # over which speed is measured
_CHARACTERS_PER_TOKEN = 4.2  # until a finished section shows the true figure


class Throughput:
    """Measures how fast text has arrived over the last 30 seconds of a run."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._pieces: deque[tuple[float, int]] = deque()
        self._characters = 0  # in these pieces
        self._started = clock()
        self._finished_characters = 0
        self._finished_tokens = 0

    def restart(self) -> None:
        """Start again, for a new run."""
        self._pieces.clear()
        self._characters = 0
        self._started = self._clock()

    def add(self, characters: int) -> None:
        """Count a piece of text that has just arrived."""
        now = self._clock()
        self._characters += characters
        if self._pieces and now - self._pieces[-1][0] < _BATCH:
            now, before = self._pieces.pop()
            characters += before
        self._pieces.append((now, characters))
        self._forget(now)

    def learn(self, characters: int, tokens: int) -> None:
        """Learn the characters per token from a finished section."""
        if tokens > 0:
            self._finished_characters += characters
            self._finished_tokens += tokens

    @property
    def characters_per_second(self) -> float:
        """The current speed; 0.0 if no text arrives."""
        if not self._pieces:
            return 0.0
        now = self._clock()
        self._forget(now)
        return self._characters / max(_LEAST_SECONDS, min(_WINDOW, now - self._started))

    @property
    def tokens_per_second(self) -> float:
        """The current speed in tokens, by the characters per token of the finished sections."""
        per_token = (
            self._finished_characters / self._finished_tokens if self._finished_tokens else _CHARACTERS_PER_TOKEN
        )
        return self.characters_per_second / max(0.5, per_token)

    def _forget(self, now: float) -> None:
        while self._pieces and self._pieces[0][0] < now - _WINDOW:
            self._characters -= self._pieces.popleft()[1]


@dataclass
class SectionRun:
    """A section that the run has started.

    Attributes:
        section_id: Its id.
        position: Its number among the sections.
        total: The number of sections.
        title: Its heading.
        target: Its length for this run, in the counter's unit.
        provenance: Where its text comes from.
        basis: What it is written from.
        started: When it started, in seconds of the run's clock.
        text: The text so far.
        kept: How many characters were there before.
        calls: How many calls were made.
        undisturbed: Whether its times show the model's speed: no faults, and no other sections at the same time.
        first_text: When its first text came, in seconds of the run's clock.
        finished: The event that finished it.
        ended: When it finished, in seconds of the run's clock.
    """

    section_id: str
    position: int
    total: int
    title: str
    target: int
    provenance: Provenance | None
    basis: Basis | None
    started: float
    text: str = ""
    kept: int = 0
    calls: int = 1
    undisturbed: bool = True
    first_text: float | None = None
    finished: SectionFinished | None = None
    ended: float | None = None
    _count: RunningCount = field(default_factory=RunningCount)

    @property
    def length(self) -> int:
        """Length of the text so far, in the counter's unit."""
        return self.finished.length if self.finished else self._count.words

    @property
    def usage(self) -> Usage:
        """Token usage of its calls, once it is finished."""
        return self.finished.usage if self.finished else NO_USAGE

    def append(self, text: str) -> None:
        """Add text at the end."""
        self.text += text
        self._count.add(text)

    def cut(self, keep: int) -> None:
        """Keep the first ``keep`` characters."""
        self.text = self.text[:keep]
        self._count = RunningCount(self.text)


class RunState:
    """The state of a run after the events so far.

    Args:
        sections: The document's sections before the run, for the totals.
        clock: Returns the time in seconds.
    """

    def __init__(self, sections: Iterable[Section] = (), clock: Callable[[], float] = monotonic) -> None:
        self.clock = clock
        self.plan: Plan | None = None
        self.plan_text = ""  # the plan as the model writes it
        self.planned_chapters = (0, 0)  # when planning in chapters: those with sections, and all
        self.runs: dict[str, SectionRun] = {}  # the sections that were started, in that order
        self.waiting: Thinking | ReadingPrompt | None = None  # what the model does before its text comes
        self.retrying: Retrying | None = None
        self.finished: DocumentFinished | None = None
        self.polishing: Polishing | None = None  # the section that is being polished, and the step
        self.polish_pass: PolishStarted | None = None
        self.polish_names: dict[str, str] = {}  # number and heading of each section that is polished, by id
        self.polished: dict[str, SectionPolished] = {}  # the last result of each section, by id
        self.reviews: dict[str, SectionReviewed] = {}  # the last review of each section, by id
        self.polish_finished: PolishFinished | None = None
        self.throughput = Throughput(clock)
        self._sections: list[Section] = []  # the document's, before the run or its last section
        self._polished: dict[str, tuple[str, int]] = {}  # their texts and lengths, where polishing has changed them
        self._bases: dict[str, Basis] = {}
        self._written = [0, 0]  # characters, and words, of the text that came in this run
        self.begin(sections)

    def begin(self, sections: Iterable[Section]) -> None:
        """Set the document's sections before the run."""
        # Called for each section, so that nothing is computed here from all of them.
        self._sections, self._polished = list(sections), {}

    @property
    def target(self) -> int:
        """The length that the document is to have, in the counter's unit."""
        return sum(section.words for section in self._sections)

    @property
    def open(self) -> list[SectionRun]:
        """The sections that are being written, by position."""
        return sorted((run for run in self.runs.values() if run.finished is None), key=lambda run: run.position)

    @property
    def length(self) -> int:
        """Length of the whole document, in the counter's unit."""
        untouched = (section for section in self._sections if section.id not in self.runs)
        before = sum(self._polished.get(section.id, (section.text, section.length))[1] for section in untouched)
        return before + sum(run.length for run in self.runs.values())

    @property
    def usage(self) -> Usage:
        """Token usage of the finished sections."""
        return sum((run.usage for run in self.runs.values()), NO_USAGE)

    @property
    def units_per_second(self) -> float:
        """The current speed in words (or characters of Chinese and Japanese); 0.0 if unknown."""
        characters, units = self._written
        return self.throughput.characters_per_second * units / characters if characters and units else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time until the document has its length at the current speed; ``None`` if unknown."""
        speed = self.units_per_second
        return max(0, self.target - self.length) / speed if speed else None

    def text_of(self, section_id: str) -> str:
        """Return a section's current text."""
        run = self.runs.get(section_id)
        return run.text if run else self._text_before(section_id) or ""

    def _text_before(self, section_id: str) -> str | None:
        """Return the document's text of a section; ``None`` if it has no such section."""
        if section_id in self._polished:
            return self._polished[section_id][0]
        return next((section.text for section in self._sections if section.id == section_id), None)

    def apply(self, event: Event) -> None:
        """Update the state with an event."""
        match event:
            case TextDelta(section_id, text):
                self._append(self.runs[section_id], text)
            case PlanDelta(text):
                self.plan_text += text
            case PlanVoided(characters):
                self.plan_text = self.plan_text[: max(0, len(self.plan_text) - characters)]
            case PlanStarted():
                self.plan_text = ""
            case PlanGrew(plan, planned, chapters):
                self.plan, self.planned_chapters = plan, (planned, chapters)
            case PlanReady(plan):
                self.plan = plan
            case Grounded(section_id, basis):
                self._bases[section_id] = basis
            case SectionStarted():
                self._start(event)
            case TextRolledBack(section_id, keep):
                self.runs[section_id].cut(keep)
            case Continuing(section_id) | Redrafting(section_id):
                self.runs[section_id].calls += 1
            case Thinking() | ReadingPrompt():
                self.waiting = event
            case Retrying():
                self._retry(event)
            case SectionFinished():
                self._finish(event)
            case DocumentFinished():
                self.finished = event
            case _:
                self._apply_polish(event)

    def _apply_polish(self, event: Event) -> None:
        match event:
            case PolishStarted():
                self.polish_pass, self.polish_finished = event, None
            case Polishing():
                self.polishing = event
                self.polish_names[event.section_id] = f"{event.position}/{event.total} {event.title}".rstrip()
                self.waiting = self.retrying = None
            case SectionReviewed(section_id):
                self.reviews[section_id] = event
            case SectionPolished(section_id):
                self.polished[section_id] = event
                self.polishing = None
                if event.outcome is PolishOutcome.BETTER:
                    self.runs.pop(section_id, None)
                    self._polished[section_id] = (event.text, count_words(event.text))
            case PolishFinished():
                self.polishing, self.polish_finished = None, event

    def _start(self, event: SectionStarted) -> None:
        parallel = self.open
        for run in parallel:
            run.undisturbed = False
        # The document's text counts: the writer may have changed it since the section was last started.
        text = self._text_before(event.section_id)
        text = (self.text_of(event.section_id) if text is None else text)[: event.keep]
        run = SectionRun(
            event.section_id,
            event.position,
            event.total,
            event.title,
            event.target,
            event.provenance,
            self._bases.pop(event.section_id, None),
            self.clock(),
            kept=len(text),
            undisturbed=not event.resumed and not parallel,
        )
        run.append(text)
        self.runs.pop(event.section_id, None)  # so that it moves to the end
        self.runs[event.section_id] = run
        self.waiting = self.retrying = self.finished = None

    def _append(self, run: SectionRun, text: str) -> None:
        if run.first_text is None:
            run.first_text = self.clock()
        before = run.length
        run.append(text)
        self._written[0] += len(text)
        self._written[1] += run.length - before
        self.throughput.add(len(text))
        self.waiting = self.retrying = None

    def _retry(self, event: Retrying) -> None:
        self.retrying, self.plan_text = event, ""
        if run := self.runs.get(event.section_id):
            run.undisturbed = False
            run.calls += 1

    def _finish(self, event: SectionFinished) -> None:
        run = self.runs[event.section_id]
        run.finished, run.ended = event, self.clock()
        self.throughput.learn(len(run.text) - run.kept, event.usage.completion)

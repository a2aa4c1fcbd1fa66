"""What writing a document will take, told before it begins: words, tokens, time on this machine, and money.

It plays the run through: each section's prompt holds the brief, the plan and the text so far, as far as the model's
context goes, and begins as the one before it did. Speeds and tokens per word are those measured of this model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lwtui.agentwrite.plan_format import MOST_AT_ONCE, Bounds
from lwtui.agentwrite.throughput import Rates
from lwtui.config import ModelSettings
from lwtui.documents.model import Brief, Mode, Section, Status
from lwtui.models.budget import cost_of
from lwtui.models.usage import Usage
from lwtui.text import counts_characters, money

_PER_WORD, _PER_CHARACTER = 1.4, 0.9  # tokens, where nothing was measured
_CHARACTERS_A_TOKEN = 4.0
_FRAME = 260  # tokens of a section's prompt beside brief, plan and text
_STEP = 45  # tokens of a section in the plan
_MOST_PLAN = 4000  # tokens
_SHOWN = 0.8  # of the budget that the text so far fills once it no longer fits
_NOTE = (150, 120)  # tokens that notes on a section take beside its text, and of the answer
_CALL_SECONDS = 0.5  # that a call to an endpoint takes before it is worked on
_USUAL_CONTEXT = 32_768
_SIDE_BY_SIDE = 4


@dataclass(frozen=True)
class Forecast:
    """``prompt``, ``cached`` and ``completion`` are tokens; ``cached`` is the part of ``prompt`` not computed anew.

    ``seconds`` is ``None`` where the model's speed was never measured here, ``cost`` where its prices are not known.
    ``each`` has what the sections take, by id; ``planned`` says that there is no plan yet, so that it is guessed.
    """

    words: int
    calls: int
    prompt: int
    cached: int
    completion: int
    seconds: float | None
    cost: float | None
    each: dict[str, Usage] = field(default_factory=dict)
    planned: bool = False

    @property
    def usage(self) -> Usage:
        return Usage(self.prompt, self.completion, self.cached)


def forecast(brief: Brief, sections: Sequence[Section], model: ModelSettings, rates: Rates) -> Forecast:
    """What is still to be written of ``sections``; of a document without any, all of it, with its plan."""
    run = _Simulation(brief, model, rates, len(sections))
    sections = sections or _likely(brief)
    for section in sections:
        run.pass_by(section) if section.status is Status.DONE else run.write(section)
    total = sum(run.each.values(), Usage()) + run.beside
    return Forecast(
        words=run.words,
        calls=round(run.calls),
        prompt=total.prompt,
        cached=total.cached,
        completion=total.completion,
        seconds=seconds_for(total, run.calls, brief.mode, model, rates),
        cost=cost_of(total, model),
        each=run.each,
        planned=run.planned,
    )


def seconds_for(usage: Usage, calls: float, mode: Mode, model: ModelSettings, rates: Rates) -> float | None:
    """How long ``usage`` takes at the measured speeds."""
    if not rates.writing:
        return None
    reading = (usage.prompt - usage.cached) / rates.reading if rates.reading else 0.0
    waiting = calls * _CALL_SECONDS if model.provider == "openai" and not rates.reading else 0.0
    several = _SIDE_BY_SIDE if mode is Mode.PARALLEL and model.provider == "openai" else 1
    return (reading + waiting + usage.completion / rates.writing) / several


def tokens_per_unit(brief: Brief, rates: Rates) -> float:
    """Tokens that the model takes for one of the counter's units in the brief's language."""
    if counts_characters(brief.language):
        return rates.per_character or _PER_CHARACTER
    return rates.per_word or _PER_WORD


def likely_plan(brief: Brief) -> int:
    """Tokens of the answer to one call for a plan."""
    return _STEP * min(MOST_AT_ONCE, Bounds.of(brief.words, 120).likely_steps(brief.words))


class _Simulation:
    """The run as it is played through."""

    def __init__(self, brief: Brief, model: ModelSettings, rates: Rates, steps: int) -> None:
        """``steps``: of the plan; 0 if there is none yet."""
        self.brief, self.rates = brief, rates
        self.planned = not steps and brief.mode is not Mode.DIRECT
        self.words = 0
        self.calls = 0.0
        self.each: dict[str, Usage] = {}
        self.beside = Usage()  # the plan, and notes
        self._unit = tokens_per_unit(brief, rates)
        self._text_unit = min(self._unit, 2.0)  # reasoning is no part of the text that later prompts show
        self._context = model.context_length or rates.context_length or _USUAL_CONTEXT
        local = model.provider == "llama_cpp"
        self._reused = rates.reused if rates.reused >= 0 else (1.0 if local else 0.0)
        notes = sum(len(note.text) + len(note.title) for note in brief.notes)
        instruction = (len(brief.instruction) + notes) / _CHARACTERS_A_TOKEN
        self._fixed = instruction + _FRAME
        self._before = 0.0  # tokens of the text so far
        self._last = 0.0  # of the last prompt
        self._noted = 0.0  # tokens of text that notes have been made of
        if self.planned:
            steps = Bounds.of(brief.words, 120).likely_steps(brief.words)
            self.beside += Usage(round(instruction) + 400, round(steps * _STEP))
            self.calls += 1
        self._plan = min(_MOST_PLAN, steps * _STEP)

    def pass_by(self, section: Section) -> None:
        """A section that stands already is only in the prompts of later ones."""
        self._before += section.length * self._text_unit

    def write(self, section: Section) -> None:
        words = max(0, section.words - section.length)
        if not words:
            self.pass_by(section)
            return
        direct, alone = self.brief.mode is Mode.DIRECT, self.brief.mode is Mode.PARALLEL
        standing = 0.0 if direct or alone else self._before
        fixed = self._fixed + (0 if direct else self._plan)
        room = max(500.0, (self._context - fixed) - 2 * (section.words * 3 + 128))
        if standing > room:
            self._note(standing - room * _SHOWN)
            standing = room * _SHOWN
        calls = max(1.0, self.rates.calls)
        answer = words * self._unit
        prompt = fixed + standing + section.length * self._text_unit
        cached = min(self._last, prompt) * self._reused
        # Each further call for the same section has its text so far too.
        more = (calls - 1) * (prompt + answer / 2)
        self.each[section.id] = Usage(
            round(prompt + more), round(answer), round(cached + (calls - 1) * prompt * self._reused)
        )
        self._last = prompt if not alone else fixed
        self._before += (section.length + words) * self._text_unit
        self.words += words
        self.calls += calls

    def _note(self, hidden: float) -> None:
        """Notes are made of what is no longer shown, once."""
        new = hidden - self._noted
        if new <= 0:
            return
        self._noted = hidden
        notes = max(1.0, new / 500)
        self.beside += Usage(round(new + notes * _NOTE[0]), round(notes * _NOTE[1]))
        self.calls += notes


def _likely(brief: Brief) -> list[Section]:
    """Sections such as a plan would have."""
    steps = 1 if brief.mode is Mode.DIRECT else Bounds.of(brief.words, 400).likely_steps(brief.words)
    share = max(1, round(brief.words / steps))
    return [Section(f"likely-{at}", "", "", share, Status.EMPTY, "", 0) for at in range(steps)]


def told(forecast: Forecast, unit: str) -> str:
    """A forecast in one line: ``about 4,800 words, 62k tokens read (51k of them kept), 7k written, 3 min, 0.12``."""
    parts = [f"{forecast.words:,} {unit}"]
    kept = f" ({_thousands(forecast.cached)} of them kept)" if forecast.cached else ""
    parts.append(f"{_thousands(forecast.prompt)} tokens read{kept}, {_thousands(forecast.completion)} written")
    parts.append(_time(forecast.seconds) if forecast.seconds is not None else "time not known yet")
    if forecast.cost is not None:
        parts.append(f"cost {money(forecast.cost)}")
    return ", ".join(parts)


def compared(before: Forecast, usage: Usage, seconds: float, model: ModelSettings) -> str:
    """What a run took and what was expected, in a sentence that a narrow window shows whole:
    ``It took 3 min, 62k tokens and 0.1200; expected were 2 min, 61k and 0.1100.``"""
    took = [_time(seconds), f"{_thousands(usage.prompt + usage.completion)} tokens"]
    expected = [] if before.seconds is None else [_time(before.seconds)]
    expected.append(_thousands(before.prompt + before.completion) + (" tokens" if not expected else ""))
    cost = cost_of(usage, model)
    if before.cost is not None and cost is not None:
        took.append(money(cost))
        expected.append(money(before.cost))
    return f"It took {_listed(took)}; expected were {_listed(expected)}."


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _thousands(tokens: int) -> str:
    return f"{tokens / 1000:,.0f}k" if tokens >= 10_000 else f"{tokens:,}"


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

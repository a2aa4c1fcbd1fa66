"""Forecasts what writing a document takes: words, tokens, time on this machine, and money.

It simulates the run. Each section's prompt has the brief, the plan, and as much of the text so far as fits the model's
context, and shares its beginning with the prompt before. Speeds and tokens per word are those measured of this model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lwtui.agentwrite.note_selection import NOTE_SHARE
from lwtui.agentwrite.plan_format import MOST_AT_ONCE, Bounds
from lwtui.agentwrite.style import style_of
from lwtui.agentwrite.throughput import Rates
from lwtui.config import ModelSettings, Role
from lwtui.documents.model import Brief, Mode, Section, Status, Style
from lwtui.models.budget import cost_of
from lwtui.models.reasoning_settings import likely_reasoning
from lwtui.models.usage import Usage
from lwtui.text import counts_characters, money
from lwtui.translation import _

_PER_WORD, _PER_CHARACTER = 1.4, 0.9  # tokens, if nothing was measured
_CHARACTERS_PER_TOKEN = 4.0
_FRAME = 260  # tokens of a section's prompt besides the brief, the plan and the text
_STEP = 45  # tokens of a section in the plan
_MOST_PLAN = 4000  # tokens
_SHOWN_SHARE = 0.8  # of its budget that the text so far takes once it no longer fits
_EXAMPLE = 350  # tokens of the example of prose in a prompt that shows no text
_SUMMARY = (150, 120)  # tokens of a summary's prompt besides the text, and tokens of the summary
_FACTS = (900, 250)  # tokens of the prompt that notes facts, besides the section, and tokens of its answer
_CALL_SECONDS = 0.5  # latency of a call to an endpoint
_USUAL_CONTEXT = 32_768  # tokens
_PARALLEL_CALLS = 4  # at an endpoint


@dataclass(frozen=True)
class Forecast:
    """A forecast of a run.

    Attributes:
        words: How much is written, in the counter's unit.
        calls: How many calls are made.
        prompt: Input tokens.
        cached: How many of the input tokens the backend has in its prefix cache.
        completion: Output tokens.
        seconds: How long it takes; ``None`` if the model's speed was never measured here.
        cost: What it costs; ``None`` if the model's prices are unknown.
        each: Token usage of each section, by id.
        planned: Whether the run includes planning, so that the sections are guessed.
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
        """Its tokens."""
        return Usage(self.prompt, self.completion, self.cached)


def forecast(
    brief: Brief, sections: Sequence[Section], model: ModelSettings, rates: Rates, *, facts: bool = False
) -> Forecast:
    """Forecast the writing of a document.

    Args:
        brief: What the writer asked for.
        sections: The document's sections, of which the finished ones are not written. If there are none, the forecast
            includes planning.
        model: The model's settings, with its prices and context length.
        rates: The model's measured rates.
        facts: Whether the facts of each section are noted.
    """
    run = _Simulation(brief, model, rates, len(sections))
    sections = sections or likely_sections(brief)
    for section in sections:
        if section.status is Status.DONE:
            run.skip(section)
        else:
            run.write(section.blank() if section.starts_again else section)
        if facts and section.status is not Status.DONE and section.words:
            run.note_facts(section)
    total = sum(run.each.values(), Usage()) + run.overhead
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
    """Return how many seconds ``usage`` takes at the measured speeds, or ``None`` if they are unknown."""
    if not rates.writing:
        return None
    reading = (usage.prompt - usage.cached) / rates.reading if rates.reading else 0.0
    waiting = calls * _CALL_SECONDS if model.is_endpoint and not rates.reading else 0.0
    parallel = _PARALLEL_CALLS if mode is Mode.PARALLEL and model.is_endpoint else 1
    return (reading + waiting + usage.completion / rates.writing) / parallel


def brief_tokens(brief: Brief) -> float:
    """Return how many tokens the instruction and all notes of a brief have, about."""
    notes = sum(len(note.text) + len(note.title) for note in brief.notes)
    return (len(brief.instruction) + notes) / _CHARACTERS_PER_TOKEN


def tokens_per_unit(brief: Brief, rates: Rates) -> float:
    """Return how many tokens the model takes for a word, or for a character in Chinese and Japanese."""
    if counts_characters(brief.language):
        return rates.per_character or _PER_CHARACTER
    return rates.per_word or _PER_WORD


def likely_plan(brief: Brief) -> int:
    """Return how many output tokens a call for a plan is likely to take."""
    return _STEP * min(MOST_AT_ONCE, Bounds.of(brief.words, 120).likely_steps(brief.words))


class _Simulation:
    """Simulates a run, section after section."""

    def __init__(self, brief: Brief, model: ModelSettings, rates: Rates, steps: int) -> None:
        """``steps`` is the number of sections in the plan, or 0 if there is no plan yet."""
        self.brief, self.rates = brief, rates
        self.planned = not steps and brief.mode is not Mode.DIRECT
        self.words = 0
        self.calls = 0.0
        self.each: dict[str, Usage] = {}
        self.overhead = Usage()  # the plan, and summaries
        self._unit = tokens_per_unit(brief, rates)
        self._text_unit = min(self._unit, 2.0)  # later prompts do not show the reasoning
        self._context = model.context_length or rates.context_length or _USUAL_CONTEXT
        local = model.provider == "llama_cpp"
        self._reused = rates.reused if rates.reused >= 0 else (1.0 if local else 0.0)
        notes = sum(len(note.text) + len(note.title) for note in brief.notes) / _CHARACTERS_PER_TOKEN
        instruction = len(brief.instruction) / _CHARACTERS_PER_TOKEN + min(notes, self._context * NOTE_SHARE)
        self._fixed = instruction + _FRAME
        # Measured tokens per word include the reasoning.
        measured = rates.per_word or rates.per_character
        self._reasoning = {
            role: 0 if measured and role is Role.WRITE else likely_reasoning(model, role) for role in Role
        }
        self._before = 0.0  # tokens of the text so far
        self._last = 0.0  # tokens of the last prompt
        self._summarized = 0.0  # tokens of text that summaries stand for
        if self.planned:
            steps = Bounds.of(brief.words, 120).likely_steps(brief.words)
            self.overhead += Usage(round(instruction) + 400, round(steps * _STEP) + self._reasoning[Role.PLAN])
            self.calls += 1
        self._plan = min(_MOST_PLAN, steps * _STEP)

    def skip(self, section: Section) -> None:
        """Skip a section that is complete, and only add it to the prompts of later ones."""
        self._before += section.length * self._text_unit

    def write(self, section: Section) -> None:
        """Write a section, or the rest of it."""
        words = max(0, section.words - section.length)
        if not words:
            self.skip(section)
            return
        direct, alone = self.brief.mode is Mode.DIRECT, self.brief.mode is Mode.PARALLEL
        shown = 0.0 if direct or alone else self._before
        example = 0 if direct or shown or style_of(self.brief) is not Style.PROSE else _EXAMPLE
        fixed = self._fixed + example + (0 if direct else self._plan)
        room = max(500.0, (self._context - fixed) - 2 * (section.words * 3 + 128))
        if shown > room:
            self._summarize(shown - room * _SHOWN_SHARE)
            shown = room * _SHOWN_SHARE
        calls = max(1.0, self.rates.calls)
        answer = words * self._unit + calls * self._reasoning[Role.WRITE]
        prompt = fixed + shown + section.length * self._text_unit
        cached = min(self._last, prompt) * self._reused
        # Each further call for the same section also has the section's text so far.
        more = (calls - 1) * (prompt + answer / 2)
        self.each[section.id] = Usage(
            round(prompt + more), round(answer), round(cached + (calls - 1) * prompt * self._reused)
        )
        self._last = prompt if not alone else fixed
        self._before += (section.length + words) * self._text_unit
        self.words += words
        self.calls += calls

    def note_facts(self, section: Section) -> None:
        """Note the facts of a section that was written."""
        answer = _FACTS[1] + self._reasoning[Role.CRITIC]
        self.overhead += Usage(round(_FACTS[0] + section.words * self._text_unit), answer)
        self.calls += 1

    def _summarize(self, hidden: float) -> None:
        """Summarize text that is no longer shown, unless that was done before. ``hidden`` counts all its tokens."""
        new = hidden - self._summarized
        if new <= 0:
            return
        self._summarized = hidden
        summaries = max(1.0, new / 500)
        each = _SUMMARY[1] + self._reasoning[Role.CRITIC]
        self.overhead += Usage(round(new + summaries * _SUMMARY[0]), round(summaries * each))
        self.calls += summaries


def likely_sections(brief: Brief) -> list[Section]:
    """Return sections such as a plan would have."""
    steps = 1 if brief.mode is Mode.DIRECT else Bounds.of(brief.words, 400).likely_steps(brief.words)
    share = max(1, round(brief.words / steps))
    return [Section(f"likely-{number}", "", "", share, Status.EMPTY, "", 0) for number in range(steps)]


def forecast_line(forecast: Forecast, unit: str) -> str:
    """Return a forecast as one line: ``4,800 words, 62k input tokens (51k cached), 7,000 output, 3 min, cost 0.12``."""
    parts = [f"{forecast.words:,} {unit}"] if forecast.words or not forecast.calls else []
    prompt, completion = _thousands(forecast.prompt), _thousands(forecast.completion)
    if forecast.cached:
        cached = _thousands(forecast.cached)
        parts.append(
            _(
                "{input} input tokens ({cached} cached), {output} output",
                input=prompt,
                cached=cached,
                output=completion,
            )
        )
    else:
        parts.append(_("{input} input tokens, {output} output", input=prompt, output=completion))
    parts.append(_time(forecast.seconds) if forecast.seconds is not None else _("time not known yet"))
    if forecast.cost is not None:
        parts.append(_("cost {amount}", amount=money(forecast.cost)))
    return ", ".join(parts)


def comparison_line(before: Forecast, usage: Usage, seconds: float, model: ModelSettings) -> str:
    """Compare a run with its forecast in one sentence, short enough for a narrow window.

    For instance: ``It took 3 min, 62k tokens and 0.1200; expected were 2 min, 61k and 0.1100.``
    """
    took = [_time(seconds), _("{count} tokens", count=_thousands(usage.prompt + usage.completion))]
    likely = _thousands(before.prompt + before.completion)
    expected = [_("{count} tokens", count=likely)] if before.seconds is None else [_time(before.seconds), likely]
    cost = cost_of(usage, model)
    if before.cost is not None and cost is not None:
        took.append(money(cost))
        expected.append(money(before.cost))
    return _("It took {took}; expected were {expected}.", took=_joined(took), expected=_joined(expected))


def _joined(parts: Sequence[str]) -> str:
    return _("{first} and {last}", first=", ".join(parts[:-1]), last=parts[-1]) if len(parts) > 1 else parts[0]


def _thousands(tokens: int) -> str:
    return f"{tokens / 1000:,.0f}k" if tokens >= 10_000 else f"{tokens:,}"


def _time(seconds: float) -> str:
    if seconds < 60:
        return _("{seconds:.0f} s", seconds=seconds)
    if seconds < 5400:
        return _("{minutes:.0f} min", minutes=seconds / 60)
    return _("{hours:.1f} h", hours=seconds / 3600)

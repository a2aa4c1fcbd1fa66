"""Measures a model's speed and token usage on this machine while it writes, and keeps the figures in the cache."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from lwtui.agentwrite.cache_table import CacheTable, model_key
from lwtui.agentwrite.run_state import SectionRun
from lwtui.config import ModelSettings

_NEW_WEIGHT = 0.3  # of a section against all earlier ones
_LEAST_PROMPT = 100  # input tokens needed to measure speed
_LEAST_ANSWER = 60  # output tokens needed to measure speed
RATES = CacheTable("rates.json")


@dataclass(frozen=True)
class Rates:
    """The measured rates of a model. 0 means unknown.

    Attributes:
        reading: Input tokens per second.
        writing: Output tokens per second.
        per_word: Output tokens per word, including reasoning.
        per_character: The same per character of Chinese or Japanese.
        reused: The share of the previous prompt that the backend had in its prefix cache; below 0 if unknown.
        calls: Calls per section.
        context_length: Tokens of the model's context.
        sections: How many sections were measured.
    """

    reading: float = 0.0
    writing: float = 0.0
    per_word: float = 0.0
    per_character: float = 0.0
    reused: float = -1.0
    calls: float = 0.0
    context_length: int = 0
    sections: int = 0


def load_rates(model: ModelSettings) -> Rates:
    """Return the measured rates of a model; all unknown if it was never used here."""
    entry = RATES.get(model_key(model))
    known = {item.name for item in fields(Rates)}
    if not isinstance(entry, dict) or not all(isinstance(value, int | float) for value in entry.values()):
        return Rates()
    return Rates(**{name: value for name, value in entry.items() if name in known})


def save_rates(model: ModelSettings, rates: Rates) -> None:
    """Store the measured rates of a model."""
    RATES.put(model_key(model), asdict(rates))


class RateMeter:
    """Updates a model's :class:`Rates` with each section that it finishes.

    Parallel sections only count for token usage, not for speed.

    Args:
        rates: The rates so far.
        by_characters: Whether lengths are in characters, as in Chinese and Japanese.
    """

    def __init__(self, rates: Rates, *, by_characters: bool) -> None:
        self.rates = rates
        self._by_characters = by_characters
        self._last_prompt = 0  # tokens of the last section's prompt

    def learn(self, run: SectionRun) -> None:
        """Update the rates with a finished section."""
        rates, usage, length = self.rates, run.usage, run.length
        if not length or not usage.completion or run.first_text is None or run.ended is None:
            return
        per_unit = usage.completion / length
        changes: dict[str, float] = {("per_character" if self._by_characters else "per_word"): per_unit}
        changes["calls"] = run.calls
        new = usage.prompt - usage.cached
        if run.undisturbed and run.calls == 1:
            wait, write = run.first_text - run.started, run.ended - run.first_text
            # A call that was stopped early may not report its cached tokens, and would seem to read fast.
            if new >= _LEAST_PROMPT and wait > 0 and (usage.cached or not self._last_prompt):
                changes["reading"] = new / wait
            if usage.completion >= _LEAST_ANSWER and write > 0:
                changes["writing"] = usage.completion / write
            if (
                self._last_prompt >= _LEAST_PROMPT
                and usage.prompt >= self._last_prompt
                and (usage.cached or rates.reused >= 0)
            ):
                changes["reused"] = min(1.0, usage.cached / self._last_prompt)
            self._last_prompt = usage.prompt
        blended: dict[str, Any] = {name: _blended(getattr(rates, name), value) for name, value in changes.items()}
        self.rates = replace(rates, sections=rates.sections + 1, **blended)


def _blended(old: float, new: float) -> float:
    unknown = old < 0 or (old == 0 and new > 0)
    return round(new if unknown else old + _NEW_WEIGHT * (new - old), 4)

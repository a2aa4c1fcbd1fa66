"""How fast a model is on this machine and how many tokens it takes, measured while it writes and kept in the cache.

The file can be made again, so one that cannot be read or written changes nothing but what the next forecast knows.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from time import monotonic
from typing import Any

from lwtui.agentwrite.events import (
    Continuing,
    Event,
    Retrying,
    SectionFinished,
    SectionStarted,
    TextDelta,
    TextRolledBack,
)
from lwtui.config import ModelSettings, cache_folder, public_address
from lwtui.files import write_atomically

_NEW = 0.3  # weight of a section against all before it
_LEAST_PROMPT = 100  # tokens that have to be read before reading tells anything
_LEAST_ANSWER = 60  # the same of writing
_MOST_MODELS = 200
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rates:
    """What is known of a model; 0 is not known.

    Speeds are in tokens per second. ``per_word`` and ``per_character`` are tokens that a word, or a character of
    Chinese or Japanese, took in all, reasoning included. ``reused`` is the share of a prompt's beginning, which the
    call before had too, that was not computed anew.
    """

    reading: float = 0.0
    writing: float = 0.0
    per_word: float = 0.0
    per_character: float = 0.0
    reused: float = -1.0  # below 0: not known
    calls: float = 0.0  # that a section took
    context_length: int = 0
    sections: int = 0  # that this rests on


def key_of(model: ModelSettings) -> str:
    """What tells models on this machine apart."""
    if model.provider == "llama_cpp":
        return f"llama_cpp {model.path or model.name}"
    return f"{public_address(model.base_url)} {model.model or model.name}"


def rates_file() -> Path:
    return cache_folder() / "rates.json"


def load_rates(model: ModelSettings) -> Rates:
    """What was measured of a model; nothing known if it was never used here."""
    entry = _read().get(key_of(model))
    known = {item.name for item in fields(Rates)}
    if not isinstance(entry, dict) or not all(isinstance(value, int | float) for value in entry.values()):
        return Rates()
    return Rates(**{name: value for name, value in entry.items() if name in known})


def save_rates(model: ModelSettings, rates: Rates) -> None:
    """Keep what was measured. Of very many models only the last are kept."""
    table = _read()
    table.pop(key_of(model), None)
    table[key_of(model)] = asdict(rates)
    kept = dict(list(table.items())[-_MOST_MODELS:])
    try:
        rates_file().parent.mkdir(parents=True, exist_ok=True)
        write_atomically(rates_file(), json.dumps(kept, indent=1))
    except OSError as error:
        _LOGGER.info("the measured rates cannot be kept: %s", error)


def _read() -> dict[str, object]:
    try:
        table = json.loads(rates_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # not there yet, or not ours: measured anew
    return table if isinstance(table, dict) else {}


@dataclass
class _Section:
    """What was seen of the section that is being written."""

    began: float
    first: float = 0.0
    written: int = 0  # characters
    calls: int = 1
    undisturbed: bool = True


class Meter:
    """Fed with every event of a run in order, it keeps a model's :class:`Rates` up to date.

    Sections side by side tell only how many tokens they take: their speeds are those of several at once.
    """

    def __init__(self, rates: Rates, *, by_characters: bool, clock: Callable[[], float] = monotonic) -> None:
        """``by_characters``: lengths are in characters."""
        self.rates = rates
        self._by_characters = by_characters
        self._clock = clock
        self._open: dict[str, _Section] = {}
        self._before = 0  # tokens of the last section's prompt, which the next one's may begin with

    def take(self, event: Event) -> None:
        match event:
            case SectionStarted(section_id=id, resumed=resumed):
                self._open[id] = _Section(self._clock(), undisturbed=not resumed and not self._open)
                if len(self._open) > 1:
                    for one in self._open.values():
                        one.undisturbed = False
            case TextDelta(section_id=id, text=text) if id in self._open:
                section = self._open[id]
                section.first = section.first or self._clock()
                section.written += len(text)
            case Continuing(section_id=id) | TextRolledBack(section_id=id) if id in self._open:
                self._open[id].calls += isinstance(event, Continuing)
            case Retrying(section_id=id) if id in self._open:
                self._open[id].undisturbed = False
                self._open[id].calls += 1
            case SectionFinished(section_id=id) if id in self._open:
                self._learn(self._open.pop(id), event)
            case _:
                return

    def _learn(self, section: _Section, event: SectionFinished) -> None:
        rates, usage = self.rates, event.usage
        if not event.length or not usage.completion or not section.first:
            return
        share = usage.completion / event.length
        changes: dict[str, float] = {("per_character" if self._by_characters else "per_word"): share}
        changes["calls"] = section.calls
        new = usage.prompt - usage.cached
        if section.undisturbed and section.calls == 1:
            wait, write = section.first - section.began, self._clock() - section.first
            # A call that was ended at its landing may not tell what it reused, and then it would seem to read fast.
            if new >= _LEAST_PROMPT and wait > 0 and (usage.cached or not self._before):
                changes["reading"] = new / wait
            if usage.completion >= _LEAST_ANSWER and write > 0:
                changes["writing"] = usage.completion / write
            if self._before >= _LEAST_PROMPT and usage.prompt >= self._before and (usage.cached or rates.reused >= 0):
                changes["reused"] = min(1.0, usage.cached / self._before)
            self._before = usage.prompt
        blended: dict[str, Any] = {name: _blended(getattr(rates, name), value) for name, value in changes.items()}
        self.rates = replace(rates, sections=rates.sections + 1, **blended)


def _blended(old: float, new: float) -> float:
    unknown = old < 0 or (old == 0 and new > 0)
    return round(new if unknown else old + _NEW * (new - old), 4)

"""How fast a model is on this machine and how many tokens it takes, measured while it writes and kept in the cache.

The file can be made again, so one that cannot be read or written changes nothing but what the next forecast knows.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from lwtui.agentwrite.run_state import SectionRun
from lwtui.config import ModelSettings, cache_folder, public_address
from lwtui.files import write_atomically

_NEW = 0.3  # weight of a section against all before it
_LEAST_PROMPT = 100  # new tokens from which the time to read them means anything
_LEAST_ANSWER = 60  # the same for those that are written
_MOST_MODELS = 200
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rates:
    """What is known of a model. 0 means unknown.

    Attributes:
        reading: Prompt tokens evaluated per second.
        writing: Tokens generated per second.
        per_word: Tokens that a word took, reasoning included.
        per_character: The same for a character of Chinese or Japanese.
        reused: The share of a prompt's beginning that the call before had too and that was not computed anew; below
            0 if unknown.
        calls: Calls that a section took.
        context_length: Tokens.
        sections: How many sections this rests on.
    """

    reading: float = 0.0
    writing: float = 0.0
    per_word: float = 0.0
    per_character: float = 0.0
    reused: float = -1.0
    calls: float = 0.0
    context_length: int = 0
    sections: int = 0


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


class RateMeter:
    """Keeps a model's :class:`Rates` up to date with each section that it finishes.

    Sections side by side only show how many tokens they take: their speeds are those of several at once.

    Args:
        rates: What is known so far.
        by_characters: Whether lengths are in characters, as in Chinese and Japanese.
    """

    def __init__(self, rates: Rates, *, by_characters: bool) -> None:
        self.rates = rates
        self._by_characters = by_characters
        self._before = 0  # tokens of the last section's prompt, which the next one's may begin with

    def learn(self, run: SectionRun) -> None:
        """Take in a section that is finished."""
        rates, usage, length = self.rates, run.usage, run.length
        if not length or not usage.completion or run.first_text is None or run.ended is None:
            return
        share = usage.completion / length
        changes: dict[str, float] = {("per_character" if self._by_characters else "per_word"): share}
        changes["calls"] = run.calls
        new = usage.prompt - usage.cached
        if run.undisturbed and run.calls == 1:
            wait, write = run.first_text - run.started, run.ended - run.first_text
            # A call that was ended early may not say what it reused, and would then seem to read fast.
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

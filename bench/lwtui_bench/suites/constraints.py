"""Length constraints as people state them: about, from … to …, at least, at most. No judge needed.

Eight briefs of lwtui's own, half English and half Chinese, each combined with four kinds of constraint.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lwtui.translation import _
from lwtui_bench.answers import StoredAnswer
from lwtui_bench.fields import shorten
from lwtui_bench.length_score import length_score
from lwtui_bench.tasks import Sample, Suite, read_samples

_TOLERANCE = 0.1  # relative deviation that "about" allows
_MARGIN = 0.1  # how far inside a one-sided limit the required length is set
_FIELD = "constraint"

_WORDING = {
    "en": {
        "about": "Write about {least} words.",
        "range": "The text must have between {least} and {most} words.",
        "at-least": "The text must have at least {least} words.",
        "at-most": "The text must have at most {most} words.",
    },
    "zh": {
        "about": "全文约{least}字。",
        "range": "全文字数须在{least}到{most}字之间。",
        "at-least": "全文不得少于{least}字。",
        "at-most": "全文不得超过{most}字。",
    },
}


@dataclass(frozen=True)
class Constraint:
    """The allowed length of an answer, in the benchmark's units. 0 and infinity stand for no limit."""

    kind: str
    least: float
    most: float

    @classmethod
    def parse(cls, table: object) -> Constraint:
        """Parse the object ``{"kind", "least", "most"}`` of a row.

        Raises:
            ValueError: It is malformed.
        """
        if not isinstance(table, dict) or table.get("kind") not in _WORDING["en"]:
            kinds = ", ".join(_WORDING["en"])
            raise ValueError(
                _("'constraint' must have a 'kind', one of {kinds}, not {value}", kinds=kinds, value=shorten(table))
            )
        least, most = table.get("least") or 0, table.get("most") or math.inf
        if not all(isinstance(limit, int | float) and limit >= 0 for limit in (least, most)) or least > most:
            raise ValueError(_("'constraint' must have numbers 'least' and 'most', not {value}", value=shorten(table)))
        return cls(table["kind"], least, most)

    def is_met(self, length: int) -> bool:
        """Return whether ``length`` is allowed."""
        return self.least <= length <= self.most

    def score(self, length: int) -> float:
        """Return 100 for an allowed length, otherwise S_l with respect to the nearest limit."""
        if length and self.is_met(length):
            return 100.0
        return length_score(self.least if length < self.least else self.most, length)


def score(answer: StoredAnswer) -> Mapping[str, float]:
    """Return S_l with respect to the constraint, and whether it is met (100 or 0)."""
    constraint = Constraint.parse(answer.row.get(_FIELD))
    met = answer.is_answered and constraint.is_met(answer.actual)
    return {"S_l": constraint.score(answer.actual), "met": 100.0 * met}


def _load(data: Path | None) -> Sequence[Sample]:
    if data is not None and data.is_file():
        return read_samples(data, extra=(_FIELD,))
    lines = Path(__file__).with_name("briefs.jsonl").read_text(encoding="utf-8").splitlines()
    briefs = [json.loads(line) for line in lines]
    return [_sample(brief, kind) for brief in briefs for kind in _WORDING["en"]]


def _sample(brief: dict[str, Any], kind: str) -> Sample:
    words = brief["length"]
    limits = {"about": (words, words), "range": (words, round(words * 1.25, -1)), "at-least": (words, 0)}
    least, most = limits.get(kind, (0, words))
    text = _WORDING[brief["language"]][kind].format(least=round(least), most=round(most))
    required = {"range": (least + most) / 2, "at-least": words * (1 + _MARGIN), "at-most": words * (1 - _MARGIN)}
    if kind == "about":
        least, most = words * (1 - _TOLERANCE), words * (1 + _TOLERANCE)
    constraint = {"kind": kind, "least": round(least), "most": round(most)}
    space = " " if brief["language"] == "en" else ""
    length = round(required.get(kind, words))
    return Sample(f"{brief['prompt']}{space}{text}", brief["type"], length, {_FIELD: constraint})


CONSTRAINTS = Suite(
    "length-constraints",
    _("32 prompts of lwtui's own: about, from … to …, at least or at most N words"),
    _load,
    score,
)

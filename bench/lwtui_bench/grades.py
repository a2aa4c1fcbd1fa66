"""The six grades of a judge: how they are asked for, read from whatever it answers, and made into S_q."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Any

import regex

DIMENSIONS = ("Relevance", "Accuracy", "Coherence", "Clarity", "Breadth and Depth", "Reading Experience")
LEAST, MOST = 1, 5
_UPSTREAM_DEFAULT = 3.0

Grades = Mapping[str, float]

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"Analysis": {"type": "string"}}
    | {name: {"type": "integer", "enum": list(range(LEAST, MOST + 1))} for name in DIMENSIONS},
    "required": ["Analysis", *DIMENSIONS],
    "additionalProperties": False,
}
GRAMMAR = "\n".join(
    [
        r'root ::= "{" ws "\"Analysis\":" ws string '
        + " ".join(rf'"," ws "\"{name}\":" ws grade' for name in DIMENSIONS)
        + ' ws "}"',
        f"grade ::= [{LEAST}-{MOST}]",
        r'string ::= "\"" ([^"\\\x00-\x1f] | "\\" ["\\/bfnrt])* "\""',
        r"ws ::= [ \n]?",
    ]
)

_DECODER = json.JSONDecoder(strict=False)  # a judge's analysis may hold line breaks
_MOST_OBJECTS = 64  # looked at, from the answer's end
_OF_FIVE = r"\s*(?:/|out\s+of)\s*"
_PAIR = {
    name: regex.compile(
        r"[\"'*_“]*" + r"[\s_-]*".join(name.split()) + r"[\"'*_”]*\s*(?:score|grade)?\s*[:：=]\s*"
        r"[\"'*_“]*(?P<grade>\d+(?:\.\d+)?)" + rf"(?:{_OF_FIVE}5\b)?(?![\d.]*\d|{_OF_FIVE})",
        regex.IGNORECASE,
    )
    for name in DIMENSIONS
}


def read_grades(answer: str) -> dict[str, int]:
    """The grades in a judge's answer: whole numbers from 1 to 5, by dimension. What cannot be read is not there.

    The last object that has all of them counts, however it is wrapped; where no object can be parsed, the last
    grade that is named for each dimension.
    """
    best: dict[str, int] = {}
    for found in _objects(answer):
        if len(found) > len(best):
            best = found
    if len(best) == len(DIMENSIONS):
        return best
    loose = _named(answer)
    return loose if len(loose) > len(best) else best


def quality(grades: Grades) -> float | None:
    """S_q of one answer, 0 to 100; ``None`` unless all six grades are there."""
    if any(name not in grades for name in DIMENSIONS):
        return None
    return fmean((grades[name] - 1) * 25 for name in DIMENSIONS)


def filled(grades: Grades) -> Grades:
    """As upstream's script has it: a grade that is missing counts as 3."""
    return dict.fromkeys(DIMENSIONS, _UPSTREAM_DEFAULT) | dict(grades)


def _objects(answer: str) -> Iterator[dict[str, int]]:
    """The grades in each JSON object of an answer, the last object first."""
    text = regex.sub(r",\s*}", "}", answer)
    starts = [at for at, character in enumerate(text) if character == "{"][-_MOST_OBJECTS:]
    for start in reversed(starts):
        try:
            table, _ = _DECODER.raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            continue
        plain = {_letters(name): value for name, value in table.items()}
        found = {name: _grade(plain.get(_letters(name))) for name in DIMENSIONS}
        yield {name: grade for name, grade in found.items() if grade is not None}


def _named(text: str) -> dict[str, int]:
    found = {}
    for name, pattern in _PAIR.items():
        matches = list(pattern.finditer(text))
        if matches and (grade := _grade(matches[-1]["grade"])) is not None:
            found[name] = grade
    return found


def _grade(value: object) -> int | None:
    """A grade in any dress: 4, "4", 4.0, "4/5", {"score": 4}. ``None`` for anything that is not 1, 2, 3, 4 or 5."""
    if isinstance(value, dict):
        value = next((value[key] for key in value if str(key).lower() in ("score", "grade", "rating")), None)
    if isinstance(value, str):
        match = regex.fullmatch(r"\s*(\d+(?:\.0+)?)(?:\s*/\s*5)?\s*", value)
        value = float(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in range(LEAST, MOST + 1):
        return None
    return int(value)


def _letters(text: str) -> str:
    return regex.sub(r"[\W_]+", "", text).casefold()

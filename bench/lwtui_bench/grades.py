"""The six grades of a judge: constrain its answer, parse whatever it says, and compute S_q (arXiv 2408.07055)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Any

import regex

from lwtui.translation import _

DIMENSIONS = ("Relevance", "Accuracy", "Coherence", "Clarity", "Breadth and Depth", "Reading Experience")
MIN_GRADE, MAX_GRADE = 1, 5

Grades = Mapping[str, float]

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"Analysis": {"type": "string"}}
    | {name: {"type": "integer", "enum": list(range(MIN_GRADE, MAX_GRADE + 1))} for name in DIMENSIONS},
    "required": ["Analysis", *DIMENSIONS],
    "additionalProperties": False,
}
GRAMMAR = "\n".join(
    [
        r'root ::= "{" ws "\"Analysis\":" ws string '
        + " ".join(rf'"," ws "\"{name}\":" ws grade' for name in DIMENSIONS)
        + ' ws "}"',
        f"grade ::= [{MIN_GRADE}-{MAX_GRADE}]",
        r'string ::= "\"" ([^"\\\x00-\x1f] | "\\" ["\\/bfnrt])* "\""',
        r"ws ::= [ \n]?",
    ]
)

_DECODER = json.JSONDecoder(strict=False)  # a judge's analysis may contain line breaks
_MAX_OBJECTS = 64  # parsed, starting from the end of the answer
_OF_FIVE = r"\s*(?:/|out\s+of)\s*"
# "Score (1-5): 4", a cell of a table, "– 4", "is 4", "gets a 4".
_BEFORE_GRADE = (
    r"(?:score|grade|rating)?\s*(?:[(\[]\s*(?:1\s*[-–—]\s*5|(?:/|out\s+of)\s*5)\s*[)\]])?[\"'*_”]*\s*"
    r"(?:[:：=|]|[-–—]{1,2}>?|→|\b(?:is|gets|scores|earns)\s(?:an?\s)?)\s*"
)
_NAMED_GRADE = {
    name: regex.compile(
        r"[\"'*_“]*"
        + r"[\s_-]*".join(name.split())
        + r"[\"'*_”]*\s*"
        + _BEFORE_GRADE
        + r"[\"'*_“]*(?P<grade>\d+(?:\.\d+)?)"
        + rf"(?:{_OF_FIVE}5\b)?(?![\d.]*\d|{_OF_FIVE}|\s*%|-\p{{L}})",
        regex.IGNORECASE,
    )
    for name in DIMENSIONS
}


def read_grades(answer: str) -> dict[str, int]:
    """Parse the grades in a judge's answer.

    The last JSON object with all six grades counts, however it is wrapped. If no object has them all, the last grade
    named for each dimension counts, or a table with a column for each, whichever finds more.

    Returns:
        Whole numbers from 1 to 5 by dimension; a grade that cannot be read is missing.
    """
    best: dict[str, int] = {}
    for found in _json_grades(answer):
        if len(found) > len(best):
            best = found
    if len(best) == len(DIMENSIONS):
        return best
    return max(best, _named_grades(answer), _table_grades(answer), key=len)


def quality(grades: Grades) -> float | None:
    """Return S_q of one answer (arXiv 2408.07055), from 0 to 100, or ``None`` if a grade is missing."""
    if any(name not in grades for name in DIMENSIONS):
        return None
    return fmean((grades[name] - 1) * 25 for name in DIMENSIONS)


def dimension_label(name: str) -> str:
    """Return the name of a dimension in the user's language."""
    labels = {
        "Relevance": _("Relevance"),
        "Accuracy": _("Accuracy"),
        "Coherence": _("Coherence"),
        "Clarity": _("Clarity"),
        "Breadth and Depth": _("Breadth and Depth"),
        "Reading Experience": _("Reading Experience"),
    }
    return labels[name]


def _json_grades(answer: str) -> Iterator[dict[str, int]]:
    """Yield the grades in each JSON object of an answer, the last object first."""
    text = regex.sub(r",\s*}", "}", answer)
    starts = [at for at, character in enumerate(text) if character == "{"][-_MAX_OBJECTS:]
    for start in reversed(starts):
        try:
            table, _end = _DECODER.raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            continue
        values = {_normalize(name): value for name, value in table.items()}
        found = {name: _parse_grade(values.get(_normalize(name))) for name in DIMENSIONS}
        yield {name: grade for name, grade in found.items() if grade is not None}


def _named_grades(text: str) -> dict[str, int]:
    found = {}
    for name, pattern in _NAMED_GRADE.items():
        matches = list(pattern.finditer(text))
        if matches and (grade := _parse_grade(matches[-1]["grade"])) is not None:
            found[name] = grade
    return found


def _table_grades(text: str) -> dict[str, int]:
    """Return the grades of the last table that has a column for each dimension."""
    names: list[str] = []
    found: dict[str, int] = {}
    for line in text.splitlines():
        cells = [_normalize(cell) for cell in line.strip().strip("|").split("|")]
        if all(_normalize(name) in cells for name in DIMENSIONS):
            names = cells
        elif names and len(cells) == len(names):
            row = dict(zip(names, cells, strict=True))
            grades = {name: _parse_grade(row[_normalize(name)]) for name in DIMENSIONS}
            found = {name: grade for name, grade in grades.items() if grade is not None} or found
    return found


def _parse_grade(value: object) -> int | None:
    """Parse 4, "4", 4.0, "4/5" or {"score": 4}; return ``None`` for anything other than 1, 2, 3, 4 or 5."""
    if isinstance(value, dict):
        value = next((value[key] for key in value if str(key).lower() in ("score", "grade", "rating")), None)
    if isinstance(value, str):
        match = regex.fullmatch(r"\s*(\d+(?:\.0+)?)(?:\s*/\s*5)?\s*", value)
        value = float(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in range(MIN_GRADE, MAX_GRADE + 1):
        return None
    return int(value)


def _normalize(text: str) -> str:
    return regex.sub(r"[\W_]+", "", text).casefold()

"""An answer as it is kept: the row that LongBench-Write's own scripts write, with where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from lwtui.models.usage import Usage
from lwtui.text import detect_language
from lwtui_bench.fields import length_in, number_in, prompt_id, prompt_in, short, table_in, text_in, type_in, whole_in
from lwtui_bench.jsonl import read_rows
from lwtui_bench.length_score import count


@dataclass(frozen=True)
class Answer:
    """One answer, whoever gave it. ``length`` is the required one, ``actual`` what the benchmark counts."""

    prompt: str
    type: str
    length: float
    text: str
    actual: int
    language: str
    id: str
    model: str = ""
    mode: str = ""
    suite: str = ""
    sample: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None
    seconds: float = 0.0
    finish_reason: str = ""
    error: str = ""
    sections: tuple[Mapping[str, Any], ...] = ()
    row: Mapping[str, Any] = field(default_factory=dict)  # all of it, with a suite's own fields
    miscounted: bool = False  # the row states another length than its text has

    @property
    def is_answered(self) -> bool:
        """Whether there is an answer to score."""
        return bool(self.text.strip()) or self.actual > 0

    @property
    def hash(self) -> str:
        """Stands for the text."""
        return sha256(self.text.encode("utf-8", "replace")).hexdigest()[:32]


def read_answers(path: Path) -> list[Answer]:
    """The answers of a file, also one of LongBench-Write's own scripts. Raises ``LwtuiError`` as ``read_rows`` does."""
    return read_rows(path, parse_answer)


def parse_answer(row: dict[str, Any]) -> Answer:
    """The answer in a row; ``ValueError`` says what is wrong with it."""
    prompt, length = prompt_in(row), length_in(row)
    response = row.get("response")
    if response is not None and not isinstance(response, str):
        raise ValueError(f"'response' must be text, not {short(response)}")
    stated = _stated_length(row)
    text = response or ""
    # A file may have been stripped of its texts, but not of their lengths.
    actual = count(text) if response is not None else stated or 0
    return Answer(
        prompt,
        type_in(row),
        length,
        text,
        actual,
        text_in(row, "language") or detect_language(prompt),
        prompt_id(prompt),
        model=text_in(row, "model"),
        mode=text_in(row, "mode"),
        suite=text_in(row, "suite"),
        sample=whole_in(row, "sample", 1),
        settings=table_in(row, "settings"),
        usage=_usage(row),
        cost=number_in(row, "cost"),
        seconds=number_in(row, "seconds") or 0.0,
        finish_reason=text_in(row, "finish_reason"),
        error=text_in(row, "error"),
        sections=_sections(row),
        row=row,
        miscounted=response is not None and stated is not None and stated != actual,
    )


def _stated_length(row: Mapping[str, Any]) -> int | None:
    value = row.get("response_length")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ValueError(f"'response_length' must be a number from 0, not {short(value)}")
    return int(value)


def _usage(row: Mapping[str, Any]) -> Usage:
    table = table_in(row, "usage")
    return Usage(*(whole_in(table, name, 0) for name in ("prompt", "completion", "cached")))


def _sections(row: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The sections of an AgentWrite answer, where ``start`` and ``end`` are offsets in its text."""
    value = row.get("sections") or []
    whole = ("words", "length", "start", "end")
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError("'sections' must be a list of objects")
    for one in value:
        for name in whole:
            whole_in(one, name, -1)
        if any(name not in one for name in whole):
            raise ValueError("one of its 'sections' has no 'words', 'length', 'start' or 'end'")
    return tuple(value)

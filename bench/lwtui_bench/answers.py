"""Stored answers: the rows that LongBench-Write's own scripts write, plus how each answer was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from lwtui.models.usage import Usage
from lwtui.text import detect_language
from lwtui.translation import _
from lwtui_bench.fields import (
    get_integer,
    get_length,
    get_number,
    get_prompt,
    get_table,
    get_text,
    get_type,
    prompt_id,
    shorten,
)
from lwtui_bench.jsonl import read_rows
from lwtui_bench.length_score import count
from lwtui_bench.upstream import is_total


@dataclass(frozen=True)
class StoredAnswer:
    """One answer to one prompt, from any model or person.

    Attributes:
        length: The required length, in the benchmark's units (see :mod:`lwtui_bench.length_score`).
        actual: The answer's length, in the same units.
        language: BCP 47 tag of the prompt's language.
        id: Identifies the prompt (see :func:`lwtui_bench.fields.prompt_id`).
        sample: Which of several answers to the same prompt this is, counted from 1.
        seconds: How long the model took.
        sections: The sections of an AgentWrite answer; ``start`` and ``end`` are offsets into ``text``.
        row: The whole row, including a suite's own fields.
        miscounted: Whether the row's ``response_length`` disagrees with its text.
    """

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
    row: Mapping[str, Any] = field(default_factory=dict)
    miscounted: bool = False

    @property
    def is_answered(self) -> bool:
        """Whether there is anything to score."""
        return bool(self.text.strip()) or self.actual > 0

    @property
    def hash(self) -> str:
        """Hash of the text."""
        return sha256(self.text.encode("utf-8", "replace")).hexdigest()[:32]


def read_answers(path: Path) -> list[StoredAnswer]:
    """Read a file of answers written by lwtui or by LongBench-Write's own scripts (``pred.jsonl``, ``judge.jsonl``).

    Raises:
        LwtuiError: The file cannot be read, or some rows are malformed.
    """
    return [answer for answer in read_rows(path, _parse_answer_or_total) if answer is not None]


def _parse_answer_or_total(row: dict[str, Any]) -> StoredAnswer | None:
    return None if is_total(row) else parse_answer(row)


def parse_answer(row: dict[str, Any]) -> StoredAnswer:
    """Parse a row.

    Raises:
        ValueError: The row is malformed.
    """
    prompt, length = get_prompt(row), get_length(row)
    response = row.get("response")
    if response is not None and not isinstance(response, str):
        raise ValueError(_("'response' must be text, not {value}", value=shorten(response)))
    stated = _stated_length(row)
    text = response or ""
    # Some published files hold lengths but no texts.
    actual = count(text) if response is not None else stated or 0
    return StoredAnswer(
        prompt,
        get_type(row),
        length,
        text,
        actual,
        get_text(row, "language") or detect_language(prompt),
        prompt_id(prompt),
        model=get_text(row, "model"),
        mode=get_text(row, "mode"),
        suite=get_text(row, "suite"),
        sample=get_integer(row, "sample", 1),
        settings=get_table(row, "settings"),
        usage=_usage(row),
        cost=get_number(row, "cost"),
        seconds=get_number(row, "seconds") or 0.0,
        finish_reason=get_text(row, "finish_reason"),
        error=get_text(row, "error"),
        sections=_sections(row),
        row=row,
        miscounted=response is not None and stated is not None and stated != actual,
    )


def _stated_length(row: Mapping[str, Any]) -> int | None:
    value = row.get("response_length")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ValueError(_("'response_length' must be a number of at least 0, not {value}", value=shorten(value)))
    return int(value)


def _usage(row: Mapping[str, Any]) -> Usage:
    table = get_table(row, "usage")
    return Usage(*(get_integer(table, name, 0) for name in ("prompt", "completion", "cached")))


def _sections(row: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    sections = row.get("sections") or []
    required = ("words", "length", "start", "end")
    if not isinstance(sections, list) or not all(isinstance(section, dict) for section in sections):
        raise ValueError(_("'sections' must be a list of objects"))
    for section in sections:
        for name in required:
            get_integer(section, name, -1)
        if any(name not in section for name in required):
            raise ValueError(_("an entry of 'sections' lacks 'words', 'length', 'start' or 'end'"))
    return tuple(sections)

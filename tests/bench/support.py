"""Prompts, answers and endpoints for the benchmark's tests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lwtui_bench.answers import StoredAnswer, parse_answer
from lwtui_bench.grades import DIMENSIONS
from tests.cli.running import prose
from tests.support.fault_server import Answer, Fault, FaultServer


def prompt(number: int, words: int) -> str:
    return f"Write {words} words about lighthouse number {number}."


def write_prompts(path: Path, lengths: Sequence[int]) -> Path:
    """Write a file of prompts with these required lengths."""
    kinds = ("News Report", "Popular Science", "Community Forum")
    rows = [
        {"prompt": prompt(at, words), "type": kinds[at % len(kinds)], "length": words}
        for at, words in enumerate(lengths)
    ]
    return write_rows(path, rows)


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def load_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def stored_answer(text: str, length: int = 100, **fields: Any) -> StoredAnswer:
    return parse_answer({"prompt": "Write.", "type": "News Report", "length": length, "response": text} | fields)


def row(number: int, length: int, actual: int, **fields: Any) -> dict[str, Any]:
    """Return a row with an answer of exactly ``actual`` words."""
    return {
        "prompt": prompt(number, length),
        "type": "News Report",
        "length": length,
        "response_length": actual,
        "response": " ".join(["word"] * actual),
    } | fields


@dataclass
class PromptWriter:
    """A model that writes about as much as the prompt asks for. ``calls`` counts the calls for each prompt."""

    delay: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)

    def __call__(self, request: Any) -> Answer:
        (message,) = request["messages"]
        self.calls[message["content"]] += 1
        words = int(message["content"].split()[1])
        return Answer(prose(message["content"], words), delay=self.delay)


@dataclass
class Grader:
    """A judge that gives ``replies`` in order, and then repeats the last one."""

    replies: Sequence[str]
    requests: list[Any] = field(default_factory=list)

    def __call__(self, request: Any) -> Answer:
        self.requests.append(request)
        return Answer([self.replies[min(len(self.requests), len(self.replies)) - 1]])


def grades(*values: int) -> str:
    """Return a judge's reply with six grades; a single value stands for all of them."""
    each = values * len(DIMENSIONS) if len(values) == 1 else values
    return json.dumps({"Analysis": "Sound."} | dict(zip(DIMENSIONS, each, strict=True)))


def serving(script: Any, faults: Iterable[Fault | None] | Callable[[Any], Fault | None] = ()) -> FaultServer:
    return FaultServer(script, faults, models=[{"id": "m-1", "context_length": 128_000}])

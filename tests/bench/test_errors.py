"""``lwtui bench errors`` and the table of the report: contradictions with quotes, and stock phrases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lwtui_bench import tables
from lwtui_bench.metrics import stock_phrases
from lwtui_bench.summary import load_runs
from tests.bench.support import load_rows, row, serving, write_rows
from tests.cli.running import Shell
from tests.support.fault_server import Answer

TEXT = (
    "Ada was born in Turin. " + "The town is quiet at noon. " * 20 + "She was born in Rome. It is a testament to her."
)
CLEAN = "The harbour freezes in a hard winter. " * 12


class Reader:
    """A critic that finds one contradiction in :data:`TEXT`, and one with a made-up quote in every text."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, request: Any) -> Answer:
        self.asked += 1
        pairs = [("Ada was born in Turin", "She was born in Rome"), ("It was never said", "Nor was this")]
        findings = [{"kind": "contradiction", "first": a, "second": b, "why": "Both."} for a, b in pairs]
        findings.append({"kind": "restated", "first": "The town is quiet", "second": "She was born in Rome", "why": ""})
        return Answer([json.dumps({"findings": findings, "facts": []})])


@pytest.fixture
def files(shell: Shell) -> list[Path]:
    return [
        write_rows(shell.folder / "a.jsonl", [row(1, 100, 1, response=TEXT), row(2, 100, 1, response=CLEAN)]),
        write_rows(shell.folder / "b.jsonl", [row(1, 100, 1, response=CLEAN), row(2, 100, 0, response="")]),
    ]


def test_contradictions_count_only_with_quotes_and_no_text_is_read_twice(shell: Shell, files: list[Path]) -> None:
    with serving(reader := Reader()) as server:
        options = ("bench", "errors", "a.jsonl", "b.jsonl", "--critic", "m-1", "--base-url", server.base_url)
        done = shell.run(*options).worked()
        assert reader.asked == 3
        shell.run(*options).worked()
        assert reader.asked == 3
    first, second = load_runs(files)
    (words,) = [scored.answer.actual for scored in first.answers if scored.answer.text == TEXT]
    assert first.contradictions is not None and first.contradictions.mean == pytest.approx(10_000 / words / 2)
    assert second.contradictions is not None and second.contradictions.mean == 0.0
    assert (first.texts_read, second.texts_read) == (2, 1) and first.critics == ("m-1",)
    stored = load_rows(shell.folder / "a.errors.jsonl")
    assert [kept["contradictions"] for kept in sorted(stored, key=lambda kept: kept["contradictions"])] == [0, 1]
    assert all(kept["dropped"] >= 1 for kept in stored)
    assert "Errors and machine prose" in done.out
    report = shell.run("bench", "report", "a.jsonl", "b.jsonl", "--no-published").worked()
    assert "contradictions in 10,000 words" in report.out and "By m-1" in report.out


def test_stock_phrases_are_counted_without_a_judge(files: list[Path]) -> None:
    first, second = load_runs(files)
    assert first.contradictions is None and first.stock_phrases is not None and second.stock_phrases is not None
    assert first.stock_phrases.mean > second.stock_phrases.mean == 0.0
    table = tables.errors_table([first, second])
    assert table.rows[0][1] == tables.NONE and table.rows[1][4] == "0.0"
    assert first.metrics["stock_phrases"] > 0
    assert stock_phrases("") is None and stock_phrases("Der Hafen friert in harten Wintern zu. " * 9) is None


def test_a_base_model_says_so(shell: Shell, files: list[Path]) -> None:
    failed = shell.run("bench", "errors", "a.jsonl", "--critic", "demo")
    assert failed.code == 1 and "base model" in failed.err


def test_a_malformed_reading_is_named(shell: Shell, files: list[Path]) -> None:
    write_rows(shell.folder / "a.errors.jsonl", [{"critic": "m", "contradictions": -1}])
    failed = shell.run("bench", "report", "a.jsonl")
    assert failed.code == 1 and "a.errors.jsonl" in failed.err and "line 1" in failed.err

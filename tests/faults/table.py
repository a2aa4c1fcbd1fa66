"""The table of faults tried and survived, from a run of the tests in this folder.

    python -m tests.faults.table                          as every change is tested
    LWTUI_FAULTS=release python -m tests.faults.table     as a release is

Prints Markdown; progress and failures go to standard error. Exits with 1 if a test fails.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import pytest


class Collector:
    """Takes what the tests note down; see ``tried`` in the conftest."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, int]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            noted: list[Any] = [fault for name, fault in report.user_properties if name == "fault"]
            self.rows += [(fault, outcome, times) for fault, outcome, times in noted]


def table(rows: list[tuple[str, str, int]]) -> str:
    """The rows as Markdown; the same fault with the same outcome is one row."""
    times: dict[tuple[str, str], int] = {}
    for fault, outcome, tried in rows:
        times[fault, outcome] = times.get((fault, outcome), 0) + tried
    lines = ["| fault | tried | outcome |", "| --- | ---: | --- |"]
    return "\n".join(
        [*lines, *(f"| {fault} | {tried:,} | {outcome} |" for (fault, outcome), tried in sorted(times.items()))]
    )


def main() -> int:
    collector = Collector()
    with contextlib.redirect_stdout(sys.stderr):
        where = str(Path(__file__).parent)
        code = pytest.main(["-q", "-p", "no:cacheprovider", "-n2", "--dist=loadscope", where], plugins=[collector])
    print(table(collector.rows))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())

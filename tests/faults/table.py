"""The table of faults tried and survived, from a run of the tests in this folder and of those in :data:`KINDS`.

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

TESTS = Path(__file__).parents[1]
# Kinds of input: what comes, what becomes of it, and the modules of the tests. Each instance is a test, or one of those
# that a test records as "instances".
KINDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "a server's own way: framing, shapes, limits, parameters it refuses",
        "read, or told in one line",
        ("models/test_openai_dialects.py",),
    ),
    (
        "an address, a proxy or a certificate in any spelling",
        "followed, or the variable is named",
        ("models/test_network.py", "test_addresses.py"),
    ),
    ("a model's reasoning in any spelling and place", "no part of the text", ("models/test_reasoning.py",)),
    (
        "talk, labels, word counts, fences, tags and tokens around a text",
        "removed; within a text they stay",
        ("agentwrite/test_chatter.py",),
    ),
    (
        "a refusal, or next to nothing, in place of a text",
        "told, exit code 3, written again",
        ("agentwrite/test_refusals.py", "agentwrite/test_shortfalls.py", "cli/test_shortfalls.py"),
    ),
    (
        "repetition, and what may come again",
        "cut, or kept",
        (
            "agentwrite/test_repetition.py",
            "agentwrite/test_similar_paragraphs.py",
            "agentwrite/test_repeated_openings.py",
        ),
    ),
    ("a plan in any dress", "used, and shown as what it became", ("agentwrite/test_plan_repair.py",)),
    ("words of all scripts", "counted by Unicode", ("text/test_counting.py",)),
    ("sentences and abbreviations", "divided where they end", ("text/test_sentences.py",)),
    ("lists, tables, code, formulas at the end of a text", "cut at a whole piece", ("text/test_landing.py",)),
    ("the language of an instruction", "named only if sure", ("text/test_language.py",)),
    ("a length in an instruction", "taken, and shown with its words", ("text/test_asked_length.py",)),
    (
        "files and folders of other programs",
        "imported, with a report of what was left out",
        (
            "documents/test_import_types.py",
            "documents/test_import_dialects.py",
            "documents/test_import_folders.py",
            "documents/test_footnotes.py",
        ),
    ),
    ("plain text: encodings, chapters, indents", "imported, a guess is told", ("documents/test_import_text.py",)),
    (
        "sources: PDFs, pages, servers, tables and bibliographies of any kind, also hostile ones",
        "read as data, or refused in one line, in bounded time and memory",
        ("sources/test_pdf.py", "sources/test_web.py", "sources/test_files.py"),
    ),
    (
        "a file system without locks or shared memory",
        "written all the same, or its kind is named",
        ("documents/test_network_folders.py",),
    ),
    ("training rows in any shape", "used, or listed with the reason", ("training/test_rows.py",)),
    ("a judge's answer in any shape", "read, or missing", ("bench/test_grades.py",)),
)


class Collector:
    """Takes what the tests note down (see ``tried`` in the conftest), and counts those of :data:`KINDS`."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, int]] = []
        self._kinds = {module: (fault, outcome) for fault, outcome, modules in KINDS for module in modules}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            noted: list[Any] = [fault for name, fault in report.user_properties if name == "fault"]
            self.rows += [(fault, outcome, times) for fault, outcome, times in noted]
            module = report.nodeid.partition("::")[0].removeprefix("tests/")
            if not noted and module in self._kinds:
                times = [times for name, times in report.user_properties if name == "instances"]
                self.rows.append((*self._kinds[module], sum(times) or 1))


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
        where = [str(TESTS / "faults"), *(str(TESTS / module) for _, _, modules in KINDS for module in modules)]
        code = pytest.main(["-q", "-p", "no:cacheprovider", "-nauto", "--dist=loadscope", *where], plugins=[collector])
    print(table(collector.rows))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())

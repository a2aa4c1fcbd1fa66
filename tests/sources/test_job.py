"""Child processes that read sources: all of their lines, in bounded time, memory and output."""

from __future__ import annotations

import threading
from pathlib import Path
from threading import Timer
from time import monotonic, sleep

import pytest

from lwtui.sources.reading.job import ReadJob, ReadStopped

_CHILDREN = """
import os, sys, time
kind = sys.argv[1]
if kind == "lines":
    for number in range(int(sys.argv[2])):
        print(number, "x" * 500)
elif kind == "half":
    print("whole"); print("half", end="")
elif kind == "hang":
    print("begun", flush=True); time.sleep(600)
elif kind == "closes":
    print("done", flush=True); os.close(1); time.sleep(0.5)
elif kind == "flood":
    while True:
        print("y" * 10_000)
elif kind == "fails":
    sys.exit(3)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "children_of_a_test.py").write_text(_CHILDREN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "children_of_a_test"


def run(module: str, *arguments: list[str], seconds: float = 60, most: int = 10**8) -> tuple[list[bytes], list[int]]:
    lines: list[bytes] = []
    codes = ReadJob().run_children(module, arguments, lines.append, seconds=seconds, most_bytes=most)
    return lines, codes


def threads() -> int:
    """Return how many threads there are, once those that are about to end have ended."""
    for _ in range(100):
        if threading.active_count() == 1:
            break
        sleep(0.05)
    return threading.active_count()


def test_all_lines_of_all_children_come_and_no_half_ones(module: str) -> None:
    before = threads()
    lines, codes = run(module, ["lines", "3000"], ["lines", "3000"], ["half"])
    assert codes == [0, 0, 0] and lines.count(b"whole") == 1 and b"half" not in lines
    assert [sum(line.startswith(b"%d " % number) for line in lines) for number in (0, 1_500, 2_999)] == [2, 2, 2]
    assert threads() == before


def test_a_child_that_has_closed_its_output_may_end_by_itself(module: str) -> None:
    assert run(module, ["closes"]) == ([b"done"], [0])
    assert run(module, ["fails"]) == ([], [3])


def test_a_child_that_hangs_is_ended(module: str) -> None:
    before, began = threads(), monotonic()
    lines, codes = run(module, ["hang"], ["half"], seconds=3)
    assert b"begun" in lines and codes[0] < 0 and monotonic() - began < 60
    assert threads() == before


def test_a_flood_is_cut(module: str) -> None:
    lines, codes = run(module, ["flood"], most=5_000_000)
    assert codes[0] < 0 and 4_000_000 < sum(map(len, lines)) < 6_000_000


def test_reading_is_stopped_while_a_child_runs(module: str) -> None:
    job = ReadJob()
    Timer(0.5, job.stop).start()
    with pytest.raises(ReadStopped):
        job.run_children(module, [["hang"]], print, seconds=600, most_bytes=1_000)


def test_a_child_gets_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shows_its_environment.py").write_text("import os; print(*os.environ)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", "tok-secret")
    (line,) = run("shows_its_environment", [])[0]
    assert b"PATH" in line and b"OPENAI" not in line

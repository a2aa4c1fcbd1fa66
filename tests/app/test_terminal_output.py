"""Output to a terminal that has gone away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lwtui.app.terminal_output import TerminalOutput

pytestmark = pytest.mark.posix


def test_writing_to_a_terminal_that_is_gone_does_nothing() -> None:
    ours, theirs = os.openpty()
    file = os.fdopen(theirs, "w", encoding="utf-8")
    output = TerminalOutput(file)
    output.write("before")
    output.flush()
    assert os.read(ours, 100) == b"before"
    os.close(ours)
    for _ in range(3):
        assert output.write("after\n" * 10_000) == 60_000
        output.flush()
    assert output.fileno() == theirs
    os.close(theirs)
    file.detach()  # what it has buffered can go nowhere


def test_other_failures_are_not_hidden(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OSError, match="No space left"), full.open("w", encoding="utf-8") as file:
        TerminalOutput(file).write("x" * 100_000)
        TerminalOutput(file).flush()

"""Documents that are planned in chapters and then in sections, on the command line."""

import json

from lwtui.documents.store import Document
from tests.cli.running import Shell, at
from tests.support.author import Author, title_of
from tests.support.fault_server import Fault, FaultServer

_WORDS = 25_000  # five chapters, so six calls


def author(faults: list[Fault | None]) -> FaultServer:
    return FaultServer(Author(piece=50), faults, models=[{"id": "m-1"}])


def test_a_long_plan_is_printed_as_it_nests(shell: Shell) -> None:
    with author([]) as server:
        shown = shell.run("plan", "A history", "--words", _WORDS, *at(server)).worked()
        data = shell.run("plan", "A history", "--words", _WORDS, "--json", *at(server)).worked()
    lines = shown.out.splitlines()
    assert lines[1] == "25,000 words in 85 sections"
    assert f" 1. {title_of(1)} (5,000 words in 17 sections)" in lines
    assert any(line.startswith(f"  1.1 {title_of(101)} (") for line in lines)
    assert "3 of 5 chapters planned" in shown.err
    sections = json.loads(data.out)["sections"]
    assert [one["level"] for one in sections[:3]] == [1, 2, 2]
    assert sections[0]["words"] == 0
    assert sum(one["words"] for one in sections) == _WORDS


def test_a_plan_that_broke_off_is_gone_on_with(shell: Shell) -> None:
    refused = Fault.http(401)
    with author([None, None, None, refused]) as server:
        stopped = shell.run("write", "A history", "--words", _WORDS, "--output", "out.md", *at(server))
    assert stopped.code == 1
    assert "--resume" in stopped.err
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        begun = document.plan.sections
        assert sum(one.words == 0 for one in begun) == 2
    with author([None, None, None, refused]) as server:
        stopped = shell.run("write", "--resume", "out.lw", "--output", "out.md", *at(server))
        assert len(server.calls) == 4  # the three chapters that were left, and the first section
    assert stopped.code == 1
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        assert document.plan.words == _WORDS
        assert sum(one.words == 0 for one in document.plan.sections) == 5
        assert document.plan.sections[:30] == begun[:30]

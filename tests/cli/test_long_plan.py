"""Long documents, which are planned in chapters first and then in sections."""

import json

from lwtui.documents.store import Document
from tests.cli.running import Shell, model_options
from tests.support.author import Author, title_of
from tests.support.fault_server import Fault, FaultServer

_WORDS = 25_000  # five chapters, and so six calls


def serving(faults: list[Fault | None]) -> FaultServer:
    return FaultServer(Author(piece=50), faults, models=[{"id": "m-1"}])


def test_a_long_plan_is_printed_nested(shell: Shell) -> None:
    with serving([]) as server:
        shown = shell.run("plan", "A history", "--words", _WORDS, *model_options(server)).worked()
        data = shell.run("plan", "A history", "--words", _WORDS, "--json", *model_options(server)).worked()
    lines = shown.out.splitlines()
    assert lines[1] == "25,000 words in 85 sections"
    assert f" 1. {title_of(1)} (5,000 words in 17 sections)" in lines
    assert any(line.startswith(f"  1.1 {title_of(101)} (") for line in lines)
    assert "3 of 5 chapters planned" in shown.err
    sections = json.loads(data.out)["sections"]
    assert [section["level"] for section in sections[:3]] == [1, 2, 2]
    assert sections[0]["words"] == 0
    assert sum(part["words"] for part in sections) == _WORDS


def test_an_interrupted_plan_is_resumed(shell: Shell) -> None:
    refused = Fault.http(401)
    with serving([None, None, None, refused]) as server:
        stopped = shell.run("write", "A history", "--words", _WORDS, "--output", "out.md", *model_options(server))
    assert stopped.code == 1
    assert "--resume" in stopped.err
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        begun = document.plan.sections
        assert sum(section.words == 0 for section in begun) == 2
    with serving([None, None, None, refused]) as server:
        stopped = shell.run("write", "--resume", "out.lw", "--output", "out.md", *model_options(server))
        assert len(server.calls) == 4  # the other three chapters, and the first section
    assert stopped.code == 1
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        assert document.plan.words == _WORDS
        assert sum(section.words == 0 for section in document.plan.sections) == 5
        assert document.plan.sections[:30] == begun[:30]

"""``lwtui facts`` and ``lwtui write --facts``."""

from __future__ import annotations

import json
from pathlib import Path

from lwtui.documents.facts import FACTS, Fact
from lwtui.documents.model import Brief, Origin
from lwtui.documents.store import Document
from tests.app.test_facts import ONE, TWO, keeper
from tests.cli.running import PLAN_JSON, Shell, model_options
from tests.support.fault_server import FaultServer
from tests.support.studio import plan_of


def document_in(shell: Shell) -> Path:
    path = shell.folder / "story.lw"
    with Document.create(path, Brief("Write a story", 40, seed=5), plan_of(20, 20)) as document:
        document.edit("s1", ONE, Origin.MODEL)
        document.edit("s2", TWO, Origin.MODEL)
    return path


def test_facts_are_noted_and_shown_with_contradictions(shell: Shell) -> None:
    path = document_in(shell)
    assert "No facts yet" in shell.run("facts", path).worked().err
    with FaultServer(keeper) as server:
        done = shell.run("facts", path, "--note", *model_options(server)).worked()
        assert len(server.calls) == 2
        again = shell.run("facts", path, "--note", "--json", *model_options(server)).worked()
        assert len(server.calls) == 2  # nothing has changed
    assert done.out.splitlines() == [
        "contradiction: One birth.",
        "  2 “Part dice”:1: In Rome, where she was born",
        "  1 “Part cece”:1: Ada was born in Turin",
        "person    1  Ada was born in Turin.",
        "thing     1  Ada had a dog.",
    ]
    assert "Noted 2 facts" in done.err and "1 contradiction" in done.err
    shown = json.loads(again.out)
    assert [(row["section"], row["kind"], row["subject"]) for row in shown["facts"]] == [
        (1, "person", "Ada"),
        (1, "thing", "dog"),
    ]
    assert shown["contradictions"] == []
    one = shell.run("facts", path, "--kind", "thing", "--by", "section").worked()
    assert one.out == "thing     1  Ada had a dog.\n"
    with Document.open(path, read_only=True) as document:
        assert document.usage.completion > 0


def test_facts_are_noted_while_the_command_writes(shell: Shell) -> None:
    plan = shell.folder / "plan.json"
    plan.write_text(json.dumps(PLAN_JSON))
    with FaultServer(keeper, models=[{"id": "m-1"}]) as server:
        options = ("write", "A story", "--plan", plan, "--facts", "--output", "out.md", *model_options(server))
        plain = shell.run("write", "A story", "--plan", plan, "--dry-run", *model_options(server)).worked().out
        assert shell.run(*options, "--dry-run").worked().out != plain
        shell.run(*options).worked()
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        assert document.setting(FACTS) == "on" and len(document.fact_book.noted()) == 3


def test_mistakes_get_one_clear_line(shell: Shell) -> None:
    path = document_in(shell)
    shell.run("facts", "gone.lw").failed(2, "There is no document gone.lw")
    shell.run("facts", path, "--kind", "spaceship").failed(2, "--kind")
    with FaultServer(keeper) as server:
        shell.settings(f'[models.base]\nbase_url = "{server.base_url}"\nmodel = "m"\nprofile = "base"\n')
        shell.run("facts", path, "--note", "--model", "base").failed(1, "base model")
    with Document.open(path) as document:
        document.fact_book.put(Fact("person", "Ada", "Is forty.", "", "s1", pinned=True))
        shell.run("facts", path, "--note", "--model", "base").failed(1, "Cannot write")
    assert shell.run("facts", path).worked().out == "person    1  Ada: Is forty. (pinned)\n"

"""``lwtui polish`` and ``lwtui write --passes``: only better sections replace the old ones, and all is resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lwtui.agentwrite.polish_progress import POLISH, PolishProgress, stored_criteria, stored_progress
from lwtui.documents.model import Brief, Origin
from lwtui.documents.store import Document
from tests.cli.running import ScriptedWriter, Shell, endpoint, model_options
from tests.support.editor import CRITERIA_ANSWER, Editor, kind_of, new_text, newer, old_text, older
from tests.support.fault_server import Answer, FaultServer
from tests.support.studio import plan_of, prompt_of


def document_in(shell: Shell, *numbers: int) -> Path:
    path = shell.folder / "guide.lw"
    with Document.create(path, Brief("Write a guide", 240, seed=5), plan_of(*[60] * len(numbers))) as document:
        for number in numbers:
            document.edit(f"s{number}", old_text(number), Origin.MODEL)
    return path


def texts(path: Path) -> list[str]:
    with Document.open(path, read_only=True) as document:
        return [section.text for section in document.sections()]


def test_better_sections_replace_the_old_ones(shell: Shell) -> None:
    path = document_in(shell, 1, 2)
    with FaultServer(Editor(newer)) as server:
        done = shell.run("polish", path, "--events", *model_options(server)).worked()
        events = [json.loads(line) for line in done.out.splitlines()]
        assert events[0]["event"] == "CriteriaMade" and events[-1]["event"] == "PolishFinished"
        assert texts(path) == [new_text(1), new_text(2)]
        assert (
            "2 of 2 sections improved" in done.err and "1/2 Part" in done.err and "Expected for polishing" in done.err
        )
        shown = shell.run("polish", path, "--show-criteria").worked()
        assert shown.out.splitlines() == CRITERIA_ANSWER["criteria"]
        # Again: the same criteria, and nothing that is better.
        done = shell.run("polish", path, "--section", "2", *model_options(server)).worked()
        assert "0 of 1 section improved" in done.err and done.out == ""


def test_own_criteria_and_other_models_are_used(shell: Shell) -> None:
    path = document_in(shell, 1)
    writer, reader = Editor(newer), Editor(older)
    with FaultServer(writer) as first, FaultServer(reader) as second:
        shell.settings(
            f'[models.reader]\nbase_url = "{second.base_url}"\nmodel = "m-2"\n'
            f'[models.writer]\nbase_url = "{first.base_url}"\nmodel = "m-1"\n'
        )
        options = ("--model", "writer", "--critic-model", "reader", "--judge-model", "writer")
        shell.run("polish", path, *options, "--criteria", "-", stdin="1. Dry.\n2. Short.\n").worked()
    assert (writer.asked, reader.asked) == (["rewrite", "compare", "compare"], ["review"])
    with Document.open(path, read_only=True) as document:
        assert stored_criteria(document) == ("Dry.", "Short.")
        assert document.setting("role.critic") == "reader" and document.section("s1").text == new_text(1)


def test_a_failed_run_is_resumed_by_the_command_that_it_prints(shell: Shell) -> None:
    path = document_in(shell, 1, 2)
    broken = [True]

    def author(body: Any) -> Answer:
        if broken[0] and kind_of(prompt_of(body)) == "rewrite" and "This is section 2 of" in prompt_of(body):
            raise ConnectionError
        return editor(body)

    editor = Editor(newer)
    with FaultServer(author) as server:
        shell.settings(f'[models.m]\nbase_url = "{server.base_url}"\nmodel = "m-1"\nretry_seconds = 0.1\n')
        failed = shell.run("polish", path, "--model", "m", "--passes", "2")
        assert failed.code == 1 and f"Resume with: lwtui polish {path} --model m" in failed.err
        assert texts(path) == [new_text(1), old_text(2)]
        broken[0] = False
        forecast = shell.run("polish", path, "--model", "m", "--dry-run").worked()
        assert "Calls:" in forecast.out
        shell.run("polish", path, "--model", "m").worked()
    assert texts(path) == [new_text(1), new_text(2)]
    with Document.open(path, read_only=True) as document:
        assert document.setting(POLISH) == ""


def test_writing_goes_on_to_polishing(shell: Shell) -> None:
    write, editor = ScriptedWriter(words=210), Editor(newer, points=lambda text: [])

    def author(body: Any) -> Answer:
        asks = ("demanding reader will judge", "You review one section")
        return editor(body) if any(ask in prompt_of(body) for ask in asks) else write(body)

    with endpoint(author) as server:  # type: ignore[arg-type]
        options = ("write", "Tomatoes", "--words", 600, "--output", "out.md", "--passes", 2, *model_options(server))
        assert "Polishing, at most:" in shell.run(*options, "--dry-run").worked().out
        done = shell.run(*options).worked()
    assert "0 of 3 sections improved" in done.err and "The text is in out.md" in done.err
    assert editor.asked == ["criteria", "review", "review", "review"]
    assert "Tomatoes in Pots" in (shell.folder / "out.md").read_text()
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        assert stored_progress(document) is None and document.words > 0


def test_a_document_that_was_to_be_polished_resumes_there(shell: Shell) -> None:
    path = document_in(shell, 1)
    with Document.open(path) as document:
        document.set_setting(POLISH, PolishProgress(1).to_json())
    with FaultServer(Editor(newer)) as server:
        shell.run("write", "--resume", path, "--output", "out.md", *model_options(server)).worked()
    assert new_text(1)[:60] in (shell.folder / "out.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("notes.md",), ("notes.md", "lwtui import")),
        (("gone.lw",), ("There is no document gone.lw",)),
        (("guide.lw", "--passes", "0"), ("--passes", "from 1 to 9")),
        (("guide.lw", "--passes", "many"), ("--passes",)),
        (("guide.lw", "--section", "7"), ("There is no section '7'", "1 Part")),
        (("guide.lw", "--criteria", "gone.txt"), ("gone.txt",)),
        (("guide.lw", "--budget", "much"), ("much",)),
        (("guide.lw", "--judge-model", "nobody"), ("nobody",)),
    ],
)
def test_mistakes_get_one_clear_line(shell: Shell, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    document_in(shell, 1)
    shell.run("polish", *arguments, "--model", "demo").failed(2, *words)


def test_what_cannot_be_polished_says_why(shell: Shell) -> None:
    path = document_in(shell, 1)
    with Document.open(path) as document:
        document.edit("s1", "By hand.")
    shell.run("polish", path).failed(2, "--edited")
    with Document.open(path) as document:
        document.clear("s1")
    shell.run("polish", path).failed(2, "lwtui write --resume")
    with FaultServer(Editor(newer)) as server:
        with Document.open(path) as document:
            document.edit("s1", old_text(1))
        shell.settings(f'[models.base]\nbase_url = "{server.base_url}"\nmodel = "m"\nprofile = "base"\n')
        failed = shell.run("polish", path, "--edited", "--model", "base")
    assert failed.code == 1 and "base model" in failed.err
    assert "No criteria yet" in shell.run("polish", path, "--show-criteria").worked().err

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from lwtui.documents.model import Mode, Status, Style
from lwtui.documents.store import Document
from lwtui.text import count_words
from tests.cli.running import PLAN_JSON, TITLES, ScriptedWriter, Shell, endpoint, headings, model_options, prose
from tests.support.fault_server import Fault


def plan_file(shell: Shell) -> Path:
    path = shell.folder / "plan.json"
    path.write_text(json.dumps(PLAN_JSON))
    return path


def test_a_document_is_planned_written_and_exported(shell: Shell) -> None:
    with endpoint() as server:
        done = shell.run("write", "Tomatoes", "--words", 600, "--output", "out.md", *model_options(server)).worked()
    text = (shell.folder / "out.md").read_text()
    assert text.splitlines()[0] == "# Tomatoes in Pots"
    assert headings(text) == TITLES
    assert done.out == ""
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        assert {section.status for section in document.sections()} == {Status.DONE}
        assert 570 <= document.words <= 630
        assert document.brief.model == "m-1"


def test_the_style_is_stored_and_reaches_the_model(shell: Shell) -> None:
    with endpoint() as server:
        options = ("--plan", plan_file(shell), *model_options(server), "--style")
        shell.run("write", "Write a story", *options, "lists", "--output", "out.lw").worked()
        shell.run("write", "Write a tutorial", *options, "prose", "--output", "out2.lw").worked()
        shell.run("write", "Write a tutorial", *options, "verse").failed(2, "--style")
        sent = [json.dumps(call.json["messages"]) for call in server.calls]
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        assert document.brief.style is Style.LISTS
    assert "Use a list or a sub-heading" in sent[0] and "no headings, no lists" in sent[-1]


def test_without_an_output_the_text_is_printed(shell: Shell) -> None:
    with endpoint() as server:
        done = shell.run("write", "Tomatoes: a guide", "--plan", plan_file(shell), *model_options(server)).worked()
    assert headings(done.out) == TITLES
    (path,) = shell.documents.iterdir()
    assert path.name == "Tomatoes a guide.lw" and str(path) in done.err


def test_without_a_terminal_each_section_prints_a_line(shell: Shell) -> None:
    with endpoint() as server:
        done = shell.run(
            "write", "Tomatoes", "--plan", plan_file(shell), "--output", "out.md", *model_options(server)
        ).worked()
        quiet = shell.run(
            "write", "Tomatoes", "--plan", plan_file(shell), "--output", "quiet.md", "--quiet", *model_options(server)
        ).worked()
    lines = done.err.splitlines()
    assert lines[0].startswith("Expected: 180 words, ")
    assert [line.split(":")[0] for line in lines[1:4]] == ["1/3 Soil and Pots", "2/3 Light and Water", "3/3 Harvest"]
    assert lines[4].startswith("It took ")
    assert "The text is in out.md" in lines[5] and len(lines) == 6
    assert quiet.err == quiet.out == ""


def test_the_mirror_is_updated_and_a_foreign_file_is_kept(shell: Shell) -> None:
    shell.run("config", "set", "mirror", "true").worked()
    with endpoint() as server:
        shell.run(
            "write", "Tomatoes", "--plan", plan_file(shell), "--output", "out.lw", *model_options(server)
        ).worked()
        (shell.folder / "other.md").write_text("precious")
        done = shell.run(
            "write", "Tea", "--plan", plan_file(shell), "--output", "other.lw", *model_options(server)
        ).worked()
    assert headings((shell.folder / "out.md").read_text()) == TITLES
    assert (shell.folder / "other.md").read_text() == "precious"
    assert done.err.count("other.md was not written by lwtui") == 1


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_run_commits_its_folder_of_markdown_files_once(shell: Shell) -> None:
    shell.run("config", "set", "mirror", "git").worked()
    shell.run("config", "set", "author", "Ada").worked()
    with endpoint() as server:
        shell.run(
            "write", "Tomatoes", "--plan", plan_file(shell), "--output", "out.lw", *model_options(server)
        ).worked()
    folder = shell.folder / "out-markdown"
    log = subprocess.run(["git", "log", "--format=%B"], cwd=folder, capture_output=True, check=True, encoding="utf-8")
    lines = log.stdout.split("\n")
    assert lines[0].startswith("Tomatoes in Pots: +")
    assert [line.partition(": written (")[0] for line in lines[2:5]] == TITLES and not any(lines[5:])
    shell.run("import", str(folder), "--output", "again.lw").worked()


@pytest.mark.parametrize(("name", "beginning"), [("out.txt", "Tomatoes in Pots"), ("out.html", "<!DOCTYPE html>")])
def test_the_format_follows_the_extension(shell: Shell, name: str, beginning: str) -> None:
    with endpoint() as server:
        shell.run("write", "Tomatoes", "--plan", plan_file(shell), "--output", name, *model_options(server)).worked()
    assert (shell.folder / name).read_text().lower().startswith(beginning.lower())


def test_with_a_document_as_output_nothing_else_is_written(shell: Shell) -> None:
    with endpoint() as server:
        done = shell.run(
            "write", "Tomatoes", "--plan", plan_file(shell), "--output", "out.lw", *model_options(server)
        ).worked()
    assert done.out == ""
    assert {path.name for path in shell.folder.iterdir() if path.is_file()} == {"out.lw", "plan.json"}


def test_the_document_can_be_stored_elsewhere(shell: Shell) -> None:
    (shell.folder / "kept").mkdir()
    with endpoint() as server:
        shell.run(
            "write",
            "Tomatoes",
            "--plan",
            plan_file(shell),
            "--document",
            "kept/mine.lw",
            "--output",
            "out.md",
            *model_options(server),
        ).worked()
    assert (shell.folder / "kept" / "mine.lw").exists() and not (shell.folder / "out.lw").exists()


@pytest.mark.parametrize("printed", [["--json"], []])
def test_a_printed_plan_can_be_used(shell: Shell, printed: list[str]) -> None:
    with endpoint() as server:
        plan = shell.run("plan", "Tomatoes", "--words", 600, *printed, *model_options(server)).worked().out
        (shell.folder / "plan.txt").write_text(plan.replace("Harvest", "Picking"))
        shell.run("write", "Tomatoes", "--plan", "plan.txt", "--output", "out.md", *model_options(server)).worked()
    assert headings((shell.folder / "out.md").read_text()) == ["Soil and Pots", "Light and Water", "Picking"]
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        assert document.brief.words == document.plan.words == 600


def test_a_given_plan_is_scaled_to_the_words(shell: Shell) -> None:
    with endpoint() as server:
        shell.run(
            "write",
            "Tomatoes",
            "--plan",
            plan_file(shell),
            "--words",
            240,
            "--output",
            "out.md",
            *model_options(server),
        ).worked()
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        assert [section.words for section in document.sections()] == [80, 80, 80]


def test_direct_mode_makes_one_call_and_no_headings(shell: Shell) -> None:
    with endpoint(ScriptedWriter(words=200)) as server:
        server._answer = lambda _: [*prose("direct", 200)]
        shell.run(
            "write", "Tomatoes", "--words", 200, "--mode", "direct", "--output", "out.md", *model_options(server)
        ).worked()
        assert len(server.calls) == 1
    assert headings((shell.folder / "out.md").read_text()) == []
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        assert document.brief.mode is Mode.DIRECT


def test_sections_can_be_written_in_parallel(shell: Shell) -> None:
    with endpoint(ScriptedWriter(delay=0.01)) as server:
        options = ["--mode", "agentwrite-parallel", "--plan", plan_file(shell), "--output", "out.md"]
        shell.run("write", "Tomatoes", *options, *model_options(server)).worked()
        assert len(server.calls) == 3
    assert headings((shell.folder / "out.md").read_text()) == TITLES


def test_events_are_printed_as_json_lines(shell: Shell) -> None:
    faults = [None, Fault.http(500), Fault.cut(after=4), Fault.http(429, retry_after=0)]
    with endpoint(faults=faults) as server:
        done = shell.run(
            "write", "Tomatoes", "--words", 600, "--events", "--output", "out.md", *model_options(server)
        ).worked()
    events = [json.loads(line) for line in done.out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "PlanStarted" and "PlanReady" in kinds and kinds[-1] == "DocumentFinished"
    assert [event["fault"] for event in events if event["event"] == "Retrying"] == ["server", "dropped", "rate-limit"]
    texts: dict[str, str] = {}
    for event in events:
        if event["event"] in ("SectionStarted", "TextRolledBack"):
            texts[event["section_id"]] = texts.get(event["section_id"], "")[: event["keep"]]
        elif event["event"] == "TextDelta":
            texts[event["section_id"]] += event["text"]
    written = (shell.folder / "out.md").read_text()
    assert all(text.strip() in written for text in texts.values()) and len(texts) == 3


def test_faults_are_reported_and_leave_no_trace_in_the_text(shell: Shell) -> None:
    faults = [Fault.http(503), Fault.cut(after=3), Fault.malformed(after=1), Fault.utf8(after=1)]
    with endpoint(faults=faults) as server:
        done = shell.run(
            "write", "Tomatoes", "--plan", plan_file(shell), "--output", "out.md", *model_options(server)
        ).worked()
    text = (shell.folder / "out.md").read_text()
    assert done.err.count("Retrying") == 4
    sentences = [line for line in text.replace(". ", ".\n").splitlines() if line and not line.startswith("#")]
    assert len(sentences) == len(set(sentences))
    assert 155 <= sum(map(count_words, sentences)) <= 189


def test_model_output_cannot_control_the_terminal_or_add_headings(shell: Shell) -> None:
    with endpoint() as server:
        server._answer = lambda _: [
            "\x1b[2JBirds ",
            "sing\x07 [bold]here[/bold]. ",
            "\x9b31mRain.\n# Harvest\nFalls. " * 20,
        ]
        shell.run("write", "Tomatoes", "--plan", plan_file(shell), "--output", "out.md", *model_options(server))
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        text = "".join(section.text for section in document.sections())
    assert "[bold]here[/bold]" in text
    assert not set(text) & {"\x1b", "\x07", "\x9b"}
    assert "\n# " not in text


# -- nothing is overwritten


def test_an_existing_output_is_overwritten_only_with_force(shell: Shell) -> None:
    (shell.folder / "out.md").write_text("precious")
    with endpoint() as server:
        done = shell.fails(2, "already-exists", "write", "Tomatoes", "--output", "out.md", *model_options(server))
        assert "out.md" in done.err and "--force" in done.err
        assert server.requests == []
        assert (shell.folder / "out.md").read_text() == "precious"
        shell.run(
            "write", "Tomatoes", "--plan", plan_file(shell), "--output", "out.md", "--force", *model_options(server)
        ).worked()
    assert headings((shell.folder / "out.md").read_text()) == TITLES


def test_a_document_is_never_overwritten(shell: Shell) -> None:
    (shell.folder / "out.lw").write_text("precious")
    with endpoint() as server:
        arguments = ["write", "Tomatoes", "--plan", plan_file(shell), "--output", "out.md", *model_options(server)]
        refused = shell.fails(2, "already-exists", *arguments)
        assert "lwtui write --resume out.lw --output out.md" in refused.err
        done = shell.run(*arguments, "--force").worked()
    assert (shell.folder / "out.lw").read_text() == "precious"
    assert "out 2.lw" in done.err


@pytest.mark.parametrize("option", ["--output", "--document"])
def test_a_named_document_is_never_overwritten(shell: Shell, option: str) -> None:
    (shell.folder / "out.lw").write_text("precious")
    with endpoint() as server:
        for force in ([], ["--force"]):
            arguments = ("write", "Tomatoes", option, "out.lw", *force, *model_options(server))
            assert "out.lw" in shell.fails(2, "already-exists", *arguments).err
        assert server.requests == []
    assert (shell.folder / "out.lw").read_text() == "precious"


def test_a_closed_pipe_is_not_an_error(shell: Shell) -> None:
    with endpoint() as server:
        process = shell.start("write", "Tomatoes", "--plan", plan_file(shell), *model_options(server))
        process.stdout.close()  # type: ignore[union-attr]
        error = process.stderr.read()  # type: ignore[union-attr]
        assert process.wait(30) == 141
    assert "Traceback" not in error and "BrokenPipe" not in error
    with Document.open(next(shell.documents.iterdir()), read_only=True) as document:
        assert {section.status for section in document.sections()} == {Status.DONE}

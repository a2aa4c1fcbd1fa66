"""Whatever stops the command, the text is kept and the printed command resumes."""

import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lwtui.documents.model import Status
from lwtui.documents.store import Document
from tests.cli.running import PLAN_JSON, TITLES, ScriptedWriter, Shell, endpoint, headings, model_options
from tests.support.fault_server import Fault, FaultServer

SLOW = 0.05  # seconds per sentence; a section takes about half a second


@pytest.fixture
def plan(shell: Shell) -> Path:
    path = shell.folder / "plan.json"
    path.write_text(json.dumps(PLAN_JSON))
    return path


def stored_words(document: Path) -> int:
    if not document.exists():
        return 0
    with Document.open(document, read_only=True) as opened:
        return opened.words


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the condition never became true"
        time.sleep(0.05)


def stop_while_writing(
    shell: Shell, server: FaultServer, plan: Path, number: signal.Signals, *more: object
) -> tuple[int, str, str]:
    """Start a document and stop the command in the second section; its exit code, output and errors."""
    process = shell.start("write", "Tomatoes", "--plan", plan, "--output", "out.md", *more, *model_options(server))
    wait_until(lambda: stored_words(shell.folder / "out.lw") > 75, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def resume(shell: Shell, line: str) -> None:
    """Run the command that a line suggests."""
    command = shlex.split(line.partition("Resume with: ")[2])
    assert command[:2] == ["lwtui", "write"]
    shell.run(*command[1:]).worked()


def assert_complete(shell: Shell, kept: Sequence[str]) -> None:
    """Check that the document and the output are complete, start with the ``kept`` texts, and repeat no sentence."""
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        sections = document.sections()
    assert {section.status for section in sections} == {Status.DONE}
    text = (shell.folder / "out.md").read_text()
    assert headings(text) == TITLES
    for before, section in zip(kept, sections, strict=True):
        assert section.text.startswith(before)
    sentences = [sentence for section in sections for sentence in section.text.split(". ")]
    assert len(sentences) == len(set(sentences))
    assert 155 <= sum(section.length for section in sections) <= 189


def texts(shell: Shell) -> list[str]:
    """Return the stored text of each section, up to its last complete sentence."""
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        return [section.text[: section.text.rfind(".") + 1] for section in document.sections()]


def test_ctrl_c_keeps_all_text_and_prints_how_to_resume(shell: Shell, plan: Path) -> None:
    with endpoint(ScriptedWriter(delay=SLOW)) as server:
        code, out, err = stop_while_writing(shell, server, plan, signal.SIGINT, "--quiet")
        assert code == 130
        assert out == ""
        assert len(err.splitlines()) == 1
        assert "lwtui write --resume out.lw --output out.md " in err
        kept = texts(shell)
        assert sum(map(len, kept)) > 400
        assert not (shell.folder / "out.md").exists()
        resume(shell, err)
    assert_complete(shell, kept)


def test_ctrl_c_ends_the_call_at_once(shell: Shell, plan: Path) -> None:
    with endpoint(faults=[None, Fault.stall(3600, after=3)]) as server:
        process = shell.start("write", "Tomatoes", "--plan", plan, "--output", "out.md", *model_options(server))
        wait_until(lambda: len(server.calls) == 2, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 130 and "Resume with:" in err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_stop_signals_keep_all_text_too(shell: Shell, plan: Path, number: signal.Signals, code: int) -> None:
    with endpoint(ScriptedWriter(delay=SLOW)) as server:
        ended, _, err = stop_while_writing(shell, server, plan, number)
        assert ended == code
        kept = texts(shell)
        resume(shell, err.splitlines()[-1])
    assert_complete(shell, kept)


def test_nohup_keeps_a_run_alive_when_the_terminal_closes(shell: Shell, plan: Path) -> None:
    command = ["nohup", sys.executable, "-m", "lwtui", "write", "Tomatoes", "--plan", plan, "--output", "out.md"]
    with endpoint(ScriptedWriter(delay=SLOW)) as server:
        process = subprocess.Popen(
            [*map(str, command), *model_options(server)],
            cwd=shell.folder,
            env=shell.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        wait_until(lambda: stored_words(shell.folder / "out.lw") > 20, process)
        process.send_signal(signal.SIGHUP)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert_complete(shell, ["", "", ""])


def test_kill_9_loses_at_most_the_last_second(shell: Shell, plan: Path) -> None:
    with endpoint(ScriptedWriter(delay=SLOW)) as server:
        stop_while_writing(shell, server, plan, signal.SIGKILL)
        kept = texts(shell)
        assert sum(map(len, kept)) > 400
        shell.run("write", "--resume", "out.lw", "--output", "out.md", *model_options(server)).worked()
    assert_complete(shell, kept)


def test_ctrl_c_while_planning_leaves_nothing_behind(shell: Shell) -> None:
    with endpoint(faults=[Fault.stall(3600)]) as server:
        process = shell.start("write", "Tomatoes", "--output", "out.md", *model_options(server))
        wait_until(lambda: len(server.calls) == 1, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "", "lwtui: Stopped.\n")
    assert not list(shell.folder.glob("out.*"))


def test_a_failing_model_leaves_all_text_and_the_command_to_resume(shell: Shell, plan: Path) -> None:
    with endpoint(faults=[None, Fault.cut(after=3), Fault.http(401, message="expired")]) as server:
        done = shell.run("write", "Tomatoes", "--plan", plan, "--output", "out.md", *model_options(server))
        assert done.code == 1
        *_, error, line = done.err.splitlines()
        assert error.startswith("lwtui: ") and "expired" in error
        kept = texts(shell)
        assert kept[0] and kept[1]
        resume(shell, line)
    assert_complete(shell, kept)


def test_the_command_to_resume_contains_no_key(shell: Shell, plan: Path) -> None:
    with endpoint(faults=[Fault.http(401)]) as server:
        done = shell.run(
            "write",
            "Tomatoes",
            "--plan",
            plan,
            "--output",
            "out.md",
            *model_options(server),
            LWTUI_API_KEY="tok-SECRETSECRET",
        )
    assert "Resume with:" in done.err and "SECRET" not in done.err


def test_a_finished_document_is_exported_again_without_a_call(shell: Shell, plan: Path) -> None:
    with endpoint() as server:
        shell.run("write", "Tomatoes", "--plan", plan, "--output", "out.md", *model_options(server)).worked()
    first = (shell.folder / "out.md").read_text()
    done = shell.run("write", "--resume", "out.lw", "--output", "out.md", *model_options(server)).worked()
    assert (shell.folder / "out.md").read_text() == first
    assert done.out == ""
    assert shell.run("write", "--resume", "out.lw", *model_options(server)).worked().out == first


def test_resuming_uses_the_model_of_the_document_or_another(shell: Shell, plan: Path) -> None:
    with endpoint(faults=[None, Fault.http(401)]) as first, endpoint() as second:
        tables = "".join(
            f'[models.{name}]\nmodel = "m-1"\nbase_url = "{server.base_url}"\n'
            for name, server in (("one", first), ("two", second))
        )
        shell.settings(tables)
        done = shell.run("write", "Tomatoes", "--plan", plan, "--output", "out.md", "--model", "one")
        assert done.err.splitlines()[-1] == "Resume with: lwtui write --resume out.lw --output out.md"
        shell.run("write", "--resume", "out.lw", "--output", "out.md", "--model", "two").worked()
        assert len(first.calls) == 2 and len(second.calls) >= 2
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        assert document.brief.model == "two"


def test_resuming_an_output_of_another_document_needs_force(shell: Shell, plan: Path) -> None:
    with endpoint() as server:
        shell.run("write", "Tomatoes", "--plan", plan, "--output", "out.md", *model_options(server)).worked()
        (shell.folder / "other.md").write_text("precious")
        again = ["write", "--resume", "out.lw", "--output", "other.md", *model_options(server)]
        assert "other.md" in shell.fails(2, "already-exists", *again).err
        shell.run(*again, "--force").worked()
    assert headings((shell.folder / "other.md").read_text()) == TITLES


def test_a_document_that_is_being_written_cannot_be_resumed(shell: Shell, plan: Path) -> None:
    with endpoint(ScriptedWriter(delay=SLOW)) as server:
        process = shell.start("write", "Tomatoes", "--plan", plan, "--output", "out.md", *model_options(server))
        wait_until(lambda: stored_words(shell.folder / "out.lw") > 20, process)
        again = ("write", "--resume", "out.lw", "--output", "out.md", *model_options(server))
        assert "out.lw" in shell.fails(1, "read-only", *again).err
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert_complete(shell, ["", "", ""])

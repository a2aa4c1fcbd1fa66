"""A disk that fills up while a document is written: it is reported, and the text is put where there is room."""

import json
import resource
import subprocess
import sys

import pytest

from lwtui.documents.store import Document
from tests.cli.running import PLAN_JSON, CommandResult, ScriptedWriter, Shell, endpoint, model_options, prose

LIMITS = [120, 160, 240]  # of a file's size in KiB; the document's log exceeds them at different times


def write_on_a_small_disk(shell: Shell, kibibytes: int, *options: str) -> CommandResult:
    (shell.folder / "plan.json").write_text(json.dumps(PLAN_JSON))
    command = [
        sys.executable,
        "-m",
        "lwtui",
        "write",
        "Tomatoes",
        "--plan",
        "plan.json",
        "--document",
        "doc.lw",
        *options,
    ]
    size = kibibytes * 1024
    with endpoint(ScriptedWriter(delay=0.1)) as server:
        ended = subprocess.run(
            [*command, *model_options(server)],
            cwd=shell.folder,
            env=shell.environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        )
    return CommandResult(ended.returncode, ended.stdout, ended.stderr)


def assert_reported(done: CommandResult) -> None:
    assert done.code == 1
    (error,) = [line for line in done.err.splitlines() if line.startswith("lwtui: ")]
    assert "doc.lw" in error and "full" in error
    assert "lwtui write --resume doc.lw" in done.err.splitlines()[-1]
    assert "Traceback" not in done.err


@pytest.mark.parametrize("kibibytes", LIMITS)
def test_the_text_is_in_the_output_or_in_the_document(shell: Shell, kibibytes: int) -> None:
    done = write_on_a_small_disk(shell, kibibytes, "--output", "out.md")
    assert_reported(done)
    with Document.open(shell.folder / "doc.lw", read_only=True) as document:
        kept = [section.text for section in document.sections()]
    output = shell.folder / "out.md"
    if output.exists():
        assert any(line.endswith(" out.md.") for line in done.err.splitlines())  # says where the text is
        # The document may end with a paragraph that was rolled back after the disk was full.
        assert all(text.rpartition("\n\n")[0] in output.read_text() for text in kept)
    assert prose(1, 60)[0].strip() in (output.read_text() if output.exists() else kept[0])


@pytest.mark.parametrize("kibibytes", LIMITS)
def test_without_an_output_the_text_is_printed(shell: Shell, kibibytes: int) -> None:
    done = write_on_a_small_disk(shell, kibibytes)
    assert_reported(done)
    with Document.open(shell.folder / "doc.lw", read_only=True) as document:
        kept = "".join(section.text for section in document.sections())
    assert prose(1, 60)[0].strip() in (done.out or kept)
    assert not done.out or done.out.splitlines()[0] == "# Tomatoes in Pots"


@pytest.mark.parametrize("kibibytes", LIMITS)
def test_writing_resumes_once_there_is_room(shell: Shell, kibibytes: int) -> None:
    assert_reported(write_on_a_small_disk(shell, kibibytes, "--output", "out.md"))
    with endpoint() as server:
        shell.run("write", "--resume", "doc.lw", "--output", "whole.md", *model_options(server)).worked()
    text = (shell.folder / "whole.md").read_text()
    assert text.splitlines()[0] == "# Tomatoes in Pots" and text.count("\n## ") == 3

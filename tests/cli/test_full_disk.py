"""A disk that fills up while a document is written: it is told, and the text is put where it still can be."""

import json
import resource
import subprocess
import sys

import pytest

from lwtui.documents.store import Document
from tests.cli.running import PLAN_JSON, Author, Done, Shell, at, endpoint, prose

LIMITS = [60, 120, 200]  # KiB that a file may have: the document's log outgrows them at different moments


def write_on_a_small_disk(shell: Shell, kibibytes: int, *options: str) -> Done:
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
    with endpoint(Author(delay=0.1)) as server:
        ended = subprocess.run(
            [*command, *at(server)],
            cwd=shell.folder,
            env=shell.environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        )
    return Done(ended.returncode, ended.stdout, ended.stderr)


def told(done: Done) -> None:
    assert done.code == 1
    (error,) = [line for line in done.err.splitlines() if line.startswith("lwtui: ")]
    assert "doc.lw" in error and "full" in error
    assert done.err.splitlines()[-1].startswith("Resume with: lwtui write --resume doc.lw")
    assert "Traceback" not in done.err


@pytest.mark.parametrize("kibibytes", LIMITS)
def test_the_text_is_in_the_output_or_in_the_document(shell: Shell, kibibytes: int) -> None:
    done = write_on_a_small_disk(shell, kibibytes, "--output", "out.md")
    told(done)
    with Document.open(shell.folder / "doc.lw", read_only=True) as document:
        kept = [section.text for section in document.sections()]
    output = shell.folder / "out.md"
    if output.exists():
        assert "The text so far is in out.md." in done.err
        # The document may still end with a sentence that was taken back when it could no longer be told.
        assert all(text.rsplit(". ", 2)[0] in output.read_text() for text in kept)
    assert prose(1, 60)[0].strip() in (output.read_text() if output.exists() else kept[0])


@pytest.mark.parametrize("kibibytes", LIMITS)
def test_without_an_output_it_is_printed(shell: Shell, kibibytes: int) -> None:
    done = write_on_a_small_disk(shell, kibibytes)
    told(done)
    with Document.open(shell.folder / "doc.lw", read_only=True) as document:
        kept = "".join(section.text for section in document.sections())
    assert prose(1, 60)[0].strip() in (done.out or kept)
    assert not done.out or done.out.startswith("# Tomatoes in Pots\n")


@pytest.mark.parametrize("kibibytes", LIMITS)
def test_what_was_stored_is_gone_on_with_when_there_is_room(shell: Shell, kibibytes: int) -> None:
    told(write_on_a_small_disk(shell, kibibytes, "--output", "out.md"))
    with endpoint() as server:
        shell.run("write", "--resume", "doc.lw", "--output", "whole.md", *at(server)).worked()
    text = (shell.folder / "whole.md").read_text()
    assert text.startswith("# Tomatoes in Pots\n") and text.count("\n## ") == 3

"""``lwtui voice``, and ``lwtui lint --voice``."""

from __future__ import annotations

import json

from lwtui.documents.model import Brief
from lwtui.documents.store import Document
from tests.agentwrite.test_voice import TERSE, WINDING
from tests.cli.running import Shell
from tests.support.studio import plan_of


def test_a_voice_is_measured_noted_and_compared(shell: Shell) -> None:
    sample, other = shell.folder / "mine.md", shell.folder / "other.md"
    sample.write_text(f"# Harbor\n\n{TERSE}")
    other.write_text(WINDING)
    assert "first person" in shell.run("voice", sample).worked().out
    assert json.loads(shell.run("voice", sample, other, "--json").worked().out)["language"] == "en"
    path = shell.folder / "story.lw"
    Document.create(path, Brief("Write a story", 200), plan_of(200)).close()
    for _ in range(2):
        assert "note of this voice" in shell.run("voice", sample, "--to", path).worked().err
    with Document.open(path, read_only=True) as document:
        (note,) = document.notes
        assert note.title == "Voice" and "first person" in note.text
    differs = shell.run("lint", other, "--voice", sample, "--fail-on", "none").worked()
    assert "Voice: present tense, where the voice has past" in differs.err
    assert "Voice: like the samples." in shell.run("lint", sample, "--voice", sample, "--fail-on", "none").worked().err
    assert json.loads(shell.run("lint", other, "--voice", sample, "--json", "--fail-on", "none").worked().out)["voice"]


def test_mistakes_get_one_clear_line(shell: Shell) -> None:
    shell.run("voice", "gone.md").failed(2, "gone.md")
    (shell.folder / "short.txt").write_text("Short.")
    shell.run("voice", "short.txt").failed(2, "too short")

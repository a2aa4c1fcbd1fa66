"""Commands on a terminal: the progress line, and the app."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from lwtui.documents.export.pandoc import pandoc
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document
from tests.cli.running import PLAN_JSON, ScriptedWriter, Shell, endpoint, model_options


class PtyTerminal:
    """``lwtui`` on its own pseudo-terminal. ``screen`` is everything that it has written there."""

    def __init__(self, shell: Shell, *arguments: object, columns: int = 80) -> None:
        command = [sys.executable, "-m", "lwtui", *map(str, arguments)]
        environment = shell.environment(TERM="xterm-256color")
        self.screen = ""
        self.code: int | None = None
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            os.chdir(shell.folder)
            os.execve(command[0], command, environment)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.code is None:
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
        os.close(self._terminal)

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def until(self, text: str) -> None:
        """Wait until ``text`` has been written."""
        end = time.monotonic() + 30
        while text not in self.screen:
            assert time.monotonic() < end and self._read(), f"{text!r} never came: {self.screen[-3000:]!r}"

    def end(self) -> int:
        """Wait until the command has ended, and return its exit code."""
        while self._read():
            continue
        self.code = os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])
        return self.code

    def _read(self) -> bool:
        """Read what has been written; false at the end."""
        if not select.select([self._terminal], [], [], 30)[0]:
            return False
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # on Linux, the other side is closed
            return False
        self.screen += data.decode("utf-8", "replace")
        return bool(data)


@pytest.fixture
def plan(shell: Shell) -> Iterator[Path]:
    path = shell.folder / "plan.json"
    path.write_text(json.dumps(PLAN_JSON))
    yield path


def test_progress_is_one_line_that_is_redrawn(shell: Shell, plan: Path) -> None:
    with (
        endpoint(ScriptedWriter(delay=0.2)) as server,
        PtyTerminal(
            shell, "write", "Tomatoes", "--plan", plan, "--output", "out.md", *model_options(server)
        ) as terminal,
    ):
        assert terminal.end() == 0
    drawn = re.findall(r"\r\x1b\[K([^\r\n]+)", terminal.screen)
    assert re.fullmatch(r"1/3 Soil and Pots · \d+ of 180 words", drawn[0])
    assert any(re.search(r"· \d+\.\d words/s · \d+ s left$", line) for line in drawn)
    assert all(len(line) < 80 for line in drawn if " of 180 words" in line)
    lines = re.sub(r"\r\x1b\[K[^\r\n]*(?=\r\x1b\[K)", "", terminal.screen).replace("\r\x1b[K", "").split("\r\n")
    permanent = ["Expected", "1/3 Soil and Pots", "2/3 Light and Water", "3/3 Harvest"]
    assert [line.split(":")[0] for line in lines[:4]] == permanent


def test_ctrl_c_leaves_a_clean_line(shell: Shell, plan: Path) -> None:
    with (
        endpoint(ScriptedWriter(delay=0.2)) as server,
        PtyTerminal(
            shell, "write", "Tomatoes", "--plan", plan, "--output", "out.md", *model_options(server)
        ) as terminal,
    ):
        terminal.until("1/3 Soil and Pots · ")
        terminal.type("\x03")
        assert terminal.end() == 130
    last = terminal.screen.rpartition("\r\x1b[K")[2]
    assert re.match(r"[^\x00-\x1f]+ lwtui write --resume out\.lw", last)


def test_an_export_shows_its_steps_and_clears_the_line(shell: Shell) -> None:
    plan = Plan("Rain", (PlannedSection("Drops", "", 10, "a"),))
    with Document.create(shell.folder / "rain.lw", Brief("Rain", 10), plan) as document:
        document.edit("a", "They fall.")
    with PtyTerminal(shell, "export", "rain.lw", "--to", "pdf") as terminal:
        assert terminal.end() == 0
    assert len(set(re.findall(r"\r\x1b\[K([^\r\n]+ …)", terminal.screen))) >= 2
    assert terminal.screen.endswith("\r\x1b[KRain: rain.pdf\r\n")
    assert (shell.folder / "rain.pdf").read_bytes().startswith(b"%PDF")


def test_planning_shows_progress(shell: Shell) -> None:
    with (
        endpoint(ScriptedWriter()) as server,
        PtyTerminal(shell, "plan", "Tomatoes", *model_options(server)) as terminal,
    ):
        assert terminal.end() == 0
    assert "Planning … 0 characters" in terminal.screen
    assert terminal.screen.endswith("when they are ripe\r\n")


def test_the_app_begins_with_a_choice_of_models_and_then_opens_on_its_library(shell: Shell) -> None:
    with PtyTerminal(shell) as terminal:
        terminal.until("Which one should write?")
        terminal.type("q")
        assert terminal.end() == 0
    shell.run("config", "set", "model", "demo").worked()
    with PtyTerminal(shell) as terminal:
        terminal.until("No documents yet")
        terminal.type("q")
        assert terminal.end() == 0


def test_a_markdown_file_is_imported_and_opened(shell: Shell) -> None:
    source = "# On Rain\n\n## Drops\n\nThey fall.\n"
    (shell.folder / "rain.md").write_text(source)
    with PtyTerminal(shell, "rain.md") as terminal:
        terminal.until("Drops")
    assert (shell.folder / "rain.md").read_text() == source
    with Document.open(shell.folder / "rain.lw", read_only=True) as document:
        assert [section.title for section in document.sections()] == ["Drops"]


def test_a_docx_is_imported_and_opened(shell: Shell) -> None:
    page = "<h1>Drops</h1><p>They <em>fall</em>.</p><h1>Clouds</h1><p>They stay.</p>"
    made = [pandoc()[0], "--from=html", "--to=docx", "--output=rain.docx"]
    subprocess.run(made, input=page, cwd=shell.folder, text=True, check=True)
    with PtyTerminal(shell, "rain.docx") as terminal:
        terminal.until("Clouds")
    with Document.open(shell.folder / "rain.lw", read_only=True) as document:
        assert [(section.title, section.text) for section in document.sections()[:1]] == [("Drops", "They *fall*.")]


def test_importing_does_not_overwrite_a_document(shell: Shell) -> None:
    (shell.folder / "rain.md").write_text("# On Rain\n")
    (shell.folder / "rain.lw").write_text("precious")
    with PtyTerminal(shell, "rain.md", columns=200) as terminal:
        assert terminal.end() == 2
    assert terminal.screen.startswith("lwtui: ") and "lwtui rain.lw" in terminal.screen
    assert (shell.folder / "rain.lw").read_text() == "precious"


def test_an_invalid_file_is_reported_before_the_screen_changes(shell: Shell) -> None:
    (shell.folder / "doc.lw").write_text("A text.")
    (shell.folder / "binary").write_bytes(b"\x00\xff\xfe")
    for name in ("doc.lw", "binary"):
        with PtyTerminal(shell, name, columns=200) as terminal:
            assert terminal.end() == 1
        assert terminal.screen.startswith("lwtui: ") and name in terminal.screen
        assert "\x1b" not in terminal.screen

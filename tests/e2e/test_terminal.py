"""What a person does in a real terminal: with the demo model from the first word to the export, and what goes wrong."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from lwtui.config import ModelSettings, add_model, set_value
from lwtui.documents.model import Brief, Plan, PlannedSection, Section, Status
from lwtui.documents.store import Document
from tests.e2e.terminal import Terminal, terminal
from tests.support.author import Author, title_of
from tests.support.fault_server import FaultServer

HEADING = "Pots and soil"

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
    pytest.mark.timeout(1200),
]


@pytest.fixture
def slow_server(home: Path) -> Iterator[FaultServer]:
    """An author who takes a minute for a section; the model ``writer`` of the settings, which is the default."""
    config = home / "config" / "settings.toml"
    with FaultServer(Author(delay=0.1)) as server:
        add_model(ModelSettings("writer", model="m-1", base_url=server.base_url, context_length=32_768), config)
        set_value("model", "writer", config)
        yield server


def make(home: Path) -> Path:
    """A document of two sections, planned and not begun."""
    path = home / "guide.lw"
    sections = tuple(PlannedSection(title_of(at), f"what part {at} is about", 300, f"s{at}") for at in (1, 2))
    Document.create(path, Brief("Tell of tea", 600, model="writer"), Plan("Tea", sections)).close()
    return path


def read(path: Path) -> list[Section]:
    """The sections as another program finds them in the file now."""
    with Document.open(path, read_only=True) as document:
        return document.sections()


def begun(path: Path) -> str:
    """The text of the section that is being written."""
    return next((one.text for one in read(path) if one.status is not Status.DONE and one.text), "")


def quit(shell: Terminal) -> None:
    shell.press("C-q")
    shell.until(lambda: shell.is_at_prompt)


def test_a_document_is_planned_written_killed_resumed_and_exported(home: Path) -> None:
    with terminal(home) as shell:
        shell.run("lwtui")
        shell.sees("Library", "demo", "n New")
        shell.press("n")
        shell.sees("New document")
        shell.type("Write a guide to growing tomatoes on a balcony")
        shell.press("Tab")
        shell.is_at("Length")
        shell.type("400")
        shell.press("Tab", "Tab", "Tab", "Tab", "Tab", "Tab")
        shell.is_at("Seed")
        shell.type("1")
        shell.press("F5")
        shell.sees("F5 Write", "400 words")
        shell.press("Tab")
        shell.is_at("Heading")
        shell.type(HEADING)
        shell.press("Enter")
        (path,) = (home / "documents").glob("*.lw")
        shell.until(lambda: read(path)[0].title == HEADING)
        shell.sees(f"1 {HEADING}")
        planned = [section.title for section in read(path)]
        assert len(planned) >= 2
        shell.press("F5")
        shell.sees("▶ Writing", "F5 Pause")
        shell.until(lambda: len(begun(path)) > 150)
        seen = begun(path)
        os.kill(shell.app, signal.SIGKILL)
        shell.until(lambda: shell.is_at_prompt)
    kept = begun(path)
    assert kept.startswith(seen)

    with terminal(home) as shell:
        shell.run("lwtui documents/*.lw")
        shell.sees("◐", "interrupted", HEADING, " ".join(kept.split()[:3]))
        shell.press("F5")
        shell.sees("▶ Writing")
        shell.until(lambda: all(section.status is Status.DONE for section in read(path)))
        shell.sees("■ Idle", f"{len(planned)} of {len(planned)} done")
        whole = [section.text for section in read(path)]
        words = kept.rsplit(maxsplit=1)[0]  # the last one may have been half a word
        assert any(text.startswith(words) for text in whole), (kept, whole)
        shell.press("F9")
        shell.sees("Export “")
        shell.press("Enter")
        shell.sees("Exported to")
        quit(shell)
        assert shell.is_sane
    markdown = path.with_suffix(".md").read_text()
    assert re.findall(r"(?m)^## (.+)$", markdown) == planned
    paragraphs = Counter(part for part in markdown.split("\n\n") if len(part) > 20)
    assert [part for part, times in paragraphs.items() if times > 1] == []
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", markdown)


def test_a_kill_loses_at_most_a_second_of_what_was_on_the_screen(home: Path, slow_server: FaultServer) -> None:
    path = make(home)
    with terminal(home) as shell:
        shell.run("lwtui guide.lw")
        shell.sees(title_of(1), "F5 Write")
        shell.press("F5")
        shell.sees("▶ Writing")
        shell.until(lambda: len(begun(path)) > 100)
        on_screen = shell.screen
        sleep(1.0)  # the promise: what was seen a second ago is in the file
        os.kill(shell.app, signal.SIGKILL)
        shell.until(lambda: shell.is_at_prompt)
    kept = " ".join(begun(path).split())
    lines = [line.split("││")[-1].strip("│ ") for line in on_screen.split("\n")[2:-5] if "││" in line]
    text = " ".join(" ".join(lines).split())
    assert len(text) > 60
    assert text in kept


def test_the_window_may_change_its_size_while_text_streams(home: Path, slow_server: FaultServer) -> None:
    path = make(home)
    with terminal(home) as shell:
        shell.run("lwtui guide.lw")
        shell.sees("F5 Write", "F2 Text")
        shell.press("F5")
        shell.sees("▶ Writing", "%  ")
        for columns, lines in ((200, 50), (40, 12), (120, 30), (80, 24)):
            shell.resize(columns, lines)
            shell.until(lambda columns=columns: f"lwtui  Tea{' ' * 8}" in shell.screen or columns < 60)
            shell.until(lambda: "Writing" in shell.screen)
        shell.resize(200, 50)
        shell.sees("Main point", read(path)[0].main_point)
        shell.until(lambda: re.search(r"Log, [\s\S]*\d\d:\d\d", shell.screen))
        quit(shell)
        assert shell.is_sane


def test_ctrl_c_neither_ends_nor_harms(home: Path, slow_server: FaultServer) -> None:
    path = make(home)
    with terminal(home) as shell:
        shell.run("lwtui guide.lw")
        shell.sees("F5 Write", "F2 Text")
        shell.press("F5")
        shell.sees("▶ Writing")
        shell.press("C-c")
        shell.sees("ctrl+q")
        length = len(begun(path))
        shell.until(lambda: len(begun(path)) > length)
        quit(shell)
        assert shell.is_sane
        assert "Traceback" not in shell.screen
    assert read(path)[0].status is Status.PARTIAL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_app_stores_what_was_typed_last(home: Path, number: signal.Signals) -> None:
    path = make(home)
    with Document.open(path) as document:
        document.edit("s1", "Mine.")
    with terminal(home) as shell:
        shell.run("lwtui guide.lw")
        shell.sees("1 of 2 done")
        shell.press("Home")
        shell.sees("Mine.")
        shell.move("Enter")  # from the outline into the text
        shell.type("At the last moment. ")
        began = monotonic()
        os.kill(shell.app, number)
        shell.until(lambda: shell.is_at_prompt)
        assert monotonic() - began < 20
        assert shell.is_sane
    assert read(path)[0].text == "At the last moment. Mine."


def test_closing_the_terminal_while_the_model_writes_keeps_the_text(home: Path, slow_server: FaultServer) -> None:
    path = make(home)
    with terminal(home) as shell:
        shell.run("lwtui guide.lw")
        shell.sees("F5 Write", "F2 Text")
        shell.press("F5")
        shell.sees("▶ Writing")
        shell.until(lambda: len(begun(path)) > 60)
        seen, process = begun(path), shell.app
    end = monotonic() + 20
    while Path(f"/proc/{process}").exists():
        assert monotonic() < end, "it goes on without a terminal"
        sleep(0.05)
    with Document.open(path) as document:
        assert not document.read_only
        section = document.section("s1")
        assert section.status is Status.PARTIAL
        assert section.text.startswith(seen)


@pytest.mark.parametrize(
    ("editor", "told"), [("false", "false ended with exit code 1"), ("/no/such", "Cannot read the text back")]
)
def test_an_editor_that_fails_gives_the_terminal_back(home: Path, editor: str, told: str) -> None:
    make(home)
    with terminal(home) as shell:
        shell.run(f"EDITOR={editor} lwtui guide.lw")
        shell.sees("F2 Text")
        shell.press("F2")
        shell.sees("F2 Plan")
        shell.press("C-t")
        shell.sees(told)
        shell.move("Down")
        quit(shell)
        assert shell.is_sane


def test_what_cannot_be_opened_is_one_line_and_no_screen(home: Path) -> None:
    (home / "broken.lw").write_text("not a document")
    with terminal(home) as shell:
        shell.run("lwtui broken.lw; echo code $?")
        shell.sees("lwtui: broken.lw", "code 1")
        assert shell.is_sane

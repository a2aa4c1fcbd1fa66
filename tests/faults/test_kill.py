"""kill -9 at any moment of a writing run: the document is sound, at most a second of text is gone, and it goes on."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from lwtui.documents.model import Brief, Plan, PlannedSection, Status
from lwtui.documents.store import Document
from tests.cli.running import ScriptedWriter, Shell, endpoint, model_options
from tests.cli.test_terminal import PtyTerminal
from tests.faults import forked
from tests.faults.conftest import Tried
from tests.faults.scale import times
from tests.support.fault_server import FaultServer

TITLES = ("Soil", "Water", "Light", "Harvest")
WORDS = 100
PLAN = {
    "title": "Tomatoes",
    "sections": [{"title": title, "main_point": f"all about {title.lower()}", "words": WORDS} for title in TITLES],
}
DELAY = 0.06  # seconds a sentence: a document takes about three seconds
F5 = "\x1b[15~"


def integrity(path: Path) -> None:
    """SQLite itself finds nothing wrong with the file."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def texts(path: Path) -> list[str]:
    with Document.open(path, read_only=True) as document:
        return [section.text for section in document.sections()]


def histories(run: forked.Forked, ids: list[str], before: list[str]) -> dict[str, list[tuple[float, str]]]:
    """How the text of each section has become what it is, from the run's events."""
    states = {one: [(0.0, text)] for one, text in zip(ids, before, strict=True)}
    for when, event in run.events:
        match event:
            case {"event": "SectionStarted", "section_id": one, "keep": keep}:
                states[one].append((when, states[one][-1][1][:keep]))
            case {"event": "TextDelta", "section_id": one, "text": text}:
                states[one].append((when, states[one][-1][1] + text))
            case {"event": "TextRolledBack", "section_id": one, "keep": keep}:
                states[one].append((when, states[one][-1][1][:keep]))
    return states


def lost_seconds(states: list[tuple[float, str]], stored: str, killed: float) -> float:
    """How old the newest text was that is gone. The file may also be ahead of what was told."""
    newest = states[-1][1]
    if stored.startswith(newest):
        return 0.0
    for place in range(len(states) - 1, -1, -1):
        if states[place][1] == stored:
            return killed - states[place + 1][0]
    raise AssertionError(f"The file has what never was: {stored!r} in place of {newest!r}")


def is_whole(path: Path) -> None:
    """Everything that was planned is there, as long as it was to be, and nothing twice."""
    with Document.open(path) as document:
        sections = document.sections()
        assert [section.title for section in sections] == list(TITLES)
        assert {section.status for section in sections} == {Status.DONE}
        assert all(0.8 * WORDS <= section.length <= 1.2 * WORDS for section in sections)
        assert 0.95 <= document.words / (WORDS * len(TITLES)) <= 1.05
        said = [one for section in sections for one in section.text.split(". ")]
        assert len(said) == len(set(said))
    integrity(path)


def begin(folder: Path) -> Shell:
    """A place with a plan, and with a document to that plan which is still empty."""
    shell = Shell(folder)
    folder.mkdir()
    shell.settings(f'documents = "{shell.documents}"\n')
    (folder / "plan.json").write_text(json.dumps(PLAN))
    return shell


def resumed(shell: Shell, server: FaultServer) -> None:
    ended = forked.start(shell, "write", "--resume", "out.lw", "--output", "out.md", "--force", *model_options(server))
    assert ended.end() == 0, forked.errors(shell)


def test_a_run_without_a_screen_outlives_every_kill(tmp_path: Path, tried: Tried) -> None:
    draw, kills, longest, number = random.Random(8), times(12, 150), 0.0, 0
    while kills:
        number += 1
        shell = begin(tmp_path / str(number))
        path = shell.folder / "out.lw"
        with endpoint(ScriptedWriter(delay=DELAY)) as server:
            for _ in range(min(kills, 5)):
                command: tuple[Any, ...] = ("write", "Tomatoes", "--plan", "plan.json", "--output", "out.lw")
                known: list[str] = []
                ids: list[str] = []
                if path.exists():
                    command = ("write", "--resume", "out.lw")
                    with Document.open(path) as document:
                        ids = [section.id for section in document.sections()]
                        known = [section.text for section in document.sections()]
                run = forked.start(shell, *command, "--events", *model_options(server))
                if run.wait(draw.uniform(0.05, 1.2)) is not None:
                    break  # it was through before it could be killed
                kills, killed = kills - 1, run.kill()
                if not path.exists():
                    continue
                with Document.open(path) as document:
                    assert not document.read_only
                    found = {section.id: section.text for section in document.sections()}
                integrity(path)
                ids, known = ids or list(found), known or [""] * len(found)
                for one, states in histories(run, ids, known).items():
                    longest = max(longest, lost_seconds(states, found[one], killed))
            if not path.exists():
                assert forked.start(shell, *command, *model_options(server)).end() == 0
            resumed(shell, server)
        is_whole(path)
        assert "Traceback" not in forked.errors(shell)
        assert not [one for one in shell.folder.iterdir() if one.name.endswith(("-wal", "-shm", "-journal"))]
    assert longest < 1.0
    told = f"sound, {longest:.2f} s of text lost at most, resumed to the end"
    tried("kill -9 while writing, no screen", told, times(12, 150))


def test_the_app_outlives_every_kill(tmp_path: Path, tried: Tried) -> None:
    draw, kills, number = random.Random(9), times(3, 50), 0
    while kills:
        number += 1
        shell = begin(tmp_path / str(number))
        path = shell.folder / "out.lw"
        sections = tuple(PlannedSection(title, f"all about {title.lower()}", WORDS) for title in TITLES)
        with endpoint(ScriptedWriter(delay=DELAY)) as server:
            shell.settings(f'[models.writer]\nmodel = "m-1"\nbase_url = "{server.base_url}"\n')
            brief = Brief("Tomatoes", WORDS * len(TITLES), model="writer")
            Document.create(path, brief, Plan("Tomatoes", sections)).close()
            for _ in range(min(kills, 2)):
                kills -= 1
                with PtyTerminal(shell, "out.lw", columns=100) as terminal:
                    terminal.until("F5")
                    terminal.type(F5)
                    time.sleep(draw.uniform(0.0, 2.5))
                    seen = texts(path)  # then it is killed
                with Document.open(path) as document:
                    assert not document.read_only
                    for before, section in zip(seen, document.sections(), strict=True):
                        assert section.text.startswith(before.rsplit(". ", 1)[0])
                integrity(path)
            resumed(shell, server)
        is_whole(path)
    tried("kill -9 while writing, in the app", "sound, what was in the file stays, resumed to the end", times(3, 50))


def test_several_at_once_on_one_document_are_one_writer_and_readers(tmp_path: Path, tried: Tried) -> None:
    shell = begin(tmp_path / "one")
    path = shell.folder / "out.lw"
    with endpoint(ScriptedWriter(delay=DELAY)) as server:
        first = forked.start(
            shell, "write", "Tomatoes", "--plan", "plan.json", "--output", "out.lw", *model_options(server)
        )
        while not path.exists():
            time.sleep(0.01)
        first.kill()
        runs = [forked.start(shell, "write", "--resume", "out.lw", *model_options(server)) for _ in range(6)]
        codes = sorted(run.end() for run in runs)
    assert codes == [0, 1, 1, 1, 1, 1]
    said = forked.errors(shell)
    assert said.count("lwtui: Cannot write to") == 5 and "Traceback" not in said
    is_whole(path)
    tried("several instances on one document", "one writes, the others are told so", 6)

"""The Markdown mirror of an open document."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lwtui.app.screens.export import ExportScreen
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.config import set_value
from tests.app.person import someone
from tests.app.place import Place
from tests.support.author import Author, sentence
from tests.support.fault_server import FaultServer
from tests.support.tempo import Tempo


async def test_the_mirror_is_updated_after_each_section_and_on_closing(
    author: Author, server: FaultServer, place: Place
) -> None:
    set_value("mirror", "true")
    author.delay, author.piece = (tempo := Tempo(8)), 4
    path = place.make(20, 200)
    mirror = path.with_suffix(".md")
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.press("f5")
        await person.until(lambda: person.session.current)
        while "s2" not in person.session.current:
            tempo.give(1)
            await person.pilot.pause(0.02)
        first = mirror.read_text()
        assert first == f"# A Plan\n\n## {person.titles[0]}\n\n{person.sections[0].text.rstrip()}\n"
        assert sentence(1, 0).strip()[:20] in first
        tempo.give(4)
        await person.until(lambda: person.sections[1].text)
        await person.press("f5")  # pause in the second section
        await person.idle()
        half = person.sections[1].text.strip()
        assert half not in mirror.read_text()
        await person.press("escape", "escape")
        await person.at(LibraryScreen)
    assert half in mirror.read_text()


async def test_a_foreign_file_is_kept_and_reported_once(place: Place) -> None:
    set_value("mirror", "true")
    path = place.make(20, texts={1: "Some words of text."})
    mirror = path.with_suffix(".md")
    mirror.write_text("precious")
    async with someone(path) as person:
        await person.until(lambda: person.app.session is not None)
        await person.press("escape")
        await person.at(LibraryScreen)
        await person.gets_error("mirror")
        assert any("guide.md" in notice for notice in person.notices)
    assert person.app.error_codes.count("mirror") == 1
    assert mirror.read_text() == "precious"


def messages(folder: Path) -> list[str]:
    log = subprocess.run(["git", "log", "--format=%s"], cwd=folder, capture_output=True, check=True, encoding="utf-8")
    return log.stdout.splitlines()


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
async def test_closing_a_document_commits_its_folder(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    set_value("mirror", "git")
    set_value("author", "Ada")
    path = place.make(20, texts={1: "Some words of text."})
    folder = path.with_name(f"{path.stem}-markdown")
    async with someone(path) as person:
        await person.until(lambda: person.app.session is not None)
        await person.press("escape")
        await person.at(LibraryScreen)
        await person.until(lambda: person.app._committing and person.app._committing.done())
        assert len(messages(folder)) == 1
        await person.press("enter")
        await person.until(lambda: person.app.session is not None)
        person.document.edit("s1", "Some more words of text.")
    assert messages(folder)[0].endswith(": +1 word") and len(messages(folder)) == 2


async def test_a_document_goes_back_to_what_the_settings_say(place: Place) -> None:
    set_value("mirror", "file")
    path = place.make(20, texts={1: "Some words of text."})
    async with someone(path) as person:
        await person.until(lambda: person.app.session is not None)
        for kind in ("none", "settings"):
            assert not path.with_suffix(".md").exists()
            await person.press("f9")
            await person.at(ExportScreen)
            await person.fill("#mirror", kind)
            await person.press("escape")
        assert path.with_suffix(".md").exists()

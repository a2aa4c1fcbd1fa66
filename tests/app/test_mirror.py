"""The Markdown mirror of an open document."""

from __future__ import annotations

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

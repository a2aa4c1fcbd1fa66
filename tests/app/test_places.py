"""lwtui starts where the user left it: document, screen, section and cursor."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwtui.app.places import Place as Spot
from lwtui.app.places import Places
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.config import set_value
from lwtui.documents.store import Document
from tests.app.person import someone
from tests.app.place import Place


async def test_the_last_document_is_reopened_where_it_was_left(place: Place) -> None:
    path = place.make(100, 100, 100, texts={1: "First.", 2: "Second text.\n\nIts end 番茄."})
    async with someone() as person:
        await person.at(LibraryScreen)
        await person.press("enter")
        await person.at(WritingScreen)
        await person.press("home", "down", "enter", "down", "down", "right")
        assert person.editor.cursor_location == (2, 1)
        await person.press("ctrl+q")
    async with someone() as person:
        await person.at(WritingScreen)
        await person.until(lambda: person.editor.has_focus)
        assert (person.editor.section_id, person.editor.cursor_location) == ("s2", (2, 1))
        await person.type("!")
        await person.press("f2")
        await person.at(PlanScreen)
        await person.press("end", "ctrl+q")
    assert place.read(path)["s2"] == "Second text.\n\nI!ts end 番茄."
    async with someone() as person:
        await person.at(PlanScreen)
        assert person.rows.key == "s3"
        await person.press("escape")
        await person.at(LibraryScreen)
        await person.press("enter")  # each document has its own place
        await person.at(PlanScreen)
        await person.press("f2")
        await person.at(WritingScreen)
    with Document.open(path):
        async with someone() as person:  # another window has the document open
            await person.at(LibraryScreen)
            assert "guide.lw" in await person.gets_notice("not-reopened")
    async with someone(library=True) as person:
        await person.at(LibraryScreen)
        await person.pilot.pause()
        assert person.app.session is None
    set_value("restore", "false")
    async with someone() as person:
        await person.at(LibraryScreen)
        assert person.app.session is None


async def test_plan_and_text_show_the_same_section(place: Place) -> None:
    path = place.make(100, 100, 100, texts={1: "First.", 2: "Second text."})
    async with someone(path) as person:
        await person.at(WritingScreen)
        await person.press("home", "down", "enter", "right", "right", "f2")
        await person.at(PlanScreen)
        assert person.rows.key == "s2"
        await person.press("f2")
        await person.at(WritingScreen)
        assert (person.editor.section_id, person.editor.cursor_location) == ("s2", (0, 2))
        await person.press("f2")
        await person.at(PlanScreen)
        await person.press("home", "f2")
        await person.at(WritingScreen)
        assert person.editor.section_id == "s1"


async def test_a_document_left_while_it_was_written_reopens_at_the_end_of_the_text(place: Place) -> None:
    path = place.make(100, texts={1: "It begins"})
    async with someone(path) as person:
        await person.at(WritingScreen)
        person.editor.show("s1", "It begins", writing=True, locked=False)
        spot = person.app.screen.place
        assert isinstance(spot, Spot)
    with Document.open(path) as document:
        document.edit("s1", "It begins and goes on.")
    Places().keep(path, spot)
    async with someone() as person:
        await person.at(WritingScreen)
        await person.until(lambda: person.editor.cursor_location == (0, len("It begins and goes on.")))


async def test_a_closed_or_missing_document_is_not_reopened(place: Place) -> None:
    path = place.make(100, texts={1: "First."})
    async with someone(path) as person:
        await person.at(WritingScreen)
        await person.press("escape")
        await person.at(LibraryScreen)
    async with someone() as person:
        await person.at(LibraryScreen)
        assert person.app.session is None
        await person.press("enter")
        await person.at(WritingScreen)
    path.rename(path.with_suffix(".old"))
    async with someone() as person:
        await person.at(LibraryScreen)
        assert not person.notices


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"last": 1, "places": {"a": 1}}', "\udcff", '{"last":"","places":[]}']
)
def test_a_malformed_places_file_is_ignored(tmp_path: Path, content: str) -> None:
    file = tmp_path / "places.json"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    places = Places(file)
    assert places.last is None
    document = tmp_path / "a.lw"
    document.touch()
    places.keep(document, Spot("text", "s1", 3, True))
    again = Places(file)
    assert (again.last, again.of(document)) == (document, Spot("text", "s1", 3, True))
    again.close()
    assert Places(file).last is None


def test_only_the_latest_places_are_kept(tmp_path: Path) -> None:
    places = Places(tmp_path / "places.json")
    for at in range(210):
        places.keep(tmp_path / f"{at}.lw", Spot("plan", f"s{at}"))
    again = Places(tmp_path / "places.json")
    assert again.of(tmp_path / "9.lw") is None
    assert again.of(tmp_path / "209.lw") == Spot("plan", "s209")

"""The app shows what a model said, and what somebody else's document holds, as the text that it is."""

from __future__ import annotations

import pytest

from tests.app.conftest import drawer, place, server  # noqa: F401 - fixtures
from tests.app.person import Person, someone
from tests.app.place import Place
from tests.faults.conftest import Tried
from tests.faults.hostile import ALL, MARKUP, PAGES, make_hostile, unsafe
from tests.faults.scale import times
from tests.support.author import Author
from tests.support.fault_server import FaultServer


@pytest.fixture
def author() -> Author:
    """One who puts all of it into the text."""
    return Author(dirt=" ".join(ALL).replace("\n", " "), delay=0.02)


def check(person: Person) -> None:
    """Nothing on the screen drives a terminal, is a link or does anything when it is clicked on."""
    for strip in person.app.screen._compositor.render_strips():
        for segment in strip:
            assert unsafe(segment.text) == [], segment
            if segment.style is not None:
                assert segment.style.link is None
                action = segment.style.meta.get("@click")
                assert not action or "press" not in segment.text


async def through(person: Person, *keys: str) -> None:
    for key in keys:
        await person.press(key)
        await person.pilot.pause()
        check(person)


async def test_a_hostile_document_is_shown_as_text(place: Place, tried: Tried) -> None:  # noqa: F811
    place.documents.mkdir(exist_ok=True)
    path = make_hostile(place.documents / "doc.lw")
    (place.documents / "bad\x1b]0;owned\x07[bold]\u202e.lw").write_text("none")
    async with someone(size=(160, 45)) as person:
        await person.sees("Title [@click=app.quit]press[/]<script>")
        check(person)
        assert any("owned" in line or "bad" in line for line in person.screen_text.splitlines())
    async with someone(path, size=(160, 45)) as person:
        await person.sees("Begin", MARKUP[0])
        check(person)
        seen = ""
        for _ in ALL:
            seen += person.screen_text
            await through(person, "down")
        for one in (*MARKUP, *PAGES):
            assert f"Begin {one}"[:40] in seen, one
        for key, closing in (("f8", "escape"), ("f9", "escape"), ("f2", "f2"), ("ctrl+g", "escape")):
            await through(person, key, closing)
    tried("a hostile document in the app: links, actions, markup, escapes", "shown as text on every screen", len(ALL))


async def test_what_a_model_says_is_shown_as_text_while_it_streams(
    place: Place,  # noqa: F811
    server: FaultServer,  # noqa: F811
    tried: Tried,
) -> None:
    async with someone(place.make(120), size=(160, 45)) as person:
        await person.press("f5")
        await person.until(lambda: person.session.busy)
        while person.session.busy:
            await person.pilot.pause(0.02)
            check(person)
        (section,) = person.sections
        assert unsafe(section.text) == [] and section.text
        assert "[bold red]loud[/]" in section.text
        await through(person, "f8", "escape", "f3", "escape")
    tried("terminal escapes, bidi, markup in a model's words: the app", "shown as text while it streams", len(ALL))


async def test_a_line_of_a_megabyte_can_be_opened_read_and_left(place: Place, tried: Tried) -> None:  # noqa: F811
    size = times(20_000, 1_000_000)
    for name, line in (("one", "x" * size), ("many", "word " * (size // 5))):
        path = place.make(100, name=name, texts={1: line})
        async with someone(path, size=(100, 30)) as person:
            await person.sees(line[:40])
            await through(person, "enter", "ctrl+end", "escape", "f8", "escape")
            assert person.sections[0].text.rstrip() == line.rstrip()
    tried(f"a line of {size:,} characters", "opened, read and left", 2)

"""The plan of a long document: parts, chapters and sections, by key and by mouse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.app.outline_rows import text_row
from lwtui.app.screens.dialogs import Confirm
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.documents.model import Brief, Plan, PlannedSection, Section, Status
from lwtui.documents.outline import with_subsections
from lwtui.documents.store import Document
from tests.app.person import Person, someone
from tests.app.place import Place, write
from tests.support.author import Author, sentence, title_of
from tests.support.fault_server import Fault, FaultServer


def step(title: str, words: int = 0, level: int = 1) -> PlannedSection:
    return PlannedSection(title, f"about {title}", words, title.lower(), level)


BOOK = Plan(
    "Tea",
    (
        step("Leaf"),
        step("Hills", 300, 2),
        step("Hands", 500, 2),
        step("Water"),
        step("Springs", 200, 2),
        step("Cups", 400),
    ),
)


@pytest.fixture
def path(place: Place) -> Path:
    path = place.documents / "tea.lw"
    path.parent.mkdir(exist_ok=True)
    with Document.create(path, Brief("Write about tea", 1400, model="writer"), BOOK) as document:
        write(document, "hills", "Some text.")
    return path


def shape(person: Person) -> str:
    return " ".join("." * (one.level - 1) + one.id for one in person.document.plan.sections)


async def test_parts_are_folded_moved_and_indented(path: Path) -> None:
    whole = "leaf .hills .hands water .springs cups"
    async with someone(path, size=(80, 24)) as person:
        await person.press("f2")
        await person.at(PlanScreen)
        await person.sees("▾ Leaf", "1,400 words", "4 sections")
        first = next(line for line in person.screen_text.split("\n") if "▾ Leaf" in line)
        assert "800" in first and "◐" in first  # the sum, and the mark for partly written

        await person.press("home", "space")
        await person.sees("▸ Leaf")
        assert "Hills" not in person.screen_text
        await person.press("J")  # with all its sections
        assert shape(person) == "water .springs leaf .hills .hands cups"
        await person.press("u")
        assert shape(person) == whole
        await person.press("plus")
        assert person.targets == [0, 330, 550, 0, 200, 400]
        await person.press("u", "d")
        assert shape(person) == "water .springs cups"
        await person.press("u")
        await person.sees("Undone: Delete “Leaf” and 2 sections")

        await person.press("end", "greater_than_sign")
        assert shape(person) == "leaf .hills .hands water .springs .cups"
        await person.press("less_than_sign", "less_than_sign")
        assert shape(person) == whole
        await person.gets_notice("impossible-change")
        await person.press("z")
        await person.until(lambda: "Springs" not in person.screen_text)
        await person.press("f2", "f2")  # it stays folded after a visit to the text
        await person.at(PlanScreen)
        await person.sees("▸ Water")
    with Document.open(path, read_only=True) as document:
        assert document.setting("folded") == '["leaf", "water"]'


async def test_the_mouse_folds_a_part_and_drags_a_section_into_another(path: Path) -> None:
    async with someone(path, size=(120, 30)) as person:
        await person.press("f2")
        await person.at(PlanScreen)
        await person.press("end")
        await person.click("RowList", offset=(6, 1))  # the fold mark of the first part
        await person.sees("▸ Leaf")
        await person.click("RowList", offset=(6, 1))
        await person.sees("▾ Leaf", "Hills")
        await person.pilot.mouse_down("RowList", offset=(20, 6))
        await person.pilot.hover("RowList", offset=(20, 3))
        await person.pilot.mouse_up("RowList", offset=(20, 3))
        await person.until(lambda: shape(person) == "leaf .hills .cups .hands water .springs")
        await person.pilot.mouse_down("RowList", offset=(20, 5))  # a part cannot move into itself
        await person.pilot.hover("RowList", offset=(20, 6))
        await person.pilot.mouse_up("RowList", offset=(20, 6))
        await person.pilot.pause()
        assert shape(person) == "leaf .hills .cups .hands water .springs"


async def test_nothing_is_written_for_a_heading_without_text(path: Path) -> None:
    async with someone(path) as person:
        await person.press("f2")
        await person.at(PlanScreen)
        await person.press("home")
        await person.sees("Part 1 · 2 sections · 800 words", "1 of 4 sections written")
        await person.press("r")
        await person.gets_notice("heading-only")
        await person.press("s")
        await person.gets_notice("impossible-change")
        await person.press("b")
        await person.gets_notice("already-a-part")
        await person.press("a")  # into the part, as its first section
        await person.press("enter")
        assert [one.level for one in person.document.plan.sections][:3] == [1, 2, 2]
        assert person.titles[1] == "New section"
        await person.fill("#words", "0")
        await person.press("escape")
        assert person.targets[1] == 0
        assert person.sections[1].status is Status.DONE


async def test_a_long_plan_is_made_chapter_by_chapter_and_resumes_after_a_fault(place: Place, author: Author) -> None:
    path = place.documents / "long.lw"
    path.parent.mkdir(exist_ok=True)
    Document.create(path, Brief("Write a history", 25_000, model="writer", seed=1)).close()
    refused = Fault.http(401)
    async with FaultServer(author, [None, None, None, refused]) as server:
        place.serve(server)
        async with someone(path, size=(120, 30)) as person:
            await person.at(PlanScreen)
            await person.press("R")
            await person.until(lambda: person.session.error)
            await person.is_told(person.session.error)
            assert [one.level for one in person.document.plan.sections[:2]] == [1, 2]
            await person.press("f5")  # writing them as they are needs a confirmation
            await person.at(Confirm)
            await person.sees("3 chapters", "R continues")
            await person.press("escape")
            await person.at(PlanScreen)
            await person.press("R")
            await person.idle()
            assert sum(one.words == 0 for one in person.document.plan.sections) == 5
            assert person.document.plan.words == 25_000
            assert len(server.calls) == 1 + 5 + 1
            await person.sees("0 of 85 sections written")
            await person.press("u")  # the whole plan is one undo step
            assert not person.document.plan.sections


async def test_the_model_breaks_a_section_up(server: FaultServer, place: Place) -> None:
    path = place.make(300, 1200)
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.press("end", "b")
        await person.idle()
        assert [one.level for one in person.document.plan.sections] == [1, 1, 2, 2, 2, 2]
        assert person.titles[2] == title_of(201)
        await person.press("u")
        assert person.targets == [300, 1200]


async def test_the_plan_of_a_hundred_thousand_words_is_navigable(place: Place) -> None:
    """With two hundred sections, keys need no file access and only visible rows are drawn."""
    plan = Plan("Book", tuple(step(f"Chapter {at}", 5000) for at in range(20)))
    for at in range(20):
        plan = with_subsections(plan, f"chapter {at}", tuple(step(f"S{at}-{one}", 500) for one in range(10)))
    path = place.documents / "book.lw"
    path.parent.mkdir(exist_ok=True)
    Document.create(path, Brief("Write a book", 100_000, model="writer"), plan).close()
    async with someone(path, size=(80, 24)) as person:
        await person.at(PlanScreen)
        await person.sees("200 sections", "100,000 words")
        await person.press("z", "end", "space")
        await person.sees("S19-0")
        assert "S18-0" not in person.screen_text
        await person.press("K")
        assert person.document.plan.sections[-11].title == "Chapter 18"


def test_a_text_without_a_target_has_no_number() -> None:
    section = Section("s", "Soil", "", 0, Status.DONE, "Loam is best.", 3, None, 1)
    assert text_row(4, section, stale=False).cells == ("✓", "", "Soil", "3", "")
    assert text_row(4, replace(section, words=6), stale=True).cells == ("↻", "4", "Soil", "3/6", "50%")


@pytest.mark.parametrize(("status", "mark"), [(Status.SHORT, "◔"), (Status.REFUSED, "✗"), (Status.DONE, "✓")])
def test_short_and_refused_sections_are_marked(status: Status, mark: str) -> None:
    section = Section("s1", "One", "point", 100, status, "" if status is Status.REFUSED else "Hello there.", 2)
    row = text_row(1, section, stale=False)
    assert (row.cells[0], row.kind) == (mark, status.value)


async def test_a_refusal_and_a_short_section_are_told_and_written_again(place: Place) -> None:
    replies = ["I'm sorry, but I can't help with that request."] * 2 + ["Hello there."] * 3
    again = iter(range(1, 99))

    def answer(_: object) -> list[str]:
        number = 0 if replies else next(again)
        return [replies.pop(0)] if replies else [sentence(number, index) for index in range(7)]

    async with FaultServer(answer) as server:
        place.serve(server)
        async with someone(place.make(80, 80)) as person:
            await person.press("f5")
            await person.at(WritingScreen)
            await person.until(lambda: [s.status for s in person.sections] == [Status.REFUSED, Status.SHORT])
            assert title_of(2) in await person.gets_notice("shortfalls")
            assert person.sections[0].text == ""
            await person.press("f5")
            await person.until(lambda: all(s.status is Status.DONE for s in person.sections))

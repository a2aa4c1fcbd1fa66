"""Every change of a plan, by key and by mouse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.widgets import Input, Select, TextArea

from lwtui.app.screens.dialogs import Ask, Confirm
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.session import Activity
from lwtui.app.widgets.section_form import SectionForm
from lwtui.app.widgets.toolbar import Tool, Toolbar
from lwtui.documents.model import PlannedSection, Status
from lwtui.documents.section_kind import SectionKind
from lwtui.documents.store import Document
from tests.app.person import Person, someone
from tests.app.place import Place
from tests.support.author import Author, title_of
from tests.support.fault_server import Fault, FaultServer
from tests.support.tempo import Tempo

ONE, TWO, THREE = title_of(1), title_of(2), title_of(3)


@pytest.fixture
def path(place: Place) -> Path:
    """A plan of three sections, with nothing written."""
    return place.make(300, 200, 150)


async def key(person: Person, name: str) -> None:
    await person.press(name)


async def button(person: Person, label: str) -> None:
    """Click the button of the toolbar that ends in ``label``."""
    (found,) = [one for one in person.app.screen.query("Tool") if str(one.content).strip().endswith(label)]
    await person.pilot.click(found)
    await person.pilot.pause()


CHANGES = [
    ("s", "Split", [ONE, f"{ONE} (2)", TWO, THREE], [150, 150, 200, 150]),
    ("m", "Merge", [ONE, THREE], [500, 150]),
    ("d", "Delete", [TWO, THREE], [200, 150]),
    ("delete", "Delete", [TWO, THREE], [200, 150]),
    ("J", "↓", [TWO, ONE, THREE], [200, 300, 150]),
    ("shift+down", "↓", [TWO, ONE, THREE], [200, 300, 150]),
    ("minus", "−", [ONE, TWO, THREE], [270, 200, 150]),
    ("plus", "+", [ONE, TWO, THREE], [330, 200, 150]),
    ("equals_sign", "+", [ONE, TWO, THREE], [330, 200, 150]),
]


async def test_a_key_changes_the_plan_and_undo_reverts_it(path: Path) -> None:
    async with someone(path) as person:
        await person.at(PlanScreen)
        for number, (pressed, _, titles, targets) in enumerate(CHANGES):
            await person.press(pressed)
            assert (person.titles, person.targets) == (titles, targets), pressed
            await person.sees(f"{sum(targets)} words")
            await person.press("ctrl+z" if number % 2 else "u")
            assert (person.titles, person.targets) == ([ONE, TWO, THREE], [300, 200, 150])
            assert person.at_row == 0
            await person.sees("Undone: ")


async def test_buttons_of_the_toolbar_do_what_keys_do(path: Path) -> None:
    async with someone(path) as person:
        await person.at(PlanScreen)
        for _, label, titles, targets in CHANGES:
            await button(person, label)
            assert (person.titles, person.targets) == (titles, targets), label
            await button(person, "Undo")
            assert (person.titles, person.targets) == ([ONE, TWO, THREE], [300, 200, 150])
        await button(person, "Undo")
        await person.sees("There is nothing to undo.")


async def test_all_buttons_fit_into_80_columns(path: Path) -> None:
    async with someone(path, size=(80, 24)) as person:
        await person.at(PlanScreen)
        assert len(person.widget(Toolbar).query(Tool)) == 14
        assert all(one.region.right <= 80 for one in person.widget(Toolbar).query(Tool))


async def test_a_section_is_added_after_the_one_under_the_cursor(path: Path) -> None:
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.press("down", "a")
        await person.type("Soil")  # replaces the selected heading
        await person.press("enter")
        assert person.titles == [ONE, TWO, "Soil", THREE]
        assert person.targets == [300, 200, 217, 150]
        assert person.at_row == 2
        assert person.rows.has_focus
        await person.press("u")  # the heading
        await person.press("u")  # the section
        assert person.titles == [ONE, TWO, THREE]


async def test_moving_stops_at_the_ends(path: Path) -> None:
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.press("K")
        assert person.titles == [ONE, TWO, THREE]
        await person.press("end", "shift+up", "shift+up", "K")
        assert person.titles == [THREE, ONE, TWO]
        assert person.at_row == 0


async def test_a_drag_moves_a_section(path: Path) -> None:
    async with someone(path, size=(120, 30)) as person:
        await person.at(PlanScreen)
        await person.pilot.mouse_down("RowList", offset=(10, 1))
        await person.pilot.hover("RowList", offset=(10, 3))
        first_rows = [line for line in person.screen_text.split("\n") if "Part" in line]
        assert ONE in first_rows[2]  # it follows the mouse
        await person.pilot.mouse_up("RowList", offset=(10, 3))
        await person.until(lambda: person.titles == [TWO, THREE, ONE])
        assert person.at_row == 2
        await person.press("u")
        assert person.titles == [ONE, TWO, THREE]


async def test_a_drag_that_ends_where_it_began_changes_nothing(path: Path) -> None:
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.pilot.mouse_down("RowList", offset=(10, 2))
        await person.pilot.hover("RowList", offset=(10, 3))
        await person.pilot.hover("RowList", offset=(10, 2))
        await person.pilot.mouse_up("RowList", offset=(10, 2))
        await person.pilot.pause()
        assert person.titles == [ONE, TWO, THREE]
        assert person.document.undo_plan() is None


async def test_clicks_choose_and_a_double_click_edits(path: Path) -> None:
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.click("RowList", offset=(10, 3))
        assert person.at_row == 2
        assert person.widget(Input, "#heading").value == THREE
        await person.click("RowList", offset=(10, 2), times=2)
        await person.until(lambda: person.widget(TextArea, "#point").has_focus)
        assert person.at_row == 1


async def test_fields_are_stored_when_typing_rests_and_when_the_cursor_moves(path: Path, place: Place) -> None:
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.press("enter")
        await person.type("More: ")
        await person.until(lambda: person.sections[0].main_point == "More: what part 1 is about")
        await person.fill("#heading", "Soil")
        await person.fill("#words", "250")
        await person.click("RowList", offset=(10, 3))  # before the typing pause
        await person.until(lambda: person.titles == ["Soil", TWO, THREE])
        assert person.targets == [250, 200, 150]
        assert person.widget(Input, "#heading").value == THREE


async def test_an_invalid_target_keeps_the_old_one(path: Path) -> None:
    async with someone(path) as person:
        await person.at(PlanScreen)
        for words in ("", "1000001"):  # 0 means only a heading
            await person.fill("#words", words)
            await person.press("enter", "down", "up")
            assert person.targets == [300, 200, 150]
            assert person.widget(Input, "#words").value == "300"


async def test_typing_survives_a_change_from_elsewhere(path: Path) -> None:
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.fill("#heading", "Soil")
        changed = person.document.plan.with_section(PlannedSection(ONE, "another point", 320, "s1"))
        person.document.set_plan(changed, "Edit")
        screen = person.app.screen
        assert isinstance(screen, PlanScreen)
        screen._draw()
        assert person.widget(TextArea, "#point").text == "another point"
        assert person.widget(Input, "#words").value == "320"
        await person.press("enter")
        first = person.document.plan.sections[0]
        assert (first.title, first.main_point, first.words) == ("Soil", "another point", 320)


async def test_the_total_scales_all_targets(path: Path) -> None:
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.press("t")
        await person.at(Ask)
        await person.fill("Input", "1300")
        await person.press("enter")
        await person.until(lambda: person.targets == [600, 400, 300])
        assert person.document.brief.words == 1300
        await person.sees("3 sections · 1,300 words")
        await person.press("u")
        assert person.targets == [300, 200, 150]
        assert person.document.brief.words == 650
        await person.press("U")
        await person.sees("Redone: ")
        assert person.targets == [600, 400, 300]
        assert person.document.brief.words == 1300
        await person.press("ctrl+y")
        await person.until(lambda: "Redone" not in person.screen_text)  # there is nothing to redo
        assert person.targets == [600, 400, 300]


async def test_a_total_that_is_too_small_is_reported_and_can_be_corrected(path: Path) -> None:
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.press("t")
        await person.at(Ask)
        await person.fill("Input", "2")
        await person.press("enter")
        await person.sees("from 3 to 1,000,000.")
        assert person.targets == [300, 200, 150]
        await person.press("end", "6", "0", "0", "enter")  # the input is kept
        await person.at(PlanScreen)
        assert sum(person.targets) == 2600


async def test_the_title_can_be_changed(path: Path) -> None:
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.press("T")
        await person.at(Ask)
        await person.fill("Input", " Ripe  tomatoes ")
        await person.press("enter")
        await person.sees("Ripe tomatoes")
        assert person.document.title == "Ripe tomatoes"
        await person.press("u")
        assert person.document.title == "A Plan"


async def test_merging_joins_the_texts_and_undo_separates_them(place: Place) -> None:
    path = place.make(300, 200, texts={1: "First text.", 2: "Second text."})
    async with someone(path) as person:
        await person.at(WritingScreen)
        await person.press("f2")
        await person.at(PlanScreen)
        await person.press("m")
        assert [section.text for section in person.sections] == ["First text.\n\nSecond text."]
        await person.press("m")
        await person.gets_notice("impossible-change")
        await person.press("u")
        assert [section.text for section in person.sections] == ["First text.", "Second text."]


async def test_sections_can_be_added_to_an_empty_plan(place: Place) -> None:
    async with someone(place.make(300)) as person:
        await person.at(PlanScreen)
        await person.press("d")
        await person.sees("a adds")
        await person.press("d", "s", "m", "plus", "J", "enter", "r", "t", "f5")
        assert person.document.plan.sections == ()
        await person.press("a")
        await person.press("enter")
        assert person.titles == ["New section"]


async def test_the_model_replans_one_section(server: FaultServer, author: Author, path: Path) -> None:
    def replan(body: object) -> list[str]:
        assert "another idea" in str(body)
        return ["Paragraph 2 - Main Point: Shade: where it is cool - Word Count: 200 words"]

    server._answer = replan
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.press("down", "r")
        await person.until(lambda: person.titles == [ONE, "Shade", THREE])
        await person.idle()
        assert person.targets == [300, 200, 150]
        assert person.widget(Input, "#heading").value == "Shade"
        await person.press("u")
        assert person.titles == [ONE, TWO, THREE]


async def test_replanning_a_document_with_text_asks_first(server: FaultServer, place: Place) -> None:
    path = place.make(400, 300, texts={1: "First text."})
    async with someone(path) as person:
        await person.press("f2")
        await person.at(PlanScreen)
        await person.press("R")
        await person.at(Confirm)
        await person.press("n")
        await person.at(PlanScreen)
        assert not server.calls
        await person.press("R")
        await person.at(Confirm)
        await person.press("y")
        await person.until(lambda: server.calls)
        await person.idle()
        assert "First text." not in [section.text for section in person.sections]
        await person.press("u")
        assert person.sections[0].text == "First text."


async def test_a_plan_streams_in_and_can_be_stopped(author: Author, place: Place) -> None:
    author.delay = Tempo(6)
    async with FaultServer(author) as server:
        place.serve(server)
        async with someone(place.make()) as person:
            await person.at(PlanScreen)
            await person.press("R")
            await person.sees("Paragraph 1 - Main", "F6 stops")
            assert person.session.activity is Activity.PLANNING
            await person.press("a", "s", "d")  # without effect while the model plans
            await person.gets_notice("planning")
            await person.press("f6")
            await person.idle()
            assert person.document.plan.sections == ()
            assert server.calls[0].hung_up
            await person.sees("a adds")


async def test_a_rejected_plan_is_reported_and_keeps_the_old_one(place: Place) -> None:
    async with FaultServer(Author(plan="I would rather talk.")) as server:
        place.serve(server)
        async with someone(place.make(300, 200), size=(80, 24)) as person:
            await person.at(PlanScreen)
            await person.press("R")
            await person.until(lambda: person.session.error)
            await person.sees(person.session.error[:30])
            assert len(server.calls) == 4
            assert person.targets == [300, 200]


async def test_markup_from_a_model_is_shown_as_text(place: Place) -> None:
    hostile = "[bold]Not bold[/] \x1b[31mred\x1b]0;title\x07 [@click=app.quit]x"
    plan = (
        f"Title: {hostile}\n"
        f"Paragraph 1 - Main Point: {hostile}: [/nothing] closes this - Word Count: 200 words\n"
        "Paragraph 2 - Main Point: Second: [red] and more - Word Count: 200 words\n"
    )
    async with FaultServer(Author(plan=plan)) as server:
        place.serve(server)
        async with someone(place.make(), size=(140, 40)) as person:
            await person.at(PlanScreen)
            await person.press("R")
            await person.until(lambda: person.document.plan.sections)
            await person.idle()
            shown = "[bold]Not bold[/] red [@click=app.quit]x"
            assert person.document.title == shown
            assert person.titles == [shown, "Second"]
            await person.sees(shown, "[/nothing] closes this")
            assert "\x1b" not in person.screen_text
            assert person.widget(Input, "#heading").value == shown
            await person.press("d")
            await person.press("u")
            await person.sees(f"Undone: Delete “{shown}”")
            await person.press("f2")
            await person.at(WritingScreen)
            await person.sees(shown)
            await person.press("f9")
            await person.sees(f"Export “{shown}”")


async def test_plans_of_sections_not_begun_can_be_changed_while_others_are_written(
    author: Author, place: Place
) -> None:
    author.delay = tempo = Tempo(20)
    async with FaultServer(author) as server:
        place.serve(server)
        async with someone(place.make(200, 200, 200)) as person:
            await person.at(PlanScreen)
            await person.press("f5")
            await person.at(WritingScreen)
            await person.until(lambda: "s1" in person.session.current)
            await person.press("f2")
            await person.at(PlanScreen)
            await person.sees("is writing.")
            await person.press("d")  # the section being written cannot be deleted
            await person.gets_notice("being-written")
            assert person.titles == [ONE, TWO, THREE]
            await person.press("down", "d")
            assert person.titles == [ONE, THREE]
            await person.press("f5")  # shows the text without stopping the run
            await person.at(WritingScreen)
            assert person.session.busy
            tempo.go()
            await person.until(lambda: all(section.status is Status.DONE for section in person.sections))
            await person.idle()
            assert person.session.error == ""


async def test_the_end_of_a_run_does_not_take_the_focus_from_a_field(author: Author, place: Place) -> None:
    author.delay = tempo = Tempo(20)
    async with FaultServer(author) as server:
        place.serve(server)
        async with someone(place.make(60, 60)) as person:
            await person.at(PlanScreen)
            await person.press("f5")
            await person.until(lambda: person.session.current)
            await person.press("f2")
            await person.at(PlanScreen)
            await person.press("end", "enter")
            await person.type("dusk ")
            tempo.go()
            await person.until(lambda: all(section.status is Status.DONE for section in person.sections))
            await person.idle()
            await person.type("dawn ")
            point = person.widget(TextArea, "#point")
            await person.until(lambda: point.text == "dusk dawn what part 2 is about")
            assert point.has_focus


async def test_edits_are_stored_however_the_screen_is_left(path: Path, place: Place) -> None:
    async def heading() -> str:
        with Document.open(path, read_only=True) as document:
            return document.plan.sections[0].title

    ways: list[Callable[[Person], Awaitable[None]]] = [
        lambda person: person.press("ctrl+q"),
        lambda person: person.press("escape", "escape"),
        lambda person: person.press("f2"),
    ]
    for number, way in enumerate(ways):
        async with someone(path) as person:
            await person.at(PlanScreen)
            await person.fill("#heading", f"Way {number}")
            await way(person)
        assert await heading() == f"Way {number}"


async def test_a_wide_window_has_the_fields_beside_the_list(path: Path) -> None:
    async with someone(path, size=(160, 45)) as person:
        await person.at(PlanScreen)
        await person.pilot.pause()
        assert person.widget(SectionForm).region.y == person.rows.region.y
        await person.pilot.resize_terminal(80, 24)
        await person.until(lambda: person.widget(SectionForm).region.y > person.rows.region.bottom - 1)


async def test_a_rejected_api_key_keeps_plan_and_fields(author: Author, place: Place, path: Path) -> None:
    async with FaultServer(author, [Fault.http(401, message="No such key")]) as server:
        place.serve(server)
        async with someone(path, size=(80, 24)) as person:
            await person.at(PlanScreen)
            await person.press("r")
            await person.until(lambda: person.session.error)
            assert person.titles == [ONE, TWO, THREE]
            await person.sees("key", ONE)


async def test_a_template_replaces_the_plan_and_can_be_undone(place: Place) -> None:
    from lwtui.app.screens.dialogs import Choose

    async with someone(place.make(100, 300), size=(100, 30)) as person:
        await person.at(PlanScreen)
        before = person.titles
        await person.press("p")
        await person.at(Choose)
        await person.sees("Report: findings for somebody who has to decide")
        await person.press("enter")
        await person.at(PlanScreen)
        await person.until(lambda: person.titles != before)
        assert sum(person.targets) == 400
        await person.press("u")
        await person.until(lambda: person.titles == before)


async def test_a_sections_kind_is_set_by_key_and_in_the_form(path: Path) -> None:
    async with someone(path) as person:
        await person.at(PlanScreen)
        for kind in (SectionKind.LIST, SectionKind.TABLE):
            await person.press("x")
            assert person.sections[0].kind is kind
            await person.sees(f"[{kind}] what part 1 is about")
        assert person.widget(Select, "#kind").value is SectionKind.TABLE
        await person.press("u")
        assert person.sections[0].kind is SectionKind.LIST
        assert person.widget(Select, "#kind").value is SectionKind.LIST
        await person.press("down")
        assert person.widget(Select, "#kind").value is SectionKind.PROSE
        await person.fill("#kind", SectionKind.CODE)
        await person.until(lambda: person.sections[1].kind is SectionKind.CODE)
        assert [section.kind for section in person.sections] == [SectionKind.LIST, SectionKind.CODE, SectionKind.PROSE]
        await person.press("down", "up")
        assert person.widget(Select, "#kind").value is SectionKind.CODE
    with Document.open(path, read_only=True) as document:
        assert [section.kind.value for section in document.sections()] == ["list", "code", "prose"]

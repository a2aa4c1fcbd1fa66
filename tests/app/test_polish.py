"""Polishing in the app: one section by a key, or the document with its criteria; it can be stopped and resumed."""

from __future__ import annotations

from typing import Any

from textual.widgets import TextArea

from lwtui.agentwrite.polish_progress import POLISH, stored_criteria, stored_progress
from lwtui.app.screens.dialogs import Confirm
from lwtui.app.screens.findings import FindingsScreen
from lwtui.app.screens.history import HistoryScreen
from lwtui.app.screens.polish import PolishScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.session import Activity
from tests.app.person import someone
from tests.app.place import Place
from tests.support.editor import Editor, new_text, newer, old_text, older
from tests.support.fault_server import FaultServer


def done(person: Any) -> bool:
    return bool(person.app.session.activity is Activity.IDLE)


async def test_a_key_polishes_the_section_under_the_cursor(place: Place) -> None:
    async with FaultServer(Editor(newer)) as server:
        place.serve(server)
        texts = {1: old_text(1), 2: old_text(2)}
        async with someone(place.make(60, 60, texts=texts), size=(110, 36)) as person:
            await person.at(WritingScreen)
            await person.press("home", "p")
            await person.sees("1 of 1 section improved")
            assert person.document.section("s1").text == new_text(1)
            assert person.document.section("s2").text == old_text(2)
            assert person.editor.text == new_text(1)
            await person.press("h")
            await person.at(HistoryScreen)
            await person.sees("polish")


async def test_a_text_that_loses_changes_nothing_and_leaves_its_points_to_jump_to(place: Place) -> None:
    async with FaultServer(Editor(older)) as server:
        place.serve(server)
        async with someone(place.make(60, texts={1: old_text(1)}), size=(110, 36)) as person:
            await person.at(WritingScreen)
            await person.press("home", "p")
            await person.sees("0 of 1 section improved")
            assert person.document.section("s1").text == old_text(1)
            await person.press("a")
            await person.at(FindingsScreen)
            await person.sees("review", "This is vague. Name a number.")
            await person.press("home", "enter")
            await person.at(WritingScreen)
            await person.until(lambda: person.editor.selected_text in old_text(1) and person.editor.selected_text != "")


async def test_a_section_edited_by_hand_asks_first(place: Place) -> None:
    async with FaultServer(Editor(newer)) as server:
        place.serve(server)
        async with someone(place.make(60, texts={1: old_text(1)}), size=(80, 24)) as person:
            await person.at(WritingScreen)
            person.document.edit("s1", old_text(1) + " And this.")
            await person.press("home", "p")
            await person.at(Confirm)
            await person.press("escape")
            await person.at(WritingScreen)
            assert not server.calls


async def test_criteria_are_shown_edited_and_kept(place: Place) -> None:
    editor = Editor(newer)
    async with FaultServer(editor) as server:
        place.serve(server)
        texts = {1: old_text(1), 2: old_text(2)}
        async with someone(place.make(60, 60, texts=texts), size=(80, 24)) as person:
            await person.at(WritingScreen)
            await person.press("P")
            await person.at(PolishScreen)
            await person.sees("None yet: the model makes them", "2 sections to polish.", "About")
            await person.fill("#passes", "many")
            await person.sees("from 1 to 9")
            await person.press("f5")
            await person.at(PolishScreen)
            await person.fill("#passes", "1")
            await person.press("f5")
            await person.at(WritingScreen)
            await person.sees("2 of 2 sections improved")
            assert len(stored_criteria(person.document)) == 3
            await person.press("P")
            await person.at(PolishScreen)
            await person.sees("Every claim has a number.")
            person.app.screen.query_one("#criteria", TextArea).load_text("- Dry.\n- Short.")
            await person.press("escape")
            await person.at(WritingScreen)
            assert stored_criteria(person.document) == ("Dry.", "Short.")
            assert editor.asked.count("criteria") == 1


async def test_an_interrupted_run_goes_on_where_it_stopped(place: Place) -> None:
    from lwtui.agentwrite.polish_progress import PolishProgress

    editor = Editor(newer)
    async with FaultServer(editor) as server:
        place.serve(server)
        texts = {1: old_text(1), 2: old_text(2)}
        async with someone(place.make(60, 60, texts=texts), size=(80, 24)) as person:
            await person.at(WritingScreen)
            person.document.set_setting(POLISH, PolishProgress(2, 1, ("s2",)).to_json())
            await person.press("P")
            await person.at(PolishScreen)
            await person.sees("pass 1 of 2, 1 section left")
            await person.press("escape")
            await person.at(WritingScreen)
            await person.press("f5")
            await person.sees("1 of 1 section improved")
            assert [section.text for section in person.document.sections()] == [old_text(1), new_text(2)]
            assert stored_progress(person.document) is None


async def test_what_is_not_finished_is_not_polished(place: Place) -> None:
    async with FaultServer(Editor(newer)) as server:
        place.serve(server)
        async with someone(place.make(60, 60, texts={1: old_text(1)}), size=(80, 24)) as person:
            await person.at(WritingScreen)
            await person.press("end", "p")
            await person.gets_notice("not-done")
            assert not server.calls

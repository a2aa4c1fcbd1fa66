"""Notes, summaries, stale sections and the prompt inspector."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import TextArea

from lwtui.agentwrite.preview import TASK, WHOLE
from lwtui.app.screens import notes
from lwtui.app.screens.dialogs import Confirm
from lwtui.app.screens.inspector import InspectorScreen
from lwtui.app.screens.notes import NotesScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.stale import StaleScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import RowList
from lwtui.config import add_model
from lwtui.documents.model import Note, SectionSummary, Status
from lwtui.documents.store import Document
from tests.app.person import someone
from tests.app.place import Place
from tests.support.author import title_of
from tests.support.fault_server import FaultServer
from tests.support.studio import prompt_of

ONE, TWO = title_of(1), title_of(2)


@pytest.fixture
def path(place: Place, server: FaultServer) -> Path:
    return place.make(60, 60, 60)


async def test_notes_are_written_and_the_model_sees_them(path: Path, server: FaultServer) -> None:
    async with someone(path, size=(80, 24)) as person:
        await person.at(PlanScreen)
        await person.press("n")
        await person.at(NotesScreen)
        await person.sees("a adds")
        await person.press("a")
        await person.sees("New note")
        assert person.cells[0][2] != "always"  # while it is empty
        await person.type("Tone")  # replaces the selected title
        await person.press("enter")  # to the text
        await person.type("Dry wit.")
        await person.press("escape")
        await person.sees("Tone", "always")
        await person.press("a")
        await person.fill("#note-title", "Mira")
        await person.fill("#note-triggers", f"Mira, {TWO}")
        await person.fill("#note-text", "A botanist.")
        await person.press("escape")
        await person.sees("for: Mira")
        assert [(one.title, one.always) for one in person.document.notes] == [("Tone", True), ("Mira", False)]
        await person.press("K")
        assert person.document.notes[0].title == "Mira"
        await person.press("d")
        assert [one.title for one in person.document.notes] == ["Tone"]
        await person.press("u")
        await person.sees("Undone: Delete “Mira”")
        await person.press("U")
        await person.sees("Redone: Delete “Mira”")
        await person.press("ctrl+y")
        await person.until(lambda: "Redone" not in person.screen_text)  # there is nothing to redo
        await person.press("u")
        assert [one.title for one in person.document.notes] == ["Mira", "Tone"]
        await person.press("escape")
        await person.at(PlanScreen)
        await person.press("f5")
        await person.until(lambda: all(one.status is Status.DONE for one in person.sections))
    prompts = [prompt_of(seen.json) for seen in server.calls]
    assert all("Dry wit." in one for one in prompts)
    assert ["A botanist." in one for one in prompts[:2]] == [False, True]


async def test_the_kind_of_a_note_is_stored_in_english_and_shown_as_the_user_knows_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "_KINDS", {"story": "Handlung", "style": "Stil", "fact": "Tatsache"})
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.press("n")
        await person.at(NotesScreen)
        await person.press("a")
        await person.sees("Handlung")
        for typed, stored in ((" Stil ", "style"), ("Ort", "Ort"), ("", "story")):
            await person.fill("#note-kind", typed)
            await person.press("escape")
            await person.until(lambda stored=stored: person.document.notes[0].kind == stored)
        await person.sees("Handlung")


async def test_a_summary_can_be_edited_and_returned_to_the_model(path: Path) -> None:
    with Document.open(path) as document:
        document.edit("s1", "Loam. " * 30)
        document.notebook.set_summary(SectionSummary("s1", "It is loam.", "of another text"))
    async with someone(path) as person:
        await person.press("n")
        await person.at(NotesScreen)
        await person.sees("summary", f"1. {ONE}", "written by the model, for an older")
        assert person.widget(TextArea, "#note-text").text == "It is loam."
        states = {person.cells[0][2]}
        assert not person.app.screen.query_one("#note-line").display
        await person.press("enter")
        await person.fill("#note-text", "Loam, and nothing else.")
        await person.press("escape")
        await person.until(lambda: person.cells[0][2] not in states)
        assert person.document.summaries["s1"].by_hand
        states.add(person.cells[0][2])
        status = str(person.widget(Line, "#status").content)
        await person.press("delete")
        await person.until(lambda: person.cells[0][2] not in states)
        assert not person.document.summaries
        assert str(person.widget(Line, "#status").content) != status  # it says that a summary will be made again


async def test_stale_sections_are_listed_with_reasons_and_rewritten(path: Path, server: FaultServer) -> None:
    async with someone(path, size=(100, 30)) as person:
        await person.at(PlanScreen)
        await person.press("f5")
        await person.until(
            lambda: all(one.status is Status.DONE for one in person.sections) and not person.session.busy
        )
        await person.press("f2")
        await person.at(PlanScreen)
        await person.press("y")
        await person.at(StaleScreen)
        assert person.cells == []
        await person.sees(person.rows.hint)
        await person.press("escape")

        document = person.document
        document.edit("s1", "Mine. " * 20)
        document.edit("s2", "Mine too. " * 20)
        document.notebook.set_notes([Note("Tone", "Dry wit.")], "Add")
        await person.at(PlanScreen)
        await person.press("f2")
        await person.at(WritingScreen)
        await person.sees("↻")
        await person.press("f2")
        await person.at(PlanScreen)
        await person.sees("↻", "3 stale (y)")

        await person.press("y")
        await person.at(StaleScreen)
        await person.sees(ONE, "the note “Tone”", "by hand · the note", "0 of 3 chosen")
        await person.press("enter")
        await person.gets_notice("none-chosen")
        await person.press("o")  # keep the first as it is
        await person.sees("0 of 2 chosen")
        await person.press("a")
        await person.sees("1 section of 2 chosen: about ", " tokens")
        await person.press("enter")  # only the third: the second was edited by hand
        await person.at(WritingScreen)
        await person.idle()
        assert [one.origin == "model" for one in person.sections] == [False, False, True]
        assert "Dry wit." in prompt_of(server.calls[-1].json)

        await person.press("y")
        await person.at(StaleScreen)
        await person.sees(TWO, "0 of 1 chosen")
        await person.press("space", "enter")
        await person.at(Confirm)
        await person.sees("1 section")
        await person.press("n")
        await person.at(StaleScreen)
        assert person.document.section("s2").text.startswith("Mine too.")
        await person.press("enter")
        await person.at(Confirm)
        await person.press("y")
        await person.at(WritingScreen)
        await person.until(lambda: person.sections[1].origin == "model" and not person.session.busy)
        assert any(one.text.startswith("Mine too.") for one in person.document.revisions("s2"))


async def test_the_inspector_shows_the_next_prompt_exactly(path: Path, place: Place, server: FaultServer) -> None:
    model = place.serve(server, name="priced")
    add_model(replace(model, price_input=2.0, price_output=10.0))
    with Document.open(path) as document:
        document.set_brief(replace(document.brief, model="priced"))
        document.notebook.set_notes([Note("Tone", "Dry wit.")], "Add")
        document.edit("s1", "The text of the first section.")
    async with someone(path, size=(80, 24)) as person:
        await person.press("f2")
        await person.at(PlanScreen)
        await person.press("home", "down", "i")
        await person.at(InspectorScreen)
        await person.sees("Instruction", "Notes", "Plan", "Text before", TASK, "of 32,768 tokens", "costs 0.0")
        assert not server.calls  # without a call
        rows = person.widget(RowList)
        await person.press("end")
        whole = person.widget(TextArea).text
        assert rows.key is not None and "The text of the first section." in whole and "Dry wit." in whole
        await person.press("up")
        await person.sees(WHOLE)
        await person.press("escape")
        await person.at(PlanScreen)
        await person.press("f5")
        await person.until(lambda: server.calls)
        sent = "\n".join(one["content"] for one in server.calls[0].json["messages"])
        assert sent == whole


async def test_sections_without_a_prompt_say_why(path: Path) -> None:
    with Document.open(path) as document:
        document.set_plan(document.plan.with_section(replace(document.plan.sections[0], words=0)), "Head")
    holder = Document.open(path)
    try:
        async with someone(path) as person:
            await person.press("i")
            await person.gets_notice("heading-only")
            await person.press("n")
            await person.at(NotesScreen)
            await person.sees("Read-only")
            await person.press("a")
            assert not person.document.notes
    finally:
        holder.close()


async def test_the_voice_of_a_sample_becomes_a_note(place: Place) -> None:
    from lwtui.app.screens.dialogs import Ask
    from tests.agentwrite.test_voice import TERSE

    sample = place.home / "mine.md"
    sample.write_text(TERSE)
    async with someone(place.make(100, 100), size=(100, 30)) as person:
        await person.at(PlanScreen)
        await person.press("n")
        await person.at(NotesScreen)
        await person.press("v")
        await person.at(Ask)
        await person.fill("Input", str(place.home / "gone.md"))
        await person.press("enter")
        await person.gets_error("not-found")
        await person.press("v")
        await person.at(Ask)
        await person.fill("Input", str(sample))
        await person.press("enter")
        await person.sees("Voice", "style")
        assert "first person" in person.document.notes[0].text
        await person.press("u")
        await person.until(lambda: not person.document.notes)

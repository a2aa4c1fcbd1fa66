"""The writer's habits in the app: words a day and the goal, backups by day, and comparing two documents."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from textual.widgets import OptionList, TextArea

from lwtui.app.own_commands import own_commands
from lwtui.app.screens.comparison import ComparisonScreen
from lwtui.app.screens.dialogs import Ask, Choose
from lwtui.app.screens.diary import DiaryScreen
from lwtui.app.screens.diff import DiffScreen
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.config import load_settings
from lwtui.documents.backups import list_backups
from lwtui.documents.diary import Diary
from lwtui.documents.store import Document
from tests.app.person import someone
from tests.app.place import Place
from tests.support.fault_server import Answer, FaultServer


async def test_words_that_are_typed_are_in_the_chart_with_the_goal(place: Place) -> None:
    place.make(100, name="soil", texts={1: "Some words."})
    async with someone(size=(80, 24)) as person:
        await person.press("enter")
        await person.at(WritingScreen)
        await person.press("enter", "ctrl+end", *" three more words")
        await person.press("alt+d")
        await person.at(DiaryScreen)
        await person.sees("Today 3 words", "3 since this document was opened", "g sets the daily goal")
        await person.press("g")
        await person.at(Ask)
        await person.press(*"three", "enter")
        await person.sees("whole number")
        await person.press(*["backspace"] * 5, "2", "enter")
        await person.sees("Today 3 of 2 words", "1 day in a row", "✓")
        assert load_settings().daily_goal == 2
        await person.press("escape")
        await person.at(WritingScreen)
    assert Diary().days(1, date.today())[0].words == 3


async def test_a_document_with_text_is_backed_up_once_a_day_and_restored(place: Place) -> None:
    path = place.make(100, name="soil", texts={1: "Some words."})
    async with someone() as person:
        await person.press("b")
        await person.gets_notice("no-backups")
        await person.press("enter")
        await person.at(WritingScreen)
        await person.until(lambda: list_backups(path))
        await person.press("enter", "ctrl+end", *" and more", "escape", "escape")
        await person.at(LibraryScreen)
        await person.press("b")
        await person.at(Choose)
        await person.press("enter")
        await person.gets_notice("restored")
        restored = path.with_name(f"soil {date.today().isoformat()}.lw")
        await person.until(lambda: len(person.rows._rows) == 2)
    assert _text(restored) == "Some words."
    assert _text(path) == "Some words. and more"
    assert len(list_backups(path)) == 1


async def test_two_documents_are_compared(place: Place) -> None:
    place.make(100, name="older", texts={1: "The old boat left."})
    async with someone() as person:
        await person.press("C")
        await person.gets_notice("nothing-to-compare")
    place.make(100, name="newer", texts={1: "The new boat left."})
    async with someone() as person:
        await person.until(lambda: len(person.rows._rows) == 2)
        await person.press("C")
        await person.at(Choose)
        assert person.widget(OptionList).option_count == 1
        await person.press("enter")
        await person.at(ComparisonScreen)
        text = person.widget(TextArea, "#lines").text
        assert "1 changed" in text and "[-" in text and "{+" in text
        await person.press("escape")
        await person.at(LibraryScreen)


async def test_own_commands_are_in_the_list_with_their_keys(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "commands"
    write_commands(folder)
    asked: list[str] = []

    def author(body: Any) -> Answer:
        asked.append(str(body["messages"]))
        return Answer(["Some ", "words ", "were ", "here."])

    async with FaultServer(author) as server:
        place.serve(server)
        path = place.make(60, texts={1: "Some words are here."})
        async with someone(path) as person:
            await person.at(WritingScreen)
            await person.press("enter", "ctrl+l")
            await person.at(Choose)
            await person.sees("p  Past tense", "Plain words", "Tell the model")
            await person.gets_error("own-command")  # of the empty file
            await person.press("p")
            await person.at(DiffScreen)
            await person.sees("Past tense, in", "were")
            await person.press("a", "enter")
            await person.at(WritingScreen)
            await person.until(lambda: person.sections[0].text == "Some words were here.")
            made = [each.provenance for each in person.document.revisions("s1") if each.provenance is not None]
            assert "Past tense" in [provenance.task for provenance in made]
    assert any("Use the past tense." in prompt and "key:" not in prompt for prompt in asked)


def write_commands(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "Past tense.md").write_text("key: p\n\nUse the past tense.\n", encoding="utf-8")
    (folder / "Plain words.md").write_text("Use plain words.", encoding="utf-8")
    (folder / "Empty.md").write_text("key: e\n", encoding="utf-8")


def test_files_that_are_no_commands_are_named(tmp_path: Path) -> None:
    assert own_commands(tmp_path / "none") == ([], [])
    (tmp_path / "a.md").write_text("key: x\nOne.", encoding="utf-8")
    (tmp_path / "b.md").write_text("KEY : x\nTwo.\x1b[31m", encoding="utf-8")
    (tmp_path / "c.md").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "d.md").write_text("x" * 30_000, encoding="utf-8")
    (tmp_path / "e.txt").write_text("not Markdown", encoding="utf-8")
    commands, problems = own_commands(tmp_path)
    assert [(each.name, each.key, each.instruction) for each in commands] == [("a", "x", "One."), ("b", "", "Two.")]
    assert [problem.split()[0] for problem in problems] == ["c.md", "d.md"]
    assert all("\n" not in problem for problem in problems)


def _text(path: Path) -> str:
    with Document.open(path, read_only=True) as document:
        return document.sections()[0].text

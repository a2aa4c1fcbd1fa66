"""The writer's habits in the app: words a day and the goal, backups by day, and comparing two documents."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from textual.widgets import OptionList, TextArea

from lwtui.app.screens.comparison import ComparisonScreen
from lwtui.app.screens.dialogs import Ask, Choose
from lwtui.app.screens.diary import DiaryScreen
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.config import load_settings
from lwtui.documents.backups import list_backups
from lwtui.documents.diary import Diary
from lwtui.documents.store import Document
from tests.app.person import someone
from tests.app.place import Place


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


def _text(path: Path) -> str:
    with Document.open(path, read_only=True) as document:
        return document.sections()[0].text

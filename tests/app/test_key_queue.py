"""Keys that arrive together act as if they had been pressed one at a time."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from lwtui.app.screens.dialogs import Ask
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.new_document import NewDocumentScreen
from lwtui.app.screens.notes import NotesScreen
from lwtui.app.screens.writing import WritingScreen
from tests.app.person import Person, someone
from tests.app.place import Place


def burst(person: Person, *keys: str) -> None:
    """Send all keys at once, as a slow connection does."""
    assert person.app._driver is not None
    for key in keys:
        event = events.Key(key, key if len(key) == 1 else None)  # characters are their own names, or have longer ones
        event.set_sender(person.app)
        person.app._driver.send_message(event)


async def test_letters_typed_into_the_library_search_are_not_commands(place: Place) -> None:
    path = place.make(100)
    async with someone() as person:
        await person.at(LibraryScreen)
        burst(person, "slash", *"dud", "enter")
        await person.until(lambda: person.widget(Input, "#find").value == "dud")
        assert path.exists() and not person.notices


async def test_letters_typed_into_the_find_bar_are_not_commands(place: Place) -> None:
    async with someone(place.make(100, texts={1: "A part of it."})) as person:
        await person.at(WritingScreen)
        burst(person, "ctrl+f", *"part")
        await person.sees("1 found")
        assert person.widget(Input, "#find").value == "part"
        await person.press("escape")


async def test_letters_after_a_key_that_moves_the_focus_go_to_the_new_focus(place: Place) -> None:
    async with someone(place.make(100, texts={1: "One."})) as person:
        await person.at(WritingScreen)
        burst(person, "enter", "ctrl+end", "enter", "enter", *"Two", "ctrl+home", "X")
        await person.until(lambda: person.editor.text == "XOne.\n\nTwo")


async def test_letters_typed_into_a_note_are_not_commands(place: Place) -> None:
    async with someone(place.make(100, texts={1: "One."})) as person:
        await person.at(WritingScreen)
        burst(person, "n", "a", *"Tauau")
        await person.at(NotesScreen)
        await person.until(lambda: person.widget(Input).value == "Tauau")
        await person.press("escape")
        await person.until(lambda: [one.title for one in person.document.notes] == ["Tauau"])


async def test_letters_typed_into_a_new_document_are_not_commands(place: Place) -> None:
    async with someone() as person:
        await person.at(LibraryScreen)
        burst(person, "n", *"quid")
        await person.at(NewDocumentScreen)
        await person.sees("quid")


async def test_letters_typed_into_a_dialog_are_not_commands(place: Place) -> None:
    path = place.make(100)
    async with someone() as person:
        await person.at(LibraryScreen)
        burst(person, "i", *"dud")
        await person.at(Ask)
        await person.until(lambda: person.widget(Input).value == "dud")
        assert path.exists()


async def test_joiners_of_letters_and_emoji_are_typed(place: Place) -> None:
    texts = "می\u200cخواهم", "👩\u200d👩\u200d👧", "✈\ufe0f"
    async with someone(place.make(100, texts={1: "One."})) as person:
        await person.at(WritingScreen)
        burst(person, "enter", "ctrl+end", *"".join(texts))
        await person.until(lambda: person.editor.text == "One." + "".join(texts))
        burst(person, "ctrl+f", *texts[0])
        await person.until(lambda: person.widget(Input, "#find").value == texts[0])

"""Keys that come all at once go where they would have gone one by one."""

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
    """All of them in one go, as a slow line brings them."""
    assert person.app._driver is not None
    for key in keys:
        event = events.Key(key, key if len(key) == 1 else None)  # a terminal names a character by itself, or at length
        event.set_sender(person.app)
        person.app._driver.send_message(event)


async def test_a_title_is_looked_for_and_no_letter_of_it_is_a_command(place: Place) -> None:
    path = place.make(100)
    async with someone() as person:
        await person.at(LibraryScreen)
        burst(person, "slash", *"dud", "enter")
        await person.until(lambda: person.widget(Input, "#find").value == "dud")
        assert path.exists() and not person.notices


async def test_a_word_is_looked_for_in_the_text(place: Place) -> None:
    async with someone(place.make(100, texts={1: "A part of it."})) as person:
        await person.at(WritingScreen)
        burst(person, "ctrl+f", *"part")
        await person.sees("1 found")
        assert person.widget(Input, "#find").value == "part"
        await person.press("escape")


async def test_what_is_typed_behind_a_key_that_moves_goes_to_where_it_moved(place: Place) -> None:
    async with someone(place.make(100, texts={1: "One."})) as person:
        await person.at(WritingScreen)
        burst(person, "enter", "ctrl+end", "enter", "enter", *"Two", "ctrl+home", "X")
        await person.until(lambda: person.editor.text == "XOne.\n\nTwo")


async def test_a_note_takes_what_is_typed(place: Place) -> None:
    async with someone(place.make(100, texts={1: "One."})) as person:
        await person.at(WritingScreen)
        burst(person, "n", "a", *"Tauau")
        await person.at(NotesScreen)
        await person.until(lambda: person.widget(Input).value == "Tauau")
        await person.press("escape")
        await person.until(lambda: [one.title for one in person.document.notes] == ["Tauau"])


async def test_a_new_document_takes_what_is_typed(place: Place) -> None:
    async with someone() as person:
        await person.at(LibraryScreen)
        burst(person, "n", *"quid")
        await person.at(NewDocumentScreen)
        await person.sees("quid")


async def test_a_dialog_takes_what_is_typed(place: Place) -> None:
    path = place.make(100)
    async with someone() as person:
        await person.at(LibraryScreen)
        burst(person, "i", *"dud")
        await person.at(Ask)
        await person.until(lambda: person.widget(Input).value == "dud")
        assert path.exists()


async def test_what_joins_letters_and_emoji_is_typed_as_they_are(place: Place) -> None:
    texts = "می\u200cخواهم", "👩\u200d👩\u200d👧", "✈\ufe0f"
    async with someone(place.make(100, texts={1: "One."})) as person:
        await person.at(WritingScreen)
        burst(person, "enter", "ctrl+end", *"".join(texts))
        await person.until(lambda: person.editor.text == "One." + "".join(texts))
        burst(person, "ctrl+f", *texts[0])
        await person.until(lambda: person.widget(Input, "#find").value == texts[0])

from __future__ import annotations

import pytest

from lwtui.app.app import LwtuiApp
from lwtui.app.keymap import FIND, use
from lwtui.app.own_keys import own_keys
from lwtui.app.screens.help import HelpScreen
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.new_document import NewDocumentScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.cli import main
from lwtui.config import load_settings, set_value
from lwtui.documents.model import Mode
from lwtui.errors import ConfigError
from tests.app.person import someone
from tests.app.place import Place


@pytest.fixture(autouse=True)
def afterwards() -> object:
    yield
    use({})


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        ("ctrl+S", "ctrl+s"),
        ("Control+k", "ctrl+k"),
        ("G, shift+x", "G,X"),
        ("/", "slash"),
        (",", "comma"),
        ("ctrl++", "ctrl+plus"),
        ("alt+F3", "alt+f3"),
        ("shift+Up", "shift+up"),
        ("Return", "enter"),
        ("question_mark", "question_mark"),
    ],
)
def test_keys_are_written_as_people_write_them(given: str, keys: str) -> None:
    assert own_keys({"find-and-replace.case": given})[FIND, "case"] == keys


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"sav": "ctrl+s"}, "[keys] 'sav' is no action. Did you mean save?"),
        ({"writing.sav": "ctrl+s"}, "Did you mean writing.save?"),
        ({"xyzzy": "f5"}, "F1 in the app shows all actions."),
        ({"save": "ctrl+ß+x"}, "'ctrl+ß+x' is no key. Write it as ctrl+s"),
        ({"save": "hello"}, "is no key"),
        ({"save": "ctrl+i"}, "in a terminal 'ctrl+i' is Tab"),
        ({"save": "ctrl+q"}, "'ctrl+q' quits everywhere"),
        ({"save": "j"}, "j moves about in the lists of Writing"),
        ({"save": "ctrl+f"}, "[keys] Ctrl+F would be both"),
        ({"help": "f5"}, "F5 would be both"),
        ({"save": "ctrl+k", "log": "ctrl+k"}, "Ctrl+K would be both"),
    ],
)
def test_a_mistake_is_told_in_one_line(settings: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        own_keys(settings)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_name_alone_is_for_every_screen_and_one_screen_has_the_last_word() -> None:
    own = own_keys({"plan.undo": "ctrl+k", "undo": "f11"})
    assert own["Plan", "undo"] == "ctrl+k"
    assert own["Library", "undo"] == own["Writing", "undo"] == "f11"
    assert own_keys({"rewrite": "ctrl+k"}) == {("Writing", "regenerate"): "ctrl+k"}  # as it is shown
    assert own_keys({"find": "ctrl+k", "log": "ctrl+f"})["Writing", "log"] == "ctrl+f"  # two may change places


async def test_the_app_obeys_and_shows_them(place: Place) -> None:
    path = place.make(100, texts={1: "First."})
    set_value("keys.writing.save", "ctrl+k")
    set_value("keys.help", "f11")
    set_value("keys.edit", "w")
    set_value("keys.writing.regenerate", "W")
    set_value("keys.find-and-replace.close", "ctrl+l")
    assert "[keys]" in place.settings_text
    async with someone(path, size=(100, 50)) as person:
        await person.at(WritingScreen)
        await person.sees("w Edit", "F11 Help")
        await person.press("f5")  # there is nothing to write, and what is said of it names the key that there is now
        await person.is_told("Every section is done. W has the one under the cursor written anew.")
        await person.press("e")
        assert person.rows.has_focus
        await person.press("w")
        assert person.editor.has_focus
        await person.type("w")  # a letter is text there
        await person.press("ctrl+k")  # which would delete in a text area
        await person.is_told("Everything is in guide.lw")
        assert place.read(path)["s1"] == "wFirst."
        await person.press("ctrl+f")
        assert person.app.focused is not person.editor
        await person.press("ctrl+l")
        assert person.editor.has_focus
        await person.press("f1")
        assert isinstance(person.app.screen, WritingScreen)
        await person.press("f11")
        await person.at(HelpScreen)
        await person.sees("w Edit", "Ctrl+K Save")
        await person.press("escape", "f2")
        await person.at(PlanScreen)
    async with someone(library=True) as person:
        await person.at(LibraryScreen)
        await person.sees("F11 Help")


async def test_what_tells_how_to_begin_names_them(place: Place) -> None:
    for action, key in {
        "library.new": "ctrl+n",
        "create": "f7",
        "by_hand": "f4",
        "plan.add": "w",
        "notes.add": "W",
    }.items():
        set_value(f"keys.{action}", key)
    async with someone() as person:
        await person.sees("Nothing here yet", "Ctrl+N  begin a document")
        await person.press("ctrl+n")
        await person.at(NewDocumentScreen)
        await person.sees("Create and plan (F7)", "Plan by hand (F4)")
        await person.fill("#instruction", "Tell of tea")
        await person.fill("#mode", Mode.DIRECT.value)
        await person.sees("Create and write (F7)")
        await person.fill("#mode", Mode.AGENTWRITE.value)
        await person.press("f4")
        await person.at(PlanScreen)
        await person.sees("No sections yet. w adds one, R asks", "Build the plan by hand (w)")
        await person.press("n")
        await person.sees("No notes yet. W adds one")


def test_a_key_that_cannot_be_is_not_set(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "set", "keys.save", "ctrl+f"]) == 2
    assert "Ctrl+F would be both" in capsys.readouterr().err
    assert load_settings().keys == {}
    assert main(["config", "set", "keys.save", "ctrl+k"]) == 0
    assert main(["config", "get", "keys.save"]) == 0
    assert "ctrl+k" in capsys.readouterr().out


def test_the_app_does_not_start_with_keys_that_cannot_be(place: Place) -> None:
    set_value("keys.save", "ctrl+f")
    with pytest.raises(ConfigError, match="would be both"):
        LwtuiApp(load_settings())

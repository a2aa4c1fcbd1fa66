"""The user's own keys, from the settings to the screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from textual.widgets import Button

from lwtui.app.app import LwtuiApp
from lwtui.app.keymap import FIND, NEW, NO_KEY, actions, use
from lwtui.app.own_keys import own_keys
from lwtui.app.screens.help import HelpScreen
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.log import LogScreen
from lwtui.app.screens.new_document import NewDocumentScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.cli import main
from lwtui.config import load_settings, set_value
from lwtui.documents.model import Mode
from lwtui.errors import ConfigError
from tests.app.person import Person, someone
from tests.app.place import Place
from tests.errors import has_code


@pytest.fixture(autouse=True)
def restore_default_keys() -> Iterator[None]:
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
def test_keys_may_be_written_in_several_ways(given: str, keys: str) -> None:
    assert own_keys({"find-and-replace.case": given})[FIND, "case"] == keys


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("plan-by-hand", (NEW, "by_hand")),
        ("手动列大纲", (NEW, "by_hand")),
        ("new-document.手动列大纲", (NEW, "by_hand")),
        ("新建文档.手动列大纲", (NEW, "by_hand")),
        ("case", (FIND, "case")),
    ],
)
def test_labels_are_names_in_english_and_in_the_users_language(
    name: str, found: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chinese = {"Plan by hand": "手动列大纲", "New document": "新建文档", "Word": "case"}
    monkeypatch.setattr("lwtui.app.keymap.translate", lambda text: chinese.get(text, text))
    assert own_keys({name: "alt+g"}) == {found: "alt+g"}


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"sav": "ctrl+s"}, "unknown-action"),
        ({"writing.sav": "ctrl+s"}, "unknown-action"),
        ({"xyzzy": "f5"}, "unknown-action"),
        ({"save": "ctrl+ß+x"}, "invalid-key"),
        ({"save": "hello"}, "invalid-key"),
        ({"save": "ctrl+i"}, "ambiguous-key"),
        ({"save": "ctrl+q"}, "reserved-key"),
        ({"save": "j"}, "list-key"),
        ({"save": "f1"}, "key-conflict"),
        ({"save": "ctrl+k", "log": "ctrl+k"}, "key-conflict"),
    ],
)
def test_an_invalid_entry_is_reported_in_one_line(settings: dict[str, str], code: str) -> None:
    with pytest.raises(ConfigError, check=has_code(code)) as error:
        own_keys(settings)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "suggestion"), [("sav", "save"), ("writing.sav", "writing.save")])
def test_a_misspelled_action_is_suggested(name: str, suggestion: str) -> None:
    with pytest.raises(ConfigError, match=rf"\b{suggestion}\b"):
        own_keys({name: "ctrl+s"})


def test_an_entry_without_a_screen_is_for_all_and_one_with_a_screen_overrides_it() -> None:
    own = own_keys({"plan.undo": "ctrl+k", "undo": "f11"})
    assert own["Plan", "undo"] == "ctrl+k"
    assert own["Library", "undo"] == own["Writing", "undo"] == "f11"
    assert own_keys({"rewrite": "ctrl+k"}) == {("Writing", "regenerate"): "ctrl+k"}  # by its label
    assert own_keys({"find": "ctrl+k", "log": "ctrl+f"})["Writing", "log"] == "ctrl+f"  # two actions may exchange keys


async def test_the_app_uses_and_shows_own_keys(place: Place) -> None:
    path = place.make(100, texts={1: "First."})
    set_value("keys.writing.save", "ctrl+k")
    set_value("keys.help", "f11")
    set_value("keys.edit", "w")
    set_value("keys.writing.regenerate", "W")
    set_value("keys.find-and-replace.close", "ctrl+l")
    assert "[keys]" in place.settings_text
    async with someone(path, size=(100, 64)) as person:
        await person.at(WritingScreen)
        await person.sees("w Edit", "F11 Help")
        await person.press("f5")  # there is nothing to write; the notice names the current key
        assert " W " in await person.gets_notice("all-done")
        await person.press("e")
        assert person.rows.has_focus
        await person.press("w")
        assert person.editor.has_focus
        await person.type("w")  # a letter is text there
        await person.press("ctrl+k")  # deletes to the end of the line in a plain text area
        await person.gets_notice("saved")
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


async def test_own_keys_keep_their_order_and_letters_stay_text_in_the_editor(place: Place) -> None:
    path = place.make(100, texts={1: "First."})
    set_value("keys.writing.log", "ctrl+k")  # by default a letter, which the editor takes as text
    set_value("keys.regenerate", "W")
    set_value("keys.write", "f11")
    async with someone(path) as person:
        await person.at(WritingScreen)
        shown = _footer(person)
        assert shown[:2] == ["f11 write", "f2 plan"] and "W regenerate" in shown
        assert NO_KEY not in person.app.active_bindings
        await person.press("e")
        assert person.editor.has_focus
        assert not any(key.endswith("regenerate") for key in _footer(person))
        await person.press("W", "ctrl+k")
        await person.at(LogScreen)
        await person.press("escape")
        assert person.editor.text == "WFirst."


async def test_an_own_key_takes_the_key_from_a_default_action(place: Place) -> None:
    """Later versions may have new default keys: they do not reject the settings of earlier ones."""
    path = place.make(100, texts={1: "First."})
    set_value("keys.save", "ctrl+f")  # find keeps its other key
    set_value("keys.writing.log", "f5")  # write has no other
    set_value("keys.theme", "ctrl+g")  # everywhere: a screen's default gives way, too
    async with someone(path) as person:
        await person.at(WritingScreen)
        shown = _footer(person)
        assert "f5 log" not in shown and not any(key.endswith(" write") for key in shown)
        await person.press("e", "ctrl+f")
        await person.gets_notice("saved")
        assert person.editor.has_focus
        await person.press("escape", "slash")
        assert isinstance(person.app.screen, WritingScreen) and not person.editor.has_focus
        await person.press("escape", "f5")
        await person.at(LogScreen)
        await person.press("escape", "f1")
        await person.at(HelpScreen)
        await person.sees("Ctrl+P Write")
    assert {action.name: action.keys for action in actions("Writing")}["go_to"] == NO_KEY


async def test_writing_and_pausing_may_share_a_key(place: Place) -> None:
    path = place.make(100, texts={1: "First."})
    set_value("keys.pause", "f5")
    async with someone(path) as person:
        await person.at(WritingScreen)
        assert "f5 write" in _footer(person)


async def test_the_footer_offers_enter_only_where_it_edits(place: Place) -> None:
    async with someone(place.make(100, texts={1: "First."})) as person:
        await person.at(WritingScreen)
        assert "enter edit" in _footer(person)
        await person.press("enter")
        await person.until(lambda: person.editor.has_focus)
        assert "enter edit" not in _footer(person)


def _footer(person: Person) -> list[str]:
    """The keys and actions in the footer."""
    active = person.app.screen.active_bindings.values()
    return [f"{one.binding.key} {one.binding.action}" for one in active if one.binding.show and one.enabled]


async def test_hints_name_own_keys(place: Place) -> None:
    for action, key in {
        "library.new": "ctrl+n",
        "create": "f7",
        "by_hand": "f4",
        "plan.add": "w",
        "notes.add": "W",
    }.items():
        set_value(f"keys.{action}", key)
    async with someone() as person:
        await person.sees("Ctrl+N  create")
        await person.press("ctrl+n")
        await person.at(NewDocumentScreen)
        assert "(F7)" in str(person.widget(Button, "#create").label)
        assert "(F4)" in str(person.widget(Button, "#by-hand").label)
        await person.fill("#instruction", "Tell of tea")
        await person.fill("#mode", Mode.DIRECT.value)
        await person.sees("write (F7)")
        await person.fill("#mode", Mode.AGENTWRITE.value)
        await person.press("f4")
        await person.at(PlanScreen)
        await person.sees("w adds", "R asks", "by hand (w)")
        await person.press("n")
        await person.sees("W adds")


def test_config_set_rejects_an_invalid_key(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "set", "keys.save", "f1"]) == 2
    assert "F1" in capsys.readouterr().err
    assert load_settings().keys == {}
    assert main(["config", "set", "keys.save", "ctrl+k"]) == 0
    assert main(["config", "get", "keys.save"]) == 0
    assert "ctrl+k" in capsys.readouterr().out


def test_the_app_does_not_start_with_invalid_keys(place: Place) -> None:
    set_value("keys.save", "f1")
    with pytest.raises(ConfigError, check=has_code("key-conflict")):
        LwtuiApp(load_settings())

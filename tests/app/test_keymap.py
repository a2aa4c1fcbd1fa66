"""Every action has a method, a line in help and an entry in the palette; every footer fits 80 columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.widgets import Footer, OptionList
from textual.widgets._footer import FooterKey

from lwtui.app.app import LwtuiApp
from lwtui.app.commands import Actions
from lwtui.app.format import MARKS
from lwtui.app.keymap import (
    ACTIONS,
    BRIEF,
    EVERYWHERE,
    FIND,
    LIBRARY,
    MODELS,
    NEW,
    PLAN,
    SETTINGS,
    WRITING,
    key_label,
)
from lwtui.app.outline_rows import STALE_MARK
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.screens.brief import BriefScreen
from lwtui.app.screens.choose_model import ChooseModelScreen
from lwtui.app.screens.help import HelpScreen, _guide
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.new_document import NewDocumentScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.settings import SettingsScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.widgets.find_bar import FindBar
from lwtui.app.widgets.row_list import RowList
from tests.app.person import Person, someone
from tests.app.place import Place

SCREENS: dict[str, type[Any]] = {
    EVERYWHERE: LwtuiApp,
    LIBRARY: LibraryScreen,
    NEW: NewDocumentScreen,
    BRIEF: BriefScreen,
    PLAN: PlanScreen,
    WRITING: WritingScreen,
    FIND: FindBar,
    SETTINGS: SettingsScreen,
    MODELS: ChooseModelScreen,
}
OPEN = {
    LIBRARY: [],
    NEW: ["n"],
    BRIEF: ["enter", "B"],
    PLAN: ["enter"],
    WRITING: ["enter", "f2"],
    SETTINGS: ["ctrl+o"],
    MODELS: ["m"],
}

IDLE = {(PLAN, "pause"), (WRITING, "pause"), (MODELS, "stop")}  # not offered while nothing runs


async def go(person: Person, group: str) -> None:
    for key in OPEN[group]:
        await person.press(key)
        await person.pilot.pause()
    await person.at(SCREENS[group])


@pytest.fixture(autouse=True)
def a_document(place: Place) -> Path:
    return place.make(100, 100)


@pytest.mark.parametrize("group", SCREENS)
def test_every_action_is_a_method_of_its_screen(group: str) -> None:
    for action in ACTIONS[group]:
        assert callable(getattr(SCREENS[group], f"action_{action.name}", None)), action.name


@pytest.mark.parametrize("group", SCREENS)
def test_no_key_of_a_screen_does_two_things_at_once(group: str) -> None:
    lists = group not in (EVERYWHERE, NEW, BRIEF, FIND)
    taken = {key: "move" for binding in RowList.BINDINGS for key in binding.key.split(",")} if lists else {}
    for action in (*ACTIONS[group], *(ACTIONS[EVERYWHERE] if group != EVERYWHERE else ())):
        for key in action.keys.split(","):
            assert key not in taken or {taken[key], action.name} == {"write", "pause"}
            taken[key] = action.name


@pytest.mark.parametrize("group", OPEN)
async def test_help_and_palette_have_every_action_of_the_screen(group: str) -> None:
    async with someone(size=(120, 120)) as person:
        await go(person, group)
        screen = person.app.screen
        assert isinstance(screen, BaseScreen)
        await person.press("f1")
        await person.at(HelpScreen)
        shown = " ".join(person.screen_text.split())
        for action in (*ACTIONS[group], *ACTIONS[EVERYWHERE]):
            assert f"{key_label(action.keys)} {action.label} {action.help[:40]}" in shown
        await person.press("escape")
        hits = [str(hit.text) async for hit in Actions(screen).discover()]
        wanted = [action for action in ACTIONS[group] if (group, action.name) not in IDLE]
        assert len(hits) == len(wanted) + len(ACTIONS[EVERYWHERE]) + len(["Quit"])
        assert hits[0] == f"{wanted[0].label} ({key_label(wanted[0].keys)})"


async def test_the_palette_runs_what_it_finds(place: Place) -> None:
    async with someone() as person:
        await go(person, PLAN)
        await person.press("ctrl+p")
        await person.at(CommandPalette)
        await person.sees("Search for commands…")
        await person.type("split")
        await person.until(lambda: person.app.screen.query_one(OptionList).option_count)
        await person.sees("Split (s)")
        await person.press("enter")
        await person.until(lambda: isinstance(person.app.screen, PlanScreen) and len(person.titles) == 3)


async def test_ctrl_c_says_how_to_quit() -> None:
    async with someone() as person:
        await person.press("ctrl+c")
        await person.is_told("Press [b]ctrl+q[/b] to quit the app")


@pytest.mark.parametrize("group", OPEN)
async def test_the_footer_fits_80_columns(group: str) -> None:
    async with someone(size=(80, 24)) as person:
        await go(person, group)
        await person.until(lambda: person.app.screen.query(FooterKey))
        keys = person.app.screen.query_one(Footer).query(FooterKey)
        assert len(keys) >= 3
        assert max(key.region.right for key in keys) <= 81  # the last column is a space


async def test_help_begins_with_the_screen_beneath_and_f1_closes_it(place: Place) -> None:
    async with someone() as person:
        await person.press("f1")
        await person.at(HelpScreen)
        assert person.screen_text.index("Create a document") < person.screen_text.index("Everywhere")
        await person.press("f1")
        await person.at(LibraryScreen)


async def test_a_key_typed_into_a_field_is_text(place: Place) -> None:
    async with someone() as person:
        await go(person, PLAN)
        await person.press("enter", "ctrl+a")
        await person.type("dusk")  # d, u, s and k do something in the list
        await person.press("escape")
        assert person.document.plan.sections[0].main_point == "duskwhat part 1 is about"
        assert len(person.titles) == 2


def test_key_labels_are_readable() -> None:
    assert key_label("shift+up,K,ctrl+z,f5,slash,minus,d") == "Shift+↑ K Ctrl+Z F5 / − d"


def test_the_guide_has_every_mark() -> None:
    assert all(f"{mark} " in _guide() for mark in (*MARKS.values(), STALE_MARK))

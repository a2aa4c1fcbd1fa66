"""What every key does, and how the app is meant to be used."""

from __future__ import annotations

from rich.table import Column, Table
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from lwtui.app.keymap import ACTIONS, EVERYWHERE, WRITING, actions, key_label
from lwtui.app.screens.base_screen import Dialog

_GUIDE = """\
A document is planned, then written section by section. Say what you want in New; the model proposes a plan; \
change it in any way; {write} writes. While it writes you can read, edit any other section, change what is planned for \
later ones, or pause and change the very sentence that was being written: it goes on from there.

Everything is in one .lw file, saved twice a second. Closing the terminal, or a power cut, loses at most a second. \
Old versions of each section are in its history ({history}): a section that is rewritten keeps its old text.

Lengths are words; in Chinese and Japanese, characters. Marks: ✓ done, ▶ being written, ◐ interrupted, · not begun, \
↻ stale: what it was written from has changed since ({stale}).

In the text {find} finds in the whole document and {replace} replaces there; Ctrl+Z takes back what you did, also in \
a section that you left meanwhile. {external} opens the section in your own editor. Keys, themes and vim's ways are \
yours to choose: {settings}.

Ctrl+P opens the palette: type a word of what you want to do. Ctrl+Q quits."""


def _guide() -> str:
    """The guide, with the keys that its reader has."""
    known = {one.name: key_label(one.keys.split(",")[0]) for group in (EVERYWHERE, WRITING) for one in actions(group)}
    return _GUIDE.format_map(known)


class Keys(Static):
    """The actions of a group, in a table of three columns whose texts are broken within their column."""

    COMPONENT_CLASSES = {"keys--key"}

    def __init__(self, group: str) -> None:
        super().__init__()
        self._group = group

    def render(self) -> Table:
        key = self.get_component_rich_style("keys--key", partial=True)
        keys, label = Column(width=11, justify="right", style=key), Column(width=13, style="bold")
        table = Table.grid(keys, label, Column(), padding=(0, 1))
        for action in actions(self._group):
            table.add_row(key_label(action.keys), action.label, action.help)
        return table


class HelpScreen(Dialog[None]):
    """The keys of the screen beneath first, then the guide, then the keys of the others."""

    BINDINGS = [("q", "close", "Close")]

    def __init__(self, group: str) -> None:
        super().__init__()
        self._group = group

    def compose(self) -> ComposeResult:
        first = dict.fromkeys([self._group, EVERYWHERE])
        with VerticalScroll(classes="dialog large") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "Esc closes"
            for group in first:
                yield Static(group, classes="group")
                yield Keys(group)
            yield Static("How it works", classes="group")
            yield Static(_guide(), markup=False)
            for group in ACTIONS:
                if group not in first:
                    yield Static(group, classes="group")
                    yield Keys(group)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

"""What every key does, and how the app is meant to be used."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from lwtui.app.keymap import ACTIONS, EVERYWHERE, key_label
from lwtui.app.screens.base import Dialog

_GUIDE = """\
A document is planned, then written section by section. Say what you want in New; the model proposes a plan; \
change it in any way; F5 writes. While it writes you can read, edit any other section, change what is planned for \
later ones, or pause and change the very sentence that was being written: it goes on from there.

Everything is in one .lw file, saved twice a second. Closing the terminal, or a power cut, loses at most a second. \
Old versions of each section are in its history (F8): a section that is rewritten keeps its old text.

Lengths are words; in Chinese and Japanese, characters. Marks: ✓ done, ▶ being written, ◐ interrupted, · not begun.

Ctrl+P opens the palette: type a word of what you want to do. Ctrl+Q quits."""


class HelpScreen(Dialog[None]):
    """The keys of the screen beneath first, then the others'."""

    BINDINGS = [("f1", "close", "Close"), ("q", "close", "Close")]

    def __init__(self, group: str) -> None:
        super().__init__()
        self._group = group

    def compose(self) -> ComposeResult:
        groups = dict.fromkeys([self._group, EVERYWHERE, *ACTIONS])
        with Vertical(classes="dialog large"), VerticalScroll():
            yield Static(_GUIDE, markup=False)
            for group in groups:
                yield Static(_keys(group), classes="keys")

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()


def _keys(group: str) -> Content:
    lines = [Content.styled(group, "bold")]
    for action in ACTIONS[group]:
        lines.append(Content.styled(f"{key_label(action.keys):>16}  ", "$accent") + Content(action.help))
    return Content("\n").join(lines)

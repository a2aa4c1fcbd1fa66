"""Help: what every key does, and a short guide."""

from __future__ import annotations

from rich.table import Column, Table
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from lwtui.app.keymap import ACTIONS, EVERYWHERE, WRITING, actions, group_label, key_label
from lwtui.app.screens.base_screen import Dialog
from lwtui.translation import _


def _guide() -> str:
    """Return the guide with the user's keys."""
    labels = {a.name: key_label(a.keys.split(",")[0]) for group in (EVERYWHERE, WRITING) for a in actions(group)}
    return _(
        """\
A document is planned, then written section by section. Say what you want in New; the model proposes a plan; change \
it as you like; {write} writes. While the model writes you can read, edit any other section, change the plan of later \
ones, or pause and edit the sentence it was writing: it resumes from there.

Everything is in one .lw file, saved twice a second: a power cut costs you a second of work at most. \
Each section's history ({history}) has its old versions, also when the model rewrites it.

Lengths are words; in Chinese and Japanese, characters. Marks: ✓ done, ▶ being written, ◐ interrupted, ◔ too short, \
✗ refused by the model, · not begun, ↻ stale: something it is based on has changed since ({stale}).

In the text, {find} searches the whole document and {replace} replaces; Ctrl+Z undoes your edits, also in sections you \
edited before. {external} opens the section in your own editor. Settings ({settings}) has keys, themes and Vim mode.

Ctrl+P opens the palette: type a word of what you want to do. Ctrl+Q quits.""",
        **labels,
    )


class Keys(Static):
    """A table of the actions of a group: keys, label, help."""

    COMPONENT_CLASSES = {"keys--key"}

    def __init__(self, group: str) -> None:
        super().__init__()
        self._group = group

    def render(self) -> Table:
        key = self.get_component_rich_style("keys--key", partial=True)
        keys, label = Column(width=11, justify="right", style=key), Column(width=13, style="bold")
        table = Table.grid(keys, label, Column(overflow="fold"), padding=(0, 1))
        for action in actions(self._group):
            table.add_row(key_label(action.keys), action.label, action.help)
        return table


class HelpScreen(Dialog[None]):
    """The keys of the screen beneath, then the guide, then the keys of all other screens."""

    BINDINGS = [("q", "close", _("Close"))]

    def __init__(self, group: str) -> None:
        super().__init__()
        self._group = group

    def compose(self) -> ComposeResult:
        first = dict.fromkeys([self._group, EVERYWHERE])
        with VerticalScroll(classes="dialog large") as dialog:
            dialog.border_title = _("Help")
            dialog.border_subtitle = _("Esc closes")
            for group in first:
                yield Static(group_label(group), classes="group")
                yield Keys(group)
            yield Static(_("How it works"), classes="group")
            yield Static(_guide(), markup=False)
            for group in ACTIONS:
                if group not in first:
                    yield Static(group_label(group), classes="group")
                    yield Keys(group)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

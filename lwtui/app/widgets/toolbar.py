"""Buttons for the mouse, one for each action of a screen that asks for it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import HorizontalScroll
from textual.widgets import Button

from lwtui.app.keymap import ACTIONS


class Toolbar(HorizontalScroll, can_focus=False):
    """One row of buttons; a button runs the screen's action of its name."""

    def __init__(self, group: str) -> None:
        super().__init__()
        self._group = group

    def compose(self) -> ComposeResult:
        for action in ACTIONS[self._group]:
            if action.toolbar:
                button = Button(action.label, compact=True, action=f"screen.{action.name}", tooltip=action.help)
                button.can_focus = False  # every button has a key; Tab is for the fields
                yield button

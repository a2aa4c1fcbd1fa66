"""Buttons for the mouse, one for each action of a screen that asks for it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import HorizontalScroll
from textual.content import Content
from textual.widgets import Button

from lwtui.app.keymap import ACTIONS, Action, key_label


class Toolbar(HorizontalScroll, can_focus=False):
    """One row of buttons, each with its key; a button runs the screen's action of its name."""

    def __init__(self, group: str) -> None:
        super().__init__()
        self._group = group

    def compose(self) -> ComposeResult:
        for action in ACTIONS[self._group]:
            if action.toolbar:
                tooltip = f"{action.help} ({key_label(action.keys)})"
                button = Button(_label(action), compact=True, action=f"screen.{action.name}", tooltip=tooltip)
                button.styles.line_pad = 0  # which the style sheet does not take
                button.can_focus = False  # every button has a key; Tab is for the fields
                yield button


def _label(action: Action) -> Content:
    key = key_label(action.keys.split(",")[0])
    if len(key) > 1 or key == action.label:
        return Content(action.label)
    return Content.assemble((key, "bold $footer-key-foreground"), f" {action.label}")

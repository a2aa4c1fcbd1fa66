"""Buttons for the mouse, one for each action of a screen that asks for it."""

from __future__ import annotations

from textual.containers import HorizontalScroll
from textual.content import Content
from textual.widgets import Static

from lwtui.app.keymap import ACTIONS, Action, key_label


class Tool(Static):
    """A button of one line with the key that does the same. A click runs the screen's action of its name."""

    def __init__(self, action: Action) -> None:
        super().__init__(_label(action))
        self.action = action
        self.tooltip = f"{action.help} ({key_label(action.keys)})"

    async def on_click(self) -> None:
        await self.run_action(f"screen.{self.action.name}")


class Toolbar(HorizontalScroll, can_focus=False):
    """One row of tools. Tab passes it by: it is for the fields."""

    def __init__(self, group: str) -> None:
        super().__init__(*(Tool(action) for action in ACTIONS[group] if action.toolbar))


def _label(action: Action) -> Content:
    key = key_label(action.keys.split(",")[0])
    if len(key) > 1 or key == action.label:
        return Content(f" {action.label} ")
    return Content.assemble((key, "bold $footer-key-foreground"), f" {action.label}")

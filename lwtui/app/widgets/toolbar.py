"""A toolbar for the mouse, with a button for each action that the keymap marks for it."""

from __future__ import annotations

from collections.abc import Iterator

from textual.containers import HorizontalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import Static

from lwtui.app.keymap import Action, actions, key_label


class Tool(Static):
    """A button of one line that shows the action's key. A click runs the action on ``owner``, or on the screen."""

    def __init__(self, action: Action, owner: DOMNode | None = None) -> None:
        super().__init__(_label(action), id=f"tool-{action.name}")
        self.action = action
        self.owner = owner
        self.tooltip = f"{action.help} ({key_label(action.keys)})"

    def turn(self, on: bool) -> None:
        """Show whether what the button turns on and off is on, by a mark and a color."""
        self.set_class(on, "on")
        self.update(Content(f"{'✓' if on else ' '}{self.action.label} "))

    async def on_click(self) -> None:
        await self.app.run_action(self.action.name, self.owner or self.screen)


def tools(group: str, owner: DOMNode, *names: str) -> Iterator[Tool]:
    """Return buttons for some actions of a group. ``owner`` has their methods."""
    return (Tool(action, owner) for action in actions(group) if action.name in names)


class Toolbar(HorizontalScroll, can_focus=False):
    """A row of buttons. Tab skips it."""

    def __init__(self, group: str) -> None:
        super().__init__(*(Tool(action) for action in actions(group) if action.toolbar))


def _label(action: Action) -> Content:
    key = key_label(action.keys.split(",")[0])
    if len(key) > 1 or key == action.label:
        return Content(f" {action.label} ")
    return Content.assemble((key, "bold $footer-key-foreground"), f" {action.label}")

"""What all screens share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

from textual.screen import ModalScreen, Screen

from lwtui.app.keymap import EVERYWHERE

if TYPE_CHECKING:
    from lwtui.app.app import LwtuiApp

Answer = TypeVar("Answer")


class Base(Screen[None]):
    """A full screen. ``GROUP`` is its group of actions in :mod:`lwtui.app.keymap`."""

    GROUP = EVERYWHERE
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    AUTO_FOCUS = ""

    @property
    def lwtui(self) -> LwtuiApp:
        return cast("LwtuiApp", self.app)

    def say(self, text: str) -> None:
        """A short notice. The text may hold a model's words: it is never markup."""
        self.notify(text, markup=False)

    def complain(self, error: object) -> None:
        """What went wrong, longer on the screen."""
        self.notify(str(error), severity="error", timeout=12, markup=False)


class Dialog(ModalScreen[Answer | None], Generic[Answer]):
    """A small window over a screen; Esc closes it with no answer."""

    BINDINGS = [("escape", "close", "Cancel")]

    @property
    def lwtui(self) -> LwtuiApp:
        return cast("LwtuiApp", self.app)

    def action_close(self) -> None:
        self.dismiss(None)

"""What all screens share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

from textual.screen import ModalScreen, Screen

from lwtui.app.keymap import EVERYWHERE, rebind
from lwtui.text import clean

if TYPE_CHECKING:
    from lwtui.app.host import AppHost
    from lwtui.app.places import Place

Answer = TypeVar("Answer")


class BaseScreen(Screen[None]):
    """A full screen. ``GROUP`` is its group of actions in :mod:`lwtui.app.keymap`."""

    GROUP = EVERYWHERE
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (110, "-wide"), (170, "-huge")]
    AUTO_FOCUS = ""

    begin_at: Place | None = None  # where the screen is to begin, if it can

    def __init__(self) -> None:
        super().__init__()
        rebind(self, self.GROUP)

    @property
    def place(self) -> Place | None:
        """Where in the open document its writer is, on a screen that shows it."""
        return None

    @property
    def lwtui(self) -> AppHost:
        return cast("AppHost", self.app)

    def store(self) -> bool:
        """Put what a person has typed where it is kept; whether that worked. If not, the person is told.

        Called whenever the screen goes, whatever the reason.
        """
        return True

    def on_unmount(self) -> None:
        self.store()

    def say(self, text: str) -> None:
        """A short notice. The text may hold a model's words: it is never markup."""
        self.notify(clean(text), markup=False)

    def complain(self, error: object) -> None:
        """What went wrong, longer on the screen."""
        self.lwtui.complain(error)


class Dialog(ModalScreen[Answer | None], Generic[Answer]):
    """A small window over a screen; Esc closes it with no answer."""

    BINDINGS = [("escape", "close", "Cancel")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-tall")]

    @property
    def lwtui(self) -> AppHost:
        return cast("AppHost", self.app)

    def action_close(self) -> None:
        self.dismiss(None)

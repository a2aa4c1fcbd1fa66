"""What all screens share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

from textual.binding import ActiveBinding
from textual.keys import key_to_character
from textual.screen import ModalScreen, Screen
from textual.widgets import TextArea

from lwtui.app.keymap import EVERYWHERE, NO_KEY
from lwtui.translation import _

if TYPE_CHECKING:
    from lwtui.app.host import AppHost
    from lwtui.app.places import Place

Answer = TypeVar("Answer")


class BaseScreen(Screen[None]):
    """A full screen. ``GROUP`` is its group of actions in :mod:`lwtui.app.keymap`."""

    GROUP = EVERYWHERE
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (110, "-wide"), (170, "-huge")]
    AUTO_FOCUS = ""

    begin_at: Place | None = None  # the place to show first

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The bindings that a key can reach now; the footer shows them.

        Textual applies the user's keymap after it has dropped the letters that the focused field takes as text, so
        the keymap's own letters are dropped here. So is Enter in a text, which breaks the line there.
        """
        focused = self.focused
        dropped = {NO_KEY, "enter"} if isinstance(focused, TextArea) and not focused.read_only else {NO_KEY}
        return {
            key: active
            for key, active in super().active_bindings.items()
            if key not in dropped
            and (focused is None or active.node is focused or not focused.check_consume_key(key, key_to_character(key)))
        }

    @property
    def place(self) -> Place | None:
        """The user's place in the open document; ``None`` on screens that do not show it."""
        return None

    @property
    def lwtui(self) -> AppHost:
        """The app."""
        return cast("AppHost", self.app)

    def store(self) -> bool:
        """Store the user's edits. Returns whether that worked; if not, shows the error.

        Called whenever the screen closes, whatever the reason.
        """
        return True

    def on_unmount(self) -> None:
        self.store()

    def show_notice(self, text: str, *, code: str = "") -> None:
        """Show a short notice. ``code`` is its name in the log."""
        self.lwtui.show_notice(text, code=code)

    def show_error(self, error: object, *, code: str = "") -> None:
        """Show an error for longer than other notices. ``code`` is the name of an error that is only a text."""
        self.lwtui.show_error(error, code=code)


class Dialog(ModalScreen[Answer | None], Generic[Answer]):
    """A small window over a screen. Esc closes it without an answer."""

    BINDINGS = [("escape", "close", _("Cancel"))]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-tall")]

    @property
    def lwtui(self) -> AppHost:
        """The app."""
        return cast("AppHost", self.app)

    def action_close(self) -> None:
        """Close the dialog without an answer."""
        self.dismiss(None)

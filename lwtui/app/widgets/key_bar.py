"""The footer with the keys of the screen."""

from __future__ import annotations

from textual.screen import Screen
from textual.widgets import Footer


class KeyBar(Footer):
    """Textual's footer rebuilds itself at every change of focus; this one only when its keys change."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._shown: list[tuple[str, str, bool]] | None = None

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Rebuild the footer if it would show other keys."""
        shown = [
            (active.binding.key, active.binding.description, active.enabled)
            for active in screen.active_bindings.values()
            if active.binding.show
        ]
        if screen is self.screen and screen.app.app_focus and shown != self._shown:
            self._shown = shown
            super().bindings_changed(screen)

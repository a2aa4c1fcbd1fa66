"""The command palette: every action of the screen beneath it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from lwtui.app.keymap import EVERYWHERE, Action, actions, key_label
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.translation import _

_QUIT = Action("quit", "ctrl+q", "Quit", "Quit lwtui; everything is saved")  # Textual's own, in any app


class Actions(Provider):
    """Offers every action that the keymap has for the screen."""

    def _actions(self) -> Iterator[tuple[Action, str]]:
        screen = self.screen
        if isinstance(screen, BaseScreen):
            for action in actions(screen.GROUP):
                if screen.check_action(action.name, ()):
                    yield action, f"screen.{action.name}"
        for action in actions(EVERYWHERE):
            yield action, f"app.{action.name}"
        yield _QUIT, "app.quit"

    async def discover(self) -> Hits:
        """Yield all actions."""
        for action, call in self._actions():
            yield DiscoveryHit(_title(action), partial(self.app.run_action, call), help=action.help)

    async def search(self, query: str) -> Hits:
        """Yield the actions whose label or help matches ``query``."""
        matcher = self.matcher(query)
        for action, call in self._actions():
            score = max(matcher.match(action.label), matcher.match(action.help))
            if score > 0:
                title = matcher.highlight(_title(action))
                yield Hit(score, title, partial(self.app.run_action, call), help=action.help)


class Exports(Provider):
    """Offers each export format by name, on screens that can export."""

    async def search(self, query: str) -> Hits:
        """Yield the formats whose name matches ``query``."""
        screen = self.screen
        if not isinstance(screen, BaseScreen) or all(action.name != "export" for action in actions(screen.GROUP)):
            return
        from lwtui.app.screens.export import NAMES

        matcher = self.matcher(query)
        for to, name in NAMES.items():
            title = _("Export as {name} (.{suffix})", name=name, suffix=to)
            if (score := matcher.match(title)) > 0:
                call = partial(self.app.run_action, f"screen.export('{to}')")
                yield Hit(
                    score, matcher.highlight(title), call, help=_("Choose title page, contents and file, then export")
                )


def _title(action: Action) -> str:
    return f"{action.label} ({key_label(action.keys)})"

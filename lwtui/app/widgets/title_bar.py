"""The first line of a screen: where one is and, at the right, what with."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal

from lwtui.app.widgets.line import Line


class TitleBar(Horizontal):
    def __init__(self, title: str = "") -> None:
        super().__init__()
        self._title = Line(title, id="title")
        self._aside = Line(id="aside")

    def compose(self) -> ComposeResult:
        yield Line("lwtui", id="brand")
        yield self._title
        yield self._aside

    def say(self, title: str, aside: str = "") -> None:
        self._title.say(title)
        self._aside.say(aside)

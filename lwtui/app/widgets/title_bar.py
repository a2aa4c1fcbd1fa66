"""The first line of a screen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal

from lwtui.app.widgets.line import Line


class TitleBar(Horizontal):
    """The title of the screen and, at the right, a download in progress and the model."""

    def __init__(self, title: str = "") -> None:
        super().__init__()
        self._title = Line(title, id="title")
        self._download = Line(id="download-status")
        self._aside = Line(id="aside")

    def compose(self) -> ComposeResult:
        yield Line("lwtui", id="brand")
        yield self._title
        yield self._download
        yield self._aside

    def on_mount(self) -> None:
        self.watch(self.app, "download_status", self._download.set_text)

    def set_text(self, title: str, aside: str = "") -> None:
        """Show a title, and ``aside`` at the right."""
        self._title.set_text(title)
        self._aside.set_text(aside)

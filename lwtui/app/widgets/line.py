"""A line of text that costs nothing while it stays the same."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from lwtui.text import clean


class Line(Static):
    """Plain text, or styled content; never markup. Only one of automatic size has the screen laid out anew."""

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(clean(text), id=id, classes=classes, markup=False)
        self._said: str | Content = text

    def say(self, text: str | Content) -> None:
        if text != self._said:
            self._said = text
            self.update(clean(text) if isinstance(text, str) else text, layout=self.styles.auto_dimensions)

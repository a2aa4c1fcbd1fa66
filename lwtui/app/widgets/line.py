"""A line of text that is redrawn only when it changes."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from lwtui.text import clean


class Line(Static):
    """Plain text or styled content, never markup. A change causes a new layout only if the size is automatic."""

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(clean(text), id=id, classes=classes, markup=False)
        self._shown: str | Content = text

    def set_text(self, text: str | Content) -> None:
        """Show ``text``."""
        if text != self._shown:
            self._shown = text
            self.update(clean(text) if isinstance(text, str) else text, layout=self.styles.auto_dimensions)

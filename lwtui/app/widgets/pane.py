"""The titles in the border of a pane."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget


def label(pane: Widget, title: str, subtitle: str = "") -> None:
    """Set the texts in the upper and the lower border, which are never markup; redraw only if one has changed."""
    for name, text in (("border_title", title), ("border_subtitle", subtitle)):
        content = Content(text)
        if (getattr(pane, name) or "") != content.markup:
            setattr(pane, name, content)

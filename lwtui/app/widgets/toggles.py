"""Check boxes and radio buttons that show their state by shape, not only by color."""

from __future__ import annotations

from textual.content import Content
from textual.style import Style
from textual.widgets import Checkbox, RadioButton


class Box(Checkbox):
    """A check box: ``[x]`` or ``[ ]``."""

    @property
    def _button(self) -> Content:
        return _shown("[x]" if self.value else "[ ]", self.get_visual_style("toggle--button"))


class ToggleOption(RadioButton):
    """A radio button: ``(•)`` or ``( )``."""

    @property
    def _button(self) -> Content:
        return _shown("(•)" if self.value else "( )", self.get_visual_style("toggle--button"))


def _shown(mark: str, style: Style) -> Content:
    return Content.styled(mark, style)

"""Shows what differs between two documents."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import TextArea

from lwtui.app.screens.base_screen import Dialog
from lwtui.documents.comparison import ComparedSection, comparison_lines
from lwtui.translation import _


class ComparisonScreen(Dialog[None]):
    """The comparison, its summary first."""

    def __init__(self, heading: str, compared: Sequence[ComparedSection]) -> None:
        super().__init__()
        self._heading = heading
        self._compared = compared

    def compose(self) -> ComposeResult:
        *lines, summary = comparison_lines(self._compared)
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = self._heading
            removed, added, close = _("removed"), _("added"), _("Esc closes")
            dialog.border_subtitle = f"[-{removed}-] {{+{added}+}} · {close}"
            yield TextArea("\n".join([summary, "", *lines]), read_only=True, id="lines", show_cursor=False)

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()

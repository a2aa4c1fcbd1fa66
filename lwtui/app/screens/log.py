"""Shows the log of all runs since the document was opened."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import TextArea

from lwtui.app.format import clock
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.session import Session
from lwtui.translation import _


class LogScreen(Dialog[None]):
    """The session's log, newest last."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def compose(self) -> ComposeResult:
        lines = [f"{clock(moment)}  {line}" for moment, line in self._session.log]
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = _("Log")
            dialog.border_subtitle = _("Esc closes")
            yield TextArea(
                "\n".join(lines) or _("Nothing yet."), read_only=True, id="lines", soft_wrap=True, show_cursor=False
            )

    def on_mount(self) -> None:
        lines = self.query_one(TextArea)
        lines.scroll_end(animate=False)
        lines.focus()

"""What happened in the runs since the document was opened."""

from __future__ import annotations

from time import localtime, strftime

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static, TextArea

from lwtui.app.screens.base import Dialog
from lwtui.app.session import Session


class LogScreen(Dialog[None]):
    """The session's log, newest last."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def compose(self) -> ComposeResult:
        lines = [f"{strftime('%H:%M:%S', localtime(moment))}  {line}" for moment, line in self._session.log]
        with Vertical(classes="dialog large"):
            yield Static("What happened", classes="dialog-title")
            yield TextArea("\n".join(lines) or "Nothing yet.", read_only=True, id="lines")
            yield Static("Esc closes.", classes="hint")

    def on_mount(self) -> None:
        lines = self.query_one(TextArea)
        lines.move_cursor(lines.document.end)

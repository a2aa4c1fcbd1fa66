"""Every version of a section: to look at, and to bring back."""

from __future__ import annotations

from datetime import datetime

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import TextArea

from lwtui.app.format import number
from lwtui.app.screens.base import Dialog
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.documents.model import Origin, Revision
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError

_ORIGINS = {Origin.MODEL: "model", Origin.USER: "by hand", Origin.IMPORT: "import"}


class HistoryScreen(Dialog[bool]):
    """Answers true if an old version was brought back."""

    BINDINGS = [Binding("enter,r", "restore", "Bring back"), Binding("escape", "close", "Close")]
    AUTO_FOCUS = "RowList"

    def __init__(self, document: Document, section_id: str) -> None:
        """Raises :class:`lwtui.errors.DocumentError` if the versions cannot be read."""
        super().__init__()
        self._document = document
        self._revisions = {str(one.id): one for one in document.revisions(section_id)}
        self._section = document.section(section_id).title or "the text"
        self._list = RowList(
            Column("When", 16),
            Column("By"),
            Column("Words", 6, right=True),
            header=True,
            hint="Nothing has been written here yet.",
        )
        self._version = TextArea(read_only=True, id="version", soft_wrap=True, show_cursor=False)
        self._origin = Line(id="origin")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = Content(f"History of {self._section}")
            with Horizontal():
                yield self._list
                yield self._version
            yield self._origin
            yield KeyBar()

    def on_mount(self) -> None:
        rows = [Row(key, (_when(one.created), _who(one), number(one.length))) for key, one in self._revisions.items()]
        self._list.show(rows)

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        revision = self._revisions[event.key]
        self._version.load_text(revision.text)
        self._version.refresh()  # as the section's editor does, and for the same reason
        self._origin.say(_origin(revision))

    def on_row_list_chosen(self) -> None:
        self.action_restore()

    def action_restore(self) -> None:
        key = self._list.key
        if key is None:
            return
        try:
            self._document.restore(int(key))
        except LwtuiError as error:
            self.lwtui.complain(error)
            return
        self.dismiss(True)


def _when(moment: float) -> str:
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M")


def _who(revision: Revision) -> str:
    return revision.provenance.model if revision.provenance else _ORIGINS[revision.origin]


def _origin(revision: Revision) -> str:
    if revision.provenance is None:
        return f"Written {_ORIGINS[revision.origin]}. Enter brings this version back."
    told = [f"{name} {value}" for name, value in revision.provenance.sampling.items()]
    if revision.provenance.seed is not None:
        told.append(f"seed {revision.provenance.seed}")
    if revision.usage.completion:
        told.append(f"{number(revision.usage.prompt)} + {number(revision.usage.completion)} tokens")
    return f"Written by {revision.provenance.model}: {', '.join(told) or 'no settings'}. Enter brings it back."

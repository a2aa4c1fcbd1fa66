"""Every version of a section: to look at, to compare with another, and to bring back, whole or in part."""

from __future__ import annotations

from datetime import datetime

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import TextArea

from lwtui.app.format import number
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.documents.model import Origin, Revision
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError

_ORIGINS = {Origin.MODEL: "model", Origin.USER: "by hand", Origin.IMPORT: "import"}


class HistoryScreen(Dialog[bool]):
    """Answers true if an old version was brought back."""

    BINDINGS = [
        Binding("enter,r", "restore", "Bring back"),
        Binding("d", "compare", "Compare"),
        Binding("space", "mark", "Mark"),
        Binding("escape", "close", "Close"),
    ]
    AUTO_FOCUS = "RowList"

    def __init__(self, document: Document, section_id: str) -> None:
        """Raises :class:`lwtui.errors.DocumentError` if the versions cannot be read."""
        super().__init__()
        self._document = document
        self._section_id = section_id
        self._revisions = {str(one.id): one for one in document.revisions(section_id)}
        self._present = document.revision_id(section_id)
        self._marked: str | None = None  # what others are compared with; else it is the present text
        self._section = document.section(section_id).title or "the text"
        self._list = RowList(
            Column("", 1),
            Column("When", 14),
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
        self._draw()

    def _draw(self) -> None:
        self._list.show(
            [
                Row(key, (self._mark(key), _when(one.created), _who(one), number(one.length)))
                for key, one in self._revisions.items()
            ]
        )

    def _mark(self, key: str) -> str:
        if key == self._marked:
            return "◆"
        return "●" if int(key) == self._present else ""

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        revision = self._revisions[event.key]
        self._version.load_text(revision.text)
        self._version.refresh()  # as the section's editor does, and for the same reason
        self._origin.say(_origin(revision))

    def on_row_list_chosen(self) -> None:
        self.action_restore()

    def action_mark(self) -> None:
        """Compare the others with this version; the same again compares them with the present text."""
        self._marked = None if self._marked == self._list.key else self._list.key
        self._draw()

    @work
    async def action_compare(self) -> None:
        """Show what the version under the cursor changes in the marked one, or in the present text.

        Of the latter, what differs can be taken one by one.
        """
        from lwtui.app.screens.diff import DiffScreen, told

        key = self._list.key
        if key is None:
            return
        other, now = self._revisions[key], self._document.section(self._section_id)
        decides = self._marked is None and not self._document.read_only
        old = self._revisions[self._marked].text if self._marked else now.text
        against = "the marked version" if self._marked else "the text now"
        title = f"{self._section}: {against} against the one of {_when(other.created)}, {_who(other)}"
        decided = await self.app.push_screen_wait(DiffScreen(title, old, other.text, decides=decides))
        if decided is None or not decided.taken:
            return
        try:
            self._put_in(decided.text, now.text, other)
        except LwtuiError as error:
            self.lwtui.complain(error)
            return
        self.app.notify(told(decided, self._section), markup=False)
        self.dismiss(True)

    def _put_in(self, text: str, before: str, source: Revision) -> None:
        if self._document.section(self._section_id).text != before:
            raise LwtuiError("The section has changed meanwhile, so nothing was put in. Compare again.")
        if source.provenance is None:
            self._document.edit(self._section_id, text)
        else:
            self._document.take_answer(self._section_id, text, source.provenance)

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
    """To the second, with the year only where it is another than this one."""
    when = datetime.fromtimestamp(moment)
    return when.strftime("%m-%d %H:%M:%S" if when.year == datetime.now().year else "%Y-%m-%d")


def _in_full(moment: float) -> str:
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M:%S")


def _who(revision: Revision) -> str:
    """What for, which matters most where there is little room, and who."""
    made = revision.provenance
    if made is None:
        return _ORIGINS[revision.origin]
    return f"{made.task} · {made.model}" if made.task else made.model


def _origin(revision: Revision) -> str:
    when = _in_full(revision.created)
    if revision.provenance is None:
        return f"Written {_ORIGINS[revision.origin]}, {when}. Enter brings this version back."
    told = [f"{name} {value}" for name, value in revision.provenance.sampling.items()]
    if revision.provenance.seed is not None:
        told.append(f"seed {revision.provenance.seed}")
    if revision.usage.completion:
        told.append(f"{number(revision.usage.prompt)} + {number(revision.usage.completion)} tokens")
    task = f" ({revision.provenance.task})" if revision.provenance.task else ""
    by = f"{revision.provenance.model}{task}"
    return f"Written by {by}: {', '.join(told) or 'no settings'}; {when}. Enter brings it back, d compares it."

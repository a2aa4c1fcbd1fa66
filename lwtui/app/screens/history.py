"""Shows all versions of a section, compares them, and restores one in whole or in part."""

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
    """Answers true if the section's text was changed."""

    BINDINGS = [
        Binding("enter,r", "restore", "Restore"),
        Binding("d", "compare", "Compare"),
        Binding("space", "mark", "Mark"),
        Binding("escape", "close", "Close"),
    ]
    AUTO_FOCUS = "RowList"

    def __init__(self, document: Document, section_id: str) -> None:
        """Read the versions of a section. Raises :class:`DocumentError` if they cannot be read."""
        super().__init__()
        self._document = document
        self._section_id = section_id
        self._revisions = {str(revision.id): revision for revision in document.revisions(section_id)}
        self._current = document.revision_id(section_id)
        self._marked: str | None = None  # the version to compare others with; without one, the current text
        self._section = document.section(section_id).title or "the text"
        self._list = RowList(
            Column("", 1),
            Column("When", 14),
            Column("By"),
            Column("Words", 6, right=True),
            header=True,
            hint="This section has no text yet.",
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
                Row(key, (self._mark(key), _when(version.created), _author(version), number(version.length)))
                for key, version in self._revisions.items()
            ]
        )

    def _mark(self, key: str) -> str:
        if key == self._marked:
            return "◆"
        return "●" if int(key) == self._current else ""

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        revision = self._revisions[event.key]
        self._version.load_text(revision.text)
        self._version.refresh()  # a text of the same size is not redrawn by itself
        self._origin.set_text(_origin(revision))

    def on_row_list_chosen(self) -> None:
        self.action_restore()

    def action_mark(self) -> None:
        """Mark the version under the cursor to compare others with, or unmark it."""
        self._marked = None if self._marked == self._list.key else self._list.key
        self._draw()

    @work
    async def action_compare(self) -> None:
        """Compare the marked version, or the current text, with the version under the cursor.

        Changes to the current text can be taken one by one.
        """
        from lwtui.app.screens.diff import DiffScreen, summarize

        key = self._list.key
        if key is None:
            return
        version, section = self._revisions[key], self._document.section(self._section_id)
        decides = self._marked is None and not self._document.read_only
        old = self._revisions[self._marked].text if self._marked else section.text
        base = "marked version" if self._marked else "current text"
        title = f"{self._section}: {base} → version of {_when(version.created)}, {_author(version)}"
        result = await self.app.push_screen_wait(DiffScreen(title, old, version.text, decides=decides))
        if result is None or not result.taken:
            return
        try:
            self._apply(result.text, section.text, version)
        except LwtuiError as error:
            self.lwtui.show_error(error)
            return
        self.lwtui.show_notice(summarize(result, self._section), code="revised")
        self.dismiss(True)

    def _apply(self, text: str, before: str, source: Revision) -> None:
        if self._document.section(self._section_id).text != before:
            raise LwtuiError(
                "The section has changed meanwhile, so its text was kept. Compare again.", code="section-changed"
            )
        if source.provenance is None:
            self._document.edit(self._section_id, text)
        else:
            self._document.apply_answer(self._section_id, text, source.provenance)

    def action_restore(self) -> None:
        """Make the version under the cursor the section's text, and close."""
        key = self._list.key
        if key is None:
            return
        try:
            self._document.restore(int(key))
        except LwtuiError as error:
            self.lwtui.show_error(error)
            return
        self.dismiss(True)


def _when(moment: float) -> str:
    """Format a time to the second, or only its date if it is not in this year."""
    when = datetime.fromtimestamp(moment)
    return when.strftime("%m-%d %H:%M:%S" if when.year == datetime.now().year else "%Y-%m-%d")


def _in_full(moment: float) -> str:
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M:%S")


def _author(revision: Revision) -> str:
    """Return the task and the model of a version; the task comes first, since the column may be narrow."""
    provenance = revision.provenance
    if provenance is None:
        return _ORIGINS[revision.origin]
    return f"{provenance.task} · {provenance.model}" if provenance.task else provenance.model


def _origin(revision: Revision) -> str:
    when = _in_full(revision.created)
    if revision.provenance is None:
        return f"Written {_ORIGINS[revision.origin]}, {when}. Enter restores this version."
    settings = [f"{name} {value}" for name, value in revision.provenance.sampling.items()]
    if revision.provenance.seed is not None:
        settings.append(f"seed {revision.provenance.seed}")
    if revision.usage.completion:
        prompt, completion = number(revision.usage.prompt), number(revision.usage.completion)
        settings.append(f"{prompt} input + {completion} output tokens")
    task = f" ({revision.provenance.task})" if revision.provenance.task else ""
    author = f"{revision.provenance.model}{task}"
    return f"Written by {author}: {', '.join(settings) or 'no settings'}; {when}. Enter restores it, d compares it."

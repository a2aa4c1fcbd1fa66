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
from lwtui.app.task_names import task_name
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.documents.model import Origin, Revision
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.translation import _, listed

_ORIGINS = {Origin.MODEL: _("model"), Origin.USER: _("by hand"), Origin.IMPORT: _("import")}


class HistoryScreen(Dialog[bool]):
    """Answers true if the section's text was changed."""

    BINDINGS = [
        Binding("enter,r", "restore", _("Restore")),
        Binding("d", "compare", _("Compare")),
        Binding("space", "mark", _("Mark")),
        Binding("escape", "close", _("Close")),
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
        self._section = document.section(section_id).title or _("the text")
        self._list = RowList(
            Column("", 1),
            Column(_("When"), 14),
            Column(_("By")),
            Column(_("Words"), 6, right=True),
            header=True,
            hint=_("This section has no text yet."),
        )
        self._version = TextArea(read_only=True, id="version", soft_wrap=True, show_cursor=False)
        self._origin = Line(id="origin")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = Content(_("History of {section}", section=self._section))
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

        Changes to the current text can be accepted one by one.
        """
        from lwtui.app.screens.diff import DiffScreen, summarize

        key = self._list.key
        if key is None:
            return
        version, section = self._revisions[key], self._document.section(self._section_id)
        decides = self._marked is None and not self._document.read_only
        old = self._revisions[self._marked].text if self._marked else section.text
        names = {"section": self._section, "when": _when(version.created), "author": _author(version)}
        title = _("{section}: current text → version of {when}, {author}", **names)
        if self._marked:
            title = _("{section}: marked version → version of {when}, {author}", **names)
        result = await self.app.push_screen_wait(DiffScreen(title, old, version.text, decides=decides))
        if result is None or not result.accepted:
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
                _("The section has changed meanwhile, so its text was kept. Compare again."), code="section-changed"
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
    return f"{task_name(provenance.task)} · {provenance.model}" if provenance.task else provenance.model


def _origin(revision: Revision) -> str:
    when = _in_full(revision.created)
    if revision.provenance is None:
        how = _ORIGINS[revision.origin]
        return _("Written {how}, {when}. Enter restores this version.", how=how, when=when)
    settings = [f"{name} {value}" for name, value in revision.provenance.sampling.items()]
    if revision.provenance.seed is not None:
        settings.append(_("seed {seed}", seed=revision.provenance.seed))
    if revision.usage.completion:
        given, made = number(revision.usage.prompt), number(revision.usage.completion)
        settings.append(_("{input} input + {output} output tokens", input=given, output=made))
    author = revision.provenance.model
    if revision.provenance.task:
        author = _("{model} ({task})", model=author, task=task_name(revision.provenance.task))
    shown = listed(settings) or _("no settings")
    return _(
        "Written by {author}: {settings}; {when}. Enter restores it, d compares it.",
        author=author,
        settings=shown,
        when=when,
    )

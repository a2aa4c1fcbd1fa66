"""A window with passages of sources: those of one source, those that a search found, or the one behind a citation."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content

from lwtui.app.screens.base_screen import Dialog
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.sources.model import FoundPassage
from lwtui.text import one_line
from lwtui.translation import _


class PassagesDialog(Dialog[None]):
    """Lists passages, and shows the one under the cursor in full."""

    BINDINGS = [Binding("escape,enter", "close", _("Close"))]
    AUTO_FOCUS = "RowList"

    def __init__(self, title: str, found: Sequence[FoundPassage], select: int | None = None, hint: str = "") -> None:
        """Create the window.

        Args:
            title: What the passages are.
            found: The passages.
            select: The id of the passage under the cursor at first.
            hint: A line below them.
        """
        super().__init__()
        self._title = title
        self._found = {str(one.passage.id): one for one in found}
        self._select = None if select is None else str(select)
        self._list = RowList(
            Column(_("Source"), 16),
            Column(_("Where"), 7, right=True),
            Column(_("Text")),
            header=True,
            hint=_("This source has no passages."),
        )
        self._text = Line(id="quotes")
        self._hint = Line(hint, id="decided")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = one_line(self._title)
            yield self._list
            with VerticalScroll(can_focus=False):
                yield self._text
            yield self._hint
            yield KeyBar()

    def on_mount(self) -> None:
        rows = [Row(key, (one.source.key, _where(one), one_line(one.passage.text))) for key, one in self._found.items()]
        self._list.show(rows, self._select)
        self._show_text()

    def on_row_list_moved(self) -> None:
        self._show_text()

    def on_row_list_chosen(self) -> None:
        self.action_close()

    def _show_text(self) -> None:
        one = self._found.get(self._list.key or "")
        if one is None:
            self._text.set_text("")
            return
        heading = f"{one.source.title}, {_where_in_full(one)}\n\n"
        self._text.set_text(Content.assemble((heading, "bold"), one.passage.text))


def _where(found: FoundPassage) -> str:
    return _("p. {page}", page=found.passage.page) if found.passage.page is not None else f"{found.passage.number:,}"


def _where_in_full(found: FoundPassage) -> str:
    passage = found.passage
    return (
        _("page {page}", page=passage.page)
        if passage.page is not None
        else _("passage {number:,}", number=passage.number)
    )

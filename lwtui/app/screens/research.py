"""Two windows for research: the queries, which can be changed, and the results, of which some become sources."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static, TextArea

from lwtui.app.screens.base_screen import Dialog
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.sources.research.results import SearchResult, tidy_queries
from lwtui.translation import _, _n, sentences


class QueriesDialog(Dialog[list[str]]):
    """Shows the queries, one a line, to be changed and sent."""

    BINDINGS = [
        Binding("escape", "close", _("Cancel")),
        Binding("f5,ctrl+s", "search", _("Search"), priority=True),
    ]
    AUTO_FOCUS = "TextArea"

    def __init__(self, queries: Sequence[str], tool: str) -> None:
        """Create the window; ``tool`` says where the queries go."""
        super().__init__()
        self._tool = tool
        self._text = TextArea("\n".join(queries), tab_behavior="focus", compact=True)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = _("Queries, one a line")
            yield self._text
            yield Static(_("{tool} gets them.", tool=self._tool), classes="hint", markup=False)
            yield KeyBar()

    def action_search(self) -> None:
        """Answer with the queries."""
        self.dismiss(tidy_queries(self._text.text.split("\n")) or None)


class ResultsDialog(Dialog[list[SearchResult]]):
    """Lists what was found. Space chooses a page, and Enter takes those that are chosen."""

    BINDINGS = [
        Binding("escape", "close", _("Cancel")),
        Binding("space", "choose", _("Choose"), priority=True),
        Binding("a", "all", _("All or none")),
        Binding("enter,f5", "take", _("Read them"), priority=True),
    ]
    AUTO_FOCUS = "RowList"

    def __init__(self, results: Sequence[SearchResult], problems: Sequence[str] = ()) -> None:
        """Create the window; ``problems`` are told below the list."""
        super().__init__()
        self._results = {str(number): result for number, result in enumerate(results)}
        self._chosen: set[str] = set()
        self._problems = problems
        columns = (Column("", 1, tint=True), Column(_("Title")), Column(_("Where"), 24, needs=70))
        self._list = RowList(*columns, header=True)
        self._about = Line(id="quotes")
        self._hint = Line(id="decided")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = _n("{count} page found", "{count} pages found", len(self._results))
            yield self._list
            with VerticalScroll(can_focus=False):
                yield self._about
            yield self._hint
            yield KeyBar()

    def on_mount(self) -> None:
        self._draw()

    def _draw(self) -> None:
        rows = [
            Row(
                key,
                ("✓" if key in self._chosen else "", result.title, result.address.partition("://")[2]),
                "done" if key in self._chosen else "",
            )
            for key, result in self._results.items()
        ]
        self._list.show(rows, self._list.key)
        self._show_about()
        hint = sentences(*self._problems) or _("Space chooses a page to become a source.")
        if chosen := len(self._chosen):
            hint = _n("{count} page will become a source.", "{count} pages will become sources.", chosen)
        self._hint.set_text(hint)

    def on_row_list_moved(self) -> None:
        self._show_about()

    def _show_about(self) -> None:
        result = self._results.get(self._list.key or "")
        if result is not None:
            lines = ((f"{result.title}\n", "bold"), f"{result.address}\n", result.excerpt)
            self._about.set_text(Content.assemble(*lines))

    def action_choose(self) -> None:
        """Choose the page under the cursor, or no longer."""
        if (key := self._list.key) is not None:
            self._chosen ^= {key}
            self._draw()

    def action_all(self) -> None:
        """Choose all pages, or none."""
        self._chosen = set() if len(self._chosen) == len(self._results) else set(self._results)
        self._draw()

    def on_row_list_chosen(self) -> None:
        self.action_take()

    def action_take(self) -> None:
        """Answer with the chosen pages."""
        chosen = [result for key, result in self._results.items() if key in self._chosen]
        if chosen:
            self.dismiss(chosen)

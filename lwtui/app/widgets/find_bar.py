"""The bar for find and replace: a line for the query and one for the replacement."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Label

from lwtui.app.keymap import FIND, actions, bindings, key_label
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.toolbar import Tool, tools
from lwtui.documents.search import Query
from lwtui.translation import _

_QUIET_SECONDS = 0.015  # without a key before the document is searched


class FindBar(Vertical):
    """The fields and buttons of find and replace. The screen does the searching."""

    BINDINGS = bindings(FIND)

    class QueryChanged(Message):
        """:attr:`FindBar.query_now` has changed."""

    class Stepped(Message):
        """The user wants the next or the previous match."""

        def __init__(self, forward: bool) -> None:
            super().__init__()
            self.forward = forward

    class Replaced(Message):
        """The user wants to replace matches.

        Attributes:
            scope: ``one`` for the selected match, ``section`` or ``all``.
        """

        def __init__(self, scope: str) -> None:
            super().__init__()
            self.scope = scope

    class Closed(Message):
        """The user closes the bar."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._timer: Timer | None = None
        self._query = Query("")
        self._find = Input(placeholder=_keys("next", "previous"), id="find", compact=True, select_on_focus=True)
        self._replace = Input(
            placeholder=_keys("one", "section", "all"), id="replace", compact=True, select_on_focus=True
        )
        self._result = Line(id="found")

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label(_("Find"))
            yield self._find
            yield self._result
            yield from tools(FIND, self, "case", "word", "expression")
        with Horizontal():
            yield Label(_("Replace with"))
            yield self._replace
            yield from tools(FIND, self, "one", "section", "all")

    def on_mount(self) -> None:
        self.display = False

    # -- for the screen

    @property
    def query_now(self) -> Query:
        """The query in the bar."""
        return Query(self._find.value, self._query.case, self._query.word, self._query.expression)

    @property
    def by(self) -> str:
        """The replacement."""
        return self._replace.value

    def open(self, text: str, *, replace: bool) -> None:
        """Show the bar and focus a field.

        Args:
            text: The query; empty to keep the last one.
            replace: Whether to focus the replacement once there is a query.
        """
        self.display = True
        if text:
            self._find.value = text
        (self._replace if replace and self._find.value else self._find).focus()

    def close(self) -> None:
        """Hide the bar."""
        self.display = False

    def set_text(self, text: str, *, error: bool = False) -> None:
        """Show ``3 of 12``, or what is wrong with the query."""
        self._result.set_class(error, "error")
        self._result.set_text(text)

    # -- from the user

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input is self._find:
            self._search_soon()

    def _search_soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_QUIET_SECONDS, self._search)

    def _search(self) -> None:
        self.post_message(self.QueryChanged())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input is self._find:
            self.action_next()
        else:
            self.action_one()

    def on_key(self, event: events.Key) -> None:
        """Step with the arrow keys, which single-line fields do not use."""
        if event.key in ("up", "down"):
            event.stop()
            self.post_message(self.Stepped(event.key == "down"))

    def action_next(self) -> None:
        """Go to the next match."""
        self.post_message(self.Stepped(True))

    def action_previous(self) -> None:
        """Go to the previous match."""
        self.post_message(self.Stepped(False))

    def action_one(self) -> None:
        """Replace the selected match. The key that opens the bar to replace goes to an empty replacement first."""
        if self._find.has_focus and not self._replace.value:
            self._replace.focus()
            return
        self.post_message(self.Replaced("one"))

    def action_section(self) -> None:
        """Replace all matches in the section."""
        self.post_message(self.Replaced("section"))

    def action_all(self) -> None:
        """Replace all matches in the document."""
        self.post_message(self.Replaced("all"))

    def action_close(self) -> None:
        """Close the bar."""
        self.post_message(self.Closed())

    def action_case(self) -> None:
        """Turn case sensitivity on or off."""
        self._turn(Query("", not self._query.case, self._query.word, self._query.expression))

    def action_word(self) -> None:
        """Turn matching of whole words on or off."""
        self._turn(Query("", self._query.case, not self._query.word, self._query.expression))

    def action_expression(self) -> None:
        """Turn regular expressions on or off."""
        self._turn(Query("", self._query.case, self._query.word, not self._query.expression))

    def _turn(self, query: Query) -> None:
        self._query = query
        for name, on in (("case", query.case), ("word", query.word), ("expression", query.expression)):
            self.query_one(f"#tool-{name}", Tool).turn(on)
        self._search()


def _keys(*names: str) -> str:
    """Describe some keys, as the hint of an empty field."""
    shown = {action.name: f"{key_label(action.keys)} {action.label.lower()}" for action in actions(FIND)}
    return "  ".join(shown[name] for name in names)

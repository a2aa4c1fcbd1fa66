"""The two lines in which one says what to find and what to put in its place."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Label

from lwtui.app.keymap import FIND, actions, bindings, key_label, rebind
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.toolbar import tools
from lwtui.documents.search import Query

_QUIET_SECONDS = 0.015  # after the last key, before the document is searched


class FindBar(Vertical):
    """Says what to look for; the screen looks."""

    BINDINGS = bindings(FIND)

    class Asked(Message):
        """There is another :attr:`FindBar.query_now`."""

    class Stepped(Message):
        """To the next match, or to the one before."""

        def __init__(self, forward: bool) -> None:
            super().__init__()
            self.forward = forward

    class Replaced(Message):
        """Replace ``where``: ``one``, ``section`` or ``all``."""

        def __init__(self, where: str) -> None:
            super().__init__()
            self.where = where

    class Closed(Message):
        """Back to the text."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        rebind(self, FIND)
        self._timer: Timer | None = None
        self._query = Query("")
        self._find = Input(placeholder=_keys("next", "previous"), id="find", compact=True, select_on_focus=True)
        self._replace = Input(
            placeholder=_keys("one", "section", "all"), id="replace", compact=True, select_on_focus=True
        )
        self._told = Line(id="found")

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label("Find")
            yield self._find
            yield self._told
            yield from tools(FIND, self, "case", "word", "expression")
        with Horizontal():
            yield Label("Replace by")
            yield self._replace
            yield from tools(FIND, self, "one", "section", "all")

    def on_mount(self) -> None:
        self.display = False

    # -- for the screen

    @property
    def query_now(self) -> Query:
        return Query(self._find.value, self._query.case, self._query.word, self._query.expression)

    @property
    def by(self) -> str:
        """What to put in the place of a match."""
        return self._replace.value

    def open(self, text: str, *, replace: bool) -> None:
        """Show the bar, with ``text`` to look for where there is some."""
        self.display = True
        if text:
            self._find.value = text
        (self._replace if replace and self._find.value else self._find).focus()

    def close(self) -> None:
        self.display = False

    def say(self, text: str, *, error: bool = False) -> None:
        """``3 of 12``, or why nothing can be looked for."""
        self._told.set_class(error, "error")
        self._told.say(text)

    # -- from the person

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input is self._find:
            self._ask_soon()

    def _ask_soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_QUIET_SECONDS, self._ask)

    def _ask(self) -> None:
        self.post_message(self.Asked())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input is self._find:
            self.action_next()
        else:
            self.action_one()

    def on_key(self, event: events.Key) -> None:
        """Fields of one line do nothing with these."""
        if event.key in ("up", "down"):
            event.stop()
            self.post_message(self.Stepped(event.key == "down"))

    def action_next(self) -> None:
        self.post_message(self.Stepped(True))

    def action_previous(self) -> None:
        self.post_message(self.Stepped(False))

    def action_one(self) -> None:
        self.post_message(self.Replaced("one"))

    def action_section(self) -> None:
        self.post_message(self.Replaced("section"))

    def action_all(self) -> None:
        self.post_message(self.Replaced("all"))

    def action_close(self) -> None:
        self.post_message(self.Closed())

    def action_case(self) -> None:
        self._turn(Query("", not self._query.case, self._query.word, self._query.expression))

    def action_word(self) -> None:
        self._turn(Query("", self._query.case, not self._query.word, self._query.expression))

    def action_expression(self) -> None:
        self._turn(Query("", self._query.case, self._query.word, not self._query.expression))

    def _turn(self, query: Query) -> None:
        self._query = query
        for name, on in (("case", query.case), ("word", query.word), ("expression", query.expression)):
            self.query_one(f"#tool-{name}").set_class(on, "on")
        self._ask()


def _keys(*names: str) -> str:
    """What some keys do, where the field is still empty."""
    shown = {action.name: f"{key_label(action.keys)} {action.label.lower()}" for action in actions(FIND)}
    return "  ".join(shown[name] for name in names)

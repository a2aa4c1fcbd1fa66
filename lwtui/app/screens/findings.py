"""What is wrong with the text, to jump to: what a look without a model finds, and what a critic does."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.worker import Worker

from lwtui.agentwrite.critic import CriticEvent, Reading
from lwtui.agentwrite.events import Retrying
from lwtui.agentwrite.lint import Finding, TextPlace
from lwtui.app.format import counted
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.session import Session
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.errors import LwtuiError

_HINT = "c has the critic read the whole document; r looks again."


class FindingsScreen(Dialog[TextPlace]):
    """Answers with the place to go to."""

    BINDINGS = [
        Binding("enter", "go(0)", "Go there"),
        Binding("o", "go(1)", "To the other"),
        Binding("c", "critic", "Critic"),
        Binding("r", "look", "Look again"),
        Binding("escape", "close", "Close"),
    ]
    AUTO_FOCUS = "RowList"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._reading: Worker[None] | None = None
        self._list = RowList(
            Column("What", 19),
            Column("Where", 24, needs=70),
            Column("Why"),
            header=True,
            hint="No findings.",
        )
        self._quotes = Line(id="quotes")
        self._status = Line(id="decided")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = "Review"
            yield self._list
            with VerticalScroll(can_focus=False):
                yield self._quotes
            yield self._status
            yield KeyBar()

    def on_mount(self) -> None:
        self.action_look()

    @property
    def _findings(self) -> list[Finding]:
        return self._session.assistant.findings

    @work(exclusive=True, group="look")
    async def action_look(self) -> None:
        """Look the text over without a model."""
        self._status.say("Looking for what is said twice…")
        await self._session.assistant.look_over()
        self._draw()
        found = counted(len(self._findings), "finding") if self._findings else "Nothing is found"
        self._status.say(f"{found}. {_HINT}")

    def action_critic(self) -> None:
        """Have the critic read the document; the same again stops it."""
        if self._reading is None:
            self._reading = self._critic()
        else:
            self._reading.cancel()
            self._reading = None
            self._status.say(f"The critic was stopped. {_HINT}")

    @work(exclusive=True, group="critic")
    async def _critic(self) -> None:
        self._status.say("The critic is reading… c stops it.")
        try:
            reviewed = await self._session.assistant.review(self._hear)
            left = f"; {reviewed.dropped} dropped, whose quotes do not stand in the text" if reviewed.dropped else ""
            self._status.say(f"The critic found {reviewed.found}{left}. {_HINT}")
        except LwtuiError as error:
            self._status.say(str(error))
            self.lwtui.complain(error)
        self._reading = None
        self._draw()

    async def _hear(self, event: CriticEvent) -> None:
        match event:
            case Reading(number, total):
                self._status.say(f"The critic is reading stretch {number} of {total}… c stops it.")
            case Retrying(reason=reason, delay=delay):
                self._status.say(f"Trying again in {delay:.1f} s: {reason}")
        self._draw()  # what the critic found in its last review went when this one began

    # -- what is shown

    def _draw(self) -> None:
        if self.is_attached:
            rows = [Row(str(at), (one.kind, _where(one), one.message)) for at, one in enumerate(self._findings)]
            self._list.show(rows)
            self._show_quotes()

    def on_row_list_moved(self) -> None:
        self._show_quotes()

    def _show_quotes(self) -> None:
        finding = self._at_cursor
        if finding is None:
            self._quotes.say("")
            return
        parts: list[tuple[str, str] | str] = [f"{finding.message}\n"]
        for number, place in enumerate(finding.places, 1):
            parts += [
                (f"\n{number}  {place.title or 'the text'}, line {place.line}\n", "bold"),
                place.quote + "\n",
            ]
        self._quotes.say(Content.assemble(*parts))

    @property
    def _at_cursor(self) -> Finding | None:
        key = self._list.key
        return self._findings[int(key)] if key is not None and int(key) < len(self._findings) else None

    # -- going there

    def on_row_list_chosen(self) -> None:
        self.action_go(0)

    def action_go(self, which: int) -> None:
        finding = self._at_cursor
        if finding is not None:
            self.dismiss(finding.places[min(which, len(finding.places) - 1)])


def _where(finding: Finding) -> str:
    return " / ".join(dict.fromkeys(place.title or "the text" for place in finding.places))

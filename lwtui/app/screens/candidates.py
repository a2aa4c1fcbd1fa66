"""Shows candidates for one section side by side while they are written; the user picks or merges one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import HorizontalScroll, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.worker import Worker, WorkerCancelled

from lwtui.agentwrite.candidates import Candidate, CandidateChanged, CandidateState
from lwtui.agentwrite.events import Retrying
from lwtui.app.format import number
from lwtui.app.keymap import WRITING, key_of
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.pane import label
from lwtui.errors import LwtuiError
from lwtui.translation import _

_FRAME_SECONDS = 0.1
_MIN_WIDTH = 34  # cells; a narrower candidate is hard to read
_STATES = {
    CandidateState.WAITING: _("waiting"),
    CandidateState.WRITING: _("being written"),
    CandidateState.DONE: _("done"),
    CandidateState.STOPPED: _("stopped"),
    CandidateState.FAILED: _("failed"),
}


@dataclass(frozen=True)
class Picked:
    """The picked candidate; ``merges`` if the user wants to merge it instead of replacing the section."""

    candidate: Candidate
    merges: bool = False


class CandidateColumn(VerticalScroll, can_focus=True):
    """One candidate. Its text comes from a model and is never markup."""

    class DoubleClicked(Message):
        """A candidate was double-clicked."""

    def __init__(self, number: int, unit: str) -> None:
        """Create the column of candidate ``number``, whose length is shown in ``unit``."""
        super().__init__(classes="pane candidate")
        self.candidate = Candidate(number)
        self._unit = unit
        self._text = Line()
        self._follows = True  # whether the view still follows the end of the text

    def compose(self) -> ComposeResult:
        yield self._text

    def show(self) -> None:
        """Show the current state of the candidate."""
        candidate = self.candidate
        self._text.set_text(
            candidate.error if candidate.state is CandidateState.FAILED and not candidate.text else candidate.text
        )
        label(
            self,
            _("Candidate {number}", number=candidate.number),
            f"{number(candidate.length)} {self._unit} · {_STATES[candidate.state]}",
        )
        if candidate.state is CandidateState.WRITING and not self.has_focus:
            self.scroll_end(animate=False)
        elif candidate.state is CandidateState.DONE and self._follows:
            self._follows = False
            self.scroll_home(animate=False)

    def on_click(self, event: events.Click) -> None:
        self.focus()
        if event.chain == 2:
            self.post_message(self.DoubleClicked())


class CandidatesScreen(Dialog[Picked]):
    """Answers with the picked candidate. All candidates stay among the section's versions."""

    BINDINGS = [
        Binding("enter", "pick", _("Pick")),
        Binding("m", "merge", _("Merge")),
        Binding("tab,right,l", "go(1)", _("Next")),
        Binding("shift+tab,left,h", "go(-1)", _("Before"), show=False),
        Binding("s", "stop", _("Stop")),
        Binding("escape", "close", _("Close")),
    ]

    def __init__(
        self,
        title: str,
        count: int,
        write: Callable[[Callable[[CandidateChanged], Awaitable[None]]], Awaitable[None]],
        *,
        unit: str,
    ) -> None:
        """Create the screen.

        Args:
            title: The title of the dialog.
            count: The number of candidates.
            write: Writes the candidates and emits their changes.
            unit: The unit of their lengths, as the user reads it.
        """
        super().__init__()
        self._heading = title
        self._write_all = write
        self._columns = [CandidateColumn(number, unit) for number in range(1, count + 1)]
        self._changed: set[int] = set()
        self._frame: Timer | None = None
        self._writing: Worker[None] | None = None
        self._status = Line(_("The model is reading…"), id="decided")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = Content(self._heading)
            with HorizontalScroll(can_focus=False):
                yield from self._columns
            yield self._status
            yield KeyBar()

    def on_mount(self) -> None:
        self._columns[0].focus()
        for column in self._columns:
            column.show()
        self._writing = self.run_worker(self._write())

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Show as many candidates at once as are readable; the others need scrolling."""
        width = self.query_one(HorizontalScroll).size.width
        for column in self._columns:
            column.styles.width = width // max(1, min(len(self._columns), width // _MIN_WIDTH))

    async def _write(self) -> None:
        try:
            await self._write_all(self._update)
        except LwtuiError as error:
            self.lwtui.show_error(error)
            if not any(column.candidate.text.strip() for column in self._columns):
                self.dismiss(None)
                return
        self._ended(
            _(
                "Enter picks a candidate, m merges its changes into the text. "
                "All candidates stay in the history ({key}).",
                key=key_of(WRITING, "history"),
            )
        )

    async def _update(self, change: CandidateChanged) -> None:
        which = change.candidate.number
        self._columns[which - 1].candidate = change.candidate
        self._changed.add(which)
        if isinstance(change.event, Retrying):
            delay, reason = change.event.delay, change.event.reason
            self._status.set_text(
                _("Candidate {number}: retrying in {delay:.1f} s: {reason}", number=which, delay=delay, reason=reason)
            )
        elif change.candidate.text:
            self._status.set_text(_("The model is writing the candidates. s stops it; you can pick incomplete ones."))
        if self._frame is None:
            self._frame = self.set_timer(_FRAME_SECONDS, self._draw)

    def _draw(self) -> None:
        self._frame = None
        for column in self._columns:
            if column.candidate.number in self._changed:
                column.show()
        self._changed.clear()

    def _ended(self, message: str) -> None:
        self._writing = None
        self._changed.update(column.candidate.number for column in self._columns)
        if self.is_attached:
            self._draw()
            self._status.set_text(message)
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer Stop only while candidates are being written."""
        return action != "stop" or self._writing is not None

    # -- choosing

    @property
    def _at(self) -> int:
        return next((at for at, column in enumerate(self._columns) if column.has_focus), 0)

    def action_go(self, by: int) -> None:
        """Focus the next candidate, or the previous one."""
        self._columns[(self._at + by) % len(self._columns)].focus()

    def on_candidate_column_double_clicked(self) -> None:
        self.action_pick()

    def action_pick(self) -> None:
        """Answer with the focused candidate."""
        self._answer(merges=False)

    def action_merge(self) -> None:
        """Answer with the focused candidate, to be merged."""
        self._answer(merges=True)

    def _answer(self, *, merges: bool) -> None:
        candidate = self._columns[self._at].candidate
        if not candidate.text.strip():
            self.lwtui.show_notice(_("This candidate has no text yet."), code="no-text")
            return
        if candidate.state is CandidateState.WRITING:
            self.lwtui.show_notice(
                _("The model is still writing this candidate. Stop it (s) to pick it as it is."), code="being-written"
            )
            return
        self._halt()
        self.dismiss(Picked(candidate, merges))

    async def action_stop(self) -> None:
        """Stop the candidates that are still being written. They can be picked as they are."""
        worker = self._writing
        if worker is not None:
            self._halt()
            with suppress(WorkerCancelled):
                await worker.wait()
            self._ended(_("Stopped. The text of each candidate so far is kept."))

    def _halt(self) -> None:
        if self._writing is not None:
            self._writing.cancel()

    def action_close(self) -> None:
        """Stop the candidates and close without an answer."""
        self._halt()
        self.dismiss(None)

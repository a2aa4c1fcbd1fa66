"""Shows the changes of an answer word by word; the user takes or leaves each one, or all at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.worker import Worker

from lwtui.agentwrite.events import Emit, Event, Retrying, TextDelta, TextRolledBack
from lwtui.agentwrite.revise import PassageCut, Proposal
from lwtui.app.format import number
from lwtui.app.keymap import WRITING, key_of
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.widgets.diff_view import DiffView, HunkState
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.errors import LwtuiError
from lwtui.text import count_words
from lwtui.text.diff import Hunk, apply_hunks, diff
from lwtui.translation import _, _n, sentences

_FRAME_SECONDS = 0.1


@dataclass(frozen=True)
class DiffResult:
    """The result of the dialog.

    Attributes:
        text: The text with the accepted changes.
        accepted: Their number.
        total: The number of all changes.
        proposal: The answer that the changes came from, if a model made it.
    """

    text: str
    accepted: int
    total: int
    proposal: Proposal | None = None


class DiffScreen(Dialog[DiffResult]):
    """Answers with the new text, or with nothing if it is closed."""

    BINDINGS = [
        Binding("y,space", "accept", _("Accept")),
        Binding("n,x", "reject", _("Reject")),
        Binding("a", "all", _("All")),
        Binding("r", "none", _("None")),
        Binding("tab,j", "move(1)", _("Next")),
        Binding("shift+tab,k", "move(-1)", _("Before"), show=False),
        Binding("enter", "apply", _("Apply")),
        Binding("escape", "close", _("Close")),
    ]
    AUTO_FOCUS = "DiffView"

    def __init__(
        self,
        title: str,
        old: str,
        new: str = "",
        *,
        answer: Callable[[Emit], Awaitable[Proposal]] | None = None,
        decides: bool = True,
    ) -> None:
        """Create the dialog.

        Args:
            title: The title.
            old: The text before.
            new: The text after; empty if ``answer`` makes it.
            answer: Makes the proposal to compare ``old`` with, and emits its text while it streams in.
            decides: Whether changes can be accepted; not if both texts are old versions.
        """
        super().__init__()
        self._heading = title
        self._old, self._new = old, new
        self._answer = answer
        self._decides = decides
        self._streamed = ""
        self._frame: Timer | None = None
        self._asking: Worker[None] | None = None
        self._proposal: Proposal | None = None
        self._hunks: list[Hunk] = []
        self._choices: list[HunkState] = []
        self._cursor = 0
        self._view = DiffView()
        self._status = Line(id="decided")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = Content(self._heading)
            yield self._view
            yield self._status
            yield KeyBar()

    def on_mount(self) -> None:
        if self._answer is None:
            self._compare()
        else:
            self._status.set_text(_("The model is reading… Esc stops."))
            self._asking = self.run_worker(self._ask(self._answer), exit_on_error=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer no decisions while the answer streams in."""
        return action == "close" or (bool(self._hunks) and (self._decides or action == "move"))

    @property
    def answered(self) -> bool:
        """Whether the model answered; the document has kept the answer."""
        return self._proposal is not None

    # -- the answer

    async def _ask(self, answer: Callable[[Emit], Awaitable[Proposal]]) -> None:
        try:
            self._decide_on(await answer(self._show_event))
        except PassageCut as cut:
            self.lwtui.show_error(cut)
            self._decide_on(cut.proposal)
        except LwtuiError as error:
            self.lwtui.show_error(error)
            self.dismiss(None)

    async def _show_event(self, event: Event) -> None:
        match event:
            case TextDelta(text=text):
                self._streamed += text
                if self._frame is None:
                    self._frame = self.set_timer(_FRAME_SECONDS, self._draw_streamed)
            case TextRolledBack(keep=keep):
                self._streamed = self._streamed[:keep]
            case Retrying(reason=reason, delay=delay):
                self._status.set_text(_("Retrying in {delay:.1f} s: {reason}", delay=delay, reason=reason))

    def _decide_on(self, proposal: Proposal) -> None:
        self._proposal, self._new = proposal, proposal.text
        self._asking = None
        self._compare()

    def _draw_streamed(self) -> None:
        self._frame = None
        if self._asking is not None and self.is_attached:
            self._view.show_text(self._streamed)
            self._status.set_text(
                _(
                    "{count} words so far. Esc stops and changes nothing.",
                    count=number(count_words(self._streamed)),
                )
            )

    # -- the changes

    def _compare(self) -> None:
        self._hunks = diff(self._old, self._new)
        self._choices = [HunkState.OPEN] * len(self._hunks)
        if not self._hunks:
            self.lwtui.show_notice(_("The texts are the same."), code="no-changes")
            self.dismiss(None)
            return
        self.refresh_bindings()
        self._draw()

    def _draw(self) -> None:
        self._view.show(self._old, self._hunks, self._choices, self._cursor)
        accepted = self._choices.count(HunkState.ACCEPTED)
        rejected = self._choices.count(HunkState.REJECTED)
        at, total = self._cursor + 1, len(self._hunks)
        if not self._decides:
            self._status.set_text(_("Change {number} of {total}.", number=at, total=total))
            return
        before, after = number(count_words(self._old)), number(count_words(self._text()))
        cut = self._proposal is not None and self._proposal.cut
        self._status.set_text(
            sentences(
                _(
                    "Change {number} of {total}: {accepted} accepted, {rejected} rejected.",
                    number=at,
                    total=total,
                    accepted=accepted,
                    rejected=rejected,
                ),
                _("{before} words become {after}.", before=before, after=after)
                if accepted
                else _("{count} words.", count=before),
                _("The answer was cut off.") if cut else "",
            )
        )

    def _text(self) -> str:
        return apply_hunks(
            self._old, self._hunks, {at for at, choice in enumerate(self._choices) if choice is HunkState.ACCEPTED}
        )

    def action_move(self, by: int) -> None:
        """Go to the next change, or to the previous one."""
        self._cursor = (self._cursor + by) % len(self._hunks)
        self._draw()

    def action_accept(self) -> None:
        """Accept the change under the cursor."""
        self._decide(HunkState.ACCEPTED)

    def action_reject(self) -> None:
        """Reject the change under the cursor."""
        self._decide(HunkState.REJECTED)

    def _decide(self, choice: HunkState) -> None:
        """Decide on the change under the cursor and go to the next open one; the same decision again reopens it."""
        again = self._choices[self._cursor] is choice
        self._choices[self._cursor] = HunkState.OPEN if again else choice
        following = [*range(self._cursor + 1, len(self._hunks)), *range(self._cursor)]
        undecided = [at for at in following if self._choices[at] is HunkState.OPEN]
        if undecided and not again:
            self._cursor = undecided[0]
        self._draw()

    def on_diff_view_clicked(self, event: DiffView.Clicked) -> None:
        """Accept the clicked change; a second click rejects it."""
        self._cursor = event.number
        if not self._decides:
            self._draw()
            return
        accepted = self._choices[event.number] is HunkState.ACCEPTED
        self._choices[event.number] = HunkState.REJECTED if accepted else HunkState.ACCEPTED
        self._draw()

    # -- the end

    def action_all(self) -> None:
        """Accept every undecided change, and close."""
        self._choices = [HunkState.ACCEPTED if choice is HunkState.OPEN else choice for choice in self._choices]
        self.action_apply()

    def action_none(self) -> None:
        """Reject every change, and close."""
        self._choices = [HunkState.REJECTED] * len(self._hunks)
        self.action_apply()

    def action_apply(self) -> None:
        """Close with the accepted changes."""
        accepted = self._choices.count(HunkState.ACCEPTED)
        if not accepted and HunkState.OPEN in self._choices:
            self.lwtui.show_notice(
                _("No change is accepted yet. y accepts the one under the cursor, a accepts all."),
                code="nothing-accepted",
            )
            return
        self.dismiss(DiffResult(self._text(), accepted, len(self._hunks), self._proposal))

    def action_close(self) -> None:
        """Close without changes. The answer stays among the section's versions."""
        if self._asking is not None:
            self._asking.cancel()
        self.dismiss(None)


def summarize(result: DiffResult | None, section: str) -> str:
    """Say in one line what was done with an answer for ``section``."""
    history = key_of(WRITING, "history")
    if result is None or not result.accepted:
        return _(
            "The text is unchanged. The answer is in the history of {section} ({key}).",
            section=section,
            key=history,
        )
    if result.accepted == result.total:
        return _("All changes were applied. The old version is in the history ({key}).", key=history)
    return _n(
        "{accepted} of {count:,} change were applied. Both versions are in the history ({key}).",
        "{accepted} of {count:,} changes were applied. Both versions are in the history ({key}).",
        result.total,
        accepted=result.accepted,
        key=history,
    )

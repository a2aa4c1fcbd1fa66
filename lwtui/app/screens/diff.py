"""What an answer would change, word by word: each change is taken or left, or all of them at once."""

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
from lwtui.app.format import counted, number
from lwtui.app.keymap import WRITING, key_of
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.widgets.diff_view import DiffView, HunkState
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.errors import LwtuiError
from lwtui.text import count_words
from lwtui.text.diff import Hunk, diff, merged

_FRAME_SECONDS = 0.1


@dataclass(frozen=True)
class Decided:
    """The text with the changes that were taken; ``proposal`` is the answer that they came from, if it was one."""

    text: str
    taken: int
    of: int
    proposal: Proposal | None = None


class DiffScreen(Dialog[Decided]):
    """Answers with what was decided, or nothing where all is to stay as it is."""

    BINDINGS = [
        Binding("y,space", "take", "Take"),
        Binding("n,x", "leave", "Leave"),
        Binding("a", "all", "All"),
        Binding("r", "none", "None"),
        Binding("tab,j", "move(1)", "Next"),
        Binding("shift+tab,k", "move(-1)", "Before", show=False),
        Binding("enter", "apply", "Apply"),
        Binding("escape", "close", "Close"),
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
        """Compare ``old`` with ``new``, or with the proposal that ``answer`` makes, which emits its text as it comes.

        Without ``decides`` there is nothing to take: both are versions of before.
        """
        super().__init__()
        self._heading = title
        self._old, self._new = old, new
        self._answer = answer
        self._decides = decides
        self._coming = ""
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
            self._status.say("The model is reading… Esc stops.")
            self._asking = self.run_worker(self._ask(self._answer), exit_on_error=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While an answer comes there is nothing to decide."""
        return action == "close" or (bool(self._hunks) and (self._decides or action == "move"))

    @property
    def answered(self) -> bool:
        """Whether an answer came, which the document has kept."""
        return self._proposal is not None

    # -- the answer

    async def _ask(self, answer: Callable[[Emit], Awaitable[Proposal]]) -> None:
        try:
            self._decide_on(await answer(self._hear))
        except PassageCut as cut:
            self.lwtui.complain(cut)
            self._decide_on(cut.proposal)
        except LwtuiError as error:
            self.lwtui.complain(error)
            self.dismiss(None)

    async def _hear(self, event: Event) -> None:
        match event:
            case TextDelta(text=text):
                self._coming += text
                if self._frame is None:
                    self._frame = self.set_timer(_FRAME_SECONDS, self._draw_coming)
            case TextRolledBack(keep=keep):
                self._coming = self._coming[:keep]
            case Retrying(reason=reason, delay=delay):
                self._status.say(f"Trying again in {delay:.1f} s: {reason}")

    def _decide_on(self, proposal: Proposal) -> None:
        self._proposal, self._new = proposal, proposal.text
        self._asking = None
        self._compare()

    def _draw_coming(self) -> None:
        self._frame = None
        if self._asking is not None and self.is_attached:
            self._view.show_text(self._coming)
            self._status.say(f"{number(count_words(self._coming))} words so far. Esc stops; nothing is changed then.")

    # -- the changes

    def _compare(self) -> None:
        self._hunks = diff(self._old, self._new)
        self._choices = [HunkState.OPEN] * len(self._hunks)
        if not self._hunks:
            self.app.notify("There is no difference.", markup=False)
            self.dismiss(None)
            return
        self.refresh_bindings()
        self._draw()

    def _draw(self) -> None:
        self._view.show(self._old, self._hunks, self._choices, self._cursor)
        taken = self._choices.count(HunkState.TAKEN)
        left = self._choices.count(HunkState.LEFT)
        told = [f"Change {self._cursor + 1} of {len(self._hunks)}: {taken} taken, {left} left"]
        before, after = count_words(self._old), count_words(self._text())
        told.append(f"{number(before)} words become {number(after)}" if taken else f"{number(before)} words")
        if self._proposal is not None and self._proposal.cut:
            told.append("the answer was cut off at its end")
        if not self._decides:
            told = [f"Change {self._cursor + 1} of {len(self._hunks)}"]
        self._status.say(". ".join(told) + ".")

    def _text(self) -> str:
        return merged(self._old, self._hunks, {at for at, one in enumerate(self._choices) if one is HunkState.TAKEN})

    def action_move(self, by: int) -> None:
        self._cursor = (self._cursor + by) % len(self._hunks)
        self._draw()

    def action_take(self) -> None:
        self._decide(HunkState.TAKEN)

    def action_leave(self) -> None:
        self._decide(HunkState.LEFT)

    def _decide(self, choice: HunkState) -> None:
        """Decide on the change under the cursor, and go to the next that is open. The same again opens it."""
        again = self._choices[self._cursor] is choice
        self._choices[self._cursor] = HunkState.OPEN if again else choice
        following = [*range(self._cursor + 1, len(self._hunks)), *range(self._cursor)]
        open_ones = [at for at in following if self._choices[at] is HunkState.OPEN]
        if open_ones and not again:
            self._cursor = open_ones[0]
        self._draw()

    def on_diff_view_clicked(self, event: DiffView.Clicked) -> None:
        """A click takes a change, the next leaves it."""
        self._cursor = event.number
        if not self._decides:
            self._draw()
            return
        taken = self._choices[event.number] is HunkState.TAKEN
        self._choices[event.number] = HunkState.LEFT if taken else HunkState.TAKEN
        self._draw()

    # -- the end

    def action_all(self) -> None:
        """Take every change on which nothing was decided."""
        self._choices = [HunkState.LEFT if one is HunkState.LEFT else HunkState.TAKEN for one in self._choices]
        self.action_apply()

    def action_none(self) -> None:
        self._choices = [HunkState.LEFT] * len(self._hunks)
        self.action_apply()

    def action_apply(self) -> None:
        """Put in what was taken; the rest stays as it was."""
        taken = self._choices.count(HunkState.TAKEN)
        if not taken and HunkState.OPEN in self._choices:
            self.app.notify("No change is taken yet: y takes the one under the cursor, a takes all.", markup=False)
            return
        self.dismiss(Decided(self._text(), taken, len(self._hunks), self._proposal))

    def action_close(self) -> None:
        """Leave all as it is. What the model answered is among the section's versions."""
        if self._asking is not None:
            self._asking.cancel()
        self.dismiss(None)


def told(decided: Decided | None, where: str) -> str:
    """One line on what became of an answer."""
    if decided is None or not decided.taken:
        return f"The text is as it was. The answer is in the history of {where} ({key_of(WRITING, 'history')})."
    if decided.taken == decided.of:
        return f"All changes are in the text. The version before is in its history ({key_of(WRITING, 'history')})."
    return (
        f"{decided.taken} of {counted(decided.of, 'change')} are in the text; "
        f"both versions are in its history ({key_of(WRITING, 'history')})."
    )

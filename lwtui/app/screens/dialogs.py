"""Small dialogs: a yes-or-no question, a line of text, a choice from a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from lwtui.app.screens.base_screen import Dialog
from lwtui.app.widgets.line import Line
from lwtui.translation import _, sentences


class Confirm(Dialog[bool]):
    """A yes-or-no question."""

    BINDINGS = [("y", "yes", _("Yes")), ("n", "close", _("No"))]

    def __init__(self, question: str, yes: str) -> None:
        """Create the dialog; ``yes`` is the label of the confirming button."""
        super().__init__()
        self._question = question
        self._yes = yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False)
            with Horizontal(classes="buttons"):
                yield Button(_("{label} (y)", label=self._yes), variant="primary", id="yes")
                yield Button(_("Cancel (n)"), id="no")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(True if event.button.id == "yes" else None)

    def action_yes(self) -> None:
        """Confirm."""
        self.dismiss(True)


class Ask(Dialog[str]):
    """Asks for a line of text."""

    def __init__(
        self, question: str, value: str = "", hint: str = "", *, problem: Callable[[str], str] | None = None
    ) -> None:
        """Create the dialog.

        Args:
            question: The question.
            value: The text in the field at first.
            hint: A hint below the field.
            problem: Returns what is wrong with an answer, in one line; empty if nothing is. The user must correct a
                wrong answer.
        """
        super().__init__()
        self._question = question
        self._value = value
        self._hint = hint
        self._find_problem = problem
        self._problem = Line(classes="error above")
        self._problem.display = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(self._question, markup=False)
            yield Input(self._value, compact=True, classes="above")
            yield self._problem
            hint = sentences(self._hint, _("Enter confirms, Esc cancels."))
            yield Static(hint, classes="hint", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        answer = event.value.strip()
        problem = self._find_problem(answer) if self._find_problem and answer else ""
        if not problem:
            self.dismiss(answer or None)
        self._show_problem(problem)

    def on_input_changed(self) -> None:
        self._show_problem("")

    def _show_problem(self, problem: str) -> None:
        self._problem.set_text(problem)
        self._problem.display = bool(problem)


class Choose(Dialog[str]):
    """A choice from a list."""

    def __init__(
        self,
        question: str,
        options: Sequence[tuple[str, str]],
        chosen: str = "",
        keys: Mapping[str, str] | None = None,
    ) -> None:
        """Create the dialog.

        Args:
            question: The question.
            options: The answers with their labels.
            chosen: The answer under the cursor at first.
            keys: Characters that choose an answer at once.
        """
        super().__init__()
        self._question = question
        self._options = options
        self._keys = keys or {}
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False)
            yield OptionList(
                *(Option(shown) for _answer, shown in self._options), markup=False, compact=True, classes="above"
            )
            yield Static(_("Enter chooses, Esc cancels."), classes="hint", markup=False)

    def on_mount(self) -> None:
        answers = [answer for answer, _shown in self._options]
        if self._chosen in answers:
            self.query_one(OptionList).highlighted = answers.index(self._chosen)

    def on_key(self, event: events.Key) -> None:
        if (answer := self._keys.get(event.character or "")) is not None:
            event.stop()
            self.dismiss(answer)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._options[event.option_index][0])

"""What is to be written: the brief."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Grid, Horizontal, VerticalScroll
from textual.widgets import Button, Input, Label, Select, TextArea

from lwtui.agentwrite.prompts import LANGUAGES
from lwtui.app.format import unit
from lwtui.app.keymap import NEW, bindings
from lwtui.app.screens.base import Base
from lwtui.app.screens.model_fields import sampling_of, sampling_options
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.section_form import MOST_WORDS
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.documents.model import Brief, Mode
from lwtui.text import detect_language

_MODES = (
    ("Plan, then section by section", Mode.AGENTWRITE.value),
    ("Plan, then sections side by side", Mode.PARALLEL.value),
    ("One call, no plan", Mode.DIRECT.value),
)


class NewDocumentScreen(Base):
    """The form for a new document."""

    GROUP = NEW
    BINDINGS = bindings(NEW)
    CSS_PATH = "../styles/new_document.tcss"
    AUTO_FOCUS = "TextArea"

    def compose(self) -> ComposeResult:
        languages = [("As in the instruction", ""), *((name, tag) for tag, name in LANGUAGES.items())]
        models = self.lwtui.agents.names()
        default = self.lwtui.default_model
        choices = [(Text(name), name) for name in models]
        instruction = TextArea(id="instruction", soft_wrap=True, tab_behavior="focus")
        instruction.placeholder = "Say what it is about, for whom, and what must be in it."
        yield TitleBar("New document")
        with VerticalScroll(id="form", can_focus=False):
            yield Label("What should be written?")
            yield instruction
            with Grid(id="fields"):
                yield Label("Length (words)", id="unit")
                yield Input("1500", id="words", type="integer", compact=True)
                yield Label("Language")
                yield Select(languages, value="", allow_blank=False, id="language", compact=True)
                yield Label("Model")
                chosen = default if default in models else models[0]
                yield Select(choices, value=chosen, allow_blank=False, id="model", compact=True)
                yield Label("How")
                yield Select(_MODES, value=Mode.AGENTWRITE.value, allow_blank=False, id="mode", compact=True)
                yield Label("Sampling")
                yield Select(self._samplings(chosen), value="", allow_blank=False, id="sampling", compact=True)
                yield Label("Seed")
                yield Input(placeholder="any; the same one, the same text", id="seed", type="integer", compact=True)
            yield Line(id="problem", classes="error")
            with Horizontal(classes="buttons"):
                yield Button("Create and plan (F5)", variant="primary", id="create")
                yield Button("Plan by hand (F2)", id="by-hand")
                yield Button("Cancel (Esc)", id="cancel")
        yield KeyBar()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        match event.button.id:
            case "create":
                self.action_create()
            case "by-hand":
                self.action_by_hand()
            case _:
                self.action_cancel()

    def on_text_area_changed(self) -> None:
        self._show_unit()

    def _samplings(self, model: str) -> list[tuple[str, str]]:
        """What there is to choose from: first the model's own, by what that is."""
        own = sampling_of(self.lwtui.agents.resolve(model))
        (_, first), *sets = sampling_options(custom=False)
        return [(f"the model's: {own}" if own else "the model's own", first), *sets]

    @on(Select.Changed, "#model")
    def _show_samplings(self, event: Select.Changed) -> None:
        field, options = self.query_one("#sampling", Select), self._samplings(str(event.value))
        kept = field.value
        with self.prevent(Select.Changed):
            field.set_options(options)
            field.value = next(value for _, value in options if value != kept)  # or it goes on showing the old words
            field.value = kept

    def on_select_changed(self) -> None:
        self._show_unit()
        direct = self.query_one("#mode", Select).value == Mode.DIRECT.value
        self.query_one("#create", Button).label = "Create and write (F5)" if direct else "Create and plan (F5)"

    def _show_unit(self) -> None:
        self.query_one("#unit", Label).update(f"Length ({unit(self._language())})")

    def _language(self) -> str:
        chosen = self.query_one("#language", Select).value
        return str(chosen) if chosen else detect_language(self.query_one("#instruction", TextArea).text)

    def action_create(self) -> None:
        if brief := self._brief():
            self.lwtui.create_document(brief, by_hand=False)

    def action_by_hand(self) -> None:
        if brief := self._brief():
            self.lwtui.create_document(brief, by_hand=True)

    def action_cancel(self) -> None:
        self.app.pop_screen()

    def _brief(self) -> Brief | None:
        """The form's values, or ``None`` after telling what is missing."""
        instruction = self.query_one("#instruction", TextArea)
        words, seed = self.query_one("#words", Input), self.query_one("#seed", Input)
        if not instruction.text.strip():
            self._point_at(instruction, "Say what should be written.")
            return None
        if not words.value.isdecimal() or not 1 <= int(words.value) <= MOST_WORDS:
            self._point_at(words, f"The length is a number from 1 to {MOST_WORDS:,}.")
            return None
        if seed.value and not seed.value.isdecimal():
            self._point_at(seed, "The seed is a whole number, or empty.")
            return None
        return Brief(
            instruction.text.strip(),
            int(words.value),
            self._language(),
            Mode(str(self.query_one("#mode", Select).value)),
            str(self.query_one("#model", Select).value),
            int(seed.value) if seed.value else None,
            str(self.query_one("#sampling", Select).value),
        )

    def _point_at(self, field: Input | TextArea, problem: str) -> None:
        self.query_one("#problem", Line).say(problem)
        field.focus()

"""The brief as a form: what is to be written, how long, in which language, by which model and how."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Grid, Horizontal, VerticalScroll
from textual.widgets import Input, Label, Select, TextArea

from lwtui.agentwrite.prompt_templates import LANGUAGES, language_name
from lwtui.app.format import unit
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.screens.model_fields import sampling_of, sampling_options
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.section_form import MOST_WORDS
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.documents.model import MOST_SEED, Brief, Mode
from lwtui.text import detect_language

MODES = (
    ("Plan, then section by section", Mode.AGENTWRITE),
    ("Plan, then sections side by side", Mode.PARALLEL),
    ("One call, no plan", Mode.DIRECT),
)
Options = list[tuple[Text, str]]


class BriefForm(BaseScreen):
    """A form with the fields of ``brief``, which is what stands in them at first."""

    CSS_PATH = "../styles/brief_form.tcss"
    AUTO_FOCUS = "TextArea"

    def __init__(self, title: str, brief: Brief) -> None:
        super().__init__()
        self._heading = title
        self._given = brief

    def compose(self) -> ComposeResult:
        given = self._given
        instruction = TextArea(given.instruction, id="instruction", soft_wrap=True, tab_behavior="focus")
        instruction.placeholder = "Say what it is about, for whom, and what must be in it."
        yield TitleBar(self._heading)
        with VerticalScroll(id="form", can_focus=False):
            yield Label("What should be written?")
            yield instruction
            with Grid(id="fields"):
                yield Label("Length (words)", id="unit")
                yield Input(str(given.words), id="words", type="integer", compact=True)
                yield from self._choice("Language", "language", self._languages(), given.language)
                yield from self._choice("Model", "model", self._models(), given.model)
                modes = [(Text(shown), mode.value) for shown, mode in self._modes()]
                yield from self._choice("How", "mode", modes, given.mode.value)
                yield from self._choice("Sampling", "sampling", self._samplings(given.model), given.sampling)
                yield Label("Seed")
                seed = "" if given.seed is None else str(given.seed)
                hint = "any; the same one, the same text"
                yield Input(seed, placeholder=hint, id="seed", type="integer", compact=True)
            yield Line(id="problem", classes="error")
            with Horizontal(classes="buttons"):
                yield from self._buttons()
        yield KeyBar()

    def _choice(self, label: str, name: str, options: Options, value: str) -> ComposeResult:
        yield Label(label)
        yield Select(options, value=value, allow_blank=False, id=name, compact=True)

    def _buttons(self) -> ComposeResult:
        raise NotImplementedError

    # -- what there is to choose from

    def _modes(self) -> list[tuple[str, Mode]]:
        return list(MODES)

    def _languages(self) -> Options:
        options = [("As in the instruction", ""), *((name, tag) for tag, name in LANGUAGES.items())]
        if self._given.language not in [tag for _, tag in options]:
            options.append((f"{language_name(self._given.language)} ({self._given.language})", self._given.language))
        return [(Text(shown), tag) for shown, tag in options]

    def _models(self) -> Options:
        """The models there are; the document's own too, if it is none of these."""
        models = self.lwtui.models
        options = [(name, name) for name in models.names()]
        if not self._given.model:
            options.insert(0, (f"the default one: {models.default}", ""))
        elif self._given.model not in models.names():
            told = "" if models.knows(self._given.model) else " (not known on this machine)"
            options.append((f"{self._given.model}{told}", self._given.model))
        return [(Text(shown), name) for shown, name in options]

    def _samplings(self, model: str) -> Options:
        """What there is to choose from: first the model's own, by what that is."""
        models = self.lwtui.models
        own = sampling_of(models.resolve(model)) if models.knows(model) else ""
        (_, first), *sets = sampling_options(custom=False)
        if self._given.sampling not in [first, *(name for _, name in sets)]:
            sets.append((self._given.sampling, self._given.sampling))
        options = [(f"the model's: {own}" if own else "the model's own", first), *sets]
        return [(Text(shown), value) for shown, value in options]

    @on(Select.Changed, "#model")
    def _show_samplings(self, event: Select.Changed) -> None:
        field, options = self.query_one("#sampling", Select), self._samplings(str(event.value))
        kept = field.value
        with self.prevent(Select.Changed):
            field.set_options(options)
            field.value = next(value for _, value in options if value != kept)  # or it goes on showing the old words
            field.value = kept

    # -- what is chosen

    def on_text_area_changed(self) -> None:
        self._show_unit()

    def on_select_changed(self) -> None:
        self._show_unit()

    def _show_unit(self) -> None:
        self.query_one("#unit", Label).update(f"Length ({unit(self._language())})")

    def _chosen(self, name: str) -> str:
        return str(self.query_one(f"#{name}", Select).value)

    def _language(self) -> str:
        return self._chosen("language") or detect_language(self.query_one("#instruction", TextArea).text)

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
        if seed.value and not (seed.value.isdecimal() and int(seed.value[:20]) <= MOST_SEED):
            self._point_at(seed, f"The seed is a whole number up to {MOST_SEED:,}, or empty.")
            return None
        return Brief(
            instruction.text.strip(),
            int(words.value),
            self._language(),
            Mode(self._chosen("mode")),
            self._chosen("model"),
            int(seed.value) if seed.value else None,
            self._chosen("sampling"),
        )

    def _point_at(self, field: Input | TextArea, problem: str) -> None:
        self.query_one("#problem", Line).say(problem)
        field.focus()

"""The brief as a form: instruction, length, language, model, mode, style and sampling."""

from __future__ import annotations

import asyncio

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Grid, Horizontal, VerticalScroll
from textual.widgets import Input, Label, Select, TextArea

from lwtui.app.format import unit
from lwtui.app.languages import NAMES, shown_language
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.screens.model_fields import sampling_options, sampling_text
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.section_form import MAX_WORDS
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.documents.model import MAX_SEED, Brief, Mode, Style
from lwtui.text import detect_language
from lwtui.text import language as language_detection
from lwtui.text.asked_length import DEFAULT_WORDS, AskedLength, asked_length
from lwtui.text.language import UNKNOWN
from lwtui.translation import _

MODES = (
    (_("Plan, then section by section"), Mode.AGENTWRITE),
    (_("Plan, then sections side by side"), Mode.PARALLEL),
    (_("One call, no plan"), Mode.DIRECT),
)
Options = list[tuple[Text, str]]
_STYLES = (
    (Text(_("what the instruction asks for")), ""),
    (Text(_("prose")), Style.PROSE.value),
    (Text(_("with lists and subheadings")), Style.LISTS.value),
)


class BriefForm(BaseScreen):
    """A form for a brief."""

    CSS_PATH = "../styles/brief_form.tcss"
    AUTO_FOCUS = "TextArea"

    def __init__(self, title: str, brief: Brief) -> None:
        """Create a form with a title, filled in from ``brief``. Its length may be 0: as the instruction says."""
        super().__init__()
        self._heading = title
        self._given = brief
        self._asked_length: AskedLength | None = None  # by the instruction
        self._asked_language = ""  # the language of the instruction
        self._shown_language = ""

    def compose(self) -> ComposeResult:
        given = self._given
        instruction = TextArea(given.instruction, id="instruction", soft_wrap=True, tab_behavior="focus")
        instruction.placeholder = _("Describe the topic, the readers, and what the text must contain.")
        yield TitleBar(self._heading)
        with VerticalScroll(id="form", can_focus=False):
            yield Label(_("What should be written?"))
            yield instruction
            with Grid(id="fields"):
                yield Label(_("Length (words)"), id="unit")
                yield Input(str(given.words or ""), id="words", type="integer", compact=True)
                yield from self._choice(_("Language"), "language", self._languages(), self._given_language)
                yield from self._choice(_("Model"), "model", self._models(), given.model)
                modes = [(Text(shown), mode.value) for shown, mode in self._modes()]
                yield from self._choice(_("How"), "mode", modes, given.mode.value)
                yield from self._choice(_("Style"), "style", list(_STYLES), given.style or "")
                yield from self._choice(_("Sampling"), "sampling", self._samplings(given.model), given.sampling)
                yield Label(_("Seed"))
                seed = "" if given.seed is None else str(given.seed)
                hint = _("random; a fixed seed repeats the text")
                yield Input(seed, placeholder=hint, id="seed", type="integer", compact=True)
                yield from self._more_fields()
            yield from self._below_fields()
            yield Line(id="problem", classes="error")
            with Horizontal(classes="buttons"):
                yield from self._buttons()
        yield KeyBar()

    def _choice(self, label: str, name: str, options: Options, value: str) -> ComposeResult:
        yield Label(label)
        yield Select(options, value=value, allow_blank=False, id=name, compact=True)

    def _more_fields(self) -> ComposeResult:
        """Yield the fields that only this form has, each with its label."""
        yield from ()

    def _below_fields(self) -> ComposeResult:
        """Yield what stands between the fields and the buttons."""
        yield from ()

    def _buttons(self) -> ComposeResult:
        raise NotImplementedError

    # -- the options

    def _modes(self) -> list[tuple[str, Mode]]:
        return list(MODES)

    def _languages(self) -> Options:
        options = [(self._language_found(), ""), *((name, tag) for tag, name in NAMES.items())]
        if (given := self._given_language) not in [tag for _shown, tag in options]:
            options.append((f"{shown_language(given)} ({given})", given))
        return [(Text(shown), tag) for shown, tag in options]

    @property
    def _given_language(self) -> str:
        return "" if self._given.language == UNKNOWN else self._given.language

    def _models(self) -> Options:
        """Return all models, and the document's own even if it is not configured here."""
        models = self.lwtui.models
        options = [(name, name) for name in models.names()]
        if not self._given.model:
            options.insert(0, (_("default: {model}", model=models.default), ""))
        elif self._given.model not in models.names():
            name = self._given.model
            shown = name if models.knows(name) else _("{model} (not on this machine)", model=name)
            options.append((shown, name))
        return [(Text(shown), name) for shown, name in options]

    def _samplings(self, model: str) -> Options:
        """Return the sampling options: first the model's own sampling with its values, then the presets."""
        models = self.lwtui.models
        own = sampling_text(models.resolve(model)) if models.knows(model) else ""
        (_shown, first), *presets = sampling_options(custom=False)
        if self._given.sampling not in [first, *(name for _shown, name in presets)]:
            presets.append((self._given.sampling, self._given.sampling))
        options = [(_("the model's own: {values}", values=own) if own else _("the model's own"), first), *presets]
        return [(Text(shown), value) for shown, value in options]

    @on(Select.Changed, "#model")
    def _show_samplings(self, event: Select.Changed) -> None:
        with self.prevent(Select.Changed):
            replace_options(self.query_one("#sampling", Select), self._samplings(str(event.value)))

    # -- what the instruction says about length and language

    def on_mount(self) -> None:
        self._read_instruction()
        self.run_worker(self._load_detection())

    async def _load_detection(self) -> None:
        """Load what detects languages, during which the keys go on."""
        await asyncio.to_thread(language_detection.load)
        self._read_instruction()

    @on(TextArea.Changed)
    def _read_instruction(self) -> None:
        text = self._instruction()
        self._asked_length, self._asked_language = asked_length(text), _language_of(text)
        self._show_language()
        self._show_unit()

    @on(Select.Changed)
    def _show_unit(self) -> None:
        counts = unit(self._chosen("language") or self._asked_language)
        self.query_one("#unit", Label).update(_("Length ({unit})", unit=counts))
        asked = self._asked_length
        hint = (
            asked.explain(counts)
            if asked
            else _("{length:,} {unit}; type another, or say it above", length=self._words(), unit=counts)
        )
        self.query_one("#words", Input).placeholder = hint

    def _show_language(self) -> None:
        """Show which language the instruction has, if that has changed."""
        field = self.query_one("#language", Select)
        if self._shown_language == (shown := self._language_found()):
            return
        self._shown_language = shown
        with self.prevent(Select.Changed):
            replace_options(field, self._languages())

    def _language_found(self) -> str:
        if self._asked_language in ("", UNKNOWN):
            return _("As in the instruction")
        return _("{language}, as in the instruction", language=shown_language(self._asked_language))

    def _instruction(self) -> str:
        return self.query_one("#instruction", TextArea).text.strip()

    def _words(self) -> int:
        """Return the length where the field is empty: the one in the instruction, or the usual one."""
        return self._asked_length.words if self._asked_length else DEFAULT_WORDS

    # -- the values

    def _chosen(self, name: str) -> str:
        return str(self.query_one(f"#{name}", Select).value)

    def _language(self) -> str:
        """Return the language of the document, as far as it is known."""
        return self._chosen("language") or detect_language(self._instruction())

    def _brief(self) -> Brief | None:
        """Return the brief, or ``None`` after showing what is missing or wrong."""
        instruction = self.query_one("#instruction", TextArea)
        words, seed = self.query_one("#words", Input), self.query_one("#seed", Input)
        if not instruction.text.strip():
            self._point_at(instruction, _("Enter an instruction: what should be written?"))
            return None
        length = words.value or str(self._words())
        if not length.isdecimal() or not 1 <= int(length) <= MAX_WORDS:
            self._point_at(words, _("Enter a length from 1 to {most:,}.", most=MAX_WORDS))
            return None
        if seed.value and not (seed.value.isdecimal() and int(seed.value[:20]) <= MAX_SEED):
            self._point_at(
                seed, _("Enter a whole number up to {most:,} as the seed, or leave it empty.", most=MAX_SEED)
            )
            return None
        return Brief(
            instruction.text.strip(),
            int(length),
            self._language(),
            Mode(self._chosen("mode")),
            self._chosen("model"),
            int(seed.value) if seed.value else None,
            self._chosen("sampling"),
            style=Style(style) if (style := self._chosen("style")) else None,
        )

    def _point_at(self, field: Input | TextArea, problem: str) -> None:
        self.query_one("#problem", Line).set_text(problem)
        field.focus()


def _language_of(text: str) -> str:
    """Return the language of ``text``, or "" as long as that is not known."""
    return detect_language(text) if text and language_detection.is_loaded() else ""


def replace_options(field: Select[str], options: Options) -> None:
    """Replace the options of a field, and keep its value."""
    kept = field.value
    field.set_options(options)
    field.value = next(value for _shown, value in options if value != kept)  # makes the label of the old value change
    field.value = kept

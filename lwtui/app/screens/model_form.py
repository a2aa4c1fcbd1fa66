"""One model's settings, as a form: the frame that all models share, and the form for a GGUF.

An endpoint's is in :mod:`lwtui.app.screens.endpoint_form`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Grid, Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Collapsible, Input, Label, Select

from lwtui.app.screens.base_screen import Dialog
from lwtui.app.screens.model_fields import (
    CUSTOM,
    OF_GGUFS,
    Field,
    checked_sampling,
    choice_of,
    compose_fields,
    sampling_of,
    sampling_options,
    typed,
)
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.path_input import PathInput
from lwtui.config import ModelSettings, add_model, check_model
from lwtui.errors import LwtuiError
from lwtui.models.catalog import check_gguf, check_name
from lwtui.models.llama_cpp.fit import estimate
from lwtui.models.servers import free_name
from lwtui.models.services import looks_like_key

_KEY_ASTRAY = "That looks like a key, which must not stand there: it belongs into Key, which goes to the keyring."


class ModelForm(Dialog[str]):
    """Answers with the name of the model that was saved. The key goes to the system keyring, never to a file."""

    BINDINGS = [("f5", "save", "Save"), ("ctrl+s", "save", "Save")]
    CSS_PATH = "../styles/model_form.tcss"
    KIND = "a model"
    MORE: tuple[Field, ...] = ()
    MORE_IN_SHORT = ""

    def __init__(self, model: ModelSettings, taken: Collection[str] = ()) -> None:
        """``model`` without a name is a new one, which then may not be called like one of those ``taken``."""
        super().__init__()
        self._model = model
        self._taken = taken

    def compose(self) -> ComposeResult:
        sampling, name = sampling_of(self._model), self._model.name
        with VerticalScroll(classes="dialog form", can_focus=False) as dialog:
            dialog.border_title = Content(name or f"Add {self.KIND}")
            yield from self.compose_place()
            with Grid():
                yield Label("Name")
                yield Input(
                    name, placeholder="left empty: after the model", id="name", disabled=bool(name), compact=True
                )
                yield Label("Sampling")
                options = sampling_options()
                yield Select(options, value=choice_of(sampling), allow_blank=False, id="sampling", compact=True)
                yield Label("Values", id="values-label")
                yield Input(sampling, placeholder="temperature=0.7, min_p=0.05", id="values", compact=True)
            with Collapsible(title=f"More: {self.MORE_IN_SHORT}", id="more"), Grid():
                yield from compose_fields(self.MORE, self._model)
            yield Line(id="told")
            with Horizontal(classes="buttons"):
                yield Button("Save (F5)", variant="primary", id="save")
                yield Button("Cancel (Esc)", id="cancel")

    def compose_place(self) -> ComposeResult:
        """The fields that say where the model is."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self._show_values()
        self.first_field().focus()

    def first_field(self) -> Input | Select[str]:
        raise NotImplementedError

    # -- what is typed

    def value(self, field: str) -> str:
        """What a field holds."""
        widget = self.query_one(f"#{field}")
        assert isinstance(widget, Input | Select)
        return str(widget.value).strip()

    def tell(self, text: str, *, error: bool = True) -> None:
        line = self.query_one("#told", Line)
        line.set_class(error, "error")
        line.say(text)

    @on(Select.Changed, "#sampling")
    def _show_values(self) -> None:
        own = self.value("sampling") == CUSTOM
        for name in ("values", "values-label"):
            self.query_one(f"#{name}").display = own

    @on(Input.Changed)
    def _watch_for_keys(self, event: Input.Changed) -> None:
        if event.input.id != "key" and looks_like_key(event.value):
            self.tell(_KEY_ASTRAY)

    # -- saving

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "save":
            self.action_save()
        else:
            self.action_close()

    def on_input_submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        self.workers.cancel_group(self, "ask")  # whose answer would stand in the place of this one's
        try:
            self.save(self.filled_in())
        except LwtuiError as error:
            self.tell(str(error))

    def save(self, model: ModelSettings) -> None:
        """Store what was filled in, once it is known to be right. Raises :class:`LwtuiError`."""
        raise NotImplementedError

    def store(self, model: ModelSettings) -> None:
        """Write the model down and leave. Raises :class:`LwtuiError` that says what is wrong with it."""
        add_model(model)
        self.dismiss(model.name)

    def filled_in(self) -> ModelSettings:
        """The form's values, with an empty name where none was given. Raises :class:`LwtuiError` that says which one
        is wrong."""
        if any(looks_like_key(one.value) for one in self.query(Input) if one.id != "key"):
            raise LwtuiError(_KEY_ASTRAY)
        if (name := self.value("name")) and not self._model.name:
            if name in self._taken:
                raise LwtuiError(f"There is a model named {name} already. Choose another name.")
            check_name(name)
        values = {field.name: typed(field, self.value(field.name)) for field in self.MORE}
        values["sampling"] = checked_sampling(self.value("sampling"), self.value("values"))
        model = replace(self._model, name=name, temperature=None, **values)  # type: ignore[arg-type]
        model = self.with_place(model)
        check_model(replace(model, name=name or "new"))
        return model

    def with_place(self, model: ModelSettings) -> ModelSettings:
        """``model`` where the form says it is. Raises :class:`LwtuiError`."""
        raise NotImplementedError


class GgufForm(ModelForm):
    """A GGUF on this machine; what it takes in memory is told as soon as its file is named."""

    KIND = "a GGUF"
    MORE = OF_GGUFS
    MORE_IN_SHORT = "context, prompts, cache, GPU, threads"

    def compose_place(self) -> ComposeResult:
        with Grid():
            yield Label("GGUF file")
            hint = "~/models/….gguf; Tab completes. n in Settings downloads one"
            yield PathInput(self._model.path, suffix=".gguf", placeholder=hint, id="path")
        yield Line(id="memory")

    def first_field(self) -> Input:
        return self.query_one("#path", Input)

    @on(Input.Changed)
    @on(Select.Changed)
    def _weigh_again(self, event: Input.Changed | Select.Changed) -> None:
        if event.control.id == "path":
            self.tell("")  # it was of another file
        self._weigh()

    @work(exclusive=True, group="weigh")
    async def _weigh(self) -> None:
        """Say what the file is, and what it takes as the form has it."""
        path = _expanded(self.value("path"))
        if not await asyncio.to_thread(path.is_file):
            self._say_memory("")
            return
        try:
            chosen = await asyncio.to_thread(estimate, path, self.filled_in())
        except LwtuiError as error:
            self._say_memory(str(error), error=True)
            return
        self._say_memory(f"It {chosen.summary() if chosen.fits else chosen.advice}", error=not chosen.fits)

    def _say_memory(self, text: str, *, error: bool = False) -> None:
        line = self.query_one("#memory", Line)
        line.set_class(error, "error")
        line.say(text)

    def with_place(self, model: ModelSettings) -> ModelSettings:
        path = self.value("path")
        if not path:
            raise LwtuiError("Name the GGUF file.")
        if not _expanded(path).is_file():
            raise LwtuiError(f"There is no file {path}.")
        return replace(model, path=path if path.startswith("~") else str(Path(path).absolute()))

    def save(self, model: ModelSettings) -> None:
        check_gguf(_expanded(model.path))
        self.store(replace(model, name=model.name or free_name(model.path, self._taken)))


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # ~ of nobody
        return Path(path)

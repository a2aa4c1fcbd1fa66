"""The form for a model's settings: the base of all model forms, and the form for a GGUF.

The form for an endpoint is in :mod:`lwtui.app.screens.endpoint_form`.
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
    GGUF_FIELDS,
    Field,
    compose_fields,
    field_values,
    parse_sampling,
    sampling_choice,
    sampling_options,
    sampling_text,
)
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.path_input import PathInput
from lwtui.config import ModelSettings, add_model, check_model
from lwtui.errors import LwtuiError
from lwtui.files import expand_user
from lwtui.models.catalog import check_gguf, check_name
from lwtui.models.llama_cpp.fit import estimate
from lwtui.models.servers import free_name
from lwtui.request_settings import check_request_settings, looks_like_key
from lwtui.translation import _

_MISPLACED_KEY = _("This looks like an API key. Move it to Key, from where it goes to the keyring.")


class ModelForm(Dialog[str]):
    """Answers with the name of the saved model. API keys go to the system keyring, never to a file."""

    BINDINGS = [("f5", "save", _("Save")), ("ctrl+s", "save", _("Save"))]
    CSS_PATH = "../styles/model_form.tcss"
    KIND = _("a model")
    MORE: tuple[Field, ...] = ()
    MORE_IN_SHORT = ""

    def __init__(self, model: ModelSettings, taken: Collection[str] = ()) -> None:
        """Create a form filled in from ``model``.

        Args:
            model: The model; a new one has no name.
            taken: The names that a new model must not have.
        """
        super().__init__()
        self._model = model
        self._taken = taken

    def compose(self) -> ComposeResult:
        sampling, name = sampling_text(self._model), self._model.name
        with VerticalScroll(classes="dialog form", can_focus=False) as dialog:
            dialog.border_title = Content(name or _("Add {kind}", kind=self.KIND))
            yield from self.compose_place()
            with Grid():
                yield Label(_("Name"))
                yield Input(name, placeholder=_("empty: from the model"), id="name", disabled=bool(name), compact=True)
                yield Label(_("Sampling"))
                options = sampling_options()
                yield Select(options, value=sampling_choice(sampling), allow_blank=False, id="sampling", compact=True)
                yield Label(_("Values"), id="values-label")
                yield Input(sampling, placeholder="temperature=0.7, min_p=0.05", id="values", compact=True)
            with Collapsible(title=_("More: {fields}", fields=self.MORE_IN_SHORT), id="more"), Grid():
                yield from compose_fields(self.MORE, self._model)
            yield Line(id="told")
            with Horizontal(classes="buttons"):
                yield Button(_("Save (F5)"), variant="primary", id="save")
                yield Button(_("Cancel (Esc)"), id="cancel")

    def compose_place(self) -> ComposeResult:
        """Yield the fields for the model's location."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self._show_values()
        self.first_field().focus()

    def first_field(self) -> Input | Select[str]:
        """Return the field to focus at first."""
        raise NotImplementedError

    # -- the fields

    def value(self, field: str) -> str:
        """Return the text or the choice in a field."""
        widget = self.query_one(f"#{field}")
        assert isinstance(widget, Input | Select)
        return str(widget.value).strip()

    def tell(self, text: str, *, error: bool = True) -> None:
        """Show a line below the fields."""
        line = self.query_one("#told", Line)
        line.set_class(error, "error")
        line.set_text(text)
        if text and error:  # with all fields open, it may be below what is shown
            self.call_after_refresh(line.scroll_visible, animate=False)

    @on(Select.Changed, "#sampling")
    def _show_values(self) -> None:
        own = self.value("sampling") == CUSTOM
        for name in ("values", "values-label"):
            self.query_one(f"#{name}").display = own

    @on(Input.Changed)
    def _watch_for_keys(self, event: Input.Changed) -> None:
        if event.input.id != "key" and looks_like_key(event.value):
            self.tell(_MISPLACED_KEY)

    # -- saving

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "save":
            self.action_save()
        else:
            self.action_close()

    def on_input_submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        """Save the model and close, or show what is wrong."""
        self.workers.cancel_group(self, "list-models")  # its message would replace that of saving
        try:
            self.save(self.filled_in())
        except LwtuiError as error:
            self.tell(str(error))

    def save(self, model: ModelSettings) -> None:
        """Check the model, then :meth:`store` it. Raises :class:`LwtuiError` if the check fails."""
        raise NotImplementedError

    def store(self, model: ModelSettings) -> None:
        """Add the model to the settings and close. Raises :class:`LwtuiError` if it is invalid."""
        add_model(model)
        self.dismiss(model.name)

    def filled_in(self) -> ModelSettings:
        """Return the model in the form; its name may be empty. Raises :class:`LwtuiError` if a field is wrong."""
        if any(looks_like_key(field.value) for field in self.query(Input) if field.id != "key"):
            raise LwtuiError(_MISPLACED_KEY)
        if (name := self.value("name")) and not self._model.name:
            if name in self._taken:
                raise LwtuiError(_("A model named {name} already exists. Choose another name.", name=name))
            check_name(name)
        values = field_values(self.MORE, {field.id: self.value(field.id) for field in self.MORE}, self._model)
        check_request_settings(values, "")
        values["sampling"] = parse_sampling(self.value("sampling"), self.value("values"))
        model = replace(self._model, name=name, temperature=None, **values)
        model = self.with_place(model)
        check_model(replace(model, name=name or "new"))
        return model

    def with_place(self, model: ModelSettings) -> ModelSettings:
        """Return ``model`` with the location in the form. Raises :class:`LwtuiError` if it is wrong."""
        raise NotImplementedError


class GgufForm(ModelForm):
    """The form for a local GGUF. It shows the memory the model needs as soon as the file is known."""

    KIND = _("a GGUF")
    MORE = GGUF_FIELDS
    MORE_IN_SHORT = _("context, prompts, cache, GPU, threads")

    def compose_place(self) -> ComposeResult:
        with Grid():
            yield Label(_("GGUF file"))
            hint = _("~/models/….gguf; Tab completes. To download one: Esc, n")
            yield PathInput(self._model.path, suffix=".gguf", placeholder=hint, id="path")
        yield Line(id="memory")

    def first_field(self) -> Input:
        """Return the field for the path."""
        return self.query_one("#path", Input)

    @on(Input.Changed)
    @on(Select.Changed)
    def _estimate_again(self, event: Input.Changed | Select.Changed) -> None:
        if event.control.id == "path":
            self.tell("")  # the message was about another file
        self._estimate()

    @work(exclusive=True, group="estimate")
    async def _estimate(self) -> None:
        """Show what the file is, and the memory it needs with these settings."""
        path = expand_user(self.value("path"))
        if not await asyncio.to_thread(path.is_file):
            self._show_memory("")
            return
        try:
            result = await asyncio.to_thread(estimate, path, self.filled_in())
        except LwtuiError as error:
            self._show_memory(str(error), error=True)
            return
        self._show_memory(
            _("It {memory}", memory=result.summary() if result.fits else result.advice), error=not result.fits
        )

    def _show_memory(self, text: str, *, error: bool = False) -> None:
        line = self.query_one("#memory", Line)
        line.set_class(error, "error")
        line.set_text(text)

    def with_place(self, model: ModelSettings) -> ModelSettings:
        """Return ``model`` with the path in the form. Raises :class:`LwtuiError` if there is no such file."""
        path = self.value("path")
        if not path:
            raise LwtuiError(_("Enter the path of the GGUF file."))
        if not expand_user(path).is_file():
            raise LwtuiError(_("There is no file {path}. Check the path.", path=path))
        return replace(model, path=path if path.startswith("~") else str(Path(path).absolute()))

    def save(self, model: ModelSettings) -> None:
        """Check that the file is a GGUF, then store the model."""
        check_gguf(expand_user(model.path))
        self.store(replace(model, name=model.name or free_name(model.path, self._taken)))

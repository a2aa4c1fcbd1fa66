"""One model's settings, as a form."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Grid, Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Label

from lwtui.app.screens.base import Dialog
from lwtui.app.widgets.line import Line
from lwtui.config import ModelSettings, add_model, store_api_key
from lwtui.errors import LwtuiError

# The field's name, its label, and what stands in it while it is empty.
_ENDPOINT = (
    ("base_url", "Address", "https://…/v1"),
    ("model", "Model there", "as the endpoint calls it; left empty: as above"),
    ("context_length", "Context", "tokens; left empty: what the endpoint says"),
    ("price_input", "Price, prompt", "of a million tokens; left empty: unknown"),
    ("price_output", "Price, answer", "of a million tokens; left empty: unknown"),
)
_GGUF = (
    ("path", "GGUF file", "~/models/….gguf; n in Settings downloads one"),
    ("context_length", "Context", "tokens; left empty: the model's own, as memory allows"),
)


class ModelForm(Dialog[str]):
    """Answers with the name of the model that was saved. The key goes to the system keyring, never to a file."""

    BINDINGS = [("f5", "save", "Save"), ("ctrl+s", "save", "Save")]

    def __init__(self, model: ModelSettings, taken: Collection[str] = ()) -> None:
        """``model`` without a name is a new one, which then may not be called like one of those ``taken``."""
        super().__init__()
        self._model = model
        self._taken = taken
        self._fields = _GGUF if model.provider == "llama_cpp" else _ENDPOINT

    def compose(self) -> ComposeResult:
        kind = "a GGUF" if self._model.provider == "llama_cpp" else "an endpoint"
        with VerticalScroll(classes="dialog form", can_focus=False) as dialog:
            dialog.border_title = Content(self._model.name or f"Add {kind}")
            with Grid():
                yield Label("Name")
                name = self._model.name
                yield Input(name, placeholder="as you will choose it", id="name", disabled=bool(name), compact=True)
                for field, label, placeholder in self._fields:
                    value = getattr(self._model, field)
                    yield Label(label)
                    yield Input(
                        "" if value in (None, 0, "") else str(value), placeholder=placeholder, id=field, compact=True
                    )
                if self._model.provider == "openai":
                    yield Label("Key")
                    hint = "goes to the system keyring; left empty: stays as it is"
                    yield Input(password=True, placeholder=hint, id="key", compact=True)
            yield Line(id="problem", classes="error")
            with Horizontal(classes="buttons"):
                yield Button("Save (F5)", variant="primary", id="save")
                yield Button("Cancel (Esc)", id="cancel")

    def on_mount(self) -> None:
        self.query("Input:enabled").first(Input).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "save":
            self.action_save()
        else:
            self.action_close()

    def on_input_submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        try:
            model = self._filled_in()
            add_model(model)
            if key := self._value("key"):
                store_api_key(model.name, key)
        except LwtuiError as error:
            self.query_one("#problem", Line).say(str(error))
            return
        self.dismiss(model.name)

    def _value(self, field: str) -> str:
        found = self.query(f"#{field}").results(Input)
        return next((one.value.strip() for one in found), "")

    def _filled_in(self) -> ModelSettings:
        """The form's values. Raises :class:`LwtuiError` that says which one is wrong."""
        name = self._value("name")
        if not name:
            raise LwtuiError("The model needs a name.")
        if not self._model.name and name in self._taken:
            raise LwtuiError(f"There is a model named {name} already. Choose another name.")
        values: dict[str, object] = {"name": name}
        for field, label, _ in self._fields:
            values[field] = _typed(field, label, self._value(field))
        model = replace(self._model, **values)  # type: ignore[arg-type]
        if model.provider == "openai" and not model.base_url.startswith(("http://", "https://")):
            raise LwtuiError("The address begins with http:// or https://.")
        if model.provider == "llama_cpp" and not Path(model.path).expanduser().is_file():
            raise LwtuiError(f"There is no file {model.path}." if model.path else "Name the GGUF file.")
        return model


def _typed(field: str, label: str, text: str) -> object:
    try:
        if field == "context_length":
            return int(text or 0)
        if field.startswith("price"):
            return float(text) if text else None
    except ValueError:
        raise LwtuiError(f"{label}: a number, not {text!r}.") from None
    return text

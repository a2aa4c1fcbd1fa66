"""One model's settings, as a form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Input, Label, Static

from lwtui.app.screens.base import Dialog
from lwtui.config import ModelSettings, add_model, store_api_key
from lwtui.errors import LwtuiError

_ENDPOINT = (
    ("base_url", "Address (https://…/v1)"),
    ("model", "Model, as the endpoint calls it"),
    ("context_length", "Context length in tokens (empty: ask the endpoint)"),
    ("price_input", "Price of a million prompt tokens (empty: unknown)"),
    ("price_output", "Price of a million answer tokens (empty: unknown)"),
)
_GGUF = (
    ("path", "GGUF file"),
    ("context_length", "Context length in tokens (empty: the model's own, as memory allows)"),
)


class ModelForm(Dialog[str]):
    """Answers with the name of the model that was saved. The key goes to the system keyring, never to a file."""

    BINDINGS = [("f5", "save", "Save"), ("ctrl+s", "save", "Save")]

    def __init__(self, model: ModelSettings) -> None:
        super().__init__()
        self._model = model
        self._fields = _GGUF if model.provider == "llama_cpp" else _ENDPOINT

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large"):
            with VerticalScroll():
                yield Label("Name, as you will choose it")
                yield Input(self._model.name, id="name", disabled=bool(self._model.name), compact=True)
                for name, label in self._fields:
                    value = getattr(self._model, name)
                    yield Label(label)
                    yield Input("" if value in (None, 0, "") else str(value), id=name, compact=True)
                if self._model.provider == "openai":
                    yield Label("Key (kept in the system keyring; empty: leave as it is)")
                    yield Input(password=True, id="key", compact=True)
            yield Static("", id="problem", classes="error", markup=False)
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
            key = self.query("#key").first(Input).value.strip() if self.query("#key") else ""
            if key:
                store_api_key(model.name, key)
        except LwtuiError as error:
            self.query_one("#problem", Static).update(str(error))
            return
        self.dismiss(model.name)

    def _filled_in(self) -> ModelSettings:
        """The form's values. Raises :class:`LwtuiError` that says which one is wrong."""
        name = self.query_one("#name", Input).value.strip()
        if not name:
            raise LwtuiError("The model needs a name.")
        values: dict[str, object] = {"name": name}
        for field, label in self._fields:
            text = self.query_one(f"#{field}", Input).value.strip()
            values[field] = _typed(field, label, text)
        model = replace(self._model, **values)  # type: ignore[arg-type]
        if model.provider == "openai" and not model.base_url.startswith(("http://", "https://")):
            raise LwtuiError("The address begins with http:// or https://.")
        if model.provider == "llama_cpp" and not Path(model.path).expanduser().is_file():
            raise LwtuiError(f"There is no file {model.path or '(empty)'}.")
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

"""Saving a document in a form that other programs read."""

from __future__ import annotations

from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label, RadioButton, RadioSet, Static

from lwtui.app.screens.base import Dialog
from lwtui.documents.export import FORMATS, export
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError

_NAMES = {"md": "Markdown", "txt": "Plain text", "html": "HTML"}


class ExportScreen(Dialog[Path]):
    """Answers with the file that was written."""

    BINDINGS = [("f9", "export", "Export"), ("f5", "export", "Export")]

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(f"Export “{self._document.title}”", classes="dialog-title", markup=False)
            with RadioSet(id="format"):
                for at, name in enumerate(FORMATS):
                    yield RadioButton(f"{_NAMES[name]} (.{name})", value=at == 0)
            yield Label("File")
            yield Input(str(self._document.path.with_suffix(".md")), id="path")
            yield Static("Enter in the file's name exports, Esc cancels.", classes="hint", id="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Export (F9)", variant="primary", id="export")
                yield Button("Cancel (Esc)", id="cancel")

    def on_mount(self) -> None:
        self.query_one("#path").focus()

    def on_radio_set_changed(self, event: RadioSet.Changed) -> None:
        field = self.query_one("#path", Input)
        path = Path(field.value)
        if path.suffix.lstrip(".") in FORMATS:
            field.value = str(path.with_suffix(f".{FORMATS[event.index]}"))

    def on_input_submitted(self) -> None:
        self.action_export()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "export":
            self.action_export()
        else:
            self.action_close()

    def _path(self) -> tuple[Path, bool]:
        """The file to write, and whether there is one of that name."""
        path = Path(self.query_one("#path", Input).value.strip()).expanduser()
        return path, path.exists()

    @work
    async def action_export(self) -> None:
        from lwtui.app.screens.dialogs import Confirm

        path, is_there = self._path()
        to = FORMATS[self.query_one("#format", RadioSet).pressed_index]
        if is_there and not await self.app.push_screen_wait(Confirm(f"{path} is there already.", "Replace it")):
            return
        try:
            export(self._document, path, to)
        except LwtuiError as error:
            problem = self.query_one("#problem", Static)
            problem.update(str(error))
            problem.add_class("error")
            return
        self.notify(f"Exported to {path}", markup=False)
        self.dismiss(path)

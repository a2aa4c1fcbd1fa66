"""Saving a document in a form that other programs read."""

from __future__ import annotations

from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Label, RadioButton, RadioSet

from lwtui.app.format import short_path
from lwtui.app.screens.base import Dialog
from lwtui.app.widgets.line import Line
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
        self._path = Input(short_path(document.path.with_suffix(f".{FORMATS[0]}").absolute()), id="path", compact=True)
        self._problem = Line(id="problem", classes="error")

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", can_focus=False) as dialog:
            dialog.border_title = Content(f"Export “{self._document.title}”")
            yield Label("Format")
            with RadioSet(id="format", compact=True):
                for at, name in enumerate(FORMATS):
                    yield RadioButton(f"{_NAMES[name]} (.{name})", value=at == 0)
            yield Label("File", classes="above")
            yield self._path
            yield self._problem
            with Horizontal(classes="buttons"):
                yield Button("Export (F9)", variant="primary", id="export")
                yield Button("Cancel (Esc)", id="cancel")

    def on_mount(self) -> None:
        self._path.focus()

    def on_radio_set_changed(self, event: RadioSet.Changed) -> None:
        path = Path(self._path.value)
        if path.suffix.lstrip(".") in FORMATS:
            self._path.value = str(path.with_suffix(f".{FORMATS[event.index]}"))

    def on_input_submitted(self) -> None:
        self.action_export()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "export":
            self.action_export()
        else:
            self.action_close()

    @work(exclusive=True)
    async def action_export(self) -> None:
        from lwtui.app.screens.dialogs import Confirm

        name = self._path.value.strip()
        if not name:
            self._problem.say("Name the file.")
            return
        path, is_there = _file(name)
        to = FORMATS[self.query_one("#format", RadioSet).pressed_index]
        if is_there and not await self.app.push_screen_wait(Confirm(f"{name} is there already.", "Replace it")):
            return
        try:
            export(self._document, path, to)
        except LwtuiError as error:
            self._problem.say(str(error))
            return
        self.notify(f"Exported to {name}", markup=False)
        self.dismiss(path)


def _file(name: str) -> tuple[Path, bool]:
    """The file of that name, and whether there is one."""
    path = Path(name).expanduser()
    return path, path.is_file()

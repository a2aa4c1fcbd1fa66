"""The brief of a new document."""

from __future__ import annotations

from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Select

from lwtui.app.keymap import NEW, bindings, key_of
from lwtui.app.screens.brief_form import BriefForm
from lwtui.documents.model import Brief, Mode


class NewDocumentScreen(BriefForm):
    """The form for a new document."""

    GROUP = NEW
    BINDINGS = bindings(NEW)

    def __init__(self) -> None:
        super().__init__("New document", Brief("", 0, language=""))

    def compose(self) -> ComposeResult:
        models = self.lwtui.models
        model = models.default if models.knows(models.default) else models.names()[0]
        self._given = replace(self._given, model=model)
        yield from super().compose()

    def _buttons(self) -> ComposeResult:
        yield Button(_create_label("plan"), variant="primary", id="create")
        yield Button(f"Plan by hand ({key_of(NEW, 'by_hand')})", id="by-hand")
        yield Button(f"Cancel ({key_of(NEW, 'cancel')})", id="cancel")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        match event.button.id:
            case "create":
                self.action_create()
            case "by-hand":
                self.action_by_hand()
            case _:
                self.action_cancel()

    @on(Select.Changed, "#mode")
    def _name_button(self) -> None:
        direct = self._chosen("mode") == Mode.DIRECT.value
        button = self.query_one("#create", Button)
        button.label = _create_label("write" if direct else "plan")
        button.refresh(layout=True)  # a longer label would be cut off otherwise

    def action_create(self) -> None:
        """Create the document and have the model plan or write it."""
        if brief := self._brief():
            self.lwtui.create_document(brief, by_hand=False)

    def action_by_hand(self) -> None:
        """Create the document with an empty plan."""
        if brief := self._brief():
            self.lwtui.create_document(brief, by_hand=True)

    def action_cancel(self) -> None:
        """Close the form."""
        self.app.pop_screen()


def _create_label(then: str) -> str:
    return f"Create and {then} ({key_of(NEW, 'create')})"

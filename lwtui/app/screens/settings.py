"""Settings: the models, where documents are, how it looks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Grid, Vertical
from textual.widgets import Input, Label, Select

from lwtui.app.format import short_path
from lwtui.app.keymap import SETTINGS, bindings
from lwtui.app.screens.base import Base
from lwtui.app.themes import theme_choices
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.config import ModelSettings, public_address, remove_model, set_value, settings_file
from lwtui.errors import LwtuiError

_BEGINNINGS = (("where it was left", "true"), ("the library", "false"))
_MIRRORS = (("none", "false"), ("a Markdown file beside each document", "true"))
_MANNERS = (("as everywhere", "false"), ("vim", "true"))


class SettingsScreen(Base):
    """Each change is written to settings.toml at once; comments in it stay."""

    GROUP = SETTINGS
    BINDINGS = bindings(SETTINGS)
    CSS_PATH = "../styles/settings.tcss"
    AUTO_FOCUS = "RowList"

    def __init__(self) -> None:
        super().__init__()
        self._list = RowList(
            Column("", 1), Column("Name", 20), Column("Where"), Column("Model", 24, needs=76), header=True, id="models"
        )
        self._folder = Input(id="folder", compact=True)
        self._line = Line(id="answer")

    def compose(self) -> ComposeResult:
        self._list.add_class("pane")
        yield TitleBar(f"Settings · {short_path(settings_file())}")
        yield self._list
        yield self._line
        with Vertical(id="fields", classes="pane") as rest:
            rest.border_title = "General"
            with Grid():
                yield Label("Documents in")
                yield self._folder
                yield Label("Theme")
                themes = [(shown, name) for name, shown in theme_choices(self.app.available_themes)]
                yield Select(themes, value=self.app.theme, allow_blank=False, id="theme", compact=True)
                yield Label("Begins with")
                yield _choice("restore", _BEGINNINGS, self.lwtui.settings.restore)
                yield Label("Mirror")
                yield _choice("mirror", _MIRRORS, self.lwtui.settings.mirror)
                yield Label("Keys in text")
                yield _choice("vim", _MANNERS, self.lwtui.settings.vim)
        yield KeyBar()

    def on_mount(self) -> None:
        self._list.border_title = "Models"
        self._list.border_subtitle = "* writes new documents"
        self._folder.value = short_path(self.lwtui.folder)
        self._show()

    def _show(self, select: str | None = None) -> None:
        default = self.lwtui.default_model
        rows = []
        for name in self.lwtui.agents.names():
            model = self.lwtui.agents.resolve(name)
            address = public_address(model.base_url)
            where = (model.path or "comes with lwtui") if model.provider == "llama_cpp" else address
            rows.append(Row(name, ("*" if name == default else "", name, where, model.model)))
        self._list.show(rows, select)

    def _answer(self, text: str) -> None:
        self._line.say(text)

    def _chosen(self) -> ModelSettings | None:
        name = self._list.key
        return self.lwtui.agents.resolve(name) if name else None

    # -- models

    def on_row_list_chosen(self) -> None:
        self.action_edit()

    def action_add(self) -> None:
        self._open_form(ModelSettings(""))

    def action_add_gguf(self) -> None:
        self._open_form(ModelSettings("", provider="llama_cpp"))

    @work
    async def action_download(self) -> None:
        from lwtui.app.screens.download import DownloadScreen

        name = await self.app.push_screen_wait(DownloadScreen(self.lwtui.settings.models))
        self.lwtui.reload_settings()
        self._show(name)
        if name:
            await self._answer_with_memory(name, "is here, and right")

    def action_edit(self) -> None:
        model = self._chosen()
        if model is None or model.name not in self.lwtui.settings.models:
            self._answer("This model comes with lwtui or from the command line: there is nothing to edit.")
            return
        self._open_form(model)

    @work
    async def _open_form(self, model: ModelSettings) -> None:
        from lwtui.app.screens.model_form import ModelForm

        saved = await self.app.push_screen_wait(ModelForm(model, taken=self.lwtui.agents.names()))
        self.lwtui.reload_settings()
        self._show(saved)
        if saved:
            await self._answer_with_memory(saved, "is saved")

    async def _answer_with_memory(self, name: str, what: str) -> None:
        """Say what has become of a model, and of a GGUF what memory it takes."""
        from lwtui.models.llama_cpp.fit import memory_in_words

        memory = await asyncio.to_thread(memory_in_words, self.lwtui.agents.resolve(name))
        self._answer(f"{name} {what}. t tests it, * makes it the default." + (f" It {memory}." if memory else ""))

    def action_default(self) -> None:
        if model := self._chosen():
            self.lwtui.choose_default(model.name)
            self._show()

    @work
    async def action_remove(self) -> None:
        from lwtui.app.screens.dialogs import Confirm

        model = self._chosen()
        if model is None or model.name not in self.lwtui.settings.models:
            self._answer("This model comes with lwtui or from the command line: it cannot be removed.")
            return
        question = f"Remove {model.name} from the settings? Its file and your documents stay."
        if not await self.app.push_screen_wait(Confirm(question, "Remove")):
            return
        try:
            remove_model(model.name)
            if model.name == self.lwtui.settings.model:
                set_value("model", "")  # a default that is gone would only fail later
        except LwtuiError as error:
            self.complain(error)
        self.lwtui.reload_settings()
        self._show()

    @work(exclusive=True)
    async def action_test(self) -> None:
        from lwtui.agentwrite.trial import try_out

        model = self._chosen()
        if model is None:
            return
        session = self.lwtui.session
        if session is not None and session.busy and (at_work := session.document.brief.model) != model.name:
            # One model is open at a time, and this one would be closed in the middle of a sentence.
            self._answer(f"{at_work} is at work on your document. Stop it (F6), then test {model.name}.")
            return
        self._answer(f"Asking {model.name} …")
        try:
            self._answer(await try_out(await self.lwtui.agents.get(model.name)))
        except LwtuiError as error:
            self._answer(str(error))

    # -- the rest

    def store(self) -> bool:
        """The folder, where it was changed."""
        text = self._folder.value.strip()
        if text == short_path(self.lwtui.folder):
            return True
        if text and not text.startswith("~"):
            text = str(Path(text).absolute())
        try:
            set_value("documents", text)
        except LwtuiError as error:
            self._answer(str(error))
            return False
        self.lwtui.reload_settings()
        self._folder.value = short_path(self.lwtui.folder)
        self._answer(f"New documents go to {short_path(self.lwtui.folder)}.")
        return True

    def on_input_submitted(self) -> None:
        self.store()
        self._list.focus()

    def on_input_blurred(self) -> None:
        self.store()

    def on_select_changed(self, event: Select.Changed) -> None:
        value = str(event.value)
        if event.select.id == "theme":
            if value != self.app.theme:
                self.app.theme = value
            return
        name = event.select.id or ""
        if value == str(getattr(self.lwtui.settings, name)).lower():
            return
        try:
            set_value(name, value)
        except LwtuiError as error:
            self.complain(error)
        self.lwtui.reload_settings()

    def action_back(self) -> None:
        if isinstance(self.focused, RowList | None):
            if self.store():
                self.app.pop_screen()
        else:
            self._list.focus()


def _choice(name: str, options: Sequence[tuple[str, str]], value: bool) -> Select[str]:
    """A setting that is on or off."""
    return Select(options, value=str(value).lower(), allow_blank=False, id=name, compact=True)

"""Settings: the models, where documents are, how it looks."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Input, Label, Select, Static

from lwtui.app.keymap import SETTINGS, bindings
from lwtui.app.screens.base import Base
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.config import ModelSettings, remove_model, set_value, settings_file
from lwtui.errors import LwtuiError


class SettingsScreen(Base):
    """Each change is written to settings.toml at once; comments in it stay."""

    GROUP = SETTINGS
    BINDINGS = bindings(SETTINGS)
    CSS_PATH = "../styles/settings.tcss"
    AUTO_FOCUS = "RowList"

    def compose(self) -> ComposeResult:
        yield Static(f"Settings · {settings_file()}", id="title", markup=False)
        yield Label("Models (the one marked * writes new documents)")
        yield RowList(Column("", 1), Column("Name", 22), Column("Where"), Column("Model", 24), header=True, id="models")
        with Horizontal(classes="fields"):
            with Vertical():
                yield Label("Folder of the documents")
                yield Input(str(self.lwtui.folder), id="folder")
            with Vertical():
                yield Label("Theme")
                themes = [(name, name) for name in sorted(self.app.available_themes)]
                yield Select(themes, value=self.app.theme, allow_blank=False, id="theme")
        yield Static("", id="answer", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self._show()

    def _show(self, select: str | None = None) -> None:
        default = self.lwtui.default_model
        rows = []
        for name in self.lwtui.agents.names():
            model = self.lwtui.agents.resolve(name)
            where = (model.path or "comes with lwtui") if model.provider == "llama_cpp" else model.base_url
            rows.append(Row(name, ("*" if name == default else "", name, where, model.model)))
        self.query_one(RowList).show(rows, select)

    def _answer(self, text: str) -> None:
        self.query_one("#answer", Static).update(text)

    def _chosen(self) -> ModelSettings | None:
        name = self.query_one(RowList).key
        return self.lwtui.agents.resolve(name) if name else None

    # -- models

    def on_row_list_chosen(self) -> None:
        self.action_edit()

    def action_add(self) -> None:
        self._open_form(ModelSettings(""))

    def action_add_gguf(self) -> None:
        self._open_form(ModelSettings("", provider="llama_cpp"))

    def action_edit(self) -> None:
        model = self._chosen()
        if model is None or model.name not in self.lwtui.settings.models:
            self._answer("This model comes with lwtui or from the command line: there is nothing to edit.")
            return
        self._open_form(model)

    @work
    async def _open_form(self, model: ModelSettings) -> None:
        from lwtui.app.screens.model_form import ModelForm

        saved = await self.app.push_screen_wait(ModelForm(model))
        if saved:
            self.lwtui.reload_settings()
            self._show(saved)
            self._answer(f"{saved} is saved. t tests it, * makes it the default.")

    def action_default(self) -> None:
        if model := self._chosen():
            self._set("model", model.name)
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
        except LwtuiError as error:
            self.complain(error)
        self.lwtui.reload_settings()
        self._show()

    @work(exclusive=True)
    async def action_test(self) -> None:
        from lwtui.app.model_test import try_model

        model = self._chosen()
        if model is None:
            return
        self._answer(f"Asking {model.name} …")
        try:
            self._answer(await try_model(self.lwtui.agents, model.name))
        except LwtuiError as error:
            self._answer(str(error))

    # -- the rest

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._set("documents", event.value.strip())

    def on_select_changed(self, event: Select.Changed) -> None:
        if str(event.value) != self.app.theme:
            self.app.theme = str(event.value)

    def _set(self, key: str, value: str) -> None:
        try:
            set_value(key, value)
        except LwtuiError as error:
            self._answer(str(error))
            return
        self.lwtui.reload_settings()
        self._answer("Saved.")

    def action_back(self) -> None:
        if isinstance(self.focused, RowList | None):
            self.app.pop_screen()
        else:
            self.query_one(RowList).focus()

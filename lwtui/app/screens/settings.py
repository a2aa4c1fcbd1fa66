"""Shows and edits the settings: models, folder, theme and more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Grid, Vertical
from textual.widgets import Input, Label, Select

from lwtui.app.format import counted, short_path
from lwtui.app.keymap import SETTINGS, bindings, key_of
from lwtui.app.model_checks import check_by_call, check_memory
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.themes import theme_choices
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.config import (
    ModelSettings,
    add_model,
    public_address,
    remove_model,
    set_value,
    settings_file,
    store_api_key,
)
from lwtui.errors import ConfigError, LwtuiError
from lwtui.models.catalog import DEMO
from lwtui.models.servers import DiscoveredModel, LocalServer, discovered_models, find_servers

_RESTORE = (("the last document", "true"), ("the library", "false"))
_MIRRORS = (("none", "false"), ("a Markdown file beside each document", "true"))
_EDITOR_KEYS = (("standard", "false"), ("vim", "true"))
_NOT_IN_SETTINGS = "This model comes with lwtui or from the command line, so it cannot be removed."


class SettingsScreen(BaseScreen):
    """The settings. Every change is written to settings.toml at once; comments there stay."""

    GROUP = SETTINGS
    BINDINGS = bindings(SETTINGS)
    CSS_PATH = "../styles/settings.tcss"
    AUTO_FOCUS = "RowList"

    def __init__(self) -> None:
        super().__init__()
        self._list = RowList(
            Column("", 1, tint=True),
            Column("Name", 20, tint=True),
            Column("Where", tint=True),
            Column("Model", 24, needs=76, tint=True),
            header=True,
            id="models",
        )
        self._servers: list[LocalServer] = []  # found on this machine
        self._offers: dict[str, DiscoveredModel] = {}  # their models that are not in the settings, by row key
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
                yield Label("Start with")
                yield _choice("restore", _RESTORE, self.lwtui.settings.restore)
                yield Label("Mirror")
                yield _choice("mirror", _MIRRORS, self.lwtui.settings.mirror)
                yield Label("Keys in text")
                yield _choice("vim", _EDITOR_KEYS, self.lwtui.settings.vim)
        yield KeyBar()

    def on_mount(self) -> None:
        self._list.border_title = "Models"
        self._folder.value = short_path(self.lwtui.folder)
        self._show()
        if not self.lwtui.settings.models:
            self._answer(_how_to_add())
        self._find_servers()

    def _show(self, select: str | None = None) -> None:
        default = self.lwtui.default_model
        rows = []
        for name in self.lwtui.models.names():
            model = self.lwtui.models.resolve(name)
            address = public_address(model.base_url)
            where = (model.path or "comes with lwtui") if model.provider == "llama_cpp" else address
            rows.append(Row(name, ("*" if name == default else "", name, where, model.model)))
        known = [self.lwtui.models.resolve(name) for name in self.lwtui.models.names()]
        self._offers = {f"{m.server.base_url} {m.model}": m for m in discovered_models(self._servers, known)}
        rows += [_offer_row(key, offer) for key, offer in self._offers.items()]
        found = " · + found on this machine" if self._offers else ""
        self._list.border_subtitle = f"* writes new documents{found}"
        self._list.show(rows, select)

    def _answer(self, text: str) -> None:
        self._line.set_text(text)

    def _chosen(self) -> ModelSettings | None:
        name = self._list.key
        return self.lwtui.models.resolve(name) if name and name not in self._offers else None

    @property
    def _offer(self) -> DiscoveredModel | None:
        """The model under the cursor if it was found on this machine and is not in the settings."""
        return self._offers.get(self._list.key or "")

    # -- model servers on this machine

    def action_look(self) -> None:
        """Search for model servers on this machine."""
        self._answer("Searching for model servers on this machine …")
        self._find_servers(asked=True)

    @work(exclusive=True, group="find-servers")
    async def _find_servers(self, *, asked: bool = False) -> None:
        self._servers = await find_servers()
        self._show()
        if self._servers and (asked or not self.lwtui.settings.models):
            servers = ", ".join(f"{server.kind} ({_describe(server)})" for server in self._servers)
            adds = f" {key_of(SETTINGS, 'edit')} adds the model under the cursor." if self._offers else ""
            self._answer(f"Found on this machine: {servers}.{adds}")
        elif asked:
            self._answer(f"No model server was found on this machine. {_how_to_add()}")

    @work(exclusive=True, group="test")
    async def _add_found(self, offer: DiscoveredModel, *, default: bool = False) -> None:
        try:
            add_model(offer.settings())
        except LwtuiError as error:
            self.show_error(error)
            return
        self.lwtui.reload_settings()
        self._show(offer.name)
        if default:
            self.action_default()
        await self._check_new(offer.name, "was added")

    def _take(self, offer: DiscoveredModel, *, default: bool = False) -> None:
        if offer.server.needs_key:
            self._open_form(ModelSettings("", base_url=offer.server.base_url))
        else:
            self._add_found(offer, default=default)

    # -- models

    def on_row_list_chosen(self) -> None:
        self.action_edit()

    def action_add(self) -> None:
        """Add an endpoint, or the found model under the cursor."""
        if offer := self._offer:
            self._take(offer)
        else:
            self._open_form(ModelSettings(""))

    def action_add_gguf(self) -> None:
        """Add a local GGUF."""
        self._open_form(ModelSettings("", provider="llama_cpp"))

    @work
    async def action_download(self) -> None:
        """Download a GGUF and add it."""
        from lwtui.app.screens.download import DownloadScreen

        name = await self.app.push_screen_wait(DownloadScreen(self.lwtui.settings.models))
        self.lwtui.reload_settings()
        self._show(name)
        if name:
            await self._check_new(name, "was downloaded and verified")

    def action_edit(self) -> None:
        """Edit the model under the cursor, or add it if it was found."""
        if offer := self._offer:
            self._take(offer)
            return
        model = self._chosen()
        if model is None or model.name not in self.lwtui.settings.models:
            self._answer("This model comes with lwtui or from the command line, so it cannot be edited.")
            return
        self._open_form(model)

    @work
    async def _open_form(self, model: ModelSettings) -> None:
        from lwtui.app.screens.endpoint_form import EndpointForm
        from lwtui.app.screens.model_form import GgufForm

        form = GgufForm if model.provider == "llama_cpp" else EndpointForm
        saved = await self.app.push_screen_wait(form(model, taken=self.lwtui.models.names()))
        self.lwtui.reload_settings()
        self._show(saved)
        if saved:
            await self._check_new(saved, "was saved")

    async def _check_new(self, name: str, done: str) -> None:
        """Check a new or changed model, and show the result.

        Endpoints get a tiny call; for a GGUF the memory is estimated. The first model that passes becomes the default.

        Args:
            name: The model.
            done: What was done with it, such as ``was added``.
        """
        model = self.lwtui.models.resolve(name)
        if model.provider == "llama_cpp":
            passed, message = await check_memory(model)
        else:
            self._answer(f"{name} {done}. Testing it, which takes longer if it has to be loaded first …")
            passed, message = await check_by_call(self.lwtui, name)
        is_first = list(self.lwtui.settings.models) == [name]
        if passed and is_first and self.lwtui.default_model in (DEMO.name, name):
            self.lwtui.choose_default(name)
            self._show()
            done += " and writes new documents from now on"
        self._answer(f"{name} {done}. {message}")

    def action_default(self) -> None:
        """Have the model under the cursor write new documents."""
        if offer := self._offer:
            self._take(offer, default=True)
        elif model := self._chosen():
            self.lwtui.choose_default(model.name)
            self._show()

    @work
    async def action_remove(self) -> None:
        """Remove the model under the cursor from the settings, and its key from the keyring."""
        from lwtui.app.screens.dialogs import Confirm

        model = self._chosen()
        if model is None or model.name not in self.lwtui.settings.models:
            self._answer(
                f"This model is not in the settings. {key_of(SETTINGS, 'edit')} adds it."
                if self._offer
                else _NOT_IN_SETTINGS
            )
            return
        consequence = "Its file stays" if model.path else "Its key is removed from the keyring"
        question = f"Remove {model.name} from the settings? {consequence}; your documents stay."
        if not await self.app.push_screen_wait(Confirm(question, "Remove")):
            return
        try:
            remove_model(model.name)
            if model.name == self.lwtui.settings.model:
                set_value("model", "")  # otherwise the default would be missing
        except LwtuiError as error:
            self.show_error(error)
        else:
            with suppress(ConfigError):  # without a keyring there is no key to remove
                await asyncio.to_thread(store_api_key, model, "")
        self.lwtui.reload_settings()
        self._show()

    @work(exclusive=True, group="test")
    async def action_test(self) -> None:
        """Make a tiny call to the model under the cursor."""
        model = self._chosen()
        if model is None:
            self._answer(f"{key_of(SETTINGS, 'edit')} adds this model and tests it.")
            return
        self._answer(f"Testing {model.name} …")
        self._answer((await check_by_call(self.lwtui, model.name)).message)

    # -- general settings

    def store(self) -> bool:
        """Store the folder if it was changed. Returns whether that worked; if not, shows the error."""
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
            self.show_error(error)
        self.lwtui.reload_settings()

    def action_back(self) -> None:
        """Go to the list, or close the settings."""
        if isinstance(self.focused, RowList | None):
            if self.store():
                self.app.pop_screen()
        else:
            self._list.focus()


def _offer_row(key: str, offer: DiscoveredModel) -> Row:
    """Return the row of a model that was found on this machine."""
    kind = offer.server.kind
    place = offer.server.host_and_port.removeprefix("127.0.0.1:")
    if offer.server.needs_key:
        return Row(key, ("+", kind, f"found, port {place}", "needs a key"), "empty")
    return Row(key, ("+", offer.name, f"{kind} found, port {place}", offer.model), "empty")


def _describe(server: LocalServer) -> str:
    """Return the number of models on a server, or that it needs a key."""
    return "needs a key" if server.needs_key else counted(len(server.models), "model")


def _choice(name: str, options: Sequence[tuple[str, str]], value: bool) -> Select[str]:
    """Return the choice for a setting that is on or off."""
    return Select(options, value=str(value).lower(), allow_blank=False, id=name, compact=True)


def _how_to_add() -> str:
    add, add_gguf, download = (key_of(SETTINGS, name) for name in ("add", "add_gguf", "download"))
    return f"{add}: add an API   {add_gguf}: add a local GGUF   {download}: download a GGUF"

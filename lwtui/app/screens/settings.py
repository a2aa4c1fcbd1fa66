"""Settings: the models, where documents are, how it looks."""

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
from lwtui.app.model_checks import tried, weighed
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
from lwtui.models.servers import Offer, Server, find_servers, offers

_BEGINNINGS = (("where it was left", "true"), ("the library", "false"))
_MIRRORS = (("none", "false"), ("a Markdown file beside each document", "true"))
_MANNERS = (("as everywhere", "false"), ("vim", "true"))
_NOT_HERE = "This model comes with lwtui or from the command line: it cannot be removed."


class SettingsScreen(BaseScreen):
    """Each change is written to settings.toml at once; comments in it stay."""

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
        self._servers: list[Server] = []  # that were found on this machine
        self._offers: dict[str, Offer] = {}  # their models that are not in the settings, by the keys of their rows
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
        self._folder.value = short_path(self.lwtui.folder)
        self._show()
        if not self.lwtui.settings.models:
            self._answer(_how_to_begin())
        self._look()

    def _show(self, select: str | None = None) -> None:
        default = self.lwtui.default_model
        rows = []
        for name in self.lwtui.models.names():
            model = self.lwtui.models.resolve(name)
            address = public_address(model.base_url)
            where = (model.path or "comes with lwtui") if model.provider == "llama_cpp" else address
            rows.append(Row(name, ("*" if name == default else "", name, where, model.model)))
        known = [self.lwtui.models.resolve(name) for name in self.lwtui.models.names()]
        self._offers = {f"{one.server.base_url} {one.model}": one for one in offers(self._servers, known)}
        rows += [_offered(key, one) for key, one in self._offers.items()]
        found = " · + found on this machine" if self._offers else ""
        self._list.border_subtitle = f"* writes new documents{found}"
        self._list.show(rows, select)

    def _answer(self, text: str) -> None:
        self._line.say(text)

    def _chosen(self) -> ModelSettings | None:
        name = self._list.key
        return self.lwtui.models.resolve(name) if name and name not in self._offers else None

    @property
    def _offer(self) -> Offer | None:
        """The model under the cursor, if it is one that was found and is not in the settings."""
        return self._offers.get(self._list.key or "")

    # -- what runs on this machine

    def action_look(self) -> None:
        self._answer("Looking for model servers on this machine …")
        self._look(asked=True)

    @work(exclusive=True, group="look")
    async def _look(self, *, asked: bool = False) -> None:
        self._servers = await find_servers()
        self._show()
        if self._servers and (asked or not self.lwtui.settings.models):
            told = ", ".join(f"{one.kind} ({_of(one)})" for one in self._servers)
            adds = f" {key_of(SETTINGS, 'edit')} adds the one at the cursor." if self._offers else ""
            self._answer(f"Found on this machine: {told}.{adds}")
        elif asked:
            self._answer(f"No model server was found on this machine. {_how_to_begin()}")

    @work(exclusive=True, group="test")
    async def _add_found(self, offer: Offer, *, default: bool = False) -> None:
        try:
            add_model(offer.settings())
        except LwtuiError as error:
            self.complain(error)
            return
        self.lwtui.reload_settings()
        self._show(offer.name)
        if default:
            self.action_default()
        await self._introduce(offer.name, "is added")

    def _take(self, offer: Offer, *, default: bool = False) -> None:
        if offer.server.wants_key:
            self._open_form(ModelSettings("", base_url=offer.server.base_url))
        else:
            self._add_found(offer, default=default)

    # -- models

    def on_row_list_chosen(self) -> None:
        self.action_edit()

    def action_add(self) -> None:
        if offer := self._offer:
            self._take(offer)
        else:
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
            await self._introduce(name, "is here, and right")

    def action_edit(self) -> None:
        if offer := self._offer:
            self._take(offer)
            return
        model = self._chosen()
        if model is None or model.name not in self.lwtui.settings.models:
            self._answer("This model comes with lwtui or from the command line: there is nothing to edit.")
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
            await self._introduce(saved, "is saved")

    async def _introduce(self, name: str, what: str) -> None:
        """Say what has become of a model that is new or changed, and how it does: an endpoint is asked, of a GGUF it is
        told what it takes. The first one that is right writes new documents."""
        model = self.lwtui.models.resolve(name)
        if model.provider == "llama_cpp":
            right, told = await weighed(model)
        else:
            self._answer(f"{name} {what}. Asking it, which takes longer where it is loaded first …")
            right, told = await tried(self.lwtui, name)
        if right and self.lwtui.default_model == "demo" and list(self.lwtui.settings.models) == [name]:
            self.lwtui.choose_default(name)
            self._show()
            what += ", and writes new documents from now on"
        self._answer(f"{name} {what}. {told}")

    def action_default(self) -> None:
        if offer := self._offer:
            self._take(offer, default=True)
        elif model := self._chosen():
            self.lwtui.choose_default(model.name)
            self._show()

    @work
    async def action_remove(self) -> None:
        from lwtui.app.screens.dialogs import Confirm

        model = self._chosen()
        if model is None or model.name not in self.lwtui.settings.models:
            self._answer(
                f"It is not in the settings: {key_of(SETTINGS, 'edit')} would add it." if self._offer else _NOT_HERE
            )
            return
        stays = "Its file and your" if model.path else "Its key goes too; your"
        question = f"Remove {model.name} from the settings? {stays} documents stay."
        if not await self.app.push_screen_wait(Confirm(question, "Remove")):
            return
        try:
            remove_model(model.name)
            if model.name == self.lwtui.settings.model:
                set_value("model", "")  # a default that is gone would only fail later
        except LwtuiError as error:
            self.complain(error)
        else:
            with suppress(ConfigError):  # no keyring, no key in it
                await asyncio.to_thread(store_api_key, model, "")
        self.lwtui.reload_settings()
        self._show()

    @work(exclusive=True, group="test")
    async def action_test(self) -> None:
        model = self._chosen()
        if model is None:
            self._answer(f"{key_of(SETTINGS, 'edit')} adds this model, and then tests it.")
            return
        self._answer(f"Asking {model.name} …")
        self._answer((await tried(self.lwtui, model.name)).told)

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


def _offered(key: str, offer: Offer) -> Row:
    """The row of a model that was found."""
    kind = offer.server.kind
    place = offer.server.place.removeprefix("127.0.0.1:")
    if offer.server.wants_key:
        return Row(key, ("+", kind, f"found, port {place}", "wants a key"), "empty")
    return Row(key, ("+", offer.name, f"{kind} found, port {place}", offer.model), "empty")


def _of(server: Server) -> str:
    """What is to be said of a server in a few words."""
    return "wants a key" if server.wants_key else counted(len(server.models), "model")


def _choice(name: str, options: Sequence[tuple[str, str]], value: bool) -> Select[str]:
    """A setting that is on or off."""
    return Select(options, value=str(value).lower(), allow_blank=False, id=name, compact=True)


def _how_to_begin() -> str:
    add, add_gguf, download = (key_of(SETTINGS, name) for name in ("add", "add_gguf", "download"))
    return f"{add} adds an endpoint with your key, {add_gguf} a GGUF of yours, {download} downloads one."

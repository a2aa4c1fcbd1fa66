"""Shows and edits the settings: models, folder, theme and more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Grid, Vertical
from textual.widgets import Input, Label, Select

from lwtui.app.format import short_path
from lwtui.app.keymap import SETTINGS, bindings, key_of
from lwtui.app.model_checks import check_by_call, check_memory
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.themes import theme_choices
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.config import (
    Mirror,
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
from lwtui.translation import ENGLISH, _, _n, languages, listed, sentences

_RESTORE = ((_("the last document"), "true"), (_("the library"), "false"))
_MIRRORS = (
    (_("none"), Mirror.NONE.value),
    (_("a Markdown file beside each document"), Mirror.FILE.value),
    (_("a folder of Markdown files beside each document"), Mirror.FOLDER.value),
    (_("such a folder, with a git commit per session"), Mirror.GIT.value),
)
_EDITOR_KEYS = ((_("standard"), "false"), ("vim", "true"))
_NOT_IN_SETTINGS = _("This model comes with lwtui or from the command line, so it cannot be removed.")
_LANGUAGE_NAMES = {ENGLISH: "English", "zh": "简体中文"}  # in themselves, so that everybody finds theirs


class _Done(Enum):
    """What was done with a model: a report on it, and one for a model that then becomes the default."""

    ADDED = _("{name} was added."), _("{name} was added and writes new documents from now on.")
    DOWNLOADED = (
        _("{name} was downloaded and verified."),
        _("{name} was downloaded and verified and writes new documents from now on."),
    )
    SAVED = _("{name} was saved."), _("{name} was saved and writes new documents from now on.")

    def report(self, name: str, *, default: bool = False) -> str:
        """Say what was done with the model called ``name``."""
        return self.value[default].format(name=name)


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
            Column(_("Name"), 20, tint=True),
            Column(_("Where"), tint=True),
            Column(_("Model"), 24, needs=76, tint=True),
            header=True,
            id="models",
        )
        self._servers: list[LocalServer] = []  # found on this machine
        self._offers: dict[str, DiscoveredModel] = {}  # their models that are not in the settings, by row key
        self._folder = Input(id="folder", compact=True)
        self._line = Line(id="answer")

    def compose(self) -> ComposeResult:
        self._list.add_class("pane")
        yield TitleBar(_("Settings · {file}", file=short_path(settings_file())))
        yield self._list
        yield self._line
        with Vertical(id="fields", classes="pane") as rest:
            rest.border_title = _("General")
            with Grid():
                yield Label(_("Documents in"))
                yield self._folder
                yield Label(_("Theme"))
                themes = [(shown, name) for name, shown in theme_choices(self.app.available_themes)]
                yield Select(themes, value=self.app.theme, allow_blank=False, id="theme", compact=True)
                yield Label(_("Language"))
                yield _language_choice(self.lwtui.settings.language)
                yield Label(_("Mirror"))
                yield _choice("mirror", _MIRRORS, self.lwtui.settings.mirror.value)
                yield Label(_("Start with"))
                yield _choice("restore", _RESTORE, _word(self.lwtui.settings.restore))
                yield Label(_("Keys in text"))
                yield _choice("vim", _EDITOR_KEYS, _word(self.lwtui.settings.vim))
        yield KeyBar()

    def on_mount(self) -> None:
        self._list.border_title = _("Models")
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
            where = (model.path or _("comes with lwtui")) if model.provider == "llama_cpp" else address
            rows.append(Row(name, ("*" if name == default else "", name, where, model.model)))
        known = [self.lwtui.models.resolve(name) for name in self.lwtui.models.names()]
        self._offers = {f"{m.server.base_url} {m.model}": m for m in discovered_models(self._servers, known)}
        rows += [_offer_row(key, offer) for key, offer in self._offers.items()]
        self._list.border_subtitle = (
            _("* writes new documents · + found on this machine") if self._offers else _("* writes new documents")
        )
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
        self._answer(_("Searching for model servers on this machine …"))
        self._find_servers(asked=True)

    @work(exclusive=True, group="find-servers")
    async def _find_servers(self, *, asked: bool = False) -> None:
        self._servers = await find_servers()
        self._show()
        if self._servers and (asked or not self.lwtui.settings.models):
            servers = listed(_describe(server) for server in self._servers)
            found = _("Found on this machine: {servers}.", servers=servers)
            adds = _("{key} adds the model under the cursor.", key=key_of(SETTINGS, "edit")) if self._offers else ""
            self._answer(sentences(found, adds))
        elif asked:
            self._answer(sentences(_("No model server was found on this machine."), _how_to_add()))

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
        await self._check_new(offer.name, _Done.ADDED)

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
            await self._check_new(name, _Done.DOWNLOADED)

    def action_edit(self) -> None:
        """Edit the model under the cursor, or add it if it was found."""
        if offer := self._offer:
            self._take(offer)
            return
        model = self._chosen()
        if model is None or model.name not in self.lwtui.settings.models:
            self._answer(_("This model comes with lwtui or from the command line, so it cannot be edited."))
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
            await self._check_new(saved, _Done.SAVED)

    async def _check_new(self, name: str, done: _Done) -> None:
        """Check a new or changed model, and show the result.

        Endpoints get a tiny call; for a GGUF the memory is estimated. The first model that passes becomes the default.

        Args:
            name: The model.
            done: What was done with it.
        """
        model = self.lwtui.models.resolve(name)
        if model.provider == "llama_cpp":
            passed, message = await check_memory(model)
        else:
            testing = _("Testing it, which takes longer if it has to be loaded first …")
            self._answer(sentences(done.report(name), testing))
            passed, message = await check_by_call(self.lwtui, name)
        is_first = list(self.lwtui.settings.models) == [name]
        becomes_default = passed and is_first and self.lwtui.default_model in (DEMO.name, name)
        if becomes_default:
            self.lwtui.choose_default(name)
            self._show()
        self._answer(sentences(done.report(name, default=becomes_default), message))

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
                _("This model is not in the settings. {key} adds it.", key=key_of(SETTINGS, "edit"))
                if self._offer
                else _NOT_IN_SETTINGS
            )
            return
        if model.path:
            question = _("Remove {name} from the settings? Its file stays; your documents stay.", name=model.name)
        else:
            question = _(
                "Remove {name} from the settings? Its key is removed from the keyring; your documents stay.",
                name=model.name,
            )
        if not await self.app.push_screen_wait(Confirm(question, _("Remove"))):
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
            self._answer(_("{key} adds this model and tests it.", key=key_of(SETTINGS, "edit")))
            return
        self._answer(_("Testing {name} …", name=model.name))
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
        self._answer(_("New documents go to {folder}.", folder=short_path(self.lwtui.folder)))
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
        old = getattr(self.lwtui.settings, name)
        if value == (old if isinstance(old, str) else _word(old)):
            return
        try:
            set_value(name, value)
        except LwtuiError as error:
            self.show_error(error)
        else:
            if name == "language":
                self._answer(_("The language takes effect at the next start of lwtui."))
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
        return Row(key, ("+", kind, _("found, port {port}", port=place), _("needs a key")), "empty")
    return Row(key, ("+", offer.name, _("{server} found, port {port}", server=kind, port=place), offer.model), "empty")


def _describe(server: LocalServer) -> str:
    """Return the name of a server and the number of its models, or that it needs a key."""
    if server.needs_key:
        return _("{server} (needs a key)", server=server.kind)
    return _n("{server} ({count:,} model)", "{server} ({count:,} models)", len(server.models), server=server.kind)


def _choice(name: str, options: Sequence[tuple[str, str]], value: str) -> Select[str]:
    """Return the choice for a setting that has one of a few values."""
    return Select(options, value=value, allow_blank=False, id=name, compact=True)


def _word(value: bool) -> str:
    """Return what stands in the settings file for a setting that is on or off."""
    return str(value).lower()


def _language_choice(language: str) -> Select[str]:
    """Return the choice for the language of lwtui."""
    names = languages()
    if language and language not in names:  # such as zh-CN, or a catalogue that is gone
        names.append(language)
    options = [(_("the system's"), ""), *((_LANGUAGE_NAMES.get(name, name), name) for name in names)]
    return Select(options, value=language, allow_blank=False, id="language", compact=True)


def _how_to_add() -> str:
    add, add_gguf, download = (key_of(SETTINGS, name) for name in ("add", "add_gguf", "download"))
    return _(
        "{add}: add an API   {add_gguf}: add a local GGUF   {download}: download a GGUF",
        add=add,
        add_gguf=add_gguf,
        download=download,
    )

"""The choice of the model that writes: the first screen at the first start, and later whenever the user wants it."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical

from lwtui.app.keymap import LIBRARY, MODELS, bindings, key_of
from lwtui.app.model_checks import check_by_call
from lwtui.app.model_offers import ModelOffer, OfferKind, model_offers
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.config import ModelSettings, add_model, has_default_model, remove_model
from lwtui.errors import LwtuiError
from lwtui.models.llama_cpp.fit import Machine
from lwtui.models.servers import DiscoveredModel, LocalServer, find_servers
from lwtui.translation import _, sentences

_WELCOME = _(
    "lwtui writes long documents with a language model. Which one should write?\n"
    "The best one found here is first, and Enter takes it. Change it any time."
)


class ChooseModelScreen(BaseScreen):
    """Lists what can write on this machine, the best first."""

    GROUP = MODELS
    BINDINGS = bindings(MODELS)
    CSS_PATH = "../styles/choose_model.tcss"
    AUTO_FOCUS = "RowList"

    def __init__(self) -> None:
        super().__init__()
        self._offers: dict[str, ModelOffer] = {}
        self._servers: list[LocalServer] = []
        self._searching = False
        self._takes_soon = False  # whether Enter was pressed before the search was over
        self._had_default = has_default_model()
        self._list = RowList(Column(_("Name"), 22), Column(_("What"), tint=True), id="offers")
        self._about = Line(id="about")
        self._answer = Line(id="answer")

    def compose(self) -> ComposeResult:
        self._list.add_class("pane")
        yield TitleBar(_("Choose a model"))
        yield Line(_WELCOME, id="welcome")
        yield self._list
        with Vertical(id="below"):
            yield self._about
            yield self._answer
        yield KeyBar()

    def on_mount(self) -> None:
        self._list.border_title = _("What can write")
        self.watch(self.app, "download_status", self.refresh_bindings, init=False)
        self._show()
        self.action_look()

    def on_screen_resume(self) -> None:
        """Come back from the settings; if a model was chosen there, go on to the library."""
        if has_default_model() and not self._had_default:
            self._close()
        elif self._offers:
            self._show()

    def _show(self) -> None:
        """Show what can write. The cursor stays on the first row unless the user has moved it."""
        configured = sorted(self.lwtui.settings.models.values(), key=lambda model: model.name != self.lwtui.writer)
        offers = model_offers(self._servers, configured, self.lwtui.models.downloads, Machine.detect())
        at_top = self._list.at_top
        self._offers = {offer.key: offer for offer in offers}
        rows = [Row(offer.key, (offer.name, offer.short), _tint(offer)) for offer in offers]
        self._list.show(rows, rows[0].key if at_top else None)
        self._list.border_subtitle = _("looking for model servers on this machine …") if self._searching else ""
        self._show_about()

    def _show_about(self) -> None:
        offer = self._offers.get(self._list.key or "")
        self._about.set_text(offer.about if offer else "")

    def _tell(self, text: str, *, error: bool = False) -> None:
        self._answer.set_class(error, "error")
        self._answer.set_text(text)

    def on_row_list_moved(self) -> None:
        self._tell("")
        self._show_about()

    def on_row_list_chosen(self) -> None:
        self.action_take()

    # -- the search

    def action_look(self) -> None:
        """Search for model servers on this machine."""
        self._searching = True
        self._show()
        self._look()

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        self._servers = await find_servers()
        self._searching = False
        self._show()
        if self._takes_soon:
            self._takes_soon = False
            self.action_take()

    # -- taking a model

    def action_take(self) -> None:
        """Have the model under the cursor write new documents."""
        if self._searching and self._list.at_top:
            self._takes_soon = True  # the first row may soon be a better one
            return
        offer = self._offers.get(self._list.key or "")
        if offer is None:
            return
        self.workers.cancel_group(self, "take")
        match offer:
            case ModelOffer(kind=OfferKind.FOUND, found=DiscoveredModel() as found):
                self._take_found(found)
            case ModelOffer(kind=OfferKind.SERVICE):
                self._take_service(offer.model)
            case ModelOffer(kind=OfferKind.DOWNLOAD, known=known) if known is not None:
                if self.lwtui.start_download(known):
                    self._close(
                        _(
                            "{model} is being downloaded. Meanwhile, {key} begins a document, which is planned and "
                            "written as soon as the model is here.",
                            model=known.settings.name,
                            key=key_of(LIBRARY, "new"),
                        )
                    )
            case ModelOffer(kind=OfferKind.INSTALL):
                self._tell(offer.about, error=True)
            case ModelOffer(kind=OfferKind.OTHER):
                self._open_settings()
            case _:
                self._choose(offer.model.name)

    @work(exclusive=True, group="take")
    async def _take_found(self, found: DiscoveredModel) -> None:
        """Add the model of a server if it answers."""
        name, passed = found.name, False
        self._tell(_("Testing {name}, which takes longer if it has to be loaded first …", name=name))
        try:
            add_model(found.settings())
            self.lwtui.reload_settings()
            passed, message = await check_by_call(self.lwtui, name)
            if not passed:
                self._tell(_("{name} cannot write: {message}", name=name, message=message), error=True)
        except LwtuiError as error:
            self._tell(str(error), error=True)
        finally:
            if not passed:
                self._forget(name)
        if passed:
            self._choose(name, message)

    def _forget(self, name: str) -> None:
        """Remove a model that was added for its test."""
        if name in self.lwtui.settings.models:
            try:
                remove_model(name)
            except LwtuiError as error:
                self.show_error(error)
            self.lwtui.reload_settings()

    @work(exclusive=True, group="take")
    async def _take_service(self, model: ModelSettings) -> None:
        """Have the user choose one of the models of a service."""
        from lwtui.app.screens.endpoint_form import EndpointForm

        name = await self.app.push_screen_wait(EndpointForm(model, taken=self.lwtui.models.names()))
        if name is None:
            return
        self.lwtui.reload_settings()
        self._show()
        self._tell(_("Testing {name} …", name=name))
        passed, message = await check_by_call(self.lwtui, name)
        if passed:
            self._choose(name, message)
        else:
            self._tell(_("{name} was saved, but cannot write yet: {message}", name=name, message=message), error=True)

    def _choose(self, name: str, message: str = "") -> None:
        self.lwtui.choose_default(name)
        self._close(sentences(_("{name} writes new documents.", name=name), message))

    def _open_settings(self) -> None:
        from lwtui.app.screens.settings import SettingsScreen

        self.app.push_screen(SettingsScreen())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to stop a download only while there is one."""
        return action != "stop" or bool(self.lwtui.models.downloads)

    def action_stop(self) -> None:
        """Stop the download in the background."""
        self.lwtui.stop_downloads()

    def action_later(self) -> None:
        """Go to the library without choosing."""
        if self.lwtui.settings.welcome and not has_default_model():
            self._close(_("{key} shows this choice again.", key=key_of(LIBRARY, "models")))
        else:
            self._close()

    def action_leave(self) -> None:
        """Quit lwtui."""
        self.lwtui.leave()

    def _close(self, notice: str = "") -> None:
        self.lwtui.end_welcome()
        if notice:
            self.show_notice(notice)
        self.dismiss()


def _tint(offer: ModelOffer) -> str:
    return "done" if offer.kind in (OfferKind.CONFIGURED, OfferKind.FOUND) else "empty"

"""The form for a model behind an address: which service, whose key, and which of the models there are."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Grid
from textual.widgets import Input, Label, OptionList, Select
from textual.widgets.option_list import Option

from lwtui.app.screens.model_fields import OF_ENDPOINTS
from lwtui.app.screens.model_form import ModelForm
from lwtui.config import ModelSettings, api_key, check_model, key_variable, public_address, store_api_key
from lwtui.errors import LwtuiError
from lwtui.models.base import ModelError
from lwtui.models.servers import free_name
from lwtui.models.services import SERVICES, Service, service_at, usual_service

_SECONDS = 8.0  # that an endpoint has to list its models
_MOST_OFFERED = 200
# Of these faults a person can mend the cause in the form; others only tell that the endpoint has no such list.
_TO_MEND = ("auth", "unreachable", "budget", "stalled")


class EndpointForm(ModelForm):
    """The endpoint is asked for its models with the key as soon as one is to be chosen, and again before saving.

    What is wrong then is told, and nothing is lost; who saves a second time gets it saved as it is.
    """

    KIND = "an endpoint"
    MORE = OF_ENDPOINTS
    MORE_IN_SHORT = "context, prompts, plans, prices"
    BINDINGS = [("down", "to_offered", "To the list")]

    def __init__(self, model: ModelSettings, taken: Collection[str] = ()) -> None:
        self._is_placed = bool(model.name) or model.base_url != ModelSettings("").base_url
        super().__init__(model if self._is_placed else replace(model, base_url=usual_service().base_url), taken)
        self._names: dict[tuple[str, str], list[str]] = {}  # what endpoints listed, by address and key
        self._told: tuple[ModelSettings, str] | None = None  # what was found wrong on saving, with its key

    def compose_place(self) -> ComposeResult:
        services = [(service.name, service.base_url) for service in SERVICES]
        service = service_at(self._model.base_url)
        with Grid():
            yield Label("Service")
            value = service.base_url if service else ""
            options = [("another", ""), *services]
            yield Select(options, value=value, allow_blank=False, id="service", compact=True)
            yield Label("Address")
            yield Input(self._model.base_url, placeholder="https://…/v1", id="base_url", compact=True)
            yield Label("Key")
            yield Input(password=True, id="key", compact=True)
            yield Label("Model there")
            yield Input(self._model.model, placeholder="↓ chooses one of its list", id="model", compact=True)
        yield OptionList(id="offered", markup=False, compact=True)

    def on_mount(self) -> None:
        self.query_one("#offered").display = False
        self._hint_at_key()

    def first_field(self) -> Input | Select[str]:
        """The first that a person has to fill in."""
        service = service_at(self._model.base_url)
        if self._model.name or (service and service.key_found):
            return self.query_one("#model", Input)
        return self.query_one("#key", Input) if self._is_placed else self.query_one("#service", Select)

    # -- where it is, and with whose key

    @on(Select.Changed, "#service")
    def _take_service(self, event: Select.Changed) -> None:
        address = str(event.value)
        if address and service_at(self.value("base_url")) != service_at(address):
            self.query_one("#base_url", Input).value = address
            self._take_context(service_at(address))

    def _take_context(self, service: Service | None) -> None:
        """The context that a service has, unless a person typed another."""
        usual = {str(one.context_length or "") for one in SERVICES}
        if service and self.value("context_length") in usual:
            self.query_one("#context_length", Input).value = str(service.context_length or "")

    @on(Input.Changed, "#base_url")
    def _follow_address(self, event: Input.Changed) -> None:
        service = service_at(event.value)
        with self.prevent(Select.Changed):
            self.query_one("#service", Select).value = service.base_url if service else ""
        self._hint_at_key()
        self._offer([])

    @on(Input.Changed, "#key")
    def _forget_list(self) -> None:
        self._offer([])

    def _hint_at_key(self) -> None:
        variable = self._variable()
        stays = "; left empty: the one it has here" if self._model.name else ""
        hint = f"found in {variable}: none is needed here" if variable else f"goes to the system keyring{stays}"
        self.query_one("#key", Input).placeholder = hint

    def _variable(self) -> str:
        """The environment variable whose key goes to the address."""
        return key_variable(self.with_place(ModelSettings("")))

    def with_place(self, model: ModelSettings) -> ModelSettings:
        address, there = self.value("base_url"), self.value("model")
        return replace(model, base_url=address, model=there, key_env=self._key_env(address))

    def _key_env(self, address: str) -> str:
        """A key's variable goes along with its own address only, and never before a key that was typed."""
        if self.value("key"):
            return ""
        if self._model.name and address == self._model.base_url:
            return self._model.key_env
        service = service_at(address)
        return service.key_env if service and service.key_found else ""

    # -- which models it has

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if event.widget.id == "model":
            self._ask()

    @work(exclusive=True, group="ask")
    async def _ask(self) -> None:
        """Fetch the list while the person types on; what is wrong is told at once."""
        try:
            draft = self.with_place(ModelSettings(self._model.name or "new"))
            _check_address(draft)
            self._offer(await self._listed(draft))
        except LwtuiError as error:
            self.tell(str(error))

    async def _listed(self, draft: ModelSettings) -> list[str]:
        """The models that an endpoint lists; none where it has no list.

        Raises :class:`LwtuiError` with one line for what is to be mended in the form.
        """
        from lwtui.models.openai_api import list_models

        service = service_at(draft.base_url)
        if service and not service.lists:
            return []
        key = self.value("key") or await self._kept_key(draft)
        if (draft.base_url, key) not in self._names:
            self.tell(f"Asking {_host(draft)} for its models …", error=False)
            try:
                names = await list_models(draft, key, _SECONDS)
            except ModelError as error:
                self.tell("")
                if error.kind not in _TO_MEND:
                    return []
                raise _in_form(error) from None
            self.tell("")
            self._names[draft.base_url, key] = list(dict.fromkeys(names))
        return self._names[draft.base_url, key]

    async def _kept_key(self, draft: ModelSettings) -> str:
        """The key that will be used without one typed."""
        return await asyncio.to_thread(api_key, replace(draft, name=self._model.name or draft.name))

    @on(Input.Changed, "#model")
    def _narrow(self) -> None:
        self._offer(self._names_here())

    def _names_here(self) -> list[str]:
        """What the address is known to have."""
        address = self.value("base_url")
        return next((names for (at, _), names in reversed(self._names.items()) if at == address), [])

    def _offer(self, names: list[str]) -> None:
        """Show those of ``names`` that hold what was typed, or all where none does."""
        typed, offered = self.value("model"), self.query_one("#offered", OptionList)
        fit = [name for name in names if typed.casefold() in name.casefold()] if typed not in names else []
        shown = (fit or ([] if typed in names else names))[:_MOST_OFFERED]
        offered.clear_options()
        offered.add_options([Option(name) for name in shown])
        offered.display = bool(shown)

    def action_to_offered(self) -> None:
        offered = self.query_one("#offered", OptionList)
        if offered.display:
            offered.focus()
            offered.highlighted = 0

    @on(OptionList.OptionSelected, "#offered")
    def _take_offered(self, event: OptionList.OptionSelected) -> None:
        self._take(str(event.option.prompt))

    def _take(self, model: str) -> None:
        field = self.query_one("#model", Input)
        field.value = model
        field.focus()
        field.cursor_position = len(model)

    # -- saving

    def save(self, model: ModelSettings) -> None:
        _check_address(model)
        self._check_and_store(model)

    @work(exclusive=True, group="save")
    async def _check_and_store(self, model: ModelSettings) -> None:
        """Store the model if its endpoint takes the key and has it, or if a person who was told insists."""
        wanted = (model, self.value("key"))
        insists, self._told = self._told == wanted, wanted
        try:
            if wanted[1] and not insists and (variable := key_variable(model)):
                raise ModelError(f"The key in {variable} goes before one typed here: leave Key empty.", kind="auth")
            named = self._with_names(model, [] if insists else await self._listed(model))
            check_model(named)
            if wanted[1]:
                await asyncio.to_thread(store_api_key, named, wanted[1])  # the keyring may ask to be unlocked
            self.store(named)
        except ModelError as error:
            self.tell(f"{error} F5 again saves it as it is.")
        except LwtuiError as error:
            self.tell(str(error))

    def _with_names(self, model: ModelSettings, listed: list[str]) -> ModelSettings:
        """``model`` with its own name and the endpoint's. Raises :class:`ModelError` if that has no such model."""
        there = model.model or (model.name if model.name in listed or not listed else "")
        if not there and not listed:
            raise LwtuiError(f"Say in Model there what {_host(model)} calls it.")
        if not there and len(listed) == 1:
            there = listed[0]
        if listed and there not in listed:
            self._offer(listed)
            self._take(model.model)
            has = f"no model named {there!r}" if there else f"{len(listed)} models"
            raise ModelError(f"{_host(model)} has {has}: choose one below Model there (↓).", kind="unknown-model")
        name = model.name or free_name(there, self._taken)
        return replace(model, name=name, model="" if there == name else there)


def _check_address(model: ModelSettings) -> None:
    if not model.base_url.startswith(("http://", "https://")):
        raise LwtuiError("The address begins with http:// or https://.")


def _host(model: ModelSettings) -> str:
    return public_address(model.base_url).partition("//")[2].partition("/")[0]


def _in_form(error: ModelError) -> ModelError:
    """``error`` with what to do about it here."""
    if error.kind != "auth":
        return error
    return ModelError(f"{str(error).partition('. ')[0]}: put the right one into Key.", kind="auth")

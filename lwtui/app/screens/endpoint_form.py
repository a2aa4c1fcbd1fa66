"""The form for a model behind an endpoint: the service, the API key, and the choice of a model."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from dataclasses import replace

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Grid
from textual.widgets import Input, Label, OptionList, Select
from textual.widgets.option_list import Option

from lwtui.addresses import tidy_address
from lwtui.app.screens.model_fields import ENDPOINT_FIELDS
from lwtui.app.screens.model_form import ModelForm
from lwtui.config import ModelSettings, api_key, check_model, key_variable, public_address, store_api_key
from lwtui.errors import LwtuiError
from lwtui.models.base import ModelError
from lwtui.models.servers import free_name
from lwtui.models.services import SERVICES, Service, best_provider, default_service, service_at
from lwtui.translation import _, sentences

_LIST_SECONDS = 8.0  # timeout for listing an endpoint's models
_MAX_OFFERED = 200
# The user can fix the causes of these faults in the form; any other means that the endpoint cannot list its models.
_FIXABLE = ("auth", "unreachable", "budget", "stalled")


class EndpointForm(ModelForm):
    """The form for an endpoint.

    It lists the endpoint's models, using the key, as soon as the user has to choose one, and again before saving. If
    that fails it shows why; saving a second time stores the model as it is.
    """

    KIND = _("an endpoint")
    MORE = ENDPOINT_FIELDS
    MORE_IN_SHORT = _("context, prompts, plans, reasoning, headers, prices")
    BINDINGS = [("down", "to_offered", _("To the list"))]

    def __init__(self, model: ModelSettings, taken: Collection[str] = ()) -> None:
        self._is_placed = bool(model.name) or model.base_url != ModelSettings("").base_url
        super().__init__(model if self._is_placed else replace(model, base_url=default_service().base_url), taken)
        self._names: dict[tuple[str, str], list[str]] = {}  # the listed models, by address and key
        self._rejected: tuple[ModelSettings, str] | None = None  # the last model that failed the check, with its key

    def compose_place(self) -> ComposeResult:
        services = [(service.name, service.base_url) for service in SERVICES]
        service = service_at(self._model.base_url)
        with Grid():
            yield Label(_("Service"))
            value = service.base_url if service else ""
            options = [(_("other"), ""), *services]
            yield Select(options, value=value, allow_blank=False, id="service", compact=True)
            yield Label(_("Address"))
            yield Input(self._model.base_url, placeholder="https://…/v1", id="base_url", compact=True)
            yield Label(_("Key"))
            yield Input(password=True, id="key", compact=True)
            yield Label(_("Model ID"))
            yield Input(self._model.model, placeholder=_("↓ chooses from the list"), id="model", compact=True)
        yield OptionList(id="offered", markup=False, compact=True)

    def on_mount(self) -> None:
        self.query_one("#offered").display = False
        self._hint_at_key()

    def first_field(self) -> Input | Select[str]:
        """Return the first field that the user has to fill in."""
        service = service_at(self._model.base_url)
        if self._model.name or (service and service.has_key):
            return self.query_one("#model", Input)
        return self.query_one("#key", Input) if self._is_placed else self.query_one("#service", Select)

    # -- the endpoint and its key

    @on(Select.Changed, "#service")
    def _take_service(self, event: Select.Changed) -> None:
        address = str(event.value)
        if address and service_at(self.value("base_url")) != service_at(address):
            self.query_one("#base_url", Input).value = address
            self._take_context(service_at(address))

    def _take_context(self, service: Service | None) -> None:
        """Fill in the service's context length, unless the user has typed another."""
        defaults = {str(known.context_length or "") for known in SERVICES}
        if service and self.value("context_length") in defaults:
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
        hint = _("stored in the system keyring")
        if variable:
            hint = _("not needed: taken from {variable}", variable=variable)
        elif self._model.name:
            hint = _("stored in the system keyring; empty: unchanged")
        self.query_one("#key", Input).placeholder = hint

    def _variable(self) -> str:
        """Return the environment variable that has the key for the address."""
        return key_variable(self.with_place(ModelSettings("")))

    def with_place(self, model: ModelSettings) -> ModelSettings:
        """Return ``model`` with the address, the model ID and the key's variable from the form."""
        address, model_id = tidy_address(self.value("base_url")), self.value("model")
        kept = self._model.name and address == self._model.base_url
        provider = self._model.provider if kept else best_provider(address)
        return replace(model, provider=provider, base_url=address, model=model_id, key_env=self._key_env(address))

    def _key_env(self, address: str) -> str:
        """Return the key's environment variable: only for its own address, and not if the user typed a key."""
        if self.value("key"):
            return ""
        if self._model.name and address == self._model.base_url:
            return self._model.key_env
        service = service_at(address)
        return service.key_env if service and service.has_key else ""

    # -- its models

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if event.widget.id == "model":
            self._list_models()

    @work(exclusive=True, group="list-models")
    async def _list_models(self) -> None:
        """Fetch the list of models while the user goes on typing."""
        try:
            draft = self.with_place(ModelSettings(self._model.name or "new"))
            _check_address(draft)
            self._offer(await self._fetch_models(draft))
        except LwtuiError as error:
            self.tell(str(error))

    async def _fetch_models(self, draft: ModelSettings) -> list[str]:
        """Return the models of an endpoint; none if it cannot list them.

        Raises:
            LwtuiError: Something must be fixed in the form.
        """
        from lwtui.models.openai_api import list_models

        service = service_at(draft.base_url)
        if service and not service.lists_models:
            return []
        key = self.value("key") or await self._stored_key(draft)
        if (draft.base_url, key) not in self._names:
            self.tell(_("Listing the models of {host} …", host=_host(draft)), error=False)
            try:
                names = await list_models(draft, key, _LIST_SECONDS)
            except ModelError as error:
                self.tell("")
                if error.kind not in _FIXABLE:
                    return []
                raise _with_advice(error) from None
            self.tell("")
            self._names[draft.base_url, key] = list(dict.fromkeys(names))
        return self._names[draft.base_url, key]

    async def _stored_key(self, draft: ModelSettings) -> str:
        """Return the key that is used if the user types none."""
        return await asyncio.to_thread(api_key, replace(draft, name=self._model.name or draft.name))

    @on(Input.Changed, "#model")
    def _narrow(self) -> None:
        self._offer(self._known_names())

    def _known_names(self) -> list[str]:
        """Return the models last listed for the address."""
        address = tidy_address(self.value("base_url"))
        return next((names for (at, _key), names in reversed(self._names.items()) if at == address), [])

    def _offer(self, names: list[str]) -> None:
        """Show the models that contain the typed text, or all if none does."""
        typed, offered = self.value("model"), self.query_one("#offered", OptionList)
        matching = [name for name in names if typed.casefold() in name.casefold()] if typed not in names else []
        shown = (matching or ([] if typed in names else names))[:_MAX_OFFERED]
        offered.clear_options()
        offered.add_options([Option(name) for name in shown])
        offered.display = bool(shown)

    def action_to_offered(self) -> None:
        """Go to the list of models."""
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
        """Check the model against its endpoint, then store it."""
        _check_address(model)
        self._check_and_store(model)

    @work(exclusive=True, group="save")
    async def _check_and_store(self, model: ModelSettings) -> None:
        """Store the model if its endpoint accepts the key and has the model, or if the user saves it once more."""
        wanted = (model, self.value("key"))
        insists, self._rejected = self._rejected == wanted, wanted
        try:
            if wanted[1] and not insists and (variable := key_variable(model)):
                raise ModelError(
                    _("The key in {variable} overrides the key entered here. Leave Key empty.", variable=variable),
                    kind="auth",
                )
            named = self._with_names(model, [] if insists else await self._fetch_models(model))
            check_model(named)
            if wanted[1]:
                await asyncio.to_thread(store_api_key, named, wanted[1])  # the keyring may ask to be unlocked
            self.store(named)
        except ModelError as error:
            self.tell(sentences(str(error), _("F5 again saves the model as it is.")))
        except LwtuiError as error:
            self.tell(str(error))

    def _with_names(self, model: ModelSettings, listed: list[str]) -> ModelSettings:
        """Return ``model`` with its name and its ID at the endpoint.

        Raises:
            ModelError: The endpoint has no such model, or several to choose from.
            LwtuiError: The model's ID is missing.
        """
        model_id = model.model or (model.name if model.name in listed or not listed else "")
        if not model_id and not listed:
            raise LwtuiError(_("Enter {host}'s name for the model in Model ID.", host=_host(model)))
        if not model_id and len(listed) == 1:
            model_id = listed[0]
        if listed and model_id not in listed:
            self._offer(listed)
            self._take(model.model)
            problem = _(
                "{host} has {count} models. Choose one below Model ID (↓).", host=_host(model), count=len(listed)
            )
            if model_id:
                problem = _(
                    "{host} has no model named {model!r}. Choose one below Model ID (↓).",
                    host=_host(model),
                    model=model_id,
                )
            raise ModelError(problem, kind="unknown-model")
        name = model.name or free_name(model_id, self._taken)
        return replace(model, name=name, model="" if model_id == name else model_id)


def _check_address(model: ModelSettings) -> None:
    if not model.base_url.startswith(("http://", "https://")):
        raise LwtuiError(_("This is no address. It must look like https://host/v1."))


def _host(model: ModelSettings) -> str:
    return public_address(model.base_url).partition("//")[2].partition("/")[0]


def _with_advice(error: ModelError) -> ModelError:
    """Return ``error`` with what to do about it in the form."""
    if error.kind != "auth":
        return error
    problem = re.split(r"\. |。", str(error), maxsplit=1)[0]
    return ModelError(_("{problem}. Enter the right one in Key.", problem=problem), kind="auth")

"""The fields of a model's form besides its location, and how their texts are parsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual.app import ComposeResult
from textual.widgets import Input, Label, Select

from lwtui.config import ModelSettings, Role, parse_token_count
from lwtui.errors import LwtuiError
from lwtui.models.base import Sampling
from lwtui.models.profiles import PROFILES
from lwtui.models.sampling import PRESETS, with_sampling
from lwtui.request_settings import EFFORTS, headers_text, parameters_text, parse_headers, parse_parameters
from lwtui.translation import _

CUSTOM = "custom"


@dataclass(frozen=True)
class Field:
    """A form field for one field of :class:`ModelSettings`.

    Attributes:
        name: The field of the settings.
        label: The label in the form.
        hint: The placeholder while the field is empty.
        options: The choices as pairs of label and value; without any, the field takes text.
        role: The role that it is for, if it is one of ``[models.NAME.ROLE]``.
    """

    name: str
    label: str
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    role: str = ""

    @property
    def id(self) -> str:
        """The widget's ID."""
        return f"{self.role}-{self.name}" if self.role else self.name

    def value_in(self, model: ModelSettings) -> Any:
        """Return the field's value in a model's settings; ``None`` if a role has none of its own."""
        return model.roles.get(self.role, {}).get(self.name) if self.role else getattr(model, self.name)


_PROFILES = (
    (_("chosen by the model's name"), ""),
    (_("for a model that follows instructions (chat)"), "chat"),
    (_("for a model that continues a text (base)"), "base"),
    *((_("as {name} was trained", name=name), name) for name in PROFILES if name not in ("chat", "base")),
)
_EFFORTS = tuple((effort, effort) for effort in EFFORTS)
_ROLE_EFFORTS = ((_("as when writing"), ""), *_EFFORTS)
ENDPOINT_FIELDS = (
    Field("context_length", _("Context"), _("tokens, such as 32k; empty: as the endpoint says")),
    Field("profile", _("Prompts"), options=_PROFILES),
    Field(
        "constrain",
        _("Plans"),
        options=((_("free text, checked"), ""), (_("by a grammar"), "grammar"), (_("by a JSON schema"), "json_schema")),
    ),
    Field("reasoning_effort", _("Reasoning"), options=((_("as the endpoint does"), ""), *_EFFORTS)),
    Field("reasoning_effort", _("… planning"), options=_ROLE_EFFORTS, role=Role.PLAN.value),
    Field("reasoning_effort", _("… reviewing"), options=_ROLE_EFFORTS, role=Role.CRITIC.value),
    Field(
        "reasoning_tokens", _("… at most"), _("tokens in an answer, such as 4k; 0: none; empty: the endpoint's limit")
    ),
    Field("extra_headers", _("Headers"), _("X-Title: book, X-Org: $ORG_ID ($NAME: an environment variable)")),
    Field("extra_body", _("Parameters"), '{"provider": {"sort": "price"}}'),
    Field("price_input", _("Input price"), _("per million tokens; empty: unknown")),
    Field("price_output", _("Output price"), _("per million tokens; empty: unknown")),
    Field("price_cached", _("Cached price"), _("per million cached input tokens; empty: as the input price")),
)
GGUF_FIELDS = (
    Field("context_length", _("Context"), _("tokens, such as 32k; empty: as large as memory allows")),
    Field("profile", _("Prompts"), options=_PROFILES),
    Field(
        "kv_type",
        _("Cache"),
        options=((_("whichever fits"), ""), (_("16-bit numbers"), "f16"), (_("8-bit numbers"), "q8_0")),
    ),
    Field(
        "flash_attention",
        _("Attention"),
        options=(
            (_("as the cache needs"), ""),
            *((_("flash: {value}", value=value), value) for value in ("on", "off", "auto")),
        ),
    ),
    Field("gpu_layers", _("GPU layers"), _("empty: as many as fit")),
    Field("threads", _("Threads"), _("empty: one for each core")),
)


def compose_fields(fields: tuple[Field, ...], model: ModelSettings) -> ComposeResult:
    """Yield a label and a widget for each field, filled in from ``model``."""
    for field in fields:
        yield Label(field.label)
        value = field.value_in(model)
        if field.options:
            known = value if value in [option for _shown, option in field.options] else ""
            options = field.options
            if value and not known and field.name == "reasoning_effort":  # a word of the endpoint's own
                known, options = value, (*options, (value, value))
            yield Select(options, value=known, allow_blank=False, id=field.id, compact=True)
        else:
            yield Input(_field_text(field, value), placeholder=field.hint, id=field.id, compact=True)


def _field_text(field: Field, value: Any) -> str:
    if value is None or (value == 0 and field.name in ("context_length", "threads")):
        return ""
    if field.name == "extra_headers":
        return headers_text(value)
    return parameters_text(value) if field.name == "extra_body" else f"{value}"


def field_values(fields: tuple[Field, ...], texts: dict[str, str], model: ModelSettings) -> dict[str, Any]:
    """Return the settings that the texts of the fields (by ID) stand for; roles keep what has no field."""
    values = {field.name: parse_field(field, texts[field.id]) for field in fields if not field.role}
    roles = {role: dict(own) for role, own in model.roles.items()}
    for field in fields:
        if field.role:
            own = roles.setdefault(field.role, {})
            own[field.name] = parse_field(field, texts[field.id])
            if own[field.name] == "":
                del own[field.name]
    return values | {"roles": {role: own for role, own in roles.items() if own}}


def parse_field(field: Field, text: str) -> object:
    """Parse the text of a field. Raises :class:`LwtuiError` if it is not a number where one is needed."""
    if field.options:
        return text
    try:
        if field.name.startswith("price"):
            return float(text) if text else None
        if field.name in ("context_length", "reasoning_tokens") and text:
            return parse_token_count(text)
        if field.name == "extra_headers":
            return parse_headers(text)
        if field.name == "extra_body":
            return parse_parameters(text)
        return int(text) if text else (None if field.name in ("gpu_layers", "reasoning_tokens") else 0)
    except ValueError:
        if field.name.startswith("extra"):  # the text may be a key, so the message does not repeat it
            raise LwtuiError(
                _("{field} must look like {example}.", field=field.label, example=field.hint), code="not-a-table"
            ) from None
        raise LwtuiError(
            _("{field}: {text!r} is not a number.", field=field.label, text=text), code="not-a-number"
        ) from None


def sampling_options(*, custom: bool = True) -> list[tuple[str, str]]:
    """Return the sampling presets as pairs of label and value.

    Args:
        custom: Whether to include an option for values that the user enters.
    """
    presets = [(f"{name}: {values}", name) for name, values in PRESETS.items()]
    return [(_("the model's own"), ""), *presets, *([(_("custom values"), CUSTOM)] if custom else [])]


def sampling_text(model: ModelSettings) -> str:
    """Return a model's sampling as one text, including its separate temperature setting."""
    temperature = "" if model.temperature is None else f"temperature={model.temperature:g}"
    return ", ".join(filter(None, (temperature, model.sampling)))


def sampling_choice(sampling: str) -> str:
    """Return the value among :func:`sampling_options` that stands for a sampling."""
    return sampling if sampling in PRESETS or not sampling else CUSTOM


def parse_sampling(choice: str, custom: str) -> str:
    """Return the chosen sampling, or ``custom`` for the custom option. Raises :class:`LwtuiError` if it is invalid."""
    text = custom if choice == CUSTOM else choice
    with_sampling(Sampling(), text)
    return text

"""The fields of a model's form besides its location, and how their texts are parsed."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.widgets import Input, Label, Select

from lwtui.config import ModelSettings, parse_token_count
from lwtui.errors import LwtuiError
from lwtui.models.base import Sampling
from lwtui.models.profiles import PROFILES
from lwtui.models.sampling import PRESETS, with_sampling

CUSTOM = "custom"


@dataclass(frozen=True)
class Field:
    """A form field for one field of :class:`ModelSettings`.

    Attributes:
        name: The field of the settings.
        label: The label in the form.
        hint: The placeholder while the field is empty.
        options: The choices as pairs of label and value; without any, the field takes text.
    """

    name: str
    label: str
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()


_PROFILES = (
    ("chosen by the model's name", ""),
    ("for a model that follows instructions (chat)", "chat"),
    ("for a model that continues a text (base)", "base"),
    *((f"as {name} was trained", name) for name in PROFILES if name not in ("chat", "base")),
)
ENDPOINT_FIELDS = (
    Field("context_length", "Context", "tokens, such as 32k; empty: as the endpoint says"),
    Field("profile", "Prompts", options=_PROFILES),
    Field(
        "constrain",
        "Plans",
        options=(("free text, checked", ""), ("by a grammar", "grammar"), ("by a JSON schema", "json_schema")),
    ),
    Field("price_input", "Input price", "per million tokens; empty: unknown"),
    Field("price_output", "Output price", "per million tokens; empty: unknown"),
)
GGUF_FIELDS = (
    Field("context_length", "Context", "tokens, such as 32k; empty: as large as memory allows"),
    Field("profile", "Prompts", options=_PROFILES),
    Field("kv_type", "Cache", options=(("whichever fits", ""), ("16-bit numbers", "f16"), ("8-bit numbers", "q8_0"))),
    Field(
        "flash_attention",
        "Attention",
        options=(("as the cache needs", ""), *((f"flash: {value}", value) for value in ("on", "off", "auto"))),
    ),
    Field("gpu_layers", "GPU layers", "empty: as many as fit"),
    Field("threads", "Threads", "empty: one for each core"),
)


def compose_fields(fields: tuple[Field, ...], model: ModelSettings) -> ComposeResult:
    """Yield a label and a widget for each field, filled in from ``model``."""
    for field in fields:
        yield Label(field.label)
        value = getattr(model, field.name)
        if field.options:
            known = value if value in [option for _, option in field.options] else ""
            yield Select(field.options, value=known, allow_blank=False, id=field.name, compact=True)
        else:
            unset = value is None or (value == 0 and field.name in ("context_length", "threads"))
            yield Input("" if unset else f"{value}", placeholder=field.hint, id=field.name, compact=True)


def parse_field(field: Field, text: str) -> object:
    """Parse the text of a field. Raises :class:`LwtuiError` if it is not a number where one is needed."""
    if field.options:
        return text
    try:
        if field.name.startswith("price"):
            return float(text) if text else None
        if field.name == "context_length" and text:
            return parse_token_count(text)
        return int(text) if text else (None if field.name == "gpu_layers" else 0)
    except ValueError:
        raise LwtuiError(f"{field.label}: {text!r} is not a number.", code="not-a-number") from None


def sampling_options(*, custom: bool = True) -> list[tuple[str, str]]:
    """Return the sampling presets as pairs of label and value.

    Args:
        custom: Whether to include an option for values that the user enters.
    """
    presets = [(f"{name}: {values}", name) for name, values in PRESETS.items()]
    return [("the model's own", ""), *presets, *([("custom values", CUSTOM)] if custom else [])]


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

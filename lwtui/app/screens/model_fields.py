"""What a model's form asks for beside the place of the model, and how it is read from what was typed."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.widgets import Input, Label, Select

from lwtui.config import ModelSettings, tokens
from lwtui.errors import LwtuiError
from lwtui.models.base import Sampling
from lwtui.models.profiles import PROFILES
from lwtui.models.sampling import PRESETS, with_sampling

CUSTOM = "custom"


@dataclass(frozen=True)
class Field:
    """A field of :class:`ModelSettings`. ``hint`` stands in it while it is empty; ``options`` (shown, value) make it
    a choice."""

    name: str
    label: str
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()


_PROFILES = (
    ("by its name", ""),
    ("for a model that follows instructions (chat)", "chat"),
    ("for a model that carries a text on (base)", "base"),
    *((f"as {name} was tuned", name) for name in PROFILES if name not in ("chat", "base")),
)
OF_ENDPOINTS = (
    Field("context_length", "Context", "tokens, such as 32k; left empty: what the endpoint says"),
    Field("profile", "Prompts", options=_PROFILES),
    Field(
        "constrain",
        "Plans",
        options=(("free, and checked", ""), ("held to a grammar", "grammar"), ("held to a JSON schema", "json_schema")),
    ),
    Field("price_input", "Price, prompt", "of a million tokens; left empty: unknown"),
    Field("price_output", "Price, answer", "of a million tokens; left empty: unknown"),
)
OF_GGUFS = (
    Field("context_length", "Context", "tokens, such as 32k; empty: the model's own, as memory allows"),
    Field("profile", "Prompts", options=_PROFILES),
    Field("kv_type", "Cache", options=(("by what fits", ""), ("16 bits a number", "f16"), ("8 bits a number", "q8_0"))),
    Field(
        "flash_attention",
        "Attention",
        options=(("by the cache", ""), *((f"flash: {one}", one) for one in ("on", "off", "auto"))),
    ),
    Field("gpu_layers", "GPU layers", "left empty: as many as fit"),
    Field("threads", "Threads", "left empty: one for each core"),
)


def compose_fields(fields: tuple[Field, ...], model: ModelSettings) -> ComposeResult:
    for field in fields:
        yield Label(field.label)
        value = getattr(model, field.name)
        if field.options:
            known = value if value in [one for _, one in field.options] else ""
            yield Select(field.options, value=known, allow_blank=False, id=field.name, compact=True)
        else:
            unset = value is None or (value == 0 and field.name in ("context_length", "threads"))
            yield Input("" if unset else f"{value}", placeholder=field.hint, id=field.name, compact=True)


def typed(field: Field, text: str) -> object:
    """The value that ``text`` means for a field. Raises :class:`LwtuiError` that names the field."""
    if field.options:
        return text
    try:
        if field.name.startswith("price"):
            return float(text) if text else None
        if field.name == "context_length" and text:
            return tokens(text)
        return int(text) if text else (None if field.name == "gpu_layers" else 0)
    except ValueError:
        raise LwtuiError(f"{field.label}: a number, not {text!r}.") from None


def sampling_options(*, custom: bool = True) -> list[tuple[str, str]]:
    """The sets there are, as they are shown and by their names; ``custom`` is for values of a person's own."""
    sets = [(f"{name}: {values}", name) for name, values in PRESETS.items()]
    return [("the model's own", ""), *sets, *([("as you say", CUSTOM)] if custom else [])]


def sampling_of(model: ModelSettings) -> str:
    """How the model's tokens are drawn, as one text: a temperature that stands by itself is part of it."""
    temperature = "" if model.temperature is None else f"temperature={model.temperature:g}"
    return ", ".join(filter(None, (temperature, model.sampling)))


def choice_of(sampling: str) -> str:
    """The option of :func:`sampling_options` that a sampling is."""
    return sampling if sampling in PRESETS or not sampling else CUSTOM


def checked_sampling(choice: str, own: str) -> str:
    """The sampling that was chosen or, for ``custom``, typed. Raises :class:`LwtuiError` that says what is wrong."""
    text = own if choice == CUSTOM else choice
    with_sampling(Sampling(), text)
    return text

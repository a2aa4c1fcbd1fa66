"""From ``--model`` and ``--base-url`` to the settings of a model."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from lwtui.config import ModelSettings, Role, Settings, public_address
from lwtui.errors import UsageError
from lwtui.models.catalog import resolve


def choose_model(options: argparse.Namespace, settings: Settings, default: str = "") -> ModelSettings:
    """The model that the options name, else ``default``, else the settings' own. Raises :class:`UsageError`."""
    if options.base_url:
        return at_address(options.base_url, options.model)
    chosen = resolve(options.model or default, settings)
    # A path has to mean the same file when the document is resumed from another folder.
    return replace(chosen, path=str(Path(chosen.path).expanduser().absolute())) if chosen.path else chosen


def role_model(given: str | None, role: Role, settings: Settings, own: str = "") -> ModelSettings | None:
    """The model that an option such as ``--plan-model`` gives a role to, else the document's ``own``, else the
    settings'; ``None`` leaves it to the writer. Raises :class:`UsageError`."""
    name = given or own or settings.roles.get(role.value, "")
    return resolve(name, settings) if name else None


def at_address(base_url: str, model: str | None) -> ModelSettings:
    """A model that is not in the settings.

    Its name holds the host, so that no key which the keyring keeps for another model is ever sent there.
    """
    if not model:
        raise UsageError("--base-url needs --model: the name that the endpoint has for the model.")
    return ModelSettings(f"{model}@{host_of(base_url)}", model=model, base_url=base_url)


def host_of(base_url: str) -> str:
    """Host and port of an address. Raises :class:`UsageError` if it is none."""
    try:
        parts = urlsplit(base_url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or any(character.isspace() for character in base_url):
        raise UsageError(f"{public_address(base_url)!r} is not an address: it must be like https://host/v1.")
    return parts.netloc.rpartition("@")[2]


def stored_name(options: argparse.Namespace, model: ModelSettings, settings: Settings) -> str:
    """What a document remembers as its model: a name that ``--model`` takes, or a GGUF's path."""
    if options.base_url:
        return model.model
    known = model.name in settings.models or model.name == "demo"
    return model.name if known else model.path

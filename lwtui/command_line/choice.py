"""Resolving ``--model`` and ``--base-url`` to the settings of a model."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from lwtui.addresses import tidy_address
from lwtui.config import ModelSettings, Role, Settings, has_default_model, public_address
from lwtui.errors import UsageError
from lwtui.models.catalog import resolve
from lwtui.translation import _


def choose_model(options: argparse.Namespace, settings: Settings, default: str = "") -> ModelSettings:
    """Return the model that the options name, else ``default``, else the default of the settings.

    Where the settings have no default either, the best model that is installed is used, and named in one line.

    Raises:
        UsageError: There is no such model, or the address is invalid.
    """
    if options.base_url:
        return endpoint_model(options.base_url, options.model)
    name = options.model or default
    if not name and not has_default_model():
        from lwtui.command_line.default_model import default_model

        return default_model(settings, quiet=getattr(options, "quiet", False))
    chosen = resolve(name, settings)
    # An absolute path names the same file when the document is resumed from another folder.
    return replace(chosen, path=str(Path(chosen.path).expanduser().absolute())) if chosen.path else chosen


def role_model(given: str | None, role: Role, settings: Settings, own: str = "") -> ModelSettings | None:
    """Return the model for a role, or ``None`` where the writer plays it.

    Args:
        given: The value of an option such as ``--plan-model``.
        role: The role.
        settings: Their model for the role is the last choice.
        own: The document's model for the role, if it has one.

    Raises:
        UsageError: There is no such model.
    """
    name = given or own or settings.roles.get(role.value, "")
    return resolve(name, settings) if name else None


def endpoint_model(base_url: str, model: str | None) -> ModelSettings:
    """Return a model that is not in the settings.

    Its name includes the host, so that the host never gets another model's key from the keyring.

    Raises:
        UsageError: The address is invalid, or ``model`` is missing.
    """
    if not model:
        raise UsageError(_("--base-url needs --model, the endpoint's name for the model."), code="incomplete-options")
    return ModelSettings(f"{model}@{host_of(base_url)}", model=model, base_url=base_url)


def host_of(base_url: str) -> str:
    """Return the host and port of an address.

    Raises:
        UsageError: The address is invalid.
    """
    address = tidy_address(base_url)
    try:
        parts = urlsplit(address)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or any(character.isspace() for character in address):
        raise UsageError(
            _("{base_url!r} is not an address. Enter one such as https://host/v1.", base_url=public_address(base_url)),
            code="invalid-address",
        )
    return parts.netloc.rpartition("@")[2]


def stored_name(options: argparse.Namespace, model: ModelSettings, settings: Settings) -> str:
    """Return the model as a document stores it: a name that ``--model`` accepts, or the path of a GGUF."""
    if options.base_url:
        return model.model
    known = model.name in settings.models or model.name == "demo"
    return model.name if known else model.path

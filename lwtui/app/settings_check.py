"""Finds settings that are well-formed but that the app cannot use. Each problem is one line."""

from __future__ import annotations

from collections.abc import Iterator

from lwtui.app.own_keys import own_keys
from lwtui.app.themes import theme_problem
from lwtui.config import Settings
from lwtui.errors import LwtuiError
from lwtui.models.catalog import resolve
from lwtui.models.profiles import profile_for
from lwtui.translation import language_problem


def problems(settings: Settings) -> list[str]:
    """Return all problems except those of the default model, which has its own check."""
    return list(filter(None, _problems(settings)))


def model_problem(settings: Settings) -> str:
    """Return what is wrong with the name of the default model; empty if nothing is."""
    try:
        resolve(settings.model, settings)
    except LwtuiError as error:
        return str(error)
    return ""


def _problems(settings: Settings) -> Iterator[str]:
    yield theme_problem(settings.theme)
    yield language_problem(settings.language)
    try:
        own_keys(settings.keys)
    except LwtuiError as error:
        yield str(error)
    for role, name in settings.roles.items():
        try:
            resolve(name, settings)
        except LwtuiError as error:
            yield f"[roles] {role}: {error}"
    for name, model in settings.models.items():
        try:
            profile_for(model)
        except LwtuiError as error:
            yield f"[models.{name}] {error}"

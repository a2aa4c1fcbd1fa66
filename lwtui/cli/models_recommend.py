"""The recommendation of ``lwtui models``: which model to use on this machine."""

from __future__ import annotations

from typing import Any

from lwtui.best_model import measured_weights_rate
from lwtui.config import ModelSettings, Settings, has_default_model
from lwtui.files import expand_user
from lwtui.models.llama_cpp.fit import Machine, format_size
from lwtui.models.llama_cpp.machine import available_memory
from lwtui.models.recommend import Recommendation, installed_models, recommend
from lwtui.system import quote_word
from lwtui.translation import _


def recommendation(settings: Settings) -> dict[str, Any] | None:
    """Describe the recommended model for programs; ``None`` if no known model fits."""
    found = _recommend(settings)
    if found is None:
        return None
    known, installed = found.known, _installed(found, settings)
    return {
        "name": installed.name if installed else known.name,
        "about": known.english,
        "license": known.license,
        "size": known.size,
        "memory": found.fit.needed,
        "context_length": found.fit.context_length,
        "tokens_per_second": float(f"{found.tokens_per_second:.2g}"),
        "downloaded": installed is not None or known.path.is_file(),
        "command": _command(found, installed, settings),
    }


def recommendation_line(settings: Settings) -> str:
    """Describe the recommended model in a line that says how to get or use it."""
    found = _recommend(settings)
    if found is None:
        free = format_size(available_memory())
        return _("No known model fits the {free} of free memory. Use a model server: lwtui models find", free=free)
    known, installed = found.known, _installed(found, settings)
    name = installed.name if installed else known.name
    facts = _(
        "{size}, {license}, takes {memory} of memory, about {speed} tokens/s without a GPU",
        size=format_size(known.size),
        license=known.license,
        memory=format_size(found.fit.needed),
        speed=_rounded(found.tokens_per_second),
    )
    if command := _command(found, installed, settings):
        return _("Recommended for this machine: {name} ({facts}): {command}", name=name, facts=facts, command=command)
    return _("Recommended for this machine: {name} ({facts}), your default model", name=name, facts=facts)


def _recommend(settings: Settings) -> Recommendation | None:
    return recommend(Machine.detect(), measured_weights_rate(installed_models(settings)))


def _installed(found: Recommendation, settings: Settings) -> ModelSettings | None:
    """Return the recommended model as the settings have it, if they do and its file is there."""
    paths = ((model, expand_user(model.path)) for model in settings.models.values() if model.path)
    return next((model for model, path in paths if path.name == found.known.file and path.is_file()), None)


def _command(found: Recommendation, installed: ModelSettings | None, settings: Settings) -> str:
    """Return the command that gets or chooses the model; empty if the settings name it."""
    if installed is None:
        return f"lwtui models download {found.known.name} --use"
    if has_default_model() and settings.model == installed.name:
        return ""
    return f"lwtui config set model {quote_word(installed.name)}"


def _rounded(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 2 else f"{rate:.1g}"

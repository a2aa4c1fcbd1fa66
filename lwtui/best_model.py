"""The best model that is installed, which writes where neither an option nor the settings name one."""

from __future__ import annotations

from lwtui.agentwrite.cache_table import CacheTable
from lwtui.agentwrite.throughput import load_rates
from lwtui.config import Settings
from lwtui.models.recommend import InstalledModel, best_installed, installed_models, weights_per_second

_MACHINE = CacheTable("machine.json")
_WEIGHTS_RATE = "weights_per_second"


def best_model(settings: Settings, *, keep: bool = True) -> InstalledModel | None:
    """Choose the best model that is installed. If there are several, this takes some tenths of a second.

    Args:
        settings: The settings, whose GGUFs count as installed.
        keep: Keep in the cache how fast this machine is.

    Returns:
        The model, or ``None`` if none is installed.
    """
    installed = installed_models(settings)
    rate = measured_weights_rate(installed, keep=keep) if len(installed) > 1 else 0.0
    return best_installed(installed, rate)


def measured_weights_rate(installed: list[InstalledModel], *, keep: bool = True) -> float:
    """Return how many bytes of weights this machine computes in a second.

    The largest model that has written here tells. Without one, the rate is estimated; the highest estimate so far
    counts, because other programs only ever lower it.

    Args:
        installed: The models that may have written here.
        keep: Keep a higher estimate in the cache.
    """
    written = [(model.active, load_rates(model.settings).writing) for model in installed]
    active, rate = max(((active, rate) for active, rate in written if rate > 0), default=(0, 0.0))
    if rate:
        return active * rate
    known = _MACHINE.get(_WEIGHTS_RATE)
    best = max(weights_per_second(), float(known) if isinstance(known, int | float) else 0.0)
    if keep and best != known:
        _MACHINE.put(_WEIGHTS_RATE, best)
    return best

"""Which model suits this machine: of those in the catalog, and of those that are installed.

A token takes about as long as the weights that are active for it take to compute. So one figure tells how fast any
model is on a machine: the bytes of weights that it computes in a second. :func:`weights_per_second` estimates it; a
model that was used here tells it better. GPUs are not counted, because only llama.cpp knows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

from lwtui.config import ModelSettings, Settings
from lwtui.errors import LwtuiError
from lwtui.files import expand_user
from lwtui.models.catalog import DEMO
from lwtui.models.known_ggufs import KnownGguf, known_ggufs
from lwtui.models.llama_cpp.demo import PACKAGE
from lwtui.models.llama_cpp.fit import Fit, LoadOptions, Machine, estimate, fit
from lwtui.models.llama_cpp.gguf_header import GgufHeader, Layer
from lwtui.models.llama_cpp.machine import usable_cores
from lwtui.models.llama_cpp.protocol import MAX_SEQUENCES
from lwtui.models.local_engine import local_engine

_MIN_RATE = 3.0  # tokens per second, about 130 words per minute: slower models are no pleasure
_DEMO_SIZE = 253_000_000  # bytes
_CORE_RATE = 2.5e9  # bytes of weights in four bits that one core computes in a second
_BANDWIDTH_SHARE = 0.5  # of the memory bandwidth that a model reaches
_SAMPLE = 2**27  # bytes to read for a measurement


@dataclass(frozen=True)
class Recommendation:
    """A model of the catalog for this machine.

    Attributes:
        known: The model.
        fit: How it would be loaded.
        tokens_per_second: About how fast it writes.
    """

    known: KnownGguf
    fit: Fit
    tokens_per_second: float


@dataclass(frozen=True)
class InstalledModel:
    """A model whose file is on this machine.

    Attributes:
        settings: Its settings.
        active: Bytes of weights that are read for each token.
        size: Bytes of all weights.
    """

    settings: ModelSettings
    active: int
    size: int

    @property
    def is_demo(self) -> bool:
        """Whether it is the demo model."""
        return self.settings == DEMO


def fit_known(known: KnownGguf, machine: Machine) -> Fit:
    """Estimate how a model of the catalog would be loaded, before it is downloaded."""
    shape = known.shape
    width = shape.kv_heads * shape.head_length
    header = GgufHeader(
        architecture="",
        file_size=known.size,
        weights=known.size,
        layers=(Layer(known.size // (shape.layers + 1), width, width),) * shape.layers,
        context_length=0,
        vocabulary=shape.vocabulary,
        embedding=shape.embedding,
        feed_forward=shape.feed_forward,
        heads=shape.heads,
        head_length=shape.head_length,
    )
    return fit(header, machine, LoadOptions.of(ModelSettings(known.name), sequences=MAX_SEQUENCES))


def recommend(machine: Machine, weights_rate: float) -> Recommendation | None:
    """Recommend a model of the catalog: the best that fits and writes at a bearable speed, else the fastest that fits.

    Args:
        machine: The machine's resources.
        weights_rate: Bytes of weights that it computes per second.

    Returns:
        The model, or ``None`` if none fits.
    """
    candidates = []
    for known in sorted(known_ggufs(), key=lambda known: known.rank, reverse=True):
        if known.rank and (chosen := fit_known(known, machine)).fits:
            rate = weights_rate / (known.size * known.shape.active)
            candidates.append(Recommendation(known, chosen, rate))
    bearable = [candidate for candidate in candidates if candidate.tokens_per_second >= _MIN_RATE]
    return bearable[0] if bearable else max(candidates, key=lambda one: one.tokens_per_second, default=None)


def installed_models(settings: Settings) -> list[InstalledModel]:
    """List the models that can run on this machine: GGUFs of the settings, downloads, and the demo model."""
    if local_engine(settings) is None:
        return []
    models = [model for model in settings.models.values() if model.provider == "llama_cpp"]
    paths = {expand_user(model.path) for model in models}
    models += [known.settings for known in known_ggufs() if known.path not in paths]
    shapes = {known.file: known.shape for known in known_ggufs()}
    found = []
    for model in models:
        if size := _file_size(model.path):
            name = Path(model.path).name
            share = shapes[name].active if name in shapes else 1.0
            found.append(InstalledModel(model, int(size * share), size))
    if find_spec(PACKAGE) is not None:
        found.append(InstalledModel(DEMO, _DEMO_SIZE, _DEMO_SIZE))
    return found


def _file_size(path: str) -> int:
    """Return the size of a GGUF in bytes; 0 if it cannot be read."""
    file = expand_user(path)
    try:
        return file.stat().st_size if file.is_file() else 0
    except OSError:
        return 0


def best_installed(models: Sequence[InstalledModel], weights_rate: float) -> InstalledModel | None:
    """Choose the largest model that fits the memory and writes at a bearable speed, else the fastest that fits.

    The demo model is chosen only if there is no other.

    Args:
        models: What is installed.
        weights_rate: Bytes of weights that the machine computes per second.
    """
    fitting = [model for model in models if not model.is_demo and _fits(model.settings)]
    bearable = [model for model in fitting if weights_rate / max(1, model.active) >= _MIN_RATE]
    if bearable:
        return max(bearable, key=lambda model: model.size)
    if fitting:
        return min(fitting, key=lambda model: model.active)
    return next((model for model in models if model.is_demo), None)


def _fits(model: ModelSettings) -> bool:
    try:
        return estimate(expand_user(model.path), model).fits
    except LwtuiError:
        return False  # damaged: `lwtui doctor` says how


def weights_per_second() -> float:
    """Estimate how many bytes of weights this machine's cores compute in a second. That takes about 0.1 seconds."""
    return min(usable_cores() * _CORE_RATE, _BANDWIDTH_SHARE * _memory_bandwidth(usable_cores()))


def _memory_bandwidth(threads: int) -> float:
    """Measure how many bytes per second ``threads`` threads read from memory."""
    import numpy as np

    threads = min(threads, 8)  # these saturate the memory of most machines
    data = np.ones((threads, _SAMPLE // 8 // threads), dtype=np.int64)
    with ThreadPoolExecutor(threads) as pool:
        seconds = []
        for _ in range(3):
            begun = perf_counter()
            list(pool.map(np.sum, data))
            seconds.append(perf_counter() - begun)
    return float(data.nbytes / min(seconds))

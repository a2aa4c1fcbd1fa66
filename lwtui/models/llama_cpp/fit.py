"""How a GGUF is to be loaded on this machine, decided before anything is loaded.

What llama.cpp takes is told from the file's header: the weights as they are in the file, the cache of keys and values
(for each token of context, each layer's), and the buffers in which a batch is computed. Constants were read off
llama.cpp's own accounts of Llama, GLM and Gemma shapes; they err on the side of too much.

A backend calls :func:`estimate`, refuses with ``advice`` where it does not fit, and loads with what was chosen::

    chosen = estimate(path, settings, devices)  # devices: what llama.cpp reports, () without a GPU
    if not chosen.fits: raise ModelError(f"{name} {chosen.advice}", kind="refused")
    # load with chosen.context_length, .kv_type, .flash_attention, .gpu_layers, .threads

All of it is arithmetic: nothing here imports llama.cpp, so the commands and the app can tell an estimate as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from lwtui.config import ModelSettings
from lwtui.errors import ConfigError, LwtuiError
from lwtui.models.llama_cpp.gguf_header import GgufHeader, Layer, read_header
from lwtui.models.llama_cpp.machine import available_memory, usable_cores
from lwtui.models.llama_cpp.protocol import MOST_ANSWERS

PREFERRED_CONTEXT = 8192  # tokens that are aimed at where neither the settings nor the model say less
BATCH = 256  # tokens of a prompt that the engine computes at once

# Bytes of one number in the cache. A block of q8_0 is 32 numbers and their scale.
_KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32}
_KV_BLOCK = 32
_CELLS = 256  # llama.cpp rounds a context up to a multiple of this
_LEAST_CONTEXT = 1024  # below it no section can be written
_GOOD_CONTEXT = 16_384  # a model that fits into the GPU's memory whole with this much is not given more outside of it
_SMALL_SCORES = 64 * 2**20  # bytes of attention scores for a batch
_PROCESS = 48 * 2**20  # the interpreter and llama.cpp itself
_TOKEN = 160  # bytes that an entry of the vocabulary takes in llama.cpp's tables
_RESERVE = 0.05  # of what is free, left to the rest of the machine
_DEVICE_RESERVE = 256 * 2**20  # bytes of each GPU that its driver and the screen need


@dataclass(frozen=True)
class Device:
    """A GPU as llama.cpp reports it. ``free`` is in bytes; ``shared`` means that it uses the machine's own memory."""

    name: str
    free: int
    shared: bool = False


@dataclass(frozen=True)
class Machine:
    """What there is to load into: bytes of memory that can be had, physical cores, GPUs."""

    memory: int
    cores: int
    devices: tuple[Device, ...] = ()

    @classmethod
    def here(cls, devices: tuple[Device, ...] = ()) -> Machine:
        return cls(available_memory(), usable_cores(), devices)


@dataclass(frozen=True)
class LoadOptions:
    """What the caller wants; a default leaves it to :func:`fit`.

    ``preferred_context`` is aimed at where ``context_length`` is 0, and never more than the model was trained for.
    ``sequences`` share the context (one KV cache for all); ``outputs`` is llama.cpp's ``n_outputs_max`` (0: one for
    each sequence). ``swa_full`` keeps all tokens for layers with a sliding window too, which taking tokens back needs.
    """

    context_length: int = 0
    kv_type: str = ""
    flash_attention: str = ""
    gpu_layers: int | None = None
    threads: int = 0
    preferred_context: int = PREFERRED_CONTEXT
    batch: int = BATCH
    sequences: int = 1
    outputs: int = 0
    swa_full: bool = True

    @classmethod
    def of(
        cls,
        settings: ModelSettings,
        *,
        preferred_context: int = PREFERRED_CONTEXT,
        batch: int = BATCH,
        sequences: int = 1,
        outputs: int = 0,
        swa_full: bool = True,
    ) -> LoadOptions:
        """What the settings of a model say, and what the engine is built for."""
        return cls(
            context_length=settings.context_length,
            kv_type=settings.kv_type,
            flash_attention=settings.flash_attention,
            gpu_layers=settings.gpu_layers,
            threads=settings.threads,
            preferred_context=preferred_context,
            batch=batch,
            sequences=sequences,
            outputs=outputs,
            swa_full=swa_full,
        )


@dataclass(frozen=True)
class Fit:
    """How to load the model, and what that takes. Sizes are in bytes, over memory and GPUs together.

    ``flash_attention`` is ``on``, ``off`` or ``auto`` (llama.cpp decides; on any GPU it knows, that is on).
    ``gpu_layers`` counts as llama.cpp does: the number of layers and one more for the output is all of them.
    ``other`` is the process and the vocabulary. ``advice`` is empty where it fits, else one line with what to do.
    """

    context_length: int
    kv_type: str
    flash_attention: str
    gpu_layers: int
    threads: int
    weights: int
    kv_cache: int
    compute: int
    other: int
    available: int  # what may be used of the machine's memory and its GPUs'
    on_gpu: int = 0  # of all that is needed, what goes to GPUs
    advice: str = ""

    @property
    def needed(self) -> int:
        return self.weights + self.kv_cache + self.compute + self.other

    @property
    def fits(self) -> bool:
        return not self.advice

    def summary(self) -> str:
        """What it comes to, in a few words: ``needs 6.2 GB with a context of 8192``."""
        kv = "" if self.kv_type == "f16" else f" ({self.kv_type} cache)"
        gpu = f", {in_gb(self.on_gpu)} of it on the GPU" if self.on_gpu else ""
        return f"needs {in_gb(self.needed)} with a context of {self.context_length}{kv}{gpu}"


def estimate(path: Path, settings: ModelSettings, devices: tuple[Device, ...] = ()) -> Fit:
    """How the engine loads the GGUF at ``path`` on this machine as it is now, and what that takes.

    Raises :class:`~lwtui.models.base.ModelError` for what is no GGUF, and :class:`ConfigError` as :func:`fit` does.
    """
    return fit(read_header(path), Machine.here(devices), LoadOptions.of(settings, sequences=MOST_ANSWERS))


def memory_in_words(model: ModelSettings) -> str:
    """What loading a GGUF of the settings takes here and now, or what is wrong with it; empty for any other model."""
    if model.provider != "llama_cpp" or not model.path:
        return ""
    try:
        chosen = estimate(Path(model.path).expanduser(), model)
    except LwtuiError:
        return "cannot be read; see lwtui doctor"
    return chosen.summary() if chosen.fits else chosen.advice.rstrip(".")


def fit(model: GgufHeader, machine: Machine, wish: LoadOptions | None = None) -> Fit:
    """Choose context, cache, flash attention, GPU layers and threads for ``model`` on ``machine``.

    What ``wish`` names is kept to. Of the rest, the whole preferred context is worth more than an f16 cache, and a
    model that runs on the GPU alone more than a context above 16,384. Where nothing fits, the answer is the least that
    was tried, with ``advice``. Raises :class:`ConfigError` if the wishes contradict each other or the model's shape.
    """
    wish = wish or LoadOptions()
    _check(model, wish)
    tried = [_loaded(model, machine, wish, context, kv_type) for context, kv_type in _candidates(model, wish)]
    good = min(_GOOD_CONTEXT, tried[0].context_length)
    for one in tried:
        if one.fits and one.gpu_layers > len(model.layers) and one.context_length >= good:
            return one
    fitting = next((one for one in tried if one.fits), None)
    if fitting is not None:
        return fitting
    least = tried[-1]
    return replace(least, advice=_advice(model, machine, wish, least))


def in_gb(size: int) -> str:
    """Bytes as people say them: ``6.2 GB``, ``310 MB``."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"


def kv_cache_bytes(model: GgufHeader, context: int, kv_type: str, wish: LoadOptions | None = None) -> int:
    """The cache of keys and values for ``context`` tokens, and the state of layers that are recurrent."""
    wish = wish or LoadOptions()
    return sum(_cache_of(model, layer, context, kv_type, wish) for layer in model.layers) + (
        model.recurrent_state * wish.sequences
    )


def compute_bytes(model: GgufHeader, context: int, flash_attention: str, wish: LoadOptions | None = None) -> int:
    """The buffers in which a batch is computed, and those of its results."""
    wish = wish or LoadOptions()
    batch, outputs = min(wish.batch, context), wish.outputs or wish.sequences
    width = max(model.embedding, model.heads * model.head_length)
    kinds = 1 + any(layer.window for layer in model.layers)  # each kind of layer has a mask of its own
    if flash_attention == "off":
        attention = batch * 4 * (context * (model.heads + kinds) + 8 * width)
    else:
        attention = batch * (2 * context * kinds)
    layer = batch * 4 * (2 * model.feed_forward + 8 * width) + (0 if flash_attention == "off" else attention)
    results = outputs * model.vocabulary * 4
    return max(layer, attention, results + batch * 4 * model.embedding) + wish.sequences * model.vocabulary * 4


def _check(model: GgufHeader, wish: LoadOptions) -> None:
    if wish.kv_type not in ("", *_KV_BYTES):
        raise ConfigError(f"kv_type must be one of {', '.join(_KV_BYTES)}, not {wish.kv_type!r}.")
    if wish.flash_attention not in ("", "on", "off", "auto"):
        raise ConfigError(f"flash_attention must be on, off or auto, not {wish.flash_attention!r}.")
    if wish.kv_type == "q8_0" and wish.flash_attention == "off":
        raise ConfigError("kv_type q8_0 needs flash attention: set flash_attention to on, or kv_type to f16.")
    if wish.kv_type == "q8_0" and not _takes_q8(model):
        raise ConfigError(
            f"This model's heads of {model.head_length} numbers cannot be kept as q8_0: set kv_type to f16."
        )


def _takes_q8(model: GgufHeader) -> bool:
    sizes = {size for layer in model.layers for size in (layer.keys, layer.values)}
    return model.head_length % _KV_BLOCK == 0 and all(size % _KV_BLOCK == 0 for size in sizes)


def _candidates(model: GgufHeader, wish: LoadOptions) -> Iterator[tuple[int, str]]:
    """Contexts and types of cache, the best first."""
    types = [wish.kv_type] if wish.kv_type else ["f16"]
    if not wish.kv_type and wish.flash_attention != "off" and _takes_q8(model):
        types.append("q8_0")
    for context in _contexts(model, wish):
        for kv_type in types:
            yield context, kv_type


def _contexts(model: GgufHeader, wish: LoadOptions) -> Iterator[int]:
    if wish.context_length:
        yield wish.context_length
        return
    context = min(wish.preferred_context, model.context_length or wish.preferred_context)
    while context > _LEAST_CONTEXT:
        yield context
        context = max(_LEAST_CONTEXT, context // 2)
    yield context


def _loaded(model: GgufHeader, machine: Machine, wish: LoadOptions, context: int, kv_type: str) -> Fit:
    """What one way to load the model takes, and whether it fits (then its advice is empty)."""
    flash = wish.flash_attention or ("off" if not machine.devices and _is_small(model, context, wish) else "auto")
    if kv_type == "q8_0":  # which cannot be kept without it
        flash = "on"
    chosen = Fit(
        context_length=context,
        kv_type=kv_type,
        flash_attention=flash,
        gpu_layers=0,
        threads=wish.threads or machine.cores,
        weights=model.weights,
        kv_cache=kv_cache_bytes(model, context, kv_type, wish),
        compute=compute_bytes(model, context, flash, wish),
        other=_PROCESS + _TOKEN * model.vocabulary,
        available=int(machine.memory * (1 - _RESERVE)),
    )
    return _placed(model, machine, wish, chosen)


def _is_small(model: GgufHeader, context: int, wish: LoadOptions) -> bool:
    """Whether flash attention spares next to nothing, in which case the engine is better off without it: the number of
    threads can then follow how busy the machine is, since it does not decide how numbers are rounded."""
    return 4 * wish.batch * context * model.heads <= _SMALL_SCORES


def _placed(model: GgufHeader, machine: Machine, wish: LoadOptions, chosen: Fit) -> Fit:
    """``chosen`` with its layers in memory or on the GPUs, and with its advice where it does not fit there."""
    everything = len(model.layers) + 1
    if not machine.devices:
        return _judged(replace(chosen, gpu_layers=wish.gpu_layers or 0), chosen.needed, chosen.available)
    wanted = everything if wish.gpu_layers is None else min(wish.gpu_layers, everything)
    devices = [device for device in machine.devices if not device.shared]  # llama.cpp too prefers them to the others
    if not devices:
        return _shared(machine, wish, chosen, wanted)
    room = sum(max(0, device.free - _DEVICE_RESERVE) for device in devices)
    compute = chosen.compute * len(devices)
    sizes = _on_gpu(model, chosen, wish)
    count = wanted
    if wish.gpu_layers is None:
        count = max((one for one in range(1, everything + 1) if sizes[one] + compute <= room), default=0)
    if not count:
        return _judged(chosen, chosen.needed, chosen.available)
    on_gpu = sizes[count] + compute
    spread = replace(
        chosen,
        gpu_layers=count,
        on_gpu=on_gpu,
        compute=chosen.compute + compute,
        available=chosen.available + room,
    )
    if on_gpu > room:
        return _judged(spread, on_gpu, room, "on the GPU")
    return _judged(spread, spread.needed - on_gpu, chosen.available)


def _shared(machine: Machine, wish: LoadOptions, chosen: Fit, wanted: int) -> Fit:
    """``chosen`` on a GPU that uses the machine's own memory, no more of it than it says."""
    room = min(chosen.available, sum(device.free for device in machine.devices))
    if wish.gpu_layers is None and chosen.needed > room:
        wanted = 0
    return _judged(replace(chosen, gpu_layers=wanted), chosen.needed, room if wanted else chosen.available)


def _on_gpu(model: GgufHeader, chosen: Fit, wish: LoadOptions) -> list[int]:
    """Bytes on the GPUs with 0, 1, 2, … layers there: llama.cpp takes the last ones first, the output before all."""
    layers = [
        layer.weights + _cache_of(model, layer, chosen.context_length, chosen.kv_type, wish)
        for layer in reversed(model.layers)
    ]
    output = model.weights - sum(layer.weights for layer in model.layers)
    return list(accumulate([output, *layers], initial=0))


def _judged(chosen: Fit, needed: int, available: int, where: str = "") -> Fit:
    if needed <= available:
        return chosen
    place = f" {where}" if where else ""
    return replace(chosen, advice=f"needs {in_gb(needed)}{place}, {in_gb(available)} free")


def _advice(model: GgufHeader, machine: Machine, wish: LoadOptions, least: Fit) -> str:
    """What does not fit, and the nearest that would."""
    ways = []
    smaller = _largest_context(model, machine, wish, least)
    if smaller is not None:
        ways.append(f"a context of {smaller.context_length} ({in_gb(smaller.needed)})")
    if wish.gpu_layers is not None:
        without = _loaded(model, machine, replace(wish, gpu_layers=None), least.context_length, least.kv_type)
        if without.fits:
            ways.append(f"gpu_layers of {without.gpu_layers}")
    listed = "".join(f"{way}, " for way in ways) + "or " * bool(ways)
    return f"{least.advice}: use {listed}a smaller quantization."


def _largest_context(model: GgufHeader, machine: Machine, wish: LoadOptions, least: Fit) -> Fit | None:
    context = 1 << max(0, least.context_length - 1).bit_length() - 1 if least.context_length > 1 else 0
    while context >= _LEAST_CONTEXT:
        one = _loaded(model, machine, wish, context, least.kv_type)
        if one.fits:
            return one
        context //= 2
    return None


def _cache_of(model: GgufHeader, layer: Layer, context: int, kv_type: str, wish: LoadOptions) -> int:
    cells = _rounded(context)
    if layer.window and not wish.swa_full:
        cells = min(cells, _rounded(model.sliding_window * wish.sequences + wish.batch))
    return int(cells * (layer.keys + layer.values) * _KV_BYTES[kv_type])


def _rounded(cells: int) -> int:
    return -(-cells // _CELLS) * _CELLS

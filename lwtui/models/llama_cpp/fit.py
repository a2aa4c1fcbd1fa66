"""Decides how to load a GGUF so that it fits this machine, before anything is loaded.

The file's header tells how much memory llama.cpp will take: the weights as they are in the file, the KV cache (keys and
values of each layer for each token of context), and the buffers in which a batch is computed. The constants come from
llama.cpp's own reports for models shaped like Llama, GLM and Gemma; they rather overestimate.

A backend calls :func:`estimate`, refuses with ``advice`` if the model does not fit, and otherwise loads it as chosen::

    chosen = estimate(path, settings, devices)  # devices: what llama.cpp reports, () without a GPU
    if not chosen.fits: raise ModelError(f"{name} {chosen.advice}", kind="refused")
    # load with chosen.context_length, .kv_type, .flash_attention, .gpu_layers, .threads

This is plain arithmetic that does not import llama.cpp, so the commands and the app can show an estimate as well.
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
from lwtui.models.llama_cpp.protocol import MAX_SEQUENCES
from lwtui.translation import _

PREFERRED_CONTEXT = 8192  # tokens, unless the settings or the model say less
BATCH = 256  # tokens of a prompt that the engine computes at once

# Bytes per number in the KV cache. A block of q8_0 is 32 numbers and their scale.
_KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32}
_KV_BLOCK = 32
_CELLS = 256  # llama.cpp rounds a context up to a multiple of this
_MIN_CONTEXT = 1024  # tokens; shorter contexts cannot hold a section
_GOOD_CONTEXT = 16_384  # tokens; rather this much on the GPU alone than more with layers outside it
_SMALL_SCORES = 64 * 2**20  # bytes of attention scores for a batch
_PROCESS = 48 * 2**20  # bytes of the interpreter and llama.cpp itself
_TOKEN = 160  # bytes per vocabulary entry in llama.cpp's tables
_RESERVE = 0.05  # share of the free memory to leave to the rest of the machine
_DEVICE_RESERVE = 256 * 2**20  # bytes of each GPU that its driver and the screen need


@dataclass(frozen=True)
class Device:
    """A GPU as llama.cpp reports it: ``free`` bytes, ``shared`` with the machine's own memory or not."""

    name: str
    free: int
    shared: bool = False


@dataclass(frozen=True)
class Machine:
    """The resources for loading: available ``memory`` in bytes, physical ``cores``, and GPUs."""

    memory: int
    cores: int
    devices: tuple[Device, ...] = ()

    @classmethod
    def detect(cls, devices: tuple[Device, ...] = ()) -> Machine:
        """Detect the resources of this machine, whose GPUs are ``devices``."""
        return cls(available_memory(), usable_cores(), devices)


@dataclass(frozen=True)
class LoadOptions:
    """Options for loading a model; :func:`fit` chooses those left at their defaults.

    Attributes:
        context_length: Tokens of context; 0 means up to ``preferred_context``.
        kv_type: Number format of the KV cache: ``f16`` or ``q8_0``.
        flash_attention: ``on``, ``off`` or ``auto``.
        gpu_layers: How many layers go to the GPUs.
        threads: How many threads compute.
        preferred_context: Tokens of context to aim for, but never more than the model was trained for.
        batch: Tokens of a prompt that are computed at once.
        sequences: How many sequences share the context (one KV cache for all).
        outputs: llama.cpp's ``n_outputs_max``; 0 means one per sequence.
        swa_full: Keep all tokens even in layers with a sliding window, which truncating a sequence requires.
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
        """Combine a model's settings with what the engine is built for."""
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
    """How to load a model, and how much memory that takes. Sizes are in bytes, of memory and GPUs together.

    Attributes:
        context_length: Tokens of context.
        kv_type: Number format of the KV cache.
        flash_attention: ``on``, ``off`` or ``auto`` (llama.cpp decides; on any GPU that it supports, it decides on).
        gpu_layers: Layers on the GPUs as llama.cpp counts them: all is the number of layers plus one for the output.
        threads: How many threads compute.
        weights: Size of the weights.
        kv_cache: Size of the KV cache.
        compute: Size of the compute buffers.
        other: Size of the process and the vocabulary.
        available: How much of the machine's memory and its GPUs' may be used.
        on_gpu: The part of all sizes that goes to GPUs.
        advice: Empty if the model fits, otherwise one line that says what to do.
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
    available: int
    on_gpu: int = 0
    advice: str = ""

    @property
    def needed(self) -> int:
        """Size of everything together, in bytes."""
        return self.weights + self.kv_cache + self.compute + self.other

    @property
    def fits(self) -> bool:
        """Whether the model can be loaded like this."""
        return not self.advice

    def summary(self) -> str:
        """Describe it in a few words: ``needs 6.2 GB with a context of 8192``."""
        values = {"size": format_size(self.needed), "context": self.context_length, "kv_type": self.kv_type}
        if not self.on_gpu:
            if self.kv_type == "f16":
                return _("needs {size} with a context of {context}", **values)
            return _("needs {size} with a context of {context} ({kv_type} cache)", **values)
        values["on_gpu"] = format_size(self.on_gpu)
        if self.kv_type == "f16":
            return _("needs {size} with a context of {context}, {on_gpu} of it on the GPU", **values)
        return _("needs {size} with a context of {context} ({kv_type} cache), {on_gpu} of it on the GPU", **values)


def estimate(path: Path, settings: ModelSettings, devices: tuple[Device, ...] = ()) -> Fit:
    """Choose how the engine loads a GGUF on this machine as it is now, and estimate the memory that takes.

    Args:
        path: The GGUF.
        settings: The model's settings.
        devices: The GPUs.

    Raises:
        ModelError: The file is not a GGUF.
        ConfigError: The settings contradict each other or do not suit the model.
    """
    return fit(read_header(path), Machine.detect(devices), LoadOptions.of(settings, sequences=MAX_SEQUENCES))


def memory_summary(model: ModelSettings) -> str:
    """Describe how much memory a GGUF in the settings needs, or what is wrong with it; empty for any other model."""
    if model.provider != "llama_cpp" or not model.path:
        return ""
    try:
        chosen = estimate(Path(model.path).expanduser(), model)
    except LwtuiError:
        return _("cannot be read; run lwtui doctor")
    return chosen.summary() if chosen.fits else chosen.advice.rstrip(".。")


def fit(model: GgufHeader, machine: Machine, options: LoadOptions | None = None) -> Fit:
    """Choose context, KV cache type, flash attention, GPU layers and threads for ``model`` on ``machine``.

    It prefers the whole preferred context to an f16 cache, and running on the GPU alone to a context above 16,384
    tokens.

    Args:
        model: The model.
        machine: The resources.
        options: Options that it must keep to.

    Returns:
        What fits; if nothing does, the smallest candidate, with ``advice``.

    Raises:
        ConfigError: The options contradict each other or do not suit the model.
    """
    options = options or LoadOptions()
    _check(model, options)
    fits = [_load(model, machine, options, context, kv_type) for context, kv_type in _candidates(model, options)]
    good = min(_GOOD_CONTEXT, fits[0].context_length)
    for candidate in fits:
        if candidate.fits and candidate.gpu_layers > len(model.layers) and candidate.context_length >= good:
            return candidate
    for candidate in fits:
        if candidate.fits:
            return candidate
    smallest = fits[-1]
    return replace(smallest, advice=_advice(model, machine, options, smallest))


def format_size(size: int) -> str:
    """Format bytes as people write them: ``6.2 GB``, ``310 MB``."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"


def kv_cache_bytes(model: GgufHeader, context: int, kv_type: str, options: LoadOptions | None = None) -> int:
    """Compute the bytes of the KV cache for ``context`` tokens, including the state of recurrent layers."""
    options = options or LoadOptions()
    layers = sum(_layer_cache_bytes(model, layer, context, kv_type, options) for layer in model.layers)
    return layers + model.recurrent_state * options.sequences


def compute_bytes(model: GgufHeader, context: int, flash_attention: str, options: LoadOptions | None = None) -> int:
    """Estimate the bytes of the buffers in which a batch is computed, including its results."""
    options = options or LoadOptions()
    batch, outputs = min(options.batch, context), options.outputs or options.sequences
    width = max(model.embedding, model.heads * model.head_length)
    kinds = 1 + any(layer.window for layer in model.layers)  # each kind of layer has its own attention mask
    if flash_attention == "off":
        attention = batch * 4 * (context * (model.heads + kinds) + 8 * width)
    else:
        attention = batch * (2 * context * kinds)
    layer = batch * 4 * (2 * model.feed_forward + 8 * width) + (0 if flash_attention == "off" else attention)
    results = outputs * model.vocabulary * 4
    return max(layer, attention, results + batch * 4 * model.embedding) + options.sequences * model.vocabulary * 4


def _check(model: GgufHeader, options: LoadOptions) -> None:
    if options.kv_type not in ("", *_KV_BYTES):
        raise ConfigError(
            _("kv_type must be one of {known}, not {given!r}.", known=", ".join(_KV_BYTES), given=options.kv_type),
            code="invalid-option",
        )
    if options.flash_attention not in ("", "on", "off", "auto"):
        raise ConfigError(
            _("flash_attention must be on, off or auto, not {given!r}.", given=options.flash_attention),
            code="invalid-option",
        )
    if options.kv_type == "q8_0" and options.flash_attention == "off":
        raise ConfigError(
            _("kv_type q8_0 needs flash attention: set flash_attention to on, or kv_type to f16."),
            code="q8-needs-flash-attention",
        )
    if options.kv_type == "q8_0" and not _supports_q8(model):
        raise ConfigError(
            _(
                "This model's attention heads of {count} numbers do not allow q8_0: set kv_type to f16.",
                count=model.head_length,
            ),
            code="q8-not-possible",
        )


def _supports_q8(model: GgufHeader) -> bool:
    sizes = {size for layer in model.layers for size in (layer.keys, layer.values)}
    return model.head_length % _KV_BLOCK == 0 and all(size % _KV_BLOCK == 0 for size in sizes)


def _candidates(model: GgufHeader, options: LoadOptions) -> Iterator[tuple[int, str]]:
    """Yield context lengths and KV cache types to try, the best first."""
    types = [options.kv_type] if options.kv_type else ["f16"]
    if not options.kv_type and options.flash_attention != "off" and _supports_q8(model):
        types.append("q8_0")
    for context in _contexts(model, options):
        for kv_type in types:
            yield context, kv_type


def _contexts(model: GgufHeader, options: LoadOptions) -> Iterator[int]:
    if options.context_length:
        yield options.context_length
        return
    context = min(options.preferred_context, model.context_length or options.preferred_context)
    while context > _MIN_CONTEXT:
        yield context
        context = max(_MIN_CONTEXT, context // 2)
    yield context


def _load(model: GgufHeader, machine: Machine, options: LoadOptions, context: int, kv_type: str) -> Fit:
    """Compute how much memory one way of loading takes, and whether it fits (then its advice is empty)."""
    flash = options.flash_attention
    flash = flash or ("off" if not machine.devices and _is_flash_useless(model, context, options) else "auto")
    if kv_type == "q8_0":  # it requires flash attention
        flash = "on"
    chosen = Fit(
        context_length=context,
        kv_type=kv_type,
        flash_attention=flash,
        gpu_layers=0,
        threads=options.threads or machine.cores,
        weights=model.weights,
        kv_cache=kv_cache_bytes(model, context, kv_type, options),
        compute=compute_bytes(model, context, flash, options),
        other=_PROCESS + _TOKEN * model.vocabulary,
        available=int(machine.memory * (1 - _RESERVE)),
    )
    return _place_layers(model, machine, options, chosen)


def _is_flash_useless(model: GgufHeader, context: int, options: LoadOptions) -> bool:
    """Whether flash attention saves next to nothing.

    The engine is then better off without it: the number of threads does not decide how numbers are rounded, so it can
    follow how busy the machine is.
    """
    return 4 * options.batch * context * model.heads <= _SMALL_SCORES


def _place_layers(model: GgufHeader, machine: Machine, options: LoadOptions, chosen: Fit) -> Fit:
    """Distribute the layers of ``chosen`` between memory and GPUs, and add the advice if it does not fit."""
    all_layers = len(model.layers) + 1
    if not machine.devices:
        return _judge(replace(chosen, gpu_layers=options.gpu_layers or 0), chosen.needed, chosen.available)
    wanted = all_layers if options.gpu_layers is None else min(options.gpu_layers, all_layers)
    devices = [device for device in machine.devices if not device.shared]  # llama.cpp prefers these, too
    if not devices:
        return _place_on_shared_gpu(machine, options, chosen, wanted)
    room = sum(max(0, device.free - _DEVICE_RESERVE) for device in devices)
    compute = chosen.compute * len(devices)
    sizes = _gpu_sizes(model, chosen, options)
    count = wanted
    if options.gpu_layers is None:
        count = max((layers for layers in range(1, all_layers + 1) if sizes[layers] + compute <= room), default=0)
    if not count:
        return _judge(chosen, chosen.needed, chosen.available)
    on_gpu = sizes[count] + compute
    split = replace(
        chosen,
        gpu_layers=count,
        on_gpu=on_gpu,
        compute=chosen.compute + compute,
        available=chosen.available + room,
    )
    if on_gpu > room:
        return _judge(split, on_gpu, room, on_gpu=True)
    return _judge(split, split.needed - on_gpu, chosen.available)


def _place_on_shared_gpu(machine: Machine, options: LoadOptions, chosen: Fit, wanted: int) -> Fit:
    """Place ``chosen`` on a GPU that shares the machine's memory, within the limit that the GPU reports."""
    room = min(chosen.available, sum(device.free for device in machine.devices))
    if options.gpu_layers is None and chosen.needed > room:
        wanted = 0
    return _judge(replace(chosen, gpu_layers=wanted), chosen.needed, room if wanted else chosen.available)


def _gpu_sizes(model: GgufHeader, chosen: Fit, options: LoadOptions) -> list[int]:
    """Compute the bytes on the GPUs with 0, 1, 2, … layers there.

    llama.cpp puts the output there first, then the layers from the last to the first.
    """
    layers = [
        layer.weights + _layer_cache_bytes(model, layer, chosen.context_length, chosen.kv_type, options)
        for layer in reversed(model.layers)
    ]
    output = model.weights - sum(layer.weights for layer in model.layers)
    return list(accumulate([output, *layers], initial=0))


def _judge(chosen: Fit, needed: int, available: int, *, on_gpu: bool = False) -> Fit:
    """Add the advice if ``needed`` bytes exceed the ``available`` ones."""
    if needed <= available:
        return chosen
    size, free = format_size(needed), format_size(available)
    if on_gpu:
        return replace(chosen, advice=_("needs {size} on the GPU, {free} free", size=size, free=free))
    return replace(chosen, advice=_("needs {size}, {free} free", size=size, free=free))


def _advice(model: GgufHeader, machine: Machine, options: LoadOptions, smallest: Fit) -> str:
    """Say what does not fit, and what comes closest and would."""
    alternatives = []
    shorter = _longest_context(model, machine, options, smallest)
    if shorter is not None:
        alternatives.append(
            _("a context of {context} ({size})", context=shorter.context_length, size=format_size(shorter.needed))
        )
    if options.gpu_layers is not None:
        automatic = _load(model, machine, replace(options, gpu_layers=None), smallest.context_length, smallest.kv_type)
        if automatic.fits:
            alternatives.append(_("gpu_layers of {count}", count=automatic.gpu_layers))
    if not alternatives:
        return _("{problem}: use a smaller quantization.", problem=smallest.advice)
    return _(
        "{problem}: use {alternatives}, or a smaller quantization.",
        problem=smallest.advice,
        alternatives=", ".join(alternatives),
    )


def _longest_context(model: GgufHeader, machine: Machine, options: LoadOptions, smallest: Fit) -> Fit | None:
    """Find the longest context (a power of two below the smallest one tried) that fits."""
    context = 1 << max(0, smallest.context_length - 1).bit_length() - 1 if smallest.context_length > 1 else 0
    while context >= _MIN_CONTEXT:
        candidate = _load(model, machine, options, context, smallest.kv_type)
        if candidate.fits:
            return candidate
        context //= 2
    return None


def _layer_cache_bytes(model: GgufHeader, layer: Layer, context: int, kv_type: str, options: LoadOptions) -> int:
    cells = _round_up(context)
    if layer.window and not options.swa_full:
        cells = min(cells, _round_up(model.sliding_window * options.sequences + options.batch))
    return int(cells * (layer.keys + layer.values) * _KV_BYTES[kv_type])


def _round_up(cells: int) -> int:
    return -(-cells // _CELLS) * _CELLS

"""Estimate memory, time and tokens of a recipe before training, and suggest changes if it does not fit.

Bytes per device, with P parameters, T tokens on the device at once, L layers, and n devices that share the model:

- Full tuning: 4 P for weights, 4 P for gradients and 8 P for Adam, all divided by n, and the two largest gathered
  layers in the recipe's dtype. Mixed precision keeps the weights in the recipe's dtype too: 2 P on a device that holds
  the whole model (autocast's cache), 2 P / n with ZeRO-3, none with FSDP2, which casts as it gathers. That makes 18
  bytes per parameter, as in ALST (arXiv 2506.13996): 144 GB for a model of 8 billion parameters on one device.
- LoRA: 2 P for the base (0.55 P in 4 bits), divided by n, and 16 bytes per parameter of the adapter.
- Activations: without checkpointing, L full layers (see :func:`layer_bytes`). With it, T × hidden per layer, unless
  offloaded, and two full layers: one that is recomputed, and its gradients.
- With sequence or context parallelism over s devices, each has T / s of the tokens; the rest is divided by n as before.
- Without FlashAttention, a mask of T² bytes for each sequence that is packed or padded; on a GPU, 1.5 GiB for the CUDA
  context and fragmentation.

DPO and GRPO are in :mod:`lwtui_training.step_memory`; sampling, the disk and the memory of the machine are in
:mod:`lwtui_training.launch_plan`.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left, insort
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lwtui.text import duration
from lwtui.translation import _
from lwtui_training.model_shape import ModelShape, shape_of_base
from lwtui_training.progress import pad
from lwtui_training.recipe import HardwareConfig, LoraConfig, Recipe
from lwtui_training.sequences import check_sharing, divides
from lwtui_training.steps import read_manifest

GIB = 1 << 30
_CUDA_CONTEXT = 1.5 * GIB
_TOKENS_PER_WORD = 1.4


@dataclass(frozen=True)
class MemoryPlan:
    """What a recipe needs. Memory is in bytes per device.

    Attributes:
        parameters: Parameters of the model.
        trained: Parameters that are trained.
        casts: The trained weights once more, in the recipe's dtype.
        working: Gathered layers, attention mask, and CUDA context.
        memory: Memory of a device.
        tokens_a_step: Tokens per optimizer step on all devices.
        tokens: Tokens of the whole training; ``None`` before the step ``data``.
        seconds: Estimated time; ``None`` before the step ``data``, and on a CPU.
        advice: What would make it fit, if it does not.
    """

    devices: int
    strategy: str
    method: str
    parameters: int
    trained: int
    weights: float
    casts: float
    gradients: float
    optimizer: float
    activations: float
    working: float
    memory: float
    tokens_a_step: int
    tokens: int | None
    seconds: float | None
    advice: str = ""

    @property
    def total(self) -> float:
        """Sum of all parts."""
        return self.weights + self.casts + self.gradients + self.optimizer + self.activations + self.working

    @property
    def fits(self) -> bool:
        """Whether it fits on a device."""
        return self.total <= self.memory

    def to_dict(self) -> dict[str, Any]:
        """Return the object that ``lwtui train plan --json`` prints."""
        return asdict(self) | {"total": self.total, "fits": self.fits}

    def to_text(self) -> str:
        """Return a table for the terminal."""
        parts = {
            "weights": _("weights"),
            "casts": _("casts"),
            "gradients": _("gradients"),
            "optimizer": _("optimizer"),
            "activations": _("activations"),
            "working": _("working"),
            "total": _("total"),
            "memory": _("memory"),
        }
        parameters = _(
            "{parameters:.2f} billion parameters ({trained:,.1f} million trained)",
            parameters=self.parameters / 1e9,
            trained=self.trained / 1e6,
        )
        if self.devices == 1:
            devices = _("1 device")
        else:
            devices = _("{count} devices ({strategy})", count=self.devices, strategy=self.strategy)
        lines = [
            _(
                "{method} tuning of {parameters} on {devices}; GiB per device:",
                method=self.method,
                parameters=parameters,
                devices=devices,
            )
        ]
        lines += [f"  {pad(label, 12)} {getattr(self, name) / GIB:8.2f}" for name, label in parts.items()]
        lines.append("  " + _("{count:,} tokens per step", count=self.tokens_a_step))
        if self.tokens is not None:
            total = _("{count:,} tokens in total", count=self.tokens)
            if self.seconds is not None:
                total = _("{total}, about {time}", total=total, time=duration(self.seconds))
            lines.append(f"  {total}")
        else:
            lines.append("  " + _("Total tokens and time are known after the step data."))
        return "\n".join([*lines, _("It fits.") if self.fits else _("It does not fit.")])


def plan_recipe(recipe: Recipe, devices: int | None = None) -> MemoryPlan:
    """Plan a recipe's SFT.

    Args:
        recipe: The recipe.
        devices: Number of devices; ``None`` for the recipe's own.

    Returns:
        The plan, with advice if it does not fit.
    """
    if devices is not None:
        recipe = with_devices(recipe, devices)
    shape = shape_of_base(recipe)
    plan = estimate(recipe, shape)
    return plan if plan.fits else replace(plan, advice=_advice(recipe, shape))


def with_devices(recipe: Recipe, devices: int) -> Recipe:
    """Return the recipe for another number of devices, in one machine."""
    strategy = recipe.hardware.strategy if devices > 1 else "single"
    strategy = "fsdp2" if devices > 1 and strategy == "single" else strategy
    recipe = replace(recipe, hardware=replace(recipe.hardware, processes=devices, machines=1, strategy=strategy))
    check_sharing(recipe, "--devices")
    return recipe


def estimate(recipe: Recipe, shape: ModelShape) -> MemoryPlan:
    """Plan a recipe's SFT for a model of this shape, without advice."""
    sft, hardware = recipe.sft, recipe.hardware
    shards = recipe.devices if hardware.strategy in ("fsdp2", "zero3") else 1
    lora = sft.method == "lora"
    trained = shape.adapter if lora else shape.parameters
    size = 2 if recipe.base.dtype == "bfloat16" and hardware.device != "cpu" else 4
    base = shape.parameters * (0.55 if recipe.lora.quantize else size) if lora else 0
    tokens = sft.max_length * sft.per_device_train_batch_size // recipe.sequence_devices
    gathered = 2 * size * max(shape.layer_parameters, shape.vocabulary * shape.hidden) if shards > 1 else 0
    has_mask = (sft.packing or sft.per_device_train_batch_size > 1) and not has_flash_attention(recipe)
    mask = sft.max_length**2 * sft.per_device_train_batch_size if has_mask else 0
    total, seconds = _tokens_and_seconds(recipe, shape)
    return MemoryPlan(
        devices=recipe.devices,
        strategy=hardware.strategy,
        method=("QLoRA" if recipe.lora.quantize else "LoRA") if lora else "full",
        parameters=shape.parameters,
        trained=trained,
        weights=(base + 4 * trained) / shards,
        casts=_casts(recipe, shape, shards),
        gradients=4 * trained / shards,
        optimizer=8 * trained / shards,
        activations=max(activation_bytes(recipe, shape, tokens, size), _validation_bytes(recipe, shape, size)),
        working=gathered + mask + (0 if hardware.device == "cpu" else _CUDA_CONTEXT),
        memory=hardware.memory_gib * GIB,
        tokens_a_step=sft.max_length
        * sft.per_device_train_batch_size
        * sft.gradient_accumulation_steps
        * recipe.devices
        // recipe.sequence_devices,
        tokens=total,
        seconds=seconds,
    )


def _casts(recipe: Recipe, shape: ModelShape, shards: int) -> float:
    """Return the bytes of the trained weights in the recipe's dtype, beside those in full precision."""
    hardware = recipe.hardware
    is_mixed = recipe.base.dtype == "bfloat16" and hardware.device != "cpu" and recipe.sft.method == "full"
    return 0.0 if not is_mixed or hardware.strategy == "fsdp2" else 2.0 * shape.parameters / shards


def _validation_bytes(recipe: Recipe, shape: ModelShape, size: int) -> float:
    """Return the bytes of a layer while the loss on held-out rows is computed, when no sequence is shared."""
    if recipe.hardware.sequence_parallel == 1 or not recipe.sft.validation_share:
        return 0.0
    return layer_bytes(shape, recipe.sft.max_length, size)


def activation_bytes(recipe: Recipe, shape: ModelShape, tokens: int, size: int) -> float:
    """Return the bytes that autograd keeps for the backward pass.

    Args:
        recipe: Says whether activations are checkpointed and offloaded.
        shape: The model.
        tokens: Number of tokens on the device at once.
        size: Bytes per number.
    """
    layer = layer_bytes(shape, tokens, size)
    if not recipe.sft.gradient_checkpointing:
        return shape.layers * layer
    checkpoints = 0 if recipe.sft.activation_offloading else shape.layers * tokens * shape.hidden * size
    return checkpoints + 2 * layer  # a recomputed layer and its gradients


def layer_bytes(shape: ModelShape, tokens: int, size: int) -> float:
    """Return the bytes that autograd keeps for one layer; arguments as in :func:`activation_bytes`.

    These are the inputs of norms and matrices, queries, keys and values, and gate, up projection and their product. The
    two norms keep their inputs in full precision.
    """
    attention = 2 * shape.attention + 2 * shape.key_value
    values = 4 * shape.hidden + attention + 4 * shape.feed_forward
    return tokens * (values * size + 2 * 2 * shape.hidden * 4)


def has_flash_attention(recipe: Recipe) -> bool:
    """Return whether the recipe's attention needs no mask.

    "auto" counts as FlashAttention, except on a CPU, with context parallelism, or on a machine that has GPUs but not
    the package.
    """
    if recipe.hardware.device == "cpu" or recipe.hardware.context_parallel > 1:
        return False
    if recipe.base.attn_implementation == "auto" and Path("/dev/nvidia0").exists():
        return find_spec("flash_attn") is not None
    return recipe.base.attn_implementation not in ("sdpa", "eager")


def training_steps(recipe: Recipe, lengths: list[int]) -> int:
    """Return the number of optimizer steps of the recipe's SFT, for rows of these lengths in tokens."""
    sft = recipe.sft
    if sft.max_steps > 0:
        return sft.max_steps
    return _steps(recipe, sft, count_packs(lengths, sft.max_length) if sft.packing else len(lengths))


def dpo_steps(recipe: Recipe, pairs: int) -> int:
    """Return the number of optimizer steps of the recipe's DPO, for a number of pairs."""
    return recipe.dpo.max_steps if recipe.dpo.max_steps > 0 else _steps(recipe, recipe.dpo, pairs)


def grpo_steps(recipe: Recipe, instructions: int) -> int:
    """Return the number of optimizer steps of the recipe's GRPO, for a number of instructions."""
    grpo = recipe.grpo
    return grpo.max_steps if grpo.max_steps > 0 else _steps(recipe, grpo, instructions * grpo.num_generations)


def count_packs(lengths: list[int], size: int) -> int:
    """Return how many sequences of ``size`` tokens hold rows of these lengths, packed best-fit decreasing like TRL."""
    free: list[int] = []
    for length in sorted(lengths, reverse=True):
        at = bisect_left(free, length)
        insort(free, free.pop(at) - length if at < len(free) else size - length)
    return len(free)


def _steps(recipe: Recipe, table: Any, sequences: int) -> int:
    groups = recipe.devices // (recipe.sequence_devices if table is recipe.sft else 1)
    batches = math.ceil(sequences / (table.per_device_train_batch_size * groups))
    return max(1, math.ceil(math.ceil(batches / table.gradient_accumulation_steps) * table.num_train_epochs))


def _tokens_and_seconds(recipe: Recipe, shape: ModelShape) -> tuple[int | None, float | None]:
    """Estimate both from ``max_steps``, or from the rows if the step ``data`` is finished."""
    sft, hardware = recipe.sft, recipe.hardware
    if sft.max_steps > 0:
        per_step = sft.max_length * sft.per_device_train_batch_size * sft.gradient_accumulation_steps
        tokens = sft.max_steps * per_step * recipe.devices // recipe.sequence_devices
    else:
        rows = recipe.run_folder / "data" / "rows.jsonl"
        if read_manifest(rows.parent) is None:
            return None, None
        tokens = round(_count_words(rows) * _TOKENS_PER_WORD * sft.num_train_epochs)
    # In units of a forward pass: forward 1, backward 2, and 1 more to recompute activations.
    passes = 4 if sft.gradient_checkpointing else 3
    if sft.method == "lora":
        passes -= 1  # no gradients for the base's matrices
    attention = 2 * shape.layers * shape.attention * sft.max_length  # a token attends to half a sequence on average
    operations = tokens * passes * (2 * shape.parameters + attention)
    if hardware.device == "cpu":
        return tokens, None  # tflops and mfu are those of a GPU
    return tokens, operations / (hardware.tflops * 1e12 * hardware.mfu * recipe.devices)


def _count_words(rows: Path) -> int:
    from lwtui.text import count_words

    with rows.open(encoding="utf-8") as file:
        return sum(count_words(message["content"]) for line in file for message in json.loads(line)["messages"])


def _advice(recipe: Recipe, shape: ModelShape) -> str:
    """Describe the smallest change that makes the recipe fit."""
    for changes, hardware, lora in _alternatives(recipe, shape):
        alternative = replace(recipe, sft=replace(recipe.sft, **changes), hardware=hardware, lora=lora)
        if estimate(alternative, shape).fits:
            parts = [f"sft.{name} = {json.dumps(value)}" for name, value in changes.items()]
            if hardware.sequence_parallel != recipe.hardware.sequence_parallel:
                parts.append(f"hardware.sequence_parallel = {hardware.sequence_parallel}")
            elif hardware != recipe.hardware:
                parts.append(
                    _(
                        "{count} devices with hardware.strategy = {strategy}",
                        count=alternative.devices,
                        strategy=json.dumps(hardware.strategy),
                    )
                )
            if lora != recipe.lora:
                parts.append("lora.quantize = true")
            return _("This would fit: {parts}.", parts=", ".join(parts))
    return _(
        "No change that lwtui knows makes it fit. Use a smaller base, a shorter {option}, or larger devices.",
        option="sft.max_length",
    )


def _alternatives(recipe: Recipe, shape: ModelShape) -> list[tuple[dict[str, Any], HardwareConfig, LoraConfig]]:
    """List changes to ``[sft]``, hardware and LoRA, the smallest first."""
    same, lora = recipe.hardware, recipe.lora
    lighter: dict[str, Any] = {"gradient_checkpointing": True, "activation_offloading": True}
    sharded = same.strategy if recipe.sequence_devices > 1 else "fsdp2"
    more_devices = [
        ({"gradient_checkpointing": True}, replace(same, processes=count, machines=1, strategy=sharded), lora)
        for count in (2, 4, 8, 16, 32)
        if count > recipe.devices
    ]
    # Packed samples stay apart only with FlashAttention, and only in batches of one pack.
    can_share = same.strategy == "zero3" and recipe.sft.average == "token" and has_flash_attention(recipe)
    can_share = can_share and recipe.sft.per_device_train_batch_size == 1
    shared = [
        (changes, replace(same, sequence_parallel=count), lora)
        for changes in ({"gradient_checkpointing": True}, lighter)
        for count in (2, 4, 8)
        if can_share and count > same.sequence_parallel and same.processes % count == 0 and divides(shape, count)
    ]
    return [
        ({"gradient_checkpointing": True}, same, lora),
        (lighter, same, lora),
        *shared,
        *more_devices[:3],
        ({"method": "lora", "gradient_checkpointing": True}, same, lora),
        ({"method": "lora", **lighter}, same, lora),
        ({"method": "lora", **lighter}, same, replace(lora, quantize=True)),
        *more_devices[3:],
    ]

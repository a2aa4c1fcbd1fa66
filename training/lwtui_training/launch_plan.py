"""Bytes of a recipe beside the devices: its checkpoints and models on disk, and the memory of the machine."""

from __future__ import annotations

from collections.abc import Sequence

from lwtui_training.model_shape import ModelShape
from lwtui_training.recipe import Recipe

_QUANTIZED = 0.6  # bytes per parameter of a Q4_K_M, roughly
_OUT_BYTES = {"f32": 4, "f16": 2, "bf16": 2}
_WORKER_BYTES = 2 << 30  # of a process with PyTorch, CUDA and its buffers


def checkpoint_bytes(recipe: Recipe, shape: ModelShape, step: str) -> float:
    """Return the size of one checkpoint of a training step.

    Weights and Adam's two moments in full precision are 12 bytes per trained parameter; ZeRO-3 adds the weights in half
    precision.
    """
    if getattr(recipe, step).method == "lora":
        return 12.0 * shape.adapter
    return (14.0 if recipe.hardware.strategy == "zero3" else 12.0) * shape.parameters


def model_bytes(recipe: Recipe, shape: ModelShape, step: str) -> float:
    """Return the size of the model that a training step leaves."""
    if getattr(recipe, step).method == "lora":
        return 4.0 * shape.adapter
    return (2.0 if recipe.hardware.strategy == "zero3" else 4.0) * shape.parameters


def disk_bytes(recipe: Recipe, shape: ModelShape, steps: Sequence[str]) -> float:
    """Return the most that these steps need at once; each leaves its result, and its checkpoints go when it ends."""
    weights = (2.0 if recipe.base.dtype == "bfloat16" else 4.0) * shape.parameters
    exported = (_OUT_BYTES[recipe.gguf.outtype] + (_QUANTIZED if recipe.gguf.quantize else 0)) * shape.parameters
    kept = 4.0 * shape.parameters if recipe.base.model in ("tiny", "demo") or ".gguf" in recipe.base.model else 0.0
    most = kept
    for step in steps:
        if step in ("sft", "dpo", "grpo"):
            table = getattr(recipe, step)
            while_training = (table.save_total_limit + 1) * checkpoint_bytes(recipe, shape, step)
            most = max(most, kept + while_training + model_bytes(recipe, shape, step))
            kept += model_bytes(recipe, shape, step)
            kept += weights if table.method == "lora" and step != "dpo" else 0.0  # merged for the next step
        elif step == "merge":
            kept += weights
        elif step == "gguf":
            kept += exported
        elif step == "bench":
            kept += weights + exported
        most = max(most, kept)
    return most


def host_bytes(recipe: Recipe, shape: ModelShape) -> float:
    """Return the memory of this machine while the model is loaded.

    With ZeRO-3 and FSDP, one process loads the weights and the others get their shares; with DDP each loads them all.
    """
    size = 2.0 if recipe.sft.method == "lora" or recipe.hardware.strategy == "zero3" else 4.0
    copies = recipe.hardware.processes if recipe.hardware.strategy == "ddp" else 1
    return size * shape.parameters * copies + _WORKER_BYTES * recipe.hardware.processes

"""What a recipe takes beside SFT on the devices: disk, memory of the machine, and the other steps.

Sampling with the checkpoint takes the weights, and a cache for ``prefs.batch_size`` answers; DPO and GRPO are in
:mod:`lwtui_training.step_memory`. Calls of endpoints take ``hardware.token_seconds`` per token each, as many at once as
the recipe's concurrency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lwtui.text import duration
from lwtui.translation import _
from lwtui_training.gpu_memory import GIB
from lwtui_training.model_shape import ModelShape
from lwtui_training.progress import pad
from lwtui_training.recipe import Recipe
from lwtui_training.rows import read_instructions
from lwtui_training.step_memory import cache_bytes, device_bytes, loads_reference, step_problem

_TOKENS_PER_WORD = 1.4
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
    Under FSDP, DPO and GRPO load their reference before the model is shared.
    """
    size = 2.0 if recipe.sft.method == "lora" or recipe.hardware.strategy == "zero3" else 4.0
    copies = recipe.hardware.processes if recipe.hardware.strategy == "ddp" else 1
    loading = size * shape.parameters * copies
    if recipe.hardware.strategy == "fsdp2" and any(loads_reference(recipe, step) for step in recipe.steps):
        loading = max(loading, 2 * 4.0 * shape.parameters)
    return loading + _WORKER_BYTES * recipe.hardware.processes


@dataclass(frozen=True)
class StepPlan:
    """What a step takes.

    Attributes:
        step: The step.
        bytes: Memory per device; ``None`` where a step needs none.
        calls: Number of texts to write or sample, and ``seconds`` for them; ``None`` where it is not known.
        seconds: Time for the calls at the recipe's endpoints.
        problem: Why a training step does not fit on the recipe's devices, and what would; empty if it fits.
    """

    step: str
    bytes: float | None = None
    calls: int | None = None
    seconds: float | None = None
    problem: str = ""

    def to_text(self) -> str:
        """Return a line for the terminal."""
        parts = [_("{size:.1f} GiB per device", size=self.bytes / GIB)] if self.bytes is not None else []
        parts += [_("does not fit")] if self.problem else []
        parts += [_("{count:,} texts", count=self.calls)] if self.calls is not None else []
        parts += [_("about {time} of calls", time=duration(self.seconds))] if self.seconds is not None else []
        return f"  {self.step:12} {', '.join(parts)}"


def plan_steps(recipe: Recipe, shape: ModelShape) -> list[StepPlan]:
    """Plan the steps other than SFT that the recipe has."""
    plans = {"data": _plan_data, "prefs": _plan_prefs}
    found = [plan(recipe, shape) for step, plan in plans.items() if step in recipe.steps]
    return found + [_plan_training(recipe, shape, step) for step in ("dpo", "grpo") if step in recipe.steps]


def extra_plan(recipe: Recipe, shape: ModelShape) -> dict[str, Any]:
    """Return the further figures of ``lwtui train plan --json``: steps, disk and memory of the machine."""
    return {
        "steps": [vars(plan) for plan in plan_steps(recipe, shape)],
        "disk": disk_bytes(recipe, shape, recipe.steps),
        "host_memory": host_bytes(recipe, shape),
    }


def extra_text(recipe: Recipe, shape: ModelShape) -> str:
    """Return the further lines of ``lwtui train plan``."""
    lines = [plan.to_text() for plan in plan_steps(recipe, shape)]
    disk, memory = disk_bytes(recipe, shape, recipe.steps) / 1e9, host_bytes(recipe, shape) / GIB
    place = pad(_("disk"), 12)
    lines.append(f"  {place} " + _("up to {size:,.1f} GB", size=disk))
    text = _("about {size:,.1f} GiB of memory while the model is loaded", size=memory)
    place = pad(_("machine"), 12)
    lines.append(f"  {place} {text}")
    return "\n".join(lines)


def call_seconds(recipe: Recipe, texts: int, tokens: float, concurrency: int) -> float:
    """Return the time of many calls at endpoints.

    Args:
        recipe: Says how long a token takes.
        texts: Number of calls.
        tokens: Tokens of each.
        concurrency: Calls in flight.
    """
    rounds = max(1.0, texts / concurrency)
    return rounds * tokens * recipe.hardware.token_seconds


def _plan_data(recipe: Recipe, shape: ModelShape) -> StepPlan:
    data = recipe.data
    lengths = _lengths(recipe, data.instructions, data.words)
    if not lengths:
        return StepPlan("data", calls=0 if not data.instructions else None)
    tokens = sum(lengths) / len(lengths) * _TOKENS_PER_WORD
    return StepPlan("data", None, len(lengths), call_seconds(recipe, len(lengths), tokens, data.concurrency))


def _plan_prefs(recipe: Recipe, shape: ModelShape) -> StepPlan:
    prefs = recipe.prefs
    lengths = _lengths(recipe, prefs.instructions, prefs.words)[: prefs.most_instructions or None]
    memory = None if prefs.model else _sampling_bytes(recipe, shape, prefs.batch_size, prefs.max_new_tokens)
    texts = len(lengths) * prefs.samples or prefs.most_instructions * prefs.samples or None
    if not texts or not prefs.model:
        return StepPlan("prefs", memory, texts)
    words = sum(lengths) / len(lengths) if lengths else prefs.words
    seconds = call_seconds(recipe, texts, words * _TOKENS_PER_WORD, prefs.concurrency)
    return StepPlan("prefs", memory, texts, seconds)


def _plan_training(recipe: Recipe, shape: ModelShape, step: str) -> StepPlan:
    return StepPlan(step, device_bytes(recipe, shape, step), problem=step_problem(recipe, shape, step))


def _sampling_bytes(recipe: Recipe, shape: ModelShape, sequences: int, tokens: int) -> float:
    size = 2.0 if recipe.base.dtype == "bfloat16" else 4.0
    return size * shape.parameters + cache_bytes(recipe, shape, sequences, tokens)


def _lengths(recipe: Recipe, source: str, words: int) -> list[int]:
    """Return the lengths that a file of instructions asks for; none if it is a dataset elsewhere."""
    path = recipe.resolve(source)
    if not source or not Path(path).is_file():
        return []
    return [instruction.words for instruction in read_instructions(path, words)]

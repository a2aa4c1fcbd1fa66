"""Estimate the memory of a device for each training step, and suggest what would make a step fit.

SFT is planned in :mod:`lwtui_training.gpu_memory`. DPO and GRPO take as much for the model and their activations, and:

- DPO has the chosen and the rejected answer on the device at once.
- A reference takes 4 P / n (2 P / n with ZeRO-3), with P parameters and n devices that share it. There is none with
  LoRA, whose reference is the model without its adapter, with ``dpo.precompute_ref_log_probs``, and with ``grpo.beta``
  = 0.
- GRPO has a batch of answers on the device. While transformers samples, there are no activations, but a cache of keys
  and values for all answers of an optimizer step, and with ZeRO-3 the whole weights. vLLM on the same devices keeps its
  share of their memory all the time; with its sleep mode, only while it samples.

None of them has the logits of whole answers in memory: TRL computes log-probabilities from the hidden states, in tiles
of 4,096 tokens × 32,768 entries (256 MiB), forward and backward. What else its loss takes for a while (gradients of the
output matrix and of the hidden states) is less than the two layers that count as activations for long sequences.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from lwtui.translation import _
from lwtui_training.gpu_memory import GIB, MemoryPlan, estimate, plan_recipe
from lwtui_training.model_shape import ModelShape
from lwtui_training.recipe import Recipe, TrainerConfig

TRAINING_STEPS = ("sft", "dpo", "grpo")
_VLLM_SHARE = 0.3  # TRL's default of vllm_gpu_memory_utilization
_VLLM_BUFFERS = 2 * GIB  # of vLLM, beside weights and cache, roughly
_LEAST_LENGTH = 1024  # no shorter answers are suggested


def device_bytes(recipe: Recipe, shape: ModelShape, step: str) -> float:
    """Return the most memory that a training step takes per device, in bytes.

    Args:
        recipe: The recipe.
        shape: The model.
        step: One of :data:`TRAINING_STEPS`.
    """
    plan = _training_plan(recipe.for_step(step), shape, step)
    training = plan.total + _reference_bytes(recipe, shape, step)
    if step != "grpo":
        return training
    grpo, idle = recipe.grpo, training - plan.activations
    if not grpo.use_vllm:
        answers = grpo.per_device_train_batch_size * grpo.gradient_accumulation_steps
        gathered = _size(recipe) * shape.parameters if recipe.hardware.strategy == "zero3" else 0.0
        return max(training, idle + gathered + cache_bytes(recipe, shape, answers, grpo.max_completion_length))
    if grpo.vllm_mode == "server":
        return training
    share = _vllm_share(recipe) * recipe.hardware.memory_gib * GIB
    return max(training, idle + share) if grpo.options.get("vllm_enable_sleep_mode") else training + share


def step_problem(recipe: Recipe, shape: ModelShape, step: str) -> str:
    """Return why a training step does not fit on the recipe's devices, and what would; empty if it fits."""
    if step == "grpo" and (problem := _vllm_problem(recipe, shape)):
        return problem
    needed = device_bytes(recipe, shape, step)
    if needed <= recipe.hardware.memory_gib * GIB:
        return ""
    return _(
        "The step {step} needs about {total:.0f} GiB per device, but hardware.memory_gib is {memory:g}. {advice}",
        step=step,
        total=needed / GIB,
        memory=recipe.hardware.memory_gib,
        advice=plan_recipe(recipe).advice if step == "sft" else _advice(recipe, shape, step),
    )


def cache_bytes(recipe: Recipe, shape: ModelShape, sequences: int, tokens: int) -> float:
    """Return the bytes of the keys and values of some sequences while they are sampled."""
    return float(_size(recipe) * sequences * tokens * shape.layers * shape.key_value)


def _training_plan(recipe: Recipe, shape: ModelShape, step: str) -> MemoryPlan:
    """Plan a training step as an SFT on as many tokens."""
    if step == "sft":
        return estimate(recipe, shape)
    table: TrainerConfig = getattr(recipe, step)
    changed = replace(
        recipe.sft,
        method=table.method,
        gradient_checkpointing=table.gradient_checkpointing,
        activation_offloading=table.activation_offloading and step == "dpo",  # TRL's GRPO has no such option
        packing=False,
        max_length=table.max_length if step == "dpo" else recipe.grpo.max_completion_length,
        per_device_train_batch_size=table.per_device_train_batch_size * (2 if step == "dpo" else 1),
    )
    return estimate(replace(recipe, sft=changed), shape)


def _size(recipe: Recipe) -> int:
    """Return the bytes of a number in the recipe's dtype."""
    return 2 if recipe.base.dtype == "bfloat16" else 4


def loads_reference(recipe: Recipe, step: str) -> bool:
    """Return whether a training step loads a reference model, if only to compute its log-probabilities beforehand."""
    if step == "dpo":
        return recipe.dpo.method == "full"
    return step == "grpo" and recipe.grpo.method == "full" and recipe.grpo.beta > 0


def _reference_bytes(recipe: Recipe, shape: ModelShape, step: str) -> float:
    if not loads_reference(recipe, step) or (step == "dpo" and recipe.dpo.precompute_ref_log_probs):
        return 0.0
    strategy = recipe.hardware.strategy
    shards = recipe.devices if strategy in ("fsdp2", "zero3") else 1
    return (_size(recipe) if strategy == "zero3" else 4) * shape.parameters / shards


def _vllm_share(recipe: Recipe) -> float:
    return float(recipe.grpo.options.get("vllm_gpu_memory_utilization", _VLLM_SHARE))


def _vllm_problem(recipe: Recipe, shape: ModelShape) -> str:
    """Return why vLLM does not start with its share of a device; empty if it does."""
    grpo, memory = recipe.grpo, recipe.hardware.memory_gib * GIB
    if not grpo.use_vllm or grpo.vllm_mode == "server":
        return ""
    devices = int(grpo.options.get("vllm_tensor_parallel_size", 1))
    kept = _size(recipe) * shape.parameters + cache_bytes(recipe, shape, 1, grpo.max_completion_length)
    needed, share = kept / devices + _VLLM_BUFFERS, _vllm_share(recipe)
    if needed <= share * memory:
        return ""
    least = math.ceil(100 * needed / memory) / 100
    elsewhere = _("Set grpo.vllm_mode = 'server', to run it on other devices.")
    larger = _("Set grpo.vllm_gpu_memory_utilization = {share:g}.", share=least)
    return _(
        "In the step grpo, vLLM needs about {needed:.0f} GiB per device, but its share is {share:.0f} GiB. {advice}",
        needed=needed / GIB,
        share=share * memory / GIB,
        advice=larger if least < 1 else elsewhere,
    )


def _advice(recipe: Recipe, shape: ModelShape, step: str) -> str:
    """Describe the smallest change that makes DPO or GRPO fit."""
    length = "max_length" if step == "dpo" else "max_completion_length"
    for larger, alternative in _larger_changes(recipe, step, length):
        for changes in _small_changes(alternative, step):
            found = _with_options(alternative, step, changes)
            if device_bytes(found, shape, step) <= found.hardware.memory_gib * GIB and not (
                step == "grpo" and _vllm_problem(found, shape)
            ):
                parts = [f"{step}.{name} = {json.dumps(value)}" for name, value in changes.items()]
                return _("This would fit: {parts}.", parts=", ".join(parts + larger))
    return _(
        "No change that lwtui knows makes it fit. Use a smaller base, a shorter {option}, or larger devices.",
        option=f"{step}.{length}",
    )


def _small_changes(recipe: Recipe, step: str) -> Iterator[dict[str, Any]]:
    """Yield options that cost time at most, each with those before it."""
    table: TrainerConfig = getattr(recipe, step)
    changes: list[dict[str, Any]] = [{"gradient_checkpointing": True}]
    if step == "dpo" and table.method == "full":
        changes.append({"precompute_ref_log_probs": True})
    batch = table.per_device_train_batch_size
    changes.append(
        {"per_device_train_batch_size": 1, "gradient_accumulation_steps": table.gradient_accumulation_steps * batch}
    )
    if step == "dpo":
        changes.append({"activation_offloading": True})
    elif not recipe.grpo.use_vllm or recipe.grpo.vllm_mode == "colocate":
        changes += [{"use_vllm": True}, {"vllm_enable_sleep_mode": True}]
    together: dict[str, Any] = {}
    yield together
    for change in changes:
        new = {name: value for name, value in change.items() if _option(table, name) != value}
        if new:
            together = together | new
            yield together


def _larger_changes(recipe: Recipe, step: str, length: str) -> Iterator[tuple[list[str], Recipe]]:
    """Yield changes that cost more, the smallest first, each with its description."""
    yield [], recipe
    strategy = recipe.hardware.strategy if recipe.hardware.strategy in ("fsdp2", "zero3") else "fsdp2"
    for count in (2, 4, 8):
        if count > recipe.devices and count % recipe.devices == 0:
            more = replace(recipe.hardware, processes=count, machines=1, strategy=strategy)
            yield (
                [_("{count} devices with hardware.strategy = {strategy}", count=count, strategy=json.dumps(strategy))],
                replace(recipe, hardware=more),
            )
    lora = _with_options(recipe, step, {"method": "lora"})
    if lora != recipe:
        yield [f'{step}.method = "lora"'], lora
    tokens = _option(getattr(recipe, step), length)
    while (tokens := tokens // 2) >= _LEAST_LENGTH:
        yield [f"{step}.{length} = {tokens}"], _with_options(recipe, step, {length: tokens})


def _option(table: TrainerConfig, name: str) -> Any:
    return getattr(table, name) if hasattr(table, name) else table.options.get(name)


def _with_options(recipe: Recipe, step: str, changes: dict[str, Any]) -> Recipe:
    """Return the recipe with other options in the step's table, be they lwtui's or TRL's alone."""
    table: TrainerConfig = getattr(recipe, step)
    own = {field.name for field in fields(table)}
    options = table.options | {name: value for name, value in changes.items() if name not in own}
    changed = replace(table, options=options, **{name: value for name, value in changes.items() if name in own})
    tables: dict[str, Any] = {step: changed}
    return replace(recipe, **tables)

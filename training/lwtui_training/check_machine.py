"""Checks of this machine: packages, devices, attention, memory and disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from lwtui.errors import LwtuiError
from lwtui.translation import _, _n
from lwtui_training.checks import Caveat, Check
from lwtui_training.devices import (
    attention_implementation,
    attention_problem,
    device_count,
    has_flash_attn,
    uses_cpu,
)
from lwtui_training.gpu_memory import GIB
from lwtui_training.launch_plan import checkpoint_bytes, disk_bytes, host_bytes
from lwtui_training.library_options import check_types
from lwtui_training.model_shape import ModelShape, shape_of_base
from lwtui_training.recipe import Recipe, TrainerConfig
from lwtui_training.sequences import shape_problem
from lwtui_training.step_memory import TRAINING_STEPS, device_bytes, step_problem
from lwtui_training.steps import TrainError

_LARGE = 1e9  # parameters that no CPU trains in reasonable time


def machine_checks(recipe: Recipe, steps: Sequence[str]) -> dict[str, Check]:
    """Return the checks that these steps need, by name."""
    checks: dict[str, Check] = {}
    if set(steps) & set(TRAINING_STEPS):
        checks |= {"packages": _packages, "options": lambda recipe: _options(recipe, steps)}
        shared = "sft" if "sft" in steps else "dpo"  # the step that may share sequences, or one that does not
        checks |= {"devices": _devices, "attention": lambda recipe: _attention(recipe.for_step(shared))}
        checks["memory"] = _memory
        checks |= {f"memory.{step}": _device_memory(step) for step in TRAINING_STEPS if step in steps}
        if recipe.sequence_devices > 1 and "sft" in steps:
            checks["sequences"] = _sequences
    if steps:
        checks["disk"] = lambda recipe: _disk(recipe, steps)
    return checks


def _packages(recipe: Recipe) -> str:
    """Check the packages that the strategy, the method and the logging need."""
    needed = {}
    if recipe.hardware.strategy == "zero3":
        needed["deepspeed"] = _(
            "hardware.strategy = 'zero3' needs DeepSpeed: pip install \"lwtui[deepspeed]\", or set 'fsdp2'"
        )
    methods = [table.method for step, table in _tables(recipe).items() if step in recipe.steps]
    if recipe.lora.quantize and "lora" in methods:
        needed["bitsandbytes"] = _('lora.quantize needs bitsandbytes: pip install "lwtui[qlora]"')
    for table in _tables(recipe).values():
        report_to = table.options.get("report_to", ())
        names = [report_to] if isinstance(report_to, str) else report_to
        if "wandb" in names:
            needed["wandb"] = _("report_to = 'wandb' needs wandb: pip install wandb")
    if recipe.grpo.use_vllm and "grpo" in recipe.steps:
        needed["vllm"] = _("grpo.use_vllm needs vLLM: pip install vllm")
    missing = [message for package, message in needed.items() if find_spec(package) is None]
    if missing:
        raise LwtuiError(f"{'. '.join(missing)}.", code="missing-package")
    return _("everything that the strategy {strategy!r} needs is installed", strategy=recipe.hardware.strategy)


def _tables(recipe: Recipe) -> dict[str, TrainerConfig]:
    return {name: getattr(recipe, name) for name in TRAINING_STEPS if hasattr(recipe, name)}


def _options(recipe: Recipe, steps: Sequence[str]) -> str:
    """Have TRL and PEFT check the values of their options."""
    from lwtui_training.trainer import library_config, peft_config

    training = [step for step in steps if step in TRAINING_STEPS]
    tables = [*training, *(["lora"] if any(getattr(recipe, step).method == "lora" for step in training) else [])]
    for table in tables:
        try:
            if table == "lora":
                built = peft_config(recipe)
            else:
                built = library_config(recipe, table, recipe.run_folder / table, 10)
            check_types(built, getattr(recipe, table).options)
        except (ValueError, TypeError, KeyError, AttributeError, ImportError) as error:
            reason = " ".join(str(error).split())[:300]
            raise TrainError(
                _("[{table}] is not accepted: {reason}", table=table, reason=reason), code="invalid-option"
            ) from None
    return _("TRL and PEFT accept the options")


def _devices(recipe: Recipe) -> str | Caveat:
    hardware, visible = recipe.hardware, device_count()
    if hardware.device == "cpu":
        return _n(
            "{count} process on the CPU, as the recipe says",
            "{count} processes on the CPU, as the recipe says",
            hardware.processes,
        )
    if not visible:
        if hardware.processes > 1:
            raise TrainError(
                _(
                    "hardware.processes is {processes}, but PyTorch sees no GPU. Check the driver and "
                    "CUDA_VISIBLE_DEVICES, or set hardware.processes = 1 and hardware.strategy = 'single'.",
                    processes=hardware.processes,
                ),
                code="no-device",
            )
        shape = shape_of_base(recipe)
        if shape.parameters > _LARGE:
            raise TrainError(
                _(
                    "PyTorch sees no GPU, and a model of {parameters:.1f} billion parameters cannot be "
                    "trained on a CPU. Check the driver, or set hardware.device = 'cpu' to try all the same.",
                    parameters=shape.parameters / 1e9,
                ),
                code="no-device",
            )
        return Caveat(_("PyTorch sees no GPU; this trains on the CPU."))
    if visible < hardware.processes:
        raise TrainError(
            _(
                "hardware.processes is {processes}, but only {visible} of them are visible. Set "
                "hardware.processes = {visible}, or free the others (CUDA_VISIBLE_DEVICES).",
                processes=hardware.processes,
                visible=visible,
            ),
            code="too-few-devices",
        )
    return _("{processes} of {visible} visible GPUs are used", processes=hardware.processes, visible=visible)


def _attention(recipe: Recipe) -> str | Caveat:
    if problem := attention_problem(recipe):
        raise TrainError(problem, code="attention")
    chosen = attention_implementation(recipe)
    if chosen == "sdpa" and recipe.sft.packing and not uses_cpu(recipe):
        mask = recipe.sft.max_length**2 / GIB
        hint = "" if has_flash_attn() else _(" Install it: pip install flash-attn --no-build-isolation.")
        return Caveat(
            _(
                "without FlashAttention, packed rows need a mask of {mask:.1f} GiB per sequence, and attention "
                "computes all pairs of {max_length:,} tokens.{hint}",
                mask=mask,
                max_length=recipe.sft.max_length,
                hint=hint,
            )
        )
    return chosen


def _sequences(recipe: Recipe) -> str | Caveat:
    """Check that the devices can share this model's sequences."""
    shape, count = shape_of_base(recipe), recipe.sequence_devices
    if problem := shape_problem(recipe, shape, attention_implementation(recipe)):
        raise TrainError(problem, code="sequences")
    text = _(
        "in SFT, {groups} groups of {count} devices share sequences of {most:,} tokens",
        groups=recipe.devices // count,
        count=count,
        most=recipe.sft.max_length,
    )
    others = [step for step in ("dpo", "grpo") if step in recipe.steps]
    if not others:
        return text
    return Caveat(_("{text}; {others} cannot share them", text=text, others=", ".join(others)))


def _device_memory(step: str) -> Check:
    """Return the check whether a training step fits on the recipe's devices."""

    def check(recipe: Recipe) -> str:
        shape, hardware = shape_of_base(recipe), recipe.hardware
        if hardware.device != "cpu" and (problem := step_problem(recipe, shape, step)):
            raise TrainError(problem, code="too-little-memory")
        total = device_bytes(recipe, shape, step) / GIB
        if hardware.device == "cpu":
            return _("about {total:.1f} GiB per process", total=total)
        return _("about {total:.1f} of {memory:g} GiB per device", total=total, memory=hardware.memory_gib)

    return check


def _memory(recipe: Recipe) -> str | Caveat:
    needed, there = host_bytes(recipe, shape_of_base(recipe)), _host_memory()
    if not there or needed <= there:
        return _("about {needed:.1f} GiB of this machine", needed=needed / GIB)
    return Caveat(
        _(
            "about {needed:.1f} GiB of this machine, which has {there:.0f} GiB",
            needed=needed / GIB,
            there=there / GIB,
        )
    )


def _host_memory() -> float:
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError, AttributeError):
        return 0.0


def _disk(recipe: Recipe, steps: Sequence[str]) -> str:
    shape: ModelShape = shape_of_base(recipe)
    needed = disk_bytes(recipe, shape, steps)
    folder: Path = recipe.run_folder
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        raise TrainError(
            _("{folder} cannot be written. Set output to another folder.", folder=folder), code="not-writable"
        )
    free = shutil.disk_usage(folder).free
    sizes = f"{needed / 1e9:.1f} GB"
    if checkpoint := max(
        (checkpoint_bytes(recipe, shape, step) for step in steps if step in TRAINING_STEPS), default=0
    ):
        sizes = _("{size} (a checkpoint has {checkpoint:.1f} GB)", size=sizes, checkpoint=checkpoint / 1e9)
    if needed > free:
        raise TrainError(
            _(
                "{folder} needs up to {sizes}, but {free:.1f} GB are free. Set output to a larger "
                "disk, or lower save_total_limit.",
                folder=recipe.run_folder,
                sizes=sizes,
                free=free / 1e9,
            ),
            code="too-little-disk",
        )
    return _("up to {sizes} of {free:,.0f} GB free", sizes=sizes, free=free / 1e9)

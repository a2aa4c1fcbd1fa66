"""The devices of this machine: which are visible, and which attention they can use."""

from __future__ import annotations

import os
from importlib.util import find_spec

from lwtui.translation import _
from lwtui_training.recipe import Recipe
from lwtui_training.sequences import FLASH, leak_problem


def device_count() -> int:
    """Return the number of accelerators that PyTorch sees."""
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def chosen_devices(recipe: Recipe) -> str:
    """Return the value of ``CUDA_VISIBLE_DEVICES`` for training: the first of the visible devices, as many as it needs.

    With more devices visible to one process, transformers would spread the model over them by ``DataParallel``, which
    TRL refuses.
    """
    count = recipe.hardware.processes
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return ",".join((visible or [str(number) for number in range(count)])[:count])


def uses_cpu(recipe: Recipe) -> bool:
    """Return whether the recipe trains on the CPU, because it says so or because there is no accelerator."""
    return recipe.hardware.device == "cpu" or device_count() == 0


def attention_implementation(recipe: Recipe) -> str:
    """Resolve the recipe's attention: "auto" is FlashAttention where it is installed and can be used, else SDPA.

    Both keep packed samples apart, FlashAttention by sequence lengths and SDPA by a mask made from the positions. With
    context parallelism, transformers takes only SDPA. What SDPA can do with sequence parallelism is in
    :mod:`lwtui_training.sequences`.
    """
    if recipe.base.attn_implementation != "auto":
        return recipe.base.attn_implementation
    can_flash = recipe.hardware.context_parallel == 1 and not uses_cpu(recipe) and has_flash_attn()
    return "flash_attention_2" if can_flash else "sdpa"


def has_flash_attn() -> bool:
    """Return whether the package flash-attn is installed."""
    return find_spec("flash_attn") is not None


def attention_problem(recipe: Recipe) -> str:
    """Return why the recipe's attention cannot be used here; empty if it can."""
    chosen = recipe.base.attn_implementation
    if chosen not in FLASH:
        return leak_problem(recipe, attention_implementation(recipe))
    if recipe.hardware.context_parallel > 1:
        return _(
            "context parallelism takes only sdpa, not {chosen}. Set base.attn_implementation = 'sdpa'.", chosen=chosen
        )
    if uses_cpu(recipe):
        return _("{chosen} needs a GPU. Set base.attn_implementation = 'auto'.", chosen=chosen)
    if not has_flash_attn():
        return _(
            "{chosen} needs flash-attn: pip install flash-attn --no-build-isolation. Or set it to 'auto'.",
            chosen=chosen,
        )
    return ""

"""Sequences that several devices share: what a recipe may ask for, and how accelerate hears of it.

Ulysses (``hardware.sequence_parallel``, with DeepSpeed) gives each device a part of the sequence, and in attention some
of the heads for the whole sequence: FlashAttention then still knows where a packed sample begins. Context parallelism
(``hardware.context_parallel``, with FSDP2) passes keys and values around; it knows only full causal attention.

Only SFT shares sequences: TRL's DPO and GRPO make their batches in ways that cannot be divided.
"""

from __future__ import annotations

from pathlib import Path

from lwtui.errors import UsageError
from lwtui.translation import _
from lwtui_training.model_shape import ModelShape
from lwtui_training.recipe import Recipe
from lwtui_training.steps import TrainError

FLASH = ("flash_attention_2", "flash_attention_3")


def check_sharing(recipe: Recipe, path: Path | str) -> None:
    """Check what a recipe says about shared sequences.

    Args:
        recipe: The recipe.
        path: The file of the recipe, for the message.

    Raises:
        UsageError: The options contradict each other.
    """
    hardware, sft, count = recipe.hardware, recipe.sft, recipe.sequence_devices
    if count == 1 and hardware.context_parallel == hardware.sequence_parallel == 1:
        return
    if hardware.context_parallel > 1 and hardware.sequence_parallel > 1:
        problem, code = _("set either hardware.context_parallel or hardware.sequence_parallel, not both."), "sequences"
    elif min(hardware.context_parallel, hardware.sequence_parallel) < 1 or recipe.devices % count:
        problem = _(
            "{devices} devices cannot be divided into groups of {count}. Set {option} to a number that divides them.",
            devices=recipe.devices,
            count=count,
            option=_option(recipe),
        )
        code = "sequences"
    elif hardware.strategy != (needed := "zero3" if hardware.sequence_parallel > 1 else "fsdp2"):
        problem = _("{option} needs hardware.strategy = {needed!r}.", option=_option(recipe), needed=needed)
        code = "strategy"
    elif hardware.context_parallel > 1 and sft.packing:
        problem = _(
            "context parallelism cannot keep packed samples apart. Set sft.packing = false, or use "
            "hardware.sequence_parallel with hardware.strategy = 'zero3'."
        )
        code = "packing"
    elif sft.packing and sft.per_device_train_batch_size > 1:
        problem = _(
            "sequence parallelism keeps packed samples apart only in batches of one pack. Set "
            "sft.per_device_train_batch_size = 1, and raise sft.gradient_accumulation_steps instead."
        )
        code = "packing"
    elif sft.average == "sample":
        problem = _("a sample that several devices share cannot be averaged by itself. Set sft.average = 'token'.")
        code = "average"
    else:
        return
    raise UsageError(f"{path}: {problem}", code=code)


def _option(recipe: Recipe) -> str:
    return "hardware.context_parallel" if recipe.hardware.context_parallel > 1 else "hardware.sequence_parallel"


def shape_problem(recipe: Recipe, shape: ModelShape, attention: str) -> str:
    """Return why this model's sequences cannot be shared with this attention; empty if they can."""
    count = recipe.hardware.sequence_parallel
    if recipe.hardware.context_parallel > 1 and shape.other_layers:
        return _(
            "context parallelism knows only full attention, and this model has layers with {kinds}. Use "
            "hardware.sequence_parallel with FlashAttention.",
            kinds=", ".join(shape.other_layers),
        )
    if count > 1 and "linear_attention" in shape.other_layers:
        return _(
            "this model has layers with linear attention, whose state would begin anew on each device. Set "
            "hardware.sequence_parallel = 1."
        )
    if count > 1 and shape.other_layers and not is_flash(attention):
        return _(
            "sequence parallelism keeps the window of layers with {kinds} only with FlashAttention: pip install "
            "flash-attn --no-build-isolation.",
            kinds=", ".join(shape.other_layers),
        )
    fitting = [size for size in range(2, recipe.devices + 1) if recipe.devices % size == 0 and divides(shape, size)]
    if count > 1 and count not in fitting:
        separator = _(" or ")
        return _(
            "{heads} attention heads with {keys} heads of keys cannot be divided among {count} devices. Set "
            "hardware.sequence_parallel to {sizes}.",
            heads=shape.heads,
            keys=shape.key_value_heads,
            count=count,
            sizes=separator.join(str(size) for size in [1, *fitting]),
        )
    return ""


def divides(shape: ModelShape, count: int) -> bool:
    """Return whether this many devices can share the heads of a model, as DeepSpeed divides them."""
    keys = shape.key_value_heads
    return shape.heads % count == 0 and (keys % count == 0 or count % keys == 0)


def leak_problem(recipe: Recipe, attention: str) -> str:
    """Return why this attention would look beyond a sample; empty if it does not.

    DeepSpeed removes every mask. FlashAttention needs none: it finds packed samples by their positions, and knows the
    window of a layer. SDPA would compute full causal attention.
    """
    if recipe.hardware.sequence_parallel == 1 or is_flash(attention):
        return ""
    if attention != "sdpa":
        return _(
            "sequence parallelism takes FlashAttention or sdpa, not {attention}. Set base.attn_implementation = "
            "'auto'.",
            attention=attention,
        )
    if recipe.sft.packing:
        return _(
            "sequence parallelism keeps packed samples apart only with FlashAttention: pip install flash-attn "
            "--no-build-isolation. Or set sft.packing = false."
        )
    return ""


def is_flash(attention: str) -> bool:
    """Return whether this is FlashAttention: that of the package, or a kernel from the Hugging Face hub."""
    return attention in FLASH or ("/" in attention and "flash-attn" in attention)


def refuse_leaks(recipe: Recipe, attention: str) -> None:
    """Refuse to train with an attention that would look beyond a sample.

    Raises:
        TrainError: It would.
    """
    if problem := leak_problem(recipe, attention):
        raise TrainError(problem, code="packing")


def sharing_variables(recipe: Recipe, attention: str) -> dict[str, str]:
    """Return the environment from which accelerate takes how devices share sequences; empty if they do not.

    accelerate's launcher has options for it, but takes them only for FSDP, and not beside a configuration file.

    Args:
        recipe: The recipe.
        attention: The implementation of attention that is used.
    """
    if recipe.sequence_devices == 1:
        return {}
    sizes = {
        "DP_SHARD_SIZE": recipe.devices // recipe.sequence_devices,
        "CP_SIZE": recipe.hardware.context_parallel,
        "SP_SIZE": recipe.hardware.sequence_parallel,
    }
    variables = {"ACCELERATE_USE_PARALLELISM_CONFIG": "true"}
    variables |= {f"PARALLELISM_CONFIG_{name}": str(size) for name, size in sizes.items()}
    if recipe.hardware.sequence_parallel > 1:
        variables["PARALLELISM_CONFIG_SP_ATTN_IMPLEMENTATION"] = attention
    return variables

"""Memory, time and tokens of a recipe, told before anything runs; what does not fit is refused with what would.

Bytes of one device, with P parameters, T tokens on the device at once, L layers, n devices that share the model:

- full tuning: 4 P weights + 4 P gradients + 8 P Adam, all / n, and 2 bytes × the two largest gathered layers in halves;
- LoRA: 2 P for the base (0.55 P in 4 bits), / n, and 16 bytes for each parameter of the adapter;
- activations: with checkpointing one T × hidden a layer (none on the device if they are offloaded) and one whole layer;
  without it L whole layers. A whole layer is what autograd keeps of it, see :func:`layer_bytes`;
- a mask of T² bytes where there is no flash attention, and 1.5 GiB for the context of CUDA and its fragments.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left, insort
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lwtui.text import duration
from lwtui_training.recipe import Hardware, Lora, Recipe
from lwtui_training.steps import TrainError, read_manifest

GIB = 1 << 30
_CONTEXT = 1.5 * GIB
_TOKENS_A_WORD = 1.4

# Shapes of the bases of the recipes, so that a plan needs no download.
_LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
SHAPES: dict[str, dict[str, Any]] = {
    "meta-llama/Llama-3.1-8B": _LLAMA
    | {"vocab_size": 128_256, "hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32}
    | {"num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": False},
    "zai-org/glm-4-9b-hf": {"model_type": "glm"}
    | {
        "vocab_size": 151_552,
        "hidden_size": 4096,
        "intermediate_size": 13_696,
        "num_hidden_layers": 40,
        "head_dim": 128,
    }
    | {"num_attention_heads": 32, "num_key_value_heads": 2, "tie_word_embeddings": False, "attention_bias": True},
    "Qwen/Qwen3-8B": {"model_type": "qwen3"}
    | {
        "vocab_size": 151_936,
        "hidden_size": 4096,
        "intermediate_size": 12_288,
        "num_hidden_layers": 36,
        "head_dim": 128,
    }
    | {"num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": False},
    "demo": {"model_type": "gemma3_text"}
    | {"vocab_size": 262_144, "hidden_size": 640, "intermediate_size": 2048, "num_hidden_layers": 18, "head_dim": 256}
    | {"num_attention_heads": 4, "num_key_value_heads": 1, "tie_word_embeddings": True},
}


@dataclass(frozen=True)
class Shape:
    """What of a model decides its memory. ``layer_parameters`` is of one layer, ``embedding`` of the two ends."""

    parameters: int
    layer_parameters: int
    layers: int
    hidden: int
    attention: int  # width of the queries
    key_value: int  # width of keys and values together
    feed_forward: int
    vocabulary: int
    adapter: int = 0  # parameters of LoRA's matrices on all linear layers


@dataclass(frozen=True)
class MemoryPlan:
    """What a recipe takes. Bytes are of one device; ``seconds`` is ``None`` while the tokens are not known."""

    devices: int
    strategy: str
    method: str
    parameters: int
    trained: int
    weights: float
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
        return self.weights + self.gradients + self.optimizer + self.activations + self.working

    @property
    def fits(self) -> bool:
        return self.total <= self.memory

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"total": self.total, "fits": self.fits}

    def to_text(self) -> str:
        """A table for a person."""
        parts = ("weights", "gradients", "optimizer", "activations", "working", "total", "memory")
        lines = [
            f"{self.method} tuning of {self.parameters / 1e9:.2f} billion parameters ({self.trained / 1e6:,.1f} million"
        ]
        lines[0] += f" trained) on {self.devices} × {self.strategy}; GiB of one device:"
        lines += [f"  {name:12} {getattr(self, name) / GIB:8.2f}" for name in parts]
        lines.append(f"  {self.tokens_a_step:,} tokens a step")
        if self.tokens is not None and self.seconds is not None:
            lines.append(f"  {self.tokens:,} tokens in all, about {duration(self.seconds)}")
        else:
            lines.append("  tokens in all and time: known once the step data is done")
        return "\n".join([*lines, "It fits." if self.fits else "It does not fit."])


def plan_recipe(recipe: Recipe, devices: int | None = None) -> MemoryPlan:
    """The plan of a recipe's SFT, for its own or for so many devices; with advice where it does not fit."""
    if devices is not None:
        strategy = recipe.hardware.strategy if devices > 1 else "single"
        strategy = "fsdp2" if devices > 1 and strategy == "single" else strategy
        recipe = replace(recipe, hardware=replace(recipe.hardware, processes=devices, machines=1, strategy=strategy))
    shape = shape_of(recipe)
    plan = estimate(recipe, shape)
    return plan if plan.fits else replace(plan, advice=_advice(recipe, shape))


def estimate(recipe: Recipe, shape: Shape) -> MemoryPlan:
    """The plan for a model of this ``shape``."""
    sft, hardware = recipe.sft, recipe.hardware
    shards = recipe.devices if hardware.strategy in ("fsdp2", "zero3") else 1
    lora = sft.method == "lora"
    trained = shape.adapter if lora else shape.parameters
    half = 2 if recipe.base.dtype == "bfloat16" and hardware.device != "cpu" else 4
    base = shape.parameters * (0.55 if recipe.lora.quantize else half) if lora else 0
    tokens = sft.max_length * sft.per_device_train_batch_size // hardware.context_parallel
    gathered = 2 * half * max(shape.layer_parameters, shape.vocabulary * shape.hidden) if shards > 1 else 0
    mask = 0 if has_flash(recipe) or not sft.packing else sft.max_length**2 * sft.per_device_train_batch_size
    total, seconds = _work(recipe, shape)
    return MemoryPlan(
        devices=recipe.devices,
        strategy=hardware.strategy,
        method=("QLoRA" if recipe.lora.quantize else "LoRA") if lora else "full",
        parameters=shape.parameters,
        trained=trained,
        weights=(base + 4 * trained) / shards,
        gradients=4 * trained / shards,
        optimizer=8 * trained / shards,
        activations=activation_bytes(recipe, shape, tokens, half),
        working=gathered + mask + (0 if hardware.device == "cpu" else _CONTEXT),
        memory=hardware.memory_gib * GIB,
        tokens_a_step=sft.max_length
        * sft.per_device_train_batch_size
        * sft.gradient_accumulation_steps
        * recipe.devices
        // hardware.context_parallel,
        tokens=total,
        seconds=seconds,
    )


def activation_bytes(recipe: Recipe, shape: Shape, tokens: int, size: int) -> float:
    """What autograd keeps for the backward pass of ``tokens``, in numbers of ``size`` bytes."""
    whole = layer_bytes(shape, tokens, size)
    if not recipe.sft.gradient_checkpointing:
        return shape.layers * whole
    kept = 0 if recipe.sft.activation_offloading else shape.layers * tokens * shape.hidden * size
    return kept + 2 * whole  # one layer made again, and its gradients


def layer_bytes(shape: Shape, tokens: int, size: int) -> float:
    """What autograd keeps of one layer: inputs of norms and matrices, queries, keys, values, gate, up and product.

    A norm sums in full precision: its input is kept so, twice a layer.
    """
    attention = 2 * shape.attention + 2 * shape.key_value
    values = 4 * shape.hidden + attention + 4 * shape.feed_forward
    return tokens * (values * size + 2 * 2 * shape.hidden * 4)


def shape_of(recipe: Recipe) -> Shape:
    """The shape of the recipe's base, from its configuration alone: no weight is read."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    name = recipe.base.model
    if name in SHAPES:
        config = AutoConfig.for_model(**SHAPES[name])
    elif name == "tiny":
        from lwtui_training.tiny import SIZES

        config = AutoConfig.for_model("llama", vocab_size=512, **SIZES)
    else:
        try:
            config = AutoConfig.from_pretrained(recipe.find(name), trust_remote_code=recipe.base.trust_remote_code)
        except (OSError, ValueError) as error:
            raise TrainError(
                f"Cannot read the configuration of {name!r}: {' '.join(str(error).split())[:200]}"
            ) from None
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return _measured(model, config, recipe.lora)


def _measured(model: Any, config: Any, lora: Lora) -> Shape:
    import torch

    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    linear = [one for name, one in model.named_modules() if isinstance(one, torch.nn.Linear) and name != "lm_head"]
    layer = next(one for one in model.modules() if isinstance(one, torch.nn.ModuleList))[0]
    return Shape(
        parameters=sum(one.numel() for one in model.parameters()),
        layer_parameters=sum(one.numel() for one in layer.parameters()),
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        attention=config.num_attention_heads * head,
        key_value=2 * config.num_key_value_heads * head,
        feed_forward=config.intermediate_size,
        vocabulary=config.vocab_size,
        adapter=sum(lora.r * (one.in_features + one.out_features) for one in linear),
    )


def has_flash(recipe: Recipe) -> bool:
    """Whether the recipe's attention needs no mask; ``auto`` is taken for one, except on a CPU."""
    return recipe.hardware.device != "cpu" and recipe.base.attn_implementation not in ("sdpa", "eager")


def training_steps(recipe: Recipe, lengths: list[int]) -> int:
    """How many optimizer steps the recipe's SFT takes on rows of these ``lengths`` (tokens)."""
    sft = recipe.sft
    if sft.max_steps > 0:
        return sft.max_steps
    return _steps(recipe, sft, packed_count(lengths, sft.max_length) if sft.packing else len(lengths))


def dpo_steps(recipe: Recipe, pairs: int) -> int:
    """How many optimizer steps the recipe's DPO takes on so many pairs."""
    return recipe.dpo.max_steps if recipe.dpo.max_steps > 0 else _steps(recipe, recipe.dpo, pairs)


def packed_count(lengths: list[int], size: int) -> int:
    """How many sequences of ``size`` hold ``lengths``, by best fit decreasing as TRL packs."""
    free: list[int] = []
    for length in sorted(lengths, reverse=True):
        at = bisect_left(free, length)
        insort(free, free.pop(at) - length if at < len(free) else size - length)
    return len(free)


def _steps(recipe: Recipe, table: Any, sequences: int) -> int:
    batches = math.ceil(sequences / (table.per_device_train_batch_size * recipe.devices))
    return max(1, math.ceil(math.ceil(batches / table.gradient_accumulation_steps) * table.num_train_epochs))


def _work(recipe: Recipe, shape: Shape) -> tuple[int | None, float | None]:
    """Tokens in all and seconds, from the rows of the step data if it is done, or from ``max_steps``."""
    sft, hardware = recipe.sft, recipe.hardware
    if sft.max_steps > 0:
        a_step = sft.max_length * sft.per_device_train_batch_size * sft.gradient_accumulation_steps
        tokens = sft.max_steps * a_step * recipe.devices // hardware.context_parallel
    else:
        rows = recipe.run_folder / "data" / "rows.jsonl"
        if read_manifest(rows.parent) is None:
            return None, None
        tokens = round(_words(rows) * _TOKENS_A_WORD * sft.num_train_epochs)
    passes = 4 if sft.gradient_checkpointing else 3  # forward and twice as much backward; and forward once more
    if sft.method == "lora":
        passes -= 1  # no gradients of the base's own matrices
    attention = 2 * shape.layers * shape.attention * sft.max_length  # a token sees half a sequence, on average
    operations = tokens * passes * (2 * shape.parameters + attention)
    return tokens, operations / (hardware.tflops * 1e12 * hardware.mfu * recipe.devices)


def _words(rows: Path) -> int:
    from lwtui.text import count_words

    with rows.open(encoding="utf-8") as file:
        return sum(count_words(message["content"]) for line in file for message in json.loads(line)["messages"])


def _advice(recipe: Recipe, shape: Shape) -> str:
    """The nearest recipe that fits."""
    for changes, hardware, lora in _alternatives(recipe):
        other = replace(recipe, sft=replace(recipe.sft, **changes), hardware=hardware, lora=lora)
        if estimate(other, shape).fits:
            told = [f"sft.{name} = {json.dumps(value)}" for name, value in changes.items()]
            if hardware != recipe.hardware:
                told.append(f"{other.devices} devices with hardware.strategy = {json.dumps(hardware.strategy)}")
            if lora != recipe.lora:
                told.append("lora.quantize = true")
            return f"This would fit: {', '.join(told)}."
    return (
        "Nothing that lwtui knows would make it fit: take a smaller base, a shorter sft.max_length, or larger devices."
    )


def _alternatives(recipe: Recipe) -> list[tuple[dict[str, Any], Hardware, Lora]]:
    same, lora = recipe.hardware, recipe.lora
    lighter: dict[str, Any] = {"gradient_checkpointing": True, "activation_offloading": True}
    more = [
        ({"gradient_checkpointing": True}, replace(same, processes=count, machines=1, strategy="fsdp2"), lora)
        for count in (2, 4, 8, 16, 32)
        if count > recipe.devices
    ]
    return [
        ({"gradient_checkpointing": True}, same, lora),
        (lighter, same, lora),
        *more[:3],
        ({"method": "lora", "gradient_checkpointing": True}, same, lora),
        ({"method": "lora", **lighter}, same, lora),
        ({"method": "lora", **lighter}, same, replace(lora, quantize=True)),
        *more[3:],
    ]

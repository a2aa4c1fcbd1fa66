"""The shape of a model: the sizes that determine its memory.

For the bases of the recipes it is computed from their configurations, without torch and without a download. For other
models, transformers builds the model without weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lwtui.command_line.extras import require_extra
from lwtui_training.recipe import Recipe
from lwtui_training.steps import TrainError
from lwtui_training.tiny import SIZES, VOCABULARY

CONFIGS: dict[str, dict[str, Any]] = {
    "meta-llama/Llama-3.1-8B": {
        "model_type": "llama",
        "vocab_size": 128_256,
        "hidden_size": 4096,
        "intermediate_size": 14_336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "tie_word_embeddings": False,
    },
    "zai-org/glm-4-9b-hf": {
        "model_type": "glm",
        "vocab_size": 151_552,
        "hidden_size": 4096,
        "intermediate_size": 13_696,
        "num_hidden_layers": 40,
        "num_attention_heads": 32,
        "num_key_value_heads": 2,
        "head_dim": 128,
        "attention_bias": True,
        "tie_word_embeddings": False,
    },
    "Qwen/Qwen3-8B": {
        "model_type": "qwen3",
        "vocab_size": 151_936,
        "hidden_size": 4096,
        "intermediate_size": 12_288,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "tie_word_embeddings": False,
    },
    "demo": {
        "model_type": "gemma3_text",
        "vocab_size": 262_144,
        "hidden_size": 640,
        "intermediate_size": 2048,
        "num_hidden_layers": 18,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 256,
        "tie_word_embeddings": True,
    },
    "tiny": {"model_type": "llama", "vocab_size": VOCABULARY, "tie_word_embeddings": False, **SIZES},
}


@dataclass(frozen=True)
class LayerKind:
    """How the layers of an architecture differ from Llama's.

    Attributes:
        norms: Number of norms as wide as the hidden state.
        head_norms: Number of norms as wide as an attention head.
        fused_gate: Whether one matrix computes both gate and up projection.
    """

    norms: int = 2
    head_norms: int = 0
    fused_gate: bool = False


LAYER_KINDS = {
    "llama": LayerKind(),
    "glm": LayerKind(fused_gate=True),
    "qwen3": LayerKind(head_norms=2),
    "gemma3_text": LayerKind(norms=4, head_norms=2),
}


@dataclass(frozen=True)
class ModelShape:
    """Sizes of a model, in numbers of parameters or in dimensions.

    Attributes:
        parameters: Parameters of the whole model.
        layer_parameters: Parameters of one layer.
        hidden: Width of the hidden state.
        attention: Width of the queries of all heads.
        key_value: Width of keys and values together.
        feed_forward: Width of the feed-forward network.
        adapter: Parameters of LoRA's matrices on all linear layers.
    """

    parameters: int
    layer_parameters: int
    layers: int
    hidden: int
    attention: int
    key_value: int
    feed_forward: int
    vocabulary: int
    adapter: int = 0


def shape_of_base(recipe: Recipe) -> ModelShape:
    """Return the shape of the recipe's base, with an adapter of the recipe's rank.

    Raises:
        LwtuiError: The base is not one of :data:`CONFIGS` and the extra ``train`` is not installed.
        TrainError: The base's configuration cannot be read.
    """
    name = recipe.base.model
    if name in CONFIGS:
        return shape_from_config(CONFIGS[name], recipe.lora.r)
    require_extra("train", "torch", "transformers")
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(recipe.resolve(name), trust_remote_code=recipe.base.trust_remote_code)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainError(f"Cannot read the configuration of {name!r}: {reason}. Check base.model.") from None
    return shape_from_model(config, recipe.lora.r)


def shape_from_config(config: Mapping[str, Any], rank: int) -> ModelShape:
    """Compute a shape from the sizes in a configuration.

    Args:
        config: The configuration, as in transformers; its ``model_type`` is one of :data:`LAYER_KINDS`.
        rank: Rank of the LoRA matrices.
    """
    kind = LAYER_KINDS[config["model_type"]]
    hidden, feed_forward = config["hidden_size"], config["intermediate_size"]
    head = config.get("head_dim") or hidden // config["num_attention_heads"]
    queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    gate_and_up = [(hidden, 2 * feed_forward)] if kind.fused_gate else [(hidden, feed_forward)] * 2
    attention = [(hidden, queries), (hidden, keys), (hidden, keys), (queries, hidden)]
    linear = [*attention, *gate_and_up, (feed_forward, hidden)]
    biases = queries + 2 * keys if config.get("attention_bias") else 0
    norms = kind.norms * hidden + kind.head_norms * head
    layer = sum(inputs * outputs for inputs, outputs in linear) + biases + norms
    embedding = config["vocab_size"] * hidden
    layers = config["num_hidden_layers"]
    return ModelShape(
        parameters=layers * layer + embedding * (1 if config["tie_word_embeddings"] else 2) + hidden,
        layer_parameters=layer,
        layers=layers,
        hidden=hidden,
        attention=queries,
        key_value=2 * keys,
        feed_forward=feed_forward,
        vocabulary=config["vocab_size"],
        adapter=layers * sum(rank * (inputs + outputs) for inputs, outputs in linear),
    )


def shape_from_model(config: Any, rank: int) -> ModelShape:
    """Measure a shape on a model that transformers builds without weights.

    Args:
        config: A configuration of transformers.
        rank: Rank of the LoRA matrices.
    """
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    linear = [
        module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear) and name != "lm_head"
    ]
    layer = next(module for module in model.modules() if isinstance(module, torch.nn.ModuleList))[0]
    return ModelShape(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        layer_parameters=sum(parameter.numel() for parameter in layer.parameters()),
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        attention=config.num_attention_heads * head,
        key_value=2 * config.num_key_value_heads * head,
        feed_forward=config.intermediate_size,
        vocabulary=config.vocab_size,
        adapter=sum(rank * (module.in_features + module.out_features) for module in linear),
    )

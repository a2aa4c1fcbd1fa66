"""The shape of a model: the sizes that determine its memory.

For the bases of the recipes it is computed from their configurations, without torch and without a download. For other
models, transformers builds the model without weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lwtui.command_line.extras import require_extra
from lwtui.translation import _
from lwtui_training.recipe import Recipe
from lwtui_training.steps import TrainError
from lwtui_training.tiny import SIZES, VOCABULARY

_TIED_BELOW = 2048  # embedding size under which Qwen ties its embeddings
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
    "starter-small": {
        "model_type": "qwen2",
        "vocab_size": 151_936,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "head_dim": 64,
        "attention_bias": True,
        "tie_word_embeddings": True,
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
        has_bias: Whether queries, keys and values always have biases.
    """

    norms: int = 2
    head_norms: int = 0
    fused_gate: bool = False
    has_bias: bool = False


LAYER_KINDS = {
    "llama": LayerKind(),
    "mistral": LayerKind(),
    "qwen2": LayerKind(has_bias=True),
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
        heads: Number of attention heads.
        key_value_heads: Number of heads of keys and values.
        other_layers: The kinds of layers whose attention is not full, such as "sliding_attention".
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
    heads: int = 1
    key_value_heads: int = 1
    other_layers: tuple[str, ...] = ()


def shape_of_base(recipe: Recipe) -> ModelShape:
    """Return the shape of the recipe's base, with an adapter of the recipe's rank.

    Raises:
        LwtuiError: The base is not one of :data:`CONFIGS` and the extra ``train`` is not installed.
        TrainError: The base's configuration cannot be read.
    """
    name = recipe.base.model
    config = CONFIGS.get(name) or _config_in_files(recipe)
    if config:
        return shape_from_config(config, recipe.lora.r)
    require_extra("train", "torch", "transformers")
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(recipe.resolve(name), trust_remote_code=recipe.base.trust_remote_code)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainError(
            _("Cannot read the configuration of {name!r}: {reason}. Check base.model.", name=name, reason=reason)
        ) from None
    return shape_from_model(config, recipe.lora.r)


def _config_in_files(recipe: Recipe) -> dict[str, Any] | None:
    """Return the configuration in a folder or a GGUF, if it is one that :func:`shape_from_config` takes."""
    from lwtui.models.known_ggufs import known_ggufs

    name = recipe.base.model
    path = next((known.path for known in known_ggufs() if known.name == name), Path(recipe.resolve(name)))
    if path.suffix == ".gguf" and path.is_file():
        return _config_of_gguf(path)
    try:
        config: dict[str, Any] = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    sizes = ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "num_hidden_layers")
    known = config.get("model_type") in LAYER_KINDS and all(config.get(size) for size in (*sizes, "vocab_size"))
    return {"tie_word_embeddings": False, **config} if known else None


def _config_of_gguf(path: Path) -> dict[str, Any]:
    """Return the sizes in the header of a GGUF, as transformers names them.

    Small models of Qwen and all of Gemma use one matrix for their first and last layer; the header does not say so.
    """
    from lwtui.models.llama_cpp.gguf_header import read_header

    header = read_header(path)
    kind = header.architecture if header.architecture in LAYER_KINDS else "llama"
    return {
        "model_type": "gemma3_text" if header.architecture == "gemma3" else kind,
        "vocab_size": header.vocabulary,
        "hidden_size": header.embedding,
        "intermediate_size": header.feed_forward,
        "num_hidden_layers": len(header.layers),
        "num_attention_heads": header.heads,
        "num_key_value_heads": max(1, header.layers[0].keys // max(1, header.head_length)),
        "head_dim": header.head_length,
        "attention_bias": header.architecture == "qwen2",
        "tie_word_embeddings": header.architecture.startswith("gemma")
        or (header.architecture.startswith("qwen") and header.embedding < _TIED_BELOW),
    }


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
    biases = queries + 2 * keys if config.get("attention_bias") or kind.has_bias else 0
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
        heads=config["num_attention_heads"],
        key_value_heads=config["num_key_value_heads"],
        other_layers=_other_layers(config),
    )


def _other_layers(config: Mapping[str, Any]) -> tuple[str, ...]:
    kinds = config.get("layer_types")
    if kinds is None:
        has_window = config.get("sliding_window") and config.get("use_sliding_window", True)
        kinds = ["sliding_attention"] if has_window or config.get("model_type") == "gemma3_text" else []
    return tuple(sorted(set(kinds) - {"full_attention"}))


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
        heads=config.num_attention_heads,
        key_value_heads=config.num_key_value_heads,
        other_layers=_other_layers(config.to_dict()),
    )

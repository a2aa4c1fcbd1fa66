"""Export a checkpoint as a GGUF, with llama.cpp's ``gguf`` package, for the families that the recipes tune.

This needs no download; :mod:`lwtui_training.gguf_converter` exports all others.

One tensor is in memory at a time. :mod:`lwtui_training.gguf_check` verifies the result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, GGMLQuantizationType, GGUFWriter, LlamaFileType, get_tensor_name_map
from safetensors import safe_open
from transformers import AutoConfig, AutoTokenizer

from lwtui.translation import _
from lwtui_training.gguf_tokenizer import check_tokenizer, write_tokenizer
from lwtui_training.steps import TrainError


@dataclass(frozen=True)
class Family:
    """How llama.cpp and transformers differ for an architecture.

    Attributes:
        permutes: Whether llama.cpp wants adjacent rotary pairs, where transformers has them half a head apart.
        norm_plus_one: Whether transformers stores the weights of norms minus one.
    """

    arch: MODEL_ARCH
    permutes: bool = False
    norm_plus_one: bool = False


FAMILIES = {
    "LlamaForCausalLM": Family(MODEL_ARCH.LLAMA, permutes=True),
    "Qwen2ForCausalLM": Family(MODEL_ARCH.QWEN2),
    "Qwen3ForCausalLM": Family(MODEL_ARCH.QWEN3),
    "Gemma3ForCausalLM": Family(MODEL_ARCH.GEMMA3, norm_plus_one=True),
    "GlmForCausalLM": Family(MODEL_ARCH.CHATGLM),
    "Glm4ForCausalLM": Family(MODEL_ARCH.GLM4),
}
_TYPES = {
    "f32": (LlamaFileType.ALL_F32, GGMLQuantizationType.F32),
    "f16": (LlamaFileType.MOSTLY_F16, GGMLQuantizationType.F16),
    "bf16": (LlamaFileType.MOSTLY_BF16, GGMLQuantizationType.BF16),
}


def export_gguf(folder: Path, path: Path, outtype: str, name: str) -> None:
    """Export a checkpoint.

    Args:
        folder: The folder of the checkpoint.
        path: The GGUF to write.
        outtype: Type of the matrices; vectors are stored in full precision.
        name: The model's name in the metadata.

    Raises:
        TrainError: The model's family or its tokenizer cannot be exported.
    """
    config = AutoConfig.from_pretrained(folder)
    family = _family(config)
    file_type, matrix_type = _TYPES[outtype]
    writer = GGUFWriter(path, MODEL_ARCH_NAMES[family.arch])
    writer.add_type("model")
    writer.add_name(name)
    writer.add_file_type(file_type)
    _write_shape(writer, config, family)
    tensors = list(_tensors(folder, config, family))
    rows = next(tensor.shape[0] for tensor in tensors if tensor.name == "token_embd.weight")
    write_tokenizer(writer, folder, AutoTokenizer.from_pretrained(folder), rows)
    for tensor in tensors:
        kind = matrix_type if len(tensor.shape) > 1 else GGMLQuantizationType.F32
        size = math.prod(tensor.shape) * (4 if kind is GGMLQuantizationType.F32 else 2)
        writer.add_tensor_info(tensor.name, tensor.shape, np.dtype(np.float32), size, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in tensors:
        writer.write_tensor_data(_convert(tensor.load(), matrix_type if len(tensor.shape) > 1 else None))
    writer.close()


def check_exportable(folder: Path) -> None:
    """Check, without the weights, that this module can export the checkpoint in ``folder``.

    Raises:
        TrainError: Its family, its rotary embedding or its tokenizer is unknown here.
    """
    config = AutoConfig.from_pretrained(folder)
    _family(config)
    _check_rope(_rope(config).get("rope_type", "default"))
    check_tokenizer(folder)


def _check_rope(kind: str) -> None:
    if kind not in ("default", "linear", "llama3"):
        raise TrainError(
            _("RoPE scaling of the type {kind!r} cannot be exported as a GGUF. Known: linear, llama3.", kind=kind),
            code="unknown-rope",
        )


@dataclass(frozen=True)
class TensorSource:
    """A tensor of the GGUF; ``load`` reads it from the checkpoint and transforms it."""

    name: str
    shape: tuple[int, ...]
    load: Any


def _family(config: Any) -> Family:
    name = (config.architectures or [""])[0]
    if name not in FAMILIES:
        raise TrainError(
            _(
                "A {name} cannot be exported as a GGUF. Known families: {families}.",
                name=name or config.model_type,
                families=", ".join(FAMILIES),
            ),
            code="unknown-family",
        )
    return FAMILIES[name]


def _write_shape(writer: GGUFWriter, config: Any, family: Family) -> None:
    head = _head_size(config)
    rope = _rope(config)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(rope["rope_theta"])
    partial = rope.get("partial_rotary_factor") or getattr(config, "partial_rotary_factor", None) or 1.0
    writer.add_rope_dimension_count(int(head * partial))
    if family.arch is MODEL_ARCH.GEMMA3:
        writer.add_sliding_window(config.sliding_window)
    kind = rope.get("rope_type", "default")
    if kind == "linear":
        from gguf import RopeScalingType

        writer.add_rope_scaling_type(RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    else:
        _check_rope(kind)


def _rope(config: Any) -> dict[str, Any]:
    rope = config.rope_parameters
    return rope.get("full_attention", rope)  # Gemma 3 has two; llama.cpp has the local one built in


def _head_size(config: Any) -> int:
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def _tensors(folder: Path, config: Any, family: Family) -> Iterator[TensorSource]:
    names = get_tensor_name_map(family.arch, config.num_hidden_layers)
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for source in file.keys():  # noqa: SIM118 - not a dict
                if source == "lm_head.weight" and config.tie_word_embeddings:
                    continue
                name = names.get_name(source, try_suffixes=(".weight", ".bias"))
                if name is None:
                    raise TrainError(
                        _("llama.cpp has no name for the tensor {source} of {folder}.", source=source, folder=folder)
                    )
                shape = tuple(file.get_slice(source).get_shape())
                yield TensorSource(name, shape, _loader(path, source, config, family))
    rope = _rope(config)
    if rope.get("rope_type") == "llama3":
        factors = llama3_factors(rope, _head_size(config))
        yield TensorSource("rope_freqs.weight", factors.shape, lambda: factors)


def _loader(path: Path, source: str, config: Any, family: Family) -> Any:
    def load() -> np.ndarray:
        with safe_open(path, framework="pt") as file:
            data: np.ndarray = file.get_tensor(source).to(torch.float32).numpy()
        if family.permutes and ".q_proj." in source:
            data = _interleave_rotary_pairs(data, config.num_attention_heads)
        elif family.permutes and ".k_proj." in source:
            data = _interleave_rotary_pairs(data, config.num_key_value_heads)
        if family.norm_plus_one and source.endswith("norm.weight"):
            data = data + 1.0
        return data

    return load


def _interleave_rotary_pairs(data: np.ndarray, heads: int) -> np.ndarray:
    """Make rotary pairs adjacent that are half a head apart."""
    return data.reshape(heads, 2, -1, *data.shape[1:]).swapaxes(1, 2).reshape(data.shape)


def llama3_factors(rope: dict[str, Any], head_size: int) -> np.ndarray:
    """Return the factors by which Llama 3.1 divides its rotary frequencies to extend its context.

    Args:
        rope: The RoPE parameters of the configuration.
        head_size: Dimensions of an attention head.

    Returns:
        Array of shape ``(head_size / 2,)``.
    """
    low, high, factor = rope["low_freq_factor"], rope["high_freq_factor"], rope["factor"]
    length = rope["original_max_position_embeddings"]
    frequencies = 1.0 / rope["rope_theta"] ** (np.arange(0, head_size, 2, dtype=np.float64) / head_size)
    turns = length * frequencies / (2 * math.pi)
    smooth = np.clip((turns - low) / (high - low), 0.0, 1.0)
    return (1.0 / ((1.0 - smooth) / factor + smooth)).astype(np.float32)


def _convert(data: np.ndarray, kind: GGMLQuantizationType | None) -> np.ndarray:
    if kind is GGMLQuantizationType.F16:
        return data.astype(np.float16)
    if kind is GGMLQuantizationType.BF16:
        from gguf.quants import quantize

        return quantize(data, kind)
    return np.ascontiguousarray(data, dtype=np.float32)

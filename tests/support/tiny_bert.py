"""Writes GGUFs of tiny BERTs with random weights: models that make embeddings and can write no text."""

from __future__ import annotations

from pathlib import Path

CONTEXT = 64  # tokens
_SIZE, _INNER = 32, 64
_WORDS = [
    "a",
    "the",
    "of",
    "and",
    "tea",
    "leaf",
    "car",
    "motor",
    "ship",
    "harbor",
    "green",
    "black",
    "river",
    "old",
    "new",
]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def write_bert(path: Path, pooling: str) -> Path:
    """Write one with the pooling ``MEAN``, ``CLS`` or ``RANK``. It knows some words, and all others by letters."""
    import gguf
    import numpy as np

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = [f"▁{word}" for word in _WORDS]
    tokens = [*special, *words, *(f"▁{letter}" for letter in _LETTERS if f"▁{letter}" not in words), *_LETTERS]
    kinds = [gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens]
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(_SIZE)
    writer.add_feed_forward_length(_INNER)
    writer.add_block_count(1)
    writer.add_head_count(4)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType[pooling])
    writer.add_tokenizer_model("bert")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_type_count(2)
    for add, name in (
        (writer.add_pad_token_id, "[PAD]"),
        (writer.add_unk_token_id, "[UNK]"),
        (writer.add_bos_token_id, "[CLS]"),
        (writer.add_sep_token_id, "[SEP]"),
        (writer.add_eos_token_id, "[SEP]"),
        (writer.add_mask_token_id, "[MASK]"),
    ):
        add(tokens.index(name))
    random = np.random.default_rng(1)

    def add_tensor(name: str, *shape: int) -> None:
        norm = "norm" in name and name.endswith("weight")
        values = np.ones(shape) if norm else random.standard_normal(shape) / 3
        writer.add_tensor(name, values.astype(np.float32))

    add_tensor("token_embd.weight", len(tokens), _SIZE)
    add_tensor("token_types.weight", 2, _SIZE)
    add_tensor("position_embd.weight", CONTEXT, _SIZE)
    shapes = dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), (_SIZE, _SIZE))
    shapes |= {"ffn_up": (_INNER, _SIZE), "ffn_down": (_SIZE, _INNER)}
    for name, shape in shapes.items():
        add_tensor(f"blk.0.{name}.weight", *shape)
        add_tensor(f"blk.0.{name}.bias", shape[0])
    for name in ("token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"):
        add_tensor(f"{name}.weight", _SIZE)
        add_tensor(f"{name}.bias", _SIZE)
    if pooling == "RANK":
        add_tensor("cls.output.weight", 1, _SIZE)
        add_tensor("cls.output.bias", 1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path

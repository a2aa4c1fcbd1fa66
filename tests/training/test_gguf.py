"""Every family that the recipes tune is exported as a GGUF that matches its checkpoint, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    Glm4Config,
    Glm4ForCausalLM,
    GlmConfig,
    GlmForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from lwtui_training.chat import set_chat_template
from lwtui_training.gguf import quantize
from lwtui_training.gguf_check import check_gguf
from lwtui_training.gguf_export import export_gguf, llama3_factors
from lwtui_training.gguf_tokenizer import PRE_TOKENIZERS
from lwtui_training.steps import TrainError
from lwtui_training.tiny import make_tokenizer
from tests.errors import has_code
from tests.training.support import TEXT

SPECIAL_TOKENS = ["<|endoftext|>", "[gMASK]", "<sop>", "<|user|>", "<|assistant|>", "<|system|>"]
SHAPE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 2048,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
CASES = {
    "llama": (LlamaForCausalLM, LlamaConfig, "llama-bpe", {}),
    "llama3 rope": (LlamaForCausalLM, LlamaConfig, "llama-bpe", {"rope_parameters": LLAMA3}),
    "tied": (LlamaForCausalLM, LlamaConfig, "llama-bpe", {"tie_word_embeddings": True}),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config, "qwen2", {}),
    "glm": (GlmForCausalLM, GlmConfig, "chatglm-bpe", {"attention_bias": True}),
    "glm4": (Glm4ForCausalLM, Glm4Config, "chatglm-bpe", {"attention_bias": True}),
}


def byte_level(folder: Path, kind: str, format: str) -> PreTrainedTokenizerFast:
    """Save a byte-level BPE tokenizer with llama.cpp's pre-tokenizer ``kind``."""
    pattern, ignores = next(key for key, name in PRE_TOKENIZERS.items() if name == kind)
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignores))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=SPECIAL_TOKENS[0], eos_token=SPECIAL_TOKENS[0])
    set_chat_template(fast, format)
    fast.save_pretrained(folder)
    return fast


def save(kind: Any, config: Any, folder: Path) -> None:
    """Save a random model whose norms are not all 1, so that a missing norm would show."""
    torch.manual_seed(0)
    model = kind(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.add_(torch.randn_like(parameter) * 0.1)
            elif name.endswith("bias"):
                parameter.normal_(0, 0.1)
            else:
                parameter.normal_(0, 0.08)
    model.save_pretrained(folder)


@pytest.mark.parametrize("case", CASES)
def test_a_gguf_matches_its_checkpoint(case: str, tmp_path: Path) -> None:
    kind, config, pre, more = CASES[case]
    tokenizer = byte_level(tmp_path / "model", pre, "glm4" if "glm" in case else "longwriter-llama")
    save(
        kind,
        config(vocab_size=len(tokenizer), **(SHAPE | {"pad_token_id": 0, "eos_token_id": 0} | more)),
        tmp_path / "model",
    )
    export_gguf(tmp_path / "model", tmp_path / "out.gguf", "f32", "test")
    report = check_gguf(tmp_path / "model", tmp_path / "out.gguf", "f32", ["Write of the river in 100 words."])
    assert report.logits < 2e-3
    assert 0 < report.greedy <= 24
    assert report.tokens > 100


@pytest.mark.parametrize("outtype", ["f32", "f16", "bf16"])
def test_gemma_with_sentencepiece_and_norms_stored_minus_one(tmp_path: Path, outtype: str) -> None:
    folder = tmp_path / "model"
    tokenizer = make_tokenizer(folder, [TEXT])
    set_chat_template(tokenizer, "longwriter-llama")
    tokenizer.save_pretrained(folder)
    config = Gemma3TextConfig(
        vocab_size=len(tokenizer), sliding_window=32, query_pre_attn_scalar=16, **(SHAPE | {"num_hidden_layers": 6})
    )
    save(Gemma3ForCausalLM, config, folder)
    export_gguf(folder, tmp_path / "out.gguf", outtype, "test")
    assert check_gguf(folder, tmp_path / "out.gguf", outtype, ["Write of the river in 100 words."]).tokens > 100


def test_the_llama3_factors_match_transformers() -> None:
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    config = LlamaConfig(**(SHAPE | {"rope_parameters": LLAMA3}))
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    plain = 1.0 / LLAMA3["rope_theta"] ** (torch.arange(0, 16, 2) / 16)  # type: ignore[operator]
    assert np.allclose(llama3_factors(LLAMA3, 16), (plain / scaled).numpy(), rtol=1e-5)


def test_a_wrong_gguf_is_detected(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the permutation of queries and keys, the file is valid but wrong."""
    from lwtui_training import gguf_export

    folder = tmp_path / "model"
    tokenizer = byte_level(folder, "llama-bpe", "longwriter-llama")
    save(LlamaForCausalLM, LlamaConfig(vocab_size=len(tokenizer), **SHAPE), folder)
    monkeypatch.setattr(gguf_export, "_interleave_rotary_pairs", lambda data, heads: data)
    export_gguf(folder, tmp_path / "out.gguf", "f32", "test")
    with pytest.raises(TrainError, check=has_code("logits-differ")):
        check_gguf(folder, tmp_path / "out.gguf", "f32", ["Write of the river."])


def test_a_wrong_tokenizer_is_detected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lwtui_training import gguf_tokenizer

    folder = tmp_path / "model"
    tokenizer = byte_level(folder, "qwen2", "longwriter-llama")
    save(LlamaForCausalLM, LlamaConfig(vocab_size=len(tokenizer), **SHAPE), folder)
    monkeypatch.setattr(gguf_tokenizer, "pre_tokenizer_name", lambda table: "gpt-2")
    export_gguf(folder, tmp_path / "out.gguf", "f32", "test")
    with pytest.raises(TrainError, check=has_code("tokens-differ")):
        check_gguf(folder, tmp_path / "out.gguf", "f32", ["Write of the river."])


def test_an_unknown_pre_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    tokenizer = byte_level(folder, "qwen2", "longwriter-llama")
    save(LlamaForCausalLM, LlamaConfig(vocab_size=len(tokenizer), **SHAPE), folder)
    table = json.loads((folder / "tokenizer.json").read_text())
    table["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = r"\w+|\s+"
    (folder / "tokenizer.json").write_text(json.dumps(table))
    with pytest.raises(TrainError, check=has_code("unknown-pre-tokenizer")):
        export_gguf(folder, tmp_path / "out.gguf", "f32", "test")


def test_an_unknown_family_is_refused_by_name(tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=64)).save_pretrained(tmp_path)
    with pytest.raises(TrainError, check=has_code("unknown-family")) as caught:
        export_gguf(tmp_path, tmp_path / "out.gguf", "f32", "test")
    assert "GPT2LMHeadModel" in str(caught.value)


def test_an_unknown_quantization_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainError, check=has_code("unknown-quantization")):
        quantize(tmp_path / "a.gguf", tmp_path / "b.gguf", "Q99")

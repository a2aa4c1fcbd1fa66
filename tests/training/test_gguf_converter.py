"""llama.cpp's own converter exports the families that lwtui's exporter does not know."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Glm4Config,
    Glm4ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2MoeConfig,
    Qwen2MoeForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
)

from lwtui_training.chat import set_chat_template
from lwtui_training.gguf import check_export
from lwtui_training.gguf_check import check_gguf
from lwtui_training.gguf_converter import (
    Conversion,
    convert,
    converter_folder,
    supported_architectures,
    unpack,
)
from lwtui_training.steps import TrainError
from lwtui_training.tiny import make_tokenizer
from tests.errors import has_code
from tests.training.support import TEXT
from tests.training.test_gguf import SHAPE, byte_level, save

MOE = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 96, "norm_topk_prob": True}
QWEN2_MOE = MOE | {"norm_topk_prob": False, "shared_expert_intermediate_size": 96}
FAMILIES: dict[str, tuple[Any, Any, str, dict[str, Any]]] = {
    "llama": (LlamaForCausalLM, LlamaConfig, "llama-bpe", {}),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config, "qwen2", {}),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config, "qwen2", {}),
    "qwen3-moe": (Qwen3MoeForCausalLM, Qwen3MoeConfig, "qwen2", MOE),
    "qwen2-moe": (Qwen2MoeForCausalLM, Qwen2MoeConfig, "qwen2", QWEN2_MOE),
    "mistral": (MistralForCausalLM, MistralConfig, "llama-bpe", {"sliding_window": None}),
    "glm4": (Glm4ForCausalLM, Glm4Config, "chatglm-bpe", {"attention_bias": True}),
}


@pytest.fixture(scope="session")
def converter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return llama.cpp's converter: downloaded, or the folder that LWTUI_TEST_CONVERTER names."""
    if given := os.environ.get("LWTUI_TEST_CONVERTER"):
        return converter_folder(given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LWTUI_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        try:
            return converter_folder("llama.cpp")
        except TrainError as error:
            pytest.skip(str(error))


def model_with_images(folder: Path) -> Path:
    """Save a Gemma 3 that has a vision tower too; only its text part is exported."""
    tokenizer = make_tokenizer(folder, [TEXT])
    set_chat_template(tokenizer, "longwriter-llama")
    tokenizer.save_pretrained(folder)
    text = {"num_hidden_layers": 6, "sliding_window": 32, "query_pre_attn_scalar": 16, "vocab_size": len(tokenizer)}
    vision = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision |= {"image_size": 28, "patch_size": 14}
    config = Gemma3Config(text_config=SHAPE | text, vision_config=vision, mm_tokens_per_image=4)
    save(Gemma3ForConditionalGeneration, config, folder)
    return folder


def test_every_family_matches_its_checkpoint(converter: Path, tmp_path: Path) -> None:
    conversions = []
    for name, (kind, config, pre, more) in FAMILIES.items():
        folder = tmp_path / name
        tokenizer = byte_level(folder, pre, "glm4" if name == "glm4" else "longwriter-llama")
        save(kind, config(vocab_size=len(tokenizer), **(SHAPE | {"pad_token_id": 0, "eos_token_id": 0} | more)), folder)
        conversions.append(Conversion(folder, tmp_path / f"{name}.gguf", "f32", name))
    conversions.append(Conversion(model_with_images(tmp_path / "gemma3"), tmp_path / "gemma3.gguf", "f32", "gemma3"))
    convert(converter, conversions)
    for conversion in conversions:
        report = check_gguf(conversion.folder, conversion.path, "f32", ["Write of the river in 100 words."])
        assert report.logits < 5e-3, conversion.name
        assert report.tokens > 100


def test_an_export_is_refused_before_training(converter: Path, tmp_path: Path, make_recipe: Any) -> None:
    """The configuration and the tokenizer are enough: no weights are there."""
    recipe = make_recipe(gguf={"converter": str(converter)})
    tokenizer = byte_level(tmp_path, "qwen2", "longwriter-llama")
    config = Qwen2Config(vocab_size=len(tokenizer), architectures=["Qwen2ForCausalLM"], **SHAPE)
    config.save_pretrained(tmp_path)
    table = json.loads((tmp_path / "tokenizer.json").read_text())
    table["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = r"\w+|\s+"
    (tmp_path / "tokenizer.json").write_text(json.dumps(table))
    with pytest.raises(TrainError, check=has_code("unknown-pre-tokenizer")):
        check_export(recipe, tmp_path)
    experts = Qwen3MoeConfig(architectures=["Qwen3MoeForCausalLM"], **(SHAPE | MOE | {"norm_topk_prob": False}))
    experts.save_pretrained(tmp_path)
    with pytest.raises(TrainError, match="norm_topk_prob", check=has_code("unknown-family")):
        check_export(recipe, tmp_path)
    config.architectures = ["NoSuchForCausalLM"]
    config.save_pretrained(tmp_path)
    with pytest.raises(TrainError, check=has_code("unknown-family")):
        check_export(recipe, tmp_path)


def test_only_the_converter_is_unpacked_and_only_from_the_expected_file(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("x/vendor/llama.cpp/convert_hf_to_gguf.py", "x/vendor/llama.cpp/ggml/big.c", "x/setup.py"):
            info = tarfile.TarInfo(name)
            info.size = 3
            tar.addfile(info, io.BytesIO(b"abc"))
    with pytest.raises(TrainError, check=has_code("wrong-hash")):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    unpack(archive, tmp_path / "out", hashlib.sha256(archive.read_bytes()).hexdigest())
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["convert_hf_to_gguf.py"]


def test_a_folder_without_a_converter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainError, check=has_code("no-converter")):
        converter_folder(str(tmp_path))


def test_the_architectures_are_read_without_running_the_converter(tmp_path: Path) -> None:
    (tmp_path / "conversion").mkdir()
    (tmp_path / "conversion" / "__init__.py").write_text(
        'import nothing\nTEXT_MODEL_MAP: dict[str, str] = {"AForCausalLM": "a", "B": "b"}\n'
    )
    assert supported_architectures(tmp_path) == {"AForCausalLM", "B"}

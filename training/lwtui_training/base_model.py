"""The model to tune, from wherever it comes, as a folder or repository that transformers loads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwtui_training.recipe import Recipe
from lwtui_training.rows import read_instructions, read_messages
from lwtui_training.steps import TrainError, input_hash, perform

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def prepare_base(recipe: Recipe) -> tuple[str, str]:
    """Folder or repository of the base, and what stands for it in a manifest.

    ``tiny`` is made and a GGUF is dequantized on the first call, into ``RUN/base``.
    """
    name = recipe.base.model if recipe.base.model in ("tiny", "demo") else recipe.find(recipe.base.model)
    if name == "tiny":
        texts = list(_tiny_texts(recipe))
        return _made(recipe, {"tiny": _hash(texts)}, lambda folder: _make_tiny(folder, texts, recipe.seed))
    if name == "demo":
        from lwtui.models.llama_cpp.demo import demo_path

        name = str(demo_path())
    if name.endswith(".gguf"):
        return _made(recipe, {"gguf": input_hash(name)}, lambda folder: _from_gguf(Path(name), folder))
    return name, input_hash(name) + (f"@{recipe.base.revision}" if recipe.base.revision else "")


def load_tokenizer(source: str, recipe: Recipe) -> PreTrainedTokenizerBase:
    """The tokenizer, with the recipe's format as its chat template."""
    from transformers import AutoTokenizer

    from lwtui_training.chat import set_format

    tokenizer = _loaded(AutoTokenizer, source, recipe)
    set_format(tokenizer, recipe.base.format)
    return tokenizer


def load_model(source: str, recipe: Recipe, *, dtype: str = "", quantize: bool = False) -> PreTrainedModel:
    """The model, in the recipe's precision or ``dtype``, with an attention that keeps packed samples apart."""
    import torch
    from transformers import AutoModelForCausalLM

    more: dict[str, Any] = {}
    if quantize:
        from transformers import BitsAndBytesConfig

        more["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    return _loaded(
        AutoModelForCausalLM,
        source,
        recipe,
        dtype=getattr(torch, dtype or recipe.base.dtype),
        attn_implementation=attention(recipe),
        **more,
    )


def attention(recipe: Recipe) -> str:
    """The recipe's attention; ``auto`` is a flash attention where there is one, else torch's own.

    Both keep packed samples apart: the first by sequence lengths, the second by a mask made from the positions.
    """
    import importlib.util

    import torch

    if recipe.base.attn_implementation != "auto":
        return recipe.base.attn_implementation
    has_flash = torch.cuda.is_available() and importlib.util.find_spec("flash_attn") is not None
    return "flash_attention_2" if has_flash else "sdpa"


def _loaded(kind: Any, source: str, recipe: Recipe, **more: Any) -> Any:
    revision = {"revision": recipe.base.revision} if recipe.base.revision and not Path(source).exists() else {}
    try:
        return kind.from_pretrained(source, trust_remote_code=recipe.base.trust_remote_code, **revision, **more)
    except (OSError, ValueError, ImportError) as error:
        raise TrainError(f"Cannot load the model {source!r}: {' '.join(str(error).split())[:300]}") from None


def _made(recipe: Recipe, inputs: dict[str, str], make: Any) -> tuple[str, str]:
    def work(folder: Path) -> dict[str, Any]:
        make(folder)
        return {}

    manifest, _ = perform(recipe.run_folder, "base", seed=recipe.seed, settings={}, inputs=inputs, work=work)
    return str(recipe.run_folder / "base"), manifest.content


def _hash(texts: list[str]) -> str:
    from hashlib import sha256

    return sha256("\n".join(texts).encode()).hexdigest()


def _make_tiny(folder: Path, texts: list[str], seed: int) -> None:
    from lwtui_training.tiny import make_tiny

    make_tiny(folder, texts, seed)


def _tiny_texts(recipe: Recipe) -> Iterable[str]:
    """What the tiny model's tokenizer learns from: the recipe's own texts."""
    from importlib import resources

    yield (resources.files(__package__) / "tiny.txt").read_text(encoding="utf-8")
    if recipe.data.long:
        for row in read_messages(recipe.find(recipe.data.long), recipe.data.long_split):
            yield from (message["content"] for message in row["messages"])
    if recipe.data.instructions:
        yield from (one.instruction for one in read_instructions(recipe.find(recipe.data.instructions), 1))


def _from_gguf(path: Path, folder: Path) -> None:
    """Dequantize a GGUF with transformers and save it as a checkpoint of its own."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    # What came dequantized is a plain model, which these would keep from being saved.
    for name in ("hf_quantizer", "is_quantized"):
        if hasattr(model, name):
            delattr(model, name)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)

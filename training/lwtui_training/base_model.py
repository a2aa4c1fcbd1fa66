"""Prepare and load the base model, whatever its source."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwtui.translation import _
from lwtui_training.data import long_rows
from lwtui_training.devices import attention_implementation
from lwtui_training.hub import hub_errors
from lwtui_training.machines import other_machine
from lwtui_training.recipe import Recipe
from lwtui_training.rows import read_instructions
from lwtui_training.steps import TrainError, input_hash, perform

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def prepare_base(recipe: Recipe) -> tuple[str, str]:
    """Make the base available to transformers.

    On the first call, "tiny" is created and a GGUF is dequantized, into ``RUN/base``.

    Returns:
        The base's folder or repository, and a hash that identifies it in a manifest.
    """
    name = recipe.base.model if recipe.base.model in ("tiny", "demo") else recipe.resolve(recipe.base.model)
    if name == "tiny":
        texts = list(_tiny_texts(recipe))
        return _create_base(recipe, {"tiny": _hash(texts)}, lambda folder: _make_tiny(folder, texts, recipe.seed))
    name = gguf_of(name) or name
    if name.endswith(".gguf"):
        return _create_base(recipe, {"gguf": input_hash(name)}, lambda folder: _dequantize(Path(name), folder))
    return name, input_hash(name) + (f"@{recipe.base.revision}" if recipe.base.revision else "")


def gguf_of(name: str) -> str:
    """Return the path of a GGUF that lwtui knows by name, such as "demo" or "starter-small"; empty if it knows none.

    Raises:
        TrainError: It is not downloaded yet.
    """
    from lwtui.models.known_ggufs import known_ggufs
    from lwtui.models.llama_cpp.demo import demo_path

    if name == "demo":
        return str(demo_path())
    for known in known_ggufs():
        if known.name == name:
            if not known.path.is_file():
                raise TrainError(
                    _("{name} is not here yet. Download it: lwtui models download {name}", name=name), code="not-found"
                )
            return str(known.path)
    return ""


def load_tokenizer(source: str, recipe: Recipe) -> PreTrainedTokenizerBase:
    """Load a tokenizer, and set its chat template to the recipe's format."""
    from transformers import AutoTokenizer

    from lwtui_training.chat import set_chat_template

    tokenizer = _from_pretrained(AutoTokenizer, source, recipe)
    set_chat_template(tokenizer, recipe.base.format)
    return tokenizer


def load_model(
    source: str,
    recipe: Recipe,
    *,
    dtype: str = "",
    quantize: bool = False,
    sharded: bool = False,
    attention: str = "",
) -> PreTrainedModel:
    """Load a model with an attention that keeps packed samples apart.

    Args:
        source: Its folder or repository.
        recipe: The recipe.
        dtype: The name of a torch dtype; empty for the recipe's.
        quantize: Whether to load it in 4 bits.
        sharded: Whether the trainer shards the model before anything looks at its weights. With FSDP, only the first
            process then loads them, and the others have a model without weights, which come with the sharding.
        attention: The attention; empty for the recipe's, which may need the GPU that a merge does without.

    Raises:
        TrainError: It cannot be loaded.
    """
    import torch
    from transformers import AutoModelForCausalLM

    quantization: dict[str, Any] = {}
    if quantize:
        from transformers import BitsAndBytesConfig

        quantization["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    options = {
        "dtype": getattr(torch, dtype or recipe.base.dtype),
        "attn_implementation": attention or attention_implementation(recipe),
    }
    if sharded and not quantize and _is_sent_weights():
        return _without_weights(source, recipe, **options)
    return _from_pretrained(AutoModelForCausalLM, source, recipe, **options, **quantization)


def _is_sent_weights() -> bool:
    """Return whether FSDP sends this process its weights.

    accelerate does so, but since its version 5 transformers loads the whole model in every process all the same
    (https://github.com/huggingface/transformers/issues/43749).
    """
    import torch
    from transformers.integrations import is_fsdp_enabled

    return bool(is_fsdp_enabled()) and torch.distributed.get_rank() > 0


def _without_weights(source: str, recipe: Recipe, **options: Any) -> PreTrainedModel:
    """Return a model whose weights are not set, so that the system gives them no memory.

    They are not on the device "meta", where all have the same address: accelerate tells an optimizer's parameters apart
    by their addresses. Buffers that are computed rather than stored have their values.
    """
    import torch
    from accelerate import init_empty_weights
    from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

    config = _from_pretrained(AutoConfig, source, recipe)
    with init_empty_weights(include_buffers=False):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=recipe.base.trust_remote_code, **options)
    for module in model.modules():
        for name, weight in module.named_parameters(recurse=False):
            unset = torch.empty_like(weight, device="cpu")
            setattr(module, name, torch.nn.Parameter(unset, requires_grad=weight.requires_grad))
    model.tie_weights()
    with suppress(OSError):  # not all models have one
        model.generation_config = GenerationConfig.from_pretrained(source)
    return model.eval()


def _from_pretrained(kind: Any, source: str, recipe: Recipe, **options: Any) -> Any:
    revision = {"revision": recipe.base.revision} if recipe.base.revision and not Path(source).exists() else {}
    errors: tuple[type[Exception], ...] = (*hub_errors(), ImportError)
    try:
        return kind.from_pretrained(source, trust_remote_code=recipe.base.trust_remote_code, **revision, **options)
    except errors as error:
        reason = " ".join(str(error).split())[:300]
        raise TrainError(
            _(
                "Cannot load the model {source!r}: {reason}. Check base.model, or your connection.",
                source=source,
                reason=reason,
            )
        ) from None


def _create_base(recipe: Recipe, inputs: dict[str, str], make: Any) -> tuple[str, str]:
    def work(folder: Path) -> dict[str, Any]:
        make(folder)
        return {}

    manifest, _was_run = perform(
        recipe.run_folder, "base", seed=recipe.seed, settings={}, inputs=inputs, work=work, other=other_machine(recipe)
    )
    return str(recipe.run_folder / "base"), manifest.content


def _hash(texts: list[str]) -> str:
    from hashlib import sha256

    return sha256("\n".join(texts).encode()).hexdigest()


def _make_tiny(folder: Path, texts: list[str], seed: int) -> None:
    from lwtui_training.tiny import make_tiny

    make_tiny(folder, texts, seed)


def _tiny_texts(recipe: Recipe) -> Iterable[str]:
    """Yield the texts that the tokenizer of "tiny" is trained on: the recipe's own."""
    from importlib import resources

    yield (resources.files(__package__) / "tiny.txt").read_text(encoding="utf-8")
    if recipe.data.long:
        for row in long_rows(recipe):
            yield from (message["content"] for message in row["messages"])
    if recipe.data.instructions:
        instructions = read_instructions(recipe.resolve(recipe.data.instructions), 1)
        yield from (instruction.text for instruction in instructions)


def _dequantize(path: Path, folder: Path) -> None:
    """Dequantize a GGUF with transformers, and save it as a checkpoint."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    # The model is no longer quantized, but these would prevent saving it.
    for name in ("hf_quantizer", "is_quantized"):
        if hasattr(model, name):
            delattr(model, name)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)

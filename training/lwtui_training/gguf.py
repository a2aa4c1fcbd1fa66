"""The file for the app: exported, checked against the checkpoint, quantized, and registered under a name."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from lwtui.config import ModelSettings, add_model
from lwtui_training.progress import note
from lwtui_training.recipe import Recipe
from lwtui_training.steps import TrainError

# The app's profile for a format: how it is prompted. For the others, by the GGUF's own chat template.
PROFILES = {"longwriter-llama": "longwriter-llama3.1", "glm4": "longwriter-glm4"}
_callbacks: list[Any] = []


def make_gguf(recipe: Recipe, checkpoint: Path, folder: Path) -> dict[str, Any]:
    """Write ``NAME-TYPE.gguf`` and its quantization into ``folder``; how well they agree with the checkpoint.

    Raises :class:`TrainError`, and keeps no file, where the GGUF does not say what the checkpoint says.
    """
    from transformers import AutoTokenizer

    from lwtui_training.gguf_check import check_gguf, quantized_agreement
    from lwtui_training.gguf_export import export_gguf

    outtype, name = recipe.gguf.outtype, model_name(recipe)
    exported = folder / f"{name}-{outtype.upper()}.gguf"
    export_gguf(checkpoint, exported, outtype, name)
    try:
        agreement = check_gguf(checkpoint, exported, outtype, [recipe.bench.instruction, "写一个关于灯塔的故事。"])
    except TrainError:
        exported.unlink()
        raise
    note(
        f"{exported.name}: {agreement.tokens:,} tokens read alike, logits within {agreement.logits:.4f}, "
        f"{agreement.greedy} greedy tokens the same"
    )
    metrics: dict[str, Any] = asdict(agreement)
    if recipe.gguf.quantize:
        quantized = folder / f"{name}-{recipe.gguf.quantize}.gguf"
        quantize(exported, quantized, recipe.gguf.quantize)
        text = (Path(__file__).parent / "tiny.txt").read_text(encoding="utf-8")
        tokens = AutoTokenizer.from_pretrained(checkpoint)(text)["input_ids"][:256]
        metrics["quantized_agreement"] = round(quantized_agreement(exported, quantized, tokens), 4)
    return metrics


def quantize(source: Path, into: Path, kind: str) -> None:
    """Quantize a GGUF with llama.cpp. Raises :class:`TrainError`."""
    import llama_cpp

    constant = f"LLAMA_FTYPE_MOSTLY_{kind.upper()}"
    if not hasattr(llama_cpp, constant):
        raise TrainError(f"llama.cpp has no quantization {kind!r}; Q4_K_M, Q5_K_M, Q6_K and Q8_0 are usual.")
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = getattr(llama_cpp, constant)
    _say_nothing(llama_cpp)
    code = llama_cpp.llama_model_quantize(str(source).encode(), str(into).encode(), params)
    if code:
        into.unlink(missing_ok=True)
        raise TrainError(f"llama.cpp could not quantize {source.name} to {kind} (code {code}). Is the disk full?")


def model_name(recipe: Recipe) -> str:
    """What the app calls the model."""
    return recipe.gguf.name or recipe.name


def best_file(recipe: Recipe, folder: Path) -> Path:
    """The file the app runs: the quantized one where there is one."""
    return folder / f"{model_name(recipe)}-{recipe.gguf.quantize or recipe.gguf.outtype.upper()}.gguf"


def register(recipe: Recipe, folder: Path) -> None:
    """Let the app know the model, so that ``lwtui --model NAME`` writes with it."""
    path = best_file(recipe, folder)
    profile = PROFILES.get(recipe.base.format, "chat")
    add_model(ModelSettings(model_name(recipe), provider="llama_cpp", path=str(path), profile=profile))
    note(f"The app knows it as {model_name(recipe)!r}: lwtui --model {model_name(recipe)}")


def _say_nothing(llama_cpp: Any) -> None:
    callback = llama_cpp.llama_log_callback(lambda level, text, data: None)
    _callbacks.append(callback)  # llama.cpp calls it later too
    llama_cpp.llama_log_set(callback, None)

"""The step ``gguf``: export a checkpoint as a GGUF, check it, quantize it, and register it with the app."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lwtui.config import ModelSettings, add_model
from lwtui.translation import _
from lwtui_training.progress import note
from lwtui_training.recipe import Recipe
from lwtui_training.steps import TrainError

# The app's profile for a format. For others, the app uses the GGUF's own chat template.
PROFILES = {"longwriter-llama": "longwriter-llama3.1", "glm4": "longwriter-glm4"}
# Whether llama.cpp scales the weights of the chosen experts to a sum of 1, for families whose GGUFs cannot say it. For
# the others, the converter writes what the checkpoint's configuration says.
_SCALES_EXPERTS = {"Qwen2MoeForCausalLM": False, "Qwen3MoeForCausalLM": True}
_log_callbacks: list[Any] = []


def make_gguf(recipe: Recipe, checkpoint: Path, folder: Path) -> dict[str, Any]:
    """Run the step.

    Args:
        recipe: The recipe.
        checkpoint: The folder of the checkpoint.
        folder: Receives ``NAME-TYPE.gguf``, and its quantization if the recipe asks for one.

    Returns:
        How well the files agree with the checkpoint, for the manifest.

    Raises:
        TrainError: The checkpoint cannot be exported, or the GGUF does not match it and was not kept.
    """
    from transformers import AutoTokenizer

    from lwtui_training.gguf_check import check_gguf, quantized_agreement

    outtype, name = recipe.gguf.outtype, model_name(recipe)
    exported = folder / f"{name}-{outtype.upper()}.gguf"
    export(recipe, checkpoint, exported, name)
    try:
        report = check_gguf(checkpoint, exported, outtype, [recipe.bench.instruction, "写一个关于灯塔的故事。"])
    except TrainError:
        exported.unlink()
        raise
    note(
        _(
            "{name}: {tokens:,} tokens match, logits differ by at most {logits:.4f}, {greedy} greedy tokens match",
            name=exported.name,
            tokens=report.tokens,
            logits=report.logits,
            greedy=report.greedy,
        )
    )
    metrics: dict[str, Any] = asdict(report)
    if recipe.gguf.quantize:
        quantized = folder / f"{name}-{recipe.gguf.quantize}.gguf"
        quantize(exported, quantized, recipe.gguf.quantize)
        text = (Path(__file__).parent / "tiny.txt").read_text(encoding="utf-8")
        tokens = AutoTokenizer.from_pretrained(checkpoint)(text)["input_ids"][:256]
        metrics["quantized_agreement"] = round(quantized_agreement(exported, quantized, tokens), 4)
    return metrics


def export(recipe: Recipe, checkpoint: Path, path: Path, name: str) -> None:
    """Export a checkpoint with lwtui's exporter if it knows the family, else with llama.cpp's converter.

    Args:
        recipe: The recipe.
        checkpoint: The folder of the checkpoint.
        path: The GGUF to write.
        name: The model's name in the metadata.

    Raises:
        TrainError: The checkpoint cannot be exported.
    """
    from lwtui_training.gguf_converter import Conversion, convert, converter_folder
    from lwtui_training.gguf_export import export_gguf

    if _is_known(recipe, checkpoint):
        export_gguf(checkpoint, path, recipe.gguf.outtype, name)
        return
    convert(converter_folder(recipe.gguf.converter), [Conversion(checkpoint, path, recipe.gguf.outtype, name)])


def check_export(recipe: Recipe, folder: Path) -> str:
    """Check before training that the tuned model can be exported, and return what will export it.

    Args:
        recipe: The recipe.
        folder: Configuration and tokenizer of the base, with the recipe's chat template; no weights are needed.

    Raises:
        TrainError: The family or its tokenizer cannot be exported.
    """
    from transformers import AutoConfig

    from lwtui_training.gguf_converter import Conversion, convert, converter_folder, supported_architectures

    if _is_known(recipe, folder):
        return "lwtui's exporter"
    converter = converter_folder(recipe.gguf.converter)
    config = AutoConfig.from_pretrained(folder, trust_remote_code=recipe.base.trust_remote_code)
    architecture = (config.architectures or [config.model_type])[0]
    if architecture not in supported_architectures(converter):
        raise TrainError(
            _(
                "llama.cpp's converter does not know {architecture}, so the tuned model cannot become a GGUF. Choose "
                "another base, set gguf.converter to a newer llama.cpp checkout, or leave the step gguf out.",
                architecture=architecture,
            ),
            code="unknown-family",
        )
    scales, expected = getattr(config, "norm_topk_prob", None), _SCALES_EXPERTS.get(architecture)
    if expected is not None and bool(scales) != expected:
        raise TrainError(
            _(
                "llama.cpp computes {architecture} as if norm_topk_prob were {expected}, but the base's "
                "configuration has {scales}, so a GGUF would not write what the model writes. Choose another base, or "
                "leave the step gguf out.",
                architecture=architecture,
                expected=expected,
                scales=scales,
            ),
            code="unknown-family",
        )
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "vocabulary.gguf"
        convert(converter, [Conversion(folder, path, recipe.gguf.outtype, "check", vocabulary_only=True)])
    return "llama.cpp's converter"


def _is_known(recipe: Recipe, folder: Path) -> bool:
    """Return whether lwtui's exporter is to be used, which needs no download."""
    from lwtui_training.gguf_export import check_exportable

    if recipe.gguf.converter:
        return False
    try:
        check_exportable(folder)
    except (TrainError, OSError, KeyError):
        return False
    return True


def quantize(source: Path, into: Path, kind: str) -> None:
    """Quantize a GGUF with llama.cpp.

    Args:
        source: The GGUF.
        into: The file to write.
        kind: A type of llama.cpp's, such as "Q4_K_M".

    Raises:
        TrainError: There is no such type, or llama.cpp failed.
    """
    import llama_cpp

    constant = f"LLAMA_FTYPE_MOSTLY_{kind.upper()}"
    if not hasattr(llama_cpp, constant):
        raise TrainError(
            _(
                "llama.cpp has no quantization {kind!r}. Set gguf.quantize to Q4_K_M, Q5_K_M, Q6_K or Q8_0, "
                "for example.",
                kind=kind,
            ),
            code="unknown-quantization",
        )
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = getattr(llama_cpp, constant)
    _silence_log(llama_cpp)
    code = llama_cpp.llama_model_quantize(str(source).encode(), str(into).encode(), params)
    if code:
        into.unlink(missing_ok=True)
        raise TrainError(
            _(
                "llama.cpp could not quantize {name} to {kind} (code {code}). Check the free space.",
                name=source.name,
                kind=kind,
                code=code,
            )
        )


def model_name(recipe: Recipe) -> str:
    """Return the model's name in the app."""
    return recipe.gguf.name or recipe.name


def gguf_for_app(recipe: Recipe, folder: Path) -> Path:
    """Return the file that the app runs: the quantized one, if there is one."""
    return folder / f"{model_name(recipe)}-{recipe.gguf.quantize or recipe.gguf.outtype.upper()}.gguf"


def register(recipe: Recipe, folder: Path) -> None:
    """Add the model to lwtui's settings, so that ``lwtui --model NAME`` uses it."""
    path = gguf_for_app(recipe, folder)
    profile = PROFILES.get(recipe.base.format, "chat")
    add_model(ModelSettings(model_name(recipe), provider="llama_cpp", path=str(path), profile=profile))
    note(_("Added {name!r} to lwtui's models. Try: lwtui --model {name}", name=model_name(recipe)))


def _silence_log(llama_cpp: Any) -> None:
    callback = llama_cpp.llama_log_callback(lambda level, text, data: None)
    _log_callbacks.append(callback)  # llama.cpp keeps a pointer to it
    llama_cpp.llama_log_set(callback, None)

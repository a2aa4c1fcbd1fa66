"""The step ``bench``: write a document with the tuned model as the app does, and compare it with the base."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from lwtui.documents.store import Document
from lwtui.translation import _
from lwtui_training.gguf import export, gguf_for_app, quantize
from lwtui_training.progress import note
from lwtui_training.recipe import DataConfig, Recipe
from lwtui_training.rows import Instruction
from lwtui_training.steps import TrainError


def compare_base_and_tuned(recipe: Recipe, base: str, tuned: Path, folder: Path) -> dict[str, Any]:
    """Run the step.

    Args:
        recipe: The recipe.
        base: The folder or repository of the base.
        tuned: The folder of the tuned GGUF.
        folder: Receives a document, both models' answers and ``report.html``.

    Returns:
        The metrics for the manifest.

    Raises:
        TrainError: A model could not write or answer.
    """
    words = _write_document(recipe, gguf_for_app(recipe, tuned), folder)
    models = {"base": _base_gguf(recipe, base, folder), "tuned": gguf_for_app(recipe, tuned)}
    answers = {name: _answer_prompts(recipe, model, folder / f"{name}.jsonl") for name, model in models.items()}
    _lwtui("bench", "report", *map(str, answers.values()), "--html", str(folder / "report.html"))
    scores = {name: json.loads(_lwtui("bench", "score", str(path), "--json")) for name, path in answers.items()}
    s_l = {f"S_l_{name}": score["S_l"] for name, score in scores.items()}
    note(
        _(
            "S_l: base {base:.1f}, tuned {tuned:.1f}. Report: {path}",
            base=s_l["S_l_base"],
            tuned=s_l["S_l_tuned"],
            path=folder / "report.html",
        )
    )
    return {"document_words": words, **s_l}


def _write_document(recipe: Recipe, model: Path, folder: Path) -> int:
    """Write a document in one call, as suits a model tuned on long outputs; return its words."""
    from lwtui_training.document_writer import document_path, write_documents
    from lwtui_training.gguf import PROFILES

    data = DataConfig(model=str(model), mode="direct", concurrency=1)
    profile = PROFILES.get(recipe.base.format, "chat")
    instructions = [Instruction(recipe.bench.instruction, recipe.bench.words)]
    asyncio.run(write_documents(data, instructions, folder / "documents", recipe.seed, profile=profile))
    path = document_path(folder / "documents", 0)
    if not path.exists():
        raise TrainError(
            _("lwtui could not write with {model}; the reason is above. Run this step again.", model=model)
        )
    with Document.open(path, read_only=True) as document:
        return document.words


def _base_gguf(recipe: Recipe, base: str, folder: Path) -> Path:
    """Export the base as a GGUF of the same type, unless that is done, so that only the tuning differs."""
    from lwtui_training.base_model import load_model, load_tokenizer

    path = folder / "base.gguf"
    if path.exists():
        return path
    checkpoint = folder / "base"
    base_recipe = replace(recipe, base=replace(recipe.base, model=base))
    load_model(base, base_recipe, attention="sdpa").save_pretrained(checkpoint)
    load_tokenizer(base, base_recipe).save_pretrained(checkpoint)
    exported = folder / "base-exported.gguf"
    export(recipe, checkpoint, exported, f"{recipe.name}-base")
    if recipe.gguf.quantize:
        quantize(exported, folder / "base-quantized.gguf", recipe.gguf.quantize)
        exported.unlink()
        exported = folder / "base-quantized.gguf"
    exported.rename(path)
    return path


def _answer_prompts(recipe: Recipe, model: Path, output: Path) -> Path:
    """Have a model answer the prompts; ``lwtui bench run`` resumes where it stopped."""
    from lwtui_training.gguf import PROFILES

    bench = recipe.bench
    options = ["--model", str(model), "--task", bench.task, "--output", str(output), "--seed", str(recipe.seed)]
    options += ["--max-tokens", str(bench.max_tokens), "--profile", PROFILES.get(recipe.base.format, "chat")]
    if bench.data:
        options += ["--data", recipe.resolve(bench.data)]
    if bench.prompts:
        options += ["--limit", str(bench.prompts)]
    _lwtui("bench", "run", *options)
    return output


def _lwtui(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "lwtui", *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise TrainError(
            _("lwtui {command} failed; the reason is above. Run this step again.", command=" ".join(arguments[:2]))
        )
    return done.stdout

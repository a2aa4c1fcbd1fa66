"""The last step: a document written with the tuned model as the app writes it, and base benched against tuned."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from lwtui.documents.store import Document
from lwtui_training.gguf import best_file, quantize
from lwtui_training.progress import note
from lwtui_training.recipe import Data, Recipe
from lwtui_training.rows import Instruction
from lwtui_training.steps import TrainError


def bench_both(recipe: Recipe, base: str, tuned: Path, folder: Path) -> dict[str, Any]:
    """Leave a document, both models' answers and ``report.html`` in ``folder``; the metrics."""
    words = _write_document(recipe, best_file(recipe, tuned), folder)
    models = {"base": _base_gguf(recipe, base, folder), "tuned": best_file(recipe, tuned)}
    answers = {name: _answers(recipe, model, folder / f"{name}.jsonl") for name, model in models.items()}
    _lwtui("bench", "report", *map(str, answers.values()), "--html", str(folder / "report.html"))
    scores = {name: json.loads(_lwtui("bench", "score", str(path), "--json")) for name, path in answers.items()}
    found = {f"S_l_{name}": score["S_l"] for name, score in scores.items()}
    note(f"S_l: base {found['S_l_base']:.1f}, tuned {found['S_l_tuned']:.1f}. The report: {folder / 'report.html'}")
    return {"document_words": words, **found}


def _write_document(recipe: Recipe, model: Path, folder: Path) -> int:
    """A document in one call, as a checkpoint that is tuned on long outputs is asked; its words."""
    from lwtui_training.document_writer import document_path, write_documents
    from lwtui_training.gguf import PROFILES

    data = Data(model=str(model), mode="direct", concurrency=1)
    profile = PROFILES.get(recipe.base.format, "chat")
    asked = [Instruction(recipe.bench.instruction, recipe.bench.words)]
    asyncio.run(write_documents(data, asked, folder / "documents", recipe.seed, profile=profile))
    path = document_path(folder / "documents", 0)
    if not path.exists():
        raise TrainError(f"The app could not write with {model}; the reason is above.")
    with Document.open(path, read_only=True) as document:
        return document.words


def _base_gguf(recipe: Recipe, base: str, folder: Path) -> Path:
    """The base as a GGUF of the same type, so that nothing but the tuning differs. It is made once."""
    from lwtui_training.base_model import load_model, load_tokenizer
    from lwtui_training.gguf_export import export_gguf

    path = folder / "base.gguf"
    if path.exists():
        return path
    checkpoint = folder / "base"
    plain = replace(recipe, base=replace(recipe.base, model=base))
    load_model(base, plain).save_pretrained(checkpoint)
    load_tokenizer(base, plain).save_pretrained(checkpoint)
    exported = folder / "base-exported.gguf"
    export_gguf(checkpoint, exported, recipe.gguf.outtype, f"{recipe.name}-base")
    if recipe.gguf.quantize:
        quantize(exported, folder / "base-quantized.gguf", recipe.gguf.quantize)
        exported.unlink()
        exported = folder / "base-quantized.gguf"
    exported.rename(path)
    return path


def _answers(recipe: Recipe, model: Path, output: Path) -> Path:
    """What the model answers; ``lwtui bench`` goes on where it stopped."""
    from lwtui_training.gguf import PROFILES

    bench = recipe.bench
    options = ["--model", str(model), "--task", bench.task, "--output", str(output), "--seed", str(recipe.seed)]
    options += ["--max-tokens", str(bench.max_tokens), "--profile", PROFILES.get(recipe.base.format, "chat")]
    if bench.data:
        options += ["--data", recipe.find(bench.data)]
    if bench.prompts:
        options += ["--limit", str(bench.prompts)]
    _lwtui("bench", "run", *options)
    return output


def _lwtui(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "lwtui", *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise TrainError(f"lwtui {' '.join(arguments[:2])} failed; what it said is above. Run this step again.")
    return done.stdout

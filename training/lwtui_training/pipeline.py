"""The steps of a recipe in their order, and what each one takes from those before it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lwtui.text import duration
from lwtui_training.progress import note
from lwtui_training.recipe import Recipe
from lwtui_training.steps import Manifest, finished, perform

STEPS = ("data", "sft", "prefs", "dpo", "merge", "gguf", "bench")


def run_step(recipe: Recipe, step: str) -> Manifest:
    """Do one step of a recipe, unless it is done already with the same settings and inputs; its manifest."""
    manifest, did = _DO[step](recipe)
    if did:
        note(f"{step}: done in {duration(manifest.seconds)}. {_summary(manifest)} ({recipe.run_folder / step})")
    else:
        note(f"{step}: done already ({recipe.run_folder / step})")
    return manifest


def run_all(recipe: Recipe) -> None:
    """Do all steps that the recipe names, in their order."""
    for step in STEPS:
        if step in recipe.steps:
            run_step(recipe, step)


def checkpoint_of(recipe: Recipe, step: str) -> tuple[str, str]:
    """Folder and content hash of the whole model after ``sft``; an adapter is merged first, into ``RUN/sft-merged``."""
    folder, manifest = finished(recipe.run_folder, step)
    if not (folder / "model" / "adapter_config.json").exists():
        return str(folder / "model"), manifest.content
    base, base_hash = _base(recipe)

    def work(into: Path) -> dict[str, Any]:
        from lwtui_training.merge import merge_adapter

        return {"merged": merge_adapter(recipe, base, folder / "model", into)}

    merged, _ = perform(
        recipe.run_folder,
        f"{step}-merged",
        seed=recipe.seed,
        settings=_settings(recipe, "base"),
        inputs={"base": base_hash, step: manifest.content},
        work=work,
    )
    return str(recipe.run_folder / f"{step}-merged"), merged.content


def _data(recipe: Recipe) -> tuple[Manifest, bool]:
    from lwtui_training.data import data_inputs, make_data

    return perform(
        recipe.run_folder,
        "data",
        seed=recipe.seed,
        settings=_settings(recipe, "data"),
        inputs=data_inputs(recipe),
        work=lambda folder: make_data(recipe, folder),
    )


def _sft(recipe: Recipe) -> tuple[Manifest, bool]:
    from lwtui_training.data import ROWS
    from lwtui_training.launch import train_on_devices

    data, manifest = finished(recipe.run_folder, "data")
    base, base_hash = _base(recipe)
    return perform(
        recipe.run_folder,
        "sft",
        seed=recipe.seed,
        settings=_settings(recipe, "base", "sft", "hardware", *_lora(recipe.sft.method)),
        inputs={"base": base_hash, "data": manifest.outputs[ROWS]},
        work=lambda folder: train_on_devices("sft", recipe, base, data / ROWS, folder),
    )


def _prefs(recipe: Recipe) -> tuple[Manifest, bool]:
    from lwtui_training.preferences import make_preferences, preference_inputs

    checkpoint, content = checkpoint_of(recipe, "sft")
    return perform(
        recipe.run_folder,
        "prefs",
        seed=recipe.seed,
        settings=_settings(recipe, "base", "prefs"),
        inputs={"sft": content, **preference_inputs(recipe)},
        work=lambda folder: make_preferences(recipe, checkpoint, folder),
    )


def _dpo(recipe: Recipe) -> tuple[Manifest, bool]:
    from lwtui_training.launch import train_on_devices
    from lwtui_training.preferences import PAIRS

    pairs, manifest = finished(recipe.run_folder, "prefs")
    checkpoint, content = checkpoint_of(recipe, "sft")
    return perform(
        recipe.run_folder,
        "dpo",
        seed=recipe.seed,
        settings=_settings(recipe, "base", "dpo", "hardware", *_lora(recipe.dpo.method)),
        inputs={"sft": content, "prefs": manifest.outputs[PAIRS]},
        work=lambda folder: train_on_devices("dpo", recipe, checkpoint, pairs / PAIRS, folder),
    )


def _merge(recipe: Recipe) -> tuple[Manifest, bool]:
    last = "dpo" if "dpo" in recipe.steps else "sft"
    tuned, manifest = finished(recipe.run_folder, last)
    under, under_hash = checkpoint_of(recipe, "sft") if last == "dpo" else _base(recipe)

    def work(folder: Path) -> dict[str, Any]:
        from lwtui_training.merge import merge_adapter

        return {"adapter": merge_adapter(recipe, under, tuned / "model", folder), "from": last}

    return perform(
        recipe.run_folder,
        "merge",
        seed=recipe.seed,
        settings=_settings(recipe, "base"),
        inputs={"under": under_hash, last: manifest.content},
        work=work,
    )


def _gguf(recipe: Recipe) -> tuple[Manifest, bool]:
    from lwtui_training.gguf import make_gguf, register

    merged, manifest = finished(recipe.run_folder, "merge")
    result = perform(
        recipe.run_folder,
        "gguf",
        seed=recipe.seed,
        settings=_settings(recipe, "gguf") | {"format": recipe.base.format},
        inputs={"merge": manifest.content},
        work=lambda folder: make_gguf(recipe, merged, folder),
    )
    if recipe.gguf.register:
        register(recipe, recipe.run_folder / "gguf")
    return result


def _bench(recipe: Recipe) -> tuple[Manifest, bool]:
    from lwtui_training.benching import bench_both

    tuned, manifest = finished(recipe.run_folder, "gguf")
    base, base_hash = _base(recipe)
    return perform(
        recipe.run_folder,
        "bench",
        seed=recipe.seed,
        settings=_settings(recipe, "bench", "base"),
        inputs={"gguf": manifest.content, "base": base_hash},
        work=lambda folder: bench_both(recipe, base, tuned, folder),
    )


_DO: dict[str, Callable[[Recipe], tuple[Manifest, bool]]] = {
    "data": _data,
    "sft": _sft,
    "prefs": _prefs,
    "dpo": _dpo,
    "merge": _merge,
    "gguf": _gguf,
    "bench": _bench,
}


def _base(recipe: Recipe) -> tuple[str, str]:
    from lwtui_training.base_model import prepare_base

    return prepare_base(recipe)


def _settings(recipe: Recipe, *tables: str) -> dict[str, Any]:
    return {name: dataclasses.asdict(getattr(recipe, name)) for name in tables}


def _lora(method: str) -> tuple[str, ...]:
    return ("lora",) if method == "lora" else ()


def _summary(manifest: Manifest) -> str:
    shown = (
        f"{name} {_short(value)}" for name, value in manifest.metrics.items() if isinstance(value, str | int | float)
    )
    return ", ".join(shown)


def _short(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)

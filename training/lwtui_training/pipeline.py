"""The steps of a recipe, their order, and their inputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lwtui.text import duration
from lwtui.translation import _
from lwtui_training.checks import check_before
from lwtui_training.machines import machine_rank, other_machine, taking_part
from lwtui_training.progress import note
from lwtui_training.recipe import Recipe
from lwtui_training.steps import Manifest, TrainError, finished_step, input_hash, perform

STEPS = ("data", "sft", "prefs", "dpo", "grpo", "merge", "gguf", "bench")


def run_step(recipe: Recipe, step: str) -> Manifest:
    """Run a step, unless it is finished with the same settings and inputs; return its manifest.

    Raises:
        TrainError: The step cannot be run; the message says what to do.
    """
    with taking_part(recipe):
        return _run_step(recipe, step)


def _run_step(recipe: Recipe, step: str) -> Manifest:
    manifest, was_run = _STEP_FUNCTIONS[step](recipe)
    if was_run:
        note(
            _(
                "{step}: done in {time}. {summary} ({folder})",
                step=step,
                time=duration(manifest.seconds),
                summary=_summary(manifest),
                folder=recipe.run_folder / step,
            )
        )
    elif machine_rank():
        note(_("{step}: the first machine has done it ({folder})", step=step, folder=recipe.run_folder / step))
    else:
        note(_("{step}: already done ({folder})", step=step, folder=recipe.run_folder / step))
    return manifest


def run_all(recipe: Recipe) -> None:
    """Run all steps that the recipe names, in order.

    Raises:
        TrainError: A step cannot be run; the message says what to do.
    """
    with taking_part(recipe):
        check_before(recipe, [step for step in STEPS if step in recipe.steps])
        for step in STEPS:
            if step in recipe.steps:
                _run_step(recipe, step)


def checkpoint_of(recipe: Recipe, step: str) -> tuple[str, str]:
    """Return the folder and content hash of the full model after a step. An adapter is merged into ``RUN/STEP-merged``.

    Raises:
        TrainError: The step is not finished.
    """
    folder, manifest = finished_step(recipe.run_folder, step)
    if not (folder / "model" / "adapter_config.json").exists():
        return str(folder / "model"), manifest.content
    base, base_hash = _under(recipe, step)

    def work(into: Path) -> dict[str, Any]:
        from lwtui_training.merge import merge_adapter

        return {"merged": merge_adapter(recipe, base, folder / "model", into)}

    merged, _was_run = perform(
        recipe.run_folder,
        f"{step}-merged",
        seed=recipe.seed,
        settings=_settings(recipe, "base"),
        inputs={"base": base_hash, step: manifest.content},
        work=work,
        other=other_machine(recipe),
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
        other=other_machine(recipe),
    )


def _sft(recipe: Recipe) -> tuple[Manifest, bool]:
    from lwtui_training.data import ROWS
    from lwtui_training.launch import train_on_devices

    data, manifest = finished_step(recipe.run_folder, "data")
    base, base_hash = _base(recipe)
    return perform(
        recipe.run_folder,
        "sft",
        seed=recipe.seed,
        settings=_settings(recipe, "base", "sft", "hardware", *_lora(recipe.sft.method)),
        inputs={"base": base_hash, "data": manifest.outputs[ROWS]},
        work=lambda folder: train_on_devices("sft", recipe, base, data / ROWS, folder),
        other=other_machine(recipe, joins=True),
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
        other=other_machine(recipe),
    )


def _dpo(recipe: Recipe) -> tuple[Manifest, bool]:
    from lwtui_training.launch import train_on_devices
    from lwtui_training.preferences import PAIRS

    pairs, manifest = finished_step(recipe.run_folder, "prefs")
    checkpoint, content = checkpoint_of(recipe, "sft")
    return perform(
        recipe.run_folder,
        "dpo",
        seed=recipe.seed,
        settings=_settings(recipe, "base", "dpo", "hardware", *_lora(recipe.dpo.method)),
        inputs={"sft": content, "prefs": manifest.outputs[PAIRS]},
        work=lambda folder: train_on_devices("dpo", recipe, checkpoint, pairs / PAIRS, folder),
        other=other_machine(recipe, joins=True),
    )


def _grpo(recipe: Recipe) -> tuple[Manifest, bool]:
    from lwtui_training.launch import train_on_devices

    if not recipe.grpo.instructions:
        raise TrainError(
            _("There are no instructions. Set grpo.instructions to a file or a dataset."), code="no-instructions"
        )
    instructions = Path(recipe.resolve(recipe.grpo.instructions))
    checkpoint, content = _under(recipe, "grpo")
    return perform(
        recipe.run_folder,
        "grpo",
        seed=recipe.seed,
        settings=_settings(recipe, "base", "grpo", "hardware", *_lora(recipe.grpo.method)),
        inputs={"under": content, "instructions": input_hash(str(instructions))},
        work=lambda folder: train_on_devices("grpo", recipe, checkpoint, instructions, folder),
        other=other_machine(recipe, joins=True),
    )


def _under(recipe: Recipe, step: str) -> tuple[str, str]:
    """Return the folder and content hash of the full model that a training step starts from."""
    if step == "sft":
        return _base(recipe)
    return checkpoint_of(recipe, "dpo" if step == "grpo" and "dpo" in recipe.steps else "sft")


def _merge(recipe: Recipe) -> tuple[Manifest, bool]:
    last = next((step for step in ("grpo", "dpo") if step in recipe.steps), "sft")
    tuned, manifest = finished_step(recipe.run_folder, last)
    base, base_hash = _under(recipe, last)

    def work(folder: Path) -> dict[str, Any]:
        from lwtui_training.merge import merge_adapter

        return {"adapter": merge_adapter(recipe, base, tuned / "model", folder), "from": last}

    return perform(
        recipe.run_folder,
        "merge",
        seed=recipe.seed,
        settings=_settings(recipe, "base"),
        inputs={"under": base_hash, last: manifest.content},
        work=work,
        other=other_machine(recipe),
    )


def _gguf(recipe: Recipe) -> tuple[Manifest, bool]:
    from lwtui_training.gguf import make_gguf, register

    merged, manifest = finished_step(recipe.run_folder, "merge")
    result = perform(
        recipe.run_folder,
        "gguf",
        seed=recipe.seed,
        settings=_settings(recipe, "gguf") | {"format": recipe.base.format},
        inputs={"merge": manifest.content},
        work=lambda folder: make_gguf(recipe, merged, folder),
        other=other_machine(recipe),
    )
    if recipe.gguf.register and machine_rank() == 0:
        register(recipe, recipe.run_folder / "gguf")
    return result


def _bench(recipe: Recipe) -> tuple[Manifest, bool]:
    from lwtui_training.bench_step import compare_base_and_tuned

    tuned, manifest = finished_step(recipe.run_folder, "gguf")
    base, base_hash = _base(recipe)
    return perform(
        recipe.run_folder,
        "bench",
        seed=recipe.seed,
        settings=_settings(recipe, "bench", "base"),
        inputs={"gguf": manifest.content, "base": base_hash},
        work=lambda folder: compare_base_and_tuned(recipe, base, tuned, folder),
        other=other_machine(recipe),
    )


_STEP_FUNCTIONS: dict[str, Callable[[Recipe], tuple[Manifest, bool]]] = {
    "data": _data,
    "sft": _sft,
    "prefs": _prefs,
    "dpo": _dpo,
    "grpo": _grpo,
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

"""What SFT and DPO share around TRL's trainers: checkpoints that are whole, resuming, progress, curves."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from lwtui.files import write_atomically
from lwtui_training.progress import Meter, note, sparkline
from lwtui_training.recipe import Dpo, Recipe, Sft

_WHOLE = "whole.json"  # in a checkpoint that was written to its end
CHECKPOINTS = "checkpoints"
_OURS = {"method", "average", "warmup_ratio", "loss_weights"}  # not passed on by name


def trainer_options(recipe: Recipe, table: Sft | Dpo, folder: Path, steps: int) -> dict[str, Any]:
    """The fields of ``SFTConfig`` or ``DPOConfig`` for a table of the recipe. ``steps`` is how many there will be."""
    on_cpu = recipe.hardware.device == "cpu" or not torch.cuda.is_available()
    options = {name: value for name, value in vars(table).items() if name not in _OURS}
    if on_cpu and options["optim"].endswith("fused"):
        options["optim"] = "adamw_torch"
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder / "tensorboard")
    return options | {
        "output_dir": str(folder / CHECKPOINTS),
        "warmup_steps": round(table.warmup_ratio * steps),
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "use_cpu": on_cpu,
        "bf16": recipe.base.dtype == "bfloat16" and not on_cpu,
        "average_tokens_across_devices": True,
        "save_strategy": "steps",
        "report_to": "tensorboard",
        "disable_tqdm": True,
        "log_level": "error",
        "dataloader_pin_memory": not on_cpu,
    }


def training_dtype(recipe: Recipe, method: str) -> str:
    """The precision of the weights in training.

    What is trained is kept in full precision, since half of it would round small updates away; the sums are in the
    recipe's. DeepSpeed keeps a full copy of its own.
    """
    return recipe.base.dtype if method == "lora" or recipe.hardware.strategy == "zero3" else "float32"


def limit_threads(recipe: Recipe) -> None:
    """Keep to the recipe's number of CPU threads."""
    if recipe.hardware.threads:
        torch.set_num_threads(recipe.hardware.threads)


def lora_config(recipe: Recipe) -> Any:
    from peft import LoraConfig

    options = {name: value for name, value in vars(recipe.lora).items() if name != "quantize"}
    return LoraConfig(task_type="CAUSAL_LM", **options)


def train(trainer: Any, folder: Path, label: str) -> dict[str, Any]:
    """Train from the last whole checkpoint, or from the beginning; the metrics. The model is then in ``model/``."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(WholeCheckpoints())
    trainer.add_callback(Telling(label))
    trainer.train(resume_from_checkpoint=last_whole_checkpoint(folder))
    trainer.accelerator.wait_for_everyone()
    model = folder / "model"
    trainer.save_model(str(model))
    if not trainer.is_world_process_zero():
        return {}
    history = [entry for entry in trainer.state.log_history if "loss" in entry]
    _draw(history, folder, label)
    metrics = {
        "steps": trainer.state.global_step,
        "first_loss": history[0]["loss"],
        "last_loss": history[-1]["loss"],
        "losses": [entry["loss"] for entry in history],
        "parameters": sum(one.numel() for one in trainer.model.parameters()),
    }
    for left in ("README.md", "training_args.bin"):
        (model / left).unlink(missing_ok=True)
    shutil.rmtree(folder / CHECKPOINTS)
    return metrics


def last_whole_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that was written to its end; one that was not is removed."""
    whole = []
    for path in (folder / CHECKPOINTS).glob("checkpoint-*"):
        if _is_whole(path):
            whole.append(path)
        else:
            note(f"The checkpoint {path.name} was not written to its end; an earlier one is used.")
            shutil.rmtree(path)
    return str(max(whole, key=lambda path: int(path.name.rpartition("-")[2]))) if whole else None


def _is_whole(checkpoint: Path) -> bool:
    try:
        sizes = json.loads((checkpoint / _WHOLE).read_text())
    except (OSError, ValueError):
        return False
    return all((checkpoint / name).is_file() and (checkpoint / name).stat().st_size == size for name, size in sizes)


class WholeCheckpoints(TrainerCallback):
    """Marks each checkpoint as whole, with the sizes of its files, when everything in it was written."""

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        _wait_for_all()
        if not state.is_world_process_zero:
            return
        folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _WHOLE)
        sizes = [[str(path.relative_to(folder)), path.stat().st_size] for path in files]
        write_atomically(folder / _WHOLE, json.dumps(sizes))


def _wait_for_all() -> None:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()


class Telling(TrainerCallback):
    """Shows how far the training is, with its loss."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._meter: Meter | None = None
        self._losses: list[float] = []
        self._told = ""

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
        if state.is_world_process_zero:
            self._meter = Meter(self._label, state.max_steps, "steps", state.global_step)
            if state.global_step:
                note(f"{self._label}: goes on from step {state.global_step}")

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any
    ) -> None:
        if logs and "loss" in logs:
            self._losses.append(float(logs["loss"]))
            self._told = f"loss {self._losses[-1]:.4f} {sparkline(self._losses, 24)}"

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._meter:
            self._meter.advance(1, self._told)


def _draw(history: list[dict[str, Any]], folder: Path, label: str) -> None:
    """The loss as a picture, beside the model."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.5))
    axes.plot([entry["step"] for entry in history], [entry["loss"] for entry in history])
    axes.set(xlabel="step", ylabel="loss", title=label)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(folder / "loss.png", dpi=120)
    pyplot.close(figure)

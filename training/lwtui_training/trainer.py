"""What SFT and DPO share around TRL's trainers: complete checkpoints, resuming, progress, loss curves."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from lwtui.files import write_atomically
from lwtui.text import clean, one_line
from lwtui.translation import _
from lwtui_training.progress import ProgressMeter, note, sparkline
from lwtui_training.recipe import Recipe, TrainerConfig

_MARKER = "whole.json"  # in a complete checkpoint
CHECKPOINTS = "checkpoints"
_SHOWN = 100  # characters of a sample
# Options of the recipe that are not TRL's, or are passed on under another name.
_NOT_PASSED = {"method", "average", "warmup_ratio", "loss_weights", "validation_share", "options", "instructions"}
_NOT_PASSED |= {"sample_tokens"}
_NOT_PASSED |= {"most_instructions", "words", "rewards", "judge", "judge_base_url", "concurrency", "most_bad_rows"}


def trainer_options(recipe: Recipe, table: TrainerConfig, folder: Path, steps: int) -> dict[str, Any]:
    """Return the arguments of TRL's ``SFTConfig`` or ``DPOConfig``.

    Args:
        recipe: The recipe.
        table: Its table for the step.
        folder: The folder of the step.
        steps: Number of optimizer steps.
    """
    on_cpu = recipe.hardware.device == "cpu" or not torch.cuda.is_available()
    options = {name: value for name, value in vars(table).items() if name not in _NOT_PASSED}
    if on_cpu and options["optim"].endswith("fused"):
        options["optim"] = "adamw_torch"
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder / "tensorboard")
    options |= {
        "warmup_steps": round(table.warmup_ratio * steps),
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "use_cpu": on_cpu,
        "bf16": recipe.base.dtype == "bfloat16" and not on_cpu,
        "average_tokens_across_devices": True,
        "report_to": "tensorboard",
        "log_level": "error",
        "dataloader_pin_memory": not on_cpu,
    }
    own = {"output_dir": str(folder / CHECKPOINTS), "save_strategy": "steps", "disable_tqdm": True}
    return options | table.options | own


def library_config(recipe: Recipe, step: str, folder: Path, steps: int) -> Any:
    """Return TRL's configuration of a training step.

    Args:
        recipe: The recipe.
        step: "sft", "dpo" or "grpo".
        folder: The folder of the step.
        steps: Number of optimizer steps.
    """
    import trl

    options = trainer_options(recipe, getattr(recipe, step), folder, steps)
    if step == "sft":
        own: dict[str, Any] = {"packing_strategy": "bfd", "shuffle_dataset": True}
        if recipe.sequence_devices > 1:  # context parallelism divides each device's part once more, to balance the work
            own["pad_to_multiple_of"] = recipe.sequence_devices * (2 if recipe.hardware.context_parallel > 1 else 1)
        if recipe.sft.validation_share:
            own |= {"eval_strategy": "steps", "eval_steps": recipe.sft.save_steps, "per_device_eval_batch_size": 1}
        return trl.SFTConfig(**(own | options))
    if step == "dpo":
        own = {"loss_type": list(recipe.dpo.loss_type), "loss_weights": list(recipe.dpo.loss_weights) or None}
        return trl.DPOConfig(**(options | own | recipe.dpo.options))
    for name in ("max_length", "activation_offloading"):  # not in GRPOConfig
        options.pop(name)
    if not recipe.grpo.use_vllm:
        options.pop("vllm_mode")
    return trl.GRPOConfig(**options)


def training_dtype(recipe: Recipe, method: str) -> str:
    """Return the dtype of the weights in memory during training.

    Trained weights are kept in full precision, since bfloat16 would round small updates away; computation uses the
    recipe's dtype. LoRA does not train the base's weights, and DeepSpeed keeps its own full-precision copy.
    """
    return recipe.base.dtype if method == "lora" or recipe.hardware.strategy == "zero3" else "float32"


def limit_threads(recipe: Recipe) -> None:
    """Set torch's number of CPU threads as the recipe says."""
    if recipe.hardware.threads:
        torch.set_num_threads(recipe.hardware.threads)


def peft_config(recipe: Recipe) -> Any:
    """Return PEFT's ``LoraConfig`` for the recipe."""
    import peft

    options = {name: value for name, value in vars(recipe.lora).items() if name not in ("quantize", "options")}
    return peft.LoraConfig(task_type="CAUSAL_LM", **(options | recipe.lora.options))


def train(trainer: Any, folder: Path, label: str) -> dict[str, Any]:
    """Train from the last complete checkpoint, or from the beginning.

    Args:
        trainer: A TRL trainer.
        folder: Receives ``model/`` and ``loss.png``.
        label: The name of the step in the progress line.

    Returns:
        The metrics; empty in processes other than the main one.
    """
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(CheckpointMarker())
    trainer.add_callback(LossProgress(label))
    trainer.train(resume_from_checkpoint=last_complete_checkpoint(folder))
    trainer.accelerator.wait_for_everyone()
    model = folder / "model"
    trainer.save_model(str(model))
    if not trainer.is_world_process_zero():
        return {}
    history = [entry for entry in trainer.state.log_history if "loss" in entry]
    _plot_loss(history, folder, label)
    metrics = {
        "steps": trainer.state.global_step,
        "first_loss": history[0]["loss"],
        "last_loss": history[-1]["loss"],
        "losses": [entry["loss"] for entry in history],
        "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
    }
    for name in ("README.md", "training_args.bin"):
        (model / name).unlink(missing_ok=True)
    shutil.rmtree(folder / CHECKPOINTS)
    return metrics


def last_complete_checkpoint(folder: Path) -> str | None:
    """Return the newest complete checkpoint, if any, and remove incomplete ones."""
    complete = complete_checkpoints(folder)
    for path in set((folder / CHECKPOINTS).glob("checkpoint-*")) - set(complete):
        note(_("{name} is incomplete and was removed. Training resumes from an earlier checkpoint.", name=path.name))
        shutil.rmtree(path, ignore_errors=True)  # another process may be at it too
    return str(max(complete, key=lambda path: int(path.name.rpartition("-")[2]))) if complete else None


def complete_checkpoints(folder: Path) -> list[Path]:
    """Return the complete checkpoints of a step."""
    return [path for path in (folder / CHECKPOINTS).glob("checkpoint-*") if _is_complete(path)]


def _is_complete(checkpoint: Path) -> bool:
    try:
        sizes = json.loads((checkpoint / _MARKER).read_text())
    except (OSError, ValueError):
        return False
    return all((checkpoint / name).is_file() and (checkpoint / name).stat().st_size == size for name, size in sizes)


class CheckpointMarker(TrainerCallback):
    """Marks each checkpoint as complete, with the sizes of its files, after everything in it has been written."""

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_rest: Any) -> None:
        """Write the marker."""
        _wait_for_all()
        if not state.is_world_process_zero:
            return
        folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _MARKER)
        sizes = [[str(path.relative_to(folder)), path.stat().st_size] for path in files]
        write_atomically(folder / _MARKER, json.dumps(sizes))


def _wait_for_all() -> None:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()


class LossProgress(TrainerCallback):
    """Shows the progress of training and its loss."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._meter: ProgressMeter | None = None
        self._losses: list[float] = []
        self._loss_text = ""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_rest: Any
    ) -> None:
        """Start the progress line."""
        self._losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
        if state.is_world_process_zero:
            self._meter = ProgressMeter(self._label, state.max_steps, _("steps"), state.global_step)
            if state.global_step:
                note(_("{label}: resuming from step {step}", label=self._label, step=state.global_step))

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **_rest: Any
    ) -> None:
        """Remember the loss."""
        if logs and "loss" in logs:
            self._losses.append(float(logs["loss"]))
            self._loss_text = _("loss {loss:.4f} {curve}", loss=self._losses[-1], curve=sparkline(self._losses, 24))
        if logs and "eval_loss" in logs and state.is_world_process_zero:
            note(
                _(
                    "{label}: step {step:,}, loss on held-out rows {loss:.4f}",
                    label=self._label,
                    step=state.global_step,
                    loss=logs["eval_loss"],
                )
            )

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_rest: Any) -> None:
        """Advance the progress line."""
        if self._meter:
            self._meter.advance(1, self._loss_text)


class SampleWriter(TrainerCallback):
    """Writes what the model answers now to a file, at each checkpoint."""

    def __init__(self, tokenizer: Any, prompt: str, tokens: int, path: Path) -> None:
        """Sample greedily.

        Args:
            tokenizer: The tokenizer, with its chat template.
            prompt: What is asked each time.
            tokens: Maximum number of tokens of an answer.
            path: The file, which grows.
        """
        self._tokenizer, self._prompt, self._tokens, self._path = tokenizer, prompt, tokens, path

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_rest: Any
    ) -> None:
        """Write an answer."""
        if not state.is_world_process_zero:
            return
        plain = model.module if hasattr(model, "module") else model
        chat = [{"role": "user", "content": self._prompt}]
        inputs = self._tokenizer.apply_chat_template(
            chat, add_generation_prompt=True, return_dict=True, return_tensors="pt"
        ).to(plain.device)
        was_training = plain.training
        plain.eval()
        with torch.no_grad():
            ids = plain.generate(**inputs, max_new_tokens=self._tokens, do_sample=False)
        plain.train(was_training)
        text = clean(self._tokenizer.decode(ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)).strip()
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"## Step {state.global_step}\n\n{text}\n\n")
        note(
            _(
                "Step {step:,} writes: {text}",
                step=state.global_step,
                text=one_line(text)[:_SHOWN],
            )
        )


def _plot_loss(history: list[dict[str, Any]], folder: Path, label: str) -> None:
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

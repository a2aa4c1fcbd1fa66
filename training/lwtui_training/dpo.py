"""The step ``dpo``: direct preference optimization of the SFT checkpoint with TRL's DPOTrainer.

The reference log-probabilities are computed once before training, so that the reference model is not in memory during
it. With LoRA, the reference is the model without its adapter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import DPOTrainer

from lwtui.translation import _
from lwtui_training.base_model import load_model, load_tokenizer
from lwtui_training.gpu_memory import dpo_steps
from lwtui_training.progress import note
from lwtui_training.recipe import Recipe
from lwtui_training.rows import Row, read_preferences
from lwtui_training.steps import TrainError
from lwtui_training.trainer import library_config, limit_threads, peft_config, train, training_dtype


def train_dpo(recipe: Recipe, checkpoint: str, pairs: Path, folder: Path) -> dict[str, Any]:
    """Run the step.

    Args:
        recipe: The recipe.
        checkpoint: The folder of the SFT checkpoint.
        pairs: A file of preference pairs.
        folder: Receives ``model/``, which is an adapter with LoRA.

    Returns:
        The metrics for the manifest; empty in processes other than the main one.

    Raises:
        TrainError: No pair fits into ``dpo.max_length``.
    """
    limit_threads(recipe)
    tokenizer = load_tokenizer(checkpoint, recipe)
    rows = read_preferences(str(pairs))
    kept = [row for row in rows if _longer_side(tokenizer, row) <= recipe.dpo.max_length]
    if not kept:
        raise TrainError(_("No pair has {most:,} tokens or fewer. Raise dpo.max_length.", most=recipe.dpo.max_length))
    note(
        _(
            "DPO: {count:,} pairs; {dropped:,} over {most:,} tokens dropped",
            count=len(kept),
            dropped=len(rows) - len(kept),
            most=recipe.dpo.max_length,
        )
    )
    lora = recipe.dpo.method == "lora"
    args = library_config(recipe, "dpo", folder, dpo_steps(recipe, len(kept)))  # before the model, as in SFT
    trainer = DPOTrainer(
        model=load_model(
            checkpoint,
            recipe,
            dtype=training_dtype(recipe, recipe.dpo.method),
            quantize=lora and recipe.lora.quantize,
        ),
        args=args,
        train_dataset=Dataset.from_list(kept),
        processing_class=tokenizer,
        peft_config=peft_config(recipe) if lora else None,
    )
    metrics = train(trainer, folder, "DPO")
    return metrics and metrics | {"pairs": len(kept), "too_long": len(rows) - len(kept)}


def _longer_side(tokenizer: Any, row: Row) -> int:
    """Return the tokens of prompt and answer, for the longer answer of the pair."""
    sides = (row["prompt"] + row[side] for side in ("chosen", "rejected"))
    return max(len(tokenizer.apply_chat_template(side, return_dict=True)["input_ids"]) for side in sides)

"""The step ``dpo``: direct preference optimization of the SFT checkpoint with TRL's DPOTrainer.

The reference log-probabilities are computed once before training, so that the reference model is not in memory during
it. With LoRA, the reference is the model without its adapter; under FSDP, its log-probabilities are then computed at
each step.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from transformers.integrations import is_fsdp_enabled
from trl.trainer import dpo_trainer

from lwtui.translation import _
from lwtui_training.base_model import load_model, load_tokenizer
from lwtui_training.fitting_pairs import fitting_pairs, remove_pairs
from lwtui_training.gpu_memory import dpo_steps
from lwtui_training.progress import note
from lwtui_training.recipe import Recipe
from lwtui_training.reference import sharded_reference
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
    rows, dropped = fitting_pairs(recipe, checkpoint, pairs, folder)
    note(
        _(
            "DPO: {count:,} pairs; {dropped:,} over {most:,} tokens dropped",
            count=len(rows),
            dropped=dropped,
            most=recipe.dpo.max_length,
        )
    )
    lora = recipe.dpo.method == "lora"
    args = library_config(recipe, "dpo", folder, dpo_steps(recipe, len(rows)))  # before the model, as in SFT
    if lora and is_fsdp_enabled():
        args.precompute_ref_log_probs = False  # the reference is the sharded model, which is there only in training
    dtype, quantize = training_dtype(recipe, recipe.dpo.method), lora and recipe.lora.quantize
    load = partial(load_model, checkpoint, recipe, dtype=dtype, quantize=quantize, sharded=True)
    with sharded_reference(dpo_trainer, load):
        trainer = dpo_trainer.DPOTrainer(
            model=load(),
            args=args,
            train_dataset=rows,
            processing_class=tokenizer,
            peft_config=peft_config(recipe) if lora else None,
        )
    metrics = train(trainer, folder, "DPO")
    if metrics:
        remove_pairs(folder)
    return metrics and metrics | {"pairs": len(rows), "too_long": dropped}

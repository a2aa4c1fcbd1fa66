"""The step ``grpo``: reinforcement learning with TRL's GRPOTrainer, rewarded for length, no repetition and form.

Advantages are normalized for each reward and then averaged, as in LongWriter-Zero (arXiv 2506.18841).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl.trainer import grpo_trainer

from lwtui.translation import _
from lwtui_training.base_model import load_model, load_tokenizer
from lwtui_training.data import prompt_for
from lwtui_training.gguf_tokenizer import stop_token
from lwtui_training.gpu_memory import grpo_steps
from lwtui_training.progress import note
from lwtui_training.recipe import Recipe
from lwtui_training.reference import sharded_reference
from lwtui_training.rewards import reward_functions
from lwtui_training.rows import Instruction, read_instructions
from lwtui_training.trainer import library_config, limit_threads, peft_config, train, training_dtype


def grpo_instructions(recipe: Recipe, source: str = "") -> list[Instruction]:
    """Read the instructions of the step, from the recipe's file or from ``source``."""
    grpo = recipe.grpo
    found = read_instructions(source or recipe.resolve(grpo.instructions), grpo.words, grpo.most_bad_rows)
    return found[: grpo.most_instructions or None]


def train_grpo(recipe: Recipe, checkpoint: str, instructions: Path, folder: Path) -> dict[str, Any]:
    """Run the step.

    Args:
        recipe: The recipe.
        checkpoint: The folder of the checkpoint to start from.
        instructions: A file of instructions.
        folder: Receives ``model/``, which is an adapter with LoRA.

    Returns:
        The metrics for the manifest; empty in processes other than the main one.
    """
    limit_threads(recipe)
    grpo, lora = recipe.grpo, recipe.grpo.method == "lora"
    tokenizer = load_tokenizer(checkpoint, recipe)
    rows = [
        {
            "prompt": [{"role": "user", "content": prompt_for(instruction)}],
            "words": instruction.words,
            "constraint": instruction.constraint,
        }
        for instruction in grpo_instructions(recipe, str(instructions))
    ]
    end_tokens = list(dict.fromkeys([stop_token(tokenizer), tokenizer.eos_token_id]))
    args = library_config(recipe, "grpo", folder, grpo_steps(recipe, len(rows)))  # before the model, as in SFT
    dtype = training_dtype(recipe, grpo.method)
    quantize = lora and recipe.lora.quantize
    load = partial(load_model, checkpoint, recipe, dtype=dtype, quantize=quantize, sharded=True)
    model = load()
    model.generation_config.eos_token_id = end_tokens
    note(
        _(
            "GRPO: {count:,} instructions, {answers} answers each, rewards: {rewards}",
            count=len(rows),
            answers=grpo.num_generations,
            rewards=", ".join(grpo.rewards),
        )
    )
    with sharded_reference(grpo_trainer, load):  # there is one if grpo.beta is not 0
        trainer = grpo_trainer.GRPOTrainer(
            model=model,
            reward_funcs=reward_functions(grpo, end_tokens, folder),
            args=args,
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=peft_config(recipe) if lora else None,
        )
    metrics = train(trainer, folder, "GRPO")
    return metrics and metrics | {"instructions": len(rows), **_rewards(trainer.state.log_history, grpo.rewards)}


def _rewards(history: list[dict[str, Any]], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the mean of each reward, and the share of cut answers, in the first and the last fifth of the steps."""
    logged = {"cut_off": "completions/clipped_ratio"} | {f"reward_{name}": f"rewards/{name}/mean" for name in names}
    metrics = {}
    for name, key in logged.items():
        values = [entry[key] for entry in history if key in entry]
        size = max(1, len(values) // 5)
        if values:
            metrics[f"first_{name}"] = sum(values[:size]) / size
            metrics[f"last_{name}"] = sum(values[-size:]) / size
    return metrics

"""Measure tokens per second, MFU and peak memory of a recipe's SFT, against plain TRL and ``lwtui train plan``.

    python training/speed/train_throughput.py RECIPE [--steps 8]

Both trainers run one after the other on the same GPU and the same random rows of full length. Needs a CUDA device.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from lwtui_training.base_model import load_model, load_tokenizer, prepare_base
from lwtui_training.gpu_memory import estimate
from lwtui_training.model_shape import shape_of_base
from lwtui_training.recipe import Recipe, load_recipe
from lwtui_training.sft import make_trainer


class StepClock(TrainerCallback):
    """Times the steps after the first two, which compile and allocate."""

    def __init__(self) -> None:
        self.marks: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        torch.cuda.synchronize()
        self.marks.append(perf_counter())

    @property
    def seconds_per_step(self) -> float:
        return (self.marks[-1] - self.marks[1]) / (len(self.marks) - 2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("This script needs a CUDA device.", file=sys.stderr)
        return 1
    recipe = load_recipe(options.recipe, [f"sft.max_steps={options.steps}", "hardware.processes=1"])
    recipe = replace(recipe, hardware=replace(recipe.hardware, strategy="single", machines=1))
    base, _ = prepare_base(recipe)
    tokenizer = load_tokenizer(base, recipe)
    dataset = full_rows(len(tokenizer), recipe.sft.max_length, options.steps)
    with tempfile.TemporaryDirectory() as folder:
        ours = measure(make_trainer(recipe, base, tokenizer, dataset, Path(folder)), recipe)
        plain = measure(plain_trainer(recipe, base, tokenizer, dataset, folder), recipe)
    planned = estimate(recipe, shape_of_base(recipe)).total
    print(
        json.dumps(
            {
                "card": torch.cuda.get_device_name(),
                "ours": ours,
                "plain_trl": plain,
                "ratio": ours["tokens_per_second"] / plain["tokens_per_second"],
                "planned_bytes": planned,
                "peak_against_plan": ours["peak_bytes"] / planned,
            },
            indent=2,
        )
    )
    return 0


def full_rows(vocabulary: int, length: int, count: int) -> Dataset:
    """Return random rows of exactly ``length`` tokens, all of them targets."""
    ids = torch.randint(10, vocabulary, (count, length), generator=torch.Generator().manual_seed(0)).tolist()
    return Dataset.from_dict({"input_ids": ids, "labels": ids})


def plain_trainer(recipe: Recipe, base: str, tokenizer: Any, dataset: Dataset, folder: str) -> SFTTrainer:
    """Return a trainer with TRL's defaults, except for rows, length and number of steps."""
    sft = recipe.sft
    config = SFTConfig(output_dir=folder, max_length=sft.max_length, max_steps=sft.max_steps, report_to="none")
    config.per_device_train_batch_size = sft.per_device_train_batch_size
    return SFTTrainer(load_model(base, recipe), args=config, train_dataset=dataset, processing_class=tokenizer)


def measure(trainer: SFTTrainer, recipe: Recipe) -> dict[str, float]:
    """Train, measure, and free the memory."""
    clock = StepClock()
    trainer.add_callback(clock)
    torch.cuda.reset_peak_memory_stats()
    trainer.train()
    sft = recipe.sft
    tokens = sft.max_length * sft.per_device_train_batch_size * sft.gradient_accumulation_steps
    shape = shape_of_base(recipe)
    operations = tokens * 3 * (2 * shape.parameters + 2 * shape.layers * shape.attention * sft.max_length)
    result = {
        "tokens_per_second": tokens / clock.seconds_per_step,
        "mfu": operations / clock.seconds_per_step / (recipe.hardware.tflops * 1e12),
        "peak_bytes": float(torch.cuda.max_memory_allocated()),
    }
    trainer.model.to("cpu")
    trainer.optimizer = None
    torch.cuda.empty_cache()
    return result


if __name__ == "__main__":
    sys.exit(main())

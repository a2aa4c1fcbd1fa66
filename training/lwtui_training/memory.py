"""Memory, time and tokens of a run, before anything runs."""
from __future__ import annotations
from lwtui_training.recipe import Recipe
import math
def training_steps(recipe: Recipe, lengths: list[int]) -> int:
    """How many optimizer steps the recipe's SFT takes on rows of these ``lengths`` (tokens)."""
    table = recipe.sft
    if table.max_steps > 0:
        return table.max_steps
    sequences = packed_count(lengths, table.max_length) if table.packing else len(lengths)
    batches = math.ceil(sequences / (table.per_device_train_batch_size * recipe.devices))
    return max(1, math.ceil(batches / table.gradient_accumulation_steps) * math.ceil(table.num_train_epochs))
def packed_count(lengths: list[int], size: int) -> int:
    """How many sequences of ``size`` hold ``lengths``, by best fit decreasing as TRL packs."""
    free: list[int] = []
    from bisect import bisect_left, insort
    for length in sorted(lengths, reverse=True):
        at = bisect_left(free, length)
        left = free.pop(at) - length if at < len(free) else size - length
        insort(free, left)
    return len(free)


def dpo_steps(recipe: Recipe, pairs: int) -> int:
    """How many optimizer steps the recipe's DPO takes on so many pairs."""
    table = recipe.dpo
    if table.max_steps > 0:
        return table.max_steps
    batches = math.ceil(pairs / (table.per_device_train_batch_size * recipe.devices))
    return max(1, math.ceil(batches / table.gradient_accumulation_steps) * math.ceil(table.num_train_epochs))

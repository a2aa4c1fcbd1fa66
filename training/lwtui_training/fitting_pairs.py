"""The pairs of DPO that fit, stored once for all processes and for every time the step resumes.

TRL stores the reference log-probabilities beside them. With pairs in memory, each process would look for these in a
folder of its own.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from datasets import Dataset, load_from_disk

from lwtui.files import write_atomically
from lwtui.translation import _
from lwtui_training.base_model import load_tokenizer
from lwtui_training.recipe import Recipe
from lwtui_training.rows import Row, read_preferences
from lwtui_training.steps import TrainError

_FOLDER = "pairs"
_COUNT = "too_long.json"  # the last file: without it, the others are incomplete


def fitting_pairs(recipe: Recipe, checkpoint: str, pairs: Path, folder: Path) -> tuple[Dataset, int]:
    """Return the pairs of a file that have at most ``dpo.max_length`` tokens, from ``folder`` if they are there.

    Args:
        recipe: The recipe.
        checkpoint: The folder of the checkpoint to tune.
        pairs: The file.
        folder: The folder of the step, which keeps them until it is finished.

    Returns:
        The pairs, and the number of those that are too long.

    Raises:
        TrainError: No pair fits.
    """
    place, most = folder / _FOLDER, recipe.dpo.max_length
    if not (place / _COUNT).exists():
        shutil.rmtree(place, ignore_errors=True)
        tokenizer, rows = load_tokenizer(checkpoint, recipe), read_preferences(str(pairs))
        kept = [row for row in rows if _longer_side(tokenizer, row) <= most]
        if not kept:
            raise TrainError(_("No pair has {most:,} tokens or fewer. Raise dpo.max_length.", most=most))
        Dataset.from_list(kept).save_to_disk(place)
        write_atomically(place / _COUNT, json.dumps(len(rows) - len(kept)))
    return load_from_disk(place), int((place / _COUNT).read_text(encoding="utf-8"))


def remove_pairs(folder: Path) -> None:
    """Remove the pairs of a finished step."""
    shutil.rmtree(folder / _FOLDER, ignore_errors=True)


def _longer_side(tokenizer: Any, row: Row) -> int:
    """Return the tokens of prompt and answer, for the longer answer of the pair."""
    sides = (row["prompt"] + row[side] for side in ("chosen", "rejected"))
    return max(len(tokenizer.apply_chat_template(side, return_dict=True)["input_ids"]) for side in sides)

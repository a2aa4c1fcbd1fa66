"""Tokenize the rows of SFT once: for all processes, and for every time the step resumes."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, load_from_disk

from lwtui.files import write_atomically
from lwtui.translation import _
from lwtui_training.base_model import load_tokenizer
from lwtui_training.chat import special_token_finder, tokenize_batch
from lwtui_training.progress import ProgressMeter
from lwtui_training.recipe import Recipe
from lwtui_training.rows import read_messages
from lwtui_training.steps import TrainError

_FOLDER = "tokens"
_COUNTS = "counts.json"
_BATCH = 64  # rows
_PARALLELISM = "TOKENIZERS_PARALLELISM"


def tokenized(recipe: Recipe, base: str, rows: Path, folder: Path) -> tuple[Dataset, Counter[str]]:
    """Return the tokens of a file of conversations, from ``folder`` if they are there.

    Args:
        recipe: The recipe.
        base: The folder or repository of the base.
        rows: The file.
        folder: The folder of the step, which keeps the tokens until it is finished.

    Returns:
        A dataset of ``input_ids`` and ``labels``, and the counts of :func:`tokenize_rows`.
    """
    cache = folder / _FOLDER
    if not (cache / _COUNTS).exists():
        shutil.rmtree(cache, ignore_errors=True)
        dataset, counts = tokenize_rows(load_tokenizer(base, recipe), read_messages(str(rows)), recipe.sft.max_length)
        dataset.save_to_disk(cache)
        write_atomically(cache / _COUNTS, json.dumps(counts))  # the last file: without it, the others are incomplete
    return load_from_disk(cache), Counter(json.loads((cache / _COUNTS).read_text(encoding="utf-8")))


def remove_tokens(folder: Path) -> None:
    """Remove the tokens of a finished step."""
    shutil.rmtree(folder / _FOLDER, ignore_errors=True)


def tokenize_rows(tokenizer: Any, rows: list[dict[str, Any]], max_length: int) -> tuple[Dataset, Counter[str]]:
    """Tokenize conversations. Rows over ``max_length`` tokens or with special tokens are dropped, never truncated.

    Returns:
        A dataset of ``input_ids`` and ``labels``, and counts of rows, tokens, target tokens, rows that were too long,
        and rows with special tokens ("marks").

    Raises:
        TrainError: No row is left.
    """
    counts: Counter[str] = Counter(rows=0, tokens=0, targets=0, too_long=0, marks=0)
    kept: dict[str, list[np.ndarray]] = {"input_ids": [], "labels": []}
    has_special_token = special_token_finder(tokenizer)
    meter = ProgressMeter(_("Tokenizing"), len(rows), _("rows"))
    with _all_cores():
        for batch in _batches(rows):
            clean = [row["messages"] for row in batch if not has_special_token(row["messages"])]
            counts["marks"] += len(batch) - len(clean)
            for ids, labels in tokenize_batch(tokenizer, clean):
                if len(ids) > max_length:
                    counts["too_long"] += 1
                    continue
                counts.update(rows=1, tokens=len(ids), targets=int((labels != -100).sum()))
                kept["input_ids"].append(ids)
                kept["labels"].append(labels)
            meter.advance(len(batch), _("{count:,} tokens", count=counts["tokens"]))
    if not kept["input_ids"]:
        raise TrainError(
            _(
                "No row has {most:,} tokens or fewer. Raise sft.max_length, or shorten the rows.",
                most=max_length,
            )
        )
    return Dataset.from_dict(kept), counts


def _batches(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]


@contextmanager
def _all_cores() -> Iterator[None]:
    """Let the tokenizer use all cores; this process starts no others meanwhile."""
    before = os.environ.get(_PARALLELISM)
    os.environ[_PARALLELISM] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_PARALLELISM]
        else:
            os.environ[_PARALLELISM] = before

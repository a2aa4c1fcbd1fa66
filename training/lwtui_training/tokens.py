"""Tokenize the rows of SFT once: for all processes, and for every time the step resumes."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.compute
from datasets import Dataset, concatenate_datasets, load_from_disk

from lwtui.files import write_atomically
from lwtui.translation import _
from lwtui_training.base_model import load_tokenizer
from lwtui_training.chat import special_token_finder
from lwtui_training.fast_tokens import batches, tokenize_many
from lwtui_training.progress import ProgressMeter
from lwtui_training.recipe import Recipe
from lwtui_training.rows import read_messages
from lwtui_training.steps import TrainError

_FOLDER = "tokens"
_COUNTS = "counts.json"  # the last file of a part: without it, the others are incomplete
_PART = 2048  # rows that are stored together; an interruption costs at most the work on these


def tokenized(recipe: Recipe, base: str, rows: Path, folder: Path) -> tuple[Dataset, Counter[str]]:
    """Return the tokens of a file of conversations, from ``folder`` as far as they are there.

    Args:
        recipe: The recipe.
        base: The folder or repository of the base.
        rows: The file.
        folder: The folder of the step, which keeps the tokens until it is finished.

    Returns:
        A dataset of ``input_ids`` and ``labels``, and the counts of :func:`tokenize_rows`.

    Raises:
        TrainError: No row is left.
    """
    cache, most = folder / _FOLDER, recipe.sft.max_length
    if not (cache / _COUNTS).exists():
        tokenizer, conversations = load_tokenizer(base, recipe), read_messages(str(rows))
        meter = ProgressMeter(_("Tokenizing"), len(conversations), _("rows"))
        counts = _no_counts()
        for number, part in enumerate(batches(conversations, _PART)):
            place = cache / f"{number:06}"
            if not (place / _COUNTS).exists():
                shutil.rmtree(place, ignore_errors=True)
                dataset, found = _tokenize(tokenizer, part, most, meter)
                dataset.save_to_disk(place)
                write_atomically(place / _COUNTS, json.dumps(found))
            else:
                meter.advance(len(part))
            counts.update(_read_counts(place))
        _check_counts(counts, most)
        write_atomically(cache / _COUNTS, json.dumps(counts))
    parts = [load_from_disk(place.parent) for place in sorted(cache.glob(f"*/{_COUNTS}"))]
    return concatenate_datasets(parts), _read_counts(cache)


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
    dataset, counts = _tokenize(tokenizer, rows, max_length, ProgressMeter(_("Tokenizing"), len(rows), _("rows")))
    _check_counts(counts, max_length)
    return dataset, counts


def token_counts(dataset: Dataset) -> list[int]:
    """Return the number of tokens of each row, without reading the tokens."""
    lengths: list[int] = pyarrow.compute.list_value_length(dataset.data.column("input_ids")).to_pylist()
    return lengths


def _tokenize(
    tokenizer: Any, rows: list[dict[str, Any]], max_length: int, meter: ProgressMeter
) -> tuple[Dataset, Counter[str]]:
    counts = _no_counts()
    kept: dict[str, list[np.ndarray]] = {"input_ids": [], "labels": []}
    has_special_token = special_token_finder(tokenizer)

    def clean() -> Iterator[list[dict[str, str]]]:
        for row in rows:
            if has_special_token(row["messages"]):
                counts["marks"] += 1
            else:
                yield row["messages"]

    for ids, labels in tokenize_many(tokenizer, clean()):
        if len(ids) > max_length:
            counts["too_long"] += 1
        else:
            counts["rows"] += 1
            counts["tokens"] += len(ids)
            counts["targets"] += int(np.count_nonzero(labels != -100))
            kept["input_ids"].append(ids)
            kept["labels"].append(labels)
        meter.advance()
    meter.advance(counts["marks"])
    return Dataset(pyarrow.table({name: _column(arrays) for name, arrays in kept.items()})), counts


def _column(arrays: list[np.ndarray]) -> pyarrow.ListArray:
    ends = np.cumsum([0, *map(len, arrays)], dtype=np.int32)
    return pyarrow.ListArray.from_arrays(ends, np.concatenate([np.empty(0, np.int32), *arrays]))


def _no_counts() -> Counter[str]:
    return Counter(rows=0, tokens=0, targets=0, too_long=0, marks=0)


def _read_counts(folder: Path) -> Counter[str]:
    return Counter(json.loads((folder / _COUNTS).read_text(encoding="utf-8")))


def _check_counts(counts: Counter[str], most: int) -> None:
    if not counts["rows"]:
        raise TrainError(
            _("No row has {most:,} tokens or fewer. Raise sft.max_length, or shorten the rows.", most=most)
        )

"""Measure how fast the rows of SFT are tokenized, against one call of the tokenizer per row.

    python training/speed/tokenize_rate.py [--tokenizer FOLDER|starter-small|x.gguf] [--rows 3000]

The rows are short and long ones (of 300 and 3,000 words, and conversations of three turns), cut from the texts of
Python's own help. Both ways run in turn, three times, in this process, after checking that they give the same tokens.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from pydoc_data.topics import topics
from time import perf_counter, process_time
from typing import Any

import numpy as np
from datasets import Dataset

from lwtui_training.base_model import gguf_of
from lwtui_training.chat import set_chat_template, special_token_finder, tokenize
from lwtui_training.tokens import tokenize_rows

Found = tuple[Dataset, int]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", default="starter-small")
    parser.add_argument("--format", default="longwriter-llama")
    parser.add_argument("--rows", type=int, default=3000)
    options = parser.parse_args()
    tokenizer = load(options.tokenizer)
    set_chat_template(tokenizer, options.format)
    rows = make_rows(options.rows)
    ways: dict[str, Callable[[], Found]] = {
        "one_by_one": lambda: one_by_one(tokenizer, rows),
        "batches": lambda: in_batches(tokenizer, rows),
    }
    (slow, tokens), (fast, same) = (way() for way in ways.values())
    if tokens != same or any(a != b for a, b in zip(slow, fast, strict=True)):
        print("The tokens differ.", file=sys.stderr)
        return 1
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    cpu = dict.fromkeys(ways, 0.0)
    for _ in range(3):
        for name, way in ways.items():
            start, start_cpu = perf_counter(), process_time()
            way()
            seconds[name].append(perf_counter() - start)
            cpu[name] += (process_time() - start_cpu) / 3
    rates = {name: tokens / statistics.median(found) for name, found in seconds.items()}
    ratio = statistics.median(a / b for a, b in zip(*seconds.values(), strict=True))
    report = {"cores": len(os.sched_getaffinity(0)), "rows": len(rows), "tokens": tokens, "ratio": ratio}
    print(json.dumps(report | {"tokens_per_second": rates, "cpu_seconds": cpu, "seconds": seconds}, indent=2))
    return 0


def load(name: str) -> Any:
    """Load a fast tokenizer from a folder or a GGUF."""
    from transformers import AutoTokenizer

    path = Path(gguf_of(name) or name)
    if path.suffix == ".gguf":
        return AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    return AutoTokenizer.from_pretrained(path)


def make_rows(count: int) -> list[dict[str, Any]]:
    """Return conversations: of ten, one is long and two have three turns."""
    draw = random.Random(0)
    texts = [text for topic in topics.values() for text in topic.split("\n\n") if len(text) > 100]

    def text(words: int) -> str:
        parts: list[str] = []
        while sum(len(part.split()) for part in parts) < words:
            parts.append(draw.choice(texts))
        return "\n\n".join(parts)

    def turn(words: int) -> list[dict[str, str]]:
        return [{"role": "user", "content": text(20)}, {"role": "assistant", "content": text(words)}]

    def row(number: int) -> list[dict[str, str]]:
        kind = number % 10
        return turn(3000) if kind == 0 else [*turn(100), *turn(100), *turn(100)] if kind < 3 else turn(300)

    return [{"messages": row(number)} for number in range(count)]


def one_by_one(tokenizer: Any, rows: list[dict[str, Any]]) -> Found:
    """Tokenize in a plain loop."""
    kept: dict[str, list[np.ndarray]] = {"input_ids": [], "labels": []}
    tokens, has_special_token = 0, special_token_finder(tokenizer)
    for row in rows:
        if not has_special_token(row["messages"]):
            ids, labels = tokenize(tokenizer, row["messages"])
            tokens += len(ids)
            kept["input_ids"].append(np.array(ids, dtype=np.int32))
            kept["labels"].append(np.array(labels, dtype=np.int32))
    return Dataset.from_dict(kept), tokens


def in_batches(tokenizer: Any, rows: list[dict[str, Any]]) -> Found:
    """Tokenize as ``lwtui train`` does."""
    dataset, counts = tokenize_rows(tokenizer, rows, 1_000_000)
    return dataset, counts["tokens"]


if __name__ == "__main__":
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())

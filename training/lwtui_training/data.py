"""SFT rows: documents written by AgentWrite and rows that are there already, filtered, mixed and counted."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

from lwtui.documents.store import Document
from lwtui.text import count_words
from lwtui_training.document_writer import document_path, write_documents
from lwtui_training.progress import note
from lwtui_training.recipe import Data, Recipe
from lwtui_training.row_filters import Filters, cut_after
from lwtui_training.rows import Instruction, Row, read_instructions, read_messages, write_rows
from lwtui_training.steps import TrainError, input_hash

ROWS = "rows.jsonl"
_EDGES = (0, 500, 1000, 2000, 4000, 8000, 16_000, 32_000)


def data_inputs(recipe: Recipe) -> dict[str, str]:
    """What the step reads, for its manifest."""
    data = recipe.data
    named = {"instructions": data.instructions, "long": data.long, "general": data.general}
    return {key: input_hash(recipe.find(name)) for key, name in named.items() if name}


def make_data(recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Write ``rows.jsonl`` into ``folder``, with ``refused.jsonl`` and a histogram of lengths; the metrics."""
    data = recipe.data
    filters = Filters(data)
    refused: list[Row] = []
    long: list[Row] = []
    metrics: dict[str, Any] = {}
    if data.instructions:
        written, tally = _written(recipe, folder, filters, refused)
        long += written
        metrics["writing"] = vars(tally)
    if data.long:
        long += _loaded(recipe, filters, refused)
    if not long:
        reasons = Counter(row["reason"].split(":")[0] for row in refused)
        raise TrainError(f"No long row is left. Refused: {dict(reasons) or 'nothing'}. See {folder / 'refused.jsonl'}.")
    rows = _mixed(recipe, long)
    write_rows(folder / "refused.jsonl", refused)
    write_rows(folder / ROWS, rows)
    lengths = [count_words(_answer(row)) for row in long]
    _show(lengths, folder)
    return metrics | {
        "rows": len(rows),
        "long": len(long),
        "general": len(rows) - len(long),
        "refused": dict(Counter(row["reason"].split(":")[0] for row in refused)),
        "words": sum(lengths),
        "longest": max(lengths),
    }


def asked(one: Instruction) -> str:
    """The instruction with its length, where it does not say one itself."""
    said = str(one.words) in one.instruction or f"{one.words:,}" in one.instruction
    return one.instruction if said else f"{one.instruction} Write about {one.words} words."


def _written(recipe: Recipe, folder: Path, filters: Filters, refused: list[Row]) -> tuple[list[Row], Any]:
    data = recipe.data
    instructions = read_instructions(recipe.find(data.instructions), data.words)
    documents = folder / "documents"
    tally = asyncio.run(write_documents(data, instructions, documents, recipe.seed))
    rows = []
    for number, one in enumerate(instructions):
        path = document_path(documents, number)
        if not path.exists():
            continue
        with Document.open(path, read_only=True) as document:
            sections = document.sections()
        text = "\n\n".join(section.text.strip() for section in sections if section.text.strip())
        lengths = tuple((section.words, section.length) for section in sections)
        reason = filters.why_not(text, one.words, lengths)
        if reason:
            refused.append({"document": path.name, "reason": reason})
        else:
            rows.append(_row(asked(one), _cut(text, data)))
    return rows, tally


def _loaded(recipe: Recipe, filters: Filters, refused: list[Row]) -> list[Row]:
    data = recipe.data
    kept = []
    for number, row in enumerate(read_messages(recipe.find(data.long), data.long_split)):
        reason = filters.why_not(_answer(row))
        if reason:
            refused.append({"row": number, "reason": reason})
            continue
        messages = [*row["messages"][:-1], {"role": "assistant", "content": _cut(_answer(row), data)}]
        kept.append({"messages": messages})
    if data.most_rows:
        kept = sorted(kept, key=lambda row: -count_words(_answer(row)))[: data.most_rows]
    return kept


def _mixed(recipe: Recipe, long: list[Row]) -> list[Row]:
    """The long rows with general ones, in an order that the seed decides."""
    draw = random.Random(recipe.seed)
    general: list[Row] = []
    if recipe.data.general:
        general = read_messages(recipe.find(recipe.data.general), recipe.data.general_split)
        wanted = round(recipe.data.general_per_long * len(long)) or len(general)
        if wanted > len(general):
            note(f"There are {len(general):,} general rows, fewer than the {wanted:,} that the ratio asks for.")
        general = draw.sample(general, min(wanted, len(general)))
    rows = long + general
    draw.shuffle(rows)
    return rows


def _row(instruction: str, text: str) -> Row:
    return {"messages": [{"role": "user", "content": instruction}, {"role": "assistant", "content": text}]}


def _answer(row: Row) -> str:
    text: str = row["messages"][-1]["content"]
    return text


def _cut(text: str, data: Data) -> str:
    return cut_after(text, data.words_cut) if data.words_cut else text


def _show(lengths: list[int], folder: Path) -> None:
    """The histogram of lengths, in the terminal and as a picture."""
    bins = Counter(max(edge for edge in _EDGES if edge <= length) for length in lengths)
    most = max(bins.values())
    for low, high in zip(_EDGES, (*_EDGES[1:], None), strict=True):
        if bins[low]:
            label = f"{low:>6,} to {high:,} words" if high else f"{low:>6,} words and more"
            note(f"{label:24} {bins[low]:>6,} {'█' * max(1, round(bins[low] * 40 / most))}")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3))
    axes.hist(lengths, bins=40)
    axes.set(xlabel="words of an answer", ylabel="rows")
    figure.tight_layout()
    figure.savefig(folder / "lengths.png", dpi=120)
    pyplot.close(figure)

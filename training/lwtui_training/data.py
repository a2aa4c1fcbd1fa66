"""The step ``data``: SFT rows from documents written by AgentWrite and from existing rows, filtered and mixed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

from lwtui.documents.store import Document
from lwtui.text import count_words, detect_language
from lwtui.text.asked_length import words_in
from lwtui.translation import _
from lwtui_training.document_writer import document_path, write_documents
from lwtui_training.progress import note, pad
from lwtui_training.recipe import DataConfig, Recipe
from lwtui_training.row_files import DatasetPart
from lwtui_training.row_filters import RowFilters, truncate_to_words
from lwtui_training.row_formats import Row
from lwtui_training.rows import Instruction, Rows, read_instructions, read_messages, write_rows
from lwtui_training.steps import TrainError, input_hash

ROWS = "rows.jsonl"
_ASKS = {
    "en": "Write about {words} words.",
    "zh": "请写大约{words}字。",
    "ja": "約{words}字で書いてください。",
    "ko": "약 {words}단어로 써 주세요.",
    "de": "Schreibe etwa {words} Wörter.",
    "fr": "Écris environ {words} mots.",
    "es": "Escribe unas {words} palabras.",
    "it": "Scrivi circa {words} parole.",
    "pt": "Escreva cerca de {words} palavras.",
    "nl": "Schrijf ongeveer {words} woorden.",
    "ru": "Напиши примерно {words} слов.",
}
_BIN_EDGES = (0, 500, 1000, 2000, 4000, 8000, 16_000, 32_000)


def data_inputs(recipe: Recipe) -> dict[str, str]:
    """Return hashes of the files that the step reads, for its manifest."""
    data = recipe.data
    named = {"instructions": data.instructions, "long": data.long, "general": data.general}
    return {key: input_hash(recipe.resolve(name)) for key, name in named.items() if name}


def make_data(recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Run the step.

    Args:
        recipe: The recipe.
        folder: Receives ``rows.jsonl``, ``refused.jsonl`` and a histogram of lengths. Documents that are already there
            are not written again.

    Returns:
        The metrics for the manifest.

    Raises:
        TrainError: A row is malformed, or no long row is left after filtering.
    """
    data = recipe.data
    filters = RowFilters(data)
    refused: list[Row] = []
    long: list[Row] = []
    metrics: dict[str, Any] = {}
    if data.instructions:
        written, tally = _write_rows(recipe, folder, filters, refused)
        long += written
        metrics["writing"] = vars(tally)
    if data.long:
        long += _load_rows(recipe, filters, refused)
    if not long:
        reasons = Counter(row["reason"].split(":")[0] for row in refused)
        counted = dict(reasons) or _("nothing")
        raise TrainError(
            _("No long row is left. Refused: {refused}. Loosen the limits in [data], or add rows.", refused=counted),
            code="no-rows-left",
        )
    rows = _mix(recipe, long, refused)
    write_rows(folder / "refused.jsonl", refused)
    write_rows(folder / ROWS, rows)
    lengths = [count_words(_answer(row)) for row in long]
    _show_histogram(lengths, folder)
    return metrics | {
        "rows": len(rows),
        "long": len(long),
        "general": len(rows) - len(long),
        "refused": dict(Counter(row["reason"].split(":")[0] for row in refused)),
        "words": sum(lengths),
        "longest": max(lengths),
    }


def prompt_for(instruction: Instruction) -> str:
    """Return the instruction, with its length added in its language unless it states it."""
    text, words = instruction.text, instruction.words
    if words_in(text) == words or instruction.constraint:
        return text
    language = detect_language(text).partition("-")[0]
    asks = _ASKS.get(language, _ASKS["en"]).format(words=words)
    return f"{text}{asks}" if language in ("zh", "ja") else f"{text} {asks}"


def long_rows(recipe: Recipe, limit: int = 0) -> Rows[Row]:
    """Read the rows of ``data.long``, or the first ``limit`` of them."""
    data = recipe.data
    part = DatasetPart(data.long_split, data.long_subset, data.long_revision, limit)
    return read_messages(recipe.resolve(data.long), part, data.most_bad_rows)


def general_rows(recipe: Recipe, limit: int = 0) -> Rows[Row]:
    """Read the rows of ``data.general``, or the first ``limit`` of them."""
    data = recipe.data
    part = DatasetPart(data.general_split, data.general_subset, data.general_revision, limit)
    return read_messages(recipe.resolve(data.general), part, data.most_bad_rows)


def _write_rows(recipe: Recipe, folder: Path, filters: RowFilters, refused: list[Row]) -> tuple[list[Row], Any]:
    data = recipe.data
    instructions = read_instructions(recipe.resolve(data.instructions), data.words, data.most_bad_rows)
    _list_dropped(instructions, "instructions", refused)
    documents = folder / "documents"
    tally = asyncio.run(write_documents(data, instructions, documents, recipe.seed))
    rows = []
    for number, instruction in enumerate(instructions):
        path = document_path(documents, number)
        if not path.exists():
            continue
        with Document.open(path, read_only=True) as document:
            sections = document.sections()
        text = "\n\n".join(section.text.strip() for section in sections if section.text.strip())
        lengths = tuple((section.words, section.length) for section in sections)
        reason = filters.reason_to_refuse(text, instruction.words, lengths)
        if reason:
            refused.append({"document": path.name, "reason": reason})
        else:
            rows.append(_row(prompt_for(instruction), _truncate(text, data)))
    return rows, tally


def _load_rows(recipe: Recipe, filters: RowFilters, refused: list[Row]) -> list[Row]:
    data = recipe.data
    kept = []
    rows = long_rows(recipe)
    _list_dropped(rows, "long", refused)
    for number, row in enumerate(rows):
        reason = filters.reason_to_refuse(_answer(row))
        if reason:
            refused.append({"row": number, "reason": reason})
            continue
        messages = [*row["messages"][:-1], {"role": "assistant", "content": _truncate(_answer(row), data)}]
        kept.append({"messages": messages})
    if data.most_rows:
        kept = sorted(kept, key=lambda row: -count_words(_answer(row)))[: data.most_rows]
    return kept


def _list_dropped(rows: Rows[Any], name: str, refused: list[Row]) -> None:
    """Tell which rows of a source cannot be used, and list them."""
    if rows.summary:
        note(_("data.{name}: {summary}. They are listed in refused.jsonl.", name=name, summary=rows.summary))
    refused += [{"source": name, **row} for row in rows.dropped]


def _mix(recipe: Recipe, long: list[Row], refused: list[Row]) -> list[Row]:
    """Mix long and general rows, in an order that depends on the seed."""
    draw = random.Random(recipe.seed)
    general: list[Row] = []
    if recipe.data.general:
        found = general_rows(recipe)
        _list_dropped(found, "general", refused)
        wanted = round(recipe.data.general_per_long * len(long)) or len(found)
        if wanted > len(found):
            note(
                _(
                    "There are only {count:,} general rows; general_per_long asks for {wanted:,}.",
                    count=len(found),
                    wanted=wanted,
                )
            )
        general = draw.sample(found, min(wanted, len(found)))
    rows = long + general
    draw.shuffle(rows)
    return rows


def _row(instruction: str, text: str) -> Row:
    return {"messages": [{"role": "user", "content": instruction}, {"role": "assistant", "content": text}]}


def _answer(row: Row) -> str:
    text: str = row["messages"][-1]["content"]
    return text


def _truncate(text: str, data: DataConfig) -> str:
    return truncate_to_words(text, data.words_cut) if data.words_cut else text


def _show_histogram(lengths: list[int], folder: Path) -> None:
    """Print a histogram of lengths, and save it as an image."""
    bins = Counter(max(edge for edge in _BIN_EDGES if edge <= length) for length in lengths)
    highest = max(bins.values())
    for low, high in zip(_BIN_EDGES, (*_BIN_EDGES[1:], None), strict=True):
        if bins[low]:
            if high:
                label = _("{low:>6,} to {high:,} words", low=low, high=high)
            else:
                label = _("{low:>6,} or more words", low=low)
            note(f"{pad(label, 24)} {bins[low]:>6,} {'█' * max(1, round(bins[low] * 40 / highest))}")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3))
    axes.hist(lengths, bins=40)
    axes.set(xlabel="words per answer", ylabel="rows")
    figure.tight_layout()
    figure.savefig(folder / "lengths.png", dpi=120)
    pyplot.close(figure)

"""The step ``prefs``: preference pairs.

They come from several answers to an instruction, of which the best is chosen over another one (arXiv 2408.07055), and
from documents, where a person has chosen.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from lwtui.translation import _
from lwtui_training.answer_samples import ScoredSample, sample_answers, score_samples
from lwtui_training.data import prompt_for
from lwtui_training.document_pairs import document_pairs
from lwtui_training.progress import note
from lwtui_training.recipe import PrefsConfig, Recipe
from lwtui_training.row_files import DatasetPart
from lwtui_training.row_filters import reason_not_to_teach
from lwtui_training.row_formats import Row
from lwtui_training.rows import Instruction, Rows, read_instructions, read_preferences, write_rows
from lwtui_training.steps import TrainError, input_hash

PAIRS = "pairs.jsonl"


def preference_inputs(recipe: Recipe) -> dict[str, str]:
    """Return hashes of the files that the step reads, for its manifest."""
    prefs = recipe.prefs
    named = {"instructions": prefs.instructions, "general": prefs.general}
    named |= {f"documents/{at}": name for at, name in enumerate(prefs.documents)}
    return {key: input_hash(recipe.resolve(name)) for key, name in named.items() if name}


def make_preferences(recipe: Recipe, checkpoint: str, folder: Path) -> dict[str, Any]:
    """Run the step.

    Args:
        recipe: The recipe.
        checkpoint: The checkpoint to sample from, unless the recipe names a model.
        folder: Receives ``pairs.jsonl`` and the samples. Samples that are already there are not drawn again.

    Returns:
        The metrics for the manifest.

    Raises:
        TrainError: A row is malformed, or there are no pairs.
    """
    prefs = recipe.prefs
    pairs: list[Row] = []
    refused: list[Row] = []
    metrics: dict[str, Any] = {"sampled": 0, "from_documents": 0, "general": 0, "equal": 0}
    if prefs.instructions:
        instructions = prefs_instructions(recipe)
        if not prefs.judge:
            note(_("There is no judge (prefs.judge): answers are chosen by their length alone."))
        sample_answers(recipe, checkpoint, instructions, folder)
        scored = score_samples(recipe, instructions, folder)
        draw = random.Random(recipe.seed)
        found = [
            choose_pair(prompt_for(instruction), samples, prefs, draw)
            for instruction, samples in zip(instructions, scored, strict=True)
        ]
        pairs += [pair for pair in found if pair]
        metrics |= {"sampled": len(pairs), "equal": len(found) - len(pairs)}
        scores = [sample.score for samples in scored for sample in samples]
        metrics["cut_off"] = len(instructions) * prefs.samples - len(scores)
        metrics["faulty"] = sum(bool(sample.fault) for samples in scored for sample in samples)
        metrics["mean_score"] = sum(scores) / len(scores) if scores else 0.0
        if metrics["cut_off"]:
            note(_("{count:,} answers were cut off or are missing, and are left out.", count=metrics["cut_off"]))
    from_documents = [pair for name in prefs.documents for pair in document_pairs(Path(recipe.resolve(name)))]
    metrics["from_documents"] = len(from_documents)
    pairs += from_documents
    if prefs.general:
        general, dropped = _usable_general(recipe)
        refused += dropped
        wanted = round(prefs.general_per_long * len(pairs)) or len(general)
        general = random.Random(recipe.seed).sample(general, min(wanted, len(general)))
        metrics["general"] = len(general)
        pairs += general
    if not pairs:
        raise TrainError(
            _(
                "There are no pairs: the answers to each instruction score alike, were cut off or repeat themselves. "
                "Raise prefs.max_new_tokens, lower prefs.least_margin, or train longer before."
            ),
            code="no-pairs",
        )
    random.Random(recipe.seed).shuffle(pairs)
    write_rows(folder / "refused.jsonl", refused)
    write_rows(folder / PAIRS, pairs)
    return metrics | {"pairs": len(pairs)}


def prefs_instructions(recipe: Recipe, limit: int = 0) -> Rows[Instruction]:
    """Read the instructions of the step, or the first ``limit`` of them."""
    prefs, part = recipe.prefs, DatasetPart(limit=limit)
    found = read_instructions(recipe.resolve(prefs.instructions), prefs.words, prefs.most_bad_rows, part)
    return Rows(found[: prefs.most_instructions or None], found.dropped)


def general_pairs(recipe: Recipe, limit: int = 0) -> Rows[Row]:
    """Read the pairs of ``prefs.general``, or the first ``limit`` of them."""
    prefs = recipe.prefs
    part = DatasetPart(prefs.general_split, prefs.general_subset, prefs.general_revision, limit)
    return read_preferences(recipe.resolve(prefs.general), part, prefs.most_bad_rows)


def _usable_general(recipe: Recipe) -> tuple[list[Row], list[Row]]:
    """Return the general pairs, and those that are left out because they would teach a loop or a refusal."""
    read = general_pairs(recipe)
    if read.summary:
        note(_("prefs.general: {summary}. They are listed in refused.jsonl.", summary=read.summary))
    kept: list[Row] = []
    refused: list[Row] = [{"source": "general", **row} for row in read.dropped]
    for number, pair in enumerate(read):
        reason = reason_not_to_teach(pair["chosen"][0]["content"], recipe.prefs.most_repetition)
        if reason:
            refused.append({"source": "general", "row": number, "reason": f"the chosen answer: {reason}"})
        else:
            kept.append(pair)
    return kept, refused


def choose_pair(prompt: str, samples: list[ScoredSample], prefs: PrefsConfig, draw: random.Random) -> Row | None:
    """Choose the best answer, and reject one of the others at random (arXiv 2408.07055).

    A loop, a refusal or a cut answer is never chosen, however well its length fits.

    Args:
        prompt: What the answers answer.
        samples: The answers.
        prefs: Sets the minimum margin between the two.
        draw: Chooses the rejected answer.

    Returns:
        The pair, or ``None`` if all answers score alike or none may be chosen.
    """
    candidates = [sample for sample in samples if not sample.capped and not sample.fault and sample.text.strip()]
    if not candidates:
        return None
    best = max(candidates, key=lambda sample: sample.score)
    worse = [
        sample
        for sample in samples
        if not sample.capped and best.score - sample.score >= prefs.least_margin and sample.text != best.text
    ]
    if not worse:
        return None
    rejected = draw.choice(worse)
    return {
        "prompt": [{"role": "user", "content": prompt}],
        "chosen": [{"role": "assistant", "content": best.text}],
        "rejected": [{"role": "assistant", "content": rejected.text or " "}],
        "scores": [best.score, rejected.score],
    }

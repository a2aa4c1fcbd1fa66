"""The step ``prefs``: preference pairs.

They come from several answers to an instruction, of which the best is chosen over another one (arXiv 2408.07055), and
from documents, where a person has chosen.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lwtui.documents.model import Origin, Revision
from lwtui.documents.store import Document
from lwtui.files import write_atomically
from lwtui_training.data import prompt_for
from lwtui_training.progress import ProgressMeter, note
from lwtui_training.recipe import PrefsConfig, Recipe
from lwtui_training.rows import Instruction, Row, read_instructions, read_preferences, write_rows
from lwtui_training.steps import TrainError, input_hash

PAIRS = "pairs.jsonl"
_SAMPLES = "samples"
_MIN_COMPLETE = 0.6  # a candidate shorter than this share of the longest was stopped early


@dataclass(frozen=True)
class ScoredSample:
    """An answer with its scores, from 0 to 100.

    Attributes:
        length: S_l.
        quality: S_q by the judge; ``None`` without a judge or usable grades.
        score: Both, weighted; S_l alone if there is no S_q.
    """

    text: str
    length: float
    quality: float | None
    score: float


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
    metrics: dict[str, Any] = {"sampled": 0, "from_documents": 0, "general": 0, "equal": 0}
    if prefs.instructions:
        instructions = read_instructions(recipe.resolve(prefs.instructions), prefs.words)
        instructions = instructions[: prefs.most_instructions or None]
        _sample(recipe, checkpoint, instructions, folder / _SAMPLES)
        scored = _score_samples(recipe, instructions, folder / _SAMPLES)
        draw = random.Random(recipe.seed)
        found = [
            choose_pair(prompt_for(instruction), samples, prefs, draw)
            for instruction, samples in zip(instructions, scored, strict=True)
        ]
        pairs += [pair for pair in found if pair]
        metrics |= {"sampled": len(pairs), "equal": len(found) - len(pairs)}
        metrics["mean_score"] = sum(sample.score for samples in scored for sample in samples) / sum(map(len, scored))
    from_documents = [pair for name in prefs.documents for pair in document_pairs(Path(recipe.resolve(name)))]
    metrics["from_documents"] = len(from_documents)
    pairs += from_documents
    if prefs.general:
        general = read_preferences(recipe.resolve(prefs.general), prefs.general_split)
        wanted = round(prefs.general_per_long * len(pairs)) or len(general)
        general = random.Random(recipe.seed).sample(general, min(wanted, len(general)))
        metrics["general"] = len(general)
        pairs += general
    if not pairs:
        raise TrainError("There are no pairs: the answers to each instruction score alike. Lower prefs.least_margin.")
    random.Random(recipe.seed).shuffle(pairs)
    write_rows(folder / PAIRS, pairs)
    return metrics | {"pairs": len(pairs)}


def choose_pair(prompt: str, samples: list[ScoredSample], prefs: PrefsConfig, draw: random.Random) -> Row | None:
    """Choose the best answer, and reject one of the others at random (arXiv 2408.07055).

    Args:
        prompt: What the answers answer.
        samples: The answers.
        prefs: Sets the minimum margin between the two.
        draw: Chooses the rejected answer.

    Returns:
        The pair, or ``None`` if all answers score alike.
    """
    best = max(samples, key=lambda sample: sample.score)
    worse = [
        sample for sample in samples if best.score - sample.score >= prefs.least_margin and sample.text != best.text
    ]
    if not worse or not best.text.strip():
        return None
    rejected = draw.choice(worse)
    return {
        "prompt": [{"role": "user", "content": prompt}],
        "chosen": [{"role": "assistant", "content": best.text}],
        "rejected": [{"role": "assistant", "content": rejected.text or " "}],
        "scores": [best.score, rejected.score],
    }


def document_pairs(source: Path) -> Iterator[Row]:
    """Yield pairs from documents: a section's current text over the versions that a person rejected for it.

    Args:
        source: A ``.lw`` file, or a folder that is searched for them.
    """
    paths = sorted(source.rglob("*.lw")) if source.is_dir() else [source]
    for path in paths:
        with Document.open(path, read_only=True) as document:
            for section in document.sections():
                rejected = rejected_versions(section.text, document.revisions(section.id))
                if not section.text.strip() or not rejected:
                    continue
                prompt = (
                    f"{document.brief.instruction}\n\nWrite the section {section.title!r}: {section.main_point} "
                    f"({section.words} words)"
                )
                for text in rejected:
                    yield {
                        "prompt": [{"role": "user", "content": prompt}],
                        "chosen": [{"role": "assistant", "content": section.text}],
                        "rejected": [{"role": "assistant", "content": text}],
                    }


def rejected_versions(text: str, revisions: Sequence[Revision]) -> list[str]:
    """Return the versions that a person rejected in favor of ``text``.

    These are the other candidates of the latest request for candidates, except those stopped early; without candidates,
    the first version that the model wrote.

    Args:
        text: The text that was kept.
        revisions: All versions of the section, the newest first.
    """
    others = [
        revision
        for revision in revisions
        if revision.origin is Origin.MODEL and revision.text.strip() not in ("", text.strip())
    ]
    candidates = [
        revision for revision in revisions if revision.provenance is not None and revision.provenance.is_candidate
    ]
    if not candidates or candidates[0].provenance is None:
        return [revision.text for revision in others[-1:]]
    request, longest = candidates[0].provenance.prompt_hash, max(candidate.length for candidate in candidates)
    rejected = [
        candidate
        for candidate in candidates
        if candidate in others and candidate.provenance and candidate.provenance.prompt_hash == request
    ]
    return list(dict.fromkeys(version.text for version in rejected if version.length >= longest * _MIN_COMPLETE))


def _sample(recipe: Recipe, checkpoint: str, instructions: list[Instruction], folder: Path) -> None:
    """Sample the missing answers, one file per instruction, so that an interrupted run resumes with the next one."""
    folder.mkdir(exist_ok=True)
    missing = [at for at in range(len(instructions)) if not _sample_file(folder, at).exists()]
    if not missing:
        return
    meter = ProgressMeter("Sampling", len(instructions), "instructions", len(instructions) - len(missing))
    if recipe.prefs.model:
        asyncio.run(_sample_with_lwtui(recipe, instructions, missing, folder, meter))
        return
    from lwtui_training.answer_sampling import AnswerSampler

    sampler = AnswerSampler(recipe, checkpoint)
    for at in missing:
        texts = sampler.sample(prompt_for(instructions[at]), recipe.seed + at)
        write_atomically(_sample_file(folder, at), json.dumps(texts, ensure_ascii=False))
        meter.advance()


async def _sample_with_lwtui(
    recipe: Recipe, instructions: list[Instruction], missing: list[int], folder: Path, meter: ProgressMeter
) -> None:
    from lwtui.agentwrite import open_agent
    from lwtui.agentwrite.short_calls import ask_once
    from lwtui.config import load_settings
    from lwtui.models.base import Message, Prompt, Request, Sampling
    from lwtui_training.document_writer import model_settings

    prefs = recipe.prefs
    agent = await open_agent(prefs.model, load_settings(), model=model_settings(prefs.model, prefs.base_url))
    slots = asyncio.Semaphore(prefs.batch_size)

    async def sample(prompt: str, seed: int) -> str:
        request = Request(
            Prompt(messages=(Message("user", prompt),)),
            prefs.max_new_tokens,
            sampling=Sampling(temperature=prefs.temperature, top_p=prefs.top_p),
            seed=seed,
        )
        async with slots:
            return (await ask_once(agent, request)).text

    try:
        for at in missing:
            seeds = ((recipe.seed + at) * 1000 + number for number in range(prefs.samples))
            texts = await asyncio.gather(*(sample(prompt_for(instructions[at]), seed) for seed in seeds))
            write_atomically(_sample_file(folder, at), json.dumps(texts, ensure_ascii=False))
            meter.advance()
    finally:
        await agent.aclose()


def _score_samples(recipe: Recipe, instructions: list[Instruction], folder: Path) -> list[list[ScoredSample]]:
    from lwtui_bench.length_score import count, length_score

    answers = [json.loads(_sample_file(folder, at).read_text(encoding="utf-8")) for at in range(len(instructions))]
    qualities = asyncio.run(_judge_samples(recipe, instructions, answers)) if recipe.prefs.judge else None
    weight = recipe.prefs.judge_weight
    scored = []
    for at, (instruction, texts) in enumerate(zip(instructions, answers, strict=True)):
        s_l = [length_score(instruction.words, count(text)) for text in texts]
        s_q = qualities[at] if qualities else [None] * len(texts)
        scores = [
            length if quality is None else (1 - weight) * length + weight * quality
            for length, quality in zip(s_l, s_q, strict=True)
        ]
        scored.append([ScoredSample(*row) for row in zip(texts, s_l, s_q, scores, strict=True)])
    return scored


async def _judge_samples(
    recipe: Recipe, instructions: list[Instruction], answers: list[list[str]]
) -> list[list[float | None]]:
    """Return S_q of every answer, or ``None`` if the judge's grades cannot be read."""
    from lwtui.agentwrite import open_agent
    from lwtui.agentwrite.short_calls import ask_once
    from lwtui.config import load_settings
    from lwtui.models.base import Message, Prompt, Request, Sampling
    from lwtui_bench.grades import quality, read_grades
    from lwtui_bench.judge import load_judge_template
    from lwtui_training.document_writer import model_settings

    template = load_judge_template("own", None)
    agent = await open_agent(recipe.prefs.judge, load_settings(), model=model_settings(recipe.prefs.judge, ""))

    async def grade(prompt: str, text: str) -> float | None:
        request = Request(
            Prompt(messages=(Message("user", template.render(prompt, text)),)), 1024, sampling=Sampling(temperature=0.5)
        )
        return quality(read_grades((await ask_once(agent, request)).text))

    try:
        grades = [
            [await grade(prompt_for(instruction), text) for text in texts]
            for instruction, texts in zip(instructions, answers, strict=True)
        ]
    finally:
        await agent.aclose()
    ungraded = sum(s_q is None for row in grades for s_q in row)
    if ungraded:
        note(f"The judge did not grade {ungraded} answers. They are scored by length alone.")
    return grades


def _sample_file(folder: Path, at: int) -> Path:
    return folder / f"{at:06}.json"

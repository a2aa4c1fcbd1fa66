"""Preference pairs: several answers to an instruction, scored; the best is chosen over another one."""

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
from lwtui_training.data import asked
from lwtui_training.progress import Meter, note
from lwtui_training.recipe import Prefs, Recipe
from lwtui_training.rows import Instruction, Row, read_instructions, read_preferences, write_rows
from lwtui_training.steps import TrainError, input_hash

PAIRS = "pairs.jsonl"
_SAMPLES = "samples"
_WHOLE = 0.6  # a candidate shorter than this share of the longest was stopped


@dataclass(frozen=True)
class Scored:
    """An answer, its S_l, the judge's S_q (``None`` without a judge), and both together, from 0 to 100."""

    text: str
    length: float
    quality: float | None
    score: float


def preference_inputs(recipe: Recipe) -> dict[str, str]:
    """What the step reads, for its manifest."""
    prefs = recipe.prefs
    named = {"instructions": prefs.instructions, "general": prefs.general}
    named |= {f"documents/{at}": name for at, name in enumerate(prefs.documents)}
    return {key: input_hash(recipe.find(name)) for key, name in named.items() if name}


def make_preferences(recipe: Recipe, checkpoint: str, folder: Path) -> dict[str, Any]:
    """Write ``pairs.jsonl`` into ``folder``; the metrics. Samples that are there already are not drawn again."""
    prefs = recipe.prefs
    pairs: list[Row] = []
    metrics: dict[str, Any] = {"sampled": 0, "from_documents": 0, "general": 0, "equal": 0}
    if prefs.instructions:
        instructions = read_instructions(recipe.find(prefs.instructions), prefs.words)
        instructions = instructions[: prefs.most_instructions or None]
        _sample(recipe, checkpoint, instructions, folder / _SAMPLES)
        scored = _scored(recipe, instructions, folder / _SAMPLES)
        drawn = random.Random(recipe.seed)
        found = [choose(asked(one), texts, prefs, drawn) for one, texts in zip(instructions, scored, strict=True)]
        pairs += [pair for pair in found if pair]
        metrics |= {"sampled": len(pairs), "equal": len(found) - len(pairs)}
        metrics["mean_score"] = sum(one.score for texts in scored for one in texts) / sum(map(len, scored))
    of_documents = [pair for name in prefs.documents for pair in document_pairs(Path(recipe.find(name)))]
    metrics["from_documents"] = len(of_documents)
    pairs += of_documents
    if prefs.general:
        general = read_preferences(recipe.find(prefs.general), prefs.general_split)
        wanted = round(prefs.general_per_long * len(pairs)) or len(general)
        general = random.Random(recipe.seed).sample(general, min(wanted, len(general)))
        metrics["general"] = len(general)
        pairs += general
    if not pairs:
        raise TrainError("There is no pair: the answers to each instruction scored alike. Lower prefs.least_margin.")
    random.Random(recipe.seed).shuffle(pairs)
    write_rows(folder / PAIRS, pairs)
    return metrics | {"pairs": len(pairs)}


def choose(prompt: str, answers: list[Scored], prefs: Prefs, drawn: random.Random) -> Row | None:
    """The best answer against one of the others at random, as in the paper; ``None`` if all score alike."""
    best = max(answers, key=lambda one: one.score)
    others = [one for one in answers if best.score - one.score >= prefs.least_margin and one.text != best.text]
    if not others or not best.text.strip():
        return None
    other = drawn.choice(others)
    return {
        "prompt": [{"role": "user", "content": prompt}],
        "chosen": [{"role": "assistant", "content": best.text}],
        "rejected": [{"role": "assistant", "content": other.text or " "}],
        "scores": [best.score, other.score],
    }


def document_pairs(source: Path) -> Iterator[Row]:
    """Pairs from ``.lw`` files: the text of a section that a person kept over the model's that it replaced, or over
    each of the candidates that it was chosen from."""
    paths = sorted(source.rglob("*.lw")) if source.is_dir() else [source]
    for path in paths:
        with Document.open(path, read_only=True) as document:
            for section in document.sections():
                rejected = left_for(section.text, document.revisions(section.id))
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


def left_for(text: str, revisions: Sequence[Revision]) -> list[str]:
    """What a person left for ``text``, the newest of ``revisions`` first: every other candidate of the newest request
    for candidates, else the first that the model wrote. One that was stopped early was not judged, so it is no pair."""
    others = [one for one in revisions if one.origin is Origin.MODEL and one.text.strip() not in ("", text.strip())]
    candidates = [one for one in revisions if one.provenance is not None and one.provenance.is_candidate]
    if not candidates or candidates[0].provenance is None:
        return [one.text for one in others[-1:]]
    request, longest = candidates[0].provenance.prompt_hash, max(one.length for one in candidates)
    same = [one for one in candidates if one in others and one.provenance and one.provenance.prompt_hash == request]
    return list(dict.fromkeys(one.text for one in same if one.length >= longest * _WHOLE))


def _sample(recipe: Recipe, checkpoint: str, instructions: list[Instruction], folder: Path) -> None:
    """Draw what is missing. One file an instruction, so that a killed run goes on with the next."""
    folder.mkdir(exist_ok=True)
    missing = [at for at in range(len(instructions)) if not _sample_file(folder, at).exists()]
    if not missing:
        return
    meter = Meter("Sampling", len(instructions), "instructions", len(instructions) - len(missing))
    if recipe.prefs.model:
        asyncio.run(_sample_with_lwtui(recipe, instructions, missing, folder, meter))
        return
    from lwtui_training.answer_sampling import AnswerSampler

    sampler = AnswerSampler(recipe, checkpoint)
    for at in missing:
        texts = sampler.answers(asked(instructions[at]), recipe.seed + at)
        write_atomically(_sample_file(folder, at), json.dumps(texts, ensure_ascii=False))
        meter.advance()


async def _sample_with_lwtui(
    recipe: Recipe, instructions: list[Instruction], missing: list[int], folder: Path, meter: Meter
) -> None:
    from lwtui.agentwrite import open_agent
    from lwtui.agentwrite.short_calls import ask_once
    from lwtui.config import load_settings
    from lwtui.models.base import Message, Prompt, Request, Sampling
    from lwtui_training.document_writer import model_settings

    prefs = recipe.prefs
    agent = await open_agent(prefs.model, load_settings(), model=model_settings(prefs.model, prefs.base_url))
    slots = asyncio.Semaphore(prefs.batch_size)

    async def one(prompt: str, seed: int) -> str:
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
            texts = await asyncio.gather(*(one(asked(instructions[at]), seed) for seed in seeds))
            write_atomically(_sample_file(folder, at), json.dumps(texts, ensure_ascii=False))
            meter.advance()
    finally:
        await agent.aclose()


def _scored(recipe: Recipe, instructions: list[Instruction], folder: Path) -> list[list[Scored]]:
    from lwtui_bench.length_score import count, length_score

    answers = [json.loads(_sample_file(folder, at).read_text(encoding="utf-8")) for at in range(len(instructions))]
    qualities = asyncio.run(_judged(recipe, instructions, answers)) if recipe.prefs.judge else None
    weight = recipe.prefs.judge_weight
    scored = []
    for at, (one, texts) in enumerate(zip(instructions, answers, strict=True)):
        lengths = [length_score(one.words, count(text)) for text in texts]
        found = qualities[at] if qualities else [None] * len(texts)
        both = [
            length if quality is None else (1 - weight) * length + weight * quality
            for length, quality in zip(lengths, found, strict=True)
        ]
        scored.append([Scored(*row) for row in zip(texts, lengths, found, both, strict=True)])
    return scored


async def _judged(
    recipe: Recipe, instructions: list[Instruction], answers: list[list[str]]
) -> list[list[float | None]]:
    """S_q of every answer; ``None`` where the judge's grades could not be read."""
    from lwtui.agentwrite import open_agent
    from lwtui.agentwrite.short_calls import ask_once
    from lwtui.config import load_settings
    from lwtui.models.base import Message, Prompt, Request, Sampling
    from lwtui_bench.grades import quality, read_grades
    from lwtui_bench.judge import load_template
    from lwtui_training.document_writer import model_settings

    template = load_template("own", None)
    agent = await open_agent(recipe.prefs.judge, load_settings(), model=model_settings(recipe.prefs.judge, ""))

    async def grade(prompt: str, text: str) -> float | None:
        request = Request(
            Prompt(messages=(Message("user", template.render(prompt, text)),)), 1024, sampling=Sampling(temperature=0.5)
        )
        return quality(read_grades((await ask_once(agent, request)).text))

    try:
        grades = [
            [await grade(asked(one), text) for text in texts] for one, texts in zip(instructions, answers, strict=True)
        ]
    finally:
        await agent.aclose()
    unread = sum(one is None for row in grades for one in row)
    if unread:
        note(f"{unread} answers have no grades from the judge; their length alone counts.")
    return grades


def _sample_file(folder: Path, at: int) -> Path:
    return folder / f"{at:06}.json"

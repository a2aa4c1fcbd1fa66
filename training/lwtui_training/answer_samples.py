"""Sample several answers to each instruction, and score them. Each answer and each grade is stored as it comes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from lwtui.errors import LwtuiError
from lwtui.translation import _
from lwtui_bench.jsonl import JsonLinesFile
from lwtui_training.data import prompt_for
from lwtui_training.progress import ProgressMeter, note
from lwtui_training.recipe import Recipe
from lwtui_training.row_filters import reason_not_to_teach
from lwtui_training.rows import Instruction
from lwtui_training.steps import TrainError

SAMPLES = "samples.jsonl"
GRADES = "grades.jsonl"
_GRADE_TOKENS = 2048
_Key = tuple[int, int]
_T = TypeVar("_T")


@dataclass(frozen=True)
class ScoredSample:
    """An answer with its scores, from 0 to 100.

    Attributes:
        length: S_l.
        quality: S_q by the judge; ``None`` without a judge or usable grades.
        score: Both, weighted; S_l alone if there is no S_q.
        capped: Whether it was cut off at the limit of tokens.
        fault: Why it must not be preferred, such as a loop; empty if it may.
    """

    text: str
    length: float
    quality: float | None
    score: float
    capped: bool = False
    fault: str = ""


def sample_answers(recipe: Recipe, checkpoint: str, instructions: list[Instruction], folder: Path) -> None:
    """Sample the answers that are missing in ``folder``.

    Args:
        recipe: The recipe; ``[prefs]`` says how to sample.
        checkpoint: The checkpoint to sample from, unless the recipe names a model.
        instructions: What to answer.
        folder: The folder of the step.

    Raises:
        TrainError: Too many calls failed.
    """
    prefs = recipe.prefs
    with closing(JsonLinesFile.open(folder / SAMPLES)) as store:
        known = {(row["at"], row["number"]) for row in store.rows}
        missing = [
            key for at in range(len(instructions)) for n in range(prefs.samples) if (key := (at, n)) not in known
        ]
        if not missing:
            return
        meter = ProgressMeter(_("Sampling"), len(known) + len(missing), _("answers"), len(known))
        if prefs.model:
            asyncio.run(_sample_with_lwtui(recipe, instructions, missing, store, meter))
            return
        if prefs.serve:
            from lwtui_training.serve import NAME, serving

            with serving(recipe, checkpoint, folder) as url:
                served = replace(recipe, prefs=replace(prefs, model=NAME, base_url=(url,)))
                asyncio.run(_sample_with_lwtui(served, instructions, missing, store, meter))
            return
        from lwtui_training.answer_sampling import AnswerSampler

        sampler = AnswerSampler(recipe, checkpoint)
        for at in dict.fromkeys(at for at, _number in missing):
            numbers = [number for other, number in missing if other == at]
            answers = sampler.sample(prompt_for(instructions[at]), recipe.seed + at, len(numbers))
            for number, answer in zip(numbers, answers, strict=True):
                store.append({"at": at, "number": number, **answer})
            meter.advance(len(numbers))


def score_samples(recipe: Recipe, instructions: list[Instruction], folder: Path) -> list[list[ScoredSample]]:
    """Return the scored answers to each instruction, without those that were cut off.

    Raises:
        TrainError: Too many calls of the judge failed.
    """
    from lwtui_bench.length_score import count, length_score

    answers: dict[int, dict[int, dict[str, Any]]] = defaultdict(dict)
    with closing(JsonLinesFile.open(folder / SAMPLES)) as store:
        for row in store.rows:
            answers[row["at"]][row["number"]] = row
    kept = {(at, number): row for at, rows in answers.items() for number, row in rows.items() if not row["capped"]}
    if recipe.prefs.judge:
        qualities = asyncio.run(_judge(recipe, instructions, {key: row["text"] for key, row in kept.items()}, folder))
    else:
        qualities = {}
    weight = recipe.prefs.judge_weight
    scored: list[list[ScoredSample]] = [[] for _instruction in instructions]
    for (at, number), row in sorted(kept.items()):
        s_l = length_score(instructions[at].words, count(row["text"]))
        s_q = qualities.get((at, number))
        score = s_l if s_q is None else (1 - weight) * s_l + weight * s_q
        fault = reason_not_to_teach(row["text"], recipe.prefs.most_repetition)
        scored[at].append(ScoredSample(row["text"], s_l, s_q, score, fault=fault))
    return scored


async def _sample_with_lwtui(
    recipe: Recipe, instructions: list[Instruction], missing: list[_Key], store: JsonLinesFile, meter: ProgressMeter
) -> None:
    from lwtui.agentwrite.short_calls import ask_once
    from lwtui.config import load_settings
    from lwtui.models.base import Message, Prompt, Request, Sampling
    from lwtui.text import clean
    from lwtui_bench.endpoints import open_endpoints
    from lwtui_training.document_writer import model_choices

    prefs = recipe.prefs
    agent = await open_endpoints(model_choices(prefs.model, prefs.base_url), load_settings(), prefs.concurrency)

    async def sample(key: _Key) -> None:
        at, number = key
        request = Request(
            Prompt(messages=(Message("user", prompt_for(instructions[at])),)),
            prefs.max_new_tokens,
            sampling=Sampling(temperature=prefs.temperature, top_p=prefs.top_p),
            seed=(recipe.seed + at) * 1000 + number,
        )
        answer = await ask_once(agent, await agent.fitted(request))
        text, capped = clean(answer.text).strip(), answer.reason != "stop"
        await store.append_async({"at": at, "number": number, "text": text, "capped": capped})
        meter.advance()

    try:
        await run_calls(missing, sample, prefs.concurrency, prefs.most_bad_rows, _("answers"))
    finally:
        await agent.aclose()


async def _judge(
    recipe: Recipe, instructions: list[Instruction], texts: dict[_Key, str], folder: Path
) -> dict[_Key, float | None]:
    """Return S_q of every answer, or ``None`` if the judge's grades cannot be read."""
    from lwtui.agentwrite.short_calls import ask_once
    from lwtui.config import Role, load_settings
    from lwtui.models.base import Message, Prompt, Request, Sampling
    from lwtui_bench.endpoints import open_endpoints
    from lwtui_bench.grades import quality, read_grades
    from lwtui_bench.judge import load_judge_template
    from lwtui_training.document_writer import model_choices

    prefs, template = recipe.prefs, load_judge_template("own", None)
    with closing(JsonLinesFile.open(folder / GRADES)) as store:
        found: dict[_Key, float | None] = {(row["at"], row["number"]): row["quality"] for row in store.rows}
        missing = [key for key in texts if key not in found]
        if missing:
            choices = model_choices(prefs.judge, prefs.judge_base_url)
            agent = await open_endpoints(choices, load_settings(), prefs.concurrency)
            meter = ProgressMeter(_("Judging"), len(texts), _("answers"), len(texts) - len(missing))

            async def grade(key: _Key) -> None:
                prompt = template.render(prompt_for(instructions[key[0]]), texts[key])
                sampling = Sampling(temperature=0.5)
                chat = Prompt(messages=(Message("user", prompt),))
                request = Request(chat, _GRADE_TOKENS, sampling=sampling, role=Role.JUDGE)
                found[key] = quality(read_grades((await ask_once(agent, await agent.fitted(request))).text))
                await store.append_async({"at": key[0], "number": key[1], "quality": found[key]})
                meter.advance()

            try:
                await run_calls(missing, grade, prefs.concurrency, prefs.most_bad_rows, _("grades"))
            finally:
                await agent.aclose()
    ungraded = sum(found.get(key) is None for key in texts)
    if ungraded:
        note(_("The judge did not grade {count} answers. They are scored by length alone.", count=ungraded))
    return found


async def run_calls(
    keys: Iterable[_T], call: Callable[[_T], Awaitable[None]], concurrency: int, most_failed: float, what: str
) -> None:
    """Make many calls concurrently; single failures do not end the others.

    Args:
        keys: What to call for.
        call: Makes one call, retries included.
        concurrency: Maximum number of calls in flight.
        most_failed: Share of the calls that may fail.
        what: What the calls bring, for messages.

    Raises:
        LwtuiError: Every further call would fail.
        TrainError: More calls failed than may. Those that succeeded are stored.
    """
    from lwtui_bench.workers import is_fatal, run_concurrently

    keys = list(keys)
    failures: list[LwtuiError] = []

    async def process(key: _T) -> None:
        try:
            await call(key)
        except LwtuiError as error:
            if is_fatal(error):
                raise
            failures.append(error)
            if len(failures) > max(concurrency, most_failed * len(keys)):
                raise _too_many(failures, len(keys), what) from None

    await run_concurrently(keys, process, concurrency)
    if len(failures) > most_failed * len(keys):
        raise _too_many(failures, len(keys), what)
    if failures:
        note(
            _(
                "{count:,} of {total:,} {what} failed and are left out. The last error: {error}",
                count=len(failures),
                total=len(keys),
                what=what,
                error=failures[-1],
            )
        )


def _too_many(failures: list[LwtuiError], count: int, what: str) -> TrainError:
    return TrainError(
        _(
            "{count:,} of {total:,} {what} failed. The last error: {error}. The others "
            "are stored; run the same command again for the rest.",
            count=len(failures),
            total=count,
            what=what,
            error=str(failures[-1]).rstrip(".。"),
        ),
        code="calls-failed",
    )

"""Rewards for GRPO: length, repetition, format and a judge. Each is from 0 to 1, and 0 for an answer that was cut off.

Without the zero for cut answers, a model learns to run into the limit of tokens.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import regex

from lwtui.text import clean, sentence_ends
from lwtui.translation import _
from lwtui_bench.length_score import count, length_score
from lwtui_bench.suites.constraints import Constraint
from lwtui_training.recipe import GrpoConfig
from lwtui_training.row_filters import reason_not_to_teach, repeated_ngram_share

Reward = Callable[..., list[float]]
_JUDGEMENTS = "judgements-{rank}.jsonl"  # one per process
_GRADE_TOKENS = 2048
_NO_REPETITION = 0.3  # share of repeated n-grams from which nothing is left of the reward
_MARKS = regex.compile(
    r"<\|?/?\w+\|?>|\[/?INST\]|<<SYS>>|^(?:user|assistant|system)\s*:", regex.IGNORECASE | regex.MULTILINE
)
_TALK = regex.compile(
    r"\A\W*(?:(?:sure|certainly|of course|okay|here (?:is|are))\b|here's\b|好的|当然|以下是)"
    r"|\(?(?:word count|字数)\s*[:：]\s*\d+",
    regex.IGNORECASE,
)


def reward_functions(grpo: GrpoConfig, end_tokens: Sequence[int], folder: Path) -> list[Reward]:
    """Return the reward functions of a recipe, as TRL calls them.

    Args:
        grpo: The recipe's table; ``rewards`` names them.
        end_tokens: The tokens that end an answer.
        folder: The folder of the step, which keeps the judge's grades.
    """
    scores = {"length": _length, "repetition": _repetition, "format": _format}
    return [
        _judge_reward(grpo, end_tokens, folder) if name == "judge" else _reward(name, scores[name], end_tokens)
        for name in grpo.rewards
    ]


def is_cut(ids: Sequence[int], end_tokens: Sequence[int]) -> bool:
    """Return whether an answer was cut off: it does not end with a token that ends answers."""
    return not ids or ids[-1] not in end_tokens


def length_reward(text: str, words: int, constraint: dict[str, Any] | None) -> float:
    """Return S_l with respect to the length or the constraint asked for, from 0 to 1."""
    score = Constraint.parse(constraint).score(count(text)) if constraint else length_score(words, count(text))
    return score / 100


def repetition_reward(text: str) -> float:
    """Return 1 for a text that repeats nothing, falling to 0 for a loop."""
    return max(0.0, 1 - repeated_ngram_share(text) / _NO_REPETITION)


def format_reward(text: str) -> float:
    """Return the share of three wishes that a text fulfills: it ends a sentence, has no marks, no talk around it."""
    stripped = text.rstrip()
    ends = [*sentence_ends(stripped)]
    wishes = (bool(ends) and ends[-1] >= len(stripped), not _MARKS.search(text), not _TALK.search(text))
    return sum(wishes) / len(wishes) if stripped else 0.0


def _length(text: str, words: int, constraint: dict[str, Any] | None) -> float:
    return length_reward(text, words, constraint)


def _repetition(text: str, words: int, constraint: dict[str, Any] | None) -> float:
    return repetition_reward(text)


def _format(text: str, words: int, constraint: dict[str, Any] | None) -> float:
    return format_reward(text)


def _reward(name: str, score: Callable[[str, int, dict[str, Any] | None], float], end_tokens: Sequence[int]) -> Reward:
    def reward(
        completions: list[Any],
        completion_ids: list[list[int]],
        words: list[int],
        constraint: list[dict[str, Any] | None],
        **_rest: Any,
    ) -> list[float]:
        return [
            0.0 if is_cut(ids, end_tokens) else score(_text(completion), asked, limits)
            for completion, ids, asked, limits in zip(completions, completion_ids, words, constraint, strict=True)
        ]

    reward.__name__ = name
    return reward


def _judge_reward(grpo: GrpoConfig, end_tokens: Sequence[int], folder: Path) -> Reward:
    """Return a reward that asks the judge concurrently, and never twice about the same answer."""

    def judge(
        prompts: list[Any], completions: list[Any], completion_ids: list[list[int]], **_rest: Any
    ) -> list[float | None]:
        texts = [_text(completion) for completion in completions]
        usable = [
            not is_cut(ids, end_tokens) and not reason_not_to_teach(text, _NO_REPETITION)
            for text, ids in zip(texts, completion_ids, strict=True)
        ]
        asked = [(_text(prompt), text) for prompt, text, good in zip(prompts, texts, usable, strict=True) if good]
        grades = iter(asyncio.run(grade_all(grpo, asked, folder)))
        return [next(grades) if good else 0.0 for good in usable]

    return judge  # type: ignore[return-value]


async def grade_all(grpo: GrpoConfig, cases: Sequence[tuple[str, str]], folder: Path) -> list[float | None]:
    """Return S_q of texts, from 0 to 1, or ``None`` where the judge gives no grades.

    Args:
        grpo: Names the judge and its endpoints.
        cases: Prompts and texts.
        folder: Keeps the grades.
    """
    from lwtui.agentwrite.short_calls import ask_once
    from lwtui.config import Role, load_settings
    from lwtui.models.base import Message, Prompt, Request, Sampling
    from lwtui_bench.endpoints import open_endpoints
    from lwtui_bench.grades import quality, read_grades
    from lwtui_bench.jsonl import JsonLinesFile
    from lwtui_bench.judge import load_judge_template
    from lwtui_training.answer_samples import run_calls
    from lwtui_training.document_writer import model_choices

    keys = [sha256("\0".join(case).encode("utf-8", "replace")).hexdigest() for case in cases]
    with closing(JsonLinesFile.open(folder / _JUDGEMENTS.format(rank=os.environ.get("RANK", "0")))) as store:
        known: dict[str, float | None] = {row["case"]: row["quality"] for row in store.rows}
        missing = {key: case for key, case in zip(keys, cases, strict=True) if key not in known}
        if missing:
            template = load_judge_template("own", None)
            agent = await open_endpoints(
                model_choices(grpo.judge, grpo.judge_base_url), load_settings(), grpo.concurrency
            )

            async def grade(key: str) -> None:
                prompt = template.render(*missing[key])
                sampling = Sampling(temperature=0.5)
                chat = Prompt(messages=(Message("user", prompt),))
                request = Request(chat, _GRADE_TOKENS, sampling=sampling, role=Role.JUDGE)
                found = quality(read_grades((await ask_once(agent, await agent.fitted(request))).text))
                known[key] = None if found is None else found / 100
                await store.append_async({"case": key, "quality": known[key]})

            try:
                await run_calls(missing, grade, grpo.concurrency, 0.5, _("grades"))
            finally:
                await agent.aclose()
    return [known.get(key) for key in keys]


def _text(messages: Any) -> str:
    """Return the text of the last message, as TRL passes prompts and completions of chats."""
    return clean(messages if isinstance(messages, str) else messages[-1]["content"]).strip()

"""Compare answers pairwise: which texts meet, who asks the judge, and what was said before.

Each judge sees each pair in both orders. A text wins only if both verdicts prefer it; anything else is a tie. Each
verdict is stored at once and never asked for twice. It belongs to two texts, whatever files they are in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any, Protocol

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event
from lwtui.agentwrite.pairwise import VERDICT_GRAMMAR, VERDICT_SCHEMA, find_verdict
from lwtui.config import Role
from lwtui.errors import LwtuiError
from lwtui.models.base import Request
from lwtui.models.metering import UsageTracker
from lwtui.text import clean
from lwtui.translation import _
from lwtui_bench.answers import StoredAnswer
from lwtui_bench.fields import get_integer, get_required
from lwtui_bench.generators import complete, plain_prompt
from lwtui_bench.jsonl import JsonLinesFile
from lwtui_bench.workers import ask_about_each

_TEMPLATE = Path(__file__).with_name("prompts") / "duel.md"
_MAX_ATTEMPTS = 3
_MAX_RAW = 2000  # characters kept of a reply without a verdict

VerdictKey = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Contestant:
    """A file of answers that takes part: its label, and its answers by prompt and sample."""

    label: str
    answers: Mapping[tuple[str, int], StoredAnswer]


@dataclass(frozen=True)
class Meeting:
    """Two answers to the same prompt: of contestants ``a`` and ``b``, by position."""

    a: int
    b: int
    first: StoredAnswer
    second: StoredAnswer


@dataclass(frozen=True)
class DuelJudge:
    """A model that compares, with its settings."""

    name: str
    settings: Mapping[str, Any]

    @cached_property
    def hash(self) -> str:
        """Hash of the prompt and the settings."""
        text = _TEMPLATE.read_text(encoding="utf-8")
        return _hash(json.dumps([text, self.settings], sort_keys=True, ensure_ascii=False))

    def key(self, first: StoredAnswer, second: StoredAnswer) -> VerdictKey:
        """Return the key under which the verdict on two texts in this order is stored."""
        return (self.name, self.hash, first.id, first.hash, second.hash)


@dataclass(frozen=True)
class DuelVerdict:
    """What a judge has said of two texts in one order: ``better`` is 1, 2, 0 for neither, or -1 for no usable reply."""

    key: VerdictKey
    better: int


@dataclass(frozen=True)
class Outcome:
    """How a meeting ended by one judge: ``score`` is 1 if contestant ``a`` won, 0 if ``b`` did, 0.5 for a tie.

    Attributes:
        verdicts: The two verdicts: of ``a`` before ``b``, and of ``b`` before ``a``.
    """

    a: int
    b: int
    prompt_id: str
    judge: str
    score: float
    verdicts: tuple[int, int] | None = None


def contestant(label: str, answers: Iterable[StoredAnswer]) -> Contestant:
    """Make a contestant of the answers of a file; of several answers to the same prompt and sample, the last counts."""
    return Contestant(label, {(answer.id, answer.sample): answer for answer in answers})


def meetings(contestants: Sequence[Contestant]) -> list[Meeting]:
    """Return all pairs of answers to the same prompt and sample, of every two contestants."""
    return [
        Meeting(a, b, first, contestants[b].answers[key])
        for a, b in combinations(range(len(contestants)), 2)
        for key, first in contestants[a].answers.items()
        if key in contestants[b].answers
    ]


def parse_duel_verdict(row: Mapping[str, Any]) -> DuelVerdict:
    """Parse a row.

    Raises:
        ValueError: The row is malformed.
    """
    names = ("judge", "judge_hash", "id", "first_hash", "second_hash")
    texts = tuple(get_required(row, names, _("no verdict of a duel")).values())
    better = get_integer(row, "better", -1)
    if better not in (-1, 0, 1, 2):
        raise ValueError(_("'better' must be 1, 2, 0 for neither, or -1 for no verdict"))
    return DuelVerdict(texts, better)  # type: ignore[arg-type]


Call = tuple[StoredAnswer, StoredAnswer]  # two texts in the order in which a judge sees them


def pending_calls(pairs: Sequence[Meeting], judge: DuelJudge, store: JsonLinesFile, *, again: bool) -> list[Call]:
    """Return the comparisons that still need a verdict.

    Args:
        pairs: The meetings.
        judge: Who compares.
        store: The verdicts so far.
        again: Whether to ask again where a judge gave no verdict; such rows are removed from ``store``.
    """
    if again:
        store.retain(lambda row: row.get("judge") != judge.name or parse_duel_verdict(row).better >= 0)
    known = {parse_duel_verdict(row).key for row in store.rows}
    calls: dict[VerdictKey, Call] = {}
    for pair in pairs:
        for first, second in ((pair.first, pair.second), (pair.second, pair.first)):
            if needs_judge(pair) and judge.key(first, second) not in known:
                calls.setdefault(judge.key(first, second), (first, second))
    return list(calls.values())


def needs_judge(pair: Meeting) -> bool:
    """Tell whether a judge decides: both texts are there, and differ."""
    return bool(pair.first.text.strip() and pair.second.text.strip()) and pair.first.hash != pair.second.hash


def outcomes(pairs: Sequence[Meeting], judges: Sequence[DuelJudge], rows: Iterable[Mapping[str, Any]]) -> list[Outcome]:
    """Return how the meetings ended, by each judge. A meeting without usable verdicts in both orders is left out.

    A missing text loses, and equal texts tie, without a judge.
    """
    known = {verdict.key: verdict.better for verdict in map(parse_duel_verdict, rows)}
    found = []
    for judge in judges:
        for pair in pairs:
            if not needs_judge(pair):
                there = bool(pair.first.text.strip()), bool(pair.second.text.strip())
                score = 0.5 if there[0] == there[1] else float(there[0])
                found.append(Outcome(pair.a, pair.b, pair.first.id, judge.name, score))
                continue
            verdicts = (
                known.get(judge.key(pair.first, pair.second), -1),
                known.get(judge.key(pair.second, pair.first), -1),
            )
            if -1 not in verdicts:
                score = {(1, 2): 1.0, (2, 1): 0.0}.get(verdicts, 0.5)
                found.append(Outcome(pair.a, pair.b, pair.first.id, judge.name, score, verdicts))
    return found


class DuelWatcher(Protocol):
    """Follows the progress of a judge."""

    def on_event(self, event: Event) -> None:
        """Something happened while the judge was being asked."""

    def on_comparison(self, call: Call, better: int) -> None:
        """A verdict was stored."""

    def on_comparison_failure(self, call: Call, error: LwtuiError) -> None:
        """The judge could not be asked."""


class DuelRunner:
    """Has one judge compare texts."""

    def __init__(
        self, agent: Agent, judge: DuelJudge, store: JsonLinesFile, tracker: UsageTracker, max_tokens: int
    ) -> None:
        self._agent = agent
        self._judge = judge
        self._store = store
        self._tracker = tracker
        self._max_tokens = max_tokens

    async def run(self, calls: Sequence[Call], concurrency: int, watcher: DuelWatcher) -> None:
        """Make every comparison, up to ``concurrency`` at once. One whose call fails stays pending.

        Raises:
            LwtuiError: Every further call would fail (see :func:`~lwtui_bench.workers.is_fatal`).
        """
        await ask_about_each(
            calls,
            lambda call: self._verdict(call, watcher),
            concurrency,
            done=watcher.on_comparison,
            failed=watcher.on_comparison_failure,
        )

    async def _verdict(self, call: Call, watcher: DuelWatcher) -> int:
        first, second = call
        task = self._tracker.task(_("the next comparison"))
        agent = self._agent.metered(task)
        text = render_duel(clean(first.prompt), clean(first.text), clean(second.text))
        can, seed = agent.model.capabilities, self._judge.settings.get("seed")
        better, raw, max_tokens = None, "", self._max_tokens
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            request = Request(
                plain_prompt(agent, text),
                max_tokens,
                sampling=agent.profile.sampling,
                seed=None if seed is None else (seed * 1_000_003 + attempt) % 2**31,
                grammar=VERDICT_GRAMMAR if can.grammar else "",
                json_schema=VERDICT_SCHEMA if can.json_schema and not can.grammar else None,
                role=Role.JUDGE,
            )
            completion = await complete(agent, request, watcher.on_event)
            raw, better = completion.text, find_verdict(completion.text)
            if better is not None:
                break
            if completion.reason == "length":
                max_tokens *= 2  # it was cut off before its verdict, or reasoned for too long
        cost = self._agent.prices.cost(task.usage)
        names = ("judge", "judge_hash", "id", "first_hash", "second_hash")
        row: dict[str, Any] = dict(zip(names, self._judge.key(first, second), strict=True))
        row |= {"better": -1 if better is None else better, "usage": vars(task.usage)}
        row |= {"cost": None if cost is None else round(cost, 8), "settings": dict(self._judge.settings)}
        if better is None:
            row["raw"] = raw[:_MAX_RAW]
        await self._store.append_async(row)
        return -1 if better is None else better


def render_duel(prompt: str, first: str, second: str) -> str:
    """Fill in all placeholders at once, so that a placeholder inside a text is left alone."""
    values = {"INST": prompt, "FIRST": first, "SECOND": second}
    template = _TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"\$(INST|FIRST|SECOND)\$", lambda match: values[match[1]], template)


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:32]

"""Have a critic look for contradictions in answers. A contradiction counts only if both of its quotes are in the text.

What a critic has found in a text is stored at once, and no text is read twice by the same critic.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.critic import CriticEvent, Found, review
from lwtui.agentwrite.lint import TextPart
from lwtui.documents.model import Brief
from lwtui.errors import LwtuiError
from lwtui.models.metering import UsageTracker
from lwtui.text import clean
from lwtui.translation import _
from lwtui_bench.answers import StoredAnswer
from lwtui_bench.fields import get_integer, get_required
from lwtui_bench.jsonl import JsonLinesFile, read_rows
from lwtui_bench.workers import ask_about_each, is_fatal

ReadingKey = tuple[str, str, str]


@dataclass(frozen=True)
class Critic:
    """A model that reads texts, with its settings."""

    name: str
    settings: Mapping[str, Any]

    @cached_property
    def hash(self) -> str:
        """Hash of the settings."""
        text = json.dumps(self.settings, sort_keys=True, ensure_ascii=False)
        return sha256(text.encode("utf-8", "replace")).hexdigest()[:32]

    def key(self, answer: StoredAnswer) -> ReadingKey:
        """Return the key under which the reading of ``answer`` is stored."""
        return (self.name, self.hash, answer.hash)


@dataclass(frozen=True)
class CriticReading:
    """What a critic has found in a text.

    Attributes:
        contradictions: Pairs of places that cannot both be true, with quotes that are in the text.
        dropped: Findings that were dropped, because a quote is not in the text.
    """

    critic: str
    critic_hash: str
    answer_hash: str
    contradictions: int
    dropped: int

    @property
    def key(self) -> ReadingKey:
        """The key under which it is stored."""
        return (self.critic, self.critic_hash, self.answer_hash)


def readings_path(answers: Path) -> Path:
    """Return the path of what critics have found in a file of answers."""
    return answers.with_suffix(".errors.jsonl")


def read_readings(path: Path) -> list[CriticReading]:
    """Read a file of readings.

    Raises:
        LwtuiError: The file cannot be read, or some rows are malformed.
    """
    return read_rows(path, parse_reading)


def parse_reading(row: Mapping[str, Any]) -> CriticReading:
    """Parse a row.

    Raises:
        ValueError: The row is malformed.
    """
    names = ("critic", "critic_hash", "answer_hash")
    texts = get_required(row, names, _("no reading of a critic"))
    contradictions, dropped = (get_integer(row, name, 0) for name in ("contradictions", "dropped"))
    if min(contradictions, dropped) < 0:
        raise ValueError(_("'contradictions' and 'dropped' must be at least 0"))
    return CriticReading(**texts, contradictions=contradictions, dropped=dropped)


class CriticWatcher(Protocol):
    """Follows the progress of a critic."""

    def on_event(self, event: CriticEvent) -> None:
        """Something happened while the critic was reading."""

    def on_reading(self, answer: StoredAnswer, found: int) -> None:
        """A reading was stored."""

    def on_reading_failure(self, answer: StoredAnswer, error: LwtuiError) -> None:
        """The critic could not read an answer."""


def pending_texts(answers: Sequence[StoredAnswer], critic: Critic, store: JsonLinesFile) -> list[StoredAnswer]:
    """Return the answers that the critic has not read. Equal texts are read once."""
    known = {parse_reading(row).key for row in store.rows}
    return list(
        {answer.hash: answer for answer in answers if answer.text.strip() and critic.key(answer) not in known}.values()
    )


class ErrorsRunner:
    """Has one critic read answers."""

    def __init__(self, agent: Agent, critic: Critic, store: JsonLinesFile, tracker: UsageTracker) -> None:
        self._agent = agent
        self._critic = critic
        self._store = store
        self._tracker = tracker

    async def run(self, answers: Sequence[StoredAnswer], concurrency: int, watcher: CriticWatcher) -> None:
        """Read every answer, up to ``concurrency`` at once. One whose call fails stays pending.

        Raises:
            LwtuiError: Every further call would fail (see :func:`~lwtui_bench.workers.is_fatal`).
        """
        await ask_about_each(
            answers,
            lambda answer: self._read(answer, watcher),
            concurrency,
            done=watcher.on_reading,
            failed=watcher.on_reading_failure,
            fatal=lambda error: is_fatal(error) or error.code == "base-model",
        )

    async def _read(self, answer: StoredAnswer, watcher: CriticWatcher) -> int:
        task = self._tracker.task(_("the next text"))
        findings = []

        async def emit(event: CriticEvent) -> None:
            watcher.on_event(event)
            if isinstance(event, Found) and event.finding.kind == "contradiction":
                findings.append(event.finding)

        brief = Brief(answer.prompt, round(answer.length), answer.language, seed=self._critic.settings.get("seed"))
        reviewed = await review(self._agent.metered(task), brief, [TextPart("", clean(answer.text))], emit)
        cost = self._agent.prices.cost(task.usage)
        await self._store.append_async(
            dict(zip(("critic", "critic_hash", "answer_hash"), self._critic.key(answer), strict=True))
            | {
                "id": answer.id,
                "contradictions": len(findings),
                "dropped": reviewed.dropped,
                "found": [
                    {"why": finding.message, "quotes": [place.quote for place in finding.places]}
                    for finding in findings
                ],
                "usage": vars(task.usage),
                "cost": None if cost is None else round(cost, 8),
                "settings": dict(self._critic.settings),
            }
        )
        return len(findings)

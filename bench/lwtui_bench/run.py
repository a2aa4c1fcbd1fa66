"""Answering a suite: many at once, each answer stored as it comes, none asked for twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic
from typing import Any, Protocol

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event
from lwtui.errors import LwtuiError
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import Usage
from lwtui_bench.generators import Generator, Job, Outcome
from lwtui_bench.jsonl import JsonLines
from lwtui_bench.length_score import count
from lwtui_bench.tasks import Sample
from lwtui_bench.workers import is_fatal, work_through

_LEAST_FAILURES = 8  # in a row, before a run gives up

Key = tuple[str, str, str, int]


@dataclass(frozen=True)
class Identity:
    """What an answer depends on beside its prompt. Answers are asked for again when any of it changes."""

    model: str
    mode: str
    suite: str
    settings: Mapping[str, Any]

    @property
    def hash(self) -> str:
        text = json.dumps([self.mode, self.settings], sort_keys=True, ensure_ascii=False)
        return sha256(text.encode("utf-8", "replace")).hexdigest()[:16]

    def key(self, job: Job) -> Key:
        return (self.model, self.hash, job.sample.id, job.number)


def key_of(row: Mapping[str, Any]) -> Key | None:
    """The key of a stored row; ``None`` for a row that lwtui did not write."""
    key = tuple(row.get(name) for name in ("model", "settings_hash", "id", "sample"))
    return key if all(part is not None for part in key) else None  # type: ignore[return-value]


class RunWatcher(Protocol):
    """Is told how a run goes."""

    def started(self, job: Job) -> None: ...

    def happened(self, job: Job, event: Event) -> None: ...

    def stored(self, job: Job, row: Mapping[str, Any]) -> None: ...

    def failed(self, job: Job, error: LwtuiError) -> None: ...


def jobs_for(samples: Sequence[Sample], times: int, seed: int | None) -> list[Job]:
    """Every sample ``times`` times, each with a seed of its own that follows from ``seed``."""
    return [Job(sample, number, _seed(seed, sample, number)) for number in range(1, times + 1) for sample in samples]


def _seed(seed: int | None, sample: Sample, number: int) -> int | None:
    if seed is None:
        return None
    return int(sha256(f"{seed}/{sample.id}/{number}".encode()).hexdigest()[:7], 16)


def open_jobs(jobs: Iterable[Job], identity: Identity, store: JsonLines) -> list[Job]:
    """The jobs that ``store`` has no answer to. Rows of those that failed go: each key has one row."""
    jobs = list(jobs)
    answered = {key_of(row) for row in store.rows if not row.get("error")}
    wanted = [job for job in jobs if identity.key(job) not in answered]
    again = {identity.key(job) for job in wanted}
    store.keep(lambda row: key_of(row) not in again)
    return wanted


class Runner:
    """One model's run over the jobs that are open."""

    def __init__(
        self,
        agent: Agent,
        generator: Generator,
        identity: Identity,
        store: JsonLines,
        tracker: UsageTracker,
        watcher: RunWatcher,
    ) -> None:
        self._agent = agent
        self._generator = generator
        self._identity = identity
        self._store = store
        self._tracker = tracker
        self._watcher = watcher
        self._failures_in_a_row = 0

    async def run(self, jobs: Sequence[Job], concurrency: int) -> None:
        """Answer ``jobs``, ``concurrency`` of them at once. One that fails leaves a row that says why.

        Raises :class:`LwtuiError` where going on makes no sense: wrong key, no such model, nobody there, no money, or
        failure upon failure. What was answered before is stored.
        """
        most_failures = max(_LEAST_FAILURES, 2 * concurrency)

        async def do(job: Job) -> None:
            error = await self._answer(job)
            self._failures_in_a_row = self._failures_in_a_row + 1 if error else 0
            if error and self._failures_in_a_row >= most_failures:
                raise LwtuiError(
                    f"{self._failures_in_a_row} prompts in a row were not answered, so the run was ended. The last "
                    f"time: {error}"
                )

        await work_through(jobs, do, concurrency)

    async def _answer(self, job: Job) -> LwtuiError | None:
        """Answer one job and store its row; the error if it could not be."""
        began = monotonic()
        task = self._tracker.task("the next answer")
        agent = self._agent.metered(task)
        self._watcher.started(job)
        try:
            outcome = await self._generator.answer(agent, job, lambda event: self._watcher.happened(job, event))
        except LwtuiError as error:
            if is_fatal(error):
                raise
            outcome = Outcome("", "stop", {"error": str(error)})
            await self._store.append_soon(self._row(job, outcome, task.usage, began))
            self._watcher.failed(job, error)
            return error
        row = self._row(job, outcome, outcome.earlier + task.usage, began)
        await self._store.append_soon(row)
        self._generator.stored(job)
        self._watcher.stored(job, row)
        return None

    def _row(self, job: Job, outcome: Outcome, usage: Usage, began: float) -> dict[str, Any]:
        sample, identity = job.sample, self._identity
        cost = self._agent.prices.cost(usage)
        return {
            "prompt": sample.prompt,
            "type": sample.type,
            "length": sample.length,
            "response_length": count(outcome.text),
            "response": outcome.text,
            "id": sample.id,
            "suite": identity.suite,
            "language": sample.language,
            "model": identity.model,
            "mode": identity.mode,
            "sample": job.number,
            "seed": job.seed,
            "settings": dict(identity.settings),
            "settings_hash": identity.hash,
            "usage": vars(usage),
            "cost": None if cost is None else round(cost, 8),
            "finish_reason": "error" if "error" in outcome.fields else outcome.finish_reason,
            "seconds": round(monotonic() - began, 2),
            **sample.extra,
            **outcome.fields,
        }

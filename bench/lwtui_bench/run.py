"""Run a suite: answer many samples concurrently, store each answer at once, and never ask for one twice."""

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
from lwtui.translation import _
from lwtui_bench.generators import GeneratedAnswer, Generator, Job
from lwtui_bench.jsonl import JsonLinesFile
from lwtui_bench.length_score import count
from lwtui_bench.tasks import Sample
from lwtui_bench.workers import is_fatal, run_concurrently

_MIN_FAILURES = 8  # in a row before a run gives up

AnswerKey = tuple[str, str, str, int]


@dataclass(frozen=True)
class RunIdentity:
    """What an answer depends on besides its prompt; if any of it changes, the samples are answered again."""

    model: str
    mode: str
    suite: str
    settings: Mapping[str, Any]

    @property
    def hash(self) -> str:
        """Hash of mode and settings."""
        text = json.dumps([self.mode, self.settings], sort_keys=True, ensure_ascii=False)
        return sha256(text.encode("utf-8", "replace")).hexdigest()[:16]

    def key(self, job: Job) -> AnswerKey:
        """Return the key under which the answer to ``job`` is stored."""
        return (self.model, self.hash, job.sample.id, job.repeat)


def row_key(row: Mapping[str, Any]) -> AnswerKey | None:
    """Return the key of a stored row, or ``None`` if lwtui did not write it."""
    key = tuple(row.get(name) for name in ("model", "settings_hash", "id", "sample"))
    return key if all(part is not None for part in key) else None  # type: ignore[return-value]


class RunWatcher(Protocol):
    """Follows the progress of a run."""

    def on_start(self, job: Job) -> None:
        """A job was started."""

    def on_event(self, job: Job, event: Event) -> None:
        """Something happened while a job was being answered."""

    def on_answer(self, job: Job, row: Mapping[str, Any]) -> None:
        """An answer was stored as ``row``."""

    def on_failure(self, job: Job, error: LwtuiError) -> None:
        """A job could not be answered."""


def make_jobs(samples: Sequence[Sample], repeats: int, seed: int | None) -> list[Job]:
    """Return ``repeats`` jobs for each sample, each with its own seed derived from ``seed``."""
    return [Job(sample, repeat, _seed(seed, sample, repeat)) for repeat in range(1, repeats + 1) for sample in samples]


def _seed(seed: int | None, sample: Sample, repeat: int) -> int | None:
    if seed is None:
        return None
    return int(sha256(f"{seed}/{sample.id}/{repeat}".encode()).hexdigest()[:7], 16)


def pending_jobs(jobs: Iterable[Job], identity: RunIdentity, store: JsonLinesFile) -> list[Job]:
    """Return the jobs that ``store`` holds no answer to, and remove the rows of their failures from it."""
    jobs = list(jobs)
    answered = {row_key(row) for row in store.rows if not row.get("error")}
    pending = [job for job in jobs if identity.key(job) not in answered]
    pending_keys = {identity.key(job) for job in pending}
    store.retain(lambda row: row_key(row) not in pending_keys)
    return pending


class SuiteRunner:
    """Answers the jobs of one suite with one model."""

    def __init__(
        self,
        agent: Agent,
        generator: Generator,
        identity: RunIdentity,
        store: JsonLinesFile,
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
        """Answer ``jobs``, up to ``concurrency`` at once. A job that fails leaves a row with the error.

        Raises:
            LwtuiError: Every further call would fail (see :func:`~lwtui_bench.workers.is_fatal`), or too many jobs
                failed in a row. The answers so far are stored.
        """
        max_failures = max(_MIN_FAILURES, 2 * concurrency)

        async def process(job: Job) -> None:
            error = await self._answer(job)
            self._failures_in_a_row = self._failures_in_a_row + 1 if error else 0
            if error and self._failures_in_a_row >= max_failures:
                raise LwtuiError(
                    _(
                        "The run was stopped because {count} prompts in a row were not answered. The "
                        "last error: {error}",
                        count=self._failures_in_a_row,
                        error=error,
                    )
                )

        await run_concurrently(jobs, process, concurrency)

    async def _answer(self, job: Job) -> LwtuiError | None:
        """Answer one job and store its row; return the error if it failed."""
        start = monotonic()
        task = self._tracker.task(_("the next answer"))
        agent = self._agent.metered(task)
        self._watcher.on_start(job)
        try:
            answer = await self._generator.generate(agent, job, lambda event: self._watcher.on_event(job, event))
        except LwtuiError as error:
            if is_fatal(error):
                raise
            failed = GeneratedAnswer("", "stop", {"error": str(error)})
            await self._store.append_async(self._row(job, failed, task.usage, start))
            self._watcher.on_failure(job, error)
            return error
        row = self._row(job, answer, answer.earlier_usage + task.usage, start)
        await self._store.append_async(row)
        self._generator.discard_progress(job)
        self._watcher.on_answer(job, row)
        return None

    def _row(self, job: Job, answer: GeneratedAnswer, usage: Usage, start: float) -> dict[str, Any]:
        sample, identity = job.sample, self._identity
        cost = self._agent.prices.cost(usage)
        return {
            "prompt": sample.prompt,
            "type": sample.type,
            "length": sample.length,
            "response_length": count(answer.text),
            "response": answer.text,
            "id": sample.id,
            "suite": identity.suite,
            "language": sample.language,
            "model": identity.model,
            "mode": identity.mode,
            "sample": job.repeat,
            "seed": job.seed,
            "settings": dict(identity.settings),
            "settings_hash": identity.hash,
            "usage": vars(usage),
            "cost": None if cost is None else round(cost, 8),
            "finish_reason": "error" if "error" in answer.fields else answer.finish_reason,
            "seconds": round(monotonic() - start, 2),
            **sample.extra,
            **answer.fields,
        }

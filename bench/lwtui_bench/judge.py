"""Ask a judge for grades.

Each verdict is stored at once and never asked for twice. A verdict without grades is stored too, and reported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event
from lwtui.config import Role
from lwtui.errors import LwtuiError, UsageError
from lwtui.models.base import Request
from lwtui.models.metering import MeteredTask, UsageTracker
from lwtui.models.usage import Usage
from lwtui.text import clean
from lwtui.translation import _
from lwtui_bench import fetch
from lwtui_bench.answers import StoredAnswer
from lwtui_bench.fields import get_integer, get_required, get_table, get_text
from lwtui_bench.generators import complete, plain_prompt
from lwtui_bench.grades import DIMENSIONS, GRAMMAR, SCHEMA, read_grades
from lwtui_bench.jsonl import JsonLinesFile, read_rows
from lwtui_bench.upstream import JUDGE, MAX_TOKENS, MAX_TRIES, UpstreamReply, take_grades, take_reply
from lwtui_bench.workers import ask_about_each

MAX_ATTEMPTS = 5  # as published
_OWN_TEMPLATE = Path(__file__).with_name("prompts") / "judge.md"
_PLACEHOLDERS = ("$INST$", "$RESPONSE$")
_MAX_RAW = 2000  # characters kept of a reply without grades

VerdictKey = tuple[str, str, str, str, int]


@dataclass(frozen=True)
class JudgeTemplate:
    """The template of the judge's prompt. ``name`` is "official" (as fetched), "own" (lwtui's), or a file's name."""

    name: str
    text: str

    @property
    def hash(self) -> str:
        """Hash of the text."""
        return _hash(self.text)

    def render(self, prompt: str, response: str) -> str:
        """Fill in both placeholders at once, so that a placeholder inside a text is left alone."""
        values = dict(zip(_PLACEHOLDERS, (prompt, response), strict=True))
        return re.sub(r"\$(?:INST|RESPONSE)\$", lambda match: values[match.group()], self.text)


def load_judge_template(name: str, data: Path | None) -> JudgeTemplate:
    """Load the judge's prompt template.

    Args:
        name: "official", "own", "auto" (the official one if it is there, else lwtui's own), or the path of a file.
        data: Another folder to look in for the official one.

    Raises:
        UsageError: The file cannot be read or lacks a placeholder.
        LwtuiError: The official one is missing or altered.
    """
    candidates = [folder / fetch.JUDGE.name for folder in (data, fetch.folder()) if folder is not None]
    official = next((path for path in candidates if path.is_file()), candidates[-1])
    if name == "official" or (name == "auto" and official.is_file()):
        if not official.is_file():
            raise LwtuiError(_("The official judge prompt is not on this machine. Get it with: lwtui bench fetch"))
        if not fetch.is_official(official, fetch.JUDGE):
            raise LwtuiError(
                _(
                    "{official} is not the official judge prompt. Use it as your own: --prompt {official}",
                    official=official,
                )
            )
        return JudgeTemplate("official", official.read_text(encoding="utf-8"))
    if name in ("own", "auto"):
        return JudgeTemplate("own", _OWN_TEMPLATE.read_text(encoding="utf-8"))
    path = Path(name).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            _(
                "Cannot read the judge prompt {path}: {error}. --prompt takes official, own, or a readable file.",
                path=path,
                error=error,
            )
        ) from None
    if missing := [placeholder for placeholder in _PLACEHOLDERS if placeholder not in text]:
        raise UsageError(
            _(
                "{path} lacks the placeholder {missing}. It needs {needed}.",
                path=path,
                missing=missing[0],
                needed=" and ".join(_PLACEHOLDERS),
            )
        )
    return JudgeTemplate(path.name, text)


@dataclass(frozen=True)
class Judge:
    """A model that grades, with its prompt template and settings.

    Attributes:
        upstream: Whether its replies are taken as LongBench-Write's own script takes them.
    """

    name: str
    template: JudgeTemplate
    settings: Mapping[str, Any]
    upstream: bool = False

    @cached_property
    def hash(self) -> str:
        """Hash of template and settings."""
        parts = [self.template.hash, self.settings, *(["upstream"] if self.upstream else [])]
        return _hash(json.dumps(parts, sort_keys=True, ensure_ascii=False))

    def key(self, answer: StoredAnswer, repeat: int) -> VerdictKey:
        """Return the key under which the verdict on ``answer`` is stored."""
        return (self.name, self.hash, self.prompt_hash(answer), answer.hash, repeat)

    def prompt_hash(self, answer: StoredAnswer) -> str:
        """Return a hash of the judge's prompt without the answer's text."""
        return _hash(self.template.render(answer.prompt, _PLACEHOLDERS[1]))


@dataclass(frozen=True)
class Verdict:
    """One judge's grades for one answer.

    Attributes:
        repeat: Which of several verdicts on the same answer this is, counted from 1.
        grades: Grades from 1 to 5 by dimension; some or all may be missing.
        raw: The beginning of the judge's reply, if grades are missing.
        upstream: Whether the reply was taken as LongBench-Write's own script takes it.
    """

    judge: str
    judge_hash: str
    template: str
    prompt_hash: str
    answer_hash: str
    repeat: int
    prompt_id: str
    grades: Mapping[str, float]
    raw: str = ""
    upstream: bool = False
    row: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> VerdictKey:
        """The key under which the verdict is stored."""
        return (self.judge, self.judge_hash, self.prompt_hash, self.answer_hash, self.repeat)

    @property
    def is_complete(self) -> bool:
        """Whether all six grades are there."""
        return all(name in self.grades for name in DIMENSIONS)


def verdicts_path(answers: Path) -> Path:
    """Return the path of the verdicts on a file of answers."""
    return answers.with_suffix(".judged.jsonl")


def read_verdicts(path: Path) -> list[Verdict]:
    """Read a file of verdicts.

    Raises:
        LwtuiError: The file cannot be read, or some rows are malformed.
    """
    return read_rows(path, parse_verdict)


def parse_verdict(row: dict[str, Any]) -> Verdict:
    """Parse a row.

    Raises:
        ValueError: The row is malformed.
    """
    names = ("judge", "judge_hash", "template", "prompt_hash", "answer_hash")
    texts = get_required(row, names, _("not a verdict"))
    grades = get_table(row, "grades")
    upstream = row.get("upstream") is True
    if upstream and grades and not (grades := take_grades(grades)):
        raise ValueError(_("'grades' must be six numbers"))
    for name, grade in () if upstream else grades.items():
        if name not in DIMENSIONS or grade not in (1, 2, 3, 4, 5):
            raise ValueError(_("'grades' must be whole numbers from 1 to 5"))
    return Verdict(
        **texts,
        repeat=get_integer(row, "repeat", 1),
        prompt_id=get_text(row, "id"),
        grades=grades,
        raw=get_text(row, "raw"),
        upstream=upstream,
        row=row,
    )


def verdict_in_answer(answer: StoredAnswer) -> Verdict | None:
    """Return the verdict that a row of LongBench-Write's own ``judge.jsonl`` holds beside the answer, if any."""
    if "scores" not in answer.row or not isinstance(answer.row["scores"], dict):
        return None
    return Verdict(
        JUDGE, "", "official", "", answer.hash, 1, answer.id, take_grades(answer.row["scores"]), upstream=True
    )


class JudgeWatcher(Protocol):
    """Follows the progress of a judge."""

    def on_event(self, event: Event) -> None:
        """Something happened while the judge was being asked."""

    def on_verdict(self, answer: StoredAnswer, verdict: Verdict) -> None:
        """A verdict was stored."""

    def on_failure(self, answer: StoredAnswer, error: LwtuiError) -> None:
        """The judge could not be asked about an answer."""


Case = tuple[StoredAnswer, int]  # an answer and the number of the verdict on it


def pending_cases(
    answers: Sequence[StoredAnswer], judge: Judge, repeats: int, store: JsonLinesFile, *, again: bool
) -> list[Case]:
    """Return the answers that still need a verdict. Identical answers to the same prompt share a verdict.

    Args:
        answers: The answers to grade.
        judge: Who grades them.
        repeats: How many verdicts each answer needs.
        store: The verdicts so far.
        again: Whether to ask again where a verdict lacks grades; such verdicts are removed from ``store``.
    """
    verdicts = [parse_verdict(row) for row in store.rows]
    known = {verdict.key for verdict in verdicts if verdict.is_complete or not again}
    cases: dict[VerdictKey, Case] = {}
    for repeat in range(1, repeats + 1):
        for answer in answers:
            key = judge.key(answer, repeat)
            if (answer.text.strip() or judge.upstream) and key not in known:
                cases.setdefault(key, (answer, repeat))
    if again:
        store.retain(lambda row: parse_verdict(row).key not in cases)
    return list(cases.values())


class JudgeRunner:
    """Grades answers with one judge."""

    def __init__(
        self, agent: Agent, judge: Judge, store: JsonLinesFile, tracker: UsageTracker, max_tokens: int
    ) -> None:
        self._agent = agent
        self._judge = judge
        self._store = store
        self._tracker = tracker
        self._max_tokens = max_tokens

    async def run(self, cases: Sequence[Case], concurrency: int, watcher: JudgeWatcher) -> None:
        """Ask about every case, up to ``concurrency`` at once. A case whose call fails stays pending.

        Raises:
            LwtuiError: Every further call would fail (see :func:`~lwtui_bench.workers.is_fatal`).
        """
        await ask_about_each(
            cases,
            lambda case: self._verdict(*case, watcher),
            concurrency,
            done=lambda case, verdict: watcher.on_verdict(case[0], verdict),
            failed=lambda case, error: watcher.on_failure(case[0], error),
        )

    async def _verdict(self, answer: StoredAnswer, repeat: int, watcher: JudgeWatcher) -> Verdict:
        """Ask until all grades are there, up to :data:`MAX_ATTEMPTS` times, and store the best attempt."""
        task = self._tracker.task(_("the next verdict"))
        agent = self._agent.metered(task)
        if self._judge.upstream:
            return await self._verdict_as_upstream(agent, task, answer, repeat, watcher)
        grades: dict[str, int] = {}
        raw, attempts, max_tokens = "", 0, self._max_tokens
        while len(grades) < len(DIMENSIONS) and attempts < MAX_ATTEMPTS:
            attempts += 1
            request = self._request(agent, answer, repeat, attempts, max_tokens)
            completion = await complete(agent, request, watcher.on_event)
            found = read_grades(completion.text)
            if len(found) > len(grades) or not raw:
                grades, raw = found, completion.text
            if completion.reason == "length":
                max_tokens *= 2  # it was cut off before its grades, or reasoned for too long
        return await self._store_verdict(answer, repeat, grades, raw, attempts, task.usage)

    async def _verdict_as_upstream(
        self, agent: Agent, task: MeteredTask, answer: StoredAnswer, repeat: int, watcher: JudgeWatcher
    ) -> Verdict:
        """Ask until LongBench-Write's own script would ask no more."""
        reply, raw, attempts, tries = UpstreamReply(False, 0), "", 0, 0
        while not reply.accepted and tries < MAX_TRIES:
            attempts += 1
            request = self._request(agent, answer, repeat, attempts, min(self._max_tokens, MAX_TOKENS))
            request = replace(request, grammar="", json_schema=None)
            raw = (await complete(agent, request, watcher.on_event)).text
            reply = take_reply(raw)
            tries += reply.tries
        grades = reply.grades if reply.accepted else {}
        return await self._store_verdict(answer, repeat, grades, raw, attempts, task.usage)

    def _request(self, agent: Agent, answer: StoredAnswer, repeat: int, attempt: int, max_tokens: int) -> Request:
        capabilities = agent.model.capabilities
        seed = self._judge.settings.get("seed")
        text = self._judge.template.render(clean(answer.prompt), clean(answer.text))
        return Request(
            plain_prompt(agent, text),
            max_tokens,
            sampling=agent.profile.sampling,
            seed=None if seed is None else (seed * 1_000_003 + repeat * 97 + attempt) % 2**31,
            grammar=GRAMMAR if capabilities.grammar else "",
            json_schema=SCHEMA if capabilities.json_schema and not capabilities.grammar else None,
            role=Role.JUDGE,
        )

    async def _store_verdict(
        self, answer: StoredAnswer, repeat: int, grades: Mapping[str, float], raw: str, attempts: int, usage: Usage
    ) -> Verdict:
        judge, cost = self._judge, self._agent.prices.cost(usage)
        row: dict[str, Any] = {
            "judge": judge.name,
            "judge_hash": judge.hash,
            "template": judge.template.name,
            "prompt_hash": judge.prompt_hash(answer),
            "answer_hash": answer.hash,
            "repeat": repeat,
            "id": answer.id,
            "grades": dict(grades),
            "tries": attempts,
            "usage": vars(usage),
            "cost": None if cost is None else round(cost, 8),
            "settings": dict(judge.settings),
        }
        if judge.upstream:
            row["upstream"] = True
        if len(grades) < len(DIMENSIONS):
            row["raw"] = raw[:_MAX_RAW]
        verdict = parse_verdict(row)
        await self._store.append_async(row)
        return verdict


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:32]

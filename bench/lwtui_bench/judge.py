"""Asking a judge for grades. A verdict is stored as it comes and never asked for twice; one without grades shows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event
from lwtui.errors import LwtuiError, UsageError
from lwtui.models.base import Request
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import Usage
from lwtui.text import clean
from lwtui_bench import fetch
from lwtui_bench.answers import Answer
from lwtui_bench.fields import table_in, text_in, whole_in
from lwtui_bench.generators import ask, plain_prompt
from lwtui_bench.grades import DIMENSIONS, GRAMMAR, SCHEMA, read_grades
from lwtui_bench.jsonl import JsonLines, read_rows
from lwtui_bench.workers import is_fatal, work_through

TRIES = 5  # as published
_OWN = Path(__file__).with_name("prompts") / "judge.md"
_PLACES = ("$INST$", "$RESPONSE$")
_MOST_RAW = 2000  # characters kept of an answer that has no grades

VerdictKey = tuple[str, str, str, str, int]


@dataclass(frozen=True)
class Template:
    """The judge's prompt: ``official`` (as fetched), ``own``, or a file's name."""

    name: str
    text: str

    @property
    def hash(self) -> str:
        return _hash(self.text)

    def render(self, prompt: str, response: str) -> str:
        """Both put in at once, so that a mark within one of them stays what it is."""
        values = dict(zip(_PLACES, (prompt, response), strict=True))
        return re.sub(r"\$(?:INST|RESPONSE)\$", lambda match: values[match.group()], self.text)


def load_template(name: str, data: Path | None) -> Template:
    """The judge's prompt that ``--prompt`` names; ``auto`` is the official one if it is there, else lwtui's own.

    Raises :class:`UsageError` or :class:`LwtuiError`.
    """
    places = [folder / fetch.JUDGE.name for folder in (data, fetch.folder()) if folder is not None]
    official = next((path for path in places if path.is_file()), places[-1])
    if name == "official" or (name == "auto" and official.is_file()):
        if not official.is_file():
            raise LwtuiError("The official judge prompt is not on this machine. Get it: lwtui bench fetch")
        if not fetch.is_official(official, fetch.JUDGE):
            raise LwtuiError(f"{official} is not the official judge prompt. Give it as your own: --prompt {official}")
        return Template("official", official.read_text(encoding="utf-8"))
    if name in ("own", "auto"):
        return Template("own", _OWN.read_text(encoding="utf-8"))
    path = Path(name).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read the judge's prompt {path}: {error}. Or say official, or own.") from None
    if missing := [place for place in _PLACES if place not in text]:
        raise UsageError(f"{path} has no {missing[0]}, where the request or the answer goes.")
    return Template(path.name, text)


@dataclass(frozen=True)
class Judge:
    """A model that grades, with its prompt and its settings."""

    name: str
    template: Template
    settings: Mapping[str, Any]

    @property
    def hash(self) -> str:
        return _hash(json.dumps([self.template.hash, self.settings], sort_keys=True, ensure_ascii=False))

    def key(self, answer: Answer, repeat: int) -> VerdictKey:
        return (self.name, self.hash, self.prompt_hash(answer), answer.hash, repeat)

    def prompt_hash(self, answer: Answer) -> str:
        return _hash(self.template.render(answer.prompt, _PLACES[1]))


@dataclass(frozen=True)
class Verdict:
    """What a judge said of one answer, once."""

    judge: str
    judge_hash: str
    template: str
    prompt_hash: str
    answer_hash: str
    repeat: int
    prompt_id: str
    grades: Mapping[str, int]
    raw: str = ""
    row: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> VerdictKey:
        return (self.judge, self.judge_hash, self.prompt_hash, self.answer_hash, self.repeat)

    @property
    def is_complete(self) -> bool:
        return all(name in self.grades for name in DIMENSIONS)


def verdicts_path(answers: Path) -> Path:
    """Where the verdicts on a file of answers are."""
    return answers.with_suffix(".judged.jsonl")


def read_verdicts(path: Path) -> list[Verdict]:
    """The verdicts of a file. Raises ``LwtuiError`` as ``read_rows`` does."""
    return read_rows(path, parse_verdict)


def parse_verdict(row: dict[str, Any]) -> Verdict:
    """The verdict in a row; ``ValueError`` says what is wrong with it."""
    names = ("judge", "judge_hash", "template", "prompt_hash", "answer_hash")
    texts = {name: text_in(row, name) for name in names}
    if missing := [name for name in names if not texts[name]]:
        raise ValueError(f"it has no {missing[0]!r}, so it is no verdict")
    grades = table_in(row, "grades")
    for name, grade in grades.items():
        if name not in DIMENSIONS or grade not in (1, 2, 3, 4, 5):
            raise ValueError("'grades' must be whole numbers from 1 to 5")
    return Verdict(
        **texts,
        repeat=whole_in(row, "repeat", 1),
        prompt_id=text_in(row, "id"),
        grades=grades,
        raw=text_in(row, "raw"),
        row=row,
    )


class JudgeWatcher(Protocol):
    """Is told how the judging goes."""

    def happened(self, event: Event) -> None: ...

    def judged(self, answer: Answer, verdict: Verdict) -> None: ...

    def failed(self, answer: Answer, error: LwtuiError) -> None: ...


Case = tuple[Answer, int]


def open_cases(
    answers: Sequence[Answer], judge: Judge, repeats: int, store: JsonLines, *, again: bool
) -> list[tuple[Answer, int]]:
    """Each answer with each number of a repeat that there is no verdict on. The same answer twice is one case.

    ``again``: verdicts without grades are asked for anew.
    """
    verdicts = [parse_verdict(row) for row in store.rows]
    known = {verdict.key for verdict in verdicts if verdict.is_complete or not again}
    cases: dict[VerdictKey, Case] = {}
    for repeat in range(1, repeats + 1):
        for answer in answers:
            key = judge.key(answer, repeat)
            if answer.text.strip() and key not in known:
                cases.setdefault(key, (answer, repeat))
    if again:
        store.keep(lambda row: parse_verdict(row).key not in cases)
    return list(cases.values())


class JudgePool:
    """One judge's sitting over the cases that are open."""

    def __init__(self, agent: Agent, judge: Judge, store: JsonLines, tracker: UsageTracker, max_tokens: int) -> None:
        self._agent = agent
        self._judge = judge
        self._store = store
        self._tracker = tracker
        self._max_tokens = max_tokens

    async def judge(self, cases: Sequence[Case], concurrency: int, watcher: JudgeWatcher) -> None:
        """Ask about every case, ``concurrency`` at once. One whose call fails is left open and told.

        Raises :class:`LwtuiError` where going on makes no sense.
        """

        async def do(case: Case) -> None:
            answer, repeat = case
            try:
                verdict = await self._verdict(answer, repeat, watcher)
            except LwtuiError as error:
                if is_fatal(error):
                    raise
                watcher.failed(answer, error)
            else:
                watcher.judged(answer, verdict)

        await work_through(cases, do, concurrency)

    async def _verdict(self, answer: Answer, repeat: int, watcher: JudgeWatcher) -> Verdict:
        """Ask until all grades are there, at most five times, and store what the best try brought."""
        task = self._tracker.task("the next verdict")
        agent = self._agent.metered(task)
        grades: dict[str, int] = {}
        raw, tries, room = "", 0, self._max_tokens
        while len(grades) < len(DIMENSIONS) and tries < TRIES:
            tries += 1
            reply = await ask(agent, self._request(agent, answer, repeat, tries, room), watcher.happened)
            found = read_grades(reply.text)
            if len(found) > len(grades) or not raw:
                grades, raw = found, reply.text
            if reply.reason == "length":
                room *= 2  # it was cut off before its grades, or thought for too long
        return await self._store_verdict(answer, repeat, grades, raw, tries, task.usage)

    def _request(self, agent: Agent, answer: Answer, repeat: int, attempt: int, room: int) -> Request:
        can = agent.model.capabilities
        seed = self._judge.settings.get("seed")
        text = self._judge.template.render(clean(answer.prompt), clean(answer.text))
        return Request(
            plain_prompt(agent, text),
            room,
            sampling=agent.profile.sampling,
            seed=None if seed is None else (seed * 1_000_003 + repeat * 97 + attempt) % 2**31,
            grammar=GRAMMAR if can.grammar else "",
            json_schema=SCHEMA if can.json_schema and not can.grammar else None,
        )

    async def _store_verdict(
        self, answer: Answer, repeat: int, grades: Mapping[str, int], raw: str, tries: int, usage: Usage
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
            "tries": tries,
            "usage": vars(usage),
            "cost": None if cost is None else round(cost, 8),
            "settings": dict(judge.settings),
        }
        if len(grades) < len(DIMENSIONS):
            row["raw"] = raw[:_MOST_RAW]
        verdict = parse_verdict(row)
        await self._store.append_soon(row)
        return verdict


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:32]

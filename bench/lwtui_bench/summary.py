"""From rows to what a report says: the figures of each run, with how sure they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from lwtui.errors import LwtuiError
from lwtui_bench.answers import Answer, read_answers
from lwtui_bench.grades import DIMENSIONS, filled, quality
from lwtui_bench.judge import Verdict, read_verdicts, verdicts_path
from lwtui_bench.length_score import BINS, bin_of, length_score
from lwtui_bench.metrics import measure
from lwtui_bench.statistics import Interval, interval
from lwtui_bench.suites import suites
from lwtui_bench.tasks import Score, Suite

# The figures that runs are compared by. What S_q is depends on the judge; mean is that of S_l and S_q.
FIGURES = {"S_l": "length", "S_q": "quality", "mean": "the mean of length and quality"}


@dataclass(frozen=True)
class Entry:
    """An answer with its scores (the headline first) and, where a judge has graded it, its grades and S_q."""

    answer: Answer
    scores: Mapping[str, float]
    verdicts: tuple[Verdict, ...] = ()
    grades: Mapping[str, float] | None = None

    @property
    def s_l(self) -> float:
        return next(iter(self.scores.values()))

    @property
    def s_q(self) -> float | None:
        return None if self.grades is None else quality(self.grades)

    @property
    def is_unscored(self) -> bool:
        """A judge was asked and gave nothing that can be used."""
        return bool(self.verdicts) and self.grades is None

    def figure(self, name: str) -> float:
        """One of :data:`FIGURES`, or another of the suite's; ``nan`` where there is none."""
        s_q = math.nan if self.s_q is None else self.s_q
        if name == "S_l":
            return self.s_l
        if name == "S_q":
            return s_q
        if name == "mean":
            return (self.s_l + s_q) / 2
        return self.scores.get(name, math.nan)


@dataclass(frozen=True)
class Run:
    """Answers of one model, made in one way, to one suite. ``judges`` names those that have graded any of them."""

    label: str
    suite: str
    entries: tuple[Entry, ...]
    judges: tuple[str, ...] = ()
    has_published: bool = False  # whether published figures of its suite stand beside it

    @property
    def n(self) -> int:
        return len(self.entries)

    @property
    def unanswered(self) -> int:
        return sum(not entry.answer.is_answered for entry in self.entries)

    @property
    def cut(self) -> int:
        """Answers that ended because no more tokens were allowed."""
        return sum(entry.answer.finish_reason == "length" for entry in self.entries)

    @property
    def longest(self) -> int:
        return max((entry.answer.actual for entry in self.entries), default=0)

    @property
    def cost(self) -> float | None:
        costs = [entry.answer.cost for entry in self.entries if entry.answer.cost is not None]
        return sum(costs) if costs else None

    @property
    def unscored(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.is_unscored]

    @property
    def is_judged(self) -> bool:
        return any(entry.s_q is not None for entry in self.entries if entry.answer.is_answered)

    @cached_property
    def by_prompt(self) -> dict[str, list[Entry]]:
        grouped: dict[str, list[Entry]] = {}
        for entry in self.entries:
            grouped.setdefault(entry.answer.id, []).append(entry)
        return grouped

    def figure(self, name: str) -> Interval | None:
        """A figure over all prompts, as published: the mean of S_l and S_q is that of their means."""
        parts = ("S_l", "S_q") if name == "mean" else (name,)
        table = [
            [mean_of(entry.figure(part) for entry in entries) / len(parts) for part in parts]
            for entries in self.by_prompt.values()
        ]
        if not table or any(all(math.isnan(value) for value in column) for column in zip(*table, strict=True)):
            return None
        return interval(table)

    def dimension(self, name: str) -> Interval | None:
        """A dimension of quality, 0 to 100."""
        table = [
            [mean_of((entry.grades[name] - 1) * 25 if entry.grades else math.nan for entry in entries)]
            for entries in self.by_prompt.values()
        ]
        return None if all(math.isnan(row[0]) for row in table) else interval(table)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """The means of what can be measured without a judge, over the answers that have it."""
        found: dict[str, list[float]] = {}
        for entry in self.entries:
            if entry.answer.is_answered:
                for name, value in measure(entry.answer).items():
                    found.setdefault(name, []).append(value)
        return {name: fmean(values) for name, values in found.items()}

    def grouped(self, key: Callable[[Answer], str], order: Sequence[str] = ()) -> dict[str, Run]:
        """The run in parts, by what ``key`` says of an answer: those of ``order`` first."""
        parts: dict[str, list[Entry]] = {name: [] for name in order}
        for entry in self.entries:
            parts.setdefault(key(entry.answer), []).append(entry)
        return {name: replace(self, entries=tuple(entries)) for name, entries in parts.items() if entries}

    def by_length(self) -> dict[str, Run]:
        return self.grouped(lambda answer: bin_of(answer.length), BINS)

    def by_type(self) -> dict[str, Run]:
        return self.grouped(lambda answer: answer.type)

    def by_language(self) -> dict[str, Run]:
        return self.grouped(lambda answer: answer.language)


def load_runs(paths: Sequence[Path], *, compat: bool = False) -> list[Run]:
    """The runs in some files, with the verdicts that lie beside them. Raises :class:`LwtuiError`.

    ``compat``: a grade that a judge left out counts as 3, as in upstream's script.
    """
    known = suites()
    runs: list[Run] = []
    for path in paths:
        answers = read_answers(path)
        if not answers:
            raise LwtuiError(f"{path} holds no answers.")
        judged = verdicts_path(path)
        verdicts = read_verdicts(judged) if judged.is_file() else []
        runs += _runs_of(path, answers, verdicts, known, compat=compat)
    return _told_apart(runs, paths)


def load_all(path: Path) -> Run:
    """Every answer of a file as one run, whoever gave it."""
    runs = load_runs([path])
    entries = tuple(entry for run in runs for entry in run.entries)
    return runs[0] if len(runs) == 1 else Run(path.stem, "", entries)


def _runs_of(
    path: Path, answers: Sequence[Answer], verdicts: Sequence[Verdict], known: Mapping[str, Suite], *, compat: bool
) -> list[Run]:
    by_text: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        by_text.setdefault((verdict.prompt_id, verdict.answer_hash), []).append(verdict)
    grouped: dict[tuple[str, str, str], list[Entry]] = {}
    for answer in answers:
        suite = known.get(answer.suite)
        own = tuple(by_text.get((answer.id, answer.hash), ()))
        entry = Entry(answer, _scores(path, answer, suite.score if suite else None), own)
        label = answer.model or path.stem
        if answer.mode not in ("", "direct"):
            label += f" ({answer.mode})"
        grouped.setdefault((label, answer.suite, str(answer.row.get("settings_hash", ""))), []).append(entry)
    return [
        _judged(label, known.get(suite), suite, entries, compat=compat)
        for (label, suite, _), entries in grouped.items()
    ]


def _scores(path: Path, answer: Answer, score: Score | None) -> Mapping[str, float]:
    try:
        return score(answer) if score else {"S_l": length_score(answer.length, answer.actual)}
    except ValueError as error:
        raise LwtuiError(f"{path}: an answer to “{answer.prompt[:40]}…” cannot be scored: {error}.") from None


def _judged(label: str, suite: Suite | None, name: str, entries: Sequence[Entry], *, compat: bool) -> Run:
    judges = tuple(sorted({judge_label(verdict) for entry in entries for verdict in entry.verdicts}))
    graded = [replace(entry, grades=_grades(entry, judged=bool(judges), compat=compat)) for entry in entries]
    # A file of upstream's own names no suite.
    return Run(label, name, tuple(graded), judges, has_published=suite.published if suite else not name)


def _grades(entry: Entry, *, judged: bool, compat: bool) -> Mapping[str, float] | None:
    """The mean over the judges of each one's mean over its repeats. No answer is as bad as can be, once others are
    judged."""
    if not entry.answer.is_answered:
        return dict.fromkeys(DIMENSIONS, 1.0) if judged else None
    per_judge: dict[str, list[Mapping[str, float]]] = {}
    for verdict in entry.verdicts:
        if verdict.is_complete or (compat and verdict.grades):
            per_judge.setdefault(judge_label(verdict), []).append(filled(verdict.grades))
    if not per_judge:
        return None
    return {
        name: fmean(fmean(grades[name] for grades in repeats) for repeats in per_judge.values()) for name in DIMENSIONS
    }


def judge_label(verdict: Verdict) -> str:
    """A judge's name, with its prompt where that is not the published one."""
    return verdict.judge if verdict.template == "official" else f"{verdict.judge} ({verdict.template} prompt)"


def _told_apart(runs: list[Run], paths: Sequence[Path]) -> list[Run]:
    """Runs with labels of their own."""
    labels = [run.label for run in runs]
    several_suites = len({run.suite for run in runs}) > 1
    seen: dict[str, int] = {}
    told = []
    for run in runs:
        label = run.label
        if labels.count(label) > 1 and several_suites and run.suite:
            label = f"{label}, {run.suite}"
        seen[label] = seen.get(label, 0) + 1
        told.append(replace(run, label=f"{label} #{seen[label]}" if seen[label] > 1 else label))
    return told


def length_table(run: Run) -> dict[str, Any]:
    """The public JSON of ``bench score``."""
    scored = {name: fmean(entry.scores[name] for entry in run.entries) for name in run.entries[0].scores}
    table: dict[str, Any] = {"S_l": fmean(entry.s_l for entry in run.entries), **_counts(run)}
    if (found := run.figure("S_l")) and found.n > 1:
        table["interval"] = [found.low, found.high]
    if further := {name: value for name, value in scored.items() if name != "S_l"}:
        table["scores"] = further
    for name, parts in (
        ("by_length", run.by_length()),
        ("by_type", run.by_type()),
        ("by_language", run.by_language()),
    ):
        table[name] = {
            part: {"S_l": fmean(entry.s_l for entry in one.entries), "n": one.n, "unanswered": one.unanswered}
            for part, one in parts.items()
        }
    table["metrics"] = run.metrics
    return table


def _counts(run: Run) -> dict[str, Any]:
    return {"n": run.n, "unanswered": run.unanswered, "cut": run.cut, "longest": run.longest}


def mean_of(values: Iterable[float]) -> float:
    """The mean of those that are numbers; ``nan`` if none is."""
    known = [value for value in values if not math.isnan(value)]
    return fmean(known) if known else math.nan

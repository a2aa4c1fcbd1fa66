"""Aggregate answers and verdicts into runs: the figures of each run, with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from lwtui.errors import LwtuiError
from lwtui.translation import _
from lwtui_bench.answers import StoredAnswer, read_answers
from lwtui_bench.errors import CriticReading, read_readings, readings_path
from lwtui_bench.grades import DIMENSIONS, quality
from lwtui_bench.judge import Verdict, read_verdicts, verdict_in_answer, verdicts_path
from lwtui_bench.length_score import BINS, bin_of, length_score
from lwtui_bench.metrics import measure, stock_phrases
from lwtui_bench.statistics import Interval, bootstrap_interval
from lwtui_bench.suites import suites
from lwtui_bench.tasks import Scorer, Suite

# The figures by which runs are compared. S_q depends on the judge; "mean" is the mean of S_l and S_q.
FIGURES = ("S_l", "S_q", "mean")


@dataclass(frozen=True, order=True)
class RunJudge:
    """A judge of a run, with the prompt by which it graded. Its label is for people to read."""

    name: str
    template: str

    @property
    def label(self) -> str:
        """The judge's name, with the name of its prompt unless that is the published one."""
        if self.template == "official":
            return self.name
        if self.template == "own":
            return _("{judge} (own prompt)", judge=self.name)
        return _("{judge} ({template} prompt)", judge=self.name, template=self.template)


@dataclass(frozen=True)
class ScoredAnswer:
    """An answer with its scores, and with its grades if a judge has graded it.

    Attributes:
        scores: The suite's scores from 0 to 100, the headline first.
        readings: What critics have found in it.
        grades: Mean grade per dimension, from 1 to 5; ``None`` if there are no usable grades.
    """

    answer: StoredAnswer
    scores: Mapping[str, float]
    verdicts: tuple[Verdict, ...] = ()
    grades: Mapping[str, float] | None = None
    readings: tuple[CriticReading, ...] = ()

    @property
    def s_l(self) -> float:
        """The headline score, which is S_l for LongBench-Write."""
        return next(iter(self.scores.values()))

    @property
    def s_q(self) -> float | None:
        """S_q, or ``None`` without grades."""
        return None if self.grades is None else quality(self.grades)

    @property
    def contradictions(self) -> float:
        """Contradictions in 10,000 words, averaged over its critics; ``nan`` if no critic has read it."""
        if not self.readings or not self.answer.actual:
            return math.nan
        return fmean(reading.contradictions for reading in self.readings) * 10_000 / self.answer.actual

    @property
    def is_ungraded(self) -> bool:
        """Whether a judge was asked but gave no usable grades."""
        return bool(self.verdicts) and self.grades is None

    def figure(self, name: str) -> float:
        """Return a figure of :data:`FIGURES` or a score of the suite; ``nan`` if there is none."""
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
    """The answers of one model to one suite, all made with the same settings.

    Attributes:
        judges: The judges that graded any of the answers.
        has_published: Whether published results of the suite are shown next to it.
    """

    label: str
    suite: str
    answers: tuple[ScoredAnswer, ...]
    judges: tuple[RunJudge, ...] = ()
    has_published: bool = False

    @property
    def n(self) -> int:
        """Number of answers."""
        return len(self.answers)

    @property
    def unanswered(self) -> int:
        """Number of missing answers."""
        return sum(not scored.answer.is_answered for scored in self.answers)

    @property
    def truncated(self) -> int:
        """Number of answers cut off by the token limit."""
        return sum(scored.answer.finish_reason == "length" for scored in self.answers)

    @property
    def longest(self) -> int:
        """Length of the longest answer."""
        return max((scored.answer.actual for scored in self.answers), default=0)

    @property
    def cost(self) -> float | None:
        """Total cost, or ``None`` if no answer states one."""
        costs = [scored.answer.cost for scored in self.answers if scored.answer.cost is not None]
        return sum(costs) if costs else None

    @property
    def ungraded(self) -> list[ScoredAnswer]:
        """The answers for which a judge gave no usable grades."""
        return [scored for scored in self.answers if scored.is_ungraded]

    @property
    def is_judged(self) -> bool:
        """Whether any answer has been graded."""
        return any(scored.s_q is not None for scored in self.answers if scored.answer.is_answered)

    @cached_property
    def by_prompt(self) -> dict[str, list[ScoredAnswer]]:
        """The answers by the id of their prompt."""
        grouped: dict[str, list[ScoredAnswer]] = {}
        for scored in self.answers:
            grouped.setdefault(scored.answer.id, []).append(scored)
        return grouped

    def figure(self, name: str) -> Interval | None:
        """Return a figure over all prompts. As published, "mean" is the mean of the means of S_l and S_q."""
        parts = ("S_l", "S_q") if name == "mean" else (name,)
        table = [
            [mean_of(scored.figure(part) for scored in answers) / len(parts) for part in parts]
            for answers in self.by_prompt.values()
        ]
        if not table or any(all(math.isnan(value) for value in column) for column in zip(*table, strict=True)):
            return None
        return bootstrap_interval(table)

    def dimension(self, name: str) -> Interval | None:
        """Return the mean of a dimension of quality, from 0 to 100."""
        table = [
            [mean_of((scored.grades[name] - 1) * 25 if scored.grades else math.nan for scored in answers)]
            for answers in self.by_prompt.values()
        ]
        return None if all(math.isnan(row[0]) for row in table) else bootstrap_interval(table)

    @property
    def critics(self) -> tuple[str, ...]:
        """The critics that have read any of the answers."""
        return tuple(sorted({reading.critic for scored in self.answers for reading in scored.readings}))

    @property
    def texts_read(self) -> int:
        """How many answers a critic has read."""
        return sum(bool(scored.readings) for scored in self.answers)

    @property
    def points_dropped(self) -> int:
        """How many findings of critics were dropped, because a quote is not in the text."""
        return sum(reading.dropped for scored in self.answers for reading in scored.readings)

    @property
    def contradictions(self) -> Interval | None:
        """Contradictions in 10,000 words; ``None`` if no critic has read an answer."""
        return self._density(lambda scored: scored.contradictions)

    @cached_property
    def stock_phrases(self) -> Interval | None:
        """Stock phrases in 1,000 words; ``None`` without a word list for the language."""

        def of(scored: ScoredAnswer) -> float:
            found = stock_phrases(scored.answer.text)
            return math.nan if found is None else found

        return self._density(of)

    def _density(self, of: Callable[[ScoredAnswer], float]) -> Interval | None:
        """Return a figure over those prompts that have it."""
        means = (mean_of(map(of, answers)) for answers in self.by_prompt.values())
        table = [[mean] for mean in means if not math.isnan(mean)]
        return bootstrap_interval(table) if table else None

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Means of the metrics that need no judge (see :mod:`lwtui_bench.metrics`)."""
        found: dict[str, list[float]] = {}
        for scored in self.answers:
            if scored.answer.is_answered:
                for name, value in measure(scored.answer).items():
                    found.setdefault(name, []).append(value)
        return {name: fmean(values) for name, values in found.items()}

    def group_by(self, key: Callable[[StoredAnswer], str], order: Sequence[str] = ()) -> dict[str, Run]:
        """Split the run by a property of its answers. Groups named in ``order`` come first; empty ones are left out."""
        groups: dict[str, list[ScoredAnswer]] = {name: [] for name in order}
        for scored in self.answers:
            groups.setdefault(key(scored.answer), []).append(scored)
        return {name: replace(self, answers=tuple(answers)) for name, answers in groups.items() if answers}

    def by_length(self) -> dict[str, Run]:
        """Split the run by bins of the required length."""
        return self.group_by(lambda answer: bin_of(answer.length), BINS)

    def by_type(self) -> dict[str, Run]:
        """Split the run by type of text."""
        return self.group_by(lambda answer: answer.type)

    def by_language(self) -> dict[str, Run]:
        """Split the run by language of the prompt."""
        return self.group_by(lambda answer: answer.language)


def load_runs(paths: Sequence[Path], *, compat: bool = False) -> list[Run]:
    """Load the runs in some files of answers, with the verdicts stored beside them.

    Args:
        paths: The files.
        compat: Whether to use the verdicts that were taken as LongBench-Write's own script takes them.

    Raises:
        LwtuiError: A file cannot be read, is malformed, or holds no answers.
    """
    known = suites()
    runs: list[Run] = []
    for path in paths:
        answers = read_answers(path)
        if not answers:
            raise LwtuiError(_("{path} holds no answers.", path=path))
        judged = verdicts_path(path)
        verdicts = read_verdicts(judged) if judged.is_file() else []
        if any(verdict.upstream for verdict in verdicts):
            verdicts = [verdict for verdict in verdicts if verdict.upstream == compat]
        read = readings_path(path)
        readings = read_readings(read) if read.is_file() else []
        runs += _split_into_runs(path, answers, verdicts, readings, known, compat=compat)
    return _with_unique_labels(runs)


def load_as_one_run(path: Path) -> Run:
    """Load all answers of a file as one run, whichever models gave them.

    Raises:
        LwtuiError: The file cannot be read, is malformed, or holds no answers.
    """
    runs = load_runs([path])
    answers = tuple(scored for run in runs for scored in run.answers)
    return runs[0] if len(runs) == 1 else Run(path.stem, "", answers)


def _split_into_runs(
    path: Path,
    answers: Sequence[StoredAnswer],
    verdicts: Sequence[Verdict],
    readings: Sequence[CriticReading],
    known: Mapping[str, Suite],
    *,
    compat: bool,
) -> list[Run]:
    by_text: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        by_text.setdefault((verdict.prompt_id, verdict.answer_hash), []).append(verdict)
    read_of: dict[str, list[CriticReading]] = {}
    for reading in readings:
        read_of.setdefault(reading.answer_hash, []).append(reading)
    grouped: dict[tuple[str, str, str], list[ScoredAnswer]] = {}
    for answer in answers:
        suite = known.get(answer.suite)
        beside = verdict_in_answer(answer)
        on_answer = (*by_text.get((answer.id, answer.hash), ()), *([beside] if beside else []))
        scores = _scores(path, answer, suite.score if suite else None)
        scored = ScoredAnswer(answer, scores, on_answer, readings=tuple(read_of.get(answer.hash, ())))
        label = answer.model or path.stem
        if answer.mode not in ("", "direct"):
            label += f" ({answer.mode})"
        grouped.setdefault((label, answer.suite, str(answer.row.get("settings_hash", ""))), []).append(scored)
    return [
        _make_run(label, known.get(suite), suite, scored, compat=compat)
        for (label, suite, _mode), scored in grouped.items()
    ]


def _scores(path: Path, answer: StoredAnswer, score: Scorer | None) -> Mapping[str, float]:
    try:
        return score(answer) if score else {"S_l": length_score(answer.length, answer.actual)}
    except ValueError as error:
        raise LwtuiError(
            _(
                "{path}: the answer to “{prompt}…” cannot be scored: {error}.",
                path=path,
                prompt=answer.prompt[:40],
                error=error,
            )
        ) from None


def _make_run(label: str, suite: Suite | None, name: str, answers: Sequence[ScoredAnswer], *, compat: bool) -> Run:
    judges = tuple(sorted({judge_of(verdict) for scored in answers for verdict in scored.verdicts}))
    graded = [replace(scored, grades=_mean_grades(scored, judged=bool(judges), compat=compat)) for scored in answers]
    # Files written by the upstream scripts name no suite: they are LongBench-Write.
    return Run(label, name, tuple(graded), judges, has_published=suite.published if suite else not name)


def _mean_grades(scored: ScoredAnswer, *, judged: bool, compat: bool) -> Mapping[str, float] | None:
    """Average over each judge's repeats, then over judges.

    In a judged run, a missing answer gets the lowest grades; the upstream script has it judged like any other.
    """
    if not scored.answer.is_answered and not compat:
        return dict.fromkeys(DIMENSIONS, 1.0) if judged else None
    per_judge: dict[RunJudge, list[Mapping[str, float]]] = {}
    for verdict in scored.verdicts:
        if verdict.is_complete:
            per_judge.setdefault(judge_of(verdict), []).append(verdict.grades)
    if not per_judge:
        return None
    return {
        name: fmean(fmean(grades[name] for grades in repeats) for repeats in per_judge.values()) for name in DIMENSIONS
    }


def judge_of(verdict: Verdict) -> RunJudge:
    """Return the judge that gave a verdict."""
    return RunJudge(verdict.judge, verdict.template)


def judge_labels(runs: Iterable[Run]) -> list[str]:
    """Return the labels of all judges of some runs, in order."""
    return sorted({judge.label for run in runs for judge in run.judges})


def _with_unique_labels(runs: list[Run]) -> list[Run]:
    labels = [run.label for run in runs]
    has_several_suites = len({run.suite for run in runs}) > 1
    seen: dict[str, int] = {}
    renamed = []
    for run in runs:
        label = run.label
        if labels.count(label) > 1 and has_several_suites and run.suite:
            label = f"{label}, {run.suite}"
        seen[label] = seen.get(label, 0) + 1
        renamed.append(replace(run, label=f"{label} #{seen[label]}" if seen[label] > 1 else label))
    return renamed


def scores_json(run: Run) -> dict[str, Any]:
    """Return the object that ``lwtui bench score --json`` prints."""
    scores = {name: fmean(scored.scores[name] for scored in run.answers) for name in run.answers[0].scores}
    table: dict[str, Any] = {"S_l": fmean(scored.s_l for scored in run.answers), **_counts(run)}
    if (interval := run.figure("S_l")) and interval.n > 1:
        table["interval"] = [interval.low, interval.high]
    if further := {name: value for name, value in scores.items() if name != "S_l"}:
        table["scores"] = further
    for name, groups in (
        ("by_length", run.by_length()),
        ("by_type", run.by_type()),
        ("by_language", run.by_language()),
    ):
        table[name] = {
            group: {"S_l": fmean(scored.s_l for scored in part.answers), "n": part.n, "unanswered": part.unanswered}
            for group, part in groups.items()
        }
    table["metrics"] = run.metrics
    return table


def _counts(run: Run) -> dict[str, Any]:
    return {"n": run.n, "unanswered": run.unanswered, "cut": run.truncated, "longest": run.longest}


def mean_of(values: Iterable[float]) -> float:
    """Return the mean, ignoring ``nan``; ``nan`` if there is nothing else."""
    known = [value for value in values if not math.isnan(value)]
    return fmean(known) if known else math.nan

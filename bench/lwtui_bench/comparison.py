"""What can be told between two runs, and how far judges agree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from lwtui.errors import LwtuiError
from lwtui_bench.grades import DIMENSIONS, quality
from lwtui_bench.judge import Verdict
from lwtui_bench.statistics import Difference, alpha, difference, spread
from lwtui_bench.summary import FIGURES, Run, judge_label, mean_of


def paired(a: Run, b: Run, figure: str) -> list[tuple[float, float]]:
    """The figures of the prompts that both runs have, in pairs."""
    pairs = []
    for prompt, entries in a.by_prompt.items():
        if prompt in b.by_prompt:
            one = mean_of(entry.figure(figure) for entry in entries)
            other = mean_of(entry.figure(figure) for entry in b.by_prompt[prompt])
            if not math.isnan(one) and not math.isnan(other):
                pairs.append((one, other))
    return pairs


def comparable(a: Run, b: Run) -> list[str]:
    """The figures by which two runs may be compared: S_q only where the same judges graded both."""
    return list(FIGURES) if a.is_judged and b.is_judged and a.judges == b.judges else ["S_l"]


def compared(a: Run, b: Run, figure: str) -> Difference:
    """B less A. Raises :class:`LwtuiError` where they have no prompt in common."""
    pairs = paired(a, b, figure)
    if not pairs:
        raise LwtuiError(f"{a.label} and {b.label} have no prompt in common, so they cannot be compared.")
    return difference(pairs)


def conclusion(a: Run, b: Run, figure: str, found: Difference) -> str:
    """What a comparison says, in plain words."""
    unit = "the mean of S_l and S_q" if figure == "mean" else figure
    facts = (
        f"{found.mean:+.1f} points of {unit}, 95 % interval {found.low:+.1f} to {found.high:+.1f}, "
        f"p {chance(found.p)}, {found.n} prompts"
    )
    if found.is_sure:
        better, worse = (b, a) if found.mean > 0 else (a, b)
        return f"{better.label} is better than {worse.label} in {FIGURES[figure]} (B less A: {facts})."
    if found.n < 6:
        return f"It cannot be told which is better: {found.n} prompts are too few for any difference to show ({facts})."
    return (
        f"It cannot be told which is better in {FIGURES[figure]} (B less A: {facts}). With these prompts, a true "
        f"difference of about {found.visible:.0f} points would most likely show."
    )


def chance(p: float) -> str:
    """``= 0.012`` or ``< 0.001``."""
    return f"= {p:.3f}" if p >= 0.001 else "< 0.001"


@dataclass(frozen=True)
class Agreement:
    """How far judges agree on S_q: ``alpha`` of 1 is fully. Retest: a judge with itself; ``spread`` in points."""

    judges: int
    alpha: float | None
    retest_alpha: float | None
    retest_spread: float | None
    dimensions: Mapping[str, float | None]


def agreement(run: Run) -> Agreement | None:
    """Between the judges of a run, and within each; ``None`` where nothing was graded twice."""
    between: list[list[float]] = []
    within: list[list[float]] = []
    per_dimension: dict[str, list[list[float]]] = {name: [] for name in DIMENSIONS}
    for entry in run.entries:
        by_judge: dict[str, list[Verdict]] = {}
        for verdict in entry.verdicts:
            if verdict.is_complete:
                by_judge.setdefault(judge_label(verdict), []).append(verdict)
        own = [[s_q for one in each if (s_q := quality(one.grades)) is not None] for each in by_judge.values()]
        within += own
        between.append([fmean(values) for values in own])
        for name, units in per_dimension.items():
            units.append([fmean(one.grades[name] for one in verdicts) for verdicts in by_judge.values()])
    if not any(len(unit) > 1 for unit in (*between, *within)):
        return None
    dimensions = {name: alpha(units) for name, units in per_dimension.items()}
    return Agreement(len(run.judges), alpha(between), alpha(within), spread(within), dimensions)

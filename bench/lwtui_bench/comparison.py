"""Compare two runs, and measure how far judges agree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from lwtui.errors import LwtuiError
from lwtui.translation import _, _p
from lwtui_bench.grades import DIMENSIONS, quality
from lwtui_bench.judge import Verdict
from lwtui_bench.statistics import Difference, difference, krippendorff_alpha, pooled_deviation
from lwtui_bench.summary import FIGURES, Run, RunJudge, judge_of, mean_of

_MIN_PROMPTS = 6  # below this no difference can be significant


def paired_figures(a: Run, b: Run, figure: str) -> list[tuple[float, float]]:
    """Return the figures of both runs for each prompt that both answered."""
    pairs = []
    for prompt, answers in a.by_prompt.items():
        if prompt in b.by_prompt:
            figure_a = mean_of(answer.figure(figure) for answer in answers)
            figure_b = mean_of(answer.figure(figure) for answer in b.by_prompt[prompt])
            if not math.isnan(figure_a) and not math.isnan(figure_b):
                pairs.append((figure_a, figure_b))
    return pairs


def comparable_figures(a: Run, b: Run) -> list[str]:
    """Return the figures by which two runs may be compared: S_q only if the same judges graded both."""
    return list(FIGURES) if a.is_judged and b.is_judged and a.judges == b.judges else ["S_l"]


def compare_runs(a: Run, b: Run, figure: str) -> Difference:
    """Return the difference B − A.

    Raises:
        LwtuiError: The runs have no prompt in common.
    """
    pairs = paired_figures(a, b, figure)
    if not pairs:
        raise LwtuiError(
            _(
                "{first} and {second} have no prompt in common, so they cannot be compared.",
                first=a.label,
                second=b.label,
            )
        )
    return difference(pairs)


def figure_label(figure: str) -> str:
    """Return how a table or a message calls a figure: S_l and S_q are symbols."""
    return _p("figure", "mean") if figure == "mean" else figure


def _figure_name(figure: str) -> str:
    match figure:
        case "S_l":
            return _("length")
        case "S_q":
            return _("quality")
    return _("the mean of length and quality")


def conclusion(a: Run, b: Run, figure: str, found: Difference) -> str:
    """State the result of a comparison in plain words."""
    unit = _("the mean of S_l and S_q") if figure == "mean" else figure
    facts = _(
        "{mean:+.1f} points of {unit}, 95% interval {low:+.1f} to {high:+.1f}, p {p}, {count} prompts",
        mean=found.mean,
        unit=unit,
        low=found.low,
        high=found.high,
        p=format_p(found.p),
        count=found.n,
    )
    if found.is_significant:
        better, worse = (b, a) if found.mean > 0 else (a, b)
        return _(
            "{better} is better than {worse} in {figure} (B − A: {facts}).",
            better=better.label,
            worse=worse.label,
            figure=_figure_name(figure),
            facts=facts,
        )
    if found.n < _MIN_PROMPTS:
        return _(
            "No clear winner: {count} prompts are too few to show any difference ({facts}).", count=found.n, facts=facts
        )
    return _(
        "No clear winner in {figure} (B − A: {facts}). With these prompts, a true difference of "
        "about {points:.0f} points would most likely be found.",
        figure=_figure_name(figure),
        facts=facts,
        points=found.visible,
    )


def format_p(p: float) -> str:
    """Format a p-value as ``= 0.012`` or ``< 0.001``."""
    return f"= {p:.3f}" if p >= 0.001 else "< 0.001"


@dataclass(frozen=True)
class Agreement:
    """How far judges agree.

    Attributes:
        judges: How many judges there are.
        alpha: Krippendorff's alpha of S_q between judges: 1 is full agreement; ``None`` if it cannot be computed.
        retest_alpha: The same between repeated verdicts of one judge.
        retest_deviation: Standard deviation of S_q between repeated verdicts of one judge on one answer, in points.
        dimensions: Alpha between judges for each dimension.
    """

    judges: int
    alpha: float | None
    retest_alpha: float | None
    retest_deviation: float | None
    dimensions: Mapping[str, float | None]


def agreement(run: Run) -> Agreement | None:
    """Measure the agreement between the judges of a run, and of each with itself; ``None`` without repeated grades."""
    between: list[list[float]] = []
    within: list[list[float]] = []
    per_dimension: dict[str, list[list[float]]] = {name: [] for name in DIMENSIONS}
    for answer in run.answers:
        by_judge: dict[RunJudge, list[Verdict]] = {}
        for verdict in answer.verdicts:
            if verdict.is_complete:
                by_judge.setdefault(judge_of(verdict), []).append(verdict)
        qualities = [
            [s_q for verdict in verdicts if (s_q := quality(verdict.grades)) is not None]
            for verdicts in by_judge.values()
        ]
        within += qualities
        between.append([fmean(values) for values in qualities])
        for name, units in per_dimension.items():
            units.append([fmean(verdict.grades[name] for verdict in verdicts) for verdicts in by_judge.values()])
    if not any(len(unit) > 1 for unit in (*between, *within)):
        return None
    dimensions = {name: krippendorff_alpha(units) for name, units in per_dimension.items()}
    return Agreement(
        len(run.judges), krippendorff_alpha(between), krippendorff_alpha(within), pooled_deviation(within), dimensions
    )

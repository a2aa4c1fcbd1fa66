"""The tables of a report, which the terminal and the HTML page share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from rich.cells import cell_len

from lwtui.text import money
from lwtui.translation import _, _n, _p, sentences
from lwtui_bench.bradley_terry import DuelScore, JudgeHabits
from lwtui_bench.comparison import agreement, comparable_figures, compare_runs, conclusion, figure_label, format_p
from lwtui_bench.duel import Outcome
from lwtui_bench.grades import DIMENSIONS, dimension_label
from lwtui_bench.length_score import bin_label
from lwtui_bench.metrics import METRICS
from lwtui_bench.reference import published_results
from lwtui_bench.statistics import Difference, Interval, holm
from lwtui_bench.summary import Run, judge_labels

NONE = "–"


@dataclass(frozen=True)
class Table:
    """A table of text. The first column is left-aligned, the others are right-aligned."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def render_text(table: Table) -> str:
    """Render a table for the terminal."""
    grid = [list(table.columns), *map(list, table.rows)]
    widths = [max(cell_len(row[column]) for row in grid) for column in range(len(table.columns))]
    lines = [_line(row, widths) for row in grid]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join([table.title, "", *lines, *([f"\n{table.note}"] if table.note else [])])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell + " " * (width - cell_len(cell)) if column == 0 else " " * (width - cell_len(cell)) + cell
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def all_tables(runs: Sequence[Run], *, reference: bool = True) -> list[Table]:
    """Return every table that applies to these runs, the most important first.

    Args:
        runs: At least one run.
        reference: Whether to include published results.
    """
    tables = [scores_table(runs)]
    if len(runs) > 1:
        tables.append(comparison_table(runs))
    tables.append(by_length_table(runs))
    tables += [breakdown_table(run) for run in runs]
    if any(run.is_judged for run in runs):
        tables += [quality_table(runs), *filter(None, map(agreement_table, runs))]
    tables.append(errors_table(runs))
    tables.append(metrics_table(runs))
    if reference and any(run.has_published for run in runs):
        tables.append(published_table())
    return tables


def scores_table(runs: Sequence[Run]) -> Table:
    """Return the scores of each run, with its cost and its missing and truncated answers."""
    further = sorted({name for run in runs for name in run.answers[0].scores if name != "S_l"})
    rows = []
    for run in runs:
        cells = [run.label, str(run.n), format_interval(run.figure("S_l"))]
        cells += [format_interval(run.figure(name)) for name in further]
        cells += [format_interval(run.figure("S_q")), format_interval(run.figure("mean"))]
        rows.append([*cells, str(run.unanswered), str(run.truncated), f"{run.longest:,}", _money(run.cost)])
    names = [_("model"), "n", "S_l", *map(_score_label, further), "S_q", _("mean of both"), _("no answer")]
    names += [_("cut off"), _("longest"), _("cost")]
    judges = ", ".join(judge_labels(runs))
    note = _("With 95% intervals over the prompts. A missing answer counts as 0.")
    note = sentences(note, _("S_q by {judges}.", judges=judges) if judges else "")
    return Table(_("Scores, 0 to 100"), names, rows, note)


def _score_label(name: str) -> str:
    return _p("share of answers", "met") if name == "met" else name  # of the suite length-constraints


def comparison_table(runs: Sequence[Run]) -> Table:
    """Compare every two runs that share prompts; p-values are corrected for the number of pairs."""
    found: list[tuple[Run, Run, str, Difference]] = []
    for a, b in combinations(runs, 2):
        if set(a.by_prompt) & set(b.by_prompt):
            figure = comparable_figures(a, b)[-1]
            found.append((a, b, figure, compare_runs(a, b, figure)))
    corrected = holm([difference.p for *_runs, difference in found])
    rows = []
    for (a, b, figure, difference), p in zip(found, corrected, strict=True):
        is_significant = difference.is_significant and p < 0.05
        better = (b.label if difference.mean > 0 else a.label) if is_significant else _("no clear winner")
        interval = _("{low:+.1f} to {high:+.1f}", low=difference.low, high=difference.high)
        cells = [f"{a.label} → {b.label}", figure_label(figure), f"{difference.mean:+.1f}", interval]
        rows.append([*cells, format_p(p).removeprefix("= "), str(difference.n), better])
    note = _("On the prompts that both answered; permutation test, p after Holm's correction.")
    names = [_("pair"), _("figure"), _("difference"), "95%", "p", _("prompts"), _("better")]
    return Table(_("Which is better"), names, rows, note)


def by_length_table(runs: Sequence[Run]) -> Table:
    """Return S_l by bins of the required length."""
    bins = list(dict.fromkeys(name for run in runs for name in run.by_length()))
    rows = []
    for run in runs:
        by_bin = run.by_length()
        cells = [format_interval(by_bin[name].figure("S_l")) if name in by_bin else NONE for name in bins]
        rows.append([run.label, *cells])
    return Table(_("S_l by required length"), [_("model"), *map(bin_label, bins)], rows)


def breakdown_table(run: Run) -> Table:
    """Return the scores of a run by type of text and by language."""
    groups = {**run.by_type(), **run.by_language()}
    rows = [
        [name, str(part.n), *(format_interval(part.figure(figure)) for figure in ("S_l", "S_q")), str(part.unanswered)]
        for name, part in groups.items()
    ]
    title = _("{label}, by type and language", label=run.label)
    return Table(title, [_("group"), "n", "S_l", "S_q", _("no answer")], rows)


def quality_table(runs: Sequence[Run]) -> Table:
    """Return the dimensions of quality of each run."""
    rows = [
        [run.label, *(format_interval(run.dimension(name)) for name in DIMENSIONS), str(len(run.ungraded))]
        for run in runs
    ]
    note = _("Answers that the judge did not grade are left out, and counted in the last column.")
    names = [_("model"), *map(dimension_label, DIMENSIONS), _("not graded")]
    return Table(_("Quality, 0 to 100"), names, rows, note)


def agreement_table(run: Run) -> Table | None:
    """Return how far judges agree on a run, or ``None`` if no answer was graded twice."""
    found = agreement(run)
    if found is None:
        return None
    rows: list[list[str]] = []
    if found.judges > 1:
        rows = [
            ["S_q", _number(found.alpha, 2)],
            *([dimension_label(name), _number(alpha, 2)] for name, alpha in found.dimensions.items()),
        ]
    rows.append([_("S_q, a judge with itself"), _number(found.retest_alpha, 2)])
    rows.append([_("its standard deviation on one answer, points"), _number(found.retest_deviation)])
    note = _("Krippendorff's alpha: 1 is full agreement, 0 is chance.")
    columns = ["", _n("{count} judge", "{count} judges", found.judges)]
    return Table(_("Agreement on {label}", label=run.label), columns, rows, note)


def metrics_table(runs: Sequence[Run]) -> Table:
    """Return the metrics that need no judge, one run per column."""
    rows = []
    for name, (label, _direction) in METRICS.items():
        if any(name in run.metrics for run in runs):
            rows.append([label, *(_metric(name, run.metrics.get(name)) for run in runs)])
    names = [_("means over the answers"), *(run.label for run in runs)]
    return Table(_("The texts, without a judge"), names, rows)


def errors_table(runs: Sequence[Run]) -> Table:
    """Return the density of errors of each run: contradictions that a critic has found, and stock phrases."""
    rows = []
    for run in runs:
        stock = format_interval(run.stock_phrases)
        cells = [run.label, format_interval(run.contradictions), str(run.texts_read), str(run.points_dropped), stock]
        rows.append(cells)
    critics = ", ".join(sorted({critic for run in runs for critic in run.critics}))
    note = sentences(
        _("With 95% intervals over the prompts. Contradictions: lwtui bench errors."),
        _("By {critics}; each has two quotes that are in the text.", critics=critics) if critics else "",
    )
    names = [_("model"), _("contradictions in 10,000 words"), _("texts read"), _p("findings", "dropped")]
    return Table(_("Errors and machine prose"), [*names, _("stock phrases in 1,000 words")], rows, note)


def duel_table(labels: Sequence[str], scores: Sequence[DuelScore], prompts: int) -> Table:
    """Rank contestants by their scores."""
    order = sorted(range(len(labels)), key=lambda at: -scores[at].score)
    rows = [
        [
            labels[at],
            f"{scores[at].score:.0f} [{scores[at].low:.0f}, {scores[at].high:.0f}]",
            f"{scores[at].share:.0%}",
            *map(str, (scores[at].wins, scores[at].ties, scores[at].losses)),
        ]
        for at in order
    ]
    note = _n(
        "Bradley-Terry scores on Elo's scale, mean 1000; 95% intervals by bootstrap over {count} prompt. "
        "A win is two agreeing verdicts in both orders.",
        "Bradley-Terry scores on Elo's scale, mean 1000; 95% intervals by bootstrap over {count} prompts. "
        "A win is two agreeing verdicts in both orders.",
        prompts,
    )
    names = [_("model"), _p("duel", "score"), _("won, ties half"), _("wins"), _("ties"), _("losses")]
    return Table(_("Pairwise"), names, rows, note)


def meetings_table(labels: Sequence[str], found: Sequence[Outcome]) -> Table:
    """Return wins, ties and losses of every two contestants."""
    rows = []
    for a, b in combinations(range(len(labels)), 2):
        scores = [outcome.score for outcome in found if (outcome.a, outcome.b) == (a, b)]
        if scores:
            counts = (scores.count(1.0), scores.count(0.5), scores.count(0.0))
            rows.append([f"{labels[a]} : {labels[b]}", *map(str, counts)])
    return Table(_("Each pair"), [_("pair"), _("first wins"), _("ties"), _("second wins")], rows)


def duel_judges_table(habits: Mapping[str, JudgeHabits]) -> Table:
    """Return how consistent each judge is."""
    rows = [
        [judge, str(habit.comparisons), f"{habit.consistent:.0%}", f"{habit.prefers_first:.0%}"]
        for judge, habit in habits.items()
    ]
    names = [_("judge"), _("pairs"), _("both orders agree"), _("prefers the first")]
    return Table(_("The judges"), names, rows)


def published_table() -> Table:
    """Return the published results on LongBench-Write."""
    rows = [
        [result.model, *map(_number, (result.s_l, result.s_q, result.mean)), result.judge, result.source]
        for result in published_results()
    ]
    note = _("As published. S_q and the mean compare only with results of the same judge and prompt.")
    names = [_("model"), "S_l", "S_q", figure_label("mean"), _("judge"), _p("publication", "source")]
    return Table(_("Published on LongBench-Write"), names, rows, note)


def conclusions(runs: Sequence[Run]) -> list[str]:
    """State which run is better if there are exactly two that share prompts."""
    if len(runs) != 2:
        return []
    a, b = runs
    if not set(a.by_prompt) & set(b.by_prompt):
        return []
    figure = comparable_figures(a, b)[-1]
    return [conclusion(a, b, figure, compare_runs(a, b, figure))]


def format_interval(interval: Interval | None) -> str:
    """Format a mean with its confidence interval, which a single prompt does not have."""
    if interval is None:
        return NONE
    mean = f"{interval.mean:.1f}"
    return f"{mean} [{interval.low:.1f}, {interval.high:.1f}]" if interval.n > 1 else mean


def _number(value: float | None, digits: int = 1) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _money(value: float | None) -> str:
    return NONE if value is None else money(value)


def _metric(name: str, value: float | None) -> str:
    if value is None:
        return NONE
    if name == "longest_repeat":
        return f"{value:.0f}"
    if name == "stock_phrases":
        return f"{value:.1f}"
    if name == "attainment":
        return f"{value:.2f}"
    return f"{value * 100:+.1f}%" if name == "drift" else f"{value * 100:.1f}%"

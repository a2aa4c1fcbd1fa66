"""What a report says, as tables of text: the terminal and the page show the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from rich.cells import cell_len

from lwtui.text import money
from lwtui_bench.comparison import agreement, chance, comparable, compared, conclusion
from lwtui_bench.grades import DIMENSIONS
from lwtui_bench.metrics import NAMES
from lwtui_bench.reference import PUBLISHED
from lwtui_bench.statistics import Difference, Interval, holm
from lwtui_bench.summary import Run

NONE = "–"


@dataclass(frozen=True)
class Table:
    """A title, the names of the columns and the rows. The first column is text, the others figures."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def plain(table: Table) -> str:
    """The table for a terminal, its figures flush right."""
    grid = [list(table.columns), *map(list, table.rows)]
    widths = [max(cell_len(row[at]) for row in grid) for at in range(len(table.columns))]
    lines = [_line(row, widths) for row in grid]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join([table.title, "", *lines, *([f"\n{table.note}"] if table.note else [])])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell + " " * (width - cell_len(cell)) if at == 0 else " " * (width - cell_len(cell)) + cell
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def all_tables(runs: Sequence[Run], *, reference: bool = True) -> list[Table]:
    """Every table that these runs give rise to, the most important first."""
    tables = [scores(runs)]
    if len(runs) > 1:
        tables.append(comparisons(runs))
    tables.append(by_length(runs))
    tables += [parts(run) for run in runs]
    if any(run.is_judged for run in runs):
        tables += [quality_table(runs), *filter(None, map(agreement_table, runs))]
    tables.append(metrics(runs))
    if reference and any(run.has_published for run in runs):
        tables.append(published())
    return tables


def scores(runs: Sequence[Run]) -> Table:
    further = sorted({name for run in runs for name in run.entries[0].scores if name != "S_l"})
    rows = []
    for run in runs:
        cells = [run.label, str(run.n), interval(run.figure("S_l"))]
        cells += [interval(run.figure(name)) for name in further]
        cells += [interval(run.figure("S_q")), interval(run.figure("mean"))]
        rows.append([*cells, str(run.unanswered), str(run.cut), f"{run.longest:,}", _money(run.cost)])
    names = ["model", "n", "S_l", *further, "S_q", "mean of both", "no answer", "cut off", "longest", "cost"]
    judges = sorted({judge for run in runs for judge in run.judges})
    note = "With 95 % intervals over the prompts. No answer counts as 0."
    return Table("Scores, 0 to 100", names, rows, note + (f" S_q by {', '.join(judges)}." if judges else ""))


def comparisons(runs: Sequence[Run]) -> Table:
    """Each two runs, by the figure that both have; p corrected for how many pairs were looked at."""
    found: list[tuple[Run, Run, str, Difference]] = []
    for a, b in combinations(runs, 2):
        if set(a.by_prompt) & set(b.by_prompt):
            figure = comparable(a, b)[-1]
            found.append((a, b, figure, compared(a, b, figure)))
    corrected = holm([one.p for *_, one in found])
    rows = []
    for (a, b, figure, one), p in zip(found, corrected, strict=True):
        sure = one.is_sure and p < 0.05
        better = (b.label if one.mean > 0 else a.label) if sure else "cannot be told"
        cells = [f"{a.label} → {b.label}", figure, f"{one.mean:+.1f}", f"{one.low:+.1f} to {one.high:+.1f}"]
        rows.append([*cells, chance(p).removeprefix("= "), str(one.n), better])
    note = "On the prompts that both have; permutation test, p after Holm's correction."
    return Table("Which is better", ["pair", "figure", "difference", "95 %", "p", "prompts", "better"], rows, note)


def by_length(runs: Sequence[Run]) -> Table:
    bins = list(dict.fromkeys(name for run in runs for name in run.by_length()))
    rows = []
    for run in runs:
        of_run = run.by_length()
        rows.append([run.label, *(interval(of_run[name].figure("S_l")) if name in of_run else NONE for name in bins)])
    return Table("S_l by required length", ["model", *bins], rows)


def parts(run: Run) -> Table:
    rows = [
        [name, str(part.n), interval(part.figure("S_l")), interval(part.figure("S_q")), str(part.unanswered)]
        for name, part in {**run.by_type(), **run.by_language()}.items()
    ]
    return Table(f"{run.label}, by type and language", ["part", "n", "S_l", "S_q", "no answer"], rows)


def quality_table(runs: Sequence[Run]) -> Table:
    rows = [
        [run.label, *(interval(run.dimension(name)) for name in DIMENSIONS), str(len(run.unscored))] for run in runs
    ]
    note = "Answers that the judge gave no grades for are left out, and counted in the last column."
    return Table("Quality, 0 to 100", ["model", *DIMENSIONS, "not graded"], rows, note)


def agreement_table(run: Run) -> Table | None:
    found = agreement(run)
    if found is None:
        return None
    rows: list[list[str]] = []
    if found.judges > 1:
        rows = [["S_q", _share(found.alpha)], *([name, _share(value)] for name, value in found.dimensions.items())]
    rows.append(["a judge with itself, S_q", _share(found.retest_alpha)])
    rows.append(["its spread on one answer, points", _share(found.retest_spread, 1)])
    note = "Krippendorff's alpha: 1 is full agreement, 0 what chance brings."
    columns = ["", f"{found.judges} judges" if found.judges > 1 else "1 judge"]
    return Table(f"Agreement on {run.label}", columns, rows, note)


def metrics(runs: Sequence[Run]) -> Table:
    rows = []
    for name, (words, _) in NAMES.items():
        if any(name in run.metrics for run in runs):
            rows.append([words, *(_metric(name, run.metrics.get(name)) for run in runs)])
    return Table("The texts, without a judge", ["means over the answers", *(run.label for run in runs)], rows)


def published() -> Table:
    rows = [
        [one.model, _number(one.s_l), _number(one.s_q), _number(one.mean), one.judge, one.source] for one in PUBLISHED
    ]
    note = "As published. S_q and the mean compare only with figures by the same judge and prompt."
    return Table("Published on LongBench-Write", ["model", "S_l", "S_q", "mean", "judge", "source"], rows, note)


def conclusions(runs: Sequence[Run]) -> list[str]:
    """Which is better, in words, where there are two runs."""
    if len(runs) != 2:
        return []
    a, b = runs
    if not set(a.by_prompt) & set(b.by_prompt):
        return []
    figure = comparable(a, b)[-1]
    return [conclusion(a, b, figure, compared(a, b, figure))]


def interval(found: Interval | None) -> str:
    if found is None:
        return NONE
    return f"{found.mean:.1f} [{found.low:.1f}, {found.high:.1f}]" if found.n > 1 else f"{found.mean:.1f}"


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.1f}"


def _share(value: float | None, digits: int = 2) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _money(value: float | None) -> str:
    return NONE if value is None else money(value)


def _metric(name: str, value: float | None) -> str:
    if value is None:
        return NONE
    if name == "longest_repeat":
        return f"{value:.0f}"
    if name == "attainment":
        return f"{value:.2f}"
    return f"{value * 100:+.1f} %" if name == "drift" else f"{value * 100:.1f} %"

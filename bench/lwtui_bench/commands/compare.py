"""``lwtui bench compare``: whether one model is better than another."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwtui.command_line.values import float_between
from lwtui.errors import UsageError
from lwtui.translation import _
from lwtui_bench.commands.options import add_compat_option, is_below

if TYPE_CHECKING:
    from lwtui_bench.summary import Run

_FIGURES = ("S_l", "S_q", "mean")


def add(actions: Any) -> None:
    """Add the parser of the action to ``actions``."""
    parser = actions.add_parser(
        "compare",
        help=_("whether B is better than A, or there is no clear winner"),
        description=_(
            "Compare two runs on the prompts that both answered, and say plainly whether one is better\n"
            "or there is no clear winner."
        ),
    )
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help=_("two files, A and B, or one with two runs")
    )
    parser.add_argument(
        "--figure",
        choices=_FIGURES,
        help=_("S_l (length), S_q (quality) or their mean (default: mean if the same judges graded both, else S_l)"),
    )
    parser.add_argument("--json", action="store_true", help=_('print {"better", "figure", "difference", "p", "n", …}'))
    parser.add_argument(
        "--fail-under",
        type=float_between(-100, 100),
        metavar="N",
        help=_("exit with 1 if B − A is below N points, such as -2"),
    )
    add_compat_option(parser)


def run(options: argparse.Namespace) -> int:
    """Print the comparison, and return the exit code."""
    from lwtui_bench.comparison import comparable_figures, compare_runs, conclusion, figure_label
    from lwtui_bench.summary import load_runs

    runs = load_runs(options.files, compat=options.upstream_compat)
    if len(runs) != 2:
        raise UsageError(
            _(
                "The comparison needs two runs, but these files hold {count}. lwtui bench report shows any number.",
                count=len(runs),
            )
        )
    a, b = runs
    figures = comparable_figures(a, b)
    figure = options.figure or figures[-1]
    if figure not in figures:
        raise UsageError(_why_not_comparable(a, b, figure))
    difference = compare_runs(a, b, figure)
    if options.json:
        import json

        better = (b.label if difference.mean > 0 else a.label) if difference.is_significant else None
        head = {"a": a.label, "b": b.label, "figure": figure, "better": better, "difference": difference.mean}
        rest = {name: value for name, value in asdict(difference).items() if name != "mean"}
        print(json.dumps(head | rest, ensure_ascii=False, indent=2))
    else:
        print(conclusion(a, b, figure, difference))
    name = _("B − A in {figure}", figure=figure_label(figure))
    return 1 if is_below(difference.mean, options.fail_under, name) else 0


def _why_not_comparable(a: Run, b: Run, figure: str) -> str:
    from lwtui_bench.comparison import figure_label
    from lwtui_bench.summary import judge_labels

    for run in (a, b):
        if not run.is_judged:
            return _(
                "{label} was not judged, so it has no {figure}. Have the same judges grade both: "
                "lwtui bench judge --help.",
                label=run.label,
                figure=figure_label(figure),
            )
    return _(
        "{first} was judged by {first_judges}, but {second} by {second_judges}, so their {figure} "
        "does not compare. Have the same judges grade both: lwtui bench judge --help.",
        first=a.label,
        first_judges=", ".join(judge_labels([a])),
        second=b.label,
        second_judges=", ".join(judge_labels([b])),
        figure=figure_label(figure),
    )

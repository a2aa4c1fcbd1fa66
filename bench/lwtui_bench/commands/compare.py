"""``lwtui bench compare``: whether one model is better than another, or it cannot be told."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwtui.command_line.values import between
from lwtui.errors import UsageError
from lwtui_bench.commands.options import add_compat_option, below

if TYPE_CHECKING:
    from lwtui_bench.summary import Run

_FIGURES = ("S_l", "S_q", "mean")


def add(actions: Any) -> None:
    parser = actions.add_parser(
        "compare",
        help="whether B is better than A, or it cannot be told",
        description="Compare two runs on the prompts that both have, and say plainly whether one is better\n"
        "or it cannot be told.",
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="two files, A and B, or one with two runs")
    parser.add_argument(
        "--figure",
        choices=_FIGURES,
        help="S_l (length), S_q (quality) or their mean (default: mean if the same judges graded both, else S_l)",
    )
    parser.add_argument("--json", action="store_true", help='print {"better", "figure", "difference", "p", "n", …}')
    parser.add_argument(
        "--fail-under",
        type=between(-100, 100),
        metavar="N",
        help="exit with 1 if B less A is under N points, such as -2",
    )
    add_compat_option(parser)


def run(options: argparse.Namespace) -> int:
    from lwtui_bench.comparison import comparable, compared, conclusion
    from lwtui_bench.summary import load_runs

    runs = load_runs(options.files, compat=options.upstream_compat)
    if len(runs) != 2:
        raise UsageError(
            f"These files hold {len(runs)} runs, and two are compared. lwtui bench report shows any number."
        )
    a, b = runs
    figures = comparable(a, b)
    figure = options.figure or figures[-1]
    if figure not in figures:
        raise UsageError(_why_not(a, b, figure))
    found = compared(a, b, figure)
    if options.json:
        import json

        better = (b.label if found.mean > 0 else a.label) if found.is_sure else None
        about = {"a": a.label, "b": b.label, "figure": figure, "better": better, "difference": found.mean}
        rest = {name: value for name, value in asdict(found).items() if name != "mean"}
        print(json.dumps(about | rest, ensure_ascii=False, indent=2))
    else:
        print(conclusion(a, b, figure, found))
    return 1 if below(found.mean, options.fail_under, f"B less A in {figure}") else 0


def _why_not(a: Run, b: Run, figure: str) -> str:
    for run in (a, b):
        if not run.is_judged:
            return f"{run.label} was not judged, so there is no {figure}. Judge both alike: lwtui bench judge --help."
    return (
        f"{a.label} was judged by {', '.join(a.judges)}, {b.label} by {', '.join(b.judges)}: their {figure} do not "
        "compare. Judge both alike: lwtui bench judge --help."
    )

"""``lwtui bench report``: what files of answers and verdicts say, on the terminal, as a page and as pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lwtui.command_line.extras import require_extra
from lwtui.command_line.guard import say
from lwtui.command_line.values import number
from lwtui.errors import LwtuiError
from lwtui.files import write_atomically
from lwtui_bench.commands.options import add_compat_option, below


def add(actions: Any) -> None:
    parser = actions.add_parser(
        "report",
        help="tables, a page and pictures, with error bars",
        description="Say what files of answers, and the verdicts beside them, show: tables on the terminal, and\n"
        "a page of HTML and pictures where they are asked for.",
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="answers, one JSON object a line")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page that needs no other file")
    parser.add_argument("--png", type=Path, metavar="FOLDER", help="write the pictures as PNG")
    parser.add_argument("--no-published", action="store_true", help="without the published figures")
    parser.add_argument("--fail-under", type=number, metavar="N", help="exit with 1 if any model's S_l is under N")
    add_compat_option(parser)


def run(options: argparse.Namespace) -> int:
    from lwtui_bench import tables
    from lwtui_bench.summary import load_runs

    runs = load_runs(options.files, compat=options.upstream_compat)
    reference = not options.no_published
    shown = tables.all_tables(runs, reference=reference)
    conclusions = tables.conclusions(runs)
    if options.html or options.png:  # before the tables, whose reader may be gone after the first page
        _draw(options, runs, shown, conclusions, reference=reference)
    print("\n\n".join([*map(tables.plain, shown), *conclusions]))
    reached = {run.label: found.mean for run in runs if (found := run.figure("S_l"))}
    failed = [below(mean, options.fail_under, f"S_l of {label}") for label, mean in reached.items()]
    return 1 if any(failed) else 0


def _draw(options: argparse.Namespace, runs: Any, shown: Any, conclusions: list[str], *, reference: bool) -> None:
    require_extra("bench", "matplotlib")
    from lwtui_bench.charts import all_charts, as_bytes
    from lwtui_bench.page import page

    charts = all_charts(runs, reference=reference)
    try:
        if options.png:
            options.png.mkdir(parents=True, exist_ok=True)
            for name, figure in charts.items():
                write_atomically(options.png / f"{name}.png", as_bytes(figure, "png"))
            say(f"{len(charts)} pictures are in {options.png}")
        if options.html:
            options.html.parent.mkdir(parents=True, exist_ok=True)
            pictures = {name: as_bytes(figure, "svg") for name, figure in charts.items()}
            write_atomically(options.html, page(runs, shown, pictures, conclusions))
            say(f"The page is {options.html}")
    except OSError as error:
        raise LwtuiError(f"Cannot write the report: {error.strerror}: {error.filename}.") from None

"""``lwtui bench report``: summarize answers and verdicts in the terminal, as an HTML page, and as charts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lwtui.command_line.extras import require_extra
from lwtui.command_line.guard import say
from lwtui.command_line.values import nonnegative_float
from lwtui.errors import LwtuiError
from lwtui.files import write_atomically
from lwtui.translation import _
from lwtui_bench.commands.options import add_compat_option, is_below


def add(actions: Any) -> None:
    """Add the parser of the action to ``actions``."""
    parser = actions.add_parser(
        "report",
        help=_("tables, an HTML page and charts, with error bars"),
        description=_(
            "Summarize files of answers and the verdicts beside them: tables in the terminal, and an HTML\n"
            "page and charts on request."
        ),
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=_("answers, one JSON object per line"))
    parser.add_argument("--html", type=Path, metavar="FILE", help=_("write a self-contained page"))
    parser.add_argument("--png", type=Path, metavar="FOLDER", help=_("write the charts as PNG"))
    parser.add_argument("--no-published", action="store_true", help=_("leave out published results"))
    parser.add_argument(
        "--fail-under", type=nonnegative_float, metavar="N", help=_("exit with 1 if any model's S_l is below N")
    )
    add_compat_option(parser)


def run(options: argparse.Namespace) -> int:
    """Print and write the report, and return the exit code."""
    from lwtui_bench import tables
    from lwtui_bench.summary import load_runs

    runs = load_runs(options.files, compat=options.upstream_compat)
    reference = not options.no_published
    shown = tables.all_tables(runs, reference=reference)
    conclusions = tables.conclusions(runs)
    if options.html or options.png:  # first, since a pager may close standard output after the first page
        _write_files(options, runs, shown, conclusions, reference=reference)
    print("\n\n".join([*map(tables.render_text, shown), *conclusions]))
    means = {run.label: interval.mean for run in runs if (interval := run.figure("S_l"))}
    failed = [is_below(mean, options.fail_under, _("S_l of {label}", label=label)) for label, mean in means.items()]
    return 1 if any(failed) else 0


def _write_files(
    options: argparse.Namespace, runs: Any, shown: Any, conclusions: list[str], *, reference: bool
) -> None:
    require_extra("bench", "matplotlib")
    from lwtui_bench.charts import all_charts, render_image
    from lwtui_bench.page import render_page

    charts = all_charts(runs, reference=reference)
    try:
        if options.png:
            options.png.mkdir(parents=True, exist_ok=True)
            for name, figure in charts.items():
                write_atomically(options.png / f"{name}.png", render_image(figure, "png"))
            say(_("Wrote {count} charts to {folder}", count=len(charts), folder=options.png))
        if options.html:
            options.html.parent.mkdir(parents=True, exist_ok=True)
            images = {name: render_image(figure, "svg") for name, figure in charts.items()}
            write_atomically(options.html, render_page(runs, shown, images, conclusions))
            say(_("Wrote {file}", file=options.html))
    except OSError as error:
        raise LwtuiError(
            _(
                "Cannot write the report to {file}: {reason}. Choose another place, or check its "
                "permissions and the free space.",
                file=error.filename,
                reason=error.strerror,
            )
        ) from None

"""``lwtui bench score``: S_l of a file of answers, and the metrics that need no judge."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lwtui.command_line.guard import say
from lwtui.command_line.values import nonnegative_float
from lwtui.translation import _, _n
from lwtui_bench.commands.options import is_below


def add(actions: Any) -> None:
    """Add the parser of the action to ``actions``."""
    parser = actions.add_parser(
        "score",
        help=_("score lengths and other things that need no judge"),
        description=_(
            "Score a file of answers without a judge. Files written by LongBench-Write's own scripts work\n"
            "too. A missing answer scores 0."
        ),
    )
    parser.add_argument("file", type=Path, metavar="FILE", help=_("answers, one JSON object per line"))
    parser.add_argument(
        "--json",
        action="store_true",
        help=_('print {"S_l", "n", "unanswered", "by_length", "by_type", "by_language", "interval", "metrics", …}'),
    )
    parser.add_argument("--fail-under", type=nonnegative_float, metavar="N", help=_("exit with 1 if S_l is below N"))


def run(options: argparse.Namespace) -> int:
    """Print the scores, and return the exit code."""
    from lwtui_bench.summary import load_as_one_run, scores_json

    run = load_as_one_run(options.file)
    miscounted = sum(scored.answer.miscounted for scored in run.answers)
    if miscounted:
        say(
            _n(
                "{count} row states a response_length that differs from the response; "
                "the length of the response was used.",
                "{count} rows state a response_length that differs from the response; "
                "the length of the response was used.",
                miscounted,
            )
        )
    if options.json:
        import json

        print(json.dumps(scores_json(run), ensure_ascii=False, indent=2))
    else:
        _print_tables(run)
    s_l = sum(scored.s_l for scored in run.answers) / run.n
    return 1 if is_below(s_l, options.fail_under, "S_l") else 0


def _print_tables(run: Any) -> None:
    from lwtui_bench import tables

    for table in (
        tables.scores_table([run]),
        tables.by_length_table([run]),
        tables.breakdown_table(run),
        tables.metrics_table([run]),
    ):
        print(f"{tables.render_text(table)}\n")

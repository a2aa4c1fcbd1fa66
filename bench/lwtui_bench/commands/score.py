"""``lwtui bench score``: S_l of a file of answers, and what else can be told without a judge."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lwtui.command_line.guard import say
from lwtui.command_line.values import number
from lwtui_bench.commands.options import below


def add(actions: Any) -> None:
    parser = actions.add_parser(
        "score",
        help="how well the required lengths are kept, and what else needs no judge",
        description="Score a file of answers without a judge; also one that LongBench-Write's own scripts wrote.\n"
        "An answer that is not there scores 0.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="answers, one JSON object a line")
    parser.add_argument(
        "--json",
        action="store_true",
        help='print {"S_l", "n", "unanswered", "by_length", "by_type", "by_language", "interval", "metrics", …}',
    )
    parser.add_argument("--fail-under", type=number, metavar="N", help="exit with 1 if S_l is under N")


def run(options: argparse.Namespace) -> int:
    from lwtui_bench.summary import length_table, load_all

    run = load_all(options.file)
    miscounted = sum(entry.answer.miscounted for entry in run.entries)
    if miscounted:
        say(f"{miscounted} rows state another response_length than their response has; the response was counted.")
    if options.json:
        import json

        print(json.dumps(length_table(run), ensure_ascii=False, indent=2))
    else:
        _show(run)
    return 1 if below(sum(entry.s_l for entry in run.entries) / run.n, options.fail_under, "S_l") else 0


def _show(run: Any) -> None:
    from lwtui_bench import tables

    for table in (tables.scores([run]), tables.by_length([run]), tables.parts(run), tables.metrics([run])):
        print(f"{tables.plain(table)}\n")

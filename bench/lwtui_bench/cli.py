"""``lwtui bench``: measure how well models write long texts, and compare them."""

from __future__ import annotations

import argparse
from importlib import import_module

from lwtui.command_line.parser import Parser, command_parser
from lwtui.translation import _

_ACTIONS = ("fetch", "run", "score", "judge", "duel", "errors", "report", "compare")


def parser() -> Parser:
    """Return the parser of the command and of its actions."""
    result = command_parser(
        "bench",
        _(
            "Measure how well models write long texts, with LongBench-Write, LongWrite-Ruler and other suites.\n"
            "Models can be endpoints, GGUFs or Hugging Face checkpoints. Answers and verdicts are stored as they\n"
            "arrive, and none is asked for twice."
        ),
        """
        lwtui bench fetch
        lwtui bench run --model demo --task trial
        lwtui bench run --model my-model --base-url http://127.0.0.1:8000/v1 --task longbench-write --concurrency 32
        lwtui bench score lwtui-bench/trial.demo.direct.jsonl --json
        lwtui bench judge lwtui-bench/trial.demo.direct.jsonl --judge gpt
        lwtui bench duel one-pass.jsonl polished.jsonl --judge gpt
        lwtui bench report lwtui-bench/*.direct.jsonl --html report.html
        lwtui bench compare before.jsonl after.jsonl
        """,
    )
    actions = result.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name in _ACTIONS:
        import_module(f"lwtui_bench.commands.{name}").add(actions)
    return result


def run(options: argparse.Namespace) -> int:
    """Run the action that the options name, and return the exit code."""
    code: int = import_module(f"lwtui_bench.commands.{options.action}").run(options)
    return code

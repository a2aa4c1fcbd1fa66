"""``lwtui bench fetch``: get the official prompts and judge prompt."""

from __future__ import annotations

import argparse
from typing import Any

from lwtui.command_line.guard import say


def add(actions: Any) -> None:
    parser = actions.add_parser(
        "fetch",
        help="get the official prompts and the judge's prompt",
        description="Get the prompts of LongBench-Write and LongWrite-Ruler and the judge's prompt from the\n"
        "repository THUDM/LongWriter (Apache-2.0), at one commit, each checked by its SHA-256, into the cache.",
    )
    parser.add_argument("--from", dest="address", metavar="URL", help="another address that has the same files")


def run(options: argparse.Namespace) -> int:
    from lwtui.command_line.choice import host_of
    from lwtui_bench import fetch

    if options.address:
        host_of(options.address)
    fetch.fetch_all(options.address or fetch.ADDRESS, say)
    say(f"All are in {fetch.folder()}. Try: lwtui bench run --model demo --limit 12")
    return 0

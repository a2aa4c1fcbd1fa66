"""``lwtui bench fetch``: download the official prompts and judge prompt."""

from __future__ import annotations

import argparse
from typing import Any

from lwtui.command_line.guard import say
from lwtui.translation import _


def add(actions: Any) -> None:
    """Add the parser of the action to ``actions``."""
    parser = actions.add_parser(
        "fetch",
        help=_("download the official prompts and judge prompt"),
        description=_(
            "Download the prompts of LongBench-Write and LongWrite-Ruler and the judge prompt from the\n"
            "repository THUDM/LongWriter (Apache-2.0) at a fixed commit, check their SHA-256, and cache them."
        ),
    )
    parser.add_argument("--from", dest="address", metavar="URL", help=_("another address that serves the same files"))


def run(options: argparse.Namespace) -> int:
    """Download the files, and return the exit code."""
    from lwtui.command_line.choice import host_of
    from lwtui_bench import fetch

    if options.address:
        host_of(options.address)
    fetch.fetch_all(options.address or fetch.BASE_URL, say)
    say(_("All files are in {folder}. Try: lwtui bench run --model demo --limit 12", folder=fetch.folder()))
    return 0

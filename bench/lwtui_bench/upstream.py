"""What LongBench-Write's own judging script does, for ``--upstream-compat``, and the files that it writes.

It takes a reply as JSON, or the first block marked as JSON in it, without line breaks. If that fails, or a grade is
missing, it asks again until five tries are used up; a missing grade uses up two of them, unless it is the last one.
Then it drops the answer. Grades are taken as they are: fractions, numbers in quotes, and numbers beyond 1 to 5.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lwtui_bench.grades import DIMENSIONS

MAX_TRIES = 5
MAX_TOKENS = 1024
JUDGE = "upstream"  # the name of the judge in files that name none
_BLOCK = re.compile(r"```json\n(.*?)\n```", re.DOTALL)


@dataclass(frozen=True)
class UpstreamReply:
    """How the script takes a reply.

    Attributes:
        accepted: Whether it asks no more.
        tries: How many of its five tries the reply uses up.
        grades: The grades of an accepted reply; empty if the script cannot compute with them.
    """

    accepted: bool
    tries: int
    grades: Mapping[str, float] = field(default_factory=dict)


def take_reply(reply: str) -> UpstreamReply:
    """Take a judge's reply as the script does."""
    if "```json" in reply:
        block = _BLOCK.search(reply)
        if block is None:
            return UpstreamReply(False, 1)
        reply = block[1]
    try:
        table = json.loads(reply.replace("\n", ""))
    except (ValueError, RecursionError):
        return UpstreamReply(False, 1)
    if table is None:
        return UpstreamReply(False, 1)
    if not isinstance(table, dict | list | str):
        return UpstreamReply(True, 1)  # a mere number ends its tries, and its sums
    missing = next((name for name in DIMENSIONS if name not in table), None)
    if missing is not None:
        return UpstreamReply(False, 1 if missing == DIMENSIONS[-1] else 2)
    return UpstreamReply(True, 0, take_grades(table))


def take_grades(table: object) -> dict[str, float]:
    """Return the six grades of an object as numbers; empty if one of them is missing or is none."""
    if not isinstance(table, dict):
        return {}
    try:
        return {name: float(table[name]) for name in DIMENSIONS}
    except (KeyError, TypeError, ValueError):
        return {}


def is_total(row: Mapping[str, Any]) -> bool:
    """Return whether a row is the last one of the script's ``judge.jsonl``, which holds means."""
    return "total" in row and "prompt" not in row and all(name in row for name in DIMENSIONS)

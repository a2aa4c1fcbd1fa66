"""Numbers that are given on the command line: each is a ``type`` of argparse's, and says what it takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from lwtui.documents.model import MOST_SEED

_MOST = 10**9


def whole(given: str) -> int:
    if not given.isdecimal() or not 0 < int(given) < _MOST:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, not {given!r}")
    return int(given)


def seed(given: str) -> int:
    if not given.isdecimal() or int(given) > MOST_SEED:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {MOST_SEED}, not {given!r}")
    return int(given)


def number(given: str) -> float:
    """From 0."""
    return _between(given, 0, _MOST, "a number from 0")


def between(least: float, most: float, what: str = "") -> Callable[[str], float]:
    """A number from ``least`` to ``most``, which an error calls ``what``."""
    return lambda given: _between(given, least, most, what or f"a number from {least:g} to {most:g}")


def _between(given: str, least: float, most: float, what: str) -> float:
    try:
        value = float(given)
    except ValueError:
        value = float("nan")  # which is between no two
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"must be {what}, not {given!r}")
    return value

"""Number types of command line options, to be used as ``type`` of an argparse argument."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from lwtui.documents.model import MAX_SEED
from lwtui.translation import _

_MAX = 10**9


def positive_int(given: str) -> int:
    """Parse a whole number above 0."""
    if not given.isdecimal() or not 0 < int(given) < _MAX:
        raise argparse.ArgumentTypeError(_("must be a whole number above 0, not {given!r}", given=given))
    return int(given)


def seed(given: str) -> int:
    """Parse the seed of a random generator."""
    if not given.isdecimal() or int(given) > MAX_SEED:
        raise argparse.ArgumentTypeError(
            _("must be a whole number from 0 to {most}, not {given!r}", most=MAX_SEED, given=given)
        )
    return int(given)


def nonnegative_float(given: str) -> float:
    """Parse a number that is 0 or more."""
    return _between(given, 0, _MAX, _("a number from 0"))


def float_between(least: float, most: float, what: str = "") -> Callable[[str], float]:
    """Return a parser of numbers from ``least`` to ``most``. Error messages call such a number ``what``."""
    what = what or _("a number from {least:g} to {most:g}", least=least, most=most)
    return lambda given: _between(given, least, most, what)


def _between(given: str, least: float, most: float, what: str) -> float:
    try:
        value = float(given)
    except ValueError:
        value = float("nan")  # fails every comparison
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(_("must be {what}, not {given!r}", what=what, given=given))
    return value

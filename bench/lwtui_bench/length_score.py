"""Length as LongBench-Write counts and scores it (arXiv 2408.07055), to the letter, so that figures compare.

The app counts differently (:mod:`lwtui.text.counting`): here digits, kana and Cyrillic count nothing, and "don't"
counts two.
"""

from __future__ import annotations

import re

# ``re``, not ``regex``: what a word's border is must be what the published counter takes it for.
_UNIT = re.compile(r"[\u4e00-\u9fff]|\b[a-zA-Z]+\b")

BINS = ("[0,500)", "[500,2000)", "[2000,4000)", "[4000,20000]", "over 20000")


def count(text: str) -> int:
    """Chinese characters and words of ASCII letters in ``text``."""
    return sum(1 for _ in _UNIT.finditer(text))


def length_score(required: float, actual: float) -> float:
    """S_l: 100 where ``actual`` is the ``required`` length, falling to 0 at four times and at a third of it.

    An empty answer scores 0. ``required`` must be above 0.
    """
    if actual <= 0:
        return 0.0
    if actual > required:
        return 100 * max(0.0, 1 - (actual / required - 1) / 3)
    return 100 * max(0.0, 1 - (required / actual - 1) / 2)


def bin_of(required: float) -> str:
    """The bin of :data:`BINS` that a required length is in."""
    for name, end in zip(BINS, (500, 2000, 4000), strict=False):
        if required < end:
            return name
    return BINS[3] if required <= 20_000 else BINS[4]

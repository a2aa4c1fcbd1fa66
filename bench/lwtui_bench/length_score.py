"""Length as LongBench-Write counts and scores it (arXiv 2408.07055), to the letter, so that results compare.

The app counts differently (:mod:`lwtui.text.counting`). Here digits, kana and Cyrillic do not count at all, and "don't"
counts as two words.
"""

from __future__ import annotations

import re

from lwtui.translation import _

# Use `re`, not `regex`: word boundaries must fall where the published counter has them.
_UNIT = re.compile(r"[\u4e00-\u9fff]|\b[a-zA-Z]+\b")

BINS = ("[0,500)", "[500,2000)", "[2000,4000)", "[4000,20000]", "over 20000")


def count(text: str) -> int:
    """Count the Chinese characters and the words of ASCII letters in ``text``."""
    return sum(1 for _match in _UNIT.finditer(text))


def length_score(required: float, actual: float) -> float:
    """Return S_l, as defined in arXiv 2408.07055.

    Args:
        required: The required length, above 0.
        actual: The answer's length, in the same units.

    Returns:
        100 if the lengths are equal. The score falls to 0 at four times and at a third of the required length, and is 0
        for an empty answer.
    """
    if actual <= 0:
        return 0.0
    if actual > required:
        return 100 * max(0.0, 1 - (actual / required - 1) / 3)
    return 100 * max(0.0, 1 - (required / actual - 1) / 2)


def bin_of(required: float) -> str:
    """Return the bin of :data:`BINS` that a required length falls into."""
    for name, end in zip(BINS, (500, 2000, 4000), strict=False):
        if required < end:
            return name
    return BINS[3] if required <= 20_000 else BINS[4]


def bin_label(name: str) -> str:
    """Return the name of a bin in the user's language."""
    return _("over 20000") if name == "over 20000" else name

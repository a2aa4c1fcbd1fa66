"""Words of Thai, Lao, Khmer and Burmese, which are written without spaces: ICU finds them with its dictionaries."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from icu4py.breakers import WordBreaker


def split_words(run: str) -> list[str]:
    """Split text in one of these scripts, without spaces or punctuation, into words."""
    return list(_breaker()(run, "th"))  # the script decides on the dictionary


@cache
def _breaker() -> type[WordBreaker]:
    # 40 MB, for texts in these scripts alone
    from icu4py.breakers import WordBreaker

    return WordBreaker

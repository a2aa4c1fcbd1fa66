"""Token usage of model calls, and estimates where a backend reports none."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ASCII = bytes(range(128))
_ALPHABETIC = re.compile("[\x80-\u058f]")


@dataclass(frozen=True)
class Usage:
    """Tokens of one call or of several calls together.

    ``prompt`` includes the ``cached`` tokens, which came from an earlier call and were not computed again.
    ``completion`` includes tokens of reasoning.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.prompt + other.prompt, self.completion + other.completion, self.cached + other.cached)

    def __sub__(self, other: Usage) -> Usage:
        return Usage(self.prompt - other.prompt, self.completion - other.completion, self.cached - other.cached)

    @property
    def total(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt + self.completion


NO_USAGE = Usage()


def estimate_tokens(text: str) -> float:
    """Estimate the tokens of ``text``, rather too many than too few.

    Counts 3.5 ASCII characters per token, 2 characters of other alphabets per token, and 1.1 tokens for every other
    character, such as a Chinese one.
    """
    if text.isascii():
        return len(text) / 3.5
    # Removing ASCII as bytes is much faster than searching a long text for the few other characters in it.
    others = text.encode("utf-8", "surrogatepass").translate(None, _ASCII).decode("utf-8", "surrogatepass")
    ascii_count = len(text) - len(others)
    alphabetic = len(_ALPHABETIC.findall(others))
    return ascii_count / 3.5 + alphabetic / 2 + (len(text) - ascii_count - alphabetic) * 1.1

"""Classes of characters that the text tools share, as parts of patterns for :mod:`regex` with ``VERSION1``."""

from __future__ import annotations

# Writers of Chinese and Japanese count these one by one.
CHARACTERS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}"
# Scripts that put no space between words.
UNSPACED = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"

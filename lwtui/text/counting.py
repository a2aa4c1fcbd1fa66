"""The one counter of length in the app.

A unit of length is a word, except in Han and kana, where it is a character, as writers of Chinese and
Japanese count. Numbers count, as do words of every script; punctuation and symbols do not. "don't" and
"well-known" are one word each. Markdown marks (``#``, ``*``, ``-``) are punctuation, so they count nothing.
"""

import regex

_CHARACTER = r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]"
_WORD_PART = rf"(?:(?!{_CHARACTER})[\p{{L}}\p{{N}}])(?:(?!{_CHARACTER})[\p{{L}}\p{{N}}\p{{M}}])*"
_UNIT = regex.compile(rf"{_CHARACTER}|{_WORD_PART}(?:['’\-‑.,:·/@_&]{_WORD_PART})*")
# Where a text may be split without splitting a unit.
_BREAK = regex.compile(r"\s")


def count_words(text: str) -> int:
    """Length of ``text`` in words, or in characters where it is Chinese or Japanese."""
    return sum(1 for _ in _UNIT.finditer(text))


def units(text: str) -> list[str]:
    """What :func:`count_words` counts, in order."""
    return [match.group() for match in _UNIT.finditer(text)]


def counts_characters(language: str) -> bool:
    """Whether lengths in ``language`` (a BCP 47 tag such as ``en`` or ``zh-TW``) mean characters."""
    return language.split("-")[0].lower() in {"zh", "ja", "yue"}


class RunningCount:
    """The length of a text that grows, without counting it anew at each piece.

    >>> count = RunningCount("It rai")
    >>> count.add("ned all day.")
    >>> count.words
    4
    """

    def __init__(self, text: str = "") -> None:
        self._settled = 0
        self._tail = ""
        self.add(text)

    def add(self, piece: str) -> None:
        """Append ``piece``; everything before its last white space is settled."""
        self._tail += piece
        cut = max((match.end() for match in _BREAK.finditer(self._tail)), default=0)
        # Text without white space (Chinese) settles at a length that keeps each call cheap.
        if cut == 0 and len(self._tail) > 200:
            units = list(_UNIT.finditer(self._tail))
            cut = units[-1].start() if units else len(self._tail)
        self._settled += count_words(self._tail[:cut])
        self._tail = self._tail[cut:]

    @property
    def words(self) -> int:
        """The length so far, in the counter's unit."""
        return self._settled + count_words(self._tail)

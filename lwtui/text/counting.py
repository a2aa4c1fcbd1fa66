"""Word counts. All lengths in lwtui are measured here.

The unit of length is a word, except in Han and kana, where it is a character, as writers of Chinese and Japanese
count. Numbers and words of every script count; punctuation and symbols do not, and neither do Markdown marks (``#``,
``*``, ``-``). "don't" and "well-known" are one word each.
"""

import regex

_CHARACTER = r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]"
_WORD_PART = rf"(?:(?!{_CHARACTER})[\p{{L}}\p{{N}}])(?:(?!{_CHARACTER})[\p{{L}}\p{{N}}\p{{M}}])*"
_UNIT = regex.compile(rf"{_CHARACTER}|{_WORD_PART}(?:['’\-‑.,:·/@_&]{_WORD_PART})*")
# Where a text may be split without splitting a unit.
_BREAK = regex.compile(r"\s")
_MAX_TAIL = 200  # characters


def count_words(text: str) -> int:
    """Count the words of ``text``, and the characters where it is Chinese or Japanese."""
    return sum(1 for _ in _UNIT.finditer(text))


def units(text: str) -> list[str]:
    """Return the words and characters that :func:`count_words` counts, in order."""
    return [match.group() for match in _UNIT.finditer(text)]


def counts_characters(language: str) -> bool:
    """Tell whether lengths in ``language`` (a BCP 47 tag such as ``en`` or ``zh-TW``) are in characters."""
    return language.split("-")[0].lower() in {"zh", "ja", "yue"}


class RunningCount:
    """Counts the words of a growing text without recounting all of it for each piece.

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
        """Append ``piece``. The text before its last white space is final and is not counted again."""
        self._tail += piece
        cut = max((match.end() for match in _BREAK.finditer(self._tail)), default=0)
        # Text without white space, such as Chinese, is cut at a length that keeps each call cheap.
        if cut == 0 and len(self._tail) > _MAX_TAIL:
            matches = list(_UNIT.finditer(self._tail))
            cut = matches[-1].start() if matches else len(self._tail)
        self._settled += count_words(self._tail[:cut])
        self._tail = self._tail[cut:]

    @property
    def words(self) -> int:
        """The length so far, as :func:`count_words` counts it."""
        return self._settled + count_words(self._tail)

"""Where a Markdown text can end: after a sentence, an item of a list or a row of a table.

It never ends within a block of code, a formula, a link, a footnote or a row, nor after a heading, the head of a table
or a line that announces what follows.
"""

from __future__ import annotations

from bisect import bisect_right

import regex

from lwtui.text.sentences import sentence_ends

_ROW = r"[ \t]*\|[^\n]*"
# What is not to be cut. Where its end has not come yet, it goes on to the end of the text.
_WHOLES = regex.compile(
    r"(?P<within>"
    r"^[ ]{0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n(?:[^\n]*\n)*?[ ]{0,3}(?P=fence)[`~]*[ \t]*$"
    r"|^[ ]{0,3}(?:`{3,}|~{3,})[^\n]*(?:\n[^\n]*)*+\Z"
    r"|\$\$(?:[^$]|\$(?!\$))*+(?:\$\$|\Z)|\\\[(?:[^\\]|\\(?!\]))*+(?:\\\]|\Z)|\\\((?:[^\\\n]|\\(?!\)))*+(?:\\\)|\Z)"
    r"|\\begin\{(?P<name>[\p{L}*]+)\}(?:[^\\]|\\(?!end\{(?P=name)\}))*+(?:\\end\{(?P=name)\}|\Z)"
    r"|(?<![\\$\w])\$(?=[^\s$\d])[^$\n]{1,200}\$(?!\d)"
    r"|(?P<ticks>(?<!`)`{1,2})(?!`)[^`\n]+(?P=ticks)"
    r"|!?\[[^\[\]\n]{0,500}+\](?:\([^()\n]*+(?:\([^()\n]*+\)[^()\n]*+)*+(?:\)|\Z)|\[[^\[\]\n]*+(?:\]|\Z))"
    r"|!?\[[^\[\]\n]{1,300}+\Z"
    r"|<(?:https?:|mailto:)[^\s>]*+(?:>|\Z)|https?://[^\s<>()]*+"
    r"|^[ ]{0,3}\[\^[^\]\n]+\]:[^\n]*(?:\n(?:[ \t]+\S[^\n]*|(?![ \t]*\n|[ ]{0,3}\[\^|#|\|)\S[^\n]*))*"
    r")"
    # Their ends are no place to land either: a heading, the head of a table, a line that announces something.
    rf"|(?P<through>^{_ROW}\n[ \t]*\|?[ \t:|]*-[-: \t|]*(?:$|\Z)|^[ ]{{0,3}}\#{{1,6}}[ \t][^\n]*"
    r"|^[ ]{0,3}(?:\*\*[^*\n]+\*\*|__[^_\n]+__)[:：]?[ \t]*$|[:：,，;；、][*_]*$)"
    rf"|(?P<row>^{_ROW})",
    regex.MULTILINE,
)
_SPACE = regex.compile(r"(?r)\s+")
_ITEM_MARK = r"[ \t]*(?:[-*+•–]|\d{1,3}[.)、]|\p{L}[.)])[ \t]+(?=\S)"
_ITEM_END = regex.compile(
    rf"^{_ITEM_MARK}[^\n]*\S(?=[ \t]*\n(?:[ \t]*\n|{_ITEM_MARK}))|^{_ROW}(?=\n)",
    regex.MULTILINE,
)


def landing_places(text: str) -> list[int]:
    """Return the offsets at which ``text`` can end, in ascending order. Its own end is one only after a sentence."""
    places = {*sentence_ends(text), *(match.end() for match in _ITEM_END.finditer(text))}
    wholes = _Wholes(text)
    return [place for place in sorted(places) if wholes.allow(place)]


def last_landing(text: str) -> int:
    """Return the last offset at which ``text`` can end, or 0 if there is none."""
    places = landing_places(text)
    return places[-1] if places else 0


def last_space(text: str, start: int = 0) -> int | None:
    """Return the last offset from ``start`` at which ``text`` can be cut between words, but within a sentence."""
    wholes = _Wholes(text)
    spaces = (match.start() for match in _SPACE.finditer(text, start))
    return next((space for space in spaces if space >= start and wholes.allow(space)), None)


class _Wholes:
    """What is not to be cut in a text."""

    def __init__(self, text: str) -> None:
        spans = [(match.start(), match.end(), match["through"] is not None) for match in _WHOLES.finditer(text)]
        self._spans = spans
        self._starts = [start for start, _, _ in spans]

    def allow(self, place: int) -> bool:
        """Tell whether a cut at ``place`` leaves everything whole."""
        at = bisect_right(self._starts, place - 1) - 1
        if at < 0:
            return True
        _, end, through = self._spans[at]
        return place > end or (place == end and not through)

"""The targets of Vim's motions. Positions are in characters from the beginning of the text."""

from __future__ import annotations

import regex

_CJK = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")
_PARAGRAPH_END = regex.compile(r"\S[^\n]*\n(\s*\n)")
_EMPTY_LINE = regex.compile(r"\n[ \t]*\n")


def line(text: str, place: int) -> tuple[int, int]:
    """Return the start and the end of the line at ``place``, without its line end."""
    end = text.find("\n", place)
    return text.rfind("\n", 0, place) + 1, len(text) if end < 0 else end


def row_start(text: str, number: int) -> int:
    """Return the start of line ``number`` (from 0), or of the last line."""
    start = 0
    for _ in range(number):
        at = text.find("\n", start)
        if at < 0:
            break
        start = at + 1
    return start


def paragraph(text: str, place: int, *, forward: bool, times: int) -> int:
    """Return the empty line that is ``times`` paragraphs forward or back."""
    for _ in range(times):
        if forward:
            end = _PARAGRAPH_END.search(text, place)
            place = end.start(1) if end else len(text)
        else:
            breaks = [match.end() - 1 for match in _EMPTY_LINE.finditer(text[:place])]
            breaks = [at for at in breaks if at < place and text[at + 1 : place].strip()]
            place = breaks[-1] if breaks else 0
    return place


def find_match(text: str, pattern: str, place: int, *, forward: bool, times: int) -> int:
    """Return the next match of ``pattern``, wrapping around. Case matters only if the pattern has capitals."""
    if pattern == pattern.lower() and len(text.lower()) == len(text):
        text = text.lower()
    if not pattern or pattern not in text:
        return place
    for _ in range(times):
        if forward:
            at = text.find(pattern, place + 1)
            place = at if at >= 0 else text.find(pattern)
        else:
            at = text.rfind(pattern, 0, max(0, place + len(pattern) - 1))
            place = at if at >= 0 else text.rfind(pattern)
    return place


def _kind(character: str) -> int:
    if character.isspace():
        return 0
    if _CJK.match(character):
        return 3
    return 2 if character.isalnum() or character == "_" else 1


def next_word(text: str, at: int) -> int:
    """Return the start of the next word; an empty line counts as one."""
    kind, end = _kind(text[at]) if at < len(text) else 0, len(text)
    while at < end and kind and _kind(text[at]) == kind:
        at += 1
    while at < end and text[at].isspace():
        if text[at] == "\n" and text[at + 1 : at + 2] == "\n":
            return at + 1
        at += 1
    return at


def word_end(text: str, at: int) -> int:
    """Return the last character of the word that ends next."""
    at += 1
    while at < len(text) and text[at].isspace():
        at += 1
    if at >= len(text):
        return max(0, len(text) - 1)
    while at + 1 < len(text) and _kind(text[at + 1]) == _kind(text[at]):
        at += 1
    return at


def previous_word(text: str, at: int) -> int:
    """Return the start of the previous word."""
    at -= 1
    while at > 0 and text[at].isspace():
        if text[at] == "\n" and text[at - 1] == "\n":
            return at
        at -= 1
    while at > 0 and not text[at].isspace() and _kind(text[at - 1]) == _kind(text[at]):
        at -= 1
    return max(0, at)

"""Text in the columns of a terminal, where Chinese, Japanese and Korean characters are two cells wide."""

from __future__ import annotations

from collections.abc import Iterator

# What begins no line, and what ends none.
CLOSING = "、。，．：；？！）］｝〉》」』】〕〗’”…‥—～・ー々ゝ々ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.;:?!)]}"
OPENING = "（［｛〈《「『【〔〖‘“([{"


def width_of(text: str) -> int:
    """Return how many cells of a terminal ``text`` takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def padded(text: str, width: int) -> str:
    """Return ``text`` with spaces after it, so that it takes ``width`` cells; a wider text stays as it is."""
    return text + " " * (width - width_of(text))


def fitted(text: str, width: int) -> str:
    """Truncate ``text`` to ``width`` cells; an ellipsis stands for the rest."""
    if width_of(text) <= width:
        return text
    return _head(text, width - 1) + "…"


def wrapped(text: str, width: int) -> list[str]:
    """Break a paragraph into lines of at most ``width`` cells.

    Lines break at white space, and beside Chinese and Japanese characters, but not before closing or after opening
    punctuation. Text without wide characters is wrapped as :func:`textwrap.wrap` does it.
    """
    if width_of(text) == len(text):
        import textwrap

        return textwrap.wrap(text, width)
    lines = []
    line = ""
    for piece in _unbroken(text):
        if line and width_of((line + piece).rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
        while width_of(line.rstrip()) > width and len(line) > 1:  # an address, for instance
            head = _head(line, width) or line[0]
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line.rstrip()] if line.strip() else lines


def _unbroken(text: str) -> Iterator[str]:
    """Yield the pieces of ``text`` between which a line may break, each with the white space after it."""
    start = 0
    for at in range(1, len(text)):
        before, after = text[at - 1], text[at]
        if after.isspace() or after in CLOSING or before in OPENING:
            continue
        if before.isspace() or _cells(before) == 2 or _cells(after) == 2:
            yield text[start:at]
            start = at
    yield text[start:]


def _head(text: str, width: int) -> str:
    """Return as much of the beginning of ``text`` as ``width`` cells hold."""
    used = 0
    for at, character in enumerate(text):
        used += _cells(character)
        if used > width:
            return text[:at]
    return text


def _cells(character: str) -> int:
    if character.isascii():
        return 1
    import unicodedata  # English needs none of it

    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1

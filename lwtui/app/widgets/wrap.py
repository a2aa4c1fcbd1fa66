"""Line breaking for Chinese and Japanese in all widgets.

Textual breaks lines only at white space: a paragraph of Chinese after a Latin word moves to a new line as a whole, and
``。`` may begin a line. Here a line may break between any two Chinese or Japanese characters, but not before closing or
after opening punctuation. Lines of other scripts and lines with tabs are left to Textual.
"""

from __future__ import annotations

from itertools import pairwise

import regex
import rich.text
import textual.content
from rich._wrap import divide_line
from rich.cells import cell_len
from textual._wrap import compute_wrap_offsets
from textual.document import _wrapped_document

from lwtui.terminal_cells import CLOSING, OPENING

_HAS_CJK = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]")
# Korean is as wide, but its lines break between words.
_WIDE = r"[[\p{EA=W}\p{EA=F}]--\p{Script=Hangul}]"
_NOT_BEFORE = rf"(?![\s\p{{M}}\p{{Emoji_Modifier}}\u200d{regex.escape(CLOSING)}])"
_NOT_AFTER = rf"(?<![\u200d{regex.escape(OPENING)}])"
# Where a line may break: after white space, and beside a Chinese or Japanese character.
_BREAK = regex.compile(
    rf"(?<=\s|{_WIDE}){_NOT_AFTER}{_NOT_BEFORE}(?=.)|(?<=.){_NOT_AFTER}{_NOT_BEFORE}(?={_WIDE})",
    regex.DOTALL | regex.VERSION1,
)


def wrap_offsets(
    text: str,
    width: int,
    tab_size: int,
    fold: bool = True,
    precomputed_tab_sections: list[tuple[str, int]] | None = None,
) -> list[int]:
    """Return the positions where ``text`` is broken into lines. Replaces ``textual._wrap.compute_wrap_offsets``.

    Args:
        text: One line of the document.
        width: The width of the text area, in cells.
        tab_size: The width of a tab, in cells.
        fold: Whether to break words that are wider than a line.
        precomputed_tab_sections: The text between tabs and its width, if known.
    """
    if "\t" in text or not _HAS_CJK.search(text):
        return compute_wrap_offsets(text, width, tab_size, fold, precomputed_tab_sections)
    return _offsets(text, width)


def line_offsets(text: str, width: int, fold: bool = True) -> list[int]:
    """Return the positions where ``text`` is broken into lines, at whose ends white space takes no room.

    Replaces ``rich._wrap.divide_line``, by which labels, lists and dialogs are wrapped.

    Args:
        text: A text without line ends.
        width: The width of a line, in cells.
        fold: Whether to break words that are wider than a line.
    """
    if not _HAS_CJK.search(text):
        return divide_line(text, width, fold)
    return _offsets(text, width, fold, trailing_space=False)


def _offsets(text: str, width: int, fold: bool = True, *, trailing_space: bool = True) -> list[int]:
    """Return the positions to break at; ``trailing_space``: white space at the end of a line takes room."""
    offsets: list[int] = []
    used = 0
    for start, end in pairwise([0, *(place.start() for place in _BREAK.finditer(text)), len(text)]):
        piece = text[start:end]
        cells = cell_len(piece)
        room = cells if trailing_space else cell_len(piece.rstrip())
        if used + room <= width:
            used += cells
        elif room <= width or not fold:
            if start:
                offsets.append(start)
            used = cells
        else:  # wider than a line
            for at, character in enumerate(piece, start):
                cells = cell_len(character)
                if used + cells > width and at and (trailing_space or not character.isspace()):
                    offsets.append(at)
                    used = 0
                used += cells
    return offsets


def install() -> None:
    """Use these line breaks in all widgets of Textual, and in the texts of Rich that widgets show."""
    _wrapped_document.compute_wrap_offsets = wrap_offsets
    textual.content.divide_line = line_offsets
    rich.text.divide_line = line_offsets

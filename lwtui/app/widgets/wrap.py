"""Line breaking for Chinese and Japanese in text areas.

Textual breaks lines only at white space: a paragraph of Chinese after a Latin word moves to a new line as a whole, and
``。`` may begin a line. Here a line may break between any two Chinese or Japanese characters, but not before closing or
after opening punctuation. Lines of other scripts and lines with tabs are left to Textual.
"""

from __future__ import annotations

import regex
from rich.cells import cell_len
from textual._wrap import compute_wrap_offsets
from textual.document import _wrapped_document

from lwtui.terminal_cells import CLOSING, OPENING

_CJK = r"\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}"
_CLOSING, _OPENING = regex.escape(CLOSING), regex.escape(OPENING)
_HAS_CJK = regex.compile(f"[{_CJK}]")
# A unit that is never broken: a character or a word of another script, with its punctuation.
_PIECE = regex.compile(
    rf"[{_OPENING}]*(?:[{_CJK}]|[^\s{_CJK}{_OPENING}{_CLOSING}]+)[{_CLOSING}]*\s*|\s+|.",
    regex.DOTALL,
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
    offsets: list[int] = []
    used = 0
    for piece in _PIECE.finditer(text):
        cells = cell_len(piece[0])
        if used + cells <= width:
            used += cells
        elif cells <= width:
            offsets.append(piece.start())
            used = cells
        else:  # wider than a line
            for at, character in enumerate(piece[0], piece.start()):
                cells = cell_len(character)
                if used + cells > width and at:
                    offsets.append(at)
                    used = 0
                used += cells
    return offsets


def install() -> None:
    """Use :func:`wrap_offsets` in all text areas of Textual."""
    _wrapped_document.compute_wrap_offsets = wrap_offsets

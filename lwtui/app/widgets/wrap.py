"""Where lines of Chinese and Japanese are broken in a text area.

Textual breaks lines at white space alone, so that a whole paragraph of Chinese after a Latin word begins a new line,
and ``。`` may stand at a line's beginning. Here a line may be broken between any two of their characters, but not
before what closes and not after what opens. Lines of other scripts, and those with tabs, are broken as Textual does.
"""

from __future__ import annotations

import regex
from rich.cells import cell_len
from textual._wrap import compute_wrap_offsets
from textual.document import _wrapped_document

_CJK = r"\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}"
_CLOSING = "、。，．：；？！）］｝〉》」』】〕〗’”…‥—～・ー々ゝ々ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.;:?!)\\]}"
_OPENING = "（［｛〈《「『【〔〖‘“(\\[{"
_HAS_CJK = regex.compile(f"[{_CJK}]")
# What stays together: a character, or a word of another script, with what opens before it and closes after it.
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
    """Where ``text`` is broken into lines of at most ``width`` cells. Takes what Textual's own function takes."""
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
        else:  # longer than any line: cut where the line ends
            for at, character in enumerate(piece[0], piece.start()):
                cells = cell_len(character)
                if used + cells > width and at:
                    offsets.append(at)
                    used = 0
                used += cells
    return offsets


def install() -> None:
    """Have all text areas of Textual break lines in this way."""
    _wrapped_document.compute_wrap_offsets = wrap_offsets

"""Checks that a section has what its kind says: a table, a list, code or formulas."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from lwtui.documents.section_kind import SectionKind
from lwtui.text.blocks import blank_code, has_table
from lwtui.text.code_blocks import CodeBlocks
from lwtui.text.formulas import formula_spans
from lwtui.text.list_marks import MARK
from lwtui.translation import _

MISSING_KIND, OPEN_CODE = "missing-kind", "open-code"
KIND_KINDS = {
    MISSING_KIND: _("a section has no table, list, code or formula although its kind says so"),
    OPEN_CODE: _("a block of code is not closed"),
}
_LEAST_ITEMS = 2
_ITEM = regex.compile(rf"(?m)^\s{{0,3}}{MARK}\s+\S")
_FORMULA_BLOCK = regex.compile(r"(?m)^ {0,3}(?:\$\$|\\\[|\\begin\{)")


def kind_problems(text: str, kind: SectionKind) -> Iterator[tuple[str, str, int, int]]:
    """Yield what is wrong with a section's text, given its kind: kind of finding, message, and where (offsets)."""
    if (start := _open_fence(text)) is not None:
        yield OPEN_CODE, _("This block of code is not closed"), start, len(text)
    if text.strip() and not _has(text, kind):
        yield MISSING_KIND, _missing(kind), 0, min(len(text), 80)


def _has(text: str, kind: SectionKind) -> bool:
    match kind:
        case SectionKind.TABLE:
            return has_table(text)
        case SectionKind.CODE:
            blocks = CodeBlocks()
            return any(blocks.add(line) and not blocks.inside for line in text.split("\n"))
        case SectionKind.LIST:
            return len(_ITEM.findall(blank_code(text))) >= _LEAST_ITEMS
        case SectionKind.FORMULAS:
            prose = blank_code(text)
            return bool(formula_spans(prose) or _FORMULA_BLOCK.search(prose))
    return True


def _missing(kind: SectionKind) -> str:
    """Return the message about a section that lacks what its kind says."""
    match kind:
        case SectionKind.TABLE:
            return _("A section of kind table without a table")
        case SectionKind.LIST:
            return _("A section of kind list without a list")
        case SectionKind.CODE:
            return _("A section of kind code without a block of code")
    return _("A section of kind formulas without formulas")


def _open_fence(text: str) -> int | None:
    """Return where a block of code begins that is never closed."""
    blocks, offset, start = CodeBlocks(), 0, 0
    for line in text.split("\n"):
        was_inside = blocks.inside
        blocks.add(line)
        if blocks.inside and not was_inside:
            start = offset
        offset += len(line) + 1
    return start if blocks.inside else None

"""Changes to the source of a Markdown text that leave its code alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import regex

from lwtui.documents.plain_text import parse_blocks
from lwtui.text.formulas import formula_spans

_CODE = frozenset(("fence", "code_block"))
_CODE_AND_FORMULAS = _CODE | {"math_block"}
_SPAN = r"(?<![`\\])(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n)[\s\S])+?(?<!`)(?P=ticks)(?!`)"
_CODE_SPAN = regex.compile(_SPAN)
# A picture, whose caption may have code and brackets within, or code outside of one.
_PICTURE_OR_CODE = regex.compile(
    rf"!\[(?P<caption>(?:{_SPAN}|[^\[\]\\]|\\.|\[(?:[^\[\]\\]|\\.)*\])*+)\]"
    rf"\((?:<(?P<address>[^<>\n]+)>|(?P<address>[^\s()<>]+))(?P<rest>\)(?:\{{[^{{}}\n]*\}})?)?|{_SPAN}"
)


def outside_code(text: str, change: Callable[[str], str], *, formulas: bool = False) -> str:
    """Apply ``change`` to each stretch of a text between its code blocks, code spans and formulas.

    Args:
        text: The text, in Markdown.
        change: Returns a stretch as it is to be.
        formulas: Whether to change formulas too.
    """
    kinds = _CODE if formulas else _CODE_AND_FORMULAS
    return _outside_blocks(text, kinds, lambda stretch: _outside_spans(stretch, change, formulas=formulas))


def change_pictures(text: str, change: Callable[[regex.Match[str]], str]) -> str:
    """Apply ``change`` to each picture of a text outside of code.

    Args:
        text: The text, in Markdown.
        change: Returns what takes the place of a picture. The match has the groups ``caption``, ``address`` and
            ``rest``, which is the end of the picture, or ``None`` if something else follows, such as a title.
    """

    def changed(match: regex.Match[str]) -> str:
        return match[0] if match["address"] is None else change(match)

    return _outside_blocks(text, _CODE, lambda stretch: _PICTURE_OR_CODE.sub(changed, stretch))


def _outside_blocks(text: str, kinds: frozenset[str], change: Callable[[str], str]) -> str:
    lines = text.split("\n")
    result, start = [], 0
    for first, last in [*_code_lines(text, kinds), (len(lines), len(lines))]:
        if first > start:
            result.append(change("\n".join(lines[start:first])))
        if last > first:
            result.append("\n".join(lines[first:last]))
        start = max(start, last)
    return "\n".join(result)


def without_lines(lines: Sequence[str], ranges: Iterable[tuple[int, int]]) -> str:
    """Join lines but for some ranges of them, with one blank line in place of two around each."""
    left_out = {number for first, last in ranges for number in range(first, last)}
    kept: list[str] = []
    for number, line in enumerate(lines):
        if number in left_out or (not line.strip() and number - 1 in left_out and (not kept or not kept[-1].strip())):
            left_out.add(number)
            continue
        kept.append(line)
    return "\n".join(kept)


def _code_lines(text: str, kinds: frozenset[str]) -> list[tuple[int, int]]:
    """Return the first line of each block of code or formula, and the line after it."""
    if not any(mark in text for mark in ("```", "~~~", "    ", "\t", "$$", "\\[", "\\begin{")):
        return []
    found = [token.map for token in parse_blocks(text) if token.type in kinds and token.map]
    return sorted((first, last) for first, last in found)


def _outside_spans(text: str, change: Callable[[str], str], *, formulas: bool) -> str:
    outside = change if formulas else lambda stretch: _outside_formulas(stretch, change)
    result, start = [], 0
    for span in _CODE_SPAN.finditer(text):
        result += [outside(text[start : span.start()]), span[0]]
        start = span.end()
    return "".join([*result, outside(text[start:])])


def _outside_formulas(text: str, change: Callable[[str], str]) -> str:
    result, start = [], 0
    for first, last in formula_spans(text):
        result += [change(text[start:first]), text[first:last]]
        start = last
    return "".join([*result, change(text[start:])])

"""Blanks out what is no prose in a Markdown text: code and formulas. Offsets stay the same."""

from __future__ import annotations

import regex

from lwtui.text.code_blocks import CodeBlocks
from lwtui.text.formulas import formula_spans

_CODE_SPAN = regex.compile(r"(?<![`\\])(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n)[\s\S])+?(?<!`)(?P=ticks)(?!`)")
_NO_LINE_END = regex.compile(r"[^\n]")
_INDENTED = regex.compile(r"(?: {4}|\t)[ \t]*\S")
_LIST_ITEM = regex.compile(r"\s*(?:[-*+•]|\d{1,9}[.)])\s")


def without_code(text: str) -> str:
    """Return ``text`` with blanks in place of its code and formulas."""
    if any(mark in text for mark in ("```", "~~~", "\n    ", "\n\t")) or text[:4] == "    " or text[:1] == "\t":
        text = _without_blocks(text)
    if "`" in text:
        text = _CODE_SPAN.sub(lambda match: _blank(match[0]), text)
    for start, end in formula_spans(text):
        text = text[:start] + _blank(text[start:end]) + text[end:]
    return text


def _without_blocks(text: str) -> str:
    blocks = CodeBlocks()
    lines: list[str] = []
    inside = in_list = False  # an indented block of code; a list, whose items go on in indented lines
    after_blank = True
    for line in text.split("\n"):
        is_code = blocks.add(line)
        if not is_code and _INDENTED.match(line):
            is_code = inside = inside or (after_blank and not in_list)
        elif line.strip():
            inside = False
            in_list = _LIST_ITEM.match(line) is not None or (in_list and line[0] in " \t")
        after_blank = not line.strip()
        lines.append(_blank(line) if is_code else line)
    return "\n".join(lines)


def _blank(text: str) -> str:
    return _NO_LINE_END.sub(" ", text)

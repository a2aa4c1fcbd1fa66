"""Blanks out what is not compared with other text: blocks of code and rows of tables. Offsets stay the same."""

from __future__ import annotations

import regex

from lwtui.text.code_blocks import CodeBlocks

_ROW = regex.compile(r" {0,3}\|")
_DELIMITER = regex.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")


def is_row(line: str) -> bool:
    """Tell whether a line is a row of a table whose rows begin with a bar."""
    return _ROW.match(line) is not None


def has_table(text: str) -> bool:
    """Tell whether a text has a table outside of code: a row of headings, a delimiter row, and another row."""
    lines = blank_code(text).split("\n")
    return any(
        "|" in lines[number - 1] and is_delimiter(lines[number]) and "|" in lines[number + 1]
        for number in range(1, len(lines) - 1)
    )


def is_delimiter(line: str) -> bool:
    """Tell whether a line is what divides the headings of a table from its rows."""
    return "|" in line and "-" in line and _DELIMITER.fullmatch(line) is not None


def blank_code(text: str) -> str:
    """Return ``text`` with blanks in place of its blocks of code and their fences."""
    if "```" not in text and "~~~" not in text:
        return text
    blocks = CodeBlocks()
    return "\n".join(" " * len(line) if blocks.add(line) else line for line in text.split("\n"))


def blank_blocks(text: str) -> str:
    """Return ``text`` with blanks in place of its blocks of code and the rows of its tables."""
    text = blank_code(text)
    if "|" not in text:
        return text
    lines = text.split("\n")
    in_table = False
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        begins = "|" in line and is_delimiter(following)
        in_table = bool(line.strip()) and (in_table or begins)
        if in_table or is_row(line):
            lines[number] = " " * len(line)
    return "\n".join(lines)

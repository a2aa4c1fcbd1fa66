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
    return BlankedText().of(text)


class BlankedText:
    """A growing text with blanks in place of its blocks of code and the rows of its tables.

    However often it is asked for, a line is read once more only while what follows may change it.
    """

    def __init__(self) -> None:
        """Start before the text."""
        self._settled = 0  # where the first line begins that may still change (offset)
        self._before = ""  # the lines before it, if there are blanks in them
        self._has_blanks = False
        self._marks = ""  # the fence that is open there
        self._in_table = False

    def of(self, text: str) -> str:
        """Return the text with blanks. ``text`` begins with what it was at the last call; offsets stay the same."""
        rest = text[self._settled :]
        if not (self._marks or self._in_table or self._has_blanks or any(mark in rest for mark in "|`~")):
            # The last line may still grow, and then tell that the one before it is the head of a table.
            self._settled += rest.rfind("\n", 0, max(0, rest.rfind("\n"))) + 1
            return text
        lines = rest.split("\n")
        settled = max(0, len(lines) - 2)
        blanked = self._blank(lines, settled)
        if blanked == lines and not self._has_blanks:
            self._settled += sum(len(line) + 1 for line in lines[:settled])
            return text
        if blanked[:settled] != lines[:settled] and not self._has_blanks:
            self._has_blanks, self._before = True, text[: self._settled]
        before = self._before if self._has_blanks else text[: self._settled]
        done = "".join(f"{line}\n" for line in blanked[:settled])
        self._settled += len(done)
        if self._has_blanks:
            self._before = before + done
        return before + done + "\n".join(blanked[settled:])

    def _blank(self, lines: list[str], settled: int) -> list[str]:
        """Return lines with blanks, and remember what is open after the first ``settled`` of them."""
        blocks, in_table = CodeBlocks(), self._in_table
        blocks.marks = self._marks
        prose, blanked = [], []
        for number, line in enumerate(lines):
            if number == settled:
                self._marks = blocks.marks
            prose.append(" " * len(line) if blocks.add(line) else line)
        for number, line in enumerate(prose):
            if number == settled:
                self._in_table = in_table
            following = prose[number + 1] if number + 1 < len(prose) else ""
            begins = "|" in line and is_delimiter(following)
            in_table = bool(line.strip()) and (in_table or begins)
            blanked.append(" " * len(line) if in_table or is_row(line) else line)
        return blanked

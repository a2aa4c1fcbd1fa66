"""Fenced blocks of code in Markdown, line by line: within them is no prose, and ``#`` starts a comment."""

from __future__ import annotations

import regex

_FENCE = regex.compile(r" {0,3}(?P<marks>`{3,}(?!.*`)|~{3,})[ \t]*(?P<info>[^\n]*?)\s*")


class CodeBlocks:
    """Follows the blocks of code in a text. Give it whole lines, in order.

    Attributes:
        marks: The fence that opened the present block; empty outside of one.
    """

    def __init__(self, text: str = "") -> None:
        """Start after ``text``."""
        self.marks = ""
        if "```" in text or "~~~" in text:
            for line in text.split("\n"):
                self.add(line)

    @property
    def inside(self) -> bool:
        """Whether the next line is within a block, or closes one."""
        return bool(self.marks)

    def add(self, line: str) -> bool:
        """Take the next line. Returns whether it belongs to a block, as its two fences do."""
        match = _FENCE.fullmatch(line)
        if self.marks:
            if match and not match["info"] and self._closes(match["marks"]):
                self.marks = ""
            return True
        if match:
            self.marks = match["marks"]
        return match is not None

    def _closes(self, marks: str) -> bool:
        return marks[0] == self.marks[0] and len(marks) >= len(self.marks)


def in_code(text: str) -> bool:
    """Tell whether ``text`` ends within a block of code."""
    return CodeBlocks(text).inside


def without_code(text: str) -> str:
    """Return ``text`` without its blocks of code."""
    if "```" not in text and "~~~" not in text:
        return text
    blocks = CodeBlocks()
    return "".join(line for line in text.splitlines(keepends=True) if not blocks.add(line))


def fence_of(line: str) -> tuple[str, str] | None:
    """Return the marks of a line that opens or closes a block, and the name of its language; ``None`` for others."""
    match = _FENCE.fullmatch(line)
    return (match["marks"], match["info"]) if match else None

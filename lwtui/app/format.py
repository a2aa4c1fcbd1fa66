"""Formats numbers, dates and marks for the screen."""

from __future__ import annotations

import time
from pathlib import Path

from lwtui.documents.model import Brief, Status
from lwtui.documents.store import Document
from lwtui.text import counts_characters

MARKS = {
    Status.DONE: "✓",
    Status.WRITING: "▶",
    Status.PARTIAL: "◐",
    Status.SHORT: "◔",
    Status.REFUSED: "✗",
    Status.EMPTY: "·",
}
STATES = {
    Status.DONE: "done",
    Status.WRITING: "being written",
    Status.PARTIAL: "interrupted",
    Status.SHORT: "too short",
    Status.REFUSED: "refused by the model",
    Status.EMPTY: "not begun",
}


def number(value: float) -> str:
    """Format a number with thousands separators: ``12,345``."""
    return f"{value:,.0f}"


def unit(language: str) -> str:
    """Return the unit of lengths in a language: ``words`` or ``characters``."""
    return "characters" if counts_characters(language) else "words"


def amount(length: int, brief: Brief, *, of: int | None = None) -> str:
    """Format a length in the brief's unit: ``1,200 of 1,500 words``.

    Args:
        length: The length in words or characters.
        brief: Its language decides on the unit.
        of: The target, in the same unit.
    """
    target = "" if of is None else f" of {number(of)}"
    return f"{number(length)}{target} {unit(brief.language)}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Format a count with its noun: ``1 section``, ``3 sections``."""
    return f"{number(count)} {noun if count == 1 else plural or noun + 's'}"


def why_read_only(document: Document) -> str:
    """Return ``Read-only:`` and the reason; empty if the document can be changed."""
    return f"Read-only: {document.read_only_reason}" if document.read_only else ""


def short_path(path: Path) -> str:
    """Abbreviate the home folder in a path as ``~``."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) and path != home else str(path)


def clock(moment: float) -> str:
    """Format the time of day of ``moment`` (seconds since the epoch)."""
    return time.strftime("%H:%M:%S", time.localtime(moment))


def ago(moment: float, now: float | None = None) -> str:
    """Format how long ago ``moment`` was; after a week, its date.

    Args:
        moment: Seconds since the epoch.
        now: The current time, in seconds since the epoch.
    """
    passed = max(0.0, (time.time() if now is None else now) - moment)
    for limit, unit, name in ((60, 1, ""), (3600, 60, "min"), (86_400, 3600, "h"), (7 * 86_400, 86_400, "d")):
        if passed < limit:
            return f"{int(passed // unit)} {name} ago" if name else "just now"
    return time.strftime("%Y-%m-%d", time.localtime(moment))


def bar(share: float, width: int) -> str:
    """Draw a progress bar of ``width`` cells. Only 0 leaves it empty and only 1 fills it."""
    filled = round(min(1.0, max(0.0, share)) * width)
    if 0 < share < 1:
        filled = min(width - 1, max(1, filled))
    return "━" * filled + "─" * (width - filled)

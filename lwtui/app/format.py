"""Figures and marks as a person reads them."""

from __future__ import annotations

import time
from pathlib import Path

from lwtui.documents.model import Brief, Status
from lwtui.documents.store import Document
from lwtui.text import counts_characters

MARKS = {Status.DONE: "✓", Status.WRITING: "▶", Status.PARTIAL: "◐", Status.EMPTY: "·"}
STATES = {
    Status.DONE: "done",
    Status.WRITING: "being written",
    Status.PARTIAL: "interrupted",
    Status.EMPTY: "not begun",
}


def number(value: float) -> str:
    """With separators of thousands: ``12,345``."""
    return f"{value:,.0f}"


def unit(language: str) -> str:
    """What lengths in a language mean."""
    return "characters" if counts_characters(language) else "words"


def amount(length: int, brief: Brief, *, of: int | None = None) -> str:
    """``1,200 of 1,500 words``, or characters where the document is counted in those."""
    target = "" if of is None else f" of {number(of)}"
    return f"{number(length)}{target} {unit(brief.language)}"


def counted(count: int, thing: str) -> str:
    """``1 section``, ``3 sections``."""
    return f"{number(count)} {thing}{'' if count == 1 else 's'}"


def why_read_only(document: Document) -> str:
    """``Read-only: `` and the reason; empty where the document can be changed."""
    return f"Read-only: {document.read_only_reason}" if document.read_only else ""


def short_path(path: Path) -> str:
    """A path with ``~`` for the home folder."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) and path != home else str(path)


def clock(moment: float) -> str:
    """The time of day of ``moment`` (seconds since the epoch)."""
    return time.strftime("%H:%M:%S", time.localtime(moment))


def ago(moment: float, now: float | None = None) -> str:
    """How long ago ``moment`` (seconds since the epoch) was; older than a week, the date."""
    passed = max(0.0, (time.time() if now is None else now) - moment)
    for limit, unit, name in ((60, 1, ""), (3600, 60, "min"), (86_400, 3600, "h"), (7 * 86_400, 86_400, "d")):
        if passed < limit:
            return f"{int(passed // unit)} {name} ago" if name else "just now"
    return time.strftime("%Y-%m-%d", time.localtime(moment))


def bar(share: float, width: int) -> str:
    """A bar of ``width`` cells. It is full only when all is done, and empty only when nothing is."""
    filled = round(min(1.0, max(0.0, share)) * width)
    if 0 < share < 1:
        filled = min(width - 1, max(1, filled))
    return "━" * filled + "─" * (width - filled)

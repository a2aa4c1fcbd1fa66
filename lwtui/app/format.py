"""Formats numbers, dates and marks for the screen."""

from __future__ import annotations

import time
from pathlib import Path

from lwtui.documents.model import Brief, Status
from lwtui.documents.store import Document
from lwtui.text import counts_characters
from lwtui.translation import _

MARKS = {
    Status.DONE: "✓",
    Status.WRITING: "▶",
    Status.PARTIAL: "◐",
    Status.SHORT: "◔",
    Status.REFUSED: "✗",
    Status.EMPTY: "·",
}
STATES = {
    Status.DONE: _("done"),
    Status.WRITING: _("being written"),
    Status.PARTIAL: _("interrupted"),
    Status.SHORT: _("too short"),
    Status.REFUSED: _("refused by the model"),
    Status.EMPTY: _("not begun"),
}


def number(value: float) -> str:
    """Format a number with thousands separators: ``12,345``."""
    return f"{value:,.0f}"


def unit(language: str) -> str:
    """Return the unit of lengths in a language: ``words`` or ``characters``, in the user's language."""
    return _("characters") if counts_characters(language) else _("words")


def amount(length: int, brief: Brief, *, of: int | None = None) -> str:
    """Format a length in the brief's unit: ``1,200 of 1,500 words``.

    Args:
        length: The length in words or characters.
        brief: Its language decides on the unit.
        of: The target, in the same unit.
    """
    shown, unit_name = number(length), unit(brief.language)
    if of is None:
        return f"{shown} {unit_name}"
    return _("{length} of {target} {unit}", length=shown, target=number(of), unit=unit_name)


def why_read_only(document: Document) -> str:
    """Return ``Read-only:`` and the reason; empty if the document can be changed."""
    return _("Read-only: {reason}", reason=document.read_only_reason) if document.read_only else ""


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
    if passed < 60:
        return _("just now")
    for limit, seconds, text in (
        (3600, 60, _("{count} min ago")),
        (86_400, 3600, _("{count} h ago")),
        (7 * 86_400, 86_400, _("{count} d ago")),
    ):
        if passed < limit:
            return text.format(count=int(passed // seconds))
    return time.strftime("%Y-%m-%d", time.localtime(moment))


def bar(share: float, width: int) -> str:
    """Draw a progress bar of ``width`` cells. Only 0 leaves it empty and only 1 fills it."""
    filled = round(min(1.0, max(0.0, share)) * width)
    if 0 < share < 1:
        filled = min(width - 1, max(1, filled))
    return "━" * filled + "─" * (width - filled)

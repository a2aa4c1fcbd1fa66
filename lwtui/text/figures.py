"""Durations and amounts of money in a readable form."""

from __future__ import annotations

from lwtui.translation import _


def duration(seconds: float) -> str:
    """Format a number of seconds: ``45 s``, ``3 min 05 s``, ``2 h 10 min``."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("{hours} h {minutes:02d} min", hours=hours, minutes=minutes)
    if minutes:
        return _("{minutes} min {seconds:02d} s", minutes=minutes, seconds=rest)
    return _("{seconds} s", seconds=rest)


def money(amount: float) -> str:
    """Format an amount in the account's currency, with four decimals below 1."""
    return f"{amount:.2f}" if amount >= 1 else f"{amount:.4f}"

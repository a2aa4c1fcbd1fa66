"""How often each fault is tried: a little at every change, and a lot before a release.

``LWTUI_FAULTS=release python -m tests.faults.table`` tries everything as often as a release wants it.
"""

from __future__ import annotations

import os

RELEASE = os.environ.get("LWTUI_FAULTS") == "release"


def times(normally: int, release: int) -> int:
    """How often a fault is tried now."""
    return release if RELEASE else normally

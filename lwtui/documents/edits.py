"""Grouping of edits: typing makes one revision, not one per key."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from lwtui.documents.contents import StoredSection

JOIN_SECONDS = 30.0  # edits that follow each other this closely share a revision
MAX_REMOVED = 200  # characters; edits that remove more start a new revision, so that the old text is kept


@dataclass(frozen=True)
class TypingSession:
    """A series of edits that share a revision.

    Attributes:
        revision: The revision; ``None`` if none has been typed yet.
        removed: The number of characters that the edits have removed so far.
        last_edit: The time of the last edit, on the monotonic clock.
    """

    revision: int | None
    removed: int = 0
    last_edit: float = field(default_factory=lambda: monotonic())

    def extended(self, stored: StoredSection, text: str) -> TypingSession | None:
        """Return the session with an edit to ``text`` added, or ``None`` if the edit needs a revision of its own."""
        if self.revision is None or stored.revision != self.revision or not text:
            return None
        removed = self.removed + _count_removed(stored.section.text, text)
        if monotonic() - self.last_edit > JOIN_SECONDS or removed > MAX_REMOVED:
            return None
        return TypingSession(self.revision, removed)


def _count_removed(old: str, new: str) -> int:
    """Count the characters of ``old`` that are not in ``new``, for a change in one place."""
    before = common_prefix_length(old, new)
    return len(old) - before - common_prefix_length(old[before:][::-1], new[before:][::-1])


def common_prefix_length(first: str, second: str) -> int:
    """Return the length of the common prefix of two texts, in characters."""
    low, high = 0, min(len(first), len(second))
    while low < high:  # a binary search, because comparing slices is fast
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low

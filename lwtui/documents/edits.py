"""Which edits of a text belong together: a person who types makes one revision, not one for each key."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from lwtui.documents.contents import Kept

JOIN_SECONDS = 30.0  # edits this close together become one revision
JOIN_REMOVED = 200  # unless together they take away more characters than this: then the text before stays one


@dataclass(frozen=True)
class Typing:
    """A revision that is being typed (``None``: there is none), and what its edits took away so far."""

    revision: int | None
    removed: int = 0  # characters
    last: float = field(default_factory=lambda: monotonic())

    def joined(self, kept: Kept, text: str) -> Typing | None:
        """The typing with an edit of ``kept`` to ``text``, or ``None`` where that must be a revision of its own."""
        if self.revision is None or kept.revision != self.revision or not text:
            return None
        removed = self.removed + _removed(kept.section.text, text)
        if monotonic() - self.last > JOIN_SECONDS or removed > JOIN_REMOVED:
            return None
        return Typing(self.revision, removed)


def _removed(old: str, new: str) -> int:
    """How many characters of ``old`` a change in one place to ``new`` takes away."""
    before = in_common(old, new)
    return len(old) - before - in_common(old[before:][::-1], new[before:][::-1])


def in_common(one: str, other: str) -> int:
    """How many characters two texts begin with in common, by halving: whole slices compare fast."""
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if one[least:middle] == other[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least

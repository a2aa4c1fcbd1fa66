"""The earlier sections as prompts show them, kept from one section of a run to the next.

Each prompt is made from all earlier sections. Without this layout, that would cost more with each section.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lwtui.documents.model import Section, SectionSummary


class LaysOut(Protocol):
    """The part of a prompt builder that lays out an earlier section."""

    def earlier(self, title: str, main_point: str, text: str) -> str:
        """Return an earlier section as the prompts show it."""
        ...


@dataclass(frozen=True)
class ShownSummary:
    """What is shown of a section instead of its text.

    Attributes:
        title: The section's heading, if there is no room for more.
        text: Its summary.
        line: Both.
        stored: The document's summary of the section when this was made, which may have been missing or stale.
        by_hand: Whether the writer made it.
    """

    title: str
    text: str
    line: str
    stored: SectionSummary | None
    by_hand: bool


class EarlierLayout:
    """The layout of the earlier sections. All lists have an entry for each section.

    Attributes:
        blocks: The sections in full.
        sizes: The tokens of each block; 0 as long as nobody has counted them.
        summaries: What is shown instead; ``None`` as long as nobody has asked for it.
    """

    def __init__(self) -> None:
        """Hold no section."""
        self._builder: LaysOut | None = None
        self._sections: list[Section] = []
        self.blocks: list[str] = []
        self.sizes: list[int] = []
        self.summaries: list[ShownSummary | None] = []

    def hold(self, sections: Sequence[Section], builder: LaysOut) -> None:
        """Hold exactly ``sections``, in this order. From the first one on that is new, all is made again."""
        same = 0
        if builder is self._builder:
            pairs = enumerate(zip(self._sections, sections, strict=False))
            changes = (at for at, (old, new) in pairs if old is not new and old != new)
            same = next(changes, min(len(self._sections), len(sections)))
        added = sections[same:]
        self._builder = builder
        self._sections[same:] = added
        self.blocks[same:] = [builder.earlier(section.title, section.main_point, section.text) for section in added]
        self.sizes[same:] = [0] * len(added)
        self.summaries[same:] = [None] * len(added)

"""How long each section should become, and where it is to land.

Lengths are in the counter's unit (:mod:`lwtui.text.counting`): words, or characters of Chinese and Japanese.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import regex

from lwtui.documents.model import Section, Status
from lwtui.text import count_words, sentence_ends

SHORT = 0.85  # a section under this share of its target is continued
LONG = 1.15  # a section over this share lands at the next sentence's end
RUNAWAY = 1.35  # over this share it is cut, sentence's end or not
CLOSE = 0.97  # the last section is continued until the whole document reaches this share
# One section's target never strays further than this from its plan, however far off the others came out.
_MOST_SHRINK, _MOST_GROWTH = 0.5, 1.6


def section_target(sections: Sequence[Section], section_id: str) -> int:
    """The share of a section in the words still to be written.

    What the finished sections came out over or under their plan is spread over those that are left, in
    proportion to their planned lengths.
    """
    at = next(position for position, section in enumerate(sections) if section.id == section_id)
    section = sections[at]
    open_ones = [s for s in sections if s.status is not Status.DONE or s.id == section_id]
    total = sum(s.words for s in sections)
    written = sum(s.length for s in sections if s not in open_ones)
    planned = sum(s.words for s in open_ones) or 1
    share = section.words * max(0, total - written) / planned
    return max(1, round(min(max(share, section.words * _MOST_SHRINK), section.words * _MOST_GROWTH)))


@dataclass(frozen=True)
class Landing:
    """Where a section's text should end. ``last`` asks for precision: nothing after it can make up for it."""

    target: int
    ends_itself: bool
    last: bool = False

    @property
    def stop_at(self) -> float:
        """The length from which the next sentence's end is the end of the section."""
        if not self.ends_itself:
            return self.target - 8  # about half a sentence, so that the end falls evenly on both sides
        return self.target * (1.03 if self.last else LONG - 0.05)

    @property
    def runaway_at(self) -> float:
        return max(self.target * RUNAWAY, self.target + 60)

    def is_short(self, length: int) -> bool:
        """Whether a section that ended at ``length`` should be continued."""
        return length < self.target * (CLOSE if self.last else SHORT) and self.target - length >= 12


def land(text: str, length: int, landing: Landing) -> int | None:
    """The offset at which ``text`` (of ``length`` by the counter) has reached its landing, or ``None`` if not yet.

    A text that runs on without a sentence's end is cut where it last had one within reach, or else at a white
    space.
    """
    if length < landing.stop_at:
        return None
    # The very end of what has come may still grow: "3." could become "3.5", a closing quote may follow.
    ends = [end for end in sentence_ends(text) if end < len(text)]
    first = bisect_left(ends, landing.stop_at, key=lambda end: count_words(text[:end]))
    if first < len(ends):
        return ends[first]
    if length < landing.runaway_at:
        return None
    within_reach = bisect_left(ends, landing.target * SHORT, key=lambda end: count_words(text[:end]))
    if within_reach < len(ends):
        return ends[within_reach]
    space = regex.search(r"\s\S*$", text)
    return space.start() if space else len(text)

"""How long each section should become, and where it is to land.

Lengths are in the counter's unit (:mod:`lwtui.text.counting`): words, or characters of Chinese and Japanese.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import regex

from lwtui.documents.model import Section, Status
from lwtui.text import count_words, sentence_ends

SHORT = 0.85  # a section under this share of its target is continued
LONG = 1.15  # a section lands at a sentence's end before it is over this share
RUNAWAY = 1.35  # over this share it is cut, sentence's end or not
CLOSE = 0.97  # the same for a section that no other can make up for, as for the last one
_SLACK = 12  # words that are not worth a call
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
    """Where a section's text should end. ``precise``: nothing that is written after it can make up for it."""

    target: int
    ends_itself: bool
    precise: bool = False

    @property
    def stop_at(self) -> float:
        """The length from which the next sentence's end is the end of the section."""
        if not self.ends_itself:
            return self.target - 8  # about half a sentence, so that the end falls evenly on both sides
        return self.target * (1.03 if self.precise else LONG - 0.05)

    @property
    def least_words(self) -> int:
        """The length before which the model is not to end by itself."""
        return ceil(self.target * (CLOSE if self.precise else SHORT))

    def latest(self, before: int) -> float:
        """The length past which the sentence's end at length ``before`` is better than the next one."""
        return self.target + abs(self.target - before) if self.precise else self.target * LONG

    @property
    def runaway_at(self) -> float:
        return max(self.target * RUNAWAY, self.target + 60)

    def is_short(self, length: int, *, cut: bool = False) -> bool:
        """Whether a section that ended at ``length`` should be continued; ``cut``: its author had not ended."""
        return length < self.target * (CLOSE if self.precise or cut else SHORT) and self.target - length >= _SLACK


class Lander:
    """Looks in a growing text for the place where it is to end. A text that was cut back needs a new one."""

    def __init__(self, landing: Landing, floor: int = 0) -> None:
        """Text before ``floor`` (an offset) is never taken back."""
        self._landing = landing
        self._floor = floor
        self._near: tuple[int, int] | None = None  # a sentence's end before all that matter, and the length there

    def look(self, text: str, length: int) -> int | None:
        """The offset at which ``text`` (of ``length`` by the counter) has reached its landing, or ``None`` if not yet.

        A text that runs on without a sentence's end goes back to the last one within reach, or else is cut at a
        white space.
        """
        landing = self._landing
        if length < landing.stop_at:
            return None
        if self._near is None:
            self._near = self._last_short_end(text)
        start, reached = self._near
        before = after = None
        latest = landing.runaway_at
        # The very end of what has come may still grow: "3." could become "3.5", a closing quote may follow.
        for end in [start + end for end in sentence_ends(text[start:]) if start + end < len(text)]:
            reached += count_words(text[start:end])
            start = end
            if end < self._floor or landing.is_short(reached):
                continue
            if reached >= landing.stop_at:
                after = end
                break
            before, latest = end, landing.latest(reached)
        if after is not None and (before is None or reached <= latest):
            return after
        if before is not None and (after is not None or length > latest):
            return before
        if length < landing.runaway_at:
            return None
        space = regex.search(r"\s\S*$", text[max(start, self._floor) :])
        return max(start, self._floor) + space.start() if space else len(text)

    def _last_short_end(self, text: str) -> tuple[int, int]:
        """The last sentence's end at which ``text`` is still short, and its length there."""
        ends = sentence_ends(text)
        first = bisect_left(ends, True, key=lambda end: not self._landing.is_short(count_words(text[:end])))
        return (ends[first - 1], count_words(text[: ends[first - 1]])) if first else (0, 0)

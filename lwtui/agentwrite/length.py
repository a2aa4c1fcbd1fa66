"""How long each section should become, and where it is to stop.

Lengths are in the counter's unit (:mod:`lwtui.text.counting`): words, or characters of Chinese and Japanese.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import regex

from lwtui.agentwrite.filters import FilterVerdict, SectionText
from lwtui.documents.model import Section, Status
from lwtui.text import count_words, sentence_ends

SHORT = 0.85  # share of its target under which a section is short
LONG = 1.15  # share before which a section stops at the end of a sentence
RUNAWAY = 1.35  # share over which it is cut, whether a sentence ends there or not
CLOSE = 0.97  # in place of SHORT where no later section can compensate
_SLACK = 12  # words that are not worth a call
# One section's target never strays further than this from its plan, however far off the others came out.
_MOST_SHRINK, _MOST_GROWTH = 0.5, 1.6


def section_target(sections: Sequence[Section], section_id: str) -> int:
    """The length that a section should have now.

    What the finished sections are over or under their plan is spread over those that are left, in proportion to their
    planned lengths.
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
class LengthTarget:
    """Where a section's text should end.

    Attributes:
        target: The length, in the counter's unit.
        ends_itself: Whether the model ends its own sections.
        precise: Whether no later section can compensate for the length of this one.
    """

    target: int
    ends_itself: bool
    precise: bool = False

    @property
    def stop_at(self) -> float:
        """The length from which the next end of a sentence is the end of the section."""
        if not self.ends_itself:
            return self.target - 8  # about half a sentence, so that the end falls evenly on both sides
        return self.target * (1.03 if self.precise else LONG - 0.05)

    @property
    def least_words(self) -> int:
        """The length before which the model is not to end by itself."""
        return ceil(self.target * (CLOSE if self.precise else SHORT))

    def latest(self, before: int) -> float:
        """The length past which the end of a sentence at length ``before`` is better than the next one."""
        return self.target + abs(self.target - before) if self.precise else self.target * LONG

    @property
    def runaway_at(self) -> float:
        """The length at which the text is cut, whether a sentence ends there or not."""
        return max(self.target * RUNAWAY, self.target + 60)

    def is_short(self, length: int, *, cut: bool = False) -> bool:
        """Whether a section that ended at ``length`` should be continued; ``cut``: the model had not ended it."""
        return length < self.target * (CLOSE if self.precise or cut else SHORT) and self.target - length >= _SLACK


class LengthStopper:
    """Finds the place where a growing text is to end (see :class:`lwtui.agentwrite.filters.TextFilter`).

    A text that runs on without the end of a sentence goes back to the last one within reach, or else is cut at a
    space.
    """

    def __init__(self, target: LengthTarget) -> None:
        self._target = target
        self._near: tuple[int, int] | None = None  # a sentence's end before all that matter, and the length there

    def trust(self, text: str) -> None:
        self._near = None

    def cut(self, keep: int) -> None:
        self._near = None

    def feed(self, text: SectionText, *, ended: bool = False) -> FilterVerdict | None:
        at = None if ended else self._stop(text)
        return None if at is None else FilterVerdict(at, "the section has its length", final=True)

    def _stop(self, section: SectionText) -> int | None:
        target, text, length = self._target, section.text, section.length
        if length < target.stop_at:
            return None
        if self._near is None:
            self._near = self._last_short_end(text)
        start, reached = self._near
        before = after = None
        latest = target.runaway_at
        # The very end of what has come may still grow: "3." could become "3.5", a closing quote may follow.
        for end in [start + end for end in sentence_ends(text[start:]) if start + end < len(text)]:
            reached += count_words(text[start:end])
            start = end
            if end < section.floor or target.is_short(reached):
                continue
            if reached >= target.stop_at:
                after = end
                break
            before, latest = end, target.latest(reached)
        if after is not None and (before is None or reached <= latest):
            return after
        if before is not None and (after is not None or length > latest):
            return before
        if length < target.runaway_at:
            return None
        space = regex.search(r"\s\S*$", text[max(start, section.floor) :])
        return max(start, section.floor) + space.start() if space else len(text)

    def _last_short_end(self, text: str) -> tuple[int, int]:
        """The last end of a sentence at which ``text`` is still short, and its length there."""
        ends = sentence_ends(text)
        first = bisect_left(ends, True, key=lambda end: not self._target.is_short(count_words(text[:end])))
        return (ends[first - 1], count_words(text[: ends[first - 1]])) if first else (0, 0)

"""How long each section should become, and where it should stop.

Lengths are in the counter's unit (:mod:`lwtui.text.counting`): words, or characters of Chinese and Japanese.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import regex

from lwtui.agentwrite.filters import FilterVerdict, SectionText
from lwtui.documents.model import ENOUGH, Section
from lwtui.text import count_words, ends_sentence, landing_places, last_landing, last_space
from lwtui.translation import _

# Shares of a section's target:
SHORT = 0.85  # below this, a base model's section is short
LONG = 1.15  # up to this, any end is accepted
RUNAWAY = 1.35  # above this, the text is cut, even within a sentence
CLOSE = 0.97  # replaces SHORT where no later section can compensate
_LINE_END = regex.compile(r"[^\S\n]*\n")
_LIST_OR_BLOCK = regex.compile(r"\s*(?:[-*+•–|]|\d{1,3}[.)、]|\p{L}[.)]\s|```|~~~|\$\$|\\)")
_LIST_PENALTY = 0.1  # share of the target by which the end of a paragraph may be further off than that of a list item
_SLACK = 12  # words that are not worth a call
_LONGEST_PARAGRAPH = 1.6  # share of the target; a single paragraph that runs on is then cut within, after a sentence
_FEW_WORDS = 60  # over the target, which a short section may have
_EARLIEST_END = 0.7  # share of the target; a text that runs on is cut at no paragraph that ends before
# The bounds of a section's target, as shares of its planned length, however far off the other sections are.
_MOST_FREE = 3  # times its target that a table, code or formulas may have
_MOST_SHRINK, _MOST_GROWTH = 0.5, 1.6


def section_target(sections: Sequence[Section], section_id: str) -> int:
    """Return the length that a section should have now.

    The sections that are left compensate for the finished ones: what those are over or under their plan is divided in
    proportion to the planned lengths. A table, code or formulas are as long as they are: they take nothing from the
    others and leave nothing to them.
    """
    position = next(position for position, section in enumerate(sections) if section.id == section_id)
    section = sections[position]
    if section.kind.has_free_length:
        return max(1, section.words)
    due, planned = _words_due(sections, section_id)
    share = section.words * max(0, due) / (planned or 1)
    return max(1, round(min(max(share, section.words * _MOST_SHRINK), section.words * _MOST_GROWTH)))


def missing_words(sections: Sequence[Section], section_id: str, target: int) -> int:
    """Return how many words a document will lack if its last section gets ``target`` words."""
    return _words_due(sections, section_id)[0] - target


def _words_due(sections: Sequence[Section], section_id: str) -> tuple[int, int]:
    """Return what a section and all that are not written should have together by now, and what was planned for them."""
    due = planned = 0
    for other in sections:
        if other.kind.has_free_length:
            continue
        due += other.words
        if other.is_written and other.id != section_id:
            due -= other.length
        else:
            planned += other.words
    return due, planned


@dataclass(frozen=True)
class LengthTarget:
    """Where a section's text should end.

    Attributes:
        target: The length, in the counter's unit.
        ends_itself: Whether the model ends its own sections, as chat models do.
        slack: How far the length may be off, if no later section can compensate; otherwise ``None``.
        free: Whether the model alone decides on the length, up to a multiple of the target: tables, code, formulas.
    """

    target: int
    ends_itself: bool
    slack: int | None = None
    free: bool = False

    @property
    def stop_at(self) -> float:
        """The length from which a base model's section ends with the next sentence."""
        return self.target - 8  # about half a sentence, so that ends fall evenly on both sides of the target

    @property
    def least_words(self) -> int:
        """The length below which a base model must not end, and an interrupted section is continued."""
        return ceil(self.target * (CLOSE if self.slack is not None else SHORT))

    @property
    def longest(self) -> float:
        """The length up to which the model may end the section itself."""
        if self.free:
            return self.target * _MOST_FREE
        if self.slack is None:
            return self.target * LONG
        return self.target + max(self.slack, self.target * (1 - CLOSE))

    def latest(self, before: int) -> float:
        """Return the length up to which the next end of a sentence is preferred to the one at length ``before``."""
        return self.target + abs(self.target - before) if self.slack is not None else self.target * LONG

    @property
    def runaway_at(self) -> float:
        """The length at which the text is cut, even within a sentence."""
        return max(self.target * RUNAWAY, self.target + _FEW_WORDS)

    def is_short(self, length: int, *, cut: bool = False) -> bool:
        """Tell whether a section that ended at ``length`` is too short.

        Args:
            length: Its length.
            cut: Whether the answer was cut off, rather than ended by the model.
        """
        if self.free and self.ends_itself:
            return False
        share = SHORT
        if self.ends_itself:
            share = ENOUGH
        elif self.slack is not None or cut:
            share = CLOSE
        return length < self.target * share and self.target - length >= _SLACK

    def is_off(self, length: int) -> bool:
        """Tell whether a section that its model ended at ``length`` is worth another draft."""
        if self.free and self.ends_itself:
            return False
        if self.slack is None:
            return self.is_short(length)
        return abs(length - self.target) > max(self.slack, _SLACK)


class ParagraphStopper:
    """Ends a text that runs past its target at the end of the paragraph, list item or table row nearest to it.

    For models that end their own sections (see :class:`lwtui.agentwrite.filters.TextFilter`): an end within reach of
    the target is accepted. A paragraph that never ends is cut after a sentence.
    """

    def __init__(self, target: LengthTarget) -> None:
        """Stop at ``target``."""
        self._target = target

    def trust(self, text: str) -> None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.trust`."""

    def cut(self, keep: int) -> None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.cut`."""

    def feed(self, text: SectionText, *, ended: bool = False) -> FilterVerdict | None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.feed`."""
        target = self._target
        if ended or text.length <= target.longest:
            return None
        whole = text.text
        near: list[tuple[float, int]] = []  # ends of paragraphs: how far off they are, and their offsets
        within: list[tuple[float, int]] = []  # the same for the other ends of sentences
        start = length = 0
        for end in landing_places(whole):
            length += count_words(whole[start:end])
            start = end
            if end < text.floor or length < target.target * _EARLIEST_END:
                continue
            off = abs(length - target.target)
            line = whole[whole.rfind("\n", 0, end) + 1 : end]
            if not _LINE_END.match(whole, end):
                if end < len(whole):  # the end of the text may be within code or a formula
                    within.append((off, end))
            elif ends_sentence(line):
                near.append((off, end))
            elif _LIST_OR_BLOCK.match(line):
                near.append((off + target.target * _LIST_PENALTY, end))
        if near:
            return FilterVerdict(min(near)[1], _("the section has its length"), final=True)
        if text.length <= max(target.target * _LONGEST_PARAGRAPH, target.target + _FEW_WORDS, target.longest):
            return None
        if within:
            return FilterVerdict(min(within)[1], _("the section has its length"), final=True)
        if text.length <= max(target.longest, target.target * 2) * LONG:
            return None
        end = max(text.floor, last_landing(whole)) or len(whole)
        return FilterVerdict(end, _("the section has its length"), final=True)


class SentenceStopper:
    """Ends a base model's text at a place to land near its target (see :class:`lwtui.agentwrite.filters.TextFilter`).

    A text that runs on without ending a sentence goes back to the last end within reach, or else is cut at a space.
    """

    def __init__(self, target: LengthTarget) -> None:
        """Stop at ``target``."""
        self._target = target
        self._start: tuple[int, int] | None = None  # where to look for ends of sentences: an offset, and its length

    def trust(self, text: str) -> None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.trust`."""
        self._start = None

    def cut(self, keep: int) -> None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.cut`."""
        self._start = None

    def feed(self, text: SectionText, *, ended: bool = False) -> FilterVerdict | None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.feed`."""
        end = None if ended else self._stop(text)
        return None if end is None else FilterVerdict(end, _("the section has its length"), final=True)

    def _stop(self, section: SectionText) -> int | None:
        """Return the offset at which the section should end, or ``None`` if it should not end yet."""
        target, text, length = self._target, section.text, section.length
        if length < target.stop_at:
            return None
        if self._start is None:
            self._start = self._last_short_end(text)
        start, reached = self._start
        before = after = None
        latest = target.runaway_at
        for end in [start + end for end in landing_places(text[start:]) if _is_settled(text, start + end)]:
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
        space = last_space(text[start:], max(0, section.floor - start))
        if space is not None:
            return start + space
        # A block of code or a table that is longer than the whole section
        return len(text) if length > target.runaway_at * 2 else None

    def _last_short_end(self, text: str) -> tuple[int, int]:
        """Return the last end of a sentence at which ``text`` is still short, and its length there."""
        ends = landing_places(text)
        first = bisect_left(ends, True, key=lambda end: not self._target.is_short(count_words(text[:end])))
        return (ends[first - 1], count_words(text[: ends[first - 1]])) if first else (0, 0)


def _is_settled(text: str, end: int) -> bool:
    """Tell whether what follows ``end`` says that a text that still grows can end there.

    "3." could become "3.5" or "3. May", and a closing quote may follow.
    """
    rest = text[end:]
    return rest.count("\n") > 1 or bool(rest.strip())

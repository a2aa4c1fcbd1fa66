"""Filters of a section's text as it streams: their protocol, their input and their verdicts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lwtui.text import RunningCount, sentence_ends
from lwtui.text.blocks import BlankedText

RESCAN = 80  # characters to scan again, since later text can turn a position into the end of a sentence


class SectionText:
    """The text of a section while it is written. The first ``floor`` characters are never cut."""

    def __init__(self, text: str = "", floor: int = 0) -> None:
        self.text = text
        self.floor = floor
        self._count = RunningCount(text)
        self._blanked = BlankedText()

    def __len__(self) -> int:
        return len(self.text)

    @property
    def length(self) -> int:
        """Length in the counter's unit."""
        return self._count.words

    @property
    def without_blocks(self) -> str:
        """The text with blanks in place of blocks of code and rows of tables, in which lines may well be alike."""
        return self._blanked.of(self.text)

    @property
    def blank(self) -> bool:
        """Whether the text is empty or all white space."""
        return not self.text.strip()

    def append(self, piece: str) -> None:
        """Add a piece at the end."""
        self.text += piece
        self._count.add(piece)

    def cut(self, keep: int) -> None:
        """Keep the first ``keep`` characters."""
        self.text = self.text[:keep]
        self._count = RunningCount(self.text)
        self._blanked = BlankedText()


@dataclass(frozen=True)
class FilterVerdict:
    """A filter's finding: the section's first ``keep`` characters are sound, and what follows is not.

    Attributes:
        keep: How many characters are sound.
        reason: What is wrong with the rest.
        final: Whether the section ends there in any case. Otherwise it ends there only if it is long enough; if not,
            the model continues from there.
        loop: Whether the model repeated itself, so that the next call needs another seed and stronger penalties.
        end: Where a single repeated sentence or paragraph ends, which can be left out while the answer goes on.
    """

    keep: int
    reason: str
    final: bool = False
    loop: bool = False
    end: int | None = None


class TextFilter(Protocol):
    """A filter that watches a section's text as it grows."""

    def trust(self, text: str) -> None:
        """Accept ``text``, the beginning of the section, without judging it."""
        ...

    def feed(self, text: SectionText, *, ended: bool = False) -> FilterVerdict | None:
        """Check the new end of ``text``.

        Args:
            text: The section's whole text.
            ended: Whether the text is complete.

        Returns:
            A verdict if something is wrong, otherwise ``None``.
        """
        ...

    def cut(self, keep: int) -> None:
        """Take note that the section was cut to its first ``keep`` characters."""
        ...


class EarlierTexts(ABC):
    """What a filter knows of the earlier sections. It serves one section after the other and learns only new texts."""

    def __init__(self) -> None:
        self._held: list[str] = []
        self._texts: set[str] = set()  # the same

    def hold(self, texts: Iterable[str]) -> None:
        """Know exactly ``texts``, in whatever order: learn those that are new."""
        texts, before = list(texts), len(self._held)
        added = texts[before:]
        if texts[:before] != self._held:  # usually, there is only one more
            added, self._held = texts, []
            if not self._texts.issubset(texts):  # one has changed, or is a later one now
                self._texts.clear()
                self._forget()
        for text in added:
            if text not in self._texts:
                self._learn(text)
                self._texts.add(text)
        self._held = texts

    @abstractmethod
    def _learn(self, text: str) -> None:
        """Learn a text."""

    @abstractmethod
    def _forget(self) -> None:
        """Forget all texts."""


class ForwardFilter:
    """The part of a :class:`TextFilter` that remembers how far the section was checked. Subclasses feed."""

    def __init__(self) -> None:
        self._checked = 0  # characters

    def trust(self, text: str) -> None:
        """See :meth:`TextFilter.trust`."""
        self._checked = len(text)

    def cut(self, keep: int) -> None:
        """See :meth:`TextFilter.cut`."""
        self._checked = min(self._checked, keep)


def new_sentence_ends(text: str, start: int) -> list[int]:
    """Return the offsets from ``start`` on at which sentences end. One at the end of the text may still grow."""
    return [start + end for end in sentence_ends(text[start:]) if start + end < len(text)]


class FilterChain:
    """Several filters. The verdict that keeps the fewest characters counts, since it is about the first fault."""

    def __init__(self, filters: Sequence[TextFilter]) -> None:
        self._filters = filters

    def trust(self, text: str) -> None:
        """See :meth:`TextFilter.trust`."""
        for text_filter in self._filters:
            text_filter.trust(text)

    def feed(self, text: SectionText, *, ended: bool = False) -> FilterVerdict | None:
        """See :meth:`TextFilter.feed`."""
        verdicts = [text_filter.feed(text, ended=ended) for text_filter in self._filters]
        return min((verdict for verdict in verdicts if verdict is not None), key=lambda found: found.keep, default=None)

    def cut(self, keep: int) -> None:
        """See :meth:`TextFilter.cut`."""
        for text_filter in self._filters:
            text_filter.cut(keep)

"""Filters of a section's text as it streams: what they look at, and what they say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lwtui.text import RunningCount


class SectionText:
    """The text of a section while it is written. ``floor``: the first so many characters are never taken back."""

    def __init__(self, text: str = "", floor: int = 0) -> None:
        self.text = text
        self.floor = floor
        self._count = RunningCount(text)

    def __len__(self) -> int:
        return len(self.text)

    @property
    def length(self) -> int:
        """Length in the counter's unit."""
        return self._count.words

    @property
    def blank(self) -> bool:
        """Whether there is nothing but white space."""
        return not self.text.strip()

    def append(self, piece: str) -> None:
        """Add a piece at the end."""
        self.text += piece
        self._count.add(piece)

    def cut(self, keep: int) -> None:
        """Keep the first ``keep`` characters."""
        self.text = self.text[:keep]
        self._count = RunningCount(self.text)


@dataclass(frozen=True)
class FilterVerdict:
    """What a filter found: the section is sound up to ``keep`` characters, and ``reason`` says what follows them.

    ``final``: the section ends there. Otherwise it does only if it is long enough, or else is written on from there.
    ``loop``: the model repeated itself, so what follows is to be drawn otherwise.
    """

    keep: int
    reason: str
    final: bool = False
    loop: bool = False


class TextFilter(Protocol):
    """One of the filters that a section's text passes through as it grows."""

    def trust(self, text: str) -> None:
        """Take ``text``, with which the section begins, as it is."""
        ...

    def feed(self, text: SectionText, *, ended: bool = False) -> FilterVerdict | None:
        """Look at what is new at the end of ``text``. ``ended``: no more of it is coming."""
        ...

    def cut(self, keep: int) -> None:
        """The section was cut to ``keep`` characters."""
        ...


class FilterChain:
    """Filters in the order in which they are asked; the first verdict counts."""

    def __init__(self, filters: Sequence[TextFilter]) -> None:
        self._filters = filters

    def trust(self, text: str) -> None:
        """See :meth:`TextFilter.trust`."""
        for one in self._filters:
            one.trust(text)

    def feed(self, text: SectionText, *, ended: bool = False) -> FilterVerdict | None:
        """See :meth:`TextFilter.feed`."""
        for one in self._filters:
            if (verdict := one.feed(text, ended=ended)) is not None:
                return verdict
        return None

    def cut(self, keep: int) -> None:
        """See :meth:`TextFilter.cut`."""
        for one in self._filters:
            one.cut(keep)

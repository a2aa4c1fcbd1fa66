"""The sources of an open document, with search by relevance."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

from lwtui.sources.model import FoundPassage, Passage, ReadSource, SelectedPassages, Source


class SourceStore:
    """The sources of a :class:`lwtui.documents.store.Document`, as its attribute ``source_store``.

    All methods that change something raise :class:`lwtui.errors.DocumentError` if the change cannot be stored.
    """

    def __init__(
        self,
        change: Callable[[], AbstractContextManager[sqlite3.Connection]],
        reading: Callable[[], AbstractContextManager[sqlite3.Connection]],
        sources: dict[str, Source],
    ) -> None:
        """Create the store. ``change`` opens a transaction of the document, ``reading`` a query."""
        self._change = change
        self._reading = reading
        self._sources = sources

    def list(self) -> tuple[Source, ...]:
        """Return the sources in the order in which they were added."""
        return tuple(self._sources.values())

    def get(self, name: str) -> Source | None:
        """Return the source whose key, id or location is ``name``; ``None`` without one."""
        raise NotImplementedError

    def add(self, read: ReadSource) -> Source:
        """Add a source, or replace the one of the same location, which keeps its key and its sections."""
        raise NotImplementedError

    def remove(self, source_id: str) -> None:
        """Remove a source and its passages."""
        raise NotImplementedError

    def pin(self, source_id: str, section_id: str, *, pinned: bool = True) -> Source:
        """Have a source serve a section first, or no longer."""
        raise NotImplementedError

    def passages(self, source_id: str) -> tuple[Passage, ...]:
        """Return the passages of a source, in order."""
        raise NotImplementedError

    def search(self, query: str, limit: int = 10) -> tuple[FoundPassage, ...]:
        """Return the passages that fit a query, the most relevant first."""
        raise NotImplementedError

    def for_section(
        self, subject: str, room: int, *, section_id: str = "", recent: str = "", instruction: str = ""
    ) -> SelectedPassages:
        """Return the passages that serve a section.

        Args:
            subject: The section's headings and main point.
            room: The most tokens that the passages may take.
            section_id: The section, whose pinned sources come first.
            recent: The text before the section.
            instruction: What the document is about.
        """
        raise NotImplementedError

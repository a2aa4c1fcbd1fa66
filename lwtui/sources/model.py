"""The data of sources: what the user added, and the passages it was divided into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# What a source was read as.
SOURCE_KINDS = ("pdf", "docx", "odt", "epub", "html", "markdown", "text", "csv", "web", "record", "other")


@dataclass(frozen=True)
class Source:
    """Something that a document is written from.

    Attributes:
        id: Identifies it within the document.
        key: The citation key, such as "gray2020": ASCII, ``[a-z0-9-]``, unique in the document.
        kind: One of :data:`SOURCE_KINDS`.
        title: Its title, or the name of its file.
        location: The path or address as the user gave it.
        retrieved: The day on which it was read, such as "2026-11-30".
        csl: A CSL-JSON item whose ``id`` is the key, as complete as the source allows.
        pinned: The ids of the sections that it serves first.
        passages: How many passages it has.
    """

    id: str
    key: str
    kind: str
    title: str
    location: str
    retrieved: str
    csl: Mapping[str, Any]
    pinned: tuple[str, ...] = ()
    passages: int = 0


@dataclass(frozen=True)
class Passage:
    """A stretch of a source, of 80 to 250 words where the source allows it.

    Attributes:
        id: Identifies it within the document.
        source_id: Its source.
        number: Its place in the source, from 1.
        text: Its text, without any markup.
        page: The page of a PDF on which it begins, from 1; ``None`` for other sources.
    """

    id: int
    source_id: str
    number: int
    text: str
    page: int | None = None


class FoundPassage(NamedTuple):
    """A passage and its source."""

    passage: Passage
    source: Source


@dataclass(frozen=True)
class SelectedPassages:
    """The passages that a prompt shows.

    Attributes:
        chosen: Those that there is room for, the most useful first.
        left_out: How many others fit the section and had no room.
    """

    chosen: tuple[FoundPassage, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class Stretch:
    """Text of a source that is about to be added.

    Attributes:
        text: The text.
        page: Its page, from 1; ``None`` without pages.
    """

    text: str
    page: int | None = None


@dataclass(frozen=True)
class ReadSource:
    """A source that was read and can be added to a document.

    Attributes:
        kind: One of :data:`SOURCE_KINDS`.
        title: Its title.
        location: The path or address as the user gave it.
        retrieved: The day on which it was read.
        passages: Its text in stretches of the size of a passage, in order.
        csl: A CSL-JSON item without ``id``.
        key: The citation key that it has already, as in a bibliography; empty: one is made.
    """

    kind: str
    title: str
    location: str
    retrieved: str
    passages: tuple[Stretch, ...]
    csl: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""

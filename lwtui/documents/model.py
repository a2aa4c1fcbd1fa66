"""The data model of documents: plain frozen data that the store writes, and the method and the screens read."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import regex

from lwtui.documents.section_kind import SectionKind
from lwtui.models.usage import Usage
from lwtui.text import clean

BUDGET = "budget"  # the document setting that holds the budget, as the user entered it
_MAX_TITLE = 80  # characters of an instruction that serve as a title
_MAX_PRINTED_TITLE = 140  # the same on a title page
MAX_LEVEL = 5  # of an outline; Markdown has six levels, the first of which is for the document's title


class Status(StrEnum):
    """The progress of a section."""

    EMPTY = "empty"  # planned, without text
    WRITING = "writing"  # a model is streaming text into it
    PARTIAL = "partial"  # interrupted in the middle of its text
    SHORT = "short"  # the model has ended it far below its length, in each of its drafts
    REFUSED = "refused"  # the model refused to write it
    DONE = "done"


_WRITTEN = (Status.DONE, Status.SHORT)


class Origin(StrEnum):
    """Who wrote a revision."""

    MODEL = "model"
    USER = "user"
    IMPORT = "import"


class Mode(StrEnum):
    """How a document is written."""

    AGENTWRITE = "agentwrite"  # plan, then write one section after the other, each prompt with the text so far
    PARALLEL = "agentwrite-parallel"  # plan, then write all sections at once, without the text so far
    DIRECT = "direct"  # write the whole text in one call


_SENTENCE_END = regex.compile(r"(?<=\p{Ll}{2})[.!?]+\s+|[。！？]")
# The words of a request before its subject: "Please write me a guide to …", "Explain how …".
_REQUEST = regex.compile(
    r"(?:please\s+|can you\s+|could you\s+)?"
    r"(?:write|draft|compose|create|prepare|produce|explain|describe|discuss)(?:\s+(?:me|us))?(?:\s+about)?\s+(?=\p{L})",
    regex.IGNORECASE,
)


def title_from(instruction: str) -> str:
    """Make a title from an instruction: the beginning of its subject, cut at a word."""
    line = _subject(instruction)
    if len(line) <= _MAX_TITLE:
        return line or "Untitled"
    return line[:_MAX_TITLE].rsplit(" ", 1)[0].rstrip(" ,;:，；：") + "…"


def printed_title(title: str, instruction: str, fallback: str) -> str:
    """Return a document's title for its title page.

    A title that :func:`title_from` cut short is replaced by the first sentence of the instruction's subject, or by
    ``fallback`` if that is too long.
    """
    if not title.endswith("…") or title != title_from(instruction):
        return title
    whole = _SENTENCE_END.split(_subject(instruction), maxsplit=1)[0]
    return whole if 0 < len(whole) <= _MAX_PRINTED_TITLE else fallback


def _subject(instruction: str) -> str:
    """Return the first line of an instruction without a leading "Please write me" or the like."""
    line = clean(instruction).strip().split("\n")[0].strip(" #*.。")
    if request := _REQUEST.match(line):
        line = line[request.end() :]
        line = line[0].upper() + line[1:]
    return line


def new_id() -> str:
    """Return a random section id of 8 hexadecimal digits."""
    return secrets.token_hex(4)


@dataclass(frozen=True)
class PlannedSection:
    """A section of a plan.

    Attributes:
        title: The heading.
        main_point: What the section says.
        words: The target length, in words, or in characters for Chinese and Japanese. A target of 0 makes it a
            heading without text, such as that of a part.
        id: Identifies the section in all versions of the plan.
        level: The level in the outline, from 1. As with headings in Markdown, the sections that follow on deeper
            levels are within this one.
        kind: What the section consists of in the main.
    """

    title: str
    main_point: str
    words: int
    id: str = field(default_factory=new_id)
    level: int = 1
    kind: SectionKind = SectionKind.PROSE


@dataclass(frozen=True)
class Plan:
    """The title and the sections of a document, in order."""

    title: str
    sections: tuple[PlannedSection, ...]

    @property
    def words(self) -> int:
        """The sum of the sections' targets."""
        return sum(section.words for section in self.sections)

    @property
    def nested(self) -> bool:
        """Whether there are sections within others."""
        return any(section.level > 1 for section in self.sections)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the plan: ``{"title", "sections": [{"title", "main_point", "words"}]}``.

        In a nested plan, every section has its ``level`` too. A section that is not prose has its ``kind``.
        """
        nested = self.nested
        return {
            "title": self.title,
            "sections": [
                {
                    "title": s.title,
                    "main_point": s.main_point,
                    "words": s.words,
                    **({"level": s.level} if nested else {}),
                    **({"kind": s.kind.value} if s.kind is not SectionKind.PROSE else {}),
                }
                for s in self.sections
            ],
        }

    def to_json(self) -> str:
        """Return the plan as indented JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def find(self, section_id: str) -> int:
        """Return the position of a section, from 0.

        Raises:
            KeyError: The plan has no section of that id.
        """
        for position, section in enumerate(self.sections):
            if section.id == section_id:
                return position
        raise KeyError(section_id)

    def with_section(self, section: PlannedSection) -> Plan:
        """Return the plan with ``section`` in place of the section of the same id."""
        at = self.find(section.id)
        return replace(self, sections=(*self.sections[:at], section, *self.sections[at + 1 :]))


@dataclass(frozen=True)
class Note:
    """Something that the user wants the model to know.

    Attributes:
        title: A short name.
        text: What the model reads.
        kind: One of :data:`NOTE_KINDS`, or any other word.
        always: Whether every prompt includes the note.
        triggers: Words that bring the note into a prompt where they occur, unless it is in all of them.
        id: Identifies the note when it is edited.
    """

    title: str
    text: str
    kind: str = "story"
    always: bool = True
    triggers: tuple[str, ...] = ()
    id: str = field(default_factory=new_id)


NOTE_KINDS = ("story", "style", "fact")


MAX_SEED = 2**31 - 1  # the largest that all backends and the .lw tables accept


class Style(StrEnum):
    """What a text looks like within its sections."""

    PROSE = "prose"  # connected paragraphs
    LISTS = "lists"  # with lists and headings where they help


@dataclass(frozen=True)
class Brief:
    """What the user asked for."""

    instruction: str
    words: int
    language: str = "en"  # BCP 47
    mode: Mode = Mode.AGENTWRITE
    model: str = ""  # as given to --model or chosen in the form
    seed: int | None = None
    sampling: str = ""  # overrides of the model's sampling options (see lwtui.models.sampling)
    notes: tuple[Note, ...] = ()  # for every prompt; a document stores its notes separately
    style: Style | None = None  # None: what the instruction asks for
    sources: tuple[str, ...] = ()  # one line for each, for a plan; a document stores its sources separately


@dataclass(frozen=True)
class Basis:
    """What a section was written from, as fingerprints (see :mod:`lwtui.documents.stale`).

    Attributes:
        instruction: The document's instruction.
        line: The section's heading and main point in the plan.
        notes: The notes in its prompt, by note id.
        shown: The earlier sections that were in its prompt in full, by section id.
        summarised: The summaries that stood in the prompt for earlier sections, by section id.
    """

    instruction: str
    line: str
    notes: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    summarised: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Provenance:
    """Where a model's text came from. Each revision stores its own."""

    model: str
    model_hash: str = ""  # SHA-256 of a GGUF file; empty for an endpoint
    sampling: dict[str, Any] = field(default_factory=dict)
    prompt_hash: str = ""
    seed: int | None = None
    basis: Basis | None = None
    task: str = ""  # what the model was asked for other than to write the section: "shorten", "candidate 2"

    @property
    def is_candidate(self) -> bool:
        """Whether the text is a candidate for the whole section. Older documents call candidates takes."""
        return self.task.startswith(("candidate ", "take "))


@dataclass(frozen=True)
class Section:
    """The current state of a section.

    Attributes:
        id: The id of its :class:`PlannedSection`.
        title: The heading.
        main_point: What the section says.
        words: The target length, in words, or in characters for Chinese and Japanese.
        status: Its progress.
        text: Its text in Markdown, as far as there is any.
        length: The length of the text, as :func:`lwtui.text.count_words` counts it.
        origin: Who wrote the text; ``None`` without text.
        level: Its level in the outline, from 1.
        kind: What it consists of in the main.
    """

    id: str
    title: str
    main_point: str
    words: int
    status: Status
    text: str
    length: int
    origin: Origin | None = None
    level: int = 1
    kind: SectionKind = SectionKind.PROSE

    @property
    def is_written(self) -> bool:
        """Whether its text has come to an end, at its length or short of it."""
        return self.status in _WRITTEN

    @property
    def starts_again(self) -> bool:
        """Whether a run that writes it drops its text: the model has ended that text too early."""
        return self.status is Status.SHORT and self.origin is not Origin.USER

    def blank(self) -> Section:
        """Return the section without its text, to be written from the beginning."""
        return replace(self, status=Status.EMPTY, text="", length=0, origin=None)

    @property
    def is_finished(self) -> bool:
        """Whether it has a text that is complete, if perhaps too short."""
        return self.is_written and bool(self.text.strip())

    @property
    def is_heading_only(self) -> bool:
        """Whether the section is a heading for which no text is to be written."""
        return not self.words and not self.text


ENOUGH = 0.6  # share of its target below which a section that its model ended is short


def status_of_length(length: int, target: int, kind: SectionKind = SectionKind.PROSE) -> Status:
    """Return the status of a section that its model has ended at ``length``."""
    is_short = length < ENOUGH * target and not (length and kind.has_free_length)
    return Status.SHORT if is_short else Status.DONE


@dataclass(frozen=True)
class SectionSummary:
    """A summary that stands for a section where its text does not fit the context.

    Attributes:
        section_id: The section.
        text: The summary.
        digest: The fingerprint of the text that it summarizes.
        revision: The revision that holds that text, if there is one.
        by_hand: Whether the user wrote the summary; models never replace such a summary.
    """

    section_id: str
    text: str
    digest: str
    revision: int | None = None
    by_hand: bool = False


@dataclass(frozen=True)
class Revision:
    """A version of a section's text.

    Attributes:
        id: Rises with each revision of the document.
        section_id: The section.
        created: In seconds since the epoch (UTC).
        origin: Who wrote it.
        text: The text in Markdown.
        length: The length of the text, as :func:`lwtui.text.count_words` counts it.
        provenance: Where the text came from, if a model wrote any of it.
        usage: The token usage of the text.
        is_alternative: Whether it was only an answer or a candidate, and never the section's text.
    """

    id: int
    section_id: str
    created: float
    origin: Origin
    text: str
    length: int
    provenance: Provenance | None
    usage: Usage
    is_alternative: bool = False


@dataclass(frozen=True)
class LibraryEntry:
    """A document as the library lists it.

    Attributes:
        path: The file.
        title: The document's title, or the file's name.
        words: The length of its text.
        target: The length that was asked for.
        progress: From 0 to 1.
        changed: When the document was last changed, in seconds since the epoch.
        model: The model that writes it.
        problem: Why the file cannot be opened; empty if it can.
        unread: Whether the file has not been read yet, so that only its name and time are known.
    """

    path: str
    title: str
    words: int
    target: int
    progress: float
    changed: float
    model: str
    problem: str = ""
    unread: bool = False

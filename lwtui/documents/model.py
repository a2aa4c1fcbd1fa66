"""What a document is made of. Plain frozen data: the store writes it, the method and the screens read it."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import regex

from lwtui.models.usage import Usage
from lwtui.text import clean

BUDGET = "budget"  # the setting of a document that holds its budget, as it was given
_LONGEST_TITLE = 80  # characters of an instruction that serve as a title
_LONGEST_PRINTED = 140  # the same on a title page
DEEPEST = 5  # levels of an outline; Markdown has one more, which the document's own title takes


class Status(StrEnum):
    """How far a section has come."""

    EMPTY = "empty"  # planned, nothing written
    WRITING = "writing"  # text is streaming in now
    PARTIAL = "partial"  # interrupted: text is there, more is to come
    DONE = "done"


class Origin(StrEnum):
    """Who wrote a revision."""

    MODEL = "model"
    USER = "user"
    IMPORT = "import"


class Mode(StrEnum):
    """How a document is written."""

    AGENTWRITE = "agentwrite"  # plan, then each section with the text so far
    PARALLEL = "agentwrite-parallel"  # plan, then sections side by side, without the text so far
    DIRECT = "direct"  # one call for the whole text


_STOP = regex.compile(r"(?<=\p{Ll}{2})[.!?]+\s+|[。！？]")
# What asks for a document, in front of what it is to be: "Please write me a guide to …", "Explain how …".
_ASKING = regex.compile(
    r"(?:please\s+|can you\s+|could you\s+)?"
    r"(?:write|draft|compose|create|prepare|produce|explain|describe|discuss)(?:\s+(?:me|us))?(?:\s+about)?\s+(?=\p{L})",
    regex.IGNORECASE,
)


def title_from(instruction: str) -> str:
    """A title for a document whose plan names none: the beginning of its instruction, cut at a word."""
    line = _asked(instruction)
    if len(line) <= _LONGEST_TITLE:
        return line or "Untitled"
    return line[:_LONGEST_TITLE].rsplit(" ", 1)[0].rstrip(" ,;:，；：") + "…"


def printed_title(title: str, instruction: str, otherwise: str) -> str:
    """``title`` as it is printed: one that :func:`title_from` had to cut is the whole of what was asked for, up to its
    first stop, or ``otherwise`` where that is too long for a title."""
    if not title.endswith("…") or title != title_from(instruction):
        return title
    whole = _STOP.split(_asked(instruction), maxsplit=1)[0]
    return whole if 0 < len(whole) <= _LONGEST_PRINTED else otherwise


def _asked(instruction: str) -> str:
    """The first line of an instruction without the words that only ask for it."""
    line = clean(instruction).strip().split("\n")[0].strip(" #*.。")
    if asking := _ASKING.match(line):
        line = line[asking.end() :]
        line = line[0].upper() + line[1:]
    return line


def new_id() -> str:
    """A fresh section id: 8 hexadecimal digits, unique enough within one document."""
    return secrets.token_hex(4)


@dataclass(frozen=True)
class PlannedSection:
    """One step of a plan. ``words`` is the target in the counter's unit (characters for Chinese/Japanese).

    ``level`` nests as headings do in Markdown: the steps after this one that have a higher level are within it. A
    step with a target of 0 is a heading alone, such as that of a part: nothing is written for it.
    """

    title: str
    main_point: str
    words: int
    id: str = field(default_factory=new_id)
    level: int = 1


@dataclass(frozen=True)
class Plan:
    """The title of a document and its sections in order."""

    title: str
    sections: tuple[PlannedSection, ...]

    @property
    def words(self) -> int:
        """Sum of the sections' targets."""
        return sum(section.words for section in self.sections)

    @property
    def nested(self) -> bool:
        """Whether some sections stand within others."""
        return any(section.level > 1 for section in self.sections)

    def to_dict(self) -> dict[str, Any]:
        """The public JSON form: ``{"title", "sections": [{"title", "main_point", "words"}]}``.

        Where sections stand within others, each has its ``level`` too.
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
                }
                for s in self.sections
            ],
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def find(self, section_id: str) -> int:
        """Position of a section; ``KeyError`` if the plan has none of that id."""
        for position, section in enumerate(self.sections):
            if section.id == section_id:
                return position
        raise KeyError(section_id)

    def with_section(self, section: PlannedSection) -> Plan:
        """The plan with the section of the same id replaced."""
        at = self.find(section.id)
        return replace(self, sections=(*self.sections[:at], section, *self.sections[at + 1 :]))


@dataclass(frozen=True)
class Note:
    """What the writer wants the model to know. ``triggers`` are words that call it up where they occur, unless it is
    shown ``always``. ``kind`` is one of :data:`NOTE_KINDS`, or any other word."""

    title: str
    text: str
    kind: str = "story"
    always: bool = True
    triggers: tuple[str, ...] = ()
    id: str = field(default_factory=new_id)


NOTE_KINDS = ("story", "style", "fact")


MOST_SEED = 2**31 - 1  # what every backend and a document take


@dataclass(frozen=True)
class Brief:
    """What the writer asked for."""

    instruction: str
    words: int
    language: str = "en"  # BCP 47
    mode: Mode = Mode.AGENTWRITE
    model: str = ""  # the name given to --model / chosen in the form
    seed: int | None = None
    sampling: str = ""  # what of the model's sampling is to be otherwise (see lwtui.models.sampling)
    notes: tuple[Note, ...] = ()  # what every prompt is to show; a document keeps its notes by themselves


@dataclass(frozen=True)
class Basis:
    """What a section was written from, as fingerprints (see :mod:`lwtui.documents.stale`).

    ``notes`` has those that its prompt held, by id; ``shown`` the earlier sections that stood there word for word,
    by id, and ``summarised`` those of which only a summary did.
    """

    instruction: str
    line: str  # its heading and main point
    notes: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    summarised: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Provenance:
    """Where a model's text came from, stored with each revision."""

    model: str
    model_hash: str = ""  # SHA-256 of a GGUF's file; empty for an endpoint
    sampling: dict[str, Any] = field(default_factory=dict)
    prompt_hash: str = ""
    seed: int | None = None
    basis: Basis | None = None
    task: str = ""  # what was asked for, where it was not to write the section: "shorten", "candidate 2"

    @property
    def is_candidate(self) -> bool:
        """Whether it is one of several texts for a whole section, which older documents call takes."""
        return self.task.startswith(("candidate ", "take "))


@dataclass(frozen=True)
class Section:
    """A section as it stands: its step of the plan, its current text and how far it is.

    ``length`` is the text's length by :func:`lwtui.text.count_words`.
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

    @property
    def heads(self) -> bool:
        """Whether it is a heading alone, for which nothing is to be written."""
        return not self.words and not self.text


@dataclass(frozen=True)
class SectionSummary:
    """What stands for a section where its text no longer fits. ``digest`` is the fingerprint of the text it sums up
    and ``revision`` the version that held it; ``by_hand``: the writer's words, which no model replaces."""

    section_id: str
    text: str
    digest: str
    revision: int | None = None
    by_hand: bool = False


@dataclass(frozen=True)
class Revision:
    """One version of a section's text. ``created`` is seconds since the epoch (UTC).

    One that is ``aside`` was only kept: an answer or a candidate that never was the section's text.
    """

    id: int
    section_id: str
    created: float
    origin: Origin
    text: str
    length: int
    provenance: Provenance | None
    usage: Usage
    aside: bool = False


@dataclass(frozen=True)
class Summary:
    """A line of the library. ``progress`` runs from 0 to 1; ``problem`` says why a file cannot be opened.

    Of one that is ``unread`` only the file's name and time are known.
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

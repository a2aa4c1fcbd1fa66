"""What an import reads: the sections and notes of a document to be, and a report of what was kept and what was lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import regex

from lwtui.documents.importing.encodings import Guess
from lwtui.documents.importing.report_kinds import counted
from lwtui.documents.markdown_extensions import count_formulas
from lwtui.documents.model import Note
from lwtui.documents.plain_text import parse_blocks
from lwtui.text import one_line
from lwtui.translation import _, listed

_PICTURE = regex.compile(r"(?<!\\)!\[(?:[^\[\]\\]|\\.)*\]\((?!lwtui-media/)")
_SHOWN = 5  # names in a remark


@dataclass(frozen=True)
class ImportedPart:
    """A future section of the document.

    Attributes:
        title: The heading.
        level: The level in the outline, from 1.
        text: The text in Markdown.
        is_heading_only: Whether it is the heading of a part, for which no text is to be written.
        main_point: What the section says, if the source has a synopsis.
    """

    title: str
    level: int
    text: str
    is_heading_only: bool = False
    main_point: str = ""


@dataclass(frozen=True)
class ImportedPicture:
    """A picture that was part of the file.

    Attributes:
        address: What the text calls it.
        kind: Its kind, as :func:`lwtui.documents.export.pictures.picture_kind` tells it.
        data: Its bytes.
    """

    address: str
    kind: str
    data: bytes = field(repr=False)


@dataclass
class ImportReport:
    """Counts what an import kept, changed and left out.

    Kinds are singular English nouns, such as ``table`` or ``tracked deletion``: those of
    :data:`lwtui.documents.importing.report_kinds.KINDS`.
    """

    kept: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)

    def keep(self, kind: str, number: int = 1) -> None:
        """Count something that is in the document, if in another form."""
        self.kept[kind] += number

    def lose(self, kind: str, number: int = 1) -> None:
        """Count something that is not in the document."""
        self.lost[kind] += number

    def remark(self, line: str) -> None:
        """Add a sentence for the user, unless it is there already."""
        line = one_line(line)
        if line not in self.remarks:
            self.remarks.append(line)

    def add(self, other: ImportReport) -> None:
        """Add the report of another file that goes into the same document."""
        self.kept += other.kept
        self.lost += other.lost
        for line in other.remarks:
            self.remark(line)

    def lines(self) -> list[str]:
        """Return the report in sentences: what was kept, what was left out, and the remarks."""
        lines = [_("Kept: {things}.", things=_listed(self.kept))] if self.kept.total() else []
        lines.append(
            _("Left out: {things}.", things=_listed(self.lost)) if self.lost.total() else _("Nothing was left out.")
        )
        return lines + self.remarks


@dataclass(frozen=True)
class Imported:
    """A file or folder that was read, ready to become a document.

    Attributes:
        title: The title of the document.
        parts: Its sections.
        author: The author, if the source names one.
        language: The language as a BCP 47 tag, if the source names it.
        notes: The notes, if the source has any.
        report: What was kept and what was lost.
        pictures: The pictures that were part of the file.
        folder: The folder in which the pictures are that the text names by a path; ``None``: there is none.
        guesses: The encodings that the source may be in, the one that it was read in first; empty if that is certain.
        date: The date that the source names, in its own words.
        is_own: Whether lwtui wrote the source, so that its texts are taken as they are.
    """

    title: str
    parts: tuple[ImportedPart, ...]
    report: ImportReport
    author: str = ""
    language: str = ""
    notes: tuple[Note, ...] = ()
    pictures: tuple[ImportedPicture, ...] = ()
    folder: Path | None = None
    guesses: tuple[Guess, ...] = ()
    date: str = ""
    is_own: bool = False


def count_kept(parts: Sequence[ImportedPart], report: ImportReport) -> None:
    """Count the tables, formulas, footnotes, code blocks, definition lists and links to pictures in the texts."""
    for part in parts:
        for token in parse_blocks(part.text):
            if token.type == "math_block":
                report.keep("formula")
            elif token.type == "table_open":
                report.keep("table")
            elif token.type == "footnote_reference_open":
                report.keep("footnote")
            elif token.type in ("fence", "code_block"):
                report.keep("code block")
            elif token.type == "dl_open":
                report.keep("definition list")
            elif token.type == "inline":
                report.keep("formula", count_formulas(token.content))
                report.keep("address of a picture", len(_PICTURE.findall(token.content)))


def some(names: Sequence[str]) -> str:
    """List names, but not too many of them."""
    unique = list(dict.fromkeys(names))
    more = len(unique) - _SHOWN
    shown = ", ".join(unique[:_SHOWN])
    return _("{names} and {count} more", names=shown, count=more) if more > 0 else shown


def _listed(counts: Counter[str]) -> str:
    return listed(counted(number, kind) for kind, number in counts.items() if number)

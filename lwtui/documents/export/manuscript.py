"""What an export is made from: a document's text with its title page, taken at one moment.

It is plain data, so that the formats that take seconds can be made in another thread while the document is changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import regex

from lwtui.documents.database import connect_glance
from lwtui.documents.disclosure import TITLE, report
from lwtui.documents.model import Section, printed_title
from lwtui.documents.schema import moment
from lwtui.documents.store import Document
from lwtui.errors import UsageError
from lwtui.text import count_words, one_line

_LONG_CHAPTER = 1_500  # words; where chapters are that long on average, each begins on a new page
# Asked of the file itself: the document would read the text of every version for it.
_LAST_CHANGE = "SELECT max(r.created) FROM section s JOIN revision r ON r.id = s.revision WHERE s.position IS NOT NULL"
_AUTHOR = "author"  # under this name a document keeps the one on its title page
_DATE = regex.compile(r"\d{4}-\d{2}-\d{2}")


PAPERS = ("a4", "letter", "a5")
FONT_SIZE = 11.0  # points


@dataclass(frozen=True)
class Options:
    """What can be chosen about an export. Empty texts are those of the document; ``date`` is YYYY-MM-DD."""

    title: str = ""
    author: str = ""
    date: str = ""
    contents: bool = True
    title_page: bool = True
    new_pages: bool | None = None  # whether each chapter begins on one; None: where chapters are long
    paper: str = PAPERS[0]  # of a PDF or DOCX
    font_size: float = FONT_SIZE  # of a PDF, in points
    disclosure: bool = False  # an appendix that says what was written by a model


@dataclass(frozen=True)
class ManuscriptPart:
    """A heading (empty: none), how deep it stands (1 is a chapter), and the Markdown under it."""

    title: str
    level: int
    text: str


@dataclass(frozen=True)
class Manuscript:
    """A document as it is to be exported. ``signed`` says that its author or date was asked for."""

    title: str
    author: str
    language: str  # BCP 47, or empty
    date: str  # YYYY-MM-DD
    parts: tuple[ManuscriptPart, ...]
    contents: bool = True
    title_page: bool = True
    signed: bool = False
    new_pages: bool | None = None
    paper: str = PAPERS[0]
    font_size: float = FONT_SIZE

    @property
    def headings(self) -> list[tuple[str, ManuscriptPart]]:
        """The parts that have a heading, with the names they are linked to by."""
        return [(f"part-{number}", part) for number, part in enumerate(self.parts, 1) if part.title]

    @property
    def lists_contents(self) -> bool:
        """Whether there is a table of contents: it was not declined, and there is something to list."""
        return self.contents and len(self.headings) > 1

    @property
    def chapters_on_new_pages(self) -> bool:
        if self.new_pages is not None:
            return self.new_pages
        chapters = sum(part.level == 1 for part in self.parts)
        return chapters > 1 and sum(count_words(part.text) for part in self.parts) >= _LONG_CHAPTER * chapters


def collect(document: Document, options: Options | None = None) -> Manuscript:
    """The document as it is now. Raises :class:`lwtui.errors.UsageError` for a date that is none.

    A section without text is left out, but not the heading of a part that has sections with text.
    """
    options = options or Options()
    sections = document.sections()
    parts = [
        ManuscriptPart(section.title, section.level, section.text.strip("\n").rstrip())
        for position, section in enumerate(sections)
        if _is_shown(sections, position)
    ]
    book = Manuscript(
        title=printed_title(
            one_line(options.title) or document.title, document.brief.instruction, _spaced(document.path.stem)
        ),
        author=one_line(options.author),
        language=document.brief.language,
        date=_checked(options.date) or _last_change(document.path),
        parts=tuple(parts),
        contents=options.contents,
        title_page=options.title_page,
        signed=bool(one_line(options.author) or options.date),
        new_pages=options.new_pages,
        paper=options.paper,
        font_size=options.font_size,
    )
    return with_disclosure(book, report(document)) if options.disclosure else book


def author_of(document: Document, otherwise: str = "") -> str:
    """The name on the title page of this document, or ``otherwise`` where none was chosen for it."""
    return document.setting(_AUTHOR, otherwise)


def keep_author(document: Document, author: str) -> None:
    """From now on ``author`` (empty: nobody) is on the title page of this document."""
    if not document.read_only:
        document.set_setting(_AUTHOR, one_line(author))


def with_disclosure(book: Manuscript, told: str) -> Manuscript:
    """``book`` with an appendix of what :mod:`lwtui.documents.disclosure` found."""
    return replace(book, parts=(*book.parts, ManuscriptPart(TITLE, 1, told)))


def _is_shown(sections: Sequence[Section], position: int) -> bool:
    section = sections[position]
    if section.text.strip():
        return True
    if not section.heads or not section.title:
        return False
    for within in sections[position + 1 :]:
        if within.level <= section.level:
            return False
        if within.text.strip():
            return True
    return False


def _spaced(name: str) -> str:
    """The name of a file as a title."""
    return one_line(name.replace("_", " ")) or "Untitled"


def _last_change(path: Path) -> str:
    """The day on which the text was changed last; today for one without text, or whose file cannot be read now."""
    changed = None
    with suppress(sqlite3.Error, OSError), closing(connect_glance(path)) as db:  # text is exported all the same
        (changed,) = db.execute(_LAST_CHANGE).fetchone()
    day = datetime.now(UTC) if changed is None else datetime.fromtimestamp(moment(changed), UTC)
    return f"{day.astimezone():%Y-%m-%d}"


def _checked(given: str) -> str:
    given = given.strip()
    if not given:
        return ""
    if _DATE.fullmatch(given):
        with suppress(ValueError):  # a day that no calendar has
            return date.fromisoformat(given).isoformat()
    raise UsageError(f"{given!r} is no date. Write it as YYYY-MM-DD, such as {date.today().isoformat()}.")

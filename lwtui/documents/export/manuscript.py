"""Manuscripts: snapshots of a document that exports are made from.

A manuscript is plain data, so that slow exports can run in another thread while the document changes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import regex

from lwtui.documents.database import connect_peek
from lwtui.documents.disclosure import TITLE, report
from lwtui.documents.export.style_files import NO_STYLE_FILES, StyleFiles, read_style_files
from lwtui.documents.footnotes import share_footnotes
from lwtui.documents.model import Brief, Section, printed_title
from lwtui.documents.schema import clamp_time
from lwtui.documents.store import Document
from lwtui.errors import UsageError
from lwtui.sources.model import Source
from lwtui.text import count_words, one_line
from lwtui.text.asked_form import WITHOUT_HEADINGS, asked_form
from lwtui.translation import _

_LONG_CHAPTER = 1_500  # words; if chapters are this long on average, each starts on a new page
# The file is queried directly, because the document would read the text of every revision.
_LAST_CHANGE = "SELECT max(r.created) FROM section s JOIN revision r ON r.id = s.revision WHERE s.position IS NOT NULL"
_AUTHOR = "author"  # the document setting with the name on the title page
_DATE = regex.compile(r"\d{4}-\d{2}-\d{2}")


PAPERS = ("a4", "letter", "a5")
FONT_SIZE = 11.0  # points


@dataclass(frozen=True)
class ExportOptions:
    """The user's options for an export.

    Attributes:
        title: The title; empty: that of the document.
        author: The name on the title page; empty: none.
        date: The date as YYYY-MM-DD; empty: that of the last change.
        contents: Whether to include a table of contents.
        title_page: Whether to include a title page.
        headings: Whether to include the headings of sections; ``None``: unless the document is a letter or a speech.
        new_pages: Whether each chapter starts on a new page; ``None``: if chapters are long.
        paper: One of :data:`PAPERS`, for PDF and DOCX.
        font_size: The size of the text in points, for PDF.
        disclosure: Whether to append the report of :mod:`lwtui.documents.disclosure`.
        csl: The citation style: a name or a file (see :mod:`lwtui.documents.export.csl_styles`).
        citations: Whether citations are written out. Otherwise they stay in Pandoc's syntax.
        reference: A DOCX or ODT whose styles to use for one; ``None``: lwtui's own.
        css: A style sheet to add to lwtui's own, for HTML and EPUB.
        template: A Typst file with a function ``template``, for PDF; ``None``: lwtui's own pages.
    """

    title: str = ""
    author: str = ""
    date: str = ""
    contents: bool = True
    title_page: bool = True
    headings: bool | None = None
    new_pages: bool | None = None
    paper: str = PAPERS[0]
    font_size: float = FONT_SIZE
    disclosure: bool = False
    csl: str = ""
    citations: bool = True
    reference: Path | None = None
    css: Path | None = None
    template: Path | None = None


@dataclass(frozen=True)
class ManuscriptPart:
    """A heading, which may be empty, its level (1 for a chapter), and the Markdown below it."""

    title: str
    level: int
    text: str


@dataclass(frozen=True)
class Manuscript:
    """A document ready for export.

    Attributes:
        title: The title.
        author: The name on the title page, or empty.
        language: The language as a BCP 47 tag, or empty.
        date: The date as YYYY-MM-DD.
        parts: The sections.
        contents: Whether to include a table of contents.
        title_page: Whether to include a title page.
        signed: Whether the user gave an author or a date.
        new_pages: Whether each chapter starts on a new page; ``None``: if chapters are long.
        paper: One of :data:`PAPERS`.
        font_size: The size of the text in points.
        sources: The sources whose citations are to be written out.
        csl: The citation style.
        folder: The folder whose pictures the text may show; ``None``: it shows none.
        style: The user's own style files.
    """

    title: str
    author: str
    language: str
    date: str
    parts: tuple[ManuscriptPart, ...]
    contents: bool = True
    title_page: bool = True
    signed: bool = False
    new_pages: bool | None = None
    paper: str = PAPERS[0]
    font_size: float = FONT_SIZE
    sources: tuple[Source, ...] = ()
    csl: str = ""
    folder: Path | None = None
    style: StyleFiles = NO_STYLE_FILES

    @property
    def headings(self) -> list[tuple[str, ManuscriptPart]]:
        """The parts that have a heading, with the names of their link targets."""
        return [(f"part-{number}", part) for number, part in enumerate(self.parts, 1) if part.title]

    @property
    def lists_contents(self) -> bool:
        """Whether to include a table of contents: if it is wanted, and there are several headings."""
        return self.contents and len(self.headings) > 1

    @property
    def chapters_on_new_pages(self) -> bool:
        """Whether each chapter starts on a new page."""
        if self.new_pages is not None:
            return self.new_pages
        chapters = sum(part.level == 1 for part in self.parts)
        return chapters > 1 and sum(count_words(part.text) for part in self.parts) >= _LONG_CHAPTER * chapters


def build_manuscript(document: Document, options: ExportOptions | None = None) -> Manuscript:
    """Make a manuscript of the current state of a document.

    A section without text is left out, unless it is the heading of a part with text.

    Raises:
        UsageError: The date in the options is invalid, or a style file cannot be used.
        DocumentError: The disclosure report cannot be made.
    """
    options = options or ExportOptions()
    sections = document.sections()
    parts = [
        ManuscriptPart(section.title, section.level, section.text.strip("\n").rstrip())
        for position, section in enumerate(sections)
        if _is_shown(sections, position)
    ]
    texts = share_footnotes([part.text for part in parts])
    parts = [replace(part, text=text) for part, text in zip(parts, texts, strict=True)]
    if not (has_headings(document.brief) if options.headings is None else options.headings):
        parts = [ManuscriptPart("", 1, "\n\n".join(part.text for part in parts if part.text))]
    book = Manuscript(
        title=book_title(document, options.title),
        author=one_line(options.author),
        language=document.brief.language,
        date=_parse_date(options.date) or _last_change(document.path),
        parts=tuple(parts),
        contents=options.contents,
        title_page=options.title_page,
        signed=bool(one_line(options.author) or options.date),
        new_pages=options.new_pages,
        paper=options.paper,
        font_size=options.font_size,
        sources=tuple(document.sources) if options.citations else (),
        csl=options.csl,
        folder=document.path.parent,
        style=read_style_files(options.reference, options.css, options.template),
    )
    return with_disclosure(book, report(document)) if options.disclosure else book


def has_headings(brief: Brief) -> bool:
    """Tell whether the sections of such a document have headings for its readers, unless they want it otherwise."""
    return asked_form(brief.instruction) not in WITHOUT_HEADINGS


def book_title(document: Document, title: str = "") -> str:
    """Return the title that a document has for its readers: ``title``, or its own unless that was cut short."""
    return printed_title(one_line(title) or document.title, document.brief.instruction, _spaced(document.path.stem))


def author_of(document: Document, default: str = "") -> str:
    """Return the author that is stored in a document, or ``default`` if none is."""
    return document.setting(_AUTHOR, default)


def store_author(document: Document, author: str) -> None:
    """Store the author of a document, unless it is read-only. An empty name means that it has none."""
    if not document.read_only:
        document.set_setting(_AUTHOR, one_line(author))


def with_disclosure(book: Manuscript, report_text: str) -> Manuscript:
    """Append a report of :mod:`lwtui.documents.disclosure`."""
    return replace(book, parts=(*book.parts, ManuscriptPart(TITLE, 1, report_text)))


def _is_shown(sections: Sequence[Section], position: int) -> bool:
    section = sections[position]
    if section.text.strip():
        return True
    if not section.is_heading_only or not section.title:
        return False
    for within in sections[position + 1 :]:
        if within.level <= section.level:
            return False
        if within.text.strip():
            return True
    return False


def _spaced(name: str) -> str:
    """Make a title of a file name."""
    return one_line(name.replace("_", " ")) or "Untitled"


def _last_change(path: Path) -> str:
    """Return the date of the last change of the text, or today if there is no text or the file cannot be read."""
    changed = None
    with suppress(sqlite3.Error, OSError), closing(connect_peek(path)) as db:  # an export must not fail for its date
        (changed,) = db.execute(_LAST_CHANGE).fetchone()
    day = datetime.now(UTC) if changed is None else datetime.fromtimestamp(clamp_time(changed), UTC)
    return f"{day.astimezone():%Y-%m-%d}"


def _parse_date(given: str) -> str:
    given = given.strip()
    if not given:
        return ""
    if _DATE.fullmatch(given):
        with suppress(ValueError):  # such as 2026-02-30
            return date.fromisoformat(given).isoformat()
    raise UsageError(
        _(
            "{text!r} is not a date. Write it as YYYY-MM-DD, such as {example}.",
            text=given,
            example=date.today().isoformat(),
        ),
        code="invalid-date",
    )

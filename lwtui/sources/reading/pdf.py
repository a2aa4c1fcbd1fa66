"""PDFs: their text page by page, and what they say of themselves."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import regex

from lwtui.documents.export.pandoc import require_packages
from lwtui.sources.csl import item_from
from lwtui.sources.model import ReadSource
from lwtui.sources.reading.job import ReadJob, SourceError
from lwtui.sources.reading.passages import divide
from lwtui.sources.reading.pdf_text import paragraphs
from lwtui.text import clean, one_line
from lwtui.translation import _, _n

_CHILD = "lwtui.sources.reading.pdf_child"
_SMALL = 300_000  # bytes of a file that one process reads
_MOST_PROCESSES = 4
_MAX_SECONDS = 1_800.0  # of wall-clock time
_MAX_OUTPUT = 100_000_000  # bytes
_LEAST_TEXT = 20  # characters of a page that is more than a picture
_PROGRAM_IN_TITLE = regex.compile(r"(?i)^(?:microsoft (?:word|powerpoint|excel)\s*-\s*)+")
_NO_TITLE = regex.compile(
    r"(?i)(?:untitled|unnamed|document ?\d*|title|slide ?\d+|.*\.(?:docx?|tex|dvi|indd|pptx?|qxd|odt|rtf|pdf|md))?"
)
_DOI = regex.compile(r"(?i)(?:doi[:\s.]*(?:org/)?|doi\.org/)(?P<doi>10\.\d{4,9}/[^\s\"<>]{2,80})")
_PROBLEMS = {
    "encrypted": _("{location} is encrypted. Save a copy without a password, and add that."),
    "malformed": _("{location} is not a valid PDF, or is damaged. Print it to a new PDF, and add that."),
    "memory": _("{location} takes too much memory to be read. Divide it, or print it to a new PDF."),
    "slow": _("{location} takes too long to be read. Divide it, or print it to a new PDF."),
    "pages": _("{location} has more than 20,000 pages. Divide it."),
}


@dataclass
class _Pages:
    """What the children have printed so far."""

    about: dict[str, Any] = field(default_factory=dict)
    texts: dict[int, str | None] = field(default_factory=dict)
    error: str = ""

    def take(self, line: bytes) -> None:
        value = json.loads(line)
        if "error" in value:
            self.error = str(value["error"])
        elif "page" in value:
            self.texts[value["page"]] = value["text"]
        else:
            self.about = value


def read_pdf(path: Path, location: str, job: ReadJob, retrieved: str) -> tuple[ReadSource, tuple[str, ...]]:
    """Read a PDF.

    Args:
        path: The file.
        location: How the user named it, for messages and the source.
        job: Reports the pages that are read, and can stop.
        retrieved: The day.

    Returns:
        The source, and notes for the user.

    Raises:
        SourceError: It cannot be read, or has no text.
        ReadStopped: The job was stopped.
        LwtuiError: A package is missing.
    """
    require_packages(_("Reading {name}", name=Path(location).name), "pypdf", extra="sources")
    found = _read_pages(path, location, job)
    texts = [clean(found.texts.get(number) or "") for number in range(1, found.about["pages"] + 1)]
    notes = _notes(found, texts, location)
    title = _title(str(found.about.get("title", ""))) or Path(location).stem
    doi = _DOI.search(" ".join(texts[:2]))
    item = item_from(
        "document",
        title=title,
        author=str(found.about.get("author", "")),
        issued=str(found.about.get("date", "")),
        DOI=doi["doi"].rstrip(".,;)") if doi else "",
    )
    return ReadSource("pdf", title, location, retrieved, divide(paragraphs(texts)), item), notes


def _read_pages(path: Path, location: str, job: ReadJob) -> _Pages:
    processes = 1 if path.stat().st_size < _SMALL else min(os.cpu_count() or 1, _MOST_PROCESSES)
    found = _Pages()

    def take(line: bytes) -> None:
        found.take(line)
        if found.texts:
            job.pages(len(found.texts), found.about.get("pages", 0))

    arguments = [(str(path), str(first), str(processes)) for first in range(processes)]
    codes = job.run_children(_CHILD, arguments, take, seconds=_MAX_SECONDS, most_bytes=_MAX_OUTPUT)
    if not found.error and any(codes):
        # A child that was ended by the system or at a limit prints nothing about it.
        found.error = "memory" if found.about else "malformed"
    if found.error:
        problem = _PROBLEMS.get(found.error, _PROBLEMS["malformed"])
        raise SourceError(problem.format(location=location), code=f"pdf-{found.error}")
    if not found.about.get("pages"):
        raise SourceError(
            _("{location} has no pages. Print it to a new PDF, and add that.", location=location), code="no-text"
        )
    return found


def _notes(found: _Pages, texts: list[str], location: str) -> tuple[str, ...]:
    pages = len(texts)
    unread = sum(text is None for text in found.texts.values())
    if unread == pages:
        raise SourceError(_PROBLEMS["malformed"].format(location=location), code="pdf-malformed")
    empty = sum(len(text.strip()) < _LEAST_TEXT for text in texts) - unread
    if empty + unread == pages:
        raise SourceError(
            _n(
                "{location} has no text: its page has only pictures, as a scan has. Recognize the text first, for "
                "example with ocrmypdf, and add the result.",
                "{location} has no text: its {count:,} pages have only pictures, as a scan has. Recognize the text "
                "first, for example with ocrmypdf, and add the result.",
                pages,
                location=location,
            ),
            code="no-text",
        )
    notes = []
    if unread:
        notes.append(
            _(
                "{location}: {number:,} of {pages:,} pages are damaged and were left out.",
                location=location,
                number=unread,
                pages=pages,
            )
        )
    if empty:
        notes.append(
            _(
                "{location}: {number:,} of {pages:,} pages have no text, as pictures have none.",
                location=location,
                number=empty,
                pages=pages,
            )
        )
    return tuple(notes)


def _title(given: str) -> str:
    title = _PROGRAM_IN_TITLE.sub("", one_line(given))
    return "" if _NO_TITLE.fullmatch(title) else title

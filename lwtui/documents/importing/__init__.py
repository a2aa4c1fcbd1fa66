"""Import: files and folders of other programs become documents, with a report of what was kept and what was lost."""

from __future__ import annotations

from pathlib import Path

from lwtui.documents.build import build
from lwtui.documents.export.manuscript import store_author
from lwtui.documents.importing.file_types import project_folder
from lwtui.documents.importing.imported import Imported, ImportedPart, ImportReport
from lwtui.documents.importing.kept_pictures import with_kept_pictures, write_pictures
from lwtui.documents.importing.reading import check_source, read_file
from lwtui.documents.model import Brief, Mode, Origin, Plan, PlannedSection
from lwtui.documents.plan_edits import normalize_levels
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.text import count_words, detect_language
from lwtui.translation import _

__all__ = [
    "ImportReport",
    "Imported",
    "ImportedPart",
    "check_source",
    "create_document",
    "import_file",
    "project_folder",
    "read_file",
]

_LANGUAGE_SAMPLE = 5_000  # characters by which the language is detected
_EMPTY_SECTION_TARGET = 250  # words; the target of a section that has only a heading


def import_file(source: Path, target: Path, encoding: str = "") -> Document:
    """Create a document from a file or a folder. Headings become sections; the source itself is not changed.

    Args:
        source: The file or folder.
        target: The document to create.
        encoding: The encoding of a text file; empty: find it out.

    Returns:
        The document, open for writing.

    Raises:
        DocumentError: The source cannot be read, or the target cannot be created.
        LwtuiError: A package is missing; the message says what to install.
    """
    return create_document(read_file(source, encoding), target)


def create_document(imported: Imported, target: Path) -> Document:
    """Create a document from what was read.

    Returns:
        The document, open for writing.

    Raises:
        DocumentError: The document or one of its pictures cannot be written. Then there is neither.
    """
    if target.exists():
        raise DocumentError(_("{path} already exists. Choose another name.", path=target), code="already-exists")
    imported = with_kept_pictures(imported, target)
    parts = imported.parts
    sections = tuple(PlannedSection(part.title, part.main_point, _target(part), level=part.level) for part in parts)
    plan = normalize_levels(Plan(imported.title, sections))
    sample = "\n".join(part.text for part in parts)[:_LANGUAGE_SAMPLE]
    brief = Brief(
        instruction=imported.title,
        words=plan.words,
        language=imported.language or detect_language(f"{imported.title}\n{sample}"),
        mode=Mode.DIRECT if [part.title for part in parts] == [""] else Mode.AGENTWRITE,
    )
    texts = {section.id: part.text for section, part in zip(plan.sections, parts, strict=True)}
    build(target, brief, plan, texts, Origin.IMPORT)
    try:
        write_pictures(imported.pictures, target)
    except DocumentError:
        target.unlink(missing_ok=True)
        raise
    document = Document.open(target)
    if imported.author:
        store_author(document, imported.author)
    if imported.notes:
        document.notebook.set_notes(imported.notes, "Import")
    return document


def _target(part: ImportedPart) -> int:
    if part.is_heading_only:
        return 0
    return count_words(part.text) or (_EMPTY_SECTION_TARGET if part.title else 1)

"""Tools that read: the library, a document's outline, its texts, notes and facts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lwtui.documents.export import ExportOptions, render
from lwtui.documents.library import list_documents
from lwtui.documents.outline import outline_numbers
from lwtui.documents.store import Document
from lwtui.mcp_server.access import Access, find_section

_MAX_CHARACTERS = 40_000  # of a text in one answer


class ReadingTools:
    """The tools; the docstring of each is what a client sees.

    Args:
        access: What can be reached.
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    def list_documents(self) -> list[dict[str, Any]]:
        """List the documents: path, title, length and target, progress from 0 to 1, time of the last change."""
        return [
            {
                "path": entry.path,
                "title": entry.title,
                "words": entry.words,
                "target": entry.target,
                "progress": round(entry.progress, 3),
                "changed": datetime.fromtimestamp(entry.changed, UTC).isoformat(timespec="seconds"),
                **({"problem": entry.problem} if entry.problem else {}),
            }
            for folder in self._access.folders
            for entry in list_documents(folder)
        ]

    def read_document(self, document: str) -> dict[str, Any]:
        """Read what a document is, and its plan: number, heading, main point, kind, target, length, status."""
        with self._access.reading(document) as opened:
            return outline(opened)

    def read_section(self, document: str, section: str) -> dict[str, Any]:
        """Read the text of one section, named by its number (such as 2.1), its id or its heading."""
        with self._access.reading(document) as opened:
            found = find_section(opened, section)
            return {
                "id": found.id,
                "title": found.title,
                "main_point": found.main_point,
                "kind": found.kind.value,
                "target": found.words,
                "length": found.length,
                "status": found.status.value,
                "text": found.text,
            }

    def read_text(self, document: str, start: int = 0) -> dict[str, Any]:
        """Read the whole text as Markdown. A long text comes in parts: `next` is the `start` of the next part."""
        with self._access.reading(document) as opened:
            text = render(opened, "md", ExportOptions(headings=True))
        start = max(0, start)
        end = start + _MAX_CHARACTERS
        return {"text": text[start:end], "next": end if end < len(text) else None}

    def read_notes(self, document: str) -> list[dict[str, Any]]:
        """Read the notes that the model sees while it writes: characters, places, style and whatever else."""
        with self._access.reading(document) as opened:
            return [
                {
                    "title": note.title,
                    "kind": note.kind,
                    "always": note.always,
                    "triggers": list(note.triggers),
                    "text": note.text,
                }
                for note in opened.notes
            ]

    def read_facts(self, document: str) -> list[dict[str, Any]]:
        """Read the facts that the text states, each with its quote and the id of the section from which on it holds."""
        with self._access.reading(document) as opened:
            return [
                {
                    "kind": fact.kind,
                    "subject": fact.subject,
                    "fact": fact.text,
                    "quote": fact.quote,
                    "section": fact.section_id,
                }
                for fact in opened.facts
                if not fact.removed
            ]


def outline(document: Document) -> dict[str, Any]:
    """Describe a document and its sections, without their texts."""
    brief = document.brief
    return {
        "path": str(document.path),
        "title": document.title,
        "instruction": brief.instruction,
        "language": brief.language,
        "words": document.words,
        "target": document.plan.words or brief.words,
        "model": brief.model,
        "sections": [
            {
                "number": number,
                "id": section.id,
                "title": section.title,
                "main_point": section.main_point,
                "kind": section.kind.value,
                "target": section.words,
                "length": section.length,
                "status": section.status.value,
            }
            for number, section in zip(outline_numbers(document.plan), document.sections(), strict=True)
        ],
    }

"""The document as the method sees it, which a person may change meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from lwtui.documents.model import Note, Plan, Section, SectionSummary, Status
from lwtui.documents.store import Document


class SectionChanged(Exception):
    """A section that was about to be written has been edited or deleted since the method looked at it."""


class EditableDocument:
    """A document that remembers what it showed to the method (see :class:`lwtui.agentwrite.WorkingDocument`).

    Between the moment a section is looked at and the moment its writing begins, a model may have had to summarise the
    text so far; a person who typed there meanwhile must not lose a word.

    Args:
        document: The document.
        anew: Ids of sections that are shown as done, because the method writes those from their beginning.
    """

    def __init__(self, document: Document, anew: Collection[str]) -> None:
        self._document = document
        self._anew = set(anew)
        self._shown: dict[str, str] = {}

    @property
    def plan(self) -> Plan:
        return self._document.plan

    @property
    def notes(self) -> Sequence[Note]:
        return self._document.notes

    @property
    def summaries(self) -> Mapping[str, SectionSummary]:
        return self._document.summaries

    def sections(self) -> list[Section]:
        sections = self._document.sections()
        self._shown = {section.id: section.text for section in sections}
        return [replace(one, status=Status.DONE) if one.id in self._anew else one for one in sections]

    def check(self, section_id: str) -> None:
        """Check that a section is as it was shown. Raises :class:`SectionChanged` if it is not."""
        now = {section.id: section.text for section in self._document.sections()}
        if now.get(section_id) != self._shown.get(section_id, ""):
            raise SectionChanged(section_id)

"""The document as the method sees it while the user may edit it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from lwtui.documents.facts import Fact
from lwtui.documents.model import Note, Plan, Section, SectionSummary, Status
from lwtui.documents.store import Document


class SectionChanged(Exception):
    """The user edited or deleted the next section after the method had read it."""


class EditableDocument:
    """A document that remembers the texts the method has read (see :class:`lwtui.agentwrite.WorkingDocument`).

    Time may pass between reading a section and writing it, for example while a model summarizes earlier text. The
    user's edits in that time must not be lost: :meth:`check` detects them.

    Args:
        document: The document.
        anew: The ids of sections to rewrite. They appear as done, so that the method starts them from the beginning.
    """

    def __init__(self, document: Document, anew: Collection[str]) -> None:
        self._document = document
        self._anew = set(anew)
        self._shown: dict[str, str] = {}

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self._document.plan

    @property
    def notes(self) -> Sequence[Note]:
        """The notes."""
        return self._document.notes

    @property
    def summaries(self) -> Mapping[str, SectionSummary]:
        """The summaries, by section id."""
        return self._document.summaries

    @property
    def facts(self) -> Sequence[Fact]:
        """The facts that the sections state."""
        return self._document.facts

    def noted(self) -> Mapping[str, str]:
        """Return the fingerprints of the texts that facts were noted from, by section id."""
        return self._document.fact_book.noted()

    def sections(self) -> list[Section]:
        """Return the sections, and remember their texts for :meth:`check`."""
        sections = self._document.sections()
        self._shown = {section.id: section.text for section in sections}
        return [replace(section, status=Status.DONE) if section.id in self._anew else section for section in sections]

    def check(self, section_id: str) -> None:
        """Raise :class:`SectionChanged` if a section has changed since :meth:`sections` returned it."""
        now = {section.id: section.text for section in self._document.sections()}
        if now.get(section_id) != self._shown.get(section_id, ""):
            raise SectionChanged(section_id)

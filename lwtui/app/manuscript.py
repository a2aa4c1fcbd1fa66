"""The document as the method sees it, which a person may change meanwhile."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from lwtui.agentwrite.events import Event, SectionStarted
from lwtui.documents.model import Note, Plan, Section, SectionSummary, Status
from lwtui.documents.store import Document


class SectionChanged(Exception):
    """A section that was about to be written has been edited or deleted since the method looked at it."""


class Manuscript:
    """A document that remembers what it showed to the method.

    Between the moment a section is looked at and the moment its writing begins, a model may have had to sum up the
    text so far; a person who typed there meanwhile must not lose a word. ``anew`` are sections that are shown as done,
    because the method writes those from their beginning. ``store`` is called before each section begins, so that
    what was typed a moment ago is in the document.
    """

    def __init__(self, document: Document, anew: Collection[str], store: Callable[[], object]) -> None:
        self._document = document
        self._anew = set(anew)
        self._store = store
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

    async def checked(self, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """Pass ``events`` on. Raises :class:`SectionChanged` before a section begins that is not as it was shown."""
        async with aclosing(events) as source:
            async for event in source:
                if isinstance(event, SectionStarted):
                    self._store()
                    self._check(event.section_id)
                yield event

    def _check(self, section_id: str) -> None:
        now = {section.id: section.text for section in self._document.sections()}
        if now.get(section_id) != self._shown.get(section_id, ""):
            raise SectionChanged(section_id)

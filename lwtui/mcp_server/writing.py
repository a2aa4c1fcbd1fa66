"""Tools that change documents, and have a model plan and write."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from lwtui.agentwrite.agent import Agent, open_agent
from lwtui.agentwrite.events import Event, PlanGrew, PlanReady, SectionFinished
from lwtui.agentwrite.forecast import likely_plan
from lwtui.agentwrite.plan import plan_document, planning_brief
from lwtui.agentwrite.plan_format import PlanError
from lwtui.agentwrite.plan_repair import parse_plan
from lwtui.agentwrite.record import begun_plan, document_tracker, keep_plan, recording
from lwtui.agentwrite.source_embedding import open_embedder
from lwtui.agentwrite.write import write_document
from lwtui.config import ModelSettings, Settings
from lwtui.documents.facts import FACTS
from lwtui.documents.library import new_path
from lwtui.documents.model import NOTE_KINDS, Brief, Note, Plan, title_from
from lwtui.documents.section_kind import SectionKind
from lwtui.documents.store import Document
from lwtui.errors import UsageError
from lwtui.mcp_server.access import Access, find_section
from lwtui.mcp_server.reading import outline
from lwtui.models.budget import check_priced
from lwtui.models.metering import UsageTracker
from lwtui.text import clean, detect_language
from lwtui.text.asked_length import DEFAULT_WORDS, MAX_WORDS, MIN_WORDS, words_in

_log = logging.getLogger(__name__)
Report = Callable[[float, float, str], Awaitable[None]]


@dataclass(frozen=True)
class PlanEntry:
    """A section of a plan, as a client sends it. A target of 0 words makes it a heading without text.

    Attributes:
        title: The heading.
        main_point: What the section says.
        words: The target length, in words, or in characters for Chinese and Japanese.
        level: The level in the outline, from 1.
        kind: What the section consists of in the main: prose, list, table, code or formulas.
    """

    title: str
    main_point: str
    words: int
    level: int = 1
    kind: SectionKind = SectionKind.PROSE


class WritingTools:
    """The tools; the docstring of each is what a client sees.

    Args:
        access: What can be reached.
        settings: The user's settings.
        choose_model: Returns the model that the client names, or else that of the document; either may be empty.
    """

    def __init__(self, access: Access, settings: Settings, choose_model: Callable[[str, str], ModelSettings]) -> None:
        self._access = access
        self._settings = settings
        self._choose_model = choose_model

    def create_document(
        self,
        instruction: str,
        words: int = 0,
        plan: list[PlanEntry] | None = None,
        title: str = "",
        language: str = "",
        folder: str = "",
    ) -> dict[str, Any]:
        """Create a document in the library. Without a plan, plan_document has a model make one.

        `words` is the length of the whole document; 0 takes the length that the instruction asks for. `language` is a
        tag such as en or zh; it is otherwise detected.
        """
        if not instruction.strip():
            raise UsageError("The instruction is empty. Say what to write.", code="no-instruction")
        made = _plan_of(plan, title, instruction) if plan else None
        wanted = made.words if made else words or words_in(instruction) or DEFAULT_WORDS
        if not MIN_WORDS <= wanted <= MAX_WORDS:
            raise UsageError(f"A document has from {MIN_WORDS} to {MAX_WORDS:,} words.", code="out-of-range")
        place = self._access.folder(folder)
        place.mkdir(parents=True, exist_ok=True)
        brief = Brief(instruction.strip(), wanted, language or detect_language(instruction))
        path = new_path(place, title or title_from(instruction))
        with Document.create(path, brief, made) as document:
            self._access.update_mirror(document)
            return outline(document)

    def set_plan(self, document: str, plan: list[PlanEntry], title: str = "") -> dict[str, Any]:
        """Replace the plan. Sections that keep their heading keep their text. The writer can undo it."""
        with self._access.writing(document) as opened:
            new = _plan_of(plan, title or opened.title, opened.brief.instruction)
            known = {section.title: section.id for section in reversed(opened.plan.sections)}
            kept = [replace(step, id=known.pop(step.title, step.id)) for step in new.sections]
            opened.set_plan(Plan(new.title, tuple(kept)), "Plan of an agent")
            return outline(opened)

    def edit_section(self, document: str, section: str, text: str) -> dict[str, Any]:
        """Replace the text of a section with Markdown of yours. The old text stays among the section's versions."""
        with self._access.writing(document) as opened:
            found = find_section(opened, section)
            opened.edit(found.id, clean(text))
            opened.flush()
            return outline(opened)

    def set_note(
        self, document: str, title: str, text: str, kind: str = "", triggers: list[str] | None = None
    ) -> list[str]:
        """Add or replace a note, which the model sees while it writes: always, or where one of `triggers` occurs."""
        if not title.strip() or not text.strip():
            raise UsageError("A note needs a title and a text.", code="no-text")
        words = tuple(triggers or ())
        with self._access.writing(document) as opened:
            note = Note(clean(title), clean(text), kind or NOTE_KINDS[0], not words, words)
            others = [other for other in opened.notes if other.title != note.title]
            opened.notebook.set_notes([*others, note], f"Edit “{note.title}”")
            return [each.title for each in opened.notes]

    def remove_note(self, document: str, title: str) -> list[str]:
        """Remove a note by its title."""
        with self._access.writing(document) as opened:
            left = [note for note in opened.notes if note.title != title]
            if len(left) == len(opened.notes):
                raise UsageError(f"There is no note {title!r}. read_notes lists them.", code="not-found")
            opened.notebook.set_notes(left, f"Delete “{title}”")
            return [each.title for each in opened.notes]

    async def plan_document(self, document: str, report: Report, model: str = "") -> dict[str, Any]:
        """Have a model plan the document. Takes a while. An existing plan is replaced; the writer can undo it."""
        async with self._access.writing_in_loop(document) as opened:
            async with self._agent(opened, model) as (agent, tracker):
                await self._plan(opened, agent, tracker, report)
            return outline(opened)

    async def write_sections(
        self, document: str, report: Report, sections: list[str] | None = None, model: str = ""
    ) -> dict[str, Any]:
        """Have a model write sections, named by number, id or heading; without names, all that are not done.

        Takes minutes. A document without a plan is planned first. Sections that are named and done are written again;
        their old texts stay among the versions. If it is stopped, all text is kept, and a new call continues.
        """
        async with self._access.writing_in_loop(document) as opened:
            async with self._agent(opened, model) as (agent, tracker):
                if not opened.plan.sections or begun_plan(opened) is not None:
                    await self._plan(opened, agent, tracker, report)
                only = {find_section(opened, name).id for name in sections} if sections else None
                await _write(opened, agent, tracker, only, report)
            return outline(opened)

    @asynccontextmanager
    async def _agent(self, document: Document, name: str) -> AsyncIterator[tuple[Agent, UsageTracker]]:
        """Open the model that writes a document, and keep to the document's budget, which needs the model's prices."""
        model = self._choose_model(name, document.brief.model)
        tracker = document_tracker(document, model)
        document.source_store.embedder = open_embedder(document, self._settings, lambda: tracker, _log.info)
        agent = await open_agent(model.name, self._settings, model=model)
        try:
            check_priced(tracker.budget, agent.settings)
            yield agent, tracker
        finally:
            await agent.aclose()

    async def _plan(self, document: Document, agent: Agent, tracker: UsageTracker, report: Report) -> None:
        async def emit(event: Event) -> None:
            if isinstance(event, PlanGrew | PlanReady):
                keep_plan(document, event, "Plan")
                await report(0, 1, f"planned {len(event.plan.sections)} sections")

        brief = planning_brief(document, agent)
        task = tracker.task("a plan", likely_completion=likely_plan(brief))
        await plan_document(agent.metered(task), brief, emit, begun_plan(document))


async def _write(
    document: Document, agent: Agent, tracker: UsageTracker, only: set[str] | None, report: Report
) -> None:
    total = len(only) if only is not None else sum(not section.is_finished for section in document.sections())
    done, facts = 0, document.setting(FACTS) == "on"
    async with recording(document, tracker) as recorder:

        async def emit(event: Event) -> None:
            nonlocal done
            recorder.store(event)
            if isinstance(event, SectionFinished):
                done += 1
                title = document.section(event.section_id).title
                await report(done, max(done, total), f"{title}: {event.length} of {event.target}")

        await write_document(agent, document.brief, recorder, emit, only=only, tracker=tracker, note_facts=facts)


def _plan_of(steps: list[PlanEntry], title: str, instruction: str) -> Plan:
    """Check a client's plan like any other.

    Raises:
        UsageError: It is not usable.
    """
    raw = json.dumps({"title": title, "sections": [vars(step) for step in steps]})
    try:
        return parse_plan(raw, Brief(instruction, 0), strict=True)
    except PlanError as error:
        raise UsageError(f"The plan is not usable: {error.findings[0]}", code="unusable-plan") from None

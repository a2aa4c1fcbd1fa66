"""From events to the document: what streams is in the file before a second has passed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from lwtui.agentwrite.events import (
    Event,
    Grounded,
    PlanAsked,
    PlanGrew,
    PlanReady,
    SectionFinished,
    SectionStarted,
    SummaryMade,
    TextDelta,
    TextRolledBack,
)
from lwtui.agentwrite.plan_nested import unplanned
from lwtui.documents.model import Basis, Plan, SectionSummary, Status, Usage
from lwtui.documents.stale import with_basis
from lwtui.errors import DocumentError

if TYPE_CHECKING:
    from lwtui.documents.store import Document

JOURNAL_SECONDS = 0.4  # text is in the file at the latest this long after it came
_UNFINISHED = "plan-unfinished"  # a setting of the document: the ids of chapters that are still to be planned


async def record(
    document: Document, events: AsyncGenerator[Event], usage_of: Callable[[str], Usage] = lambda _: Usage()
) -> AsyncGenerator[Event, None]:
    """Pass ``events`` on, each after the document knows it.

    When the stream of events ends early, by an error or because the iterator is closed, sections in the making
    are left as interrupted with all their text. Raises :class:`lwtui.errors.DocumentError` if the text cannot be
    stored; it then stays in the document's buffer, and a later ``document.flush()`` can still save it. ``usage_of``
    says what a section took that was interrupted, which no event does.
    """
    streaming: set[str] = set()
    bases: dict[str, Basis] = {}
    failure: list[Exception] = []
    ticker = asyncio.create_task(_tick(document, failure))
    try:
        async with aclosing(events) as source:
            async for event in source:
                if failure:
                    raise failure[0]
                _store(document, event, streaming, bases)
                yield event
    finally:
        ticker.cancel()
        _interrupt(document, streaming, usage_of)


def keep_plan(document: Document, event: Event, label: str) -> None:
    """Put the plan that an event brings, and what it took, into the document.

    All parts of one planning are taken back together.
    """
    match event:
        case PlanGrew(plan=plan, planned=planned):
            document.set_plan(plan, label, joined=planned > 0)
            document.set_setting(_UNFINISHED, " ".join(chapter.id for chapter in unplanned(plan)))
        case PlanReady(plan=plan):
            document.set_plan(plan, label, joined=bool(document.setting(_UNFINISHED)))
            document.set_setting(_UNFINISHED, "")
        case PlanAsked(usage=usage):
            document.add_usage(usage)
        case _:
            return


def begun_plan(document: Document) -> Plan | None:
    """The document's plan if its planning was broken off, for :func:`lwtui.agentwrite.plan.make_plan` to go on with."""
    plan, waiting = document.plan, document.setting(_UNFINISHED).split()
    return plan if any(chapter.id in waiting for chapter in unplanned(plan)) else None


def _store(document: Document, event: Event, streaming: set[str], bases: dict[str, Basis]) -> None:
    """``bases`` has what sections rest on that are about to begin."""
    match event:
        case Grounded(section_id=section_id, basis=basis):
            bases[section_id] = basis
        case SummaryMade(section_id=section_id, text=text, digest=digest):
            revision = document.revision_id(section_id)
            document.notebook.set_summary(SectionSummary(section_id, text, digest, revision))
        case SectionStarted(section_id=section_id, provenance=provenance, keep=keep):
            if section_id in bases:
                provenance = replace(provenance, basis=with_basis(document, section_id, bases[section_id], keep))
            document.begin(section_id, provenance, keep)
            streaming.add(section_id)
        case TextDelta(section_id=section_id, text=text):
            document.append(section_id, text)
        case TextRolledBack(section_id=section_id, keep=keep):
            document.roll_back(section_id, keep)
        case SectionFinished(section_id=section_id, usage=usage):
            document.finish(section_id, Status.DONE, usage)
            streaming.discard(section_id)
        case _:
            return


def _interrupt(document: Document, streaming: set[str], usage_of: Callable[[str], Usage]) -> None:
    """Leave every section in the making as interrupted, also where the first of them cannot be stored."""
    failure: DocumentError | None = None
    for section_id in sorted(streaming):
        try:
            document.finish(section_id, Status.PARTIAL, usage_of(section_id))
        except DocumentError as error:
            failure = error
    if failure is not None:
        raise failure


async def _tick(document: Document, failure: list[Exception]) -> None:
    """Journal what a stalled stream left in the buffer; the next event raises what went wrong here."""
    while not failure:
        await asyncio.sleep(JOURNAL_SECONDS)
        try:
            document.flush()
        except DocumentError as error:
            failure.append(error)

"""Text is in the document before writing continues, and stays there however the run ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.agentwrite import begun_plan, keep_plan, recording, write, write_document
from lwtui.agentwrite.events import (
    DocumentFinished,
    Event,
    PlanGrew,
    PlanReady,
    SectionFinished,
    SectionStarted,
    TextDelta,
    TextRolledBack,
)
from lwtui.documents import outline
from lwtui.documents.model import Brief, Mode, Origin, Plan, PlannedSection, Status
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.models.base import ModelError
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import NO_USAGE
from tests.documents.support import texts
from tests.errors import has_code
from tests.support.author import Author, sentence
from tests.support.disk import fill, free
from tests.support.fault_server import Fault
from tests.support.studio import Studio, eventually, flat, of_kind, open_studio, plan_of

BRIEF = Brief("Write about things", 360, seed=4)
PLAN = plan_of(120, 120, 120)
MODES = [BRIEF, replace(BRIEF, mode=Mode.PARALLEL)]


@pytest.fixture
def document(tmp_path: Path) -> Document:
    return Document.create(tmp_path / "things.lw", BRIEF, PLAN)


def begins(number: int, text: str) -> bool:
    return flat("".join(sentence(number, index) for index in range(100))).startswith(flat(text))


def tracker_for(document: Document) -> UsageTracker:
    """Return a tracker that records token usage in the document."""
    return UsageTracker(record=document.add_usage)


async def written(
    studio: Studio,
    document: Document,
    brief: Brief = BRIEF,
    stop_after: int | None = None,
    on_event: Callable[[Event], Awaitable[None]] | None = None,
) -> list[Event]:
    """Write into the document, at most ``stop_after`` events. ``on_event`` is awaited for each once it is stored."""
    stored: list[Event] = []
    tracker = tracker_for(document)
    async with (
        recording(document, tracker) as recorder,
        aclosing(write(studio.agent, brief, recorder, tracker=tracker)) as events,
    ):
        async for event in events:
            recorder.store(event)
            stored.append(event)
            if on_event is not None:
                await on_event(event)
            if len(stored) == stop_after:
                break
    return stored


@pytest.mark.parametrize("brief", MODES, ids=["in order", "side by side"])
@pytest.mark.parametrize("form", ["iterator", "coroutine"])
async def test_each_event_is_stored_before_writing_continues(document: Document, brief: Brief, form: str) -> None:
    streamed = dict.fromkeys(("s1", "s2", "s3"), "")

    async def check(event: Event) -> None:
        match event:
            case SectionStarted(section_id=id, keep=keep) | TextRolledBack(section_id=id, keep=keep):
                streamed[id] = streamed[id][:keep]
                assert document.section(id).status is Status.WRITING
            case TextDelta(section_id=id, text=text):
                streamed[id] += text
            case SectionFinished(section_id=id, length=length):
                assert (document.section(id).status, document.section(id).length) == (Status.DONE, length)
            case DocumentFinished(length=length):
                assert length == document.words
        assert [document.section(id).text for id in streamed] == list(streamed.values())

    async with open_studio(Author(pace=1.4, restates=1), [None, Fault.cut(9)]) as studio:
        if form == "iterator":
            await written(studio, document, brief, on_event=check)
        else:
            tracker = tracker_for(document)
            async with recording(document, tracker) as recorder:

                async def store_and_check(event: Event) -> None:
                    await recorder.keep(event)
                    await check(event)

                await write_document(studio.agent, brief, recorder, store_and_check, tracker=tracker)
    document.close()
    with Document.open(document.path) as again:
        assert texts(again) == list(streamed.values())
        assert all(section.status is Status.DONE for section in again.sections())


async def test_the_recorder_is_a_document_and_has_the_state_of_the_run(document: Document) -> None:
    tracker = tracker_for(document)
    async with open_studio(Author()) as studio, recording(document, tracker) as recorder:
        assert (recorder.plan, recorder.notes, recorder.summaries) == (PLAN, document.notes, document.summaries)
        await write_document(studio.agent, BRIEF, recorder, recorder.keep, tracker=tracker)
        assert [section.text for section in recorder.sections()] == texts(document)
    assert [run.text for run in recorder.state.runs.values()] == texts(document)
    assert recorder.state.length == document.words and recorder.state.target == 360
    assert recorder.state.usage == tracker.usage and recorder.state.finished is not None


async def test_provenance_and_usage_are_stored(document: Document) -> None:
    async with open_studio(Author()) as studio:
        events = await written(studio, document)
    started, finished = of_kind(SectionStarted, events), of_kind(SectionFinished, events)
    for start, done in zip(started, finished, strict=True):
        (revision,) = document.revisions(start.section_id)
        assert revision.provenance is not None and revision.provenance.basis is not None
        made = replace(revision.provenance, basis=None)
        assert (revision.origin, made, revision.usage) == (Origin.MODEL, start.provenance, done.usage)
    assert document.usage == sum((done.usage for done in finished), NO_USAGE) != NO_USAGE


@pytest.mark.parametrize("brief", MODES, ids=["in order", "side by side"])
async def test_the_usage_of_an_interrupted_section_is_counted_once(document: Document, brief: Brief) -> None:
    async with open_studio(Author(piece=3)) as studio:
        events = await written(studio, document, brief, stop_after=40)
    interrupted = [section for section in document.sections() if section.status is Status.PARTIAL]
    assert interrupted
    took = NO_USAGE
    for event in of_kind(SectionFinished, events):
        took += event.usage
    for section in interrupted:
        (revision,) = document.revisions(section.id)
        # The prompt, and an estimate for the text.
        assert revision.usage.prompt > 100 and len(section.text) / 5 < revision.usage.completion < len(section.text)
        took += revision.usage
    assert document.usage == took


@pytest.mark.parametrize("brief", MODES, ids=["in order", "side by side"])
async def test_interrupted_sections_keep_all_their_text(tmp_path: Path, brief: Brief) -> None:
    async with open_studio(Author(piece=6)) as studio:
        for stop in range(1, 60, 4):
            document = Document.create(tmp_path / f"{stop}.lw", brief, PLAN)
            events = await written(studio, document, brief, stop)
            begun = {event.section_id for event in events if isinstance(event, TextDelta)}
            done = {event.section_id for event in of_kind(SectionFinished, events)}
            streamed = {id: "".join(e.text for e in of_kind(TextDelta, events) if e.section_id == id) for id in begun}
            for section in document.sections():
                status = Status.DONE if section.id in done else Status.PARTIAL if section.id in begun else Status.EMPTY
                assert section.status is status
                if status is Status.PARTIAL and not of_kind(TextRolledBack, events):
                    assert section.text == streamed[section.id]
            document.close()
            with Document.open(document.path) as again:
                await written(studio, again, brief)
                assert all(section.status is Status.DONE for section in again.sections())
                assert all(begins(number, text) for number, text in enumerate(texts(again), 1))


async def test_the_text_of_a_failed_call_is_kept(document: Document) -> None:
    async with open_studio(Author(), [None, Fault.cut(60), *[Fault.http(401)] * 9]) as studio:
        with pytest.raises(ModelError):
            await written(studio, document)
    assert [section.status for section in document.sections()] == [Status.DONE, Status.PARTIAL, Status.EMPTY]
    assert begins(2, texts(document)[1]) and len(texts(document)[1]) > 100


@pytest.mark.parametrize("brief", MODES, ids=["in order", "side by side"])
async def test_canceling_ends_the_calls_and_keeps_the_text(document: Document, brief: Brief) -> None:
    async with open_studio(Author(delay=0.02)) as studio:
        task = asyncio.create_task(written(studio, document, brief))
        assert await eventually(lambda: document.words > 20)
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.cancelled()
        assert await eventually(lambda: all(seen.hung_up for seen in studio.server.calls))
    assert not any(section.status is Status.WRITING for section in document.sections())
    assert document.words > 20
    document.close()


async def test_the_text_of_a_stalled_stream_is_stored(document: Document) -> None:
    async with open_studio(Author(), [Fault.stall(60, after=50)], stall_seconds=30) as studio:
        task = asyncio.create_task(written(studio, document))
        assert await eventually(lambda: document.words > 40)
        await asyncio.sleep(0.6)  # longer than the journal waits
        with Document.open(document.path, read_only=True) as reader:
            assert reader.words == document.words
        task.cancel()
        await asyncio.wait({task}, timeout=5)


async def test_text_written_by_hand_is_continued(document: Document) -> None:
    typed = "I typed this in haste and it has no en"
    async with open_studio(Author(piece=3)) as studio:
        await written(studio, document, stop_after=6)
        (partial,) = [section for section in document.sections() if section.status is Status.PARTIAL]
        document.edit(partial.id, typed)
        assert document.section(partial.id).status is Status.PARTIAL
        await written(studio, document)
    assert document.section(partial.id).text.startswith(typed)
    assert document.section(partial.id).status is Status.DONE


async def test_a_section_that_leaves_the_plan_while_it_streams_does_no_harm(document: Document) -> None:
    async def check(event: Event) -> None:
        if isinstance(event, TextDelta) and event.section_id == "s2" and len(document.plan.sections) == 3:
            document.set_plan(Plan("A Plan", (PLAN.sections[0], PLAN.sections[2])), "Delete section 2")

    async with open_studio(Author(piece=2)) as studio:
        await written(studio, document, on_event=check)
    assert [section.id for section in document.sections()] == ["s1", "s3"]
    assert all(section.status is Status.DONE for section in document.sections())


# ---- a full disk ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("brief", MODES, ids=["in order", "side by side"])
async def test_a_full_disk_ends_the_run_with_one_line_and_loses_no_text(document: Document, brief: Brief) -> None:
    streamed = {section.id: "" for section in PLAN.sections}
    document.set_plan(plan_of(6000, 6000, 6000), "Longer")
    long = replace(brief, words=18_000)

    async def check(event: Event) -> None:
        if isinstance(event, TextDelta):
            streamed[event.section_id] += event.text
            if sum(map(len, streamed.values())) > 3000:
                fill(document)

    async with open_studio(Author(piece=40, delay=0.01)) as studio:
        with pytest.raises(DocumentError) as caught:
            await written(studio, document, long, on_event=check)
        assert await eventually(lambda: studio.server.calls[-1].hung_up)
    assert caught.value.code == "disk-full" and "\n" not in str(caught.value)
    kept = {section.id: section.text for section in document.sections()}
    assert all(kept[id].startswith(text) for id, text in streamed.items() if text)
    free(document)
    document.flush()
    document.close()
    with Document.open(document.path) as again:
        assert {section.id: section.text for section in again.sections()} == kept
        assert not any(section.status is Status.WRITING for section in again.sections())


@pytest.mark.parametrize("then", ["goes on", "is closed"])
async def test_a_full_disk_during_a_stalled_stream_is_reported(document: Document, then: str) -> None:
    tracker, filled = tracker_for(document), list[int]()
    with pytest.raises(DocumentError, check=has_code("disk-full")):
        async with (
            open_studio(Author()) as studio,
            recording(document, tracker) as recorder,
            aclosing(write(studio.agent, BRIEF, recorder, tracker=tracker)) as events,
        ):
            async for event in events:
                recorder.store(event)
                if isinstance(event, TextDelta) and not filled:
                    filled.append(1)
                    fill(document)
                    recorder.store(TextDelta(event.section_id, "Much text. " * 4000))
                    await asyncio.sleep(0.6)  # longer than the journal waits
                    if then == "is closed":
                        break
    assert document.section("s1").text.count("Much text. ") == 4000
    free(document)
    document.close()
    with Document.open(document.path) as again:
        assert again.section("s1").text.count("Much text. ") == 4000


def test_a_growing_plan_is_stored_and_undone_in_one_step(document: Document) -> None:
    """Interrupted planning can be resumed. A complete plan, or one without chapters, has nothing to resume."""
    part = PlannedSection("Part", "all of it", 4000, "part")
    begun = Plan("Book", (part, replace(part, title="Other", id="other")))
    grown = outline.with_subsections(begun, "part", plan_of(400, 400).sections)
    assert begun_plan(document) is None
    keep_plan(document, PlanGrew(begun, 0, 2), "Plan")
    assert begun_plan(document) == begun
    keep_plan(document, PlanGrew(grown, 1, 2), "Plan")
    document.close()
    document = Document.open(document.path)
    assert begun_plan(document) == grown
    assert document.undo_plan() == "Plan"
    document.set_plan(Plan("Mine", (replace(part, id="mine"),)), "By hand")
    assert begun_plan(document) is None  # a long section that the writer added is no unplanned chapter
    assert document.undo_plan() == "By hand"
    keep_plan(document, PlanGrew(begun, 0, 2), "Plan")
    keep_plan(document, PlanGrew(grown, 1, 2), "Plan")  # the first event of resumed planning
    whole = outline.with_subsections(grown, "other", plan_of(300, 300, 300).sections[2:])
    keep_plan(document, PlanReady(whole), "Plan")
    assert document.plan == whole
    assert begun_plan(document) is None
    assert document.undo_plan() == "Plan"
    assert document.plan == PLAN
    assert document.undo_plan() is None
    document.close()

"""The session: one run at a time, and the user's edits before the model's text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from lwtui.agentwrite.events import DocumentFinished, SectionFinished, SectionStarted, Thinking
from lwtui.agentwrite.run_state import Throughput
from lwtui.app.editable_document import EditableDocument, SectionChanged
from lwtui.app.model_pool import ModelPool
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.session import Activity, ActivityChanged, SectionIsNext, Session, SessionEvent, describe
from lwtui.app.status_line import status_line
from lwtui.config import load_settings
from lwtui.documents.model import Plan, Provenance, Status
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.log import log_file
from lwtui.models.usage import Usage
from tests.app.person import someone
from tests.app.place import Place
from tests.errors import has_code
from tests.support.author import Author
from tests.support.fault_server import FaultServer
from tests.support.studio import eventually
from tests.support.tempo import Tempo


def started(section_id: str, keep: int = 0) -> SectionStarted:
    return SectionStarted(section_id, 1, 2, "", 100, False, keep, Provenance("m"))


@pytest.fixture
async def document(place: Place) -> AsyncIterator[Document]:
    with Document.open(place.make(60, 60, texts={1: "First."})) as document:
        yield document


async def test_an_unchanged_section_may_begin(document: Document) -> None:
    editable = EditableDocument(document, ())
    editable.sections()
    editable.check("s2")


async def test_a_section_edited_meanwhile_may_not_begin(document: Document) -> None:
    editable = EditableDocument(document, ())
    editable.sections()
    document.edit("s2", "Typed at the last moment.")
    with pytest.raises(SectionChanged):
        editable.check("s2")


async def test_a_section_deleted_meanwhile_may_not_begin(document: Document) -> None:
    editable = EditableDocument(document, ())
    editable.sections()
    document.set_plan(Plan("A Plan", document.plan.sections[:1]), "Delete")
    with pytest.raises(SectionChanged):
        editable.check("s2")


async def test_a_section_to_rewrite_appears_as_done(document: Document) -> None:
    assert [one.status for one in EditableDocument(document, {"s2"}).sections()] == [Status.DONE] * 2


@pytest.mark.parametrize(
    ("rate", "shown"),
    [(0.0, ""), (0.42, "0.4 tokens/s"), (9.94, "9.9 tokens/s"), (9.96, "10 tokens/s"), (1234.5, "1234 tokens/s")],
)
async def test_a_slow_model_has_a_speed_with_a_decimal(
    rate: float, shown: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Throughput, "tokens_per_second", property(lambda self: rate))
    async with someone(place.make(60), size=(80, 24)) as person:
        await person.at(PlanScreen)
        person.session.activity = Activity.WRITING
        line = str(status_line(person.session, 80, []))
        person.session.activity = Activity.IDLE
    assert shown in line
    assert bool(shown) == ("tokens/s" in line)


async def test_a_second_run_is_rejected_while_one_is_in_progress(author: Author, place: Place) -> None:
    author.delay = Tempo(5)
    heard: list[SessionEvent] = []
    async with FaultServer(author) as server:
        place.serve(server)
        models = ModelPool(load_settings())
        session = Session(Document.open(place.make(100)), models)
        session.listen(heard.append)
        session.start_write()
        assert session.busy  # immediately, so a key pressed twice starts one run
        with pytest.raises(LwtuiError, check=has_code("busy")):
            session.start_plan()
        await session.cancel()
        assert not session.busy
        await session.close()
        session.start_write()
        assert not session.busy
        await models.release()
    activities = [one.activity for one in heard if isinstance(one, ActivityChanged)]
    assert activities == [Activity.LOADING, Activity.IDLE]


async def test_a_run_canceled_before_it_starts_leaves_nothing_behind(server: FaultServer, place: Place) -> None:
    models = ModelPool(load_settings())
    session = Session(Document.open(place.make(60)), models)
    session.start_write()
    await session.cancel()
    session.start_write()
    while session.busy:
        assert session._task is not None
        await session._task
    assert session.document.section("s1").status is Status.DONE
    await session.close()
    await models.release()


async def test_an_internal_error_ends_the_run_and_is_reported(
    server: FaultServer, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("lwtui.app.session.write_document", broken)
    models = ModelPool(load_settings())
    session = Session(Document.open(place.make(60)), models)
    session.start_write()
    assert session._task is not None
    with pytest.raises(ZeroDivisionError):
        await session._task
    assert "An internal error ended the run (ZeroDivisionError)" in session.error
    assert str(log_file()) in session.error
    assert not session.busy
    await session.close()
    await models.release()


async def test_thinking_is_shown(author: Author, place: Place) -> None:
    author.thinks = 40
    heard: list[SessionEvent] = []
    messages: list[str] = []
    async with FaultServer(author) as server:
        place.serve(server)
        models = ModelPool(load_settings())
        session = Session(Document.open(place.make(60)), models)
        session.listen(heard.append)
        session.listen(lambda event: messages.append(session.message) if isinstance(event, Thinking) else None)
        session.start_write()
        assert session._task is not None
        await session._task
        assert any(isinstance(event, Thinking) for event in heard)
        assert "The model is thinking before it writes" in messages[0]
        await session.close()
        await models.release()


async def test_no_section_is_rewritten_twice(document: Document, server: FaultServer) -> None:
    """Not even if the user edits one of them just before its turn."""
    with_text = document.section("s1").text
    document.edit("s2", "Second.")
    session = Session(document, ModelPool(load_settings()))
    begun: list[str] = []
    typed: list[int] = []
    took: list[Usage] = []

    def hear(event: SessionEvent) -> None:
        if isinstance(event, SectionStarted):
            begun.append(event.section_id)
        elif isinstance(event, SectionFinished):
            took.append(event.usage)
        elif isinstance(event, SectionIsNext) and begun == ["s1"] and not typed:
            typed.append(1)
            document.edit("s2", "Second, and more of it.")

    session.listen(hear)
    throughput = session.state.throughput
    session.start_rewrite(["s1", "s2"])
    assert await eventually(lambda: not session.busy, 20.0)
    assert not session.error
    assert typed and begun == ["s1", "s2"]
    assert document.section("s1").text != with_text
    assert any(one.text == "Second, and more of it." for one in document.revisions("s2"))
    assert session.state.throughput is throughput
    # The final figures include the sections written before the restart.
    assert f"{sum(one.total for one in took):,} tokens; expected were" in session.log[-1][1]
    await session.models.release()


async def test_a_new_brief_resumes_the_requested_run_only(author: Author, place: Place) -> None:
    """Also while the model is being opened, and after part of the run is done."""
    author.delay = tempo = Tempo(5)
    async with FaultServer(author) as server:
        place.serve(server)
        with Document.open(place.make(60, 60, 60, texts={1: "First.", 2: "Second."})) as document:
            session = Session(document, ModelPool(load_settings()))
            finished: list[str] = []
            session.listen(
                lambda event: finished.append(event.section_id) if isinstance(event, SectionFinished) else None
            )
            session.start_rewrite(["s1", "s2"])
            assert session.activity is Activity.LOADING
            await session.change_brief(replace(document.brief, instruction="Write of tea"))
            assert session.busy
            assert await eventually(lambda: "s1" in session.current, 20.0)
            tempo.go()
            assert await eventually(lambda: finished == ["s1"], 20.0)
            await session.change_brief(replace(document.brief, instruction="Write of milk"))
            assert await eventually(lambda: not session.busy, 20.0)
            assert not session.error
            assert finished == ["s1", "s2"]
            assert document.section("s3").status is Status.EMPTY
            assert "of milk" in server.calls[-1].json["messages"][-1]["content"]
            await session.models.release()


def test_the_log_has_lengths_in_the_documents_unit() -> None:
    assert describe(started("s1"), "characters") == "Writing section 1 of 2, the text: 100 characters"
    assert describe(DocumentFinished(90, 100, Usage(), 1.0)) == "Finished: 90 of 100 words"

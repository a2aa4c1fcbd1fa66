"""The budget limits all model calls for a document, not only drafting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from lwtui.agentwrite.candidates import CandidateChanged, CandidateState
from lwtui.agentwrite.revise import EditKind, PassageCut, PassageEdit, Proposal
from lwtui.app.model_pool import ModelPool
from lwtui.app.screens.dialogs import Choose
from lwtui.app.screens.diff import DiffScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.session import Session
from lwtui.config import Role, load_settings
from lwtui.documents.store import Document
from lwtui.models.budget import BudgetReached
from lwtui.models.usage import Usage
from tests.app.person import someone
from tests.app.place import Place
from tests.support.author import sentence
from tests.support.fault_server import Answer, FaultServer
from tests.support.studio import eventually
from tests.support.tempo import Tempo

TEXT = "The red pot stands in the sun all day long, and dries out.\n\nThe old soil in the pot is dry as dust."
LONG = [f"word{number} " for number in range(4000)]


def endless(body: Any) -> Answer:
    return Answer(LONG, usage=None, delay=0.0)


def brief_answer(body: Any) -> Answer:
    return Answer(["Clay ", "is ", "heavy."], usage={"prompt_tokens": 300, "completion_tokens": 4})


@asynccontextmanager
async def session_of(place: Place, answer: Callable[[Any], Any], budget: str) -> AsyncIterator[tuple[Session, Any]]:
    """A session with two sections that used 240 + 160 tokens, and the server of its model."""
    async with FaultServer(answer) as server:
        place.serve(server, price_input=1.0, price_output=4.0)
        models = ModelPool(load_settings())
        session = Session(Document.open(place.make(60, 60, texts={1: TEXT, 2: TEXT})), models)
        session.set_budget(budget)
        yield session, server
        await session.close()
        await models.release()


async def answers(ask: Callable[[Callable[[Any], Awaitable[None]]], Awaitable[object]]) -> list[Any]:
    """Return the events of a call and, last, its result or the budget error."""
    heard: list[Any] = []

    async def emit(event: object) -> None:
        heard.append(event)

    try:
        heard.append(await ask(emit))
    except BudgetReached as reached:
        heard.append(reached)
    return heard


async def revised(session: Session, edit: PassageEdit, end: int = len(TEXT)) -> list[Any]:
    """Return the events and the result of revising the first section up to ``end``."""
    return await answers(lambda emit: session.assistant.revise("s1", 0, end, edit, emit))


async def run(session: Session, start: Callable[[], None]) -> str:
    start()
    while session.busy:
        assert session._task is not None
        await session._task
    return session.error


@pytest.mark.parametrize("budget", ["410 tokens", "0.00089"])  # 400 tokens or 0.00088 are used
async def test_a_call_that_does_not_fit_the_budget_is_not_made(place: Place, budget: str) -> None:
    async with session_of(place, brief_answer, budget) as (session, server):
        rewrite = PassageEdit(EditKind.REWRITE)
        asked = [
            (await answers(session.assistant.review), "a review"),
            (await revised(session, rewrite), "this passage"),
        ]
        for heard, what in asked:
            told = f"The budget of {session.budget} has no room for {what}. All text is kept."
            assert str(heard[-1]).startswith(told)
        heard = await answers(lambda emit: session.assistant.candidates("s1", 2, emit))
        assert "has no room for another candidate" in str(heard[-1])
        assert {one.candidate.state for one in heard[:-1]} == {CandidateState.FAILED}
        for start in (session.start_plan, lambda: session.start_replan("s1"), lambda: session.start_breaking_up("s1")):
            assert "plan. All text is kept. Raise the budget" in await run(session, start)
        session.document.set_setting("budget", "399 tokens")
        assert "no room for what is still to be written" in await run(session, lambda: session.start_rewrite({"s1"}))
        assert not server.calls and session.document.usage == Usage(240, 160)
        # With a sufficient budget, all calls are made and counted.
        session.set_budget("100k tokens")
        assert isinstance((await revised(session, rewrite, 10))[-1], Proposal)
        assert server.calls and session.document.usage.prompt > 240


async def test_a_budget_in_money_needs_the_planners_prices(place: Place) -> None:
    async with session_of(place, brief_answer, "2.50") as (session, server):
        place.serve(server, "planner")
        session.models.settings = load_settings()
        session.set_role(Role.PLAN, "planner")
        for start in (session.start_plan, lambda: session.start_replan("s1"), lambda: session.start_breaking_up("s1")):
            assert "A budget in money needs the prices of planner" in await run(session, start)
        assert not server.calls


async def test_a_call_in_progress_stops_when_the_budget_is_used_up(place: Place) -> None:
    async with session_of(place, endless, "1.2k tokens") as (session, _):
        document = session.document

        def rest() -> int:
            return 1200 - document.usage.prompt - document.usage.completion

        heard = await revised(session, PassageEdit(EditKind.CUSTOM, "Go on and on"))
        assert "used up during this passage" in str(heard[-1])
        # The partial answer is proposed, and kept.
        assert isinstance(heard[-1], PassageCut)
        proposal = heard[-1].proposal
        assert proposal.cut and proposal.answer.startswith("word0 word1")
        assert document.revisions("s1")[0].text == proposal.text
        assert document.revisions("s1")[0].id == proposal.version
        assert abs(rest()) < 200
        for more, ask, what in (
            ("2.4k tokens", session.assistant.review, "a review"),
            ("3.3k tokens", lambda emit: session.assistant.candidates("s2", 2, emit), "another candidate"),
        ):
            session.set_budget(more)
            heard = await answers(ask)
            assert f"used up during {what}" in str(heard[-1])
            assert document.usage.prompt + document.usage.completion == pytest.approx(session.budget.tokens, rel=0.1)
        candidates = {one.candidate.number: one.candidate for one in heard[:-1] if isinstance(one, CandidateChanged)}
        assert {one.state for one in candidates.values()} == {CandidateState.STOPPED}
        kept = {one.text for one in document.revisions("s2")}
        assert all(one.text in kept for one in candidates.values())
        session.set_budget("4.3k tokens")
        assert "used up during a plan" in await run(session, session.start_plan)
        assert document.usage.prompt + document.usage.completion == pytest.approx(4_300, rel=0.1)


async def test_calls_beside_a_run_use_the_same_budget(place: Place) -> None:
    tempo = Tempo(10)

    def author(body: Any) -> Answer:
        writes = "section 1 of 2" in body["messages"][-1]["content"].lower()
        return Answer(LONG, usage=None, delay=tempo) if writes else brief_answer(body)

    async with session_of(place, author, "100k tokens") as (session, server):
        document, tracker = session.document, session.tracker
        before = tracker.share(session.budget)
        await revised(session, PassageEdit(EditKind.SHORTEN))
        assert tracker.share(session.budget) > before
        assert document.usage == tracker.total == Usage(240 + 300, 160 + 4)
        session.start_rewrite({"s1"})
        assert await eventually(lambda: "word8" in document.section("s1").text, 20.0)
        # The writer leaves almost nothing of the budget, so a review has to wait until the writer ends.
        session.set_budget(f"{tracker.total.total + 20} tokens")
        review = asyncio.create_task(answers(session.assistant.review))
        assert not await eventually(review.done, 0.1)
        calls = len(server.calls)
        tempo.go()
        assert "has no room for a review" in str((await review)[-1])
        assert await eventually(lambda: not session.busy, 20.0)
        assert "used up during section 1 of 2" in session.error
        assert len(server.calls) == calls
        assert document.usage == tracker.total


async def test_an_answer_cut_by_the_budget_can_still_be_taken(place: Place) -> None:
    async with FaultServer(endless) as server:
        place.serve(server)
        async with someone(place.make(60, texts={1: sentence(1, 1).strip()})) as person:
            await person.at(WritingScreen)
            await person.until(lambda: person.editor.section_id == "s1")
            person.session.set_budget("600 tokens")
            await person.press("ctrl+l")
            await person.at(Choose)
            person.app.screen.dismiss("rewrite")
            await person.at(DiffScreen)
            await person.gets_error("used-up")
            await person.sees("cut off")
            await person.press("a")
            await person.until(lambda: person.sections[0].text.startswith("word0"))

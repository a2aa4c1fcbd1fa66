"""The budget binds whatever is asked for a document, not only its writing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from lwtui.agentwrite.budget import BudgetReached
from lwtui.agentwrite.revise import Order, Proposal, Wish
from lwtui.agentwrite.takes import TakeMoved, TakeState
from lwtui.app.agents import Agents
from lwtui.app.screens.diff import DiffScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.session import Session
from lwtui.config import load_settings
from lwtui.documents.model import Usage
from lwtui.documents.store import Document
from tests.app.person import someone
from tests.app.place import Place
from tests.support.author import sentence
from tests.support.fault_server import Answer, FaultServer

TEXT = "The red pot stands in the sun all day long, and dries out.\n\nThe old soil in the pot is dry as dust."
LONG = [f"word{number} " for number in range(4000)]


def endless(body: Any) -> Answer:
    return Answer(LONG, usage=None, delay=0.0)


def brief_answer(body: Any) -> Answer:
    return Answer(["Clay ", "is ", "heavy."], usage={"prompt_tokens": 300, "completion_tokens": 4})


@asynccontextmanager
async def session_of(place: Place, answer: Callable[[Any], Any], budget: str) -> AsyncIterator[tuple[Session, Any]]:
    """A session of two sections that have taken 240 + 160 tokens, and the server of its model."""
    async with FaultServer(answer) as server:
        place.serve(server, price_input=1.0, price_output=4.0)
        agents = Agents(load_settings())
        session = Session(Document.open(place.make(60, 60, texts={1: TEXT, 2: TEXT})), agents)
        session.set_budget(budget)
        yield session, server
        await session.close()
        await agents.release()


async def exhaust(events: AsyncGenerator[Any, None]) -> list[Any]:
    heard: list[Any] = []
    async with aclosing(events):
        try:
            async for event in events:
                heard.append(event)
        except BudgetReached as reached:
            heard.append(reached)
    return heard


async def run(session: Session, start: Callable[[], None]) -> str:
    start()
    while session.busy:
        assert session._task is not None
        await session._task
    return session.error


@pytest.mark.parametrize("budget", ["410 tokens", "0.00089"])  # 400 tokens are taken, and 0.00088
async def test_nothing_begins_for_which_there_is_no_room(place: Place, budget: str) -> None:
    async with session_of(place, brief_answer, budget) as (session, server):
        wish = Wish(Order.REWRITE)
        asked = [
            (await exhaust(session.aside.review()), "a review"),
            (await exhaust(session.aside.revise("s1", 0, len(TEXT), wish)), "this passage"),
        ]
        for heard, what in asked:
            told = f"The budget of {session.budget} has no room for {what}. All text is kept."
            assert str(heard[-1]).startswith(told)
        moved = await exhaust(session.aside.takes("s1", 2))
        assert "has no room for another take" in str(moved[-1])
        assert {one.take.state for one in moved[:-1]} == {TakeState.FAILED}
        for start in (session.start_plan, lambda: session.start_replan("s1"), lambda: session.start_breaking_up("s1")):
            assert "plan. All text is kept. Raise the budget" in await run(session, start)
        session.document.set_setting("budget", "399 tokens")
        assert "no room for what is still to be written" in await run(session, lambda: session.start_rewrite({"s1"}))
        assert not server.calls and session.document.usage == Usage(240, 160)
        # With room enough, all of it goes on, and is counted.
        session.set_budget("100k tokens")
        assert any(isinstance(one, Proposal) for one in await exhaust(session.aside.revise("s1", 0, 10, wish)))
        assert server.calls and session.document.usage.prompt > 240


async def test_what_is_under_way_stops_where_the_budget_is_used_up(place: Place) -> None:
    async with session_of(place, endless, "1.2k tokens") as (session, _):
        document = session.document

        def rest() -> int:
            return 1200 - document.usage.prompt - document.usage.completion

        heard = await exhaust(session.aside.revise("s1", 0, len(TEXT), Wish(Order.CUSTOM, "Go on and on")))
        assert "used up within this passage" in str(heard[-1])
        # What had come is proposed, and kept.
        proposal = heard[-2]
        assert isinstance(proposal, Proposal) and proposal.cut and proposal.answer.startswith("word0 word1")
        assert document.revisions("s1")[0].text == proposal.text
        assert abs(rest()) < 200
        for more, ask, what in (
            ("2.4k tokens", lambda: session.aside.review(), "a review"),
            ("3.3k tokens", lambda: session.aside.takes("s2", 2), "another take"),
        ):
            session.set_budget(more)
            heard = await exhaust(ask())
            assert f"used up within {what}" in str(heard[-1])
            assert document.usage.prompt + document.usage.completion == pytest.approx(session.budget.tokens, rel=0.1)
        takes = {one.take.number: one.take for one in heard[:-1] if isinstance(one, TakeMoved)}
        assert {one.state for one in takes.values()} == {TakeState.STOPPED}
        kept = {one.text for one in document.revisions("s2")}
        assert all(one.text in kept for one in takes.values())
        session.set_budget("4.3k tokens")
        assert "used up within a plan" in await run(session, session.start_plan)
        assert document.usage.prompt + document.usage.completion == pytest.approx(4_300, rel=0.1)


async def test_what_is_asked_while_the_model_writes_comes_out_of_the_same_budget(place: Place) -> None:
    async with session_of(place, brief_answer, "100k tokens") as (session, _):
        ledger = session.ledger
        budget = session.budget
        assert budget is not None
        before = ledger.beside(budget)
        await exhaust(session.aside.revise("s1", 0, len(TEXT), Wish(Order.SHORTEN)))
        took = ledger.beside(budget) - before
        assert took > 0 and ledger.untold == Usage()
        session.ledger.writing = lambda: Usage(100_000, 0)
        heard = await exhaust(session.aside.review())
        assert isinstance(heard[-1], BudgetReached)


async def test_an_answer_that_the_budget_cut_is_shown_and_can_be_taken(place: Place) -> None:
    async with FaultServer(endless) as server:
        place.serve(server)
        async with someone(place.make(60, texts={1: sentence(1, 1).strip()})) as person:
            await person.at(WritingScreen)
            await person.until(lambda: person.editor.section_id == "s1")
            person.session.set_budget("600 tokens")
            await person.press("ctrl+l")
            await person.sees("What is the model to do?")
            person.app.screen.dismiss("rewrite")
            await person.at(DiffScreen)
            await person.is_told("The budget of 600 tokens is used up within this passage. All text is kept.")
            await person.sees("the answer was cut off at its end")
            await person.press("a")
            await person.until(lambda: person.sections[0].text.startswith("word0"))

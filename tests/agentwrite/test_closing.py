"""Canceling a call, or closing its iterator, closes the connection at once and keeps the text so far."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from lwtui.agentwrite import Agent, Draft, make_plan, plan_document, replan_section, write, write_document
from lwtui.agentwrite.candidates import CandidateChanged, write_candidates
from lwtui.agentwrite.context import ContextBuilder
from lwtui.agentwrite.critic import CriticEvent, review
from lwtui.agentwrite.events import Event
from lwtui.agentwrite.lint import TextPart
from lwtui.agentwrite.model_check import check_model
from lwtui.agentwrite.plan_nested import sections_within
from lwtui.agentwrite.revise import EditKind, MarkedPassage, PassageEdit, revise
from lwtui.agentwrite.run_state import RunState
from lwtui.documents.model import Brief, Mode, Section, Status
from lwtui.models.usage import estimate_tokens
from lwtui.text import count_words
from tests.support.author import sentence
from tests.support.fault_server import Answer
from tests.support.studio import Studio, eventually, flat, open_studio, plan_of

BRIEF = Brief("Write about things", 1200, seed=4)
SIDE_BY_SIDE = replace(BRIEF, mode=Mode.PARALLEL)
PLAN = plan_of(400, 400, 400)
STORY = "".join(sentence(1, index) for index in range(300)).lstrip()
STANDING = Section("s1", "Part", "point", 400, Status.DONE, "Pots matter most. Soil comes next.", 6)


def endless(_: Any) -> Answer:
    """Gives every call the same answer, word by word, for a long time."""
    return Answer([f"{word} " for word in STORY.split(" ")], delay=0.01)


@dataclass
class Desk:
    """The text of a call so far."""

    studio: Studio
    draft: Draft = field(default_factory=lambda: Draft(PLAN))
    state: RunState = field(default_factory=RunState)
    passage: str = ""
    candidates: dict[int, str] = field(default_factory=dict)

    async def keep(self, event: Event) -> None:
        self.draft.apply(event)

    async def follow(self, event: Event) -> None:
        self.state.apply(event)

    async def hear_passage(self, event: Event) -> None:
        self.passage += getattr(event, "text", "")

    async def hear_candidate(self, change: CandidateChanged) -> None:
        self.candidates[change.candidate.number] = change.candidate.text

    async def hear_critic(self, event: CriticEvent) -> None:
        pass

    @property
    def agent(self) -> Agent:
        """The studio's agent, with its calls counted."""
        return self.studio.agent.metered(self.studio.tracker.task("a call"))

    @property
    def kept(self) -> list[str]:
        texts = [*self.draft.texts.values(), self.state.plan_text, self.passage, *self.candidates.values()]
        return [text for text in texts if text]


def _summary(desk: Desk) -> Awaitable[object]:
    long = replace(STANDING, text=STORY[:4000])
    return ContextBuilder(desk.agent, BRIEF).fit(desk.agent, [long, long], 600, "s3", desk.follow)


def _passage(desk: Desk) -> Awaitable[object]:
    what = MarkedPassage(BRIEF, PLAN, STANDING, 0, 17)
    return revise(desk.agent, what, PassageEdit(EditKind.EXPAND), desk.hear_passage)


def _write(desk: Desk, brief: Brief = BRIEF) -> Awaitable[object]:
    return write_document(desk.studio.agent, brief, desk.draft, desk.keep, tracker=desk.studio.tracker)


def _candidates(desk: Desk) -> Awaitable[object]:
    return write_candidates(
        desk.studio.agent, BRIEF, Draft(PLAN), "s1", 3, desk.hear_candidate, tracker=desk.studio.tracker
    )


# Each kind of call, the number of concurrent calls, and whether their text is emitted as it streams.
COROUTINES: dict[str, tuple[Callable[[Desk], Awaitable[object]], int, bool]] = {
    "a section": (_write, 1, True),
    "sections side by side": (lambda desk: _write(desk, SIDE_BY_SIDE), 3, True),
    "candidates": (_candidates, 3, True),
    "a plan": (lambda desk: plan_document(desk.agent, BRIEF, desk.follow), 1, True),
    "a plan in two steps": (lambda desk: plan_document(desk.agent, replace(BRIEF, words=50_000), desk.follow), 1, True),
    "another idea": (lambda desk: replan_section(desk.agent, BRIEF, PLAN, "s2", desk.follow), 1, True),
    "sections within": (lambda desk: sections_within(desk.agent, BRIEF, PLAN, "s2", desk.follow), 1, True),
    "a passage": (_passage, 1, True),
    "a review": (lambda desk: review(desk.agent, BRIEF, [TextPart("A", STORY[:900])], desk.hear_critic), 1, False),
    "a summary": (_summary, 1, False),
    "a check": (lambda desk: check_model(desk.agent), 1, False),
}
ITERATORS: dict[str, tuple[Callable[[Desk], AsyncGenerator[Event, None]], int]] = {
    "a section": (lambda desk: write(desk.studio.agent, BRIEF, desk.draft, tracker=desk.studio.tracker), 1),
    "sections side by side": (
        lambda desk: write(desk.studio.agent, SIDE_BY_SIDE, desk.draft, tracker=desk.studio.tracker),
        3,
    ),
    "a plan": (lambda desk: make_plan(desk.agent, BRIEF), 1),
    "a plan in two steps": (lambda desk: make_plan(desk.agent, replace(BRIEF, words=50_000)), 1),
}


async def all_ended(desk: Desk, calls: int) -> None:
    """Assert that the server sees all calls closed and no further call."""
    server = desk.studio.server
    assert len(server.calls) == calls
    assert await eventually(lambda: all(seen.hung_up for seen in server.calls))
    await asyncio.sleep(0.05)
    assert len(server.calls) == calls


async def all_kept(desk: Desk, calls: int) -> None:
    """Assert that the text so far is kept and counted once."""
    assert len(desk.kept) == calls
    for text in desk.kept:
        assert flat(STORY).startswith(flat(text).strip()) and count_words(text) >= 2
    usage = desk.studio.tracker.usage
    assert usage.completion >= sum(estimate_tokens(text) for text in desk.kept) * 0.9
    assert usage.prompt > 0


@pytest.mark.parametrize("name", COROUTINES)
async def test_canceling_a_call_ends_it_at_once_and_keeps_its_text(name: str) -> None:
    start, calls, is_streamed = COROUTINES[name]
    async with open_studio(endless) as studio:
        desk = Desk(studio)
        task = asyncio.ensure_future(start(desk))
        assert await eventually(lambda: studio.tracker.pieces >= 8 * calls and len(studio.server.calls) == calls)
        assert not task.done()
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.cancelled()
        pieces = studio.tracker.pieces
        await all_ended(desk, calls)
        assert studio.tracker.pieces == pieces  # no further text comes
        if is_streamed:
            await all_kept(desk, calls)
        # Canceled calls are counted, too.
        assert studio.tracker.usage.completion >= 8 and studio.tracker.usage.prompt >= 10
        assert not studio.tracker._running


@pytest.mark.parametrize("name", ITERATORS)
async def test_closing_an_iterator_ends_its_calls_at_once_and_keeps_their_text(name: str) -> None:
    start, calls = ITERATORS[name]
    async with open_studio(endless) as studio:
        desk = Desk(studio)
        async with aclosing(start(desk)) as events:
            async for event in events:
                desk.state.apply(event)
                desk.draft.apply(event)
                if studio.tracker.pieces >= 8 * calls and len(desk.kept) == calls:
                    break
        # The call was closed before the reader continued.
        assert not studio.tracker._running
        await all_ended(desk, calls)
        await all_kept(desk, calls)


@pytest.mark.parametrize("brief", [BRIEF, SIDE_BY_SIDE], ids=["in order", "side by side"])
async def test_a_canceled_run_is_continued(brief: Brief) -> None:
    async with open_studio(endless) as studio:
        desk = Desk(studio)
        task = asyncio.ensure_future(_write(desk, brief))
        assert await eventually(lambda: studio.tracker.pieces >= 60)
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        begun = dict(desk.draft.texts)
        assert begun
        assert [section.status for section in desk.draft.sections()].count(Status.PARTIAL) == len(begun)
        await studio.write(brief, desk.draft, stop_after=40)
    for section_id, text in begun.items():
        whole = text[: text.rfind(".") + 1]
        assert desk.draft.texts[section_id].startswith(whole)

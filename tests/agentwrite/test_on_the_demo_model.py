"""The method on a real model, the demo: from an instruction to a document of the requested length."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio

from lwtui.agentwrite import Agent, Draft, critic, make_plan, open_agent, write
from lwtui.agentwrite.events import DocumentFinished, PlanReady, SectionFinished, SectionStarted
from lwtui.config import Settings
from lwtui.documents.model import Brief, Mode, Plan, PlannedSection
from lwtui.models.base import Prompt, Request, Sampling, TextPiece
from lwtui.models.llama_cpp import gguf_header
from lwtui.text import clean, count_words

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agent() -> AsyncIterator[Agent]:
    agent = await open_agent("demo", Settings())
    yield agent
    await agent.aclose()


async def planned(agent: Agent, brief: Brief) -> Plan:
    events = [event async for event in make_plan(agent, brief)]
    assert isinstance(events[-1], PlanReady)
    return events[-1].plan


async def written(agent: Agent, brief: Brief, plan: Plan) -> tuple[Draft, DocumentFinished]:
    draft = Draft(plan)
    async for event in write(agent, brief, draft):
        draft.apply(event)
    assert isinstance(event, DocumentFinished)
    return draft, event


async def test_a_plan_has_the_requested_length_and_no_duplicate_steps(agent: Agent) -> None:
    plan = await planned(agent, Brief("Write a guide to growing tomatoes on a balcony", words=500, seed=1))
    assert plan.words == 500
    assert plan.title
    assert 1 <= len(plan.sections) <= 12
    assert len({section.title.casefold() for section in plan.sections}) == len(plan.sections)


async def test_a_document_of_two_sections_has_the_requested_length(agent: Agent) -> None:
    plan = Plan(
        "Tomatoes",
        (
            PlannedSection("The right pot", "how large it is, and what soil goes into it", 60),
            PlannedSection("Water and sun", "how much of both the plants need in summer", 60),
        ),
    )
    brief = Brief("Write a guide to growing tomatoes on a balcony", words=120, seed=1)
    draft, finished = await written(agent, brief, plan)
    sections = draft.sections()
    assert [section.id for section in sections] == [section.id for section in plan.sections]
    assert draft.done == {section.id for section in sections}
    length = sum(count_words(section.text) for section in sections)
    assert finished.length == length
    assert 108 <= length <= 132
    every = [paragraph for section in sections for paragraph in section.text.split("\n\n")]
    paragraphs = [paragraph for paragraph in every if count_words(paragraph) >= 8]  # short ones may come again
    assert len(paragraphs) == len(set(paragraphs))
    assert all(section.text == clean(section.text).strip() != "" for section in sections)


async def test_the_same_seed_writes_the_same_document(agent: Agent) -> None:
    plan = Plan("Bread", (PlannedSection("The dough", "what goes into it, and how long it rests", 40, "one"),))
    texts = [(await written(agent, Brief("Write about bread", words=40, seed=7), plan))[0].texts for _ in range(2)]
    assert texts[0] == texts[1]


async def test_parallel_sections_are_computed_as_one_batch(agent: Agent) -> None:
    topics = ("pots", "water", "light")
    plan = Plan("Tomatoes", tuple(PlannedSection(topic.title(), f"all about {topic}", 120, topic) for topic in topics))
    brief = Brief("Write a guide to growing tomatoes", words=360, seed=1, mode=Mode.PARALLEL)
    draft, begun, most = Draft(plan), 0, 0
    async for event in write(agent, brief, draft):
        draft.apply(event)
        begun += isinstance(event, SectionStarted) - isinstance(event, SectionFinished)
        most = max(most, begun)
    assert most == 3
    assert draft.done == set(topics)
    lengths = {topic: count_words(text) for topic, text in draft.texts.items()}
    # Which tokens share a batch depends on the machine, and so does how they are rounded: the texts are not the same
    # each time, and may end a sentence later.
    assert all(84 <= length <= 168 for length in lengths.values()), lengths


async def test_an_interrupted_section_is_continued(agent: Agent) -> None:
    plan = Plan("Bread", (PlannedSection("The dough", "what goes into it, and how long it rests", 60, "one"),))
    brief = Brief("Write about bread", words=60, seed=7)
    draft = Draft(plan)
    events = write(agent, brief, draft)
    async for event in events:
        draft.apply(event)
        if count_words(draft.texts.get("one", "")) > 20:
            break
    await events.aclose()
    begun = draft.texts["one"]
    async for event in write(agent, brief, draft):
        draft.apply(event)
        if isinstance(event, SectionFinished):
            assert 48 <= event.length <= 72
    assert draft.texts["one"].startswith(begun.rsplit(" ", 1)[0])
    assert len(draft.texts["one"]) > len(begun)


async def test_the_grammar_keeps_a_review_parsable(agent: Agent) -> None:
    prompt = Prompt(text="What an editor found, as JSON:\n\n")
    request = Request(prompt, 160, sampling=Sampling(temperature=0.8), seed=3, grammar=critic._GRAMMAR)
    async with aclosing(agent.model.stream(request)) as parts:
        answer = "".join([part.text async for part in parts if isinstance(part, TextPiece)])
    assert answer.startswith('{"findings": [')
    assert len(answer) > 100
    rows, _ = critic.parse(answer)
    assert rows, answer
    assert {row["kind"] for row in rows} <= set(critic._KINDS)
    assert all(set(row) == {"kind", "first", "second", "why"} for row in rows)


async def test_opening_a_gguf_reads_its_header_in_the_worker_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    monkeypatch.setattr(gguf_header, "read_header", lambda path: read.append(path))
    agent = await open_agent("demo", Settings())
    await agent.aclose()
    assert agent.model.capabilities.weights > 10**8
    assert not read

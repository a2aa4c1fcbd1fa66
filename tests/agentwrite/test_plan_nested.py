"""Long documents are planned in chapters and then in sections. Planning can be resumed, and prompts stay bounded."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from lwtui.agentwrite import Draft, PlanError, make_plan
from lwtui.agentwrite.events import (
    Event,
    PlanGrew,
    PlanReady,
    PlanRejected,
    PlanStarted,
    Retrying,
    SectionStarted,
    to_dict,
)
from lwtui.agentwrite.plan_nested import sections_within, unplanned
from lwtui.agentwrite.plan_view import Detail, headings_line, neighbors, view_plan
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.outline import section_numbers, subtree_totals, with_subsections
from tests.support.author import Author, plan_text, title_of
from tests.support.fault_server import Answer, Fault
from tests.support.studio import Studio, of_kind, open_studio, plan_of

BRIEF = Brief("Write a history of the harbour", 100_000, seed=3)


def assert_book(plan: Plan, words: int) -> None:
    """Assert that the plan has two levels: chapters that are headings only, and sections of a normal length."""
    assert plan.words == words
    assert [section.level for section in plan.sections if not section.words] == [1] * len(tops(plan))
    assert all(section.level == 2 and 100 <= section.words <= 1000 for section in plan.sections if section.words)
    assert not unplanned(plan)
    headings = [section.title for section in plan.sections]
    assert len(set(headings)) == len(headings)


def tops(plan: Plan) -> list[PlannedSection]:
    return [section for section in plan.sections if section.level == 1]


@pytest.mark.parametrize("profile", ["chat", "base"])
async def test_a_hundred_thousand_words_are_planned_chapter_by_chapter(profile: str) -> None:
    async with open_studio(Author(), profile=profile) as studio:
        plan, events = await studio.plan(BRIEF)
        prompts = studio.prompts
    assert_book(plan, 100_000)
    chapters = tops(plan)
    assert len(chapters) == (20 if profile == "chat" else 12)
    grown = of_kind(PlanGrew, events)
    assert [event.planned for event in grown] == list(range(len(chapters) + 1))
    assert [len(unplanned(event.plan)) for event in grown] == [*range(len(chapters), -1, -1)]
    assert all(event.plan.words == 100_000 for event in grown)
    assert to_dict(grown[1])["plan"]["sections"][1]["level"] == 2
    if profile == "chat":
        assert len(prompts) == 1 + len(chapters)
    for prompt in prompts[-2:]:  # each prompt shows all chapters
        assert all(chapter.title in prompt for chapter in chapters)
    assert not of_kind(PlanRejected, events)


async def test_a_document_up_to_twenty_thousand_words_has_one_level() -> None:
    async with open_studio(Author()) as studio:
        plan, _ = await studio.plan(replace(BRIEF, words=20_000))
        assert len(studio.server.calls) == 1
        assert not plan.nested
        longer, _ = await studio.plan(replace(BRIEF, words=20_001))
    assert_book(longer, 20_001)


async def test_interrupted_planning_resumes_with_the_next_chapter() -> None:
    async with open_studio(Author()) as studio:
        whole, _ = await studio.plan(BRIEF)
    begun: Plan | None = None
    async with open_studio(Author()) as studio:
        async with aclosing(make_plan(studio.agent, BRIEF)) as events:
            async for event in events:
                if isinstance(event, PlanGrew):
                    begun = event.plan
                    if event.planned == 7:
                        break
        assert begun is not None
        asked = len(studio.server.calls)
        assert asked == 1 + 7
        events_after = [event async for event in make_plan(studio.agent, BRIEF, begun)]
        assert len(studio.server.calls) == 1 + 20
    ready = events_after[-1]
    assert isinstance(ready, PlanReady)
    assert ready.plan.to_dict() == whole.to_dict()
    assert ready.plan.sections[:20] == begun.sections[:20]  # finished chapters keep their ids


async def test_a_chapter_that_repeats_another_is_asked_for_again() -> None:
    """If it keeps repeating, planning fails, and the chapters before it stay planned."""

    def repeats(body: Any, times: int) -> Any:
        prompt = body["messages"][1]["content"]
        if "Plan chapter 3, " in prompt and len(of_chapter_3) < times:
            of_chapter_3.append(body["messages"][-1]["content"])
            return [plan_text(15, 5000, after=200)]  # the headings of chapter 2
        if "Plan chapter 3, " in prompt:
            of_chapter_3.append(body["messages"][-1]["content"])
        return author(body)

    author, of_chapter_3 = Author(), list[str]()
    async with open_studio(lambda body: repeats(body, 1)) as studio:
        plan, events = await studio.plan(BRIEF)
    assert_book(plan, 100_000)
    (rejected,) = of_kind(PlanRejected, events)
    assert rejected.findings == ("15 of its sections say what another part of the document says.",)
    assert rejected.findings[0] in of_chapter_3[1]

    author, of_chapter_3 = Author(), []
    async with open_studio(lambda body: repeats(body, 99)) as studio:
        with pytest.raises(PlanError, match=f"no usable plan of “{title_of(3)}” in 4 tries"):
            await studio.plan(BRIEF)
        assert of_kind(PlanGrew, studio.events)[-1].planned == 2


async def test_faults_do_not_change_a_long_plan() -> None:
    brief = replace(BRIEF, words=25_000)
    faults = [None, Fault.http(500), Fault.cut(2), None, Fault.malformed(1), Fault.http(429, retry_after="0.01")]
    async with open_studio(Author(piece=3)) as studio:
        expected, _ = await studio.plan(brief)
    async with open_studio(Author(piece=3), faults) as studio:
        plan, events = await studio.plan(brief)
    assert plan.to_dict() == expected.to_dict()
    assert len(of_kind(Retrying, events)) == 4


@pytest.mark.parametrize("constrain", ["json_schema", "grammar"])
async def test_chapters_are_asked_for_in_the_shape_that_the_server_enforces(constrain: str) -> None:
    rows = [{"title": f"T{index}", "main_point": f"all about {index}", "words": 250} for index in range(400)]
    taken = iter(range(100))

    def answers(body: Any) -> Any:
        if constrain == "grammar":
            return author(body)
        index = next(taken)
        some = rows[index * 20 : index * 20 + 20] if index else [row | {"words": 5000} for row in rows[380:385]]
        return [str({"title": "T", "sections": some}).replace("'", '"')]

    author = Author()
    async with open_studio(answers, constrain=constrain) as studio:
        plan, _ = await studio.plan(replace(BRIEF, words=25_000))
        for seen in studio.server.calls:
            assert ("grammar" if constrain == "grammar" else "response_format") in seen.json
            assert ("one JSON object" in seen.json["messages"][1]["content"]) == (constrain == "json_schema")
    assert_book(plan, 25_000)


async def test_a_base_model_without_further_ideas_leaves_a_chapter_shorter_or_undivided() -> None:
    """A chapter with three usable lines has three sections; a chapter without any stays undivided."""
    author = Author()

    def runs_dry(body: Any) -> Any:
        prompt = body["prompt"]
        line = prompt.rsplit("\n", 1)[-1]
        first, second = (f"Write about {title_of(index)}: " in prompt for index in (1, 2))
        if (first and line.startswith("4.")) or second:
            return Answer([" ?!"])
        return author(body)

    async with open_studio(runs_dry, profile="base") as studio:
        plan, events = await studio.plan(replace(BRIEF, words=25_000))
    assert plan.words == 25_000
    assert [section.level for section in plan.sections[:6]] == [1, 2, 2, 2, 1, 1]
    assert [section.words for section in plan.sections[4:6]] == [5000, 0]
    assert subtree_totals(plan, [section.words for section in plan.sections])[0] == 5000
    assert len(of_kind(PlanRejected, events)) == 8 + 8


async def test_any_section_can_be_divided() -> None:
    plan = plan_of(300, 1200, 300)
    events: list[Event] = []

    async def emit(event: Event) -> None:
        events.append(event)

    async with open_studio(Author()) as studio:
        new = await sections_within(studio.agent, BRIEF, plan, "s2", emit)
        assert "Plan chapter 2, " in studio.prompts[0]
    assert of_kind(PlanStarted, events) and not of_kind(PlanReady, events)
    assert [section.level for section in new.sections] == [1, 1, 2, 2, 2, 2, 1]
    assert (new.words, new.sections[1].words) == (1800, 0)
    deepest = Plan("T", tuple(PlannedSection(str(index), "x", 500, str(index), index + 1) for index in range(5)))
    with pytest.raises(ValueError, match="at most 5 levels"):
        await sections_within(studio.agent, BRIEF, deepest, "4")


# ---- how much of it a section's prompt shows ----------------------------------------------------------------------


def book(chapters: int, each: int) -> Plan:
    plan = Plan(
        "Book",
        tuple(PlannedSection(f"Chapter {index}", f"all of {index}", 5000, f"c{index}") for index in range(chapters)),
    )
    for index in range(chapters):
        some = (
            PlannedSection(f"Sec {index}-{inner}", f"point {index} {inner} " * 4, 500, f"{index}-{inner}")
            for inner in range(each)
        )
        plan = with_subsections(plan, f"c{index}", tuple(some))
    return plan


def test_a_plan_is_shown_in_decreasing_detail() -> None:
    plan = book(20, 10)
    number = plan.find("7-4") + 1
    shown = [view_plan(plan, number, detail) for detail in Detail]
    assert [len(text) for text in shown] == sorted((len(text) for text in shown), reverse=True)
    assert len(shown[-1]) < 300
    full, headings, near, least = shown
    assert "\n75. Sec 7-4: point 7 4" in full and "8 Chapter 7: all of 7" in full
    assert all(section.title in headings for section in plan.sections) and "point 7 4" not in headings
    assert all(f"Chapter {index}" in near for index in range(20)) and "75. Sec 7-4" in near and "Sec 8-1" not in near
    assert "75. Sec 7-4" in least and "200 sections in all" in least
    # With headings alone, all sections' prompts begin alike, and the neighbors follow.
    assert view_plan(plan, 2, Detail.HEADINGS) == headings
    beside = neighbors(plan, number, Detail.HEADINGS)
    assert "74. Sec 7-3" in beside and "all of 7" in beside and "Sec 7-4" not in beside
    assert neighbors(plan, number, Detail.FULL) == ""
    line = headings_line(plan, number, Detail.FULL)
    assert line.startswith("Chapter 0; Chapter 1; ") and line.endswith(
        "Chapter 7: " + "; ".join(f"Sec 7-{index}" for index in range(10))
    )


def test_a_flat_plan_is_shown_whole_while_it_fits() -> None:
    plan = plan_of(300, 300)
    assert view_plan(plan, 1, Detail.FULL).splitlines()[1].startswith(f"2. {title_of(2)}: ")
    assert headings_line(plan, 2, Detail.LEAST) == f"{title_of(1)}; {title_of(2)}"


@pytest.mark.parametrize(("profile", "context"), [("chat", 4096), ("chat", 32_768), ("base", 2048)])
async def test_the_plan_of_a_long_book_leaves_room_for_writing_it(profile: str, context: int) -> None:
    plan = book(20, 10)
    last = plan.sections[-1].id
    draft = Draft(
        plan, {section.id: f"Something about {section.id}. " * 30 for section in plan.sections[:-1] if section.words}
    )
    draft.done = {section.id for section in plan.sections[:-1]}
    async with open_studio(Answers(), profile=profile, context_length=context) as studio:
        _, events = await studio.write(replace(BRIEF, words=2000), draft)
        for seen in studio.server.calls:
            await assert_bounded(studio, seen.json, context)
    (started,) = of_kind(SectionStarted, events)
    assert (started.position, started.total) == (200, 200)
    assert "section 200 of 200" in studio.prompts[-1].casefold() or profile == "base"
    assert [section.id for section in plan.sections if section.id not in draft.done] == []
    assert draft.texts[last]


async def assert_bounded(studio: Studio, body: Any, context: int) -> None:
    prompt = body.get("prompt") or "\n".join(message["content"] for message in body["messages"])
    tokens = await studio.agent.model.count_tokens(prompt)
    assert tokens + body["max_tokens"] <= context
    if "<plan>" in prompt:
        shown = prompt.partition("<plan>")[2].partition("</plan>")[0]
        assert await studio.agent.model.count_tokens(shown) <= min(4000, context * 0.3) + 8


class Answers:
    """Writes a long enough answer to every prompt."""

    def __call__(self, body: Any) -> Answer:
        self.calls_made = getattr(self, "calls_made", 0) + 1
        return Answer([f"Line {self.calls_made} {index} of a text that goes on. " for index in range(70)])


def test_every_section_of_a_book_has_its_number() -> None:
    plan = book(3, 2)
    assert section_numbers(plan) == [0, 1, 2, 2, 3, 4, 4, 5, 6]

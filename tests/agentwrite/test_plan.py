"""Planning over real HTTP: after an unusable plan the model is asked again, with the findings, a few times."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from lwtui.agentwrite import Agent, PlanError, direct_plan, make_plan, plan_document, replan_section
from lwtui.agentwrite.events import Event, PlanDelta, PlanReady, PlanRejected, PlanStarted, Retrying
from lwtui.agentwrite.plan_format import Bounds
from lwtui.config import Role
from lwtui.documents.model import Brief, Plan
from lwtui.documents.section_kind import SectionKind
from lwtui.models.base import ModelError
from tests.support.author import Author, plan_text, title_of
from tests.support.fault_server import Answer, Fault
from tests.support.studio import Small, Studio, eventually, of_kind, open_studio, plan_of, prompt_of

BRIEF = Brief("Write about soil and seeds.\nMind the $price.", 1200, seed=5)
BAD = "Sure! What would you like to know?"
GOOD = "Title: Soil\n" + plan_text(4, 1200)


async def failing_plan(studio: Studio, brief: Brief = BRIEF) -> tuple[PlanError, list[Event]]:
    with pytest.raises(PlanError) as caught:
        await studio.plan(brief)
    return caught.value, studio.events


def messages(body: Any) -> list[str]:
    return [message["content"] for message in body["messages"]]


# ---- a plan -----------------------------------------------------------------------------------------------------


async def test_a_good_plan_takes_one_call() -> None:
    async with open_studio(Author(plan=GOOD)) as studio:
        plan, events = await studio.plan(BRIEF)
    assert (plan.title, plan.words, len(plan.sections)) == ("Soil", 1200, 4)
    assert len(studio.server.calls) == 1
    assert isinstance(events[0], PlanStarted) and isinstance(events[-1], PlanReady)
    assert "".join(event.text for event in of_kind(PlanDelta, events)) == GOOD


async def test_the_request_has_the_brief_and_the_bounds() -> None:
    async with open_studio(Author()) as studio:
        await studio.plan(BRIEF)
        await studio.plan(Brief("写一篇关于土壤的文章", 5000, language="zh"))
    english, chinese = studio.prompts
    assert "Mind the $price." in english
    assert "Use 2 to 6 sections" in english and "1200 words" in english
    assert "Use 5 to 25 sections" in chinese and "5000 characters" in chinese and "in Chinese" in chinese


@pytest.mark.parametrize("words", [300, 5_000, 20_000])
async def test_documents_of_any_length_are_planned(words: int) -> None:
    async with open_studio(Author()) as studio:
        plan, _ = await studio.plan(Brief("A long one", words))
    assert plan.words == words
    assert all(100 <= section.words <= 1000 for section in plan.sections)


async def test_a_base_model_continues_an_outline_line_by_line() -> None:
    async with open_studio(Author(), profile="base") as studio:
        plan, events = await studio.plan(BRIEF)
    assert (plan.title, len(plan.sections), plan.words) == ("Soil and seeds", 5, 1200)
    assert [section.title for section in plan.sections] == [title_of(number) for number in range(1, 6)]
    assert studio.prompts[0].endswith("\nTitle: Soil and seeds\n1.")
    assert studio.prompts[1].endswith(f"\nTitle: Soil and seeds\n1. {title_of(1)}:")
    assert not of_kind(PlanRejected, events)


async def test_an_unusable_line_is_sampled_again_alone() -> None:
    author = Author()
    seen: list[str] = []

    def repeats_itself_once(body: Any) -> Answer:
        line = body["prompt"].rsplit("\n", 1)[-1]
        if line == "2." and "2." not in seen:
            seen.append(line)
            return Answer([f" {title_of(1)}"])
        return author(body)

    async with open_studio(repeats_itself_once, profile="base") as studio:
        plan, events = await studio.plan(BRIEF)
    assert len(plan.sections) == 5
    (rejected,) = of_kind(PlanRejected, events)
    assert "each must differ" in rejected.findings[0]
    assert len(studio.server.calls) == 5 * 2 + 2


async def test_a_line_copied_from_the_example_is_rejected() -> None:
    author = Author()
    copied: list[str] = []

    def copies_once(body: Any) -> Answer:
        if body["prompt"].endswith("\n3.") and not copied:
            copied.append("3.")
            return Answer([" Checking the brakes"])
        return author(body)

    async with open_studio(copies_once, profile="base") as studio:
        plan, events = await studio.plan(BRIEF)
    assert "Checking the brakes" not in [section.title for section in plan.sections]
    (rejected,) = of_kind(PlanRejected, events)
    assert "copies the example" in rejected.findings[0]


async def test_a_server_with_json_schemas_is_asked_for_json() -> None:
    rows = [{"title": title_of(index), "main_point": f"all about {index}", "words": 300} for index in range(1, 5)]
    answer = json.dumps({"title": "Soil", "sections": rows})
    async with open_studio(Author(plan=answer), constrain="json_schema") as studio:
        plan, _ = await studio.plan(BRIEF)
    assert (plan.title, len(plan.sections)) == ("Soil", 4)
    body = studio.server.calls[0].json
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["title", "sections"]
    assert "one JSON object" in prompt_of(body)


@pytest.mark.parametrize(("language", "gap"), [("en", " "), ("de", " "), ("zh", ""), ("ja", "")])
async def test_a_chinese_plan_has_no_space_before_its_texts(language: str, gap: str) -> None:
    """Small models cannot put together the parts into which a space divides the character after it."""
    async with open_studio(Author(), constrain="grammar") as studio:
        brief = replace(BRIEF, language=language)
        can = studio.agent.model.capabilities
        plan = studio.agent.prompts.plan(brief, Bounds.of(brief.words, 0), can, None).grammar
        step = studio.agent.prompts.replan(brief, plan_of(300, 300), 1, can).grammar
    assert plan.startswith(f'root ::= "Title:{gap}" title')
    assert f'"Paragraph 1 - Main Point:{gap}" line' in plan
    assert f'"Paragraph 1 - Main Point:{gap}" heading ":{gap}" detail' in step


async def test_a_model_with_grammars_gets_a_grammar() -> None:
    async with open_studio(Author(), constrain="grammar") as studio:
        await studio.plan(BRIEF)
    assert studio.server.calls[0].json["grammar"].startswith("root ::= ")


# ---- repair -----------------------------------------------------------------------------------------------------


async def test_a_plan_is_asked_for_again_with_the_findings() -> None:
    async with open_studio(Author(plan=lambda attempt: BAD if attempt == 1 else GOOD)) as studio:
        plan, events = await studio.plan(BRIEF)
    assert plan.title == "Soil"
    assert [event.attempt for event in of_kind(PlanStarted, events)] == [1, 2]
    (rejected,) = of_kind(PlanRejected, events)
    assert rejected.attempt == 1 and "'Sure! What would you like to know?'" in rejected.findings[0]
    first, second = (seen.json for seen in studio.server.calls)
    system, asked, came, repair = messages(second)
    assert [system, asked] == messages(first)  # the prompt only grows, so that a cache keeps it
    assert came == BAD
    assert f"- {rejected.findings[0]}" in repair
    assert first["seed"] != second["seed"]


async def test_a_small_model_is_asked_anew_since_it_copies_what_it_is_shown() -> None:
    good = Author()
    async with open_studio(lambda body: ["No."] if len(studio.server.calls) == 1 else good(body)) as studio:
        studio.agent.model = Small(studio.agent.model)
        await studio.plan(BRIEF)
    assert good.asked == ["plan"]
    assert studio.prompts[0] == studio.prompts[1]


@pytest.mark.parametrize(("small", "calls"), [(True, 3), (False, 2)])
async def test_a_small_model_has_one_more_try_before_a_repetitive_plan_is_taken(small: bool, calls: int) -> None:
    step = "Paragraph {number} - Main Point: Soil holds water, air and life - Word Count: 300 words"
    repetitive = "\n".join(step.format(number=number) for number in range(1, 5))
    async with open_studio(Author(plan=lambda attempt: repetitive if attempt < 3 else GOOD)) as studio:
        if small:
            studio.agent.model = Small(studio.agent.model)
        plan, _ = await studio.plan(BRIEF)
    assert len(studio.server.calls) == calls
    assert (plan.title == "Soil") is small


async def test_an_answer_that_repeats_its_steps_is_ended_and_used() -> None:
    again = "Paragraph {number} - Main Point: Earth: What soil is made of - Word Count: 300 words\n"
    endless = GOOD + "".join(again.format(number=number) for number in range(5, 60))
    async with open_studio(Author(plan=endless)) as studio:
        plan, events = await studio.plan(BRIEF)
    assert len(studio.server.calls) == 1 and plan.title == "Soil"
    assert len("".join(event.text for event in of_kind(PlanDelta, events))) < len(endless) / 2


async def test_a_plan_is_repaired_at_most_three_times() -> None:
    for last_chance in (GOOD, BAD):
        async with open_studio(Author(plan=lambda attempt, last=last_chance: last if attempt == 4 else BAD)) as studio:
            if last_chance == GOOD:
                await studio.plan(BRIEF)
            else:
                await failing_plan(studio)
        assert len(studio.server.calls) == 4
        assert len(of_kind(PlanRejected, studio.events)) == (3 if last_chance == GOOD else 4)


async def test_giving_up_is_one_clear_line_with_the_last_answer() -> None:
    async with open_studio(Author(plan=lambda attempt: f"{BAD}\nThat was try {attempt}.")) as studio:
        error, _ = await failing_plan(studio)
    assert "no usable plan in 4 tries" in str(error) and "\n" not in str(error)
    assert error.raw.endswith("That was try 4.")
    assert "Sure!" in error.findings[0]


async def test_giving_up_on_a_base_model_keeps_its_last_line() -> None:
    async with open_studio(lambda _: [" ?!"], profile="base") as studio:
        error, _ = await failing_plan(studio)
    assert error.raw == "Title: Soil and seeds\n1. ?!: ?!"
    assert "no usable step 1 of the plan in 8 tries" in str(error)


@pytest.mark.parametrize("answer", ["", "   \n"])
async def test_an_empty_answer_is_a_finding(answer: str) -> None:
    async with open_studio(lambda _: Answer([answer] if answer else [])) as studio:
        error, _ = await failing_plan(studio)
    assert error.findings == ("It has no steps.",)
    assert any("(nothing)" in message for message in messages(studio.server.calls[-1].json))


async def test_an_endless_answer_does_not_overflow_the_repair() -> None:
    author = Author(plan="\n".join(f"Line {number} of a text that is no plan." for number in range(5000)))
    async with open_studio(author, context_length=4096) as studio:
        await failing_plan(studio)
        for seen in studio.server.calls:
            prompt = "\n".join(messages(seen.json))
            assert await studio.agent.model.count_tokens(prompt) + seen.json["max_tokens"] <= 4096
    assert messages(studio.server.calls[1].json)[3].count("\n- ") <= 12


async def test_a_cut_off_answer_is_rejected_even_if_it_looks_complete() -> None:
    cut = Answer([GOOD], finish="length")
    answers = iter([cut, Answer([GOOD])])
    async with open_studio(lambda _: next(answers)) as studio:
        _, events = await studio.plan(BRIEF)
    (rejected,) = of_kind(PlanRejected, events)
    assert "cut off" in rejected.findings[0]


async def test_control_characters_reach_neither_plan_nor_events() -> None:
    pieces = [*GOOD.replace("Soil", "\x1b[31mSo\x07il")]
    async with open_studio(lambda _: Answer(pieces)) as studio:
        plan, events = await studio.plan(BRIEF)
    assert plan.title == "Soil"
    assert "".join(event.text for event in of_kind(PlanDelta, events)) == GOOD


# ---- faults -----------------------------------------------------------------------------------------------------


async def test_faults_do_not_change_the_plan() -> None:
    faults = [
        Fault.http(429, retry_after="0.05"), Fault.http(500), Fault.cut(3), Fault.malformed(2), Fault.utf8(1)
    ]  # fmt: skip
    async with open_studio(Author(piece=2)) as studio:
        expected, _ = await studio.plan(BRIEF)
    async with open_studio(Author(piece=2), faults) as studio:
        plan, events = await studio.plan(BRIEF)
    assert plan.to_dict() == expected.to_dict()
    waits = of_kind(Retrying, events)
    assert [wait.fault for wait in waits] == ["rate-limit", "server", "dropped", "malformed", "malformed"]
    assert waits[0].delay == 0.05
    assert len({seen.json["seed"] for seen in studio.server.calls}) == 1


async def test_a_permanent_fault_is_a_model_error() -> None:
    async with open_studio(Author(), [Fault.http(401)]) as studio:
        with pytest.raises(ModelError) as caught:
            await studio.plan(BRIEF)
    assert caught.value.kind == "auth"


async def test_a_reasoning_model_gets_more_tokens() -> None:
    async with open_studio(Author(thinks=5000, plan=GOOD)) as studio:
        plan, events = await studio.plan(BRIEF)
    assert plan.title == "Soil"
    rooms = [seen.json["max_tokens"] for seen in studio.server.calls]
    assert rooms == [rooms[0] * 2**number for number in range(len(rooms))]
    assert [event.fault for event in of_kind(Retrying, events)] == ["no-answer"] * (len(rooms) - 1)


async def test_a_model_that_only_reasons_is_given_up_with_a_clear_line() -> None:
    async with open_studio(Author(thinks=10**9)) as studio:
        with pytest.raises(ModelError) as caught:
            await studio.plan(BRIEF)
    assert caught.value.kind == "no-answer"
    assert len(studio.server.calls) <= 5
    assert max(seen.json["max_tokens"] for seen in studio.server.calls) < 32_768


async def test_a_brief_that_fills_the_context_is_an_error_without_a_call() -> None:
    async with open_studio(Author(), context_length=2048) as studio:
        with pytest.raises(ModelError) as caught:
            await studio.plan(Brief("word " * 5000, 1200))
    assert caught.value.kind == "context"
    assert not studio.server.calls


async def test_closing_the_iterator_ends_the_call() -> None:
    async with open_studio(Author(delay=0.05)) as studio:
        async with aclosing(make_plan(studio.agent, BRIEF)) as events:
            async for event in events:
                if isinstance(event, PlanDelta):
                    break
        assert await eventually(lambda: studio.server.calls[0].hung_up)
        # No task is left running.
        assert len(studio.server.calls) == 1


async def test_the_coroutine_and_the_iterator_give_the_same_events_and_plan() -> None:
    emitted: list[Event] = []

    async def emit(event: Event) -> None:
        emitted.append(event)

    async with open_studio(Author(plan=lambda attempt: BAD if attempt % 2 else GOOD)) as studio:
        plan, events = await studio.plan(BRIEF)
        returned = await plan_document(studio.agent, BRIEF, emit)
        quietly = await plan_document(studio.agent, BRIEF)
    assert returned.to_dict() == plan.to_dict() == quietly.to_dict()
    assert emitted[-1] == PlanReady(returned)
    assert emitted[:-1] == events[:-1]


# ---- another idea for one section -------------------------------------------------------------------------------


async def replanned(answer: Callable[[Any], Any], plan: Plan, section_id: str, **more: Any) -> tuple[Plan, Studio]:
    async with open_studio(answer, **more) as studio:

        async def emit(event: Event) -> None:
            studio.events.append(event)

        new = await replan_section(studio.agent, BRIEF, plan, section_id, emit)
    assert not of_kind(PlanReady, studio.events)
    return new, studio


NEW = "Paragraph 2 - Main Point: Water: how much it takes - Word Count: 999 words"


async def test_another_idea_keeps_the_target_the_id_and_the_neighbors() -> None:
    plan = plan_of(300, 400, 500)
    new, studio = await replanned(lambda _: [NEW], plan, "s2")
    assert (new.sections[0], new.sections[2]) == (plan.sections[0], plan.sections[2])
    changed = new.sections[1]
    assert (changed.title, changed.main_point) == ("Water", "how much it takes")
    assert (changed.words, changed.id) == (400, "s2")
    assert "what part 2 is about" in studio.prompts[0]


async def test_another_idea_keeps_the_level_and_the_kind() -> None:
    plan = plan_of(300, 400)
    table = replace(plan.sections[1], level=2, kind=SectionKind.TABLE)
    new, _ = await replanned(lambda _: [NEW], plan.with_section(table), "s2")
    assert (new.sections[1].level, new.sections[1].kind) == (2, SectionKind.TABLE)
    other, _ = await replanned(lambda _: [NEW.replace(" - Word", " - Kind: list - Word")], plan, "s2")
    assert other.sections[1].kind is SectionKind.LIST


async def test_a_base_model_samples_the_line_again() -> None:
    answers = iter([[" Water"], [" how much of it a plant takes"]])
    new, studio = await replanned(lambda _: next(answers), plan_of(300, 400), "s2", profile="base")
    changed = new.sections[1]
    assert (changed.title, changed.main_point) == ("Water", "how much of it a plant takes")
    assert (changed.words, changed.id) == (400, "s2")
    assert studio.prompts[0].endswith("\n2.")


@pytest.mark.parametrize(
    "useless",
    [
        "I would rather not.",
        "Paragraph 2 - Main Point: Part bace: what part 2 is about - Word Count: 9 words",  # the present idea
        "Paragraph 2 - Main Point: Other: what part 1 is about - Word Count: 9 words",  # another section's idea
    ],
)
async def test_an_unusable_idea_is_asked_for_again(useless: str) -> None:
    answers = iter([[useless], [NEW]])
    new, studio = await replanned(lambda _: next(answers), plan_of(300, 400), "s2")
    assert new.sections[1].title == "Water"
    assert len(of_kind(PlanRejected, studio.events)) == 1
    first, second = studio.server.calls
    assert first.json["seed"] != second.json["seed"]


async def test_the_plan_is_unchanged_if_no_idea_comes() -> None:
    with pytest.raises(PlanError) as caught:
        await replanned(lambda _: ["No."], plan_of(300, 400), "s2")
    assert caught.value.raw == "No."


async def test_an_unknown_section_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        await replanned(lambda _: [NEW], plan_of(300, 400), "elsewhere")


def test_direct_mode_has_one_section_without_a_heading() -> None:
    plan = direct_plan(BRIEF)
    assert plan.title == "Soil and seeds"
    assert [(section.title, section.main_point, section.words) for section in plan.sections] == [
        ("", BRIEF.instruction, 1200)
    ]


async def test_seeds_follow_from_the_briefs_seed_and_differ() -> None:
    def seed(agent: Agent, brief: Brief, salt: int) -> int | None:
        from tests.support.served import CHAT

        return agent.prepared(CHAT, brief, salt, role=Role.PLAN).seed

    async with open_studio(Author()) as studio:
        agent = studio.agent
        assert seed(agent, BRIEF, 1) == seed(agent, BRIEF, 1)
        drawn = {seed(agent, Brief("x", 9, seed=base), salt) for base in range(40) for salt in range(40)}
        assert len(drawn) == 1600
        assert all(value is not None and 0 <= value < 2**31 for value in drawn)
        assert seed(agent, Brief("x", 9), 1) is None

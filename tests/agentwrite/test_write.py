"""Whole documents over real HTTP: in order, side by side, in one call; interrupted anywhere and continued."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lwtui.agentwrite import Draft, RetryPolicy, direct_plan, write
from lwtui.agentwrite.events import (
    Continuing,
    DocumentFinished,
    Event,
    Grounded,
    Retrying,
    SectionFinished,
    SectionStarted,
    TextDelta,
)
from lwtui.documents.model import Brief, Mode, Origin, Plan, Section, Status
from lwtui.models.base import ModelError
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import Usage
from lwtui.text import count_words
from tests.support.author import Author, sentence, title_of
from tests.support.fault_server import Answer, Fault
from tests.support.studio import (
    QUICK,
    doubled,
    eventually,
    flat,
    of_kind,
    open_studio,
    plan_of,
    texts,
    words,
)

BRIEF = Brief("Write about things", 1000, seed=4)
SIDE_BY_SIDE = replace(BRIEF, mode=Mode.PARALLEL)
DIRECT = replace(BRIEF, mode=Mode.DIRECT)
FOUR = (250, 250, 250, 250)


def begins(number: int, text: str) -> bool:
    """Whether a text is the beginning of what the author says in a section."""
    return flat("".join(sentence(number, at) for at in range(200))).startswith(flat(text))


def common(one: str, other: str) -> str:
    """The beginning that two texts share."""
    differs = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return one[: next(differs, min(len(one), len(other)))]


async def document(author: Callable[[Any], Any], brief: Brief = BRIEF, plan: Plan | None = None, **more: Any) -> Draft:
    async with open_studio(author, **more) as studio:
        draft, _ = await studio.write(brief, plan or plan_of(*FOUR))
    return draft


# ---- in order ---------------------------------------------------------------------------------------------------


async def test_sections_are_written_in_order() -> None:
    async with open_studio(Author()) as studio:
        draft, events = await studio.write(BRIEF, plan_of(*FOUR))
    started = of_kind(SectionStarted, events)
    assert [event.section_id for event in started] == ["s1", "s2", "s3", "s4"]
    assert [(event.position, event.total, event.resumed, event.keep) for event in started] == [
        (at, 4, False, 0) for at in range(1, 5)
    ]
    finished = of_kind(SectionFinished, events)
    assert [event.section_id for event in finished] == ["s1", "s2", "s3", "s4"]
    assert all(begins(number, text) for number, text in enumerate(texts(draft), 1))
    last = events[-1]
    assert isinstance(last, DocumentFinished)
    assert (last.length, last.target) == (words(draft), 1000)
    assert last.usage == sum((event.usage for event in finished), Usage())


@pytest.mark.parametrize("profile", ["chat", "base"])
async def test_each_prompt_begins_as_the_last_one_did_and_holds_all_text_so_far(profile: str) -> None:
    """So a backend's prefix cache serves all but the end."""
    async with open_studio(Author(pace=0.6), profile=profile) as studio:
        draft, _ = await studio.write(BRIEF, plan_of(*FOUR))
        prompts = studio.prompts
    assert len(prompts) >= 4
    written = texts(draft)
    for earlier, later in pairwise(prompts):
        shared = common(earlier, later)
        whole = [text for text in written if text in earlier]
        assert all(text in shared for text in whole)
        assert title_of(4) in shared  # the plan too
    assert all(text in prompts[-1] for text in written[:3])


async def test_the_last_section_is_told_to_close_and_the_others_not_to() -> None:
    async with open_studio(Author(pace=0.5)) as studio:
        await studio.write(BRIEF, plan_of(500, 500))
    for prompt in studio.prompts:
        of_two = "ection 2 of 2" in prompt
        assert ("bring the text to its end" in prompt) == of_two
        assert ("do not conclude" in prompt) != of_two


PACES: dict[str, float | Callable[[int, int], float]] = {
    "as asked": 1.0,
    "0.6": 0.6,
    "0.8": 0.8,
    "1.1": 1.1,
    "1.4": 1.4,
    "3": 3.0,
    "wild": lambda number, call: (0.3, 2.5, 0.7, 1.2, 1.9, 0.5)[(number + call) % 6],
    "shorter and shorter": lambda number, call: 1.3 / number,
    "longer and longer": lambda number, call: 0.4 * number,
}


@pytest.mark.parametrize("name", PACES)
@pytest.mark.parametrize("profile", ["chat", "base"])
async def test_a_document_keeps_its_length_whatever_its_author_does(name: str, profile: str) -> None:
    async with open_studio(Author(pace=PACES[name]), profile=profile) as studio:
        draft, events = await studio.write(replace(BRIEF, words=2000), plan_of(300, 450, 200, 350, 300, 400))
    # A chat model that writes ever less of what it is asked for is not driven on.
    assert (1900 if profile == "base" or name != "shorter and shorter" else 1650) <= words(draft) <= 2100
    for event in of_kind(SectionFinished, events):
        assert event.length - event.target <= max(0.15 * event.target, 13)
        if profile == "base":
            assert event.target - event.length <= max(0.15 * event.target, 13)
    assert all(begins(number, text) for number, text in enumerate(texts(draft), 1))
    assert not doubled(draft)


@pytest.mark.parametrize("profile", ["chat", "base"])
async def test_a_chinese_document_keeps_its_length_in_characters(profile: str) -> None:
    brief = replace(BRIEF, words=1600, language="zh")
    async with open_studio(Author(pace=0.7, language="zh"), profile=profile) as studio:
        draft, _ = await studio.write(brief, plan_of(400, 400, 400, 400))
    assert 1520 <= words(draft) <= 1680
    assert not doubled(draft)
    assert profile == "base" or "characters" in studio.prompts[0]


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.floats(0.3, 2.5), min_size=1, max_size=6), st.lists(st.integers(120, 400), min_size=2, max_size=6))
async def test_a_document_keeps_its_length_at_any_pace(paces: list[float], targets: list[int]) -> None:
    author = Author(pace=lambda number, call: paces[(number + call) % len(paces)], piece=3)
    async with open_studio(author) as studio:
        draft, _ = await studio.write(replace(BRIEF, words=sum(targets)), plan_of(*targets))
    assert words(draft) - sum(targets) <= max(0.1 * sum(targets), 32)
    assert sum(targets) - words(draft) <= 0.4 * sum(targets)
    assert not doubled(draft)


async def test_text_by_hand_counts_and_is_left_alone() -> None:
    plan = plan_of(*FOUR)
    draft = Draft(plan, {"s2": sentence(9, 1) * 25}, {"s2"})
    before = draft.texts["s2"]
    async with open_studio(Author()) as studio:
        await studio.write(BRIEF, draft)
    assert draft.texts["s2"] == before
    assert 950 <= words(draft) <= 1050
    assert len(studio.server.calls) == 3
    assert before.strip() in studio.prompts[-1]


async def test_plan_and_texts_may_change_while_sections_stream() -> None:
    draft = Draft(plan_of(*FOUR))
    async with open_studio(Author()) as studio, aclosing(write(studio.agent, BRIEF, draft)) as events:
        async for event in events:
            draft.apply(event)
            if isinstance(event, SectionFinished) and event.section_id == "s1":
                step = draft.plan.sections[3]
                draft.plan = replace(draft.plan, sections=(*draft.plan.sections[:2], step))  # s3 is deleted
                draft.plan = draft.plan.with_section(replace(step, main_point="something new"))
    assert list(draft.texts) == ["s1", "s2", "s4"]
    assert "something new" in studio.prompts[-1]


async def test_a_plan_without_open_sections_takes_no_call() -> None:
    draft = Draft(plan_of(250), {"s1": "Done."}, {"s1"})
    async with open_studio(Author()) as studio:
        _, events = await studio.write(BRIEF, draft)
    assert [type(event) for event in events] == [DocumentFinished]
    assert not studio.server.calls


# ---- only some --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("brief", [BRIEF, SIDE_BY_SIDE], ids=["in order", "side by side"])
async def test_only_the_chosen_sections_are_written_anew(brief: Brief) -> None:
    async with open_studio(Author()) as studio:
        draft, _ = await studio.write(brief, plan_of(*FOUR))
        before = dict(draft.texts)
        draft.texts["s2"] = draft.texts["s4"] = "Something else stood here. "
        _, events = await studio.write(brief, draft, only={"s2", "s4"})
    started = of_kind(SectionStarted, events)
    assert sorted(event.section_id for event in started) == ["s2", "s4"]
    assert all(event.keep == 0 and event.target == 250 for event in started)
    assert {"s1": before["s1"], "s3": before["s3"]}.items() <= draft.texts.items()
    assert begins(2, draft.texts["s2"]) and begins(4, draft.texts["s4"])
    assert 210 <= count_words(draft.texts["s2"]) <= 290


async def test_writing_anew_with_the_same_seed_draws_another_text() -> None:
    seeds = []
    async with open_studio(Author()) as studio:
        draft, _ = await studio.write(BRIEF, plan_of(250))
        for text in (draft.texts["s1"], "Another text stood here.", "And another."):
            draft.texts["s1"] = text
            await studio.write(BRIEF, draft, only={"s1"})
        seeds = [seen.json["seed"] for seen in studio.server.calls]
        # But the whole run can be had again.
        await studio.write(BRIEF, plan_of(250))
        assert studio.server.calls[-1].json["seed"] == seeds[0]
    assert len(seeds) == len(set(seeds)) == 4


async def test_a_chosen_section_that_was_interrupted_is_continued() -> None:
    begun = sentence(2, 0).lstrip()
    draft = Draft(plan_of(*FOUR), {"s1": "Done.", "s2": begun}, {"s1"})
    async with open_studio(Author()) as studio:
        _, events = await studio.write(BRIEF, draft, only=["s2"])
    (started,) = of_kind(SectionStarted, events)
    assert started.resumed and started.keep == len(begun)
    assert draft.texts["s2"].startswith(begun) and "s3" not in draft.texts


async def test_no_section_chosen_is_none_written() -> None:
    async with open_studio(Author()) as studio:
        _, events = await studio.write(BRIEF, plan_of(*FOUR), only=[])
    assert [type(event) for event in events] == [DocumentFinished]


# ---- side by side -----------------------------------------------------------------------------------------------


async def test_sections_side_by_side_overlap_and_each_text_is_where_it_belongs() -> None:
    async with open_studio(Author(delay=0.002, piece=4)) as studio:
        draft, events = await studio.write(SIDE_BY_SIDE, plan_of(*[120] * 9))
    assert all(begins(number, text) for number, text in enumerate(texts(draft), 1))
    assert all(abs(count_words(text) - 120) <= 18 for text in texts(draft))
    at_once, most = set(), 0
    for event in events:
        if isinstance(event, SectionStarted):
            at_once.add(event.section_id)
        elif isinstance(event, SectionFinished):
            at_once.remove(event.section_id)
        most = max(most, len(at_once))
    assert most == studio.agent.model.capabilities.parallel == 4
    # Their text really comes by turns.
    turns = [event.section_id for event in of_kind(TextDelta, events)]
    assert sum(one != other for one, other in pairwise(turns)) > 20
    assert isinstance(events[-1], DocumentFinished)


@pytest.mark.parametrize("name", PACES)
async def test_sections_side_by_side_keep_the_documents_length_too(name: str) -> None:
    draft = await document(Author(pace=PACES[name], piece=2), replace(SIDE_BY_SIDE, words=1500), plan_of(*[250] * 6))
    assert (1380 if name != "shorter and shorter" else 1200) <= words(draft) <= 1650
    assert not doubled(draft)


async def test_prompts_side_by_side_show_the_plan_and_no_others_text() -> None:
    async with open_studio(Author()) as studio:
        draft, _ = await studio.write(SIDE_BY_SIDE, plan_of(*FOUR))
    for prompt in studio.prompts:
        assert title_of(1) in prompt and title_of(4) in prompt
        assert not any(text[:60] in prompt for text in texts(draft))


async def test_an_error_in_one_stops_the_others_and_keeps_their_text() -> None:
    author = Author(delay=0.02)

    def refuses_the_third(body: Any) -> Answer:
        answer = author(body)
        if "Write section 3 of" in body["messages"][-1]["content"]:
            return replace(answer, pieces=answer.pieces[:20], finish="content_filter")
        return answer

    async with open_studio(refuses_the_third) as studio:
        draft, events = await studio.write(SIDE_BY_SIDE, plan_of(*[400] * 6), may_fail=True)
        assert studio.error is not None and studio.error.kind == "refused"
        assert await eventually(lambda: sum(seen.hung_up for seen in studio.server.calls) == 3)
    assert len(studio.server.calls) == 4  # nothing was begun after it
    assert not of_kind(DocumentFinished, events)
    assert all(begins(number, draft.texts[f"s{number}"]) for number in range(1, 5))
    assert all(len(draft.texts[f"s{number}"]) > 50 for number in range(1, 5))
    # And the rest can be written afterwards.
    async with open_studio(Author()) as studio:
        await studio.write(SIDE_BY_SIDE, draft)
    assert all(begins(number, text) for number, text in enumerate(texts(draft), 1))
    assert not doubled(draft)


async def test_a_fault_in_one_is_waited_out_while_the_others_go_on() -> None:
    expected = await document(Author(), SIDE_BY_SIDE)
    faults = [None, Fault.http(429, retry_after="0.05"), Fault.cut(20), None, Fault.http(500)]
    async with open_studio(Author(delay=0.0005), faults) as studio:
        draft, events = await studio.write(SIDE_BY_SIDE, plan_of(*FOUR))
    assert [flat(text) for text in texts(draft)] == [flat(text) for text in texts(expected)]
    assert len({event.section_id for event in of_kind(Retrying, events)}) >= 2


async def test_closing_ends_all_calls_at_once() -> None:
    async with open_studio(Author(delay=0.05)) as studio:
        draft = Draft(plan_of(*[400] * 6))
        async with aclosing(write(studio.agent, SIDE_BY_SIDE, draft)) as events:
            async for event in events:
                draft.apply(event)
                if sum(map(len, draft.texts.values())) > 60:
                    break
        assert len(studio.server.calls) == 4
        assert await eventually(lambda: all(seen.hung_up for seen in studio.server.calls))


def running() -> set[asyncio.Task[Any]]:
    """Tasks that are not the server's. (The HTTP library leaves some clean-up to the loop's next turns.)"""
    return {task for task in asyncio.all_tasks() if not any(name in repr(task) for name in ("FaultServer", "Stream"))}


@pytest.mark.parametrize("mode", [Mode.PARALLEL, Mode.AGENTWRITE])
async def test_a_run_can_be_cancelled_at_any_point(mode: Mode) -> None:
    """After any number of turns of the loop, cancelling ends the run soon and leaves nothing running."""
    brief = replace(BRIEF, mode=mode)
    author = Author(piece=4)
    async with open_studio(author, [None, Fault.cut(3), Fault.http(500)] * 300) as studio:

        async def consume(draft: Draft, events: list[Event]) -> None:
            async with aclosing(write(studio.agent, brief, draft)) as source:
                async for event in source:
                    draft.apply(event)
                    events.append(event)

        before = running()
        for turns in [*range(40), *range(40, 400, 13)]:
            draft = Draft(plan_of(60, 60, 60, 60, 60))
            task = asyncio.create_task(consume(draft, []))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task}, timeout=5)
            assert task.done()
            assert await eventually(lambda: running() == before)
            for section in draft.sections():
                assert begins(int(section.id[1:]), section.text)


@pytest.mark.parametrize("events_read", [0, 1, 2, 63, 64, 65, 130])
@pytest.mark.parametrize("close", ["close", "cancel", "throw"])
async def test_a_reader_that_lags_behind_can_leave_at_any_point(events_read: int, close: str) -> None:
    """The writers wait for their events to be read; leaving then neither hangs nor leaves them behind."""
    async with open_studio(Author()) as studio:
        before = running()
        source = write(studio.agent, SIDE_BY_SIDE, Draft(plan_of(*[300] * 5)))

        async def read() -> None:
            async with aclosing(source):
                for _ in range(events_read):
                    await anext(source)
                if events_read:
                    await asyncio.sleep(0.1)  # each writer has an event to tell
                if close == "throw":
                    raise ZeroDivisionError
                if close == "cancel":
                    await asyncio.sleep(60)

        task = asyncio.create_task(read())
        await asyncio.sleep(0.15 if events_read else 0.02)
        if close == "cancel":
            task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.done()
        if close == "throw":
            assert isinstance(task.exception(), ZeroDivisionError)
        assert await eventually(lambda: running() == before)


@pytest.mark.parametrize(("brief", "workers"), [(BRIEF, 1), (SIDE_BY_SIDE, 4)], ids=["in order", "side by side"])
async def test_a_reader_that_pauses_holds_the_writers_back(brief: Brief, workers: int) -> None:
    """Each event is a rendezvous: a writer does nothing more until the reader asks for the next one."""
    draft, tracker = Draft(plan_of(*[300] * 8)), UsageTracker()
    started = heard = 0
    paused: set[type[Event]] = set()
    async with open_studio(Author()) as studio:
        async with aclosing(write(studio.agent, brief, draft, tracker=tracker)) as events:
            async for event in events:
                draft.apply(event)
                heard += count_words(event.text) if isinstance(event, TextDelta) else 0
                if type(event) not in paused:
                    paused.add(type(event))
                    await asyncio.sleep(0.2)
                    calls, pieces = len(studio.server.calls), tracker.pieces
                    # No call is made before its section's start was read, and none before the one before it is over.
                    assert calls <= started
                    # Of each answer no more than the next piece (here a word) is taken; the rest waits in the sockets.
                    assert pieces <= heard + workers * 10
                    await asyncio.sleep(0.1)
                    assert (calls, pieces) == (len(studio.server.calls), tracker.pieces)
                started += isinstance(event, SectionStarted)
        assert len(studio.server.calls) == 8
    assert {Grounded, SectionStarted, TextDelta, SectionFinished, DocumentFinished} <= paused
    assert all(begins(number, text) for number, text in enumerate(texts(draft), 1))


# ---- in one call ------------------------------------------------------------------------------------------------


async def test_direct_mode_takes_one_call_and_leaves_the_length_to_the_model() -> None:
    for pace in (0.6, 1.0, 1.4):
        async with open_studio(Author(pace=pace)) as studio:
            draft, events = await studio.write(DIRECT, direct_plan(DIRECT))
        assert len(studio.server.calls) == 1
        assert words(draft) == pytest.approx(1000 * pace, abs=16)
        assert begins(1, texts(draft)[0])
        assert not of_kind(Continuing, events)
    assert "about 1000 words" in studio.prompts[0]


async def test_direct_mode_goes_on_only_where_the_call_was_cut_by_length() -> None:
    class Short(Author):
        def __call__(self, body: Any) -> Answer:
            return super().__call__(body | {"max_tokens": min(body["max_tokens"], 600)})

    async with open_studio(Short()) as studio:
        draft, events = await studio.write(DIRECT, direct_plan(DIRECT))
    assert len(studio.server.calls) >= 3
    assert len(of_kind(Continuing, events)) == len(studio.server.calls) - 1
    assert begins(1, texts(draft)[0])
    assert 950 <= words(draft) <= 1050


async def test_direct_mode_gives_one_call_all_the_room_that_the_context_has() -> None:
    brief = replace(DIRECT, words=8000)
    async with open_studio(Author(piece=20), context_length=32_768) as studio:
        draft, _ = await studio.write(brief, direct_plan(brief))
    assert len(studio.server.calls) == 1
    assert studio.server.calls[0].json["max_tokens"] > 20_000
    assert 7950 <= words(draft) <= 8050


async def test_a_direct_text_that_never_ends_is_ended() -> None:
    async with open_studio(Author(pace=1000, piece=30), context_length=200_000) as studio:
        draft, _ = await studio.write(replace(DIRECT, words=300), direct_plan(replace(DIRECT, words=300)))
    assert words(draft) <= 1100
    assert begins(1, texts(draft)[0])


async def test_direct_mode_with_a_base_model_ends_at_the_length() -> None:
    def endless(body: Any) -> Answer:
        return Answer([sentence(1, at) for at in range(400)], finish="length")

    draft = await document(endless, DIRECT, direct_plan(DIRECT), profile="base")
    assert 950 <= words(draft) <= 1050


async def test_a_checkpoint_with_a_raw_shape_is_asked_in_it() -> None:
    async with open_studio(lambda _: ["A text."], profile="longwriter-llama3.1") as studio:
        await studio.write(DIRECT, direct_plan(DIRECT))
    body = studio.server.calls[0].json
    assert body["prompt"].startswith("[INST]Write about things") and body["prompt"].endswith("[/INST]")
    assert body["temperature"] == 0.5


# ---- faults -----------------------------------------------------------------------------------------------------

FAULTS = [
    *(Fault.http(429, retry_after="0.03"), Fault.http(500), Fault.cut(60), None),
    *(Fault.stall(60, after=40), Fault.malformed(30), None),
    *(Fault.utf8(80), Fault.garbage(2), None),
    *(Fault.ends(77), None),
]


@pytest.mark.parametrize("profile", ["chat", "base"])
@pytest.mark.parametrize("mode", [Mode.AGENTWRITE, Mode.PARALLEL])
async def test_the_same_document_comes_out_whole_through_all_faults(mode: Mode, profile: str) -> None:
    brief = replace(BRIEF, mode=mode)
    expected = await document(Author(), brief, profile=profile)
    async with open_studio(Author(), FAULTS, profile=profile, stall_seconds=0.3) as studio:
        draft, events = await studio.write(brief, plan_of(*FOUR))
    assert not doubled(draft)
    assert all(begins(number, text) for number, text in enumerate(texts(draft), 1))
    if mode is Mode.AGENTWRITE and profile == "base":
        assert flat("\n\n".join(texts(draft))) == flat("\n\n".join(texts(expected)))
    assert abs(words(draft) - words(expected)) <= 60  # a chat model is asked for about so many more words
    retries = of_kind(Retrying, events)
    assert len(retries) == sum(fault is not None for fault in FAULTS)
    assert {"rate-limit", "server", "dropped", "stalled", "malformed"} == {event.fault for event in retries}
    assert [event.delay for event in retries if event.fault == "rate-limit"] == [0.03]


async def test_faults_between_all_events_double_nothing() -> None:
    faults = [Fault.cut(number) for number in range(1, 120, 2)]
    async with open_studio(Author(), faults, policy=replace(QUICK, attempts=200)) as studio:
        draft, events = await studio.write(BRIEF, plan_of(*FOUR))
    assert len(of_kind(Retrying, events)) > 20
    assert all(begins(number, text) for number, text in enumerate(texts(draft), 1))
    assert not doubled(draft)
    assert 950 <= words(draft) <= 1050


async def test_the_total_limit_gives_up_with_one_line_and_keeps_everything() -> None:
    policy = RetryPolicy(attempts=1000, first_delay=0.02, most_delay=0.02, total_seconds=0.3)
    author = Author()
    async with open_studio(author, [None, None, Fault.cut(60), *[Fault.http(503)] * 1000], policy=policy) as studio:
        draft, events = await studio.write(BRIEF, plan_of(*FOUR), may_fail=True)
    assert studio.error is not None and studio.error.kind == "server"
    assert "\n" not in str(studio.error) and "Gave up after" in str(studio.error)
    assert len(of_kind(SectionFinished, events)) == 2
    assert begins(3, draft.texts["s3"]) and len(draft.texts["s3"]) > 100
    assert [section.status for section in draft.sections()] == [Status.DONE] * 2 + [Status.PARTIAL, Status.EMPTY]
    async with open_studio(author) as studio:
        await studio.write(BRIEF, draft)
    assert 950 <= words(draft) <= 1050 and not doubled(draft)


# ---- continuing after an interruption -----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.AGENTWRITE, Mode.PARALLEL])
@pytest.mark.parametrize("profile", ["chat", "base"])
async def test_a_run_that_was_left_at_any_event_can_be_continued(mode: Mode, profile: str) -> None:
    brief = Brief("Write about things", 180, mode=mode)
    author = Author(pace=0.7, restates=1, piece=3)
    async with open_studio(author, profile=profile) as studio:
        _, events = await studio.write(brief, plan_of(60, 60, 60))
        for stop in range(len(events)):
            draft, _ = await studio.write(brief, plan_of(60, 60, 60), stop_after=stop + 1)
            before = dict(draft.texts)
            await studio.write(brief, draft)
            assert all(section.is_written for section in draft.sections())  # what was left may have become short
            for number, text in enumerate(texts(draft), 1):
                assert begins(number, text)
                kept = before.get(f"s{number}", "")
                assert flat(text).startswith(flat(kept[: kept.rfind(".") + 1]))
            assert not doubled(draft)
            assert abs(words(draft) - 180) <= 60


async def test_a_run_may_be_left_again_and_again() -> None:
    draft = Draft(plan_of(*FOUR))
    async with open_studio(Author()) as studio:
        for _ in range(200):
            _, events = await studio.write(BRIEF, draft, stop_after=23)
            if isinstance(events[-1], DocumentFinished):
                break
        else:
            raise AssertionError("it got no further")
    assert all(begins(number, text) for number, text in enumerate(texts(draft), 1))
    assert not doubled(draft)
    assert 950 <= words(draft) <= 1050


async def test_a_draft_may_be_changed_between_two_runs() -> None:
    mine = "My own beginning stands here. It is as long as this."
    draft = Draft(plan_of(150, 150))
    async with open_studio(Author()) as studio:
        await studio.write(BRIEF, draft, stop_after=30)
        assert begins(1, draft.texts["s1"]) and len(draft.texts["s1"]) > len(mine)
        draft.texts["s1"] = mine
        _, events = await studio.write(BRIEF, draft)
    started = of_kind(SectionStarted, events)[0]
    assert (started.section_id, started.keep) == ("s1", len(mine))
    assert draft.texts["s1"].startswith(mine)
    assert [one.length for one in of_kind(SectionFinished, events)] == [count_words(text) for text in texts(draft)]


class ByHand(Draft):
    """A draft whose texts were all typed by a person."""

    def sections(self) -> list[Section]:
        return [replace(section, origin=Origin.USER) for section in super().sections()]


async def test_text_by_hand_is_continued_and_never_shortened() -> None:
    typed = "I typed this myself, in some haste. I typed this myself, in some haste. And this has no en"
    for count in (1, 9, 40):
        draft = ByHand(plan_of(200, 200), {"s1": typed * count})
        async with open_studio(Author(pace=0.5, restates=2)) as studio:
            await studio.write(replace(BRIEF, words=400), draft)
        assert draft.texts["s1"].startswith(typed * count)
        assert draft.texts["s2"]


# ---- errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(Mode))
async def test_a_fault_that_lasts_is_raised_as_it_is(mode: Mode) -> None:
    brief = replace(BRIEF, mode=mode)
    async with open_studio(Author(), [Fault.http(401)] * 9) as studio:
        with pytest.raises(ModelError) as caught:
            await studio.write(brief, direct_plan(brief) if mode is Mode.DIRECT else plan_of(*FOUR))
    assert caught.value.kind == "auth"

"""What a model is shown of the text so far: no prompt ever overflows, and nothing is left out in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lwtui.agentwrite import Draft, direct_plan
from lwtui.agentwrite.context import ContextBuilder, EarlierText
from lwtui.agentwrite.events import ContextTrimmed, Event, Retrying, SectionFinished, SectionStarted, SummaryMade
from lwtui.documents.model import Brief, Mode, Section, Status
from lwtui.models.base import ModelError
from lwtui.models.metering import UsageTracker
from lwtui.text import count_words
from tests.support.author import Author, sentence, title_of
from tests.support.fault_server import Answer, Fault
from tests.support.studio import Studio, doubled, flat, of_kind, open_studio, plan_of, sentences, texts, words

BRIEF = Brief("Write about things", 2400, seed=4)


def prose(number: int, count: int) -> str:
    return "".join(sentence(number, at) for at in range(count)).lstrip()


def section(number: int, text: str) -> Section:
    return Section(f"s{number}", title_of(number), "point", 200, Status.DONE, text, count_words(text))


async def fitted(
    studio: Studio, context: ContextBuilder, earlier: Sequence[Section], budget: int
) -> tuple[EarlierText, list[Event]]:
    """What is shown, and the events but for those of each summary."""
    told: list[Event] = []

    async def hear(event: Event) -> None:
        if not isinstance(event, SummaryMade):
            told.append(event)

    return await context.fit(studio.agent, earlier, budget, "now", hear), told


def nothing_overflows(studio: Studio, context_length: int) -> None:
    """The author's tokens are four characters each; the model's own count is the more careful one."""
    for seen in studio.server.calls:
        messages = seen.json.get("messages") or [{"content": seen.json["prompt"]}]
        tokens = sum(len(message["content"]) for message in messages) / 4
        assert tokens + seen.json["max_tokens"] <= context_length
        assert seen.json["max_tokens"] >= 60


# ---- what is chosen ---------------------------------------------------------------------------------------------


async def test_everything_is_shown_while_it_fits() -> None:
    earlier = [section(number, prose(number, 10)) for number in (1, 2, 3)]
    async with open_studio(Author()) as studio:
        text, told = await fitted(studio, ContextBuilder(studio.agent, BRIEF), earlier, 10_000)
    assert not told and not studio.server.calls
    assert all(one.text in text.text and f"## {one.title}" in text.text for one in earlier)


async def test_what_does_not_fit_becomes_summaries_and_an_event_says_so() -> None:
    earlier = [section(number, prose(number, 12)) for number in range(1, 9)]
    async with open_studio(Author()) as studio:
        text, told = await fitted(studio, ContextBuilder(studio.agent, BRIEF), earlier, 1200)
        count = await studio.agent.model.count_tokens(text.text)
    assert count <= 1200
    assert earlier[-1].text in text.text  # the end, word for word
    assert earlier[0].text not in text.text
    assert text.text.startswith("[Notes on the earlier sections")
    summarised = [one for one in earlier if one.text not in text.text]
    assert all(one.title in text.text for one in summarised)
    assert studio.author.asked.count("summary") == len(summarised)
    (trimmed,) = told
    assert isinstance(trimmed, ContextTrimmed)
    assert trimmed.full_tokens > 1200 >= trimmed.sent_tokens == text.tokens
    assert trimmed.summary_tokens + trimmed.tail_tokens == trimmed.sent_tokens
    assert list(text.summaries) == [one.id for one in summarised] and all(text.summaries.values())
    assert text.whole == tuple(earlier[len(summarised) :])


async def test_the_border_moves_in_strides_and_summaries_are_made_once() -> None:
    earlier = [section(number, prose(number, 12)) for number in range(1, 31)]
    borders, heads = [], []
    async with open_studio(Author()) as studio:
        context = ContextBuilder(studio.agent, BRIEF)
        for count in range(1, 31):
            text, _ = await fitted(studio, context, earlier[:count], 2400)
            assert await studio.agent.model.count_tokens(text.text) <= 2400
            verbatim = [one for one in earlier[:count] if one.text in text.text]
            assert verbatim == earlier[count - len(verbatim) : count]
            borders.append(count - len(verbatim))
            heads.append(text.text[:200])
    assert borders == sorted(borders)
    assert len(set(borders)) < 15  # it stays for several sections
    assert studio.author.asked.count("summary") == borders[-1]


async def test_where_not_even_the_last_section_fits_its_end_does() -> None:
    earlier = [section(1, prose(1, 10)), section(2, prose(2, 200))]
    async with open_studio(Author()) as studio:
        text, told = await fitted(studio, ContextBuilder(studio.agent, BRIEF), earlier, 800)
        assert await studio.agent.model.count_tokens(text.text) <= 800
    assert text.text.endswith(earlier[1].text[-200:])
    tail = text.text.split("[End of notes]\n\n")[1]
    assert tail in earlier[1].text and sentences(tail)[0] in sentences(earlier[1].text)  # from a sentence's beginning
    assert told


@pytest.mark.parametrize("budget", [0, 1, 5, 20, 60])
async def test_next_to_no_room_is_still_no_overflow(budget: int) -> None:
    earlier = [section(number, prose(number, 12)) for number in range(1, 6)]
    async with open_studio(Author()) as studio:
        text, told = await fitted(studio, ContextBuilder(studio.agent, BRIEF), earlier, budget)
        assert await studio.agent.model.count_tokens(text.text) <= budget
    assert told


async def test_a_text_without_sentences_is_cut_too() -> None:
    async with open_studio(Author()) as studio:
        context = ContextBuilder(studio.agent, BRIEF)
        for text in ("word " * 2000, "字" * 4000, "x" * 9000):
            end = await context.end_of(text, 100)
            assert text.endswith(end) and end
            assert await studio.agent.model.count_tokens(end) <= 100
        assert await context.end_of("Short.", 100) == "Short."
        assert await context.end_of("Short.", 0) == ""


async def test_a_base_model_has_summaries_of_first_and_last_sentences() -> None:
    earlier = [section(number, prose(number, 12)) for number in range(1, 9)]
    async with open_studio(Author(), profile="base") as studio:
        text, _ = await fitted(studio, ContextBuilder(studio.agent, BRIEF), earlier, 1200)
    assert not studio.server.calls
    assert text.text.startswith("## In short")
    assert sentence(1, 0).strip() in text.text and sentence(1, 11).strip() in text.text


@pytest.mark.parametrize(
    "answer", [Answer([]), Answer(["Some"], finish="content_filter"), Answer([], reasoning=["Hm."], finish="length")]
)
async def test_summaries_that_the_model_does_not_make_are_first_and_last_sentences(answer: Answer) -> None:
    earlier = [section(number, prose(number, 12)) for number in range(1, 5)]
    async with open_studio(lambda _: answer) as studio:
        text, _ = await fitted(studio, ContextBuilder(studio.agent, BRIEF), earlier, 750)
    assert f"{title_of(2)}: {sentence(2, 0).strip()} … {sentence(2, 11).strip()}" in text.text


async def test_summaries_come_through_faults_and_without_control_characters() -> None:
    def dirty(_: Any) -> Answer:
        return Answer(["\x1b[31mred\x1b[0m", "\n\nnotes\x07"])

    earlier = [section(number, prose(number, 12)) for number in range(1, 5)]
    async with open_studio(dirty, [Fault.cut(1), Fault.http(500)]) as studio:
        task = UsageTracker().task("summaries")
        studio.agent = studio.agent.metered(task)
        text, told = await fitted(studio, ContextBuilder(studio.agent, BRIEF), earlier, 700)
        answered = len(studio.server.calls) - 2
    assert f"{title_of(1)}: red notes\n" in text.text
    assert [type(item) for item in told] == [Retrying, Retrying, ContextTrimmed]
    # The server reports 7 tokens an answer; the call that was cut counts by what came of it.
    assert 7 * answered < task.usage.completion < 7 * (answered + 1)


async def test_a_fault_that_lasts_while_summaries_are_made_is_raised() -> None:
    earlier = [section(number, prose(number, 12)) for number in range(1, 5)]
    async with open_studio(Author(), [Fault.http(401)]) as studio:
        with pytest.raises(ModelError) as caught:
            await fitted(studio, ContextBuilder(studio.agent, BRIEF), earlier, 700)
    assert caught.value.kind == "auth"


# ---- whole documents --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["chat", "base"])
@pytest.mark.parametrize("context_length", [1600, 2500, 4096])
async def test_a_document_far_longer_than_the_context_is_written_whole(context_length: int, profile: str) -> None:
    async with open_studio(Author(piece=3), profile=profile, context_length=context_length) as studio:
        draft, events = await studio.write(BRIEF, plan_of(*[200] * 12))
        nothing_overflows(studio, context_length)
    assert 2280 <= words(draft) <= 2520
    assert not doubled(draft)
    trimmed = of_kind(ContextTrimmed, events)
    assert trimmed and all(event.sent_tokens < event.full_tokens for event in trimmed)
    order = [type(event) for event in events]
    assert order.index(ContextTrimmed) < len(order) - 1 - order[::-1].index(SectionStarted)
    assert ("summary" in studio.author.asked) == (profile == "chat")
    if profile == "chat":
        finished = of_kind(SectionFinished, events)
        assert sum(event.usage.completion for event in finished) > sum(map(len, texts(draft))) // 4


@pytest.mark.parametrize("profile", ["chat", "base"])
async def test_one_section_longer_than_the_context_is_continued_from_its_end(profile: str) -> None:
    brief = replace(BRIEF, words=4000)
    async with open_studio(Author(piece=5), profile=profile, context_length=2500) as studio:
        draft, events = await studio.write(brief, plan_of(300, 3400, 300))
        nothing_overflows(studio, 2500)
    assert 3800 <= words(draft) <= 4200
    assert not doubled(draft)
    long = draft.texts["s2"]
    assert flat("".join(sentence(2, at) for at in range(600))).startswith(flat(long))
    assert any(event.section_id == "s2" and event.full_tokens > 2500 for event in of_kind(ContextTrimmed, events))


async def test_a_direct_text_longer_than_the_context_is_continued_from_its_end() -> None:
    brief = replace(BRIEF, words=3000, mode=Mode.DIRECT)
    async with open_studio(Author(piece=5), context_length=2000) as studio:
        draft, events = await studio.write(brief, direct_plan(brief))
        nothing_overflows(studio, 2000)
    assert flat("".join(sentence(1, at) for at in range(600))).startswith(flat(texts(draft)[0]))
    assert 2850 <= words(draft) <= 3150
    assert of_kind(ContextTrimmed, events)


async def test_chinese_in_a_small_context() -> None:
    brief = replace(BRIEF, words=3000, language="zh")
    async with open_studio(Author(language="zh"), context_length=2500) as studio:
        draft, events = await studio.write(brief, plan_of(*[300] * 10))
        nothing_overflows(studio, 2500)
    assert 2850 <= words(draft) <= 3150
    assert not doubled(draft) and of_kind(ContextTrimmed, events)


async def test_a_model_that_thinks_in_a_small_context() -> None:
    async with open_studio(Author(thinks=900, piece=3), context_length=4096) as studio:
        draft, _ = await studio.write(replace(BRIEF, words=1200), plan_of(*[200] * 6))
        nothing_overflows(studio, 4096)
    assert 1140 <= words(draft) <= 1260


async def test_a_brief_that_fills_the_context_is_told_without_a_call() -> None:
    async with open_studio(Author(), context_length=1000) as studio:
        with pytest.raises(ModelError) as caught:
            await studio.write(replace(BRIEF, instruction="word " * 600), plan_of(*[200] * 60))
    assert caught.value.kind == "context"
    assert "brief and the plan take" in str(caught.value) and "fewer sections" in str(caught.value)
    assert not studio.server.calls


async def test_going_on_with_a_long_text_in_a_small_context() -> None:
    begun = prose(2, 150)
    draft = Draft(plan_of(200, 2400, 200), {"s1": prose(1, 14), "s2": begun}, {"s1"})
    async with open_studio(Author(piece=3), context_length=2048) as studio:
        await studio.write(BRIEF, draft)
        nothing_overflows(studio, 2048)
    assert draft.texts["s2"].startswith(begun)
    assert not doubled(draft)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(
    targets=st.lists(st.integers(40, 900), min_size=1, max_size=7),
    context_length=st.integers(1400, 5000),
    profile=st.sampled_from(["chat", "base"]),
    pace=st.floats(0.4, 1.6),
    thinks=st.sampled_from([0, 0, 200]),
)
async def test_nothing_overflows_whatever_the_lengths(
    targets: list[int], context_length: int, profile: str, pace: float, thinks: int
) -> None:
    author = Author(pace=pace, thinks=thinks if profile == "chat" else 0, piece=8)
    async with open_studio(author, profile=profile, context_length=context_length) as studio:
        draft, _ = await studio.write(replace(BRIEF, words=sum(targets)), plan_of(*targets))
        nothing_overflows(studio, context_length)
    assert not doubled(draft)
    assert abs(words(draft) - sum(targets)) <= max(0.06 * sum(targets), 20)


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(0, 40), max_size=9),
    budgets=st.lists(st.integers(0, 3000), min_size=1, max_size=4),
)
async def test_what_is_shown_always_fits(lengths: list[int], budgets: list[int]) -> None:
    earlier = [section(number, prose(number, count)) for number, count in enumerate(lengths, 1)]
    async with open_studio(Author(), profile="base") as studio:
        context = ContextBuilder(studio.agent, BRIEF)
        for budget in budgets:  # of one section after the other
            text, told = await fitted(studio, context, earlier, budget)
            tokens = await studio.agent.model.count_tokens(text.text)
            assert tokens <= budget + 2  # what stands between two parts
            assert bool(told) or all(one.text in text.text for one in earlier)

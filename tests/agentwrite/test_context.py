"""The earlier text in a prompt: no prompt ever overflows, and every cut is reported."""

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
    return "".join(sentence(number, index) for index in range(count)).lstrip()


def section(number: int, text: str) -> Section:
    return Section(f"s{number}", title_of(number), "point", 200, Status.DONE, text, count_words(text))


async def fit_earlier(
    studio: Studio, context: ContextBuilder, earlier: Sequence[Section], budget: int
) -> tuple[EarlierText, list[Event]]:
    """Return the earlier text, and the events except those for summaries."""
    events: list[Event] = []

    async def on_event(event: Event) -> None:
        if not isinstance(event, SummaryMade):
            events.append(event)

    return await context.fit(studio.agent, earlier, budget, "now", on_event), events


def nothing_overflows(studio: Studio, context_length: int) -> None:
    """Assert that all prompts fit. The author counts four characters per token; the model's own count is higher."""
    for seen in studio.server.calls:
        messages = seen.json.get("messages") or [{"content": seen.json["prompt"]}]
        tokens = sum(len(message["content"]) for message in messages) / 4
        assert tokens + seen.json["max_tokens"] <= context_length
        assert seen.json["max_tokens"] >= 60


# ---- what is chosen ---------------------------------------------------------------------------------------------


async def test_everything_is_shown_while_it_fits() -> None:
    earlier = [section(number, prose(number, 10)) for number in (1, 2, 3)]
    async with open_studio(Author()) as studio:
        text, events = await fit_earlier(studio, ContextBuilder(studio.agent, BRIEF), earlier, 10_000)
    assert not events and not studio.server.calls
    assert all(section.text in text.text and f"## {section.title}" in text.text for section in earlier)


async def test_text_that_does_not_fit_is_summarized_and_an_event_reports_it() -> None:
    earlier = [section(number, prose(number, 12)) for number in range(1, 9)]
    async with open_studio(Author()) as studio:
        text, events = await fit_earlier(studio, ContextBuilder(studio.agent, BRIEF), earlier, 1200)
        count = await studio.agent.model.count_tokens(text.text)
    assert count <= 1200
    assert earlier[-1].text in text.text  # the last section, verbatim
    assert earlier[0].text not in text.text
    assert text.text.startswith("[Notes on the earlier sections")
    summarized = [section for section in earlier if section.text not in text.text]
    assert all(section.title in text.text for section in summarized)
    assert studio.author.asked.count("summary") == len(summarized)
    (trimmed,) = events
    assert isinstance(trimmed, ContextTrimmed)
    assert trimmed.full_tokens > 1200 >= trimmed.sent_tokens == text.tokens
    assert trimmed.summary_tokens + trimmed.tail_tokens == trimmed.sent_tokens
    assert list(text.summaries) == [section.id for section in summarized] and all(text.summaries.values())
    assert text.whole == tuple(earlier[len(summarized) :])


async def test_the_border_moves_in_strides_and_each_section_is_summarized_once() -> None:
    earlier = [section(number, prose(number, 12)) for number in range(1, 31)]
    borders, heads = [], []
    async with open_studio(Author()) as studio:
        context = ContextBuilder(studio.agent, BRIEF)
        for count in range(1, 31):
            text, _ = await fit_earlier(studio, context, earlier[:count], 2400)
            assert await studio.agent.model.count_tokens(text.text) <= 2400
            verbatim = [section for section in earlier[:count] if section.text in text.text]
            assert verbatim == earlier[count - len(verbatim) : count]
            borders.append(count - len(verbatim))
            heads.append(text.text[:200])
    assert borders == sorted(borders)
    assert len(set(borders)) < 15  # the border stays for several sections
    assert studio.author.asked.count("summary") == borders[-1]


async def test_only_the_end_of_a_last_section_that_does_not_fit_is_shown() -> None:
    earlier = [section(1, prose(1, 10)), section(2, prose(2, 200))]
    async with open_studio(Author()) as studio:
        text, events = await fit_earlier(studio, ContextBuilder(studio.agent, BRIEF), earlier, 800)
        assert await studio.agent.model.count_tokens(text.text) <= 800
    assert text.text.endswith(earlier[1].text[-200:])
    tail = text.text.split("[End of notes]\n\n")[1]
    assert tail in earlier[1].text and sentences(tail)[0] in sentences(earlier[1].text)  # from the start of a sentence
    assert events


@pytest.mark.parametrize("budget", [0, 1, 5, 20, 60])
async def test_a_tiny_budget_does_not_overflow(budget: int) -> None:
    earlier = [section(number, prose(number, 12)) for number in range(1, 6)]
    async with open_studio(Author()) as studio:
        text, events = await fit_earlier(studio, ContextBuilder(studio.agent, BRIEF), earlier, budget)
        assert await studio.agent.model.count_tokens(text.text) <= budget
    assert events


async def test_a_text_without_sentences_is_cut() -> None:
    async with open_studio(Author()) as studio:
        context = ContextBuilder(studio.agent, BRIEF)
        for text in ("word " * 2000, "字" * 4000, "x" * 9000):
            end = await context.end_of(text, 100)
            assert text.endswith(end) and end
            assert await studio.agent.model.count_tokens(end) <= 100
        assert await context.end_of("Short.", 100) == "Short."
        assert await context.end_of("Short.", 0) == ""


async def test_for_a_base_model_summaries_are_first_and_last_sentences() -> None:
    earlier = [section(number, prose(number, 12)) for number in range(1, 9)]
    async with open_studio(Author(), profile="base") as studio:
        text, _ = await fit_earlier(studio, ContextBuilder(studio.agent, BRIEF), earlier, 1200)
    assert not studio.server.calls
    assert text.text.startswith("## In short")
    assert sentence(1, 0).strip() in text.text and sentence(1, 11).strip() in text.text


@pytest.mark.parametrize(
    "answer", [Answer([]), Answer(["Some"], finish="content_filter"), Answer([], reasoning=["Hm."], finish="length")]
)
async def test_a_failed_summary_is_replaced_by_first_and_last_sentences(answer: Answer) -> None:
    earlier = [section(number, prose(number, 12)) for number in range(1, 5)]
    async with open_studio(lambda _: answer) as studio:
        text, _ = await fit_earlier(studio, ContextBuilder(studio.agent, BRIEF), earlier, 750)
    assert f"{title_of(2)}: {sentence(2, 0).strip()} … {sentence(2, 11).strip()}" in text.text


async def test_summaries_survive_faults_and_have_no_control_characters() -> None:
    def dirty(_: Any) -> Answer:
        return Answer(["\x1b[31mred\x1b[0m", "\n\nnotes\x07"])

    earlier = [section(number, prose(number, 12)) for number in range(1, 5)]
    async with open_studio(dirty, [Fault.cut(1), Fault.http(500)]) as studio:
        task = UsageTracker().task("summaries")
        studio.agent = studio.agent.metered(task)
        text, events = await fit_earlier(studio, ContextBuilder(studio.agent, BRIEF), earlier, 700)
        answered = len(studio.server.calls) - 2
    assert f"{title_of(1)}: red notes\n" in text.text
    assert [type(item) for item in events] == [Retrying, Retrying, ContextTrimmed]
    # The server reports 7 tokens per answer; the usage of the call that broke off is estimated.
    assert 7 * answered < task.usage.completion < 7 * (answered + 1)


async def test_a_permanent_fault_during_a_summary_is_raised() -> None:
    earlier = [section(number, prose(number, 12)) for number in range(1, 5)]
    async with open_studio(Author(), [Fault.http(401)]) as studio:
        with pytest.raises(ModelError) as caught:
            await fit_earlier(studio, ContextBuilder(studio.agent, BRIEF), earlier, 700)
    assert caught.value.kind == "auth"


# ---- whole documents --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["chat", "base"])
@pytest.mark.parametrize("context_length", [1600, 2500, 4096])
async def test_a_document_far_longer_than_the_context_is_completed(context_length: int, profile: str) -> None:
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
async def test_a_section_longer_than_the_context_is_continued_from_its_end(profile: str) -> None:
    brief = replace(BRIEF, words=4000)
    async with open_studio(Author(piece=5), profile=profile, context_length=2500) as studio:
        draft, events = await studio.write(brief, plan_of(300, 3400, 300))
        nothing_overflows(studio, 2500)
    assert 3800 <= words(draft) <= 4200
    assert not doubled(draft)
    long = draft.texts["s2"]
    assert flat("".join(sentence(2, index) for index in range(600))).startswith(flat(long))
    assert any(event.section_id == "s2" and event.full_tokens > 2500 for event in of_kind(ContextTrimmed, events))


async def test_a_direct_text_longer_than_the_context_is_continued_from_its_end() -> None:
    brief = replace(BRIEF, words=3000, mode=Mode.DIRECT)
    async with open_studio(Author(piece=5), context_length=2000) as studio:
        draft, events = await studio.write(brief, direct_plan(brief))
        nothing_overflows(studio, 2000)
    assert flat("".join(sentence(1, index) for index in range(600))).startswith(flat(texts(draft)[0]))
    assert 2850 <= words(draft) <= 3150
    assert of_kind(ContextTrimmed, events)


async def test_a_small_context_works_in_chinese() -> None:
    brief = replace(BRIEF, words=3000, language="zh")
    async with open_studio(Author(language="zh"), context_length=2500) as studio:
        draft, events = await studio.write(brief, plan_of(*[300] * 10))
        nothing_overflows(studio, 2500)
    assert 2850 <= words(draft) <= 3150
    assert not doubled(draft) and of_kind(ContextTrimmed, events)


async def test_a_small_context_works_with_a_reasoning_model() -> None:
    async with open_studio(Author(thinks=900, piece=3), context_length=4096) as studio:
        draft, _ = await studio.write(replace(BRIEF, words=1200), plan_of(*[200] * 6))
        nothing_overflows(studio, 4096)
    assert 1140 <= words(draft) <= 1260


async def test_a_brief_that_fills_the_context_is_an_error_without_a_call() -> None:
    async with open_studio(Author(), context_length=1000) as studio:
        with pytest.raises(ModelError) as caught:
            await studio.write(replace(BRIEF, instruction="word " * 600), plan_of(*[200] * 60))
    assert caught.value.kind == "context"
    assert not studio.server.calls


async def test_a_small_context_works_when_a_long_text_is_continued() -> None:
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
async def test_no_prompt_overflows_whatever_the_lengths(
    targets: list[int], context_length: int, profile: str, pace: float, thinks: int
) -> None:
    author = Author(pace=pace, thinks=thinks if profile == "chat" else 0, piece=8)
    async with open_studio(author, profile=profile, context_length=context_length) as studio:
        draft, _ = await studio.write(replace(BRIEF, words=sum(targets)), plan_of(*targets))
        nothing_overflows(studio, context_length)
    assert not doubled(draft)
    tolerance = 0.06 if profile == "base" else 0.22  # a chat model's own ends are accepted
    assert abs(words(draft) - sum(targets)) <= max(tolerance * sum(targets), 30)


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(0, 40), max_size=9),
    budgets=st.lists(st.integers(0, 3000), min_size=1, max_size=4),
)
async def test_the_earlier_text_always_fits_the_budget(lengths: list[int], budgets: list[int]) -> None:
    earlier = [section(number, prose(number, count)) for number, count in enumerate(lengths, 1)]
    async with open_studio(Author(), profile="base") as studio:
        context = ContextBuilder(studio.agent, BRIEF)
        for budget in budgets:  # for successive sections
            text, events = await fit_earlier(studio, context, earlier, budget)
            tokens = await studio.agent.model.count_tokens(text.text)
            assert tokens <= budget + 2  # the separator between two parts
            assert bool(events) or all(section.text in text.text for section in earlier)

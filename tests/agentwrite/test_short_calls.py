"""Short calls return complete answers, despite faults and reasoning that takes all tokens."""

from __future__ import annotations

from typing import Any

import pytest

from lwtui.agentwrite.events import Event, PlanDelta, PlanVoided, Retrying
from lwtui.agentwrite.run_state import RunState
from lwtui.agentwrite.short_calls import ShortAnswer, ask, ask_once, retries_only
from lwtui.models.base import ModelError
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import Usage
from tests.support.fault_server import Answer, Fault
from tests.support.served import CHAT
from tests.support.studio import of_kind, open_studio

STORY = ["Once ", "upon ", "a ", "time."]


class EmittedEvents(list[Event]):
    """The events of a call."""

    async def emit(self, event: Event) -> None:
        self.append(event)


async def test_an_answer_is_complete_and_its_usage_is_counted() -> None:
    events, task = EmittedEvents(), UsageTracker().task("an answer")
    async with open_studio(lambda _: Answer(STORY), [Fault.cut(2), Fault.http(500)]) as studio:
        answer = await ask_once(studio.agent.metered(task), CHAT, events.emit)
    assert answer == ShortAnswer("Once upon a time.", "stop")
    assert [event.fault for event in of_kind(Retrying, events)] == ["dropped", "server"]
    assert [type(event) for event in events] == [*[PlanDelta] * 2, *[Retrying] * 2, *[PlanDelta] * 4]
    # The usage of the call that broke off is estimated.
    assert task.usage.completion > 7 and task.usage.prompt > 11


async def test_the_usage_is_what_the_server_reports() -> None:
    task = UsageTracker().task("an answer")
    async with open_studio(lambda _: Answer(STORY)) as studio:
        await ask_once(studio.agent.metered(task), CHAT)
    assert task.usage == Usage(11, 7)


@pytest.mark.parametrize("way", [ask, ask_once])
async def test_retries_only_emits_no_text(way: Any) -> None:
    events = EmittedEvents()
    async with open_studio(lambda _: Answer(STORY), [Fault.cut(2)]) as studio:
        answer = await way(studio.agent, CHAT, retries_only(events.emit))
    assert answer.text == "Once upon a time."
    assert [type(event) for event in events] == [Retrying]


async def test_an_answer_is_filled_in_as_it_streams_and_restarts_after_a_fault() -> None:
    into, seen = ShortAnswer(), []

    async def emit(event: Event) -> None:
        seen.append(into.text)

    async with open_studio(lambda _: Answer(STORY), [Fault.cut(2)]) as studio:
        assert await ask(studio.agent, CHAT, emit, into) is into
    assert seen == ["Once ", "Once upon ", "Once upon ", "Once ", "Once upon ", "Once upon a ", "Once upon a time."]


async def test_reasoning_that_takes_all_tokens_gets_twice_as_many_and_the_agent_remembers() -> None:
    def thinks(body: Any) -> Answer:
        if body["max_tokens"] < 200:
            return Answer(reasoning=["Hm. "] * 3, finish="length")
        return Answer(STORY, reasoning=["Hm. "])

    events = EmittedEvents()
    async with open_studio(thinks) as studio:
        answer = await ask(studio.agent, CHAT, events.emit)
        assert (answer.text, answer.thought, answer.cut) == ("Once upon a time.", True, False)
        assert [seen.json["max_tokens"] for seen in studio.server.calls] == [50, 100, 200]
        assert [event.fault for event in of_kind(Retrying, events)] == ["no-answer"] * 2
        assert studio.agent.limits.reasoning_tokens == 100
        await ask(studio.agent, CHAT)
        assert studio.server.calls[-2].json["max_tokens"] == 150  # in addition to the answer's own tokens
        answer = await ask_once(studio.agent, CHAT)  # without a second try
    assert (answer.text, answer.cut) == ("", True)


async def test_text_that_was_reasoning_is_taken_back() -> None:
    state, events = RunState(), EmittedEvents()
    state.apply(PlanDelta("Chapter 1\n"))

    async def emit(event: Event) -> None:
        await events.emit(event)
        state.apply(event)

    async with open_studio(lambda _: ["Okay, the user ", "wants a plan.\n", "</think>\n\n", "Title: A Plan"]) as studio:
        answer = await ask(studio.agent, CHAT, emit)
    assert answer.text.strip() == "Title: A Plan" and answer.thought
    (voided,) = of_kind(PlanVoided, events)
    assert voided.characters == len("Okay, the user wants a plan.\n")
    assert state.plan_text.split("\n", 1)[0] == "Chapter 1" and state.plan_text.endswith("Title: A Plan")
    assert "Okay" not in state.plan_text


async def test_a_model_that_only_reasons_is_a_clear_error() -> None:
    async with open_studio(lambda _: Answer(reasoning=["Hm. "], finish="length")) as studio:
        with pytest.raises(ModelError) as caught:
            await ask(studio.agent, CHAT)
    assert caught.value.kind == "no-answer" and "\n" not in str(caught.value)
    assert len(studio.server.calls) == 4

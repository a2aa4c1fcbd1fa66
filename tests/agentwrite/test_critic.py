"""A model's review: findings count only if both of their quotes are in the text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lwtui.agentwrite.critic import CriticEvent, Found, Reading, Reviewed, parse, review
from lwtui.agentwrite.events import Retrying
from lwtui.agentwrite.lint import TextPart
from lwtui.documents.model import Brief
from lwtui.errors import LwtuiError
from lwtui.models.budget import Budget, BudgetReached
from lwtui.models.metering import UsageTracker
from tests.support.author import sentence
from tests.support.fault_server import Answer, Fault
from tests.support.studio import Studio, of_kind, open_studio, prompt_of

BRIEF = Brief("Write a story", 200, seed=1)
PARTS = [
    TextPart("One", "Ada was born in Turin in 1901.\n\nShe had “two brothers” and a dog.", id="s1"),
    TextPart("Two", "In Rome, where she was born, Ada\nlearned to read.\n\nHer only brother left.", id="s2"),
]


def finding(first: str, second: str, kind: str = "contradiction", why: str = "Both cannot be.") -> dict[str, str]:
    return {"kind": kind, "first": first, "second": second, "why": why}


def says(*findings: dict[str, str], facts: tuple[str, ...] = ()) -> Any:
    text = json.dumps({"findings": findings, "facts": facts}, ensure_ascii=False)
    return lambda body: Answer([text[index : index + 7] for index in range(0, len(text), 7)])


async def reviewed(studio: Studio, parts: list[TextPart] = PARTS) -> tuple[Reviewed, list[CriticEvent]]:
    events: list[CriticEvent] = []

    async def on_event(event: CriticEvent) -> None:
        events.append(event)

    return await review(studio.agent, BRIEF, parts, on_event), events


async def test_findings_with_correct_quotes_have_both_places() -> None:
    author = says(
        finding("Ada was born in Turin", "In Rome, where she was born, Ada learned to read."),
        finding('She had "two brothers" and a dog', "her only brother left", "restated", "One\x1b[2J or two?"),
        finding("Ada was born in Paris", "Her only brother left."),  # the first quote is not in the text
        finding("Ada was born in Turin", "Ada was born in Turin"),  # the same place twice
        finding("a dog", "Her only brother left."),  # too short
        finding("Ada was born in Turin", "In Rome, where she was born"),  # a duplicate
    )
    task = UsageTracker().task("a review")
    async with open_studio(author) as studio:
        studio.agent = studio.agent.metered(task)
        result, events = await reviewed(studio)
        prompt = studio.prompts[0]
    assert "## One\n\nAda was born in Turin" in prompt and '"facts" is [].' in prompt
    first, second = (event.finding for event in of_kind(Found, events))
    assert [place.section_id for place in first.places] == ["s2", "s1"]
    later, earlier = first.places
    assert PARTS[1].text[later.start : later.end] == "In Rome, where she was born, Ada\nlearned to read"
    assert PARTS[0].text[earlier.start : earlier.end] == "Ada was born in Turin"
    assert (first.kind, first.message) == ("contradiction", "Both cannot be.")
    assert (second.kind, second.message) == ("restated", "One or two?")
    assert second.places[1].quote == "She had “two brothers” and a dog"
    assert events[0] == Reading(1, 1)
    assert result == Reviewed(found=2, dropped=3)
    assert task.usage.completion > 0


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        ("Here it is:\n```json\n" + json.dumps({"findings": [finding("a", "b")], "facts": ["x"]}) + "\n```", 1),
        (json.dumps([finding("a", "b"), finding("c", "d")]), 2),
        (json.dumps({"findings": [finding("a", "b"), finding("c", "d")]})[:-30], 1),  # cut off
        ("I find nothing wrong.", 0),
        ('{"findings": "none"}', 0),
        ('{"findings": [1, null]}', 0),
        ("{{{", 0),
        ("", 0),
    ],
)
def test_malformed_answers_are_parsed_as_far_as_possible(answer: str, count: int) -> None:
    assert len(parse(answer)[0]) == count


async def test_a_long_document_is_read_in_stretches_whose_facts_are_compared() -> None:
    parts = [
        TextPart(
            f"Title {number}",
            "\n\n".join("".join(sentence(number, index) for index in range(a, a + 5)).strip() for a in range(0, 40, 5)),
        )
        for number in range(1, 9)
    ]
    first, last = sentence(1, 3).strip(), sentence(8, 37).strip()

    def author(body: Any) -> Answer:
        prompt = prompt_of(body)
        if "<sentences>" in prompt:
            return says(finding(first, last))(body)
        return says(facts=tuple(fact for fact in (first, last, "Not in the text at all.") if fact in prompt))(body)

    async with open_studio(author, [Fault.http(500)], context_length=4096) as studio:
        result, events = await reviewed(studio, parts)
        prompts = studio.prompts
    assert len(of_kind(Retrying, events)) == 1
    readings = of_kind(Reading, events)
    assert len(readings) == len(prompts) - 1 == readings[0].total > 2
    assert f"- {first}\n- {last}\n" in prompts[-1] and "Not in the text" not in prompts[-1]
    for part in parts:  # every paragraph is read once
        for paragraph in part.text.split("\n\n"):
            assert sum(paragraph in prompt for prompt in prompts[1:]) == 1
    assert result == Reviewed(found=1, dropped=0)
    (found,) = of_kind(Found, events)
    assert [place.part for place in found.finding.places] == [7, 0]


async def test_findings_before_the_end_of_the_budget_remain() -> None:
    rows = [
        finding("Ada was born in Turin", "In Rome, where she was born", why="One birth."),
        finding("She had “two brothers”", "Her only brother left.", why="One brother."),
    ]
    text = json.dumps({"findings": rows}, ensure_ascii=False)
    cut = text.index("two brothers")
    async with open_studio(lambda _: Answer([text[:cut], *text[cut:]], delay=0.001)) as studio:
        whole, _ = await reviewed(studio)
        assert whole == Reviewed(found=2, dropped=0)
        body = studio.server.calls[0].json
        prompt = await studio.agent.model.count_tokens("\n".join(message["content"] for message in body["messages"]))
        room = await studio.agent.model.count_tokens(text[: cut + 3])  # the second finding is cut off
        tracker = UsageTracker(lambda: Budget(tokens=prompt + room))
        agent = studio.agent.metered(tracker.task("a review", likely_completion=10))
        events: list[CriticEvent] = []

        async def on_event(event: CriticEvent) -> None:
            events.append(event)

        with pytest.raises(BudgetReached):
            await review(agent, BRIEF, PARTS, on_event)
    assert [event.finding.message for event in of_kind(Found, events)] == ["One birth."]


async def test_a_base_model_cannot_review() -> None:
    async with open_studio(says(), profile="base") as studio:
        with pytest.raises(LwtuiError, match="base model, which cannot judge"):
            await reviewed(studio)
        assert not studio.prompts


def test_a_deeply_nested_answer_has_no_findings() -> None:
    assert parse('{"findings": ' + "[" * 200_000) == ([], [])
    assert parse('{"first": ' + "[" * 200_000 + "}") == ([], [])

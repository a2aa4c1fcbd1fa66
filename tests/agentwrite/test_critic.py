"""A model's review: what it finds is believed only where both of its quotes stand in the text."""

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
    return lambda body: Answer([text[at : at + 7] for at in range(0, len(text), 7)])


async def reviewed(studio: Studio, parts: list[TextPart] = PARTS) -> tuple[Reviewed, list[CriticEvent]]:
    events: list[CriticEvent] = []

    async def hear(event: CriticEvent) -> None:
        events.append(event)

    return await review(studio.agent, BRIEF, parts, hear), events


async def test_findings_whose_quotes_stand_in_the_text_have_both_places() -> None:
    author = says(
        finding("Ada was born in Turin", "In Rome, where she was born, Ada learned to read."),
        finding('She had "two brothers" and a dog', "her only brother left", "restated", "One\x1b[2J or two?"),
        finding("Ada was born in Paris", "Her only brother left."),  # the first stands nowhere
        finding("Ada was born in Turin", "Ada was born in Turin"),  # one place alone
        finding("a dog", "Her only brother left."),  # too short to tell
        finding("Ada was born in Turin", "In Rome, where she was born"),  # the same places once more
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
def test_answers_in_other_shapes_are_read_as_far_as_they_go(answer: str, count: int) -> None:
    assert len(parse(answer)[0]) == count


async def test_a_long_document_is_read_in_stretches_whose_facts_are_held_against_each_other() -> None:
    parts = [
        TextPart(
            f"Title {number}",
            "\n\n".join("".join(sentence(number, at) for at in range(a, a + 5)).strip() for a in range(0, 40, 5)),
        )
        for number in range(1, 9)
    ]
    first, last = sentence(1, 3).strip(), sentence(8, 37).strip()

    def author(body: Any) -> Answer:
        prompt = prompt_of(body)
        if "<sentences>" in prompt:
            return says(finding(first, last))(body)
        return says(facts=tuple(one for one in (first, last, "Not in the text at all.") if one in prompt))(body)

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


async def test_what_was_found_before_the_budget_was_used_up_stays_found() -> None:
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
        prompt = await studio.agent.model.count_tokens("\n".join(one["content"] for one in body["messages"]))
        room = await studio.agent.model.count_tokens(text[: cut + 3])  # the second finding is cut off
        tracker = UsageTracker(lambda: Budget(tokens=prompt + room))
        agent = studio.agent.metered(tracker.task("a review", likely_completion=10))
        events: list[CriticEvent] = []

        async def hear(event: CriticEvent) -> None:
            events.append(event)

        with pytest.raises(BudgetReached):
            await review(agent, BRIEF, PARTS, hear)
    assert [event.finding.message for event in of_kind(Found, events)] == ["One birth."]


async def test_a_base_model_cannot_judge() -> None:
    async with open_studio(says(), profile="base") as studio:
        with pytest.raises(LwtuiError, match="base model, which cannot judge"):
            await reviewed(studio)
        assert not studio.prompts


def test_an_answer_that_nests_too_deep_has_no_findings() -> None:
    assert parse('{"findings": ' + "[" * 200_000) == ([], [])
    assert parse('{"first": ' + "[" * 200_000 + "}") == ([], [])

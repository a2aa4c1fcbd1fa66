"""A section far below its length is short, and a refusal is no text. Both are told, and written again on resume."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from lwtui.agentwrite import Draft
from lwtui.agentwrite.events import Redrafting, SectionFinished, TextRolledBack, to_dict
from lwtui.documents.model import Brief, Mode, Plan, Status
from lwtui.text import count_words
from tests.support.author import sentence
from tests.support.studio import of_kind, open_studio, plan_of, prompt_of

BRIEF = Brief("Write about things", 200, seed=3)
REFUSAL = "I'm sorry, but I can't help with that request."


def prose(number: int, words: int) -> str:
    text, index = "", 0
    while count_words(text) < words:
        text += sentence(number, index)
        index += 1
    return text.strip()


def answers(*texts: str) -> Callable[[Any], Sequence[str]]:
    """Answer with these texts, one for each call; the last one again and again."""
    left = list(texts)
    return lambda _: [left.pop(0) if len(left) > 1 else left[0]]


def by_section(*texts: str) -> Callable[[Any], Sequence[str]]:
    """Answer with these texts, one for each section."""
    return lambda body: [texts[int(re.findall(r"[Ss]ection (\d+) of", prompt_of(body))[-1]) - 1]]


async def statuses(author: Callable[[Any], Any], plan: Plan, draft: Draft | None = None, brief: Brief = BRIEF) -> Draft:
    draft = draft or Draft(plan)
    async with open_studio(author) as studio:
        await studio.write(brief, draft)
    return draft


@pytest.mark.parametrize("text", ["Hello there.", "Sure.", "…", prose(1, 30)])
@pytest.mark.parametrize("mode", [Mode.AGENTWRITE, Mode.PARALLEL, Mode.DIRECT])
async def test_a_section_far_below_its_length_is_short(text: str, mode: Mode) -> None:
    async with open_studio(answers(text)) as studio:
        draft, events = await studio.write(Brief("Write about things", 100, mode=mode), plan_of(100), may_fail=True)
    if studio.error is None:
        (finished,) = of_kind(SectionFinished, events)
        assert finished.status is Status.SHORT and to_dict(finished)["status"] == "short"
    (section,) = draft.sections()
    assert section.status in (Status.SHORT, Status.EMPTY)
    assert section.status is Status.SHORT or text == "Sure."  # which is talk, so that no text is left


async def test_a_short_section_had_its_drafts_first() -> None:
    async with open_studio(answers(prose(1, 20))) as studio:
        _, events = await studio.write(BRIEF, plan_of(100, 100), may_fail=True)
    assert len(of_kind(Redrafting, events)) >= 1


@pytest.mark.parametrize("share", [0.62, 0.9, 1.1])
async def test_other_lengths_are_done(share: float) -> None:
    draft = await statuses(answers(prose(1, round(200 * share))), plan_of(200))
    assert [section.status for section in draft.sections()] == [Status.DONE]


@pytest.mark.parametrize(
    "refusal", [REFUSAL, "很抱歉，我无法满足您的请求。", "Leider kann ich diese Anfrage nicht erfüllen."]
)
async def test_a_refusal_is_no_text_and_the_next_section_is_written(refusal: str) -> None:
    async with open_studio(answers(refusal, refusal, prose(2, 100))) as studio:
        draft, events = await studio.write(BRIEF, plan_of(100, 100))
        assert len(studio.server.calls) == 3
    assert [section.status for section in draft.sections()] == [Status.REFUSED, Status.DONE]
    assert draft.texts["s1"] == "" and refusal not in studio.prompts[-1]
    first, second = of_kind(SectionFinished, events)
    assert (first.status, first.refusal, first.length) == (Status.REFUSED, refusal, 0)
    assert (second.status, second.refusal) == (Status.DONE, "")


async def test_a_refusal_is_asked_again_once() -> None:
    draft = await statuses(answers(REFUSAL, prose(1, 100)), plan_of(100))
    assert [section.status for section in draft.sections()] == [Status.DONE]
    assert REFUSAL not in draft.texts["s1"]


async def test_a_run_writes_short_and_refused_sections_again() -> None:
    plan = plan_of(100, 100, 100)
    draft = await statuses(by_section(prose(1, 100), REFUSAL, prose(3, 30)), plan)
    assert [section.status for section in draft.sections()] == [Status.DONE, Status.REFUSED, Status.SHORT]
    first = draft.texts["s1"]
    await statuses(by_section("", prose(2, 100), prose(4, 100)), plan, draft)
    assert [section.status for section in draft.sections()] == [Status.DONE] * 3
    assert draft.texts["s1"] == first


@pytest.mark.parametrize("again", [prose(7, 12), REFUSAL])
async def test_a_short_section_keeps_its_text_if_the_new_one_is_no_better(again: str) -> None:
    plan = plan_of(100)
    draft = await statuses(answers(prose(1, 40)), plan)
    before = draft.texts["s1"]
    await statuses(answers(again), plan, draft)
    assert draft.texts["s1"] == before
    assert [section.status for section in draft.sections()] == [Status.SHORT]


async def test_a_section_that_is_written_anew_keeps_its_text_if_the_model_refuses() -> None:
    draft = await statuses(answers(prose(1, 100)), plan_of(100))
    before = draft.texts["s1"]
    async with open_studio(answers(REFUSAL)) as studio:
        await studio.write(BRIEF, draft, only={"s1"})
        assert of_kind(TextRolledBack, studio.events)
    assert draft.texts["s1"] == before
    assert [section.status for section in draft.sections()] == [Status.DONE]


async def test_the_call_ends_at_a_token_of_the_chat_template() -> None:
    text = prose(1, 100)
    async with open_studio(lambda _: [text, "</s>", *["More. "] * 400]) as studio:
        draft, _ = await studio.write(BRIEF, plan_of(100))
    assert draft.texts["s1"] == text
    assert studio.tracker.usage.completion < 400

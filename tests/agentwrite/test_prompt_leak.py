"""Prompt leaks and other sections' text are found and rolled back, and the section is completed."""

from __future__ import annotations

from typing import Any

import pytest

from lwtui.agentwrite.events import TextRolledBack
from lwtui.agentwrite.prompt_leak import PromptLeakFilter, passages_in
from lwtui.agentwrite.stream_cleaner import heading_key
from lwtui.documents.model import Note
from tests.agentwrite.test_section import PLAN, own, task, written
from tests.support.fault_server import Answer
from tests.support.feeding import feed, look
from tests.support.studio import of_kind

PROMPT = """<brief>
A guide to pots, with the line: Pots are patient.
</brief>
Paragraph 2 - Main Point: Soil: what to fill them with. - Word Count: 150 words
- Give only the text of the section: no heading for it, no notes about the task.
Short line."""
GIVEN = ["A guide to pots, with the line: Pots are patient."]


def keys(*titles: str) -> list[str]:
    return [heading_key(title) for title in titles]


def leak_filter(title: str = "Soil") -> PromptLeakFilter:
    made = PromptLeakFilter(title, keys("Pots", "Soil", "2. Water & light", ""))
    made.set_prompt(PROMPT, GIVEN)
    return made


POINT = "The rope walk offers stunning views of the harbor and the hills behind it."


@pytest.mark.parametrize("leaked", [POINT, f"{POINT}\n\nMore.", f"Pots: {POINT}", f"It is old. {POINT} And so on."])
def test_another_sections_main_point_belongs_there(leaked: str) -> None:
    for step in (1, 7, 500):
        filter_ = PromptLeakFilter("Soil", keys("Pots", "Soil"), passages_in([POINT, "Short point."]))
        filter_.set_prompt(PROMPT, GIVEN)
        found = feed(filter_, f"Soil is dark.\n\n{leaked}\n", step)
        assert found is not None and "rope" not in f"Soil is dark.\n\n{leaked}"[: found[0].keep].casefold()


def test_the_own_main_point_and_short_ones_may_be_said() -> None:
    filter_ = PromptLeakFilter("Soil", keys("Pots", "Soil"), passages_in([POINT, "Short point."]))
    filter_.set_prompt(PROMPT, [*GIVEN, POINT])
    assert feed(filter_, f"Soil is dark.\n\n{POINT}\n\nShort point.\n", 7) is None


@pytest.mark.parametrize(
    "leaked",
    [
        "- Give only the text of the section: no heading for it, no notes about the task.\n",
        "give only the text of the section:  no heading for it, no notes about the task.\nMore.",
        "Paragraph 3 - Main Point: Soil: what to fill them with. - Word Count: 1,200 words\n",
        "Paragraph 5 - Main Point: What no plan says.\n",
        "</brief>",
        "And so on.</brief>",
        "## Pots\n",
        "### Water & light\n\nPour.",
        "## 1. Pots\n",
        "Water & light\n\nPour.",
        "Section 2 of 3, “Soil”, is finished; it concludes with an overview:\n",
        "There is more to come. This ends section 2 of 3.\n",
        "There is more to come. So give only the text of the section, and no more.\n",
        "There is more to come. Here are 720 words about how to plan a trip:\n",
        "Here is a 300-word section on soil.\n",
        "以下是约300字的介绍。\n",
        "There is more to come. Give only the text of the section: no heading for it, no notes about the task.\n",
    ],
)
def test_leaked_instructions_and_other_sections_are_found_in_any_pieces(leaked: str) -> None:
    text = f"Soil is dark.\n\n{leaked}"
    for step in (1, 7, len(text)):
        found = feed(leak_filter(), text, step)
        assert found is not None
        verdict, _ = found
        sound = next((line for line in ("And so on.", "There is more to come.") if line in leaked), "")
        assert text[: verdict.keep] == f"Soil is dark.\n\n{sound}".rstrip()
        assert not verdict.final and not verdict.loop


@pytest.mark.parametrize(
    "line",
    [
        "### Soil\n",
        "### Peat\n",
        "**Pots**\n",
        "### Pots: how large they are to be\n",
        "```sh\n# Pots\nls pots\n```\n",
        "- Word count: 250 words at most\n",
        "Pots\n",
        "Short line.\n",
        "A guide to pots, with the line: Pots are patient.\n",
        "A <brief word.\n",
        "It is a guide to pots, with the line that pots are patient.\n",
        "They give only the text of it: no heading, no notes.\n",
        "Here are 20 pots and 300 kinds of soil.\n",
        "The brief asks for 300 words.\n",
        "1. Water & light\n",
    ],
)
def test_other_text_is_no_leak(line: str) -> None:
    text = f"Soil is dark.\n{line}"
    assert look(leak_filter(), text, ended=True) is None
    assert feed(leak_filter(), text, 3, ended=True) is None


def test_the_last_line_is_judged_at_the_end_and_trusted_text_never() -> None:
    text = "Soil is dark.\n- Give only the text of the section: no heading for it, no notes about the task."
    assert look(leak_filter(), text) is None
    assert look(leak_filter(), text, ended=True) is not None
    trusting = leak_filter()
    trusting.trust(text)
    assert look(trusting, text, ended=True) is None


def test_text_that_was_cut_is_judged_again() -> None:
    text = "Soil is dark.\n\n## Pots\n"
    leaks = leak_filter()
    for _ in range(2):
        found = look(leaks, text)
        assert found is not None and found.keep == len("Soil is dark.")
        leaks.cut(found.keep)
    assert look(leaks, "Soil is dark.\n\nIt holds water.\n") is None


async def test_a_section_ends_before_the_model_goes_on_to_the_next() -> None:
    work = task()
    other = work.plan.sections[1].title
    text, _, studio = await written(
        lambda body: Answer([own(24), f"\n\n## {other}\n\n", "More of something else, and on. "]), work
    )
    assert text == own(24).rstrip()
    assert len(studio.server.calls) == 1


async def test_a_section_continues_from_where_the_model_repeated_its_instructions() -> None:
    asked: list[Any] = []

    def author(body: Any) -> Answer:
        asked.append(body)
        if len(asked) == 1:
            rule = next(
                line for line in body["messages"][-1]["content"].splitlines() if line.startswith("Write about 3")
            )
            return Answer([own(3), "\n\n", rule])
        return Answer([own(30)[len(own(3)) :]])

    text, _, _ = await written(author, task())
    assert text.startswith(own(3)) and "Now write" not in text and "Write about 3" not in text
    assert len(asked) == 2


@pytest.mark.parametrize(
    "leak",
    [
        "Do not conclude, do not sum up, and do not look ahead.",
        "Now bring the text to its end with some thoughts on what makes it special.",
    ],
)
async def test_instructions_in_words_of_the_models_own_are_no_text(leak: str) -> None:
    """A small model varies what it repeats."""
    last = "bring the text" in leak

    def author(body: Any) -> Answer:
        return Answer([own(30), " ", leak, "\n\n", own(3, 2)])

    text, _, _ = await written(author, task(number=len(PLAN.sections) if last else 1))
    assert leak[4:20] not in text and text.startswith(own(20))


async def test_a_note_may_be_quoted_word_for_word() -> None:
    song = "Oh pot of clay, oh pot of mine, how round you stand today"
    note = Note("The song", song)
    work = task(notes=[note])
    text, events, _ = await written(lambda body: Answer([own(6), f"\n\n{song}\n\n", own(30)[len(own(6)) :]]), work)
    assert song in text
    assert not [event for event in of_kind(TextRolledBack, events) if "instructions" in event.reason]

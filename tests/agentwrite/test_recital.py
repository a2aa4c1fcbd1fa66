"""What a chat model says that is not the section's text: seen, taken back, and the section written all the same."""

from __future__ import annotations

from typing import Any

import pytest

from lwtui.agentwrite.events import TextRolledBack
from lwtui.agentwrite.recital import RecitalWatch
from lwtui.documents.model import Note
from tests.agentwrite.test_section import job, own, written
from tests.support.fault_server import Answer
from tests.support.studio import of_kind

PROMPT = """<brief>
A guide to pots, with the line: Pots are patient.
</brief>
Paragraph 2 - Main Point: Soil: what to fill them with. - Word Count: 150 words
- Give only the text of the section: no heading for it, no notes about the task.
Short line."""
GIVEN = ["A guide to pots, with the line: Pots are patient."]


def watch(title: str = "Soil") -> RecitalWatch:
    made = RecitalWatch(title, ["Pots", "Soil", "2. Water & light", ""])
    made.ask(PROMPT, GIVEN)
    return made


@pytest.mark.parametrize(
    "recited",
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
    ],
)
def test_instructions_and_other_sections_are_seen_however_they_come(recited: str) -> None:
    text = f"Soil is dark.\n\n{recited}"
    for size in (1, 7, len(text)):
        looking, finding = watch(), None
        for end in range(size, len(text) + size, size):
            finding = finding or looking.look(text[:end])
        assert finding is not None
        assert text[: finding.keep] == ("Soil is dark.\n\nAnd so on." if "And so" in recited else "Soil is dark.")


@pytest.mark.parametrize(
    "said",
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
        "They give only the text of the section: no heading for it, no notes about the task.\n",
        "A <brief word.\n",
        "1. Water & light\n",
    ],
)
def test_everything_else_may_be_said(said: str) -> None:
    assert watch().look(f"Soil is dark.\n{said}", ended=True) is None


def test_a_last_line_is_judged_when_no_more_of_it_comes_and_what_is_trusted_never() -> None:
    text = "Soil is dark.\n- Give only the text of the section: no heading for it, no notes about the task."
    assert watch().look(text) is None
    assert watch().look(text, ended=True) is not None
    trusting = watch()
    trusting.trust(text)
    assert trusting.look(text, ended=True) is None


async def test_a_section_ends_before_the_model_goes_on_to_the_next() -> None:
    work = job()
    other = work.plan.sections[1].title
    text, _, studio = await written(
        lambda body: Answer([own(24), f"\n\n## {other}\n\n", "More of something else, and on. "]), work
    )
    assert text == own(24).rstrip()
    assert len(studio.server.calls) == 1


async def test_a_section_in_which_the_model_repeats_its_instructions_is_written_on_from_there() -> None:
    asked: list[Any] = []

    def author(body: Any) -> Answer:
        asked.append(body)
        if len(asked) == 1:
            rule = next(
                line for line in body["messages"][-1]["content"].splitlines() if line.startswith("- Go straight")
            )
            return Answer([own(3), "\n\nNow write section 7 of 9, and that section alone:\n", rule])
        return Answer([own(30)[len(own(3)) :]])

    text, _, _ = await written(author, job())
    assert text.startswith(own(3)) and "Now write" not in text and "Go straight" not in text
    assert len(asked) == 2


async def test_a_note_may_be_quoted_word_for_word() -> None:
    song = "Oh pot of clay, oh pot of mine, how round you stand today"
    note = Note("The song", song)
    work = job(notes=[note])
    text, events, _ = await written(lambda body: Answer([own(6), f"\n\n{song}\n\n", own(30)[len(own(6)) :]]), work)
    assert song in text
    assert not [event for event in of_kind(TextRolledBack, events) if "instructions" in event.reason]

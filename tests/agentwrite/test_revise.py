"""Another text for a passage: the prompt, the cleaned answer, and what a base model can do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lwtui.agentwrite import Agent
from lwtui.agentwrite.events import Event, Retrying, TextDelta, TextRolledBack
from lwtui.agentwrite.revise import (
    EditKind,
    MarkedPassage,
    PassageCut,
    PassageEdit,
    Proposal,
    clean_answer,
    passage_at,
    revise,
)
from lwtui.documents.model import Brief, Note, Origin, Section, Status
from lwtui.errors import LwtuiError
from lwtui.models.budget import Budget, BudgetReached
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import Usage
from lwtui.text import count_words
from tests.support.author import Author, sentence
from tests.support.fault_server import Answer, Fault
from tests.support.studio import Studio, of_kind, open_studio, plan_of

BRIEF = Brief("Write a guide to growing tomatoes", 400, seed=3)
TEXT = "Pots matter most.\n\nA small pot dries out fast. A large pot keeps its water.\n\nSoil comes next."
START, END = TEXT.index("A small"), TEXT.index("\n\nSoil")


def section_of(text: str, words: int = 200) -> Section:
    return Section("s2", "Pots", "which pots", words, Status.DONE, text, count_words(text), Origin.MODEL)


def passage(start: int = START, end: int = END, text: str = TEXT, preceding: str = "") -> MarkedPassage:
    return MarkedPassage(BRIEF, plan_of(100, 200), section_of(text), start, end, preceding)


def says(text: str, **kinds: Any) -> Any:
    return lambda body: Answer([f"{word} " for word in text.split(" ")], **kinds)


async def revised(studio: Studio, what: MarkedPassage, edit: PassageEdit) -> tuple[Proposal, list[Event]]:
    events: list[Event] = []

    async def on_event(event: Event) -> None:
        events.append(event)

    return await revise(studio.agent, what, edit, on_event), events


@pytest.mark.parametrize(
    ("start", "end", "kind", "meant"),
    [
        (START, END, EditKind.SHORTEN, TEXT[START:END]),
        (START - 2, END + 2, EditKind.SHORTEN, TEXT[START:END]),  # without the white space at the ends
        (START + 5, START + 5, EditKind.EXPAND, TEXT[START:END]),  # no selection: the paragraph
        (0, 0, EditKind.REWRITE, "Pots matter most."),
        (len(TEXT), len(TEXT), EditKind.REWRITE, "Soil comes next."),
        (START, END, EditKind.CONTINUE, ""),
    ],
)
def test_a_selection_means_a_passage(start: int, end: int, kind: EditKind, meant: str) -> None:
    a, b = passage_at(TEXT, start, end, kind)
    assert TEXT[a:b] == meant
    assert kind is not EditKind.CONTINUE or a == end


async def test_a_chat_model_sees_the_edit_the_passage_and_its_surroundings() -> None:
    answer, task = "Take a large pot, which keeps its water.", UsageTracker().task("a passage")
    async with open_studio(says(answer, usage={"prompt_tokens": 90, "completion_tokens": 10})) as studio:
        studio.agent = studio.agent.metered(task)
        proposal, events = await revised(studio, passage(), PassageEdit(EditKind.SHORTEN))
        (prompt,) = studio.prompts
    assert "Pots matter most.\n\n<passage>A small pot dries out fast. A large pot keeps its water.</passage>" in prompt
    assert "</passage>\n\nSoil comes next." in prompt
    assert "Shorten the passage" in prompt and BRIEF.instruction in prompt
    assert proposal.text == TEXT.replace(TEXT[START:END], answer) and not proposal.cut
    assert "".join(event.text for event in of_kind(TextDelta, events)).strip() == answer
    assert (proposal.provenance.task, proposal.provenance.model) == ("shorten", studio.agent.model.name)
    assert proposal.provenance.prompt_hash and proposal.provenance.seed is not None
    assert task.usage == Usage(90, 10)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (PassageEdit(EditKind.REWRITE), "Write the passage anew: the same content"),
        (PassageEdit(EditKind.EXPAND), "Expand the passage"),
        (PassageEdit(EditKind.TONE, "dry and $5 short"), "in another tone: dry and $5 short"),
        (PassageEdit(EditKind.CUSTOM, "Name a brand"), "as the author asks: Name a brand"),
    ],
)
async def test_each_edit_is_in_the_prompt(edit: PassageEdit, words: str) -> None:
    async with open_studio(says("Something new.")) as studio:
        await revised(studio, passage(), edit)
        assert words in studio.prompts[0]


async def test_the_writers_notes_are_shown() -> None:
    what = replace(passage(), brief=replace(BRIEF, notes=(Note("Pots", "Clay only."),)))
    async with open_studio(says("New.")) as studio:
        await revised(studio, what, PassageEdit(EditKind.REWRITE))
        assert "- Pots: Clay only." in studio.prompts[0]


async def test_a_continuation_is_inserted_and_changes_nothing_else() -> None:
    async with open_studio(says("A large pot keeps its water. Glazed pots keep more.")) as studio:
        proposal, _ = await revised(studio, passage(END, END), PassageEdit(EditKind.CONTINUE))
    # Words that the continuation repeats are dropped.
    assert proposal.text == TEXT[:END] + " Glazed pots keep more." + TEXT[END:]


async def test_at_the_start_of_a_section_the_end_of_the_previous_one_is_shown() -> None:
    async with open_studio(says("New.")) as studio:
        await revised(studio, passage(0, 17, preceding="The sun decides."), PassageEdit(EditKind.REWRITE))
        assert "The sun decides.\n\n<passage>Pots matter most.</passage>" in studio.prompts[0]


async def test_only_the_nearby_text_of_a_long_section_is_shown() -> None:
    far = "".join(sentence(1, index) for index in range(600)).strip()
    text = f"{far}\n\nHere it is.\n\n{far}"
    start = len(far) + 2
    async with open_studio(says("There it was."), context_length=4096) as studio:
        proposal, _ = await revised(studio, passage(start, start + 11, text), PassageEdit(EditKind.REWRITE))
        prompt = studio.prompts[0]
    assert "<passage>Here it is.</passage>" in prompt
    assert len(prompt) < 12_000 and sentence(1, 599).strip() in prompt and sentence(1, 0).strip() in prompt
    assert proposal.text == text.replace("Here it is.", "There it was.")


async def test_a_call_that_breaks_off_is_repeated_from_the_beginning() -> None:
    async with open_studio(says("It is all new here."), [Fault.cut(after=3)]) as studio:
        proposal, events = await revised(studio, passage(), PassageEdit(EditKind.REWRITE))
    assert proposal.answer == "It is all new here."
    assert [event.section_id for event in of_kind(Retrying, events)] == ["s2"]
    index = next(index for index, event in enumerate(events) if isinstance(event, TextRolledBack))
    assert "".join(event.text for event in of_kind(TextDelta, events[index:])).strip() == "It is all new here."


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("<passage>Better.</passage>", "Better."),
        ("```markdown\nBetter.\n```", "Better."),
        ('"Better."', "Better."),
        ('"Yes," she said, "no."', '"Yes," she said, "no."'),
        ("  Better.\n\n", "Better."),
        ("Bet\x1b]52;c;x\x07ter.", "Better."),
    ],
)
def test_tags_fences_and_quotes_around_an_answer_are_removed(answer: str, text: str) -> None:
    assert clean_answer(answer, passage(), PassageEdit(EditKind.REWRITE), is_chat=True) == text


async def test_a_base_model_continues_and_rewrites_but_does_nothing_else() -> None:
    standing = "".join(sentence(2, index) for index in range(4)).strip()
    what = replace(passage(len(standing), len(standing)), section=section_of(standing, words=80))
    task = UsageTracker().task("a passage")
    async with open_studio(Author(), profile="base") as studio:
        studio.agent = studio.agent.metered(task)
        for impossible in (EditKind.SHORTEN, EditKind.EXPAND, EditKind.TONE, EditKind.CUSTOM):
            with pytest.raises(LwtuiError, match="base model, which follows no instructions"):
                await revised(studio, replace(what, start=0), PassageEdit(impossible, "dry"))
        assert not studio.prompts
        proposal, _ = await revised(studio, what, PassageEdit(EditKind.CONTINUE))
        assert proposal.text.startswith(standing + sentence(2, 4))
        assert proposal.answer.endswith(".") and 25 <= count_words(proposal.answer) <= 70
        assert not proposal.cut  # it was stopped when it was long enough
        assert task.usage.prompt > 20 and task.usage.completion > 20  # so its usage is estimated
        again, _ = await revised(studio, replace(what, start=len(sentence(2, 0))), PassageEdit(EditKind.REWRITE))
        assert again.text.startswith(sentence(2, 0).strip())


async def test_the_text_before_the_end_of_the_budget_is_proposed() -> None:
    answer = "A large pot keeps its water for days and days and never dries out at all."
    shorten = PassageEdit(EditKind.SHORTEN)
    async with open_studio(says(answer, delay=0.001)) as studio:
        unmetered = studio.agent
        await revised(studio, passage(), shorten)
        body = studio.server.calls[0].json
        prompt = await unmetered.model.count_tokens("\n".join(message["content"] for message in body["messages"]))

        def with_budget(tokens: int) -> Agent:
            tracker = UsageTracker(lambda: Budget(tokens=tokens))
            return unmetered.metered(tracker.task("a passage", likely_completion=1))

        for room in (10, 1):  # for a part of the answer, and for its first piece only
            studio.agent = with_budget(prompt + room)
            with pytest.raises(PassageCut) as caught:
                await revised(studio, passage(), shorten)
            proposal = caught.value.proposal
            assert answer.startswith(proposal.answer) and 0 < len(proposal.answer) < len(answer)
            assert proposal.cut and proposal.text == TEXT.replace(TEXT[START:END], proposal.answer)
            assert proposal.provenance.task == "shorten"
        studio.agent = with_budget(prompt)
        with pytest.raises(BudgetReached) as nothing:  # there is no text to propose
            await revised(studio, passage(), shorten)
        assert not isinstance(nothing.value, PassageCut)


async def test_an_empty_answer_and_an_empty_passage_are_errors() -> None:
    async with open_studio(says(" ")) as studio:
        with pytest.raises(LwtuiError, match="no text"):
            await revised(studio, passage(), PassageEdit(EditKind.REWRITE))
        with pytest.raises(LwtuiError, match="There is no text here"):
            await revised(studio, passage(0, 0, ""), PassageEdit(EditKind.REWRITE))
        with pytest.raises(LwtuiError, match="Say what is wanted"):
            await revised(studio, passage(), PassageEdit(EditKind.CUSTOM, " "))

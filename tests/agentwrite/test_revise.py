"""Another version of a passage: what the model is shown, what is made of its answer, and what a base model can do."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from lwtui.agentwrite.events import Retrying, TextDelta, TextRolledBack
from lwtui.agentwrite.revise import Order, Passage, Proposal, Revising, Wish, fitted, passage_at, revise
from lwtui.documents.model import Brief, Note, Origin, Section, Status
from lwtui.errors import LwtuiError
from lwtui.text import count_words
from tests.support.author import Author, sentence
from tests.support.fault_server import Answer, Fault
from tests.support.studio import Studio, of_kind, open_studio, plan_of

BRIEF = Brief("Write a guide to growing tomatoes", 400, seed=3)
TEXT = "Pots matter most.\n\nA small pot dries out fast. A large pot keeps its water.\n\nSoil comes next."
START, END = TEXT.index("A small"), TEXT.index("\n\nSoil")


def section_of(text: str, words: int = 200) -> Section:
    return Section("s2", "Pots", "which pots", words, Status.DONE, text, count_words(text), Origin.MODEL)


def passage(start: int = START, end: int = END, text: str = TEXT, preceding: str = "") -> Passage:
    return Passage(BRIEF, plan_of(100, 200), section_of(text), start, end, preceding)


def says(text: str, **kinds: Any) -> Any:
    return lambda body: Answer([f"{word} " for word in text.split(" ")], **kinds)


async def asked(studio: Studio, what: Passage, wish: Wish) -> list[Revising]:
    async with aclosing(revise(studio.agent, what, wish)) as events:
        return [event async for event in events]


@pytest.mark.parametrize(
    ("start", "end", "order", "meant"),
    [
        (START, END, Order.SHORTEN, TEXT[START:END]),
        (START - 2, END + 2, Order.SHORTEN, TEXT[START:END]),  # white space at the ends is not meant
        (START + 5, START + 5, Order.EXPAND, TEXT[START:END]),  # no selection: the paragraph
        (0, 0, Order.REWRITE, "Pots matter most."),
        (len(TEXT), len(TEXT), Order.REWRITE, "Soil comes next."),
        (START, END, Order.CONTINUE, ""),
    ],
)
def test_what_a_selection_means(start: int, end: int, order: Order, meant: str) -> None:
    a, b = passage_at(TEXT, start, end, order)
    assert TEXT[a:b] == meant
    assert order is not Order.CONTINUE or a == end


async def test_a_chat_model_is_shown_the_order_the_passage_and_what_is_around_it() -> None:
    answer = "Take a large pot, which keeps its water."
    async with open_studio(says(answer, usage={"prompt_tokens": 90, "completion_tokens": 10})) as studio:
        events = await asked(studio, passage(), Wish(Order.SHORTEN))
        (prompt,) = studio.prompts
    assert "Pots matter most.\n\n<passage>A small pot dries out fast. A large pot keeps its water.</passage>" in prompt
    assert "</passage>\n\nSoil comes next." in prompt
    assert "Shorten the passage" in prompt and BRIEF.instruction in prompt
    proposal = events[-1]
    assert isinstance(proposal, Proposal)
    assert proposal.text == TEXT.replace(TEXT[START:END], answer)
    assert "".join(event.text for event in of_kind(TextDelta, events)).strip() == answer
    assert (proposal.provenance.task, proposal.provenance.model) == ("shorten", studio.agent.model.name)
    assert proposal.provenance.prompt_hash and proposal.provenance.seed is not None
    assert (proposal.usage.prompt, proposal.usage.completion) == (90, 10)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish(Order.REWRITE), "Write the passage anew: the same content"),
        (Wish(Order.EXPAND), "Expand the passage"),
        (Wish(Order.TONE, "dry and $5 short"), "in another tone: dry and $5 short"),
        (Wish(Order.CUSTOM, "Name a brand"), "as the author asks: Name a brand"),
    ],
)
async def test_each_order_is_told_to_the_model(wish: Wish, words: str) -> None:
    async with open_studio(says("Something new.")) as studio:
        await asked(studio, passage(), wish)
        assert words in studio.prompts[0]


async def test_the_writers_notes_are_shown() -> None:
    what = replace(passage(), brief=replace(BRIEF, notes=(Note("Pots", "Clay only."),)))
    async with open_studio(says("New.")) as studio:
        await asked(studio, what, Wish(Order.REWRITE))
        assert "- Pots: Clay only." in studio.prompts[0]


async def test_to_continue_adds_after_the_place_and_touches_nothing() -> None:
    async with open_studio(says("A large pot keeps its water. Glazed pots keep more.")) as studio:
        events = await asked(studio, passage(END, END), Wish(Order.CONTINUE))
    proposal = events[-1]
    assert isinstance(proposal, Proposal)
    # What it says once more of the text before is not said twice.
    assert proposal.text == TEXT[:END] + " Glazed pots keep more." + TEXT[END:]


async def test_at_a_sections_beginning_the_end_of_the_one_before_is_shown() -> None:
    async with open_studio(says("New.")) as studio:
        await asked(studio, passage(0, 17, preceding="The sun decides."), Wish(Order.REWRITE))
        assert "The sun decides.\n\n<passage>Pots matter most.</passage>" in studio.prompts[0]


async def test_of_a_long_section_only_what_is_near_is_shown() -> None:
    far = "".join(sentence(1, at) for at in range(600)).strip()
    text = f"{far}\n\nHere it is.\n\n{far}"
    start = len(far) + 2
    async with open_studio(says("There it was."), context_length=4096) as studio:
        events = await asked(studio, passage(start, start + 11, text), Wish(Order.REWRITE))
        prompt = studio.prompts[0]
    assert "<passage>Here it is.</passage>" in prompt
    assert len(prompt) < 12_000 and sentence(1, 599).strip() in prompt and sentence(1, 0).strip() in prompt
    proposal = events[-1]
    assert isinstance(proposal, Proposal) and proposal.text == text.replace("Here it is.", "There it was.")


async def test_a_call_that_breaks_off_is_made_again_from_the_beginning() -> None:
    async with open_studio(says("It is all new here."), [Fault.cut(after=3)]) as studio:
        events = await asked(studio, passage(), Wish(Order.REWRITE))
    assert of_kind(Retrying, events)
    at = next(at for at, event in enumerate(events) if isinstance(event, TextRolledBack))
    assert "".join(event.text for event in of_kind(TextDelta, events[at:])).strip() == "It is all new here."


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
def test_what_a_model_puts_around_its_answer_goes(answer: str, text: str) -> None:
    assert fitted(answer, passage(), Wish(Order.REWRITE), is_chat=True) == text


async def test_a_base_model_goes_on_rewrites_and_says_what_it_cannot_do() -> None:
    standing = "".join(sentence(2, at) for at in range(4)).strip()
    what = replace(passage(len(standing), len(standing)), section=section_of(standing, words=80))
    async with open_studio(Author(), profile="base") as studio:
        for impossible in (Order.SHORTEN, Order.EXPAND, Order.TONE, Order.CUSTOM):
            with pytest.raises(LwtuiError, match="base model, which follows no instructions"):
                await asked(studio, replace(what, start=0), Wish(impossible, "dry"))
        assert not studio.prompts
        proposal = (await asked(studio, what, Wish(Order.CONTINUE)))[-1]
        assert isinstance(proposal, Proposal)
        assert proposal.text.startswith(standing + sentence(2, 4))
        assert proposal.answer.endswith(".") and 25 <= count_words(proposal.answer) <= 70
        assert proposal.usage.prompt > 20 and proposal.usage.completion > 20  # it was stopped, so this is estimated
        again = (await asked(studio, replace(what, start=len(sentence(2, 0))), Wish(Order.REWRITE)))[-1]
        assert isinstance(again, Proposal) and again.text.startswith(sentence(2, 0).strip())


async def test_an_answer_without_text_and_an_empty_place_are_told() -> None:
    async with open_studio(says(" ")) as studio:
        with pytest.raises(LwtuiError, match="no text"):
            await asked(studio, passage(), Wish(Order.REWRITE))
        with pytest.raises(LwtuiError, match="There is no text here"):
            await asked(studio, passage(0, 0, ""), Wish(Order.REWRITE))
        with pytest.raises(LwtuiError, match="Say what is wanted"):
            await asked(studio, passage(), Wish(Order.CUSTOM, " "))

"""Asking for another version of one passage, or for what comes after it, with the text around it in sight.

A chat model is told what to do. A base model follows no instruction: it can go on from a place, and so write a
passage anew from what stands before it; for all else :func:`check` says that another model is needed.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import StrEnum
from zlib import crc32

import regex

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.answers import Answer, ask
from lwtui.agentwrite.budget import BudgetReached
from lwtui.agentwrite.context import Context
from lwtui.agentwrite.events import PlanDelta, Retrying, TextDelta, TextRolledBack
from lwtui.agentwrite.forms import Task, instruction_of, unit
from lwtui.agentwrite.intake import Intake
from lwtui.agentwrite.prompts import language_name
from lwtui.documents.model import Brief, Plan, Provenance, Section, Usage
from lwtui.errors import LwtuiError
from lwtui.models.base import Prompt, Request
from lwtui.text import clean, count_words, last_sentence_end, sentence_ends

_TOKENS_A_WORD = 3
_LEAST_WORDS, _MORE_WORDS = 40, 150  # what is written when asked to go on: the rest of the section, within these
_AROUND = 1200  # most tokens shown of the text on either side
_QUOTES = {'"': '"', "“": "”", "«": "»", "「": "」", "'": "'"}
_TAG = regex.compile(r"</?(?:passage|text)>")
_FENCED = regex.compile(r"\A```\w*\n(.*?)\n?```\s*\Z", regex.DOTALL)


class Order(StrEnum):
    """What is to be done with a passage."""

    REWRITE = "rewrite"
    EXPAND = "expand"
    SHORTEN = "shorten"
    CONTINUE = "continue"
    TONE = "tone"
    CUSTOM = "custom"


_GROWTH = {Order.EXPAND: 1.7, Order.SHORTEN: 0.55}
_BY_A_BASE_MODEL = (Order.REWRITE, Order.CONTINUE)


@dataclass(frozen=True)
class Wish:
    """An order; ``detail`` is the tone that is wanted, or the instruction of a custom one."""

    order: Order
    detail: str = ""

    @property
    def task(self) -> str:
        """How it is called in a version's provenance."""
        return f"{self.order.value}: {self.detail}" if self.detail else self.order.value


@dataclass(frozen=True)
class Passage:
    """From ``start`` to ``end`` (offsets) in a section's text. ``preceding`` is the text of the section before."""

    brief: Brief
    plan: Plan
    section: Section
    start: int
    end: int
    preceding: str = ""

    @property
    def text(self) -> str:
        return self.section.text[self.start : self.end]

    def wanted(self, order: Order) -> int:
        """How long the answer should be, by the counter."""
        if order is Order.CONTINUE:
            return min(_MORE_WORDS, max(_LEAST_WORDS, self.section.words - self.section.length))
        return max(3, round(count_words(self.text) * _GROWTH.get(order, 1.0)))

    def with_answer(self, answer: str) -> str:
        """The section's whole text with ``answer`` in the passage's place."""
        return self.section.text[: self.start] + answer + self.section.text[self.end :]


@dataclass(frozen=True)
class Proposal:
    """An answer in full. ``text`` is the section with it; ``cut`` says that the model had no room, or budget, to end.

    ``version`` is where a document keeps it, once it does.
    """

    answer: str
    text: str
    provenance: Provenance
    usage: Usage
    cut: bool = False
    version: int | None = None


Revising = TextDelta | TextRolledBack | Retrying | Proposal


def passage_at(text: str, start: int, end: int, order: Order) -> tuple[int, int]:
    """What is meant by a selection from ``start`` to ``end``: itself, without the white space around it.

    Without a selection it is the paragraph around the cursor. To continue, it is the place after the selection.
    """
    if order is Order.CONTINUE:
        return end, end
    if start == end:
        start = text.rfind("\n\n", 0, start) + 2 if "\n\n" in text[:start] else 0
        found = text.find("\n\n", end)
        end = len(text) if found < 0 else found
    inner = text[start:end]
    return start + len(inner) - len(inner.lstrip()), max(start, end - (len(inner) - len(inner.rstrip())))


def check(agent: Agent, wish: Wish, passage: Passage) -> None:
    """Raise :class:`LwtuiError` if this model cannot do that, or there is nothing to do it with."""
    if wish.order is not Order.CONTINUE and not passage.text.strip():
        raise LwtuiError("There is no text here. Put the cursor into a paragraph, or select some text.")
    if wish.order in (Order.TONE, Order.CUSTOM) and not wish.detail.strip():
        raise LwtuiError("Say what is wanted: a tone such as “drier”, or an instruction.")
    if agent.profile.form != "chat" and wish.order not in _BY_A_BASE_MODEL:
        raise LwtuiError(
            f"{agent.model.name} is a base model, which follows no instructions: it can rewrite a passage from what "
            "stands before it, or go on. For this, choose a chat model."
        )


async def revise(agent: Agent, passage: Passage, wish: Wish) -> AsyncGenerator[Revising, None]:
    """Yield the answer as it comes and, last, the :class:`Proposal`.

    A call that broke off is made again, and what came of it is rolled back to nothing. Closing the iterator stops
    at once. Raises :class:`LwtuiError` where the model cannot do this, :class:`~lwtui.models.base.ModelError` where a
    fault lasts, and :class:`~lwtui.agentwrite.budget.BudgetReached` after a proposal of what had come until then.
    """
    check(agent, wish, passage)
    section_id = passage.section.id
    follows = agent.profile.form == "chat"
    request = await _request(agent, passage, wish, follows)
    wanted = passage.wanted(wish.order)
    into, intake = Answer(), _intake(passage, wish, follows)
    answer, ended_by_us = "", False
    reached: BudgetReached | None = None
    try:
        async with aclosing(ask(agent, request, into)) as events:
            async for event in events:
                if isinstance(event, Retrying):
                    answer, intake = "", _intake(passage, wish, follows)
                    yield TextRolledBack(section_id, 0, event.reason)
                    yield replace(event, section_id=section_id)
                elif isinstance(event, PlanDelta) and (piece := intake.add(event.text)):
                    answer += piece
                    yield TextDelta(section_id, piece)
                    if not agent.profile.ends_itself and (end := _landing(answer, wanted)):
                        answer, ended_by_us = answer[:end], True
                        break
    except BudgetReached as error:
        reached = error
    if not ended_by_us:
        answer += intake.close()
    usage = await _estimated(agent, request, answer) if ended_by_us or reached else into.usage
    cut = (into.reason == "length" and not ended_by_us) or reached is not None
    if answer := fitted(answer, passage, wish, is_chat=follows):
        provenance = replace(agent.provenance(request), task=wish.task)
        yield Proposal(answer, passage.with_answer(answer), provenance, usage, cut)
    if reached is not None:
        raise reached
    if not answer:
        raise LwtuiError("The model's answer has no text. Ask again, or in other words.")


def fitted(answer: str, passage: Passage, wish: Wish, *, is_chat: bool) -> str:
    """An answer without what a model puts around it: marks of the passage, a code fence, quotes."""
    answer = clean(answer)
    if wish.order is Order.CONTINUE:
        return answer.rstrip()
    if is_chat:
        answer = _TAG.sub("", answer).strip()
        if (fenced := _FENCED.match(answer)) and not passage.text.lstrip().startswith("```"):
            answer = fenced[1]
        closing = _QUOTES.get(answer[:1])
        within = answer[1:-1]
        if closing and answer.endswith(closing) and not passage.text.startswith(answer[0]) and closing not in within:
            answer = within
    return answer.strip()


def _intake(passage: Passage, wish: Wish, follows: bool) -> Intake:
    """What makes an answer fit: one that goes on joins the text before it; any other stands by itself."""
    goes_on = wish.order is Order.CONTINUE or not follows
    existing = passage.section.text[: passage.start] if goes_on else ""
    return Intake(existing, passage.section.title, exact=not follows)


async def _request(agent: Agent, passage: Passage, wish: Wish, follows: bool) -> Request:
    wanted = passage.wanted(wish.order)
    most = 2 * wanted if wish.order is Order.CUSTOM else wanted
    tokens = most * _TOKENS_A_WORD + 128
    free = await agent.room_beside(_prompt(agent, passage, wish, "", "", follows)) - tokens - agent.reasoning_tokens
    each = min(_AROUND, max(0, free // 2))
    context = Context(agent, passage.brief)
    text = passage.section.text
    standing = text[: passage.start]
    if not standing.strip() and passage.preceding:
        standing = f"{passage.preceding.strip()}\n\n" if follows else standing
    before = await context.end_of(standing, each)
    after = await _beginning_of(agent, text[passage.end :], each) if follows else ""
    # Asked the same of the same passage once more, the model is to say something else.
    brief = passage.brief
    seed = secrets.randbelow(2**31) if brief.seed is None else brief.seed
    salt = crc32(f"{wish.task}\0{text}\0{passage.start}".encode("utf-8", "replace")) + secrets.randbelow(1000)
    request = Request(_prompt(agent, passage, wish, before, after, follows), tokens)
    return agent.prepared(request, replace(brief, seed=seed), salt)


def _prompt(agent: Agent, passage: Passage, wish: Wish, before: str, after: str, follows: bool) -> Prompt:
    if not follows:
        number = passage.plan.find(passage.section.id) + 1
        words = passage.wanted(wish.order)
        return agent.form.section(Task(passage.brief, passage.plan, number, words, partial=before))
    book = agent.form.prompts
    order = book.render(f"revise_{wish.order.value}", detail=wish.detail.strip(), words=passage.wanted(wish.order))
    text = book.render(
        "revise",
        instruction=instruction_of(passage.brief),
        heading=passage.section.title or passage.plan.title,
        before=before,
        passage=passage.text,
        after=after,
        order=order,
        words=passage.wanted(wish.order),
        unit=unit(passage.brief),
        language=language_name(passage.brief.language),
    )
    prompt = agent.form.instruct(passage.brief, text)
    assert prompt is not None
    return prompt


async def _beginning_of(agent: Agent, text: str, budget: int) -> str:
    """The beginning of ``text`` in at most ``budget`` tokens, to a sentence's end where there is one."""
    if budget <= 0 or await agent.model.count_tokens(text) <= budget:
        return text if budget > 0 else ""
    low, ends = 0, sentence_ends(text) or [len(text)]
    high = len(ends)
    while low < high:
        middle = (low + high + 1) // 2
        if await agent.model.count_tokens(text[: ends[middle - 1]]) <= budget:
            low = middle
        else:
            high = middle - 1
    return text[: ends[low - 1]] if low else text[:budget]


def _landing(answer: str, wanted: int) -> int:
    """Where the answer of a model that never ends has enough: a sentence's end, else 0."""
    if count_words(answer) < wanted * 0.9:
        return 0
    end = last_sentence_end(answer.rstrip()[:-1]) if count_words(answer) < wanted * 1.4 else 0
    if end and count_words(answer[:end]) >= wanted * 0.7:
        return end
    return (last_sentence_end(answer) or len(answer)) if count_words(answer) >= wanted * 1.4 else 0


async def _estimated(agent: Agent, request: Request, answer: str) -> Usage:
    """What a call took that was ended before it said so itself."""
    count = agent.model.count_tokens
    return Usage(await count(request.prompt.plain()), await count(answer))

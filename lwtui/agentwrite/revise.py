"""Asks for another version of one passage, or for what comes after it, with the text around it in sight.

A chat model is told what to do. A base model follows no instructions: it can continue from a place, and so rewrite a
passage from what stands before it; for everything else :func:`check` says that another model is needed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from enum import StrEnum
from zlib import crc32

import regex

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.context import ContextBuilder
from lwtui.agentwrite.events import Emit, Event, PlanDelta, Retrying, TextDelta, TextRolledBack
from lwtui.agentwrite.prompt_builder import instruction_of, unit
from lwtui.agentwrite.prompt_templates import language_name
from lwtui.agentwrite.section_task import SectionTask, SectionView
from lwtui.agentwrite.short_calls import ShortAnswer, ask
from lwtui.agentwrite.stream_cleaner import StreamCleaner
from lwtui.documents.model import Brief, Plan, Provenance, Section
from lwtui.errors import LwtuiError
from lwtui.models.base import Prompt, Request
from lwtui.models.budget import BudgetReached
from lwtui.text import clean, count_words, last_sentence_end, sentence_ends

_TOKENS_A_WORD = 3
_LEAST_WORDS, _MORE_WORDS = 40, 150  # what is written when asked to go on: the rest of the section, within these
_AROUND = 1200  # most tokens shown of the text on either side
_QUOTES = {'"': '"', "“": "”", "«": "»", "「": "」", "'": "'"}
_TAG = regex.compile(r"</?(?:passage|text)>")
_FENCED = regex.compile(r"\A```\w*\n(.*?)\n?```\s*\Z", regex.DOTALL)


class EditKind(StrEnum):
    """What is to be done with a passage."""

    REWRITE = "rewrite"
    EXPAND = "expand"
    SHORTEN = "shorten"
    CONTINUE = "continue"
    TONE = "tone"
    CUSTOM = "custom"


_GROWTH = {EditKind.EXPAND: 1.7, EditKind.SHORTEN: 0.55}
_BY_A_BASE_MODEL = (EditKind.REWRITE, EditKind.CONTINUE)


@dataclass(frozen=True)
class PassageEdit:
    """What to do with a passage. ``detail`` is the tone that is wanted, or the instruction of a custom edit."""

    kind: EditKind
    detail: str = ""

    @property
    def task(self) -> str:
        """Its name in a version's provenance."""
        return f"{self.kind.value}: {self.detail}" if self.detail else self.kind.value


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

    def wanted(self, kind: EditKind) -> int:
        """How long the answer should be, by the counter."""
        if kind is EditKind.CONTINUE:
            return min(_MORE_WORDS, max(_LEAST_WORDS, self.section.words - self.section.length))
        return max(3, round(count_words(self.text) * _GROWTH.get(kind, 1.0)))

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
    cut: bool = False
    version: int | None = None


def passage_at(text: str, start: int, end: int, kind: EditKind) -> tuple[int, int]:
    """What is meant by a selection from ``start`` to ``end``: itself, without the white space around it.

    Without a selection it is the paragraph around the cursor. To continue, it is the place after the selection.
    """
    if kind is EditKind.CONTINUE:
        return end, end
    if start == end:
        start = text.rfind("\n\n", 0, start) + 2 if "\n\n" in text[:start] else 0
        found = text.find("\n\n", end)
        end = len(text) if found < 0 else found
    inner = text[start:end]
    return start + len(inner) - len(inner.lstrip()), max(start, end - (len(inner) - len(inner.rstrip())))


def check(agent: Agent, edit: PassageEdit, passage: Passage) -> None:
    """Raise :class:`LwtuiError` if this model cannot do that, or there is nothing to do it with."""
    if edit.kind is not EditKind.CONTINUE and not passage.text.strip():
        raise LwtuiError("There is no text here. Put the cursor into a paragraph, or select some text.")
    if edit.kind in (EditKind.TONE, EditKind.CUSTOM) and not edit.detail.strip():
        raise LwtuiError("Say what is wanted: a tone such as “drier”, or an instruction.")
    if not agent.follows_instructions and edit.kind not in _BY_A_BASE_MODEL:
        raise LwtuiError(
            f"{agent.model.name} is a base model, which follows no instructions: it can rewrite a passage from what "
            "stands before it, or go on. For this, choose a chat model."
        )


async def revise(agent: Agent, passage: Passage, edit: PassageEdit, emit: Emit) -> Proposal:
    """Ask for a passage and return the proposal.

    Args:
        agent: Who writes.
        passage: The passage and its surroundings.
        edit: What to do with it.
        emit: Is told the text as it comes. A call that broke off is made again, and its text rolled back to nothing.

    Raises:
        LwtuiError: The model cannot do this, or its answer has no text.
        ModelError: A fault lasts.
        PassageCut: The budget was used up; the error has the proposal of what came until then.
    """
    check(agent, edit, passage)
    request = await _request(agent, passage, edit)
    run = _Answering(agent, passage, edit, emit)
    reached: BudgetReached | None = None
    try:
        await ask(agent, request, run.hear, into=run.answer)
    except _Enough:
        run.ended_by_us = True
    except BudgetReached as error:
        reached = error
    if not run.ended_by_us:
        run.text += run.cleaner.close()
    cut = (run.answer.cut and not run.ended_by_us) or reached is not None
    text = fitted(run.text, passage, edit, is_chat=agent.follows_instructions)
    if not text:
        raise reached or LwtuiError("The model's answer has no text. Ask again, or in other words.")
    provenance = replace(agent.provenance(request), task=edit.task)
    proposal = Proposal(text, passage.with_answer(text), provenance, cut)
    if reached is not None:
        raise PassageCut(str(reached), proposal)
    return proposal


class PassageCut(BudgetReached):
    """The budget was used up within a passage. ``proposal`` has what came until then."""

    def __init__(self, message: str, proposal: Proposal) -> None:
        super().__init__(message)
        self.proposal = proposal


class _Enough(Exception):
    """A model that never ends has written as much as is wanted."""


class _Answering:
    """An answer while it comes."""

    def __init__(self, agent: Agent, passage: Passage, edit: PassageEdit, emit: Emit) -> None:
        self._agent, self._passage, self._edit, self._emit = agent, passage, edit, emit
        self._wanted = passage.wanted(edit.kind)
        self.answer = ShortAnswer()
        self.text = ""
        self.ended_by_us = False
        self.cleaner = self._new_cleaner()

    async def hear(self, event: Event) -> None:
        section_id = self._passage.section.id
        if isinstance(event, Retrying):
            self.text, self.cleaner = "", self._new_cleaner()
            await self._emit(TextRolledBack(section_id, 0, event.reason))
            await self._emit(replace(event, section_id=section_id))
        elif isinstance(event, PlanDelta) and (piece := self.cleaner.add(event.text)):
            self.text += piece
            await self._emit(TextDelta(section_id, piece))
            if not self._agent.profile.ends_itself and (end := _stop(self.text, self._wanted)):
                self.text = self.text[:end]
                raise _Enough

    def _new_cleaner(self) -> StreamCleaner:
        """An answer that goes on joins the text before it; any other stands by itself."""
        passage, follows = self._passage, self._agent.follows_instructions
        goes_on = self._edit.kind is EditKind.CONTINUE or not follows
        existing = passage.section.text[: passage.start] if goes_on else ""
        return StreamCleaner(existing, passage.section.title, exact=not follows)


def fitted(answer: str, passage: Passage, edit: PassageEdit, *, is_chat: bool) -> str:
    """An answer without what a model puts around it: marks of the passage, a code fence, quotes."""
    answer = clean(answer)
    if edit.kind is EditKind.CONTINUE:
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


async def _request(agent: Agent, passage: Passage, edit: PassageEdit) -> Request:
    follows = agent.follows_instructions
    wanted = passage.wanted(edit.kind)
    most = 2 * wanted if edit.kind is EditKind.CUSTOM else wanted
    tokens = most * _TOKENS_A_WORD + 128
    room = await agent.room_beside(_prompt(agent, passage, edit, "", ""))
    each = min(_AROUND, max(0, (room - tokens - agent.limits.reasoning_tokens) // 2))
    context = ContextBuilder(agent, passage.brief)
    text = passage.section.text
    standing = text[: passage.start]
    if not standing.strip() and passage.preceding:
        standing = f"{passage.preceding.strip()}\n\n" if follows else standing
    before = await context.end_of(standing, each)
    after = await _beginning_of(agent, text[passage.end :], each) if follows else ""
    # Asked the same of the same passage once more, the model is to say something else.
    brief = passage.brief
    seed = secrets.randbelow(2**31) if brief.seed is None else brief.seed
    salt = crc32(f"{edit.task}\0{text}\0{passage.start}".encode("utf-8", "replace")) + secrets.randbelow(1000)
    request = Request(_prompt(agent, passage, edit, before, after), tokens)
    return agent.prepared(request, replace(brief, seed=seed), salt)


def _prompt(agent: Agent, passage: Passage, edit: PassageEdit, before: str, after: str) -> Prompt:
    brief, words = passage.brief, passage.wanted(edit.kind)
    if not agent.follows_instructions:
        number = passage.plan.find(passage.section.id) + 1
        task = SectionTask(brief, passage.plan, passage.section, number, words)
        return agent.prompts.section(task, SectionView(words, text=before, notes=brief.notes))
    templates = agent.prompts.templates
    order = templates.render(f"revise_{edit.kind.value}", detail=edit.detail.strip(), words=words)
    text = templates.render(
        "revise",
        instruction=instruction_of(brief),
        heading=passage.section.title or passage.plan.title,
        before=before,
        passage=passage.text,
        after=after,
        order=order,
        words=words,
        unit=unit(brief),
        language=language_name(brief.language),
    )
    prompt = agent.prompts.instruct(brief, text)
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


def _stop(answer: str, wanted: int) -> int:
    """Where the answer of a model that never ends has enough: the end of a sentence; 0 if it has not yet."""
    if count_words(answer) < wanted * 0.9:
        return 0
    end = last_sentence_end(answer.rstrip()[:-1]) if count_words(answer) < wanted * 1.4 else 0
    if end and count_words(answer[:end]) >= wanted * 0.7:
        return end
    return (last_sentence_end(answer) or len(answer)) if count_words(answer) >= wanted * 1.4 else 0

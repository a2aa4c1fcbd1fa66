"""Has a model rewrite one passage, or continue after it, with the surrounding text in the prompt.

A chat model gets an instruction. A base model can only continue from a place, and so rewrite a passage from the text
before it. For everything else, :func:`check` asks for another model.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from enum import StrEnum
from zlib import crc32

import regex

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.context import ContextBuilder
from lwtui.agentwrite.events import Emit, Event, PlanDelta, PlanVoided, Retrying, TextDelta, TextRolledBack
from lwtui.agentwrite.prompt_builder import instruction_of, unit
from lwtui.agentwrite.prompt_templates import language_name
from lwtui.agentwrite.section_task import SectionTask, SectionView
from lwtui.agentwrite.short_calls import ShortAnswer, ask
from lwtui.agentwrite.stream_cleaner import StreamCleaner
from lwtui.config import Role
from lwtui.documents.model import Brief, Plan, Provenance, Section
from lwtui.errors import LwtuiError
from lwtui.models.base import Prompt, Request
from lwtui.models.budget import BudgetReached
from lwtui.text import clean, count_words, last_landing, sentence_ends
from lwtui.translation import _

_TOKENS_A_WORD = 3
_LEAST_WORDS, _MOST_WORDS = 40, 150  # bounds for a continuation, which otherwise fills up the section's target
_AROUND = 1200  # most tokens of the surrounding text on either side
_QUOTES = {'"': '"', "“": "”", "«": "»", "「": "」", "'": "'"}
_TAG = regex.compile(r"</?(?:passage|text)>")
_FENCED = regex.compile(r"\A```\w*\n(.*?)\n?```\s*\Z", regex.DOTALL)


class EditKind(StrEnum):
    """A way to edit a passage."""

    REWRITE = "rewrite"
    EXPAND = "expand"
    SHORTEN = "shorten"
    CONTINUE = "continue"
    TONE = "tone"
    CUSTOM = "custom"


_GROWTH = {EditKind.EXPAND: 1.7, EditKind.SHORTEN: 0.55}
_BASE_MODEL_KINDS = (EditKind.REWRITE, EditKind.CONTINUE)


@dataclass(frozen=True)
class PassageEdit:
    """What to do with a passage.

    Attributes:
        kind: The way to edit it.
        detail: The wanted tone, or the instruction of a custom edit.
        name: The name of a custom edit; empty for none.
    """

    kind: EditKind
    detail: str = ""
    name: str = ""

    @property
    def task(self) -> str:
        """The name of the edit in a version's provenance."""
        if self.name:
            return self.name
        return f"{self.kind.value}: {self.detail}" if self.detail else self.kind.value


@dataclass(frozen=True)
class MarkedPassage:
    """A passage of a section and its surroundings.

    Attributes:
        brief: What the writer asked for.
        plan: The plan.
        section: The section.
        start: Where the passage starts in the section's text (offset).
        end: Where it ends (offset).
        preceding: The text of the section before.
    """

    brief: Brief
    plan: Plan
    section: Section
    start: int
    end: int
    preceding: str = ""

    @property
    def text(self) -> str:
        """The passage's text."""
        return self.section.text[self.start : self.end]

    def target(self, kind: EditKind) -> int:
        """Return how long the answer should be, in the counter's unit."""
        if kind is EditKind.CONTINUE:
            return min(_MOST_WORDS, max(_LEAST_WORDS, self.section.words - self.section.length))
        return max(3, round(count_words(self.text) * _GROWTH.get(kind, 1.0)))

    def with_answer(self, answer: str) -> str:
        """Return the section's whole text with ``answer`` in place of the passage."""
        return self.section.text[: self.start] + answer + self.section.text[self.end :]


@dataclass(frozen=True)
class Proposal:
    """Another text for a passage.

    Attributes:
        answer: The model's answer.
        text: The section's whole text with the answer in place of the passage.
        provenance: Where the answer comes from.
        cut: Whether the context, or the budget, ended before the answer did.
        version: The id of the version in the document, once it is stored there.
    """

    answer: str
    text: str
    provenance: Provenance
    cut: bool = False
    version: int | None = None


def passage_at(text: str, start: int, end: int, kind: EditKind) -> tuple[int, int]:
    """Return the passage that a selection from ``start`` to ``end`` means (offsets).

    That is the selection without the white space around it, or without a selection the paragraph around the cursor. To
    continue the text, it is the place after the selection.
    """
    if kind is EditKind.CONTINUE:
        return end, end
    if start == end:
        start = text.rfind("\n\n", 0, start) + 2 if "\n\n" in text[:start] else 0
        found = text.find("\n\n", end)
        end = len(text) if found < 0 else found
    inner = text[start:end]
    return start + len(inner) - len(inner.lstrip()), max(start, end - (len(inner) - len(inner.rstrip())))


def check(agent: Agent, edit: PassageEdit, passage: MarkedPassage) -> None:
    """Check that a model can make an edit, and that the edit is complete.

    Raises:
        LwtuiError: The passage or the instruction is empty, or the model is a base model and cannot do this.
    """
    if edit.kind is not EditKind.CONTINUE and not passage.text.strip():
        raise LwtuiError(_("There is no text here. Put the cursor into a paragraph, or select some text."))
    if edit.kind in (EditKind.TONE, EditKind.CUSTOM) and not edit.detail.strip():
        raise LwtuiError(_("Say what is wanted: a tone such as “drier”, or an instruction."))
    if not agent.follows_instructions and edit.kind not in _BASE_MODEL_KINDS:
        raise LwtuiError(
            _(
                "{name} is a base model, which follows no instructions: it can rewrite a passage from what "
                "stands before it, or go on. For this, choose a chat model.",
                name=agent.model.name,
            )
        )


async def revise(agent: Agent, passage: MarkedPassage, edit: PassageEdit, emit: Emit) -> Proposal:
    """Ask for another text for a passage.

    Args:
        agent: The model that writes.
        passage: The passage and its surroundings.
        edit: What to do with the passage.
        emit: Awaited for the streamed text, and for retries, before which all of the text is rolled back.

    Returns:
        The proposal.

    Raises:
        LwtuiError: The model cannot make this edit, or its answer has no text.
        ModelError: The call failed for good.
        PassageCut: The budget was used up. The error has the incomplete proposal.
    """
    check(agent, edit, passage)
    request = await _request(agent, passage, edit)
    stream = _AnswerStream(agent, passage, edit, emit)
    reached: BudgetReached | None = None
    try:
        await ask(agent, request, stream.on_event, into=stream.answer)
    except _Enough:
        stream.stopped = True
    except BudgetReached as error:
        reached = error
    if not stream.stopped:
        stream.text += stream.cleaner.close()
    cut = (stream.answer.cut and not stream.stopped) or reached is not None
    text = clean_answer(stream.text, passage, edit, is_chat=agent.follows_instructions)
    if not text:
        raise reached or LwtuiError(_("The model's answer has no text. Ask again, or in other words."))
    provenance = replace(agent.provenance(request), task=edit.task)
    proposal = Proposal(text, passage.with_answer(text), provenance, cut)
    if reached is not None:
        raise PassageCut(reached, proposal)
    return proposal


class PassageCut(BudgetReached):
    """The budget was used up within an answer. ``proposal`` has the answer until then."""

    def __init__(self, reached: BudgetReached, proposal: Proposal) -> None:
        super().__init__(str(reached), purpose=reached.purpose, code=reached.code)
        self.proposal = proposal


class _Enough(Exception):
    """A model that does not end by itself has written enough."""


class _AnswerStream:
    """An answer while it streams."""

    def __init__(self, agent: Agent, passage: MarkedPassage, edit: PassageEdit, emit: Emit) -> None:
        self._agent, self._passage, self._edit, self._emit = agent, passage, edit, emit
        self._target = passage.target(edit.kind)
        self.answer = ShortAnswer()
        self.text = ""
        self.stopped = False  # by us, since the model does not end by itself
        self.cleaner = self._new_cleaner()

    async def on_event(self, event: Event) -> None:
        """Clean the streamed text and emit it."""
        section_id = self._passage.section.id
        if isinstance(event, Retrying):
            self.text, self.cleaner = "", self._new_cleaner()
            await self._emit(TextRolledBack(section_id, 0, event.reason))
            await self._emit(replace(event, section_id=section_id))
        elif isinstance(event, PlanVoided):
            self.text, self.cleaner = "", self._new_cleaner()
            await self._emit(TextRolledBack(section_id, 0, _("it was the model's reasoning")))
        elif isinstance(event, PlanDelta) and (piece := self.cleaner.add(event.text)):
            self.text += piece
            await self._emit(TextDelta(section_id, piece))
            if not self._agent.profile.ends_itself and (end := _stop(self.text, self._target)):
                self.text = self.text[:end]
                raise _Enough

    def _new_cleaner(self) -> StreamCleaner:
        """Return a cleaner. It joins a continuation to the text before it; other answers stand alone."""
        passage, follows = self._passage, self._agent.follows_instructions
        continues = self._edit.kind is EditKind.CONTINUE or not follows
        existing = passage.section.text[: passage.start] if continues else ""
        return StreamCleaner(existing, passage.section.title, exact=not follows)


def clean_answer(answer: str, passage: MarkedPassage, edit: PassageEdit, *, is_chat: bool) -> str:
    """Return an answer without what models put around it: tags of the prompt, a code fence, quotation marks."""
    answer = clean(answer)
    if edit.kind is EditKind.CONTINUE:
        return answer.rstrip()
    if is_chat:
        answer = _TAG.sub("", answer).strip()
        if (fenced := _FENCED.match(answer)) and not passage.text.lstrip().startswith("```"):
            answer = fenced[1]
        closing = _QUOTES.get(answer[:1])
        inner = answer[1:-1]
        if closing and answer.endswith(closing) and not passage.text.startswith(answer[0]) and closing not in inner:
            answer = inner
    return answer.strip()


async def _request(agent: Agent, passage: MarkedPassage, edit: PassageEdit) -> Request:
    follows = agent.follows_instructions
    target = passage.target(edit.kind)
    most = 2 * target if edit.kind is EditKind.CUSTOM else target
    tokens = most * _TOKENS_A_WORD + 128
    room = await agent.room_beside(_prompt(agent, passage, edit, "", ""))
    most_around = min(_AROUND, max(0, (room - tokens - agent.limits.reasoning_tokens) // 2))
    context = ContextBuilder(agent, passage.brief)
    text = passage.section.text
    before = text[: passage.start]
    if not before.strip() and passage.preceding and follows:
        before = f"{passage.preceding.strip()}\n\n"
    before = await context.end_of(before, most_around)
    after = await _beginning_of(agent, text[passage.end :], most_around) if follows else ""
    # The same edit of the same passage should give another text each time.
    brief = passage.brief
    seed = secrets.randbelow(2**31) if brief.seed is None else brief.seed
    salt = crc32(f"{edit.task}\0{text}\0{passage.start}".encode("utf-8", "replace")) + secrets.randbelow(1000)
    prompt = _prompt(agent, passage, edit, before, after)
    request = Request(prompt, tokens, repeats_prompt=edit.kind is not EditKind.CONTINUE)
    return agent.prepared(request, replace(brief, seed=seed), salt, role=Role.WRITE)


def _prompt(agent: Agent, passage: MarkedPassage, edit: PassageEdit, before: str, after: str) -> Prompt:
    brief, words = passage.brief, passage.target(edit.kind)
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
    """Return the beginning of ``text`` in at most ``budget`` tokens, up to the end of a sentence if possible."""
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


def _stop(answer: str, target: int) -> int:
    """Return the end of the sentence at which an answer is long enough, or 0 if it is too short yet."""
    if count_words(answer) < target * 0.9:
        return 0
    end = last_landing(answer.rstrip()[:-1]) if count_words(answer) < target * 1.4 else 0
    if end and count_words(answer[:end]) >= target * 0.7:
        return end
    return (last_landing(answer) or len(answer)) if count_words(answer) >= target * 1.4 else 0

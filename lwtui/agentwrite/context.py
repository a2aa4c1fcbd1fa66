"""What of the text so far a model is shown, so that a prompt never overflows and nothing is cut in silence.

All of it while it fits. Beyond that: notes on the sections that no longer do, then the rest word for word. The
border moves in strides, not with each section, so that the prompt's beginning stays the same and a backend's
prefix cache keeps its worth.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.calls import Patience, complete
from lwtui.agentwrite.events import ContextTrimmed, Retrying
from lwtui.documents.model import Brief, Section, Usage
from lwtui.models.base import ModelError
from lwtui.text import clean, sentence_ends

_STRIDE = 0.6  # share of the budget that the verbatim text takes after the border has moved
_NOTES = 0.25  # most of the budget that notes may take


@dataclass(frozen=True)
class Shown:
    """The text so far as a model sees it, and its tokens."""

    text: str
    tokens: int


@dataclass
class Context:
    """Chooses what is shown, section after section of one run; notes are made once per text."""

    agent: Agent
    brief: Brief
    _border: int = 0  # sections before it are shown as notes
    _tokens: dict[str, int] = field(default_factory=dict)
    _notes: dict[str, str] = field(default_factory=dict)
    _usage: Usage = field(default_factory=Usage)

    async def show(
        self, earlier: Sequence[Section], budget: int, section_id: str
    ) -> AsyncGenerator[Shown | ContextTrimmed | Retrying, None]:
        """Fit ``earlier`` sections into ``budget`` tokens: yields :class:`Shown` last, and before it what happened."""
        form = self.agent.form
        blocks = [form.earlier(one.title, one.main_point, one.text) for one in earlier]
        sizes = [await self.tokens(block) + 2 for block in blocks]
        full = sum(sizes)
        if self._border == 0 and full <= budget:
            yield Shown("\n\n".join(blocks), full)
            return
        self._border = border = _border_for(sizes, min(self._border, len(blocks)), budget)
        notes: list[str] = []
        for one in earlier[:border]:
            async with aclosing(self._note(one)) as items:
                async for item in items:
                    if isinstance(item, Retrying):
                        yield item
                    else:
                        notes.append(item)
        digest = await self._digest(notes, int(budget * _NOTES))
        tail = "\n\n".join(blocks[border:])
        if border == len(blocks) and blocks:
            # Not even the last section fits whole: its end does.
            tail = await self.end_of(blocks[-1], int(budget * (1 - _NOTES)) // 2)
        tail_tokens = await self._count(tail)
        text = "\n\n".join(part for part in (digest, tail) if part)
        sent = await self._count(text)
        yield ContextTrimmed(section_id, full, sent, max(0, sent - tail_tokens), tail_tokens)
        yield Shown(text, sent)

    async def end_of(self, text: str, budget: int) -> str:
        """The end of ``text`` in at most ``budget`` tokens, from a sentence's beginning; all of it if it fits."""
        if budget <= 0:
            return ""
        if await self._count(text) <= budget:
            return text
        starts = [end for end in sentence_ends(text) if end < len(text)]
        first = await _first(len(starts), lambda at: self._fits(text[starts[at] :], budget))
        if first < len(starts):
            return text[starts[first] :].lstrip()
        first = await _first(len(text), lambda at: self._fits(text[at:], budget))
        return text[first:]

    def take_usage(self) -> Usage:
        """What the notes took since this was last asked."""
        usage, self._usage = self._usage, Usage()
        return usage

    async def tokens(self, text: str) -> int:
        """The tokens of ``text``, remembered if they are exact; an estimate costs nothing, and gets better."""
        if not self.agent.model.capabilities.exact_tokens:
            return await self._count(text)
        if text not in self._tokens:
            self._tokens[text] = await self._count(text)
        return self._tokens[text]

    async def _fits(self, text: str, budget: int) -> bool:
        return await self._count(text) <= budget

    async def _count(self, text: str) -> int:
        return await self.agent.model.count_tokens(text)

    async def _note(self, section: Section) -> AsyncGenerator[str | Retrying, None]:
        """Notes on a section: by the model, or its first and last sentence where the model cannot make any."""
        if section.text not in self._notes:
            body = _first_and_last(section.text)
            async with aclosing(self._asked_for(section)) as items:
                async for item in items:
                    if isinstance(item, Retrying):
                        yield item
                    else:
                        body = item or body
            self._notes[section.text] = f"{section.title}: {' '.join(body.split())}"
        yield self._notes[section.text]

    async def _asked_for(self, section: Section) -> AsyncGenerator[str | Retrying, None]:
        """The model's notes on a section; empty where it cannot make any, or will not."""
        request = self.agent.form.summary(section.text, self.brief)
        if request is None or await self.agent.room_beside(request.prompt) < request.max_tokens:
            return
        request = await self.agent.fitted(self.agent.allowing_for_reasoning(request))
        prepared = self.agent.prepared(request, self.brief, len(self._notes))
        try:
            async with aclosing(complete(self.agent.model, prepared, Patience(self.agent.policy))) as items:
                async for item in items:
                    if isinstance(item, Usage):
                        self._usage += item
                    else:
                        yield item if isinstance(item, Retrying) else clean(item).strip()
        except ModelError as error:
            if error.kind not in ("context", "refused"):
                raise

    async def _digest(self, notes: list[str], budget: int) -> str:
        """The notes within ``budget`` tokens; where they do not fit, the oldest keep their headings alone."""

        def with_bare(bare: int) -> str:
            return self.agent.form.digest([note.split(":", 1)[0] for note in notes[:bare]] + notes[bare:])

        if not notes:
            return ""
        bare = await _first(len(notes) + 1, lambda bare: self._fits(with_bare(bare), budget))
        return with_bare(bare) if bare <= len(notes) else ""


def _border_for(sizes: Sequence[int], border: int, budget: int) -> int:
    """Where the verbatim text begins: it stays, until what follows no longer fits; then it moves a stride."""
    if sum(sizes[border:]) > budget * (1 - _NOTES):
        while border < len(sizes) and sum(sizes[border:]) > budget * _STRIDE:
            border += 1
    return border


async def _first(count: int, holds: Callable[[int], Awaitable[bool]]) -> int:
    """The first of ``count`` numbers from 0 for which ``holds``, which then holds for all after it; or ``count``."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if await holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _first_and_last(text: str) -> str:
    ends = sentence_ends(text)
    if len(ends) < 3:
        return text
    return f"{text[: ends[0]].strip()} … {text[ends[-2] : ends[-1]].strip()}"

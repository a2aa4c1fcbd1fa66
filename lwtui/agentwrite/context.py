"""What of the text so far a model is shown, so that a prompt never overflows and nothing is cut in silence.

All of it while it fits. Beyond that: notes on the sections that no longer do, then the rest word for word. The
border moves in strides, not with each section, so that the prompt's beginning stays the same and a backend's
prefix cache keeps its worth.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.calls import Patience, complete
from lwtui.agentwrite.events import ContextTrimmed, Retrying
from lwtui.documents.model import Brief, Section
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
    """Chooses what is shown, section after section of one run; counts and notes are made once per text."""

    agent: Agent
    brief: Brief
    _border: int = 0  # sections before it are shown as notes
    _tokens: dict[str, int] = field(default_factory=dict)
    _notes: dict[str, str] = field(default_factory=dict)

    async def show(
        self, earlier: Sequence[Section], budget: int, section_id: str
    ) -> AsyncGenerator[Shown | ContextTrimmed | Retrying, None]:
        """Fit ``earlier`` sections into ``budget`` tokens: yields :class:`Shown` last, and before it what happened."""
        form = self.agent.form
        blocks = [form.earlier(one.title, one.main_point, one.text) for one in earlier]
        sizes = [await self._count(block) + 2 for block in blocks]
        full = sum(sizes)
        if self._border == 0 and full <= budget:
            yield Shown("\n\n".join(blocks), full)
            return
        border = min(self._border, len(blocks))
        if sum(sizes[border:]) > budget * (1 - _NOTES):
            while border < len(blocks) and sum(sizes[border:]) > budget * _STRIDE:
                border += 1
        self._border = border
        notes: list[str] = []
        for one in earlier[:border]:
            async for item in self._note(one):
                if isinstance(item, Retrying):
                    yield item
                else:
                    notes.append(item)
        digest = await self._digest(notes, int(budget * _NOTES))
        tail = "\n\n".join(blocks[border:])
        if border == len(blocks) and blocks:
            # Not even the last section fits whole: its end does.
            tail = await self._end_of(blocks[-1], int(budget * (1 - _NOTES)) // 2)
        tail_tokens = await self._count(tail)
        text = "\n\n".join(part for part in (digest, tail) if part)
        sent = await self._count(text)
        yield ContextTrimmed(section_id, full, sent, sent - tail_tokens, tail_tokens)
        yield Shown(text, sent)

    async def end_of(self, text: str, budget: int) -> str:
        """The end of ``text`` in at most ``budget`` tokens, from a sentence's beginning; all of it if it fits."""
        return text if await self._count(text) <= budget else await self._end_of(text, budget)

    async def _count(self, text: str) -> int:
        if text not in self._tokens:
            self._tokens[text] = await self.agent.model.count_tokens(text)
        return self._tokens[text]

    async def _note(self, section: Section) -> AsyncGenerator[str | Retrying, None]:
        """Notes on a section: by the model, or its first and last sentence where the model cannot make any."""
        if section.text in self._notes:
            yield self._notes[section.text]
            return
        body = _first_and_last(section.text)
        request = self.agent.form.summary(section.text, self.brief)
        room = self.agent.model.capabilities.context_length
        if request is not None and await self._count(request.prompt.plain()) + request.max_tokens < room:
            prepared = self.agent.prepared(request, self.brief, len(self._notes))
            async for item in complete(self.agent.model, prepared, Patience(self.agent.policy)):
                if isinstance(item, Retrying):
                    yield item
                else:
                    body = clean(item).strip() or body
        note = f"{section.title}: {' '.join(body.split())}"
        self._notes[section.text] = note
        yield note

    async def _digest(self, notes: list[str], budget: int) -> str:
        """The notes within ``budget`` tokens; where they do not fit, the oldest keep their headings alone."""
        if not notes:
            return ""
        for bare in range(len(notes) + 1):
            lines = [note.split(":", 1)[0] for note in notes[:bare]] + notes[bare:]
            text = self.agent.form.digest(lines)
            if await self._count(text) <= budget:
                return text
        return ""

    async def _end_of(self, text: str, budget: int) -> str:
        starts = [end for end in sentence_ends(text) if end < len(text)]
        for start in starts:
            rest = text[start:].lstrip()
            # A cheap bound first: no tokenizer puts more than about eight characters into a token.
            if len(rest) <= budget * 8 and await self._count(rest) <= budget:
                return rest
        return text[-budget:]


def _first_and_last(text: str) -> str:
    ends = sentence_ends(text)
    if len(ends) < 3:
        return text
    return f"{text[: ends[0]].strip()} … {text[ends[-2] : ends[-1]].strip()}"

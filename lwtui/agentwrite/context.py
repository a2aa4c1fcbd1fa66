"""What of the text so far a model is shown, so that a prompt never overflows and nothing is cut in silence.

All of it while it fits. Beyond that: notes on the sections that no longer do, then the rest word for word. The
border moves in strides, not with each section, so that the prompt's beginning stays the same and a backend's
prefix cache keeps its worth.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.calls import Patience, complete
from lwtui.agentwrite.events import ContextTrimmed, Retrying, SummaryMade
from lwtui.documents.model import Brief, Section, SectionSummary, Usage
from lwtui.documents.stale import fingerprint
from lwtui.models.base import ModelError
from lwtui.text import clean, sentence_ends

_STRIDE = 0.6  # share of the budget that the verbatim text takes after the border has moved
_NOTES = 0.25  # most of the budget that notes may take


@dataclass(frozen=True)
class Shown:
    """The text so far as a model sees it, and its tokens.

    ``whole`` are the sections that stand there word for word, the last of them perhaps only with its end;
    ``summaries`` has what stands for the others, by id.
    """

    text: str
    tokens: int
    whole: tuple[Section, ...] = ()
    summaries: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Context:
    """Chooses what is shown, section after section of one run; notes are made once per text.

    ``summaries`` are those that the document keeps: the writer's own, whatever has become of the text since, and the
    model's, as long as the text is the one they sum up.
    """

    agent: Agent
    brief: Brief
    summaries: Mapping[str, SectionSummary] = field(default_factory=dict)
    _border: int = 0  # sections before it are shown as notes
    _tokens: dict[str, int] = field(default_factory=dict)
    _notes: dict[str, str] = field(default_factory=dict)
    _usage: Usage = field(default_factory=Usage)

    async def show(
        self, earlier: Sequence[Section], budget: int, section_id: str
    ) -> AsyncGenerator[Shown | ContextTrimmed | SummaryMade | Retrying, None]:
        """Fit ``earlier`` sections into ``budget`` tokens: yields :class:`Shown` last, and before it what happened."""
        form = self.agent.form
        blocks = [form.earlier(one.title, one.main_point, one.text) for one in earlier]
        sizes = [await self.tokens(block) + 2 for block in blocks]
        full = sum(sizes)
        if self._border == 0 and full <= budget:
            yield Shown("\n\n".join(blocks), full, tuple(earlier))
            return
        self._border = border = _border_for(sizes, min(self._border, len(blocks)), budget)
        bodies: dict[str, str] = {}
        for one in earlier[:border]:
            async with aclosing(self._note(one)) as items:
                async for item in items:
                    if isinstance(item, str):
                        bodies[one.id] = item
                    else:
                        yield item
        digest, summed_up = await self._digest(earlier[:border], bodies, int(budget * _NOTES))
        whole = earlier[border:]
        tail = "\n\n".join(blocks[border:])
        if border == len(blocks) and blocks:
            # Not even the last section fits whole: its end does.
            tail = await self.end_of(blocks[-1], int(budget * (1 - _NOTES)) // 2)
            whole = earlier[-1:]
        tail_tokens = await self._count(tail)
        text = "\n\n".join(part for part in (digest, tail) if part)
        sent = await self._count(text)
        yield ContextTrimmed(section_id, full, sent, max(0, sent - tail_tokens), tail_tokens)
        yield Shown(text, sent, tuple(whole), {one: bodies[one] for one in summed_up})

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

    async def _note(self, section: Section) -> AsyncGenerator[str | SummaryMade | Retrying, None]:
        """Notes on a section: those that are kept, or the model's, or its first and last sentence where the model
        cannot make any."""
        if (kept := self._kept(section)) is not None:
            yield kept
            return
        if section.text not in self._notes:
            body = _first_and_last(section.text)
            async with aclosing(self._asked_for(section)) as items:
                async for item in items:
                    if isinstance(item, Retrying):
                        yield item
                    else:
                        body = item or body
            self._notes[section.text] = " ".join(body.split())
            yield SummaryMade(section.id, self._notes[section.text], fingerprint(section.text))
        yield self._notes[section.text]

    def _kept(self, section: Section) -> str | None:
        """The summary that the document keeps of a section, if it is to be used."""
        kept = self.summaries.get(section.id)
        if kept is None or not (kept.by_hand or kept.digest == fingerprint(section.text)):
            return None
        return " ".join(kept.text.split())

    async def _asked_for(self, section: Section) -> AsyncGenerator[str | Retrying, None]:
        """The model's notes on a section; empty where it cannot make any, or will not."""
        by = self.agent.helper or self.agent
        request = by.form.summary(section.text, self.brief)
        if request is None or await by.room_beside(request.prompt) < request.max_tokens:
            return
        request = await by.fitted(by.allowing_for_reasoning(request))
        prepared = by.prepared(request, self.brief, len(self._notes))
        try:
            async with aclosing(complete(by.model, prepared, Patience(by.policy))) as items:
                async for item in items:
                    if isinstance(item, Usage):
                        self._usage += item
                    else:
                        yield item if isinstance(item, Retrying) else clean(item).strip()
        except ModelError as error:
            if error.kind not in ("context", "refused"):
                raise

    async def _digest(
        self, sections: Sequence[Section], bodies: Mapping[str, str], budget: int
    ) -> tuple[str, list[str]]:
        """The notes on sections within ``budget`` tokens, and of which sections (ids) there are more than headings:
        where they do not all fit, the oldest keep their headings alone, and the writer's own are the last that do."""
        first = sorted(sections, key=lambda one: one.id in self.summaries and self.summaries[one.id].by_hand)
        places = {one.id: at for at, one in enumerate(first)}

        def with_bare(bare: int) -> str:
            return self.agent.form.digest(
                [one.title if places[one.id] < bare else f"{one.title}: {bodies[one.id]}" for one in sections]
            )

        if not sections:
            return "", []
        bare = await _first(len(sections) + 1, lambda bare: self._fits(with_bare(bare), budget))
        if bare > len(sections):
            return "", []
        return with_bare(bare), [one.id for one in sections if places[one.id] >= bare]


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

"""Chooses what of the text so far a prompt shows, so that no prompt overflows and nothing is cut in silence.

That is all of it while it fits; beyond that, summaries of the sections that no longer do, then the rest verbatim. The
border between the two moves in strides, not with each section, so that the beginning of the prompt stays the same and
the backend's prefix cache stays useful.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import ContextTrimmed, Emit, SummaryMade
from lwtui.agentwrite.short_calls import ask_once, retries_only
from lwtui.documents.model import Brief, Section, SectionSummary
from lwtui.documents.stale import fingerprint
from lwtui.models.base import ModelError
from lwtui.text import clean, sentence_ends

_STRIDE = 0.6  # share of the budget that the verbatim text takes after the border has moved
_SUMMARIES = 0.25  # most of the budget that summaries may take


@dataclass(frozen=True)
class EarlierText:
    """The text so far as a prompt shows it.

    Attributes:
        text: What is shown.
        tokens: Its tokens.
        whole: The sections that stand there verbatim, the last of them perhaps only with its end.
        summaries: What stands for the other sections, by section id.
    """

    text: str = ""
    tokens: int = 0
    whole: tuple[Section, ...] = ()
    summaries: Mapping[str, str] = field(default_factory=dict)


@dataclass
class ContextBuilder:
    """Chooses what of the text so far is shown, section after section of one run. Summaries are made once per text.

    Attributes:
        agent: Who is to see it.
        brief: What the writer asked for.
        summaries: Those that the document keeps: the writer's own, whatever has become of the text since, and the
            model's as long as the text is the one they stand for.
    """

    agent: Agent
    brief: Brief
    summaries: Mapping[str, SectionSummary] = field(default_factory=dict)
    _border: int = 0  # sections before it are shown as summaries
    _tokens: dict[str, int] = field(default_factory=dict)
    _made: dict[str, str] = field(default_factory=dict)

    async def fit(
        self, agent: Agent, earlier: Sequence[Section], budget: int, section_id: str, emit: Emit
    ) -> EarlierText:
        """Fit ``earlier`` sections into ``budget`` tokens; ``agent`` summarises. Trimming and summaries are emitted."""
        builder = agent.prompts
        blocks = [builder.earlier(one.title, one.main_point, one.text) for one in earlier]
        sizes = [await self.tokens(block) + 2 for block in blocks]
        full = sum(sizes)
        if self._border == 0 and full <= budget:
            return EarlierText("\n\n".join(blocks), full, tuple(earlier))
        self._border = border = _border_for(sizes, min(self._border, len(blocks)), budget)
        bodies = {one.id: await self._summary(agent, one, emit) for one in earlier[:border]}
        digest, summarised = await self._digest(earlier[:border], bodies, int(budget * _SUMMARIES))
        whole = earlier[border:]
        tail = "\n\n".join(blocks[border:])
        if border == len(blocks) and blocks:
            # Not even the last section fits whole: its end does.
            tail = await self.end_of(blocks[-1], int(budget * (1 - _SUMMARIES)) // 2)
            whole = earlier[-1:]
        tail_tokens = await self._count(tail)
        text = "\n\n".join(part for part in (digest, tail) if part)
        sent = await self._count(text)
        await emit(ContextTrimmed(section_id, full, sent, max(0, sent - tail_tokens), tail_tokens))
        return EarlierText(text, sent, tuple(whole), {one: bodies[one] for one in summarised})

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

    async def _summary(self, agent: Agent, section: Section, emit: Emit) -> str:
        """The summary that is kept of a section, or the model's, or its first and last sentence where the model cannot
        write one."""
        if (kept := self._kept(section)) is not None:
            return kept
        if section.text not in self._made:
            body = await self._ask_for_summary(agent, section, emit) or _first_and_last(section.text)
            self._made[section.text] = " ".join(body.split())
            await emit(SummaryMade(section.id, self._made[section.text], fingerprint(section.text)))
        return self._made[section.text]

    def _kept(self, section: Section) -> str | None:
        """The summary that the document keeps of a section, if it is to be used."""
        kept = self.summaries.get(section.id)
        if kept is None or not (kept.by_hand or kept.digest == fingerprint(section.text)):
            return None
        return " ".join(kept.text.split())

    async def _ask_for_summary(self, agent: Agent, section: Section, emit: Emit) -> str:
        """The model's summary of a section; empty where it cannot write one, or will not."""
        by = agent.helper or agent
        request = by.prompts.summary(section.text, self.brief)
        if request is None or await by.room_beside(request.prompt) < request.max_tokens:
            return ""
        request = await by.fitted(by.allowing_for_reasoning(request))
        try:
            answer = await ask_once(by, by.prepared(request, self.brief, len(self._made)), retries_only(emit))
        except ModelError as error:
            if error.kind not in ("context", "refused"):
                raise
            return ""
        return clean(answer.text).strip()

    async def _digest(
        self, sections: Sequence[Section], bodies: Mapping[str, str], budget: int
    ) -> tuple[str, list[str]]:
        """Lay out the summaries of sections within ``budget`` tokens.

        Where they do not all fit, the oldest sections keep their headings alone, and those with a summary of the
        writer's own are the last to do so. Returns the layout and the ids of the sections whose summaries are in it.
        """
        first = sorted(sections, key=lambda one: one.id in self.summaries and self.summaries[one.id].by_hand)
        places = {one.id: at for at, one in enumerate(first)}

        def with_bare(bare: int) -> str:
            return self.agent.prompts.digest(
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
    if sum(sizes[border:]) > budget * (1 - _SUMMARIES):
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

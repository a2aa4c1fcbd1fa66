"""Chooses how much of the text so far a prompt shows: no prompt overflows, and every cut is reported as an event.

While the whole text fits, the prompt shows all of it. After that, it shows summaries of the oldest sections, then the
rest verbatim. The border between the two moves in strides, not with each section: the prompt keeps its beginning, and
the backend's prefix cache stays useful.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.earlier_index import EarlierIndex
from lwtui.agentwrite.earlier_layout import EarlierLayout, ShownSummary
from lwtui.agentwrite.events import ContextTrimmed, Emit, SummaryMade
from lwtui.agentwrite.short_calls import ask_once, retries_only
from lwtui.config import Role
from lwtui.documents.model import Brief, Section, SectionSummary
from lwtui.documents.stale import fingerprint
from lwtui.models.base import ModelError
from lwtui.text import clean, sentence_ends

_STRIDE = 0.6  # share of the budget that the verbatim text takes after the border has moved
_MOST_REPEATING = 2  # sections in a row, from which a small model is shown less
_SUMMARIES = 0.25  # largest share of the budget that summaries may take


@dataclass(frozen=True)
class EarlierText:
    """The text so far as a prompt shows it.

    Attributes:
        text: The text to show.
        tokens: How many tokens it has.
        whole: The sections that it shows verbatim; if there is just one, perhaps only the end of it.
        summaries: The summaries that it shows, by section id.
    """

    text: str = ""
    tokens: int = 0
    whole: tuple[Section, ...] = ()
    summaries: Mapping[str, str] = field(default_factory=dict)


@dataclass
class ContextBuilder:
    """Chooses the earlier text for each prompt of a run. Each text is summarized once.

    Attributes:
        agent: The model that reads the prompts.
        brief: What the writer asked for.
        summaries: The summaries stored in the document. The writer's own always count; the model's count only while
            the text that they summarize is unchanged.
        index: What the filters know of the earlier sections.
        repeating: How many sections in a row began with a repetition of the earlier text, all of which was shown.
    """

    agent: Agent
    brief: Brief
    summaries: Mapping[str, SectionSummary] = field(default_factory=dict)
    index: EarlierIndex = field(default_factory=EarlierIndex)
    repeating: int = 0
    _layout: EarlierLayout = field(default_factory=EarlierLayout)
    _border: int = 0  # sections before this position are shown as summaries
    _bare: int = 0  # how many of these the last prompt reduced to their headings
    _tokens: dict[str, int] = field(default_factory=dict)
    _made: dict[str, str] = field(default_factory=dict)

    @property
    def shows_less(self) -> bool:
        """Whether prompts show only the end of the earlier text, since a small model repeats what it is shown."""
        return self.agent.is_small and self.repeating >= _MOST_REPEATING

    async def fit(
        self, agent: Agent, earlier: Sequence[Section], budget: int, section_id: str, emit: Emit
    ) -> EarlierText:
        """Fit the earlier sections into a number of tokens.

        Args:
            agent: The model that summarizes, and whose prompt builder lays out the text.
            earlier: The earlier sections, in order.
            budget: The most tokens that they may take.
            section_id: The section to be written, for the events.
            emit: Awaited for trimming, new summaries and retries.

        Returns:
            The text to show.

        Raises:
            ModelError: A section could not be summarized.
        """
        self._layout.hold(earlier, agent.prompts)
        blocks, border = self._layout.blocks, min(self._border, len(earlier))
        sizes = await self._sizes(border)
        full = sum(sizes)
        if self._border == 0 and full <= budget:
            return EarlierText("\n\n".join(blocks), full, tuple(earlier))
        self._border = border = _border_for(sizes, border, budget)
        summaries = await self._shown_summaries(agent, earlier[:border], emit)
        digest, summarized = await self._digest(summaries, int(budget * _SUMMARIES))
        whole = earlier[border:]
        tail = "\n\n".join(blocks[border:])
        if border == len(blocks) and blocks:
            # Not even the last section fits as a whole, so show its end.
            tail = await self.end_of(blocks[-1], int(budget * (1 - _SUMMARIES)) // 2)
            whole = earlier[-1:]
        tail_tokens = await self._count(tail)
        text = "\n\n".join(part for part in (digest, tail) if part)
        sent = await self._count(text)
        await emit(ContextTrimmed(section_id, full, sent, max(0, sent - tail_tokens), tail_tokens))
        return EarlierText(text, sent, tuple(whole), {earlier[at].id: summaries[at].text for at in summarized})

    async def end_of(self, text: str, budget: int) -> str:
        """Return the end of ``text`` in at most ``budget`` tokens, from the start of a sentence if possible."""
        if budget <= 0:
            return ""
        if await self._count(text) <= budget:
            return text
        starts = [end for end in sentence_ends(text) if end < len(text)]
        first = await _first(len(starts), lambda index: self._fits(text[starts[index] :], budget))
        if first < len(starts):
            return text[starts[first] :].lstrip()
        first = await _first(len(text), lambda start: self._fits(text[start:], budget))
        return text[first:]

    async def tokens(self, text: str) -> int:
        """Return the number of tokens in ``text``. Only exact counts are cached: estimates are cheap and improve."""
        model = self.agent.model
        if not model.capabilities.exact_tokens:
            return await model.count_tokens(text)
        if text not in self._tokens:
            self._tokens[text] = await model.count_tokens(text)
        return self._tokens[text]

    async def _fits(self, text: str, budget: int) -> bool:
        return await self._count(text) <= budget

    async def _count(self, text: str) -> int:
        return await self.agent.model.count_tokens(text)

    async def _sizes(self, border: int) -> list[int]:
        """Count the tokens of all earlier sections; of those before ``border``, which are not shown, only once."""
        blocks, sizes = self._layout.blocks, self._layout.sizes
        hidden = [position for position in range(border) if not sizes[position]]
        for position in (*hidden, *range(border, len(blocks))):
            sizes[position] = await self.tokens(blocks[position]) + 2
        return sizes

    async def _shown_summaries(self, agent: Agent, sections: Sequence[Section], emit: Emit) -> list[ShownSummary]:
        """Return the summaries of sections. One is made again only if the stored summary is another than before."""
        known = self._layout.summaries
        found = []
        for position, section in enumerate(sections):
            shown, stored = known[position], self.summaries.get(section.id)
            if shown is None or shown.stored is not stored:
                text, by_hand = await self._summary(agent, section, emit), stored is not None and stored.by_hand
                shown = ShownSummary(section.title, text, f"{section.title}: {text}", stored, by_hand)
                known[position] = shown
            found.append(shown)
        return found

    async def _summary(self, agent: Agent, section: Section, emit: Emit) -> str:
        """Return the stored summary of a section, else a new one, else its first and last sentence."""
        if (stored := self._stored_summary(section)) is not None:
            return stored
        if section.text not in self._made:
            body = await self._ask_for_summary(agent, section, emit) or _first_and_last(section.text)
            self._made[section.text] = " ".join(body.split())
            await emit(SummaryMade(section.id, self._made[section.text], fingerprint(section.text)))
        return self._made[section.text]

    def _stored_summary(self, section: Section) -> str | None:
        """Return the document's summary of a section, unless it is missing or stale."""
        stored = self.summaries.get(section.id)
        if stored is None or not (stored.by_hand or stored.digest == fingerprint(section.text)):
            return None
        return " ".join(stored.text.split())

    async def _ask_for_summary(self, agent: Agent, section: Section, emit: Emit) -> str:
        """Have a model summarize a section. Returns an empty string if it cannot or refuses."""
        summarizer = agent.helper or agent
        request = summarizer.prompts.summary(section.text, self.brief)
        if request is None or await summarizer.room_beside(request.prompt) < request.max_tokens:
            return ""
        request = await summarizer.fitted(summarizer.allowing_for_reasoning(request))
        prepared = summarizer.prepared(request, self.brief, len(self._made), role=Role.CRITIC)
        try:
            answer = await ask_once(summarizer, prepared, retries_only(emit))
        except ModelError as error:
            if error.kind not in ("context", "refused"):
                raise
            return ""
        return clean(answer.text).strip()

    async def _digest(self, summaries: Sequence[ShownSummary], budget: int) -> tuple[str, list[int]]:
        """Lay out summaries in at most ``budget`` tokens.

        If not all fit, the oldest are reduced to the headings of their sections; the writer's own come last.

        Returns:
            The layout, and the positions of the summaries that it shows.
        """
        if not summaries:
            return "", []
        lines = [summary.line for summary in summaries]
        order = sorted(range(len(summaries)), key=[summary.by_hand for summary in summaries].__getitem__)

        def with_bare(bare: int) -> str:
            shown = lines.copy()
            for position in order[:bare]:
                shown[position] = summaries[position].title
            return self.agent.prompts.digest(shown)

        bare = await _first(len(order) + 1, lambda bare: self._fits(with_bare(bare), budget), near=self._bare)
        self._bare = bare
        return (with_bare(bare), sorted(order[bare:])) if bare <= len(order) else ("", [])


def _border_for(sizes: Sequence[int], border: int, budget: int) -> int:
    """Return the position of the first verbatim section: unchanged while the rest fits, else a stride further on."""
    if sum(sizes[border:]) > budget * (1 - _SUMMARIES):
        while border < len(sizes) and sum(sizes[border:]) > budget * _STRIDE:
            border += 1
    return border


async def _first(count: int, holds: Callable[[int], Awaitable[bool]], near: int | None = None) -> int:
    """Return the first of the numbers 0 to ``count - 1`` for which ``holds``, or ``count`` (a binary search).

    ``holds`` must hold for all numbers after the first one. If that is likely to be close to ``near``, it is looked for
    there first, at growing distances.
    """
    low, high = 0, count
    near, step = None if near is None else min(near, count - 1), 1
    while near is not None and low <= near < high:
        if await holds(near):
            high, near = near, near - step
        else:
            low, near = near + 1, near + step
        step *= 2
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

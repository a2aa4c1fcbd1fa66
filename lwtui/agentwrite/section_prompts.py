"""The requests for one section: whatever its text and the text before it have become, each fits the model's context."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from lwtui.agentwrite.agent import Agent, NoRoom
from lwtui.agentwrite.context import Context, Shown
from lwtui.agentwrite.events import ContextTrimmed, Event, Grounded, NotesLeftOut
from lwtui.agentwrite.forms import Task
from lwtui.agentwrite.notes import as_list, chosen
from lwtui.agentwrite.plan_view import Detail
from lwtui.documents.model import Brief, Note, Plan, Section
from lwtui.documents.outline import numbers
from lwtui.documents.stale import basis_of
from lwtui.models.base import Prompt, Request

_TOKENS_A_WORD = 3  # generous: the landing ends a section, this only bounds a call
_LEAST_WORDS = 30  # asked for at once
_LEAST_FREE = 256  # tokens beside brief and plan, for text so far and answer
_PLAN_TOKENS = 4_000  # most that the plan takes of a prompt, and
_PLAN_SHARE = 0.3  # most that it takes of the context
_NOTE_TOKENS = 3_000  # the same for the writer's notes
_NOTE_SHARE = 0.2


@dataclass(frozen=True)
class Job:
    """One section to write, at position ``number`` of the plan, and what is known of its surroundings at that moment.

    ``notes`` are all of the writer's; ``recent`` is the text before in which their triggers are looked for.

    ``precise``: nothing that is written after the section can make up for its length. ``variant`` makes its seeds
    others than those of a text that is to be replaced.
    """

    brief: Brief
    plan: Plan
    section: Section
    number: int  # from 1
    target: int
    precise: bool
    earlier: Sequence[Section]
    parallel: bool = False
    direct: bool = False
    variant: int = 0
    notes: Sequence[Note] = ()
    recent: str = ""

    @property
    def ordinal(self) -> int:
        """The section's number as a reader counts: headings alone are no sections."""
        return numbers(self.plan)[self.number - 1]

    @property
    def total(self) -> int:
        """How many sections a reader counts."""
        return numbers(self.plan)[-1]


class SectionPrompts:
    """Composes a section's requests. :meth:`prepare` comes first; then each :meth:`request` is for the text as it is.

    ``notices`` collects what had to be left out of the requests; the caller takes them from there. ``cramped`` says
    that the context had less room for the last request's answer than it should have.
    """

    def __init__(self, agent: Agent, job: Job, context: Context) -> None:
        self._agent = agent
        self._job = job
        self._context = context
        self._shown = Shown("", 0)
        self._detail = Detail.FULL
        self._brief = job.brief  # with the notes that are shown always
        self._called: tuple[Note, ...] = ()  # those that this section calls up
        self.notices: list[ContextTrimmed] = []
        self.cramped = False

    async def prepare(self) -> AsyncGenerator[Event, None]:
        """Decide what of the notes and the earlier sections all requests show, and tell what the section rests on.

        Raises :class:`~lwtui.models.base.ModelError`.
        """
        job = self._job
        notes = chosen(job.notes, job.section, job.recent)
        if left_out := await self._fit_notes(notes):
            yield NotesLeftOut(job.section.id, tuple(note.title for note in left_out))
        async with aclosing(self._show_earlier()) as items:
            async for item in items:
                yield item
        basis = basis_of(job.brief.instruction, job.section, notes, self._shown.whole, self._shown.summaries)
        yield Grounded(job.section.id, basis)

    def parts(self, text: str) -> dict[str, str]:
        """What a request holds where ``text`` stands of the section already, by name, but for the task's own words."""
        job = self._job
        parts = {
            "Instruction": job.brief.instruction,
            "Notes": as_list((*self._brief.notes, *self._called)),
            "Plan": "" if job.direct else self._agent.form.outline(job.plan, job.number, self._detail),
            "Text before": self._shown.text,
            "This section so far": text,
        }
        return {name: part for name, part in parts.items() if part}

    async def _fit_notes(self, notes: Sequence[Note]) -> list[Note]:
        """Take as many of the notes as there is room for, the writer's first ones first; those left out."""
        room = min(_NOTE_TOKENS, int(self._agent.context_length * _NOTE_SHARE))
        taken: list[Note] = []
        for note in notes:
            if await self._context.tokens(as_list([*taken, note])) > room:
                break
            taken.append(note)
        self._brief = replace(self._job.brief, notes=tuple(note for note in taken if note.always))
        self._called = tuple(note for note in taken if not note.always)
        return list(notes[len(taken) :])

    async def _show_earlier(self) -> AsyncGenerator[Event, None]:
        job = self._job
        if not job.direct:
            self._detail = await self._fitting_detail()
        if job.parallel or job.direct or not job.earlier:
            return
        free = await self._free()
        # The section itself will stand in its own prompts when it is continued.
        growth = 2 * _tokens_for(job.target) + min(self._agent.reasoning_tokens, free // 4)
        budget = free - min(growth, free * 2 // 3)
        async with aclosing(self._context.show(job.earlier, budget, job.section.id)) as items:
            async for item in items:
                if isinstance(item, Shown):
                    self._shown = item
                else:
                    yield item

    async def _fitting_detail(self) -> Detail:
        """How much of the plan there is room for: the most that fits."""
        room = min(_PLAN_TOKENS, int(self._agent.context_length * _PLAN_SHARE))
        for detail in Detail:
            outline = self._agent.form.outline(self._job.plan, self._job.number, detail)
            if await self._context.tokens(outline) <= room:
                return detail
        return Detail.LEAST

    async def request(self, text: str, length: int, *, salt: int, loops: int) -> Request:
        """The request for what comes after ``text``, of ``length``, in this section.

        Raises :class:`~lwtui.models.base.ModelError` if not even the plan fits.
        """
        words = max(_LEAST_WORDS, self._job.target - length)
        wished = _tokens_for(words) + self._agent.reasoning_tokens
        prompt = self._prompt(self._shown.text, text, words)
        room = await self._agent.room_beside(prompt)
        if room < min(wished, self._agent.context_length // 4):
            prompt = await self._squeezed(text, words, wished)
            room = await self._agent.room_beside(prompt)
        self.cramped = room < wished
        request = await self._agent.fitted(Request(prompt, max_tokens=min(wished, max(1, room))))
        salt += self._job.number * 997 + self._job.variant * 1_000
        return self._agent.prepared(request, self._job.brief, salt, firmer=loops)

    async def _squeezed(self, text: str, words: int, wished: int) -> Prompt:
        """A prompt with less of the text: at most half of what there is room for goes to the earlier sections."""
        free = await self._free()
        available = free - min(wished, self._agent.context_length // 3, free // 2)
        own = await self._context.end_of(text, max(available // 2, available - self._shown.tokens))
        own_tokens = await self._agent.model.count_tokens(own)
        shown = await self._context.end_of(self._shown.text, available - own_tokens)
        sent = own_tokens + await self._agent.model.count_tokens(shown)
        full = self._shown.tokens + await self._agent.model.count_tokens(text)
        self.notices.append(ContextTrimmed(self._job.section.id, full, sent, 0, sent))
        return self._prompt(shown, own, words)

    async def _free(self) -> int:
        """Tokens of context beside what every request of this section holds."""
        free = await self._agent.room_beside(self._prompt("", "", self._job.target))
        if free < _LEAST_FREE:
            taken = self._agent.context_length - free
            raise NoRoom(
                f"The brief and the plan take {taken} of the model's {self._agent.context_length} tokens: use a model "
                "with a longer context, or fewer sections."
            )
        return free

    def _prompt(self, shown: str, text: str, words: int) -> Prompt:
        job = self._job
        return self._agent.form.section(
            Task(
                self._brief,
                job.plan,
                job.number,
                words,
                shown,
                text,
                job.parallel,
                job.direct,
                self._detail,
                self._called,
            )
        )


def _tokens_for(words: int) -> int:
    return words * _TOKENS_A_WORD + 128

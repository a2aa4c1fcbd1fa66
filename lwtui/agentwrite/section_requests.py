"""Builds the requests for one section, each of which fits the model's context."""

from __future__ import annotations

from collections.abc import Sequence

from lwtui.agentwrite.agent import Agent, NoRoom
from lwtui.agentwrite.context import ContextBuilder, EarlierText
from lwtui.agentwrite.events import ContextTrimmed, Emit, Grounded, NotesLeftOut
from lwtui.agentwrite.notes import as_list, chosen
from lwtui.agentwrite.plan_view import Detail
from lwtui.agentwrite.section_task import SectionTask, SectionView
from lwtui.documents.model import Note
from lwtui.documents.stale import basis_of
from lwtui.models.base import Prompt, Request

_TOKENS_A_WORD = 3  # generous: the section ends before, this only bounds a call
_LEAST_WORDS = 30  # asked for at once
_LEAST_FREE = 256  # tokens beside brief and plan, for text so far and answer
_PLAN_TOKENS = 4_000  # most that the plan takes of a prompt, and
_PLAN_SHARE = 0.3  # most that it takes of the context
_NOTE_TOKENS = 3_000  # the same for the writer's notes
_NOTE_SHARE = 0.2


class SectionRequests:
    """Builds a section's requests: :meth:`prepare` first, then :meth:`request` for the text as it stands.

    Attributes:
        cramped: Whether the context had less room for the last request's answer than it should have.
    """

    def __init__(self, agent: Agent, task: SectionTask, context: ContextBuilder, emit: Emit) -> None:
        self._agent = agent
        self._task = task
        self._context = context
        self._emit = emit
        self._earlier = EarlierText()
        self._detail = Detail.FULL
        self._always: tuple[Note, ...] = ()
        self._called: tuple[Note, ...] = ()  # those that this section calls up
        self.cramped = False

    async def prepare(self) -> None:
        """Decide what of the plan, the notes and the earlier sections all requests show, and emit what that is.

        Raises:
            ModelError: The brief and the plan leave no room, or summarising failed.
        """
        task = self._task
        notes = chosen(task.notes, task.section, task.recent)
        if left_out := await self._fit_notes(notes):
            await self._emit(NotesLeftOut(task.section.id, tuple(note.title for note in left_out)))
        await self._fit_earlier()
        shown = self._earlier
        basis = basis_of(task.brief.instruction, task.section, notes, shown.whole, shown.summaries)
        await self._emit(Grounded(task.section.id, basis))

    def parts(self, text: str) -> dict[str, str]:
        """What a request shows where the section's text so far is ``text``, by name, without the task's own words."""
        task = self._task
        parts = {
            "Instruction": task.brief.instruction,
            "Notes": as_list((*self._always, *self._called)),
            "Plan": "" if task.direct else self._agent.prompts.outline(task.plan, task.number, self._detail),
            "Text before": self._earlier.text,
            "This section so far": text,
        }
        return {name: part for name, part in parts.items() if part}

    async def request(self, text: str, words: int, *, salt: int, loops: int) -> Request:
        """Build the request for about ``words`` more after ``text`` of this section.

        Args:
            text: The section's text so far.
            words: Length to ask for, in the counter's unit.
            salt: Makes the seed that of this call.
            loops: How often the section was found to repeat itself.

        Raises:
            NoRoom: Not even the plan fits.
        """
        words = max(_LEAST_WORDS, words)
        wished = tokens_for(words) + self._agent.limits.reasoning_tokens
        prompt = self._prompt(self._earlier.text, text, words)
        room = await self._agent.room_beside(prompt)
        if room < min(wished, self._agent.context_length // 4):
            prompt = await self._squeezed(text, words, wished)
            room = await self._agent.room_beside(prompt)
        self.cramped = room < wished
        request = await self._agent.fitted(Request(prompt, max_tokens=min(wished, max(1, room))))
        salt += self._task.number * 997 + self._task.variant * 1_000
        return self._agent.prepared(request, self._task.brief, salt, loops=loops)

    async def _fit_notes(self, notes: Sequence[Note]) -> list[Note]:
        """Take as many of the notes as there is room for, the writer's first ones first; return those left out."""
        room = min(_NOTE_TOKENS, int(self._agent.context_length * _NOTE_SHARE))
        taken: list[Note] = []
        for note in notes:
            if await self._context.tokens(as_list([*taken, note])) > room:
                break
            taken.append(note)
        self._always = tuple(note for note in taken if note.always)
        self._called = tuple(note for note in taken if not note.always)
        return list(notes[len(taken) :])

    async def _fit_earlier(self) -> None:
        task = self._task
        if not task.direct:
            self._detail = await self._fitting_detail()
        if task.parallel or task.direct or not task.earlier:
            return
        free = await self._free()
        # The section itself stands in its own prompts when it is continued.
        growth = 2 * tokens_for(task.target) + min(self._agent.limits.reasoning_tokens, free // 4)
        budget = free - min(growth, free * 2 // 3)
        self._earlier = await self._context.fit(self._agent, task.earlier, budget, task.section.id, self._emit)

    async def _fitting_detail(self) -> Detail:
        """How much of the plan there is room for: the most that fits."""
        room = min(_PLAN_TOKENS, int(self._agent.context_length * _PLAN_SHARE))
        for detail in Detail:
            outline = self._agent.prompts.outline(self._task.plan, self._task.number, detail)
            if await self._context.tokens(outline) <= room:
                return detail
        return Detail.LEAST

    async def _squeezed(self, text: str, words: int, wished: int) -> Prompt:
        """A prompt with less of the text: at most half of the room goes to the earlier sections."""
        free = await self._free()
        available = free - min(wished, self._agent.context_length // 3, free // 2)
        own = await self._context.end_of(text, max(available // 2, available - self._earlier.tokens))
        own_tokens = await self._agent.model.count_tokens(own)
        earlier = await self._context.end_of(self._earlier.text, available - own_tokens)
        sent = own_tokens + await self._agent.model.count_tokens(earlier)
        full = self._earlier.tokens + await self._agent.model.count_tokens(text)
        await self._emit(ContextTrimmed(self._task.section.id, full, sent, 0, sent))
        return self._prompt(earlier, own, words)

    async def _free(self) -> int:
        """Tokens of context beside what every request of this section holds."""
        free = await self._agent.room_beside(self._prompt("", "", self._task.target))
        if free < _LEAST_FREE:
            taken = self._agent.context_length - free
            raise NoRoom(
                f"The brief and the plan take {taken} of the model's {self._agent.context_length} tokens: use a model "
                "with a longer context, or fewer sections."
            )
        return free

    def _prompt(self, earlier: str, text: str, words: int) -> Prompt:
        view = SectionView(words, earlier, text, self._detail, self._always, self._called)
        return self._agent.prompts.section(self._task, view)


def tokens_for(words: int) -> int:
    """The most tokens that an answer of ``words`` may take."""
    return words * _TOKENS_A_WORD + 128

"""Builds the requests for one section so that each fits the model's context."""

from __future__ import annotations

from copy import copy

from lwtui.agentwrite.agent import Agent, NoRoom
from lwtui.agentwrite.context import ContextBuilder, EarlierText
from lwtui.agentwrite.events import ContextTrimmed, Emit, Grounded, NotesLeftOut, PassagesLeftOut
from lwtui.agentwrite.fact_selection import FACT_SHARE, choose_facts, facts_list
from lwtui.agentwrite.note_selection import NOTE_SHARE, fit_notes
from lwtui.agentwrite.notes import as_list, select_notes
from lwtui.agentwrite.plan_view import Detail
from lwtui.agentwrite.section_task import SectionTask, SectionView
from lwtui.agentwrite.source_selection import passages_list, passages_room
from lwtui.config import Role
from lwtui.documents.facts import Fact
from lwtui.documents.model import Note
from lwtui.documents.stale import make_basis
from lwtui.models.base import Prompt, Request
from lwtui.sources.model import FoundPassage
from lwtui.text import clean
from lwtui.translation import _

_TOKENS_PER_WORD = 3  # generous, since it only bounds a call
_TOKENS_OF_CODE = 3  # times the tokens of prose that a table, code or formulas of a length may take
LEAST_WORDS = 30  # that one call asks for; a beginning with fewer is none
_LEAST_FREE = 256  # tokens for earlier text and answer, besides the brief and the plan
_UNLIKE = 6_000  # characters at the end of a prompt that a small model is kept from copying
_SHOWN_AFTER_LOOPS = 120  # tokens of the earlier text, in another draft after one that repeated it
_PLAN_TOKENS = 4_000  # most tokens of the plan in a prompt,
_PLAN_SHARE = 0.3  # and its largest share of the context


class SectionRequests:
    """Builds a section's requests: call :meth:`prepare` once, then :meth:`request` for each call.

    Attributes:
        passages: The passages of the sources that the prompts show, in the order of their numbers; ``None`` without
            sources.
        cramped: Whether the context was too small for the answer that the last request should have.
        asked: The length that the last request for a whole section asked for, in the counter's unit.
    """

    def __init__(self, agent: Agent, task: SectionTask, context: ContextBuilder, emit: Emit) -> None:
        self._agent = agent
        self._task = task
        self._context = context
        self._emit = emit
        self._earlier = EarlierText()
        self._detail = Detail.FULL
        self._always: tuple[Note, ...] = ()
        self._called: tuple[Note, ...] = ()  # notes that are shown because of what this section is about
        self._facts: tuple[Fact, ...] = ()  # of sections that are not shown in full
        self.passages: tuple[FoundPassage, ...] | None = None
        self.cramped = False
        self.asked = task.target

    @property
    def shows_all(self) -> bool:
        """Whether there is earlier text, and the first request shows all that fits."""
        return bool(self._earlier.text) and not self._context.shows_less

    async def for_draft(self, task: SectionTask, *, looped: bool) -> SectionRequests:
        """Return requests for another draft of the section, with the same plan and notes.

        Args:
            task: The section to write.
            looped: Whether the last draft came to nothing but repetitions. A small model repeats what it is shown, so
                these requests show only the end of the earlier text.
        """
        requests = copy(self)
        requests._task = task
        if looped:
            requests._earlier = await self._end_of_earlier()
        return requests

    async def _end_of_earlier(self) -> EarlierText:
        """Return only the end of the earlier text, which has no section in full."""
        end = await self._context.end_of(self._earlier.text, _SHOWN_AFTER_LOOPS)
        return EarlierText(end, await self._context.tokens(end))

    async def prepare(self) -> None:
        """Choose how much of the plan, the notes and the earlier sections the requests show.

        Emits the section's basis, and the notes and passages that were left out.

        Raises:
            ModelError: The brief and the plan leave no room, or a section could not be summarized.
        """
        task = self._task
        notes = select_notes(task.notes, task.section, task.recent)
        subject = f"{task.section.title}\n{task.section.main_point}"
        room = int(self._agent.context_length * NOTE_SHARE)
        selected = await fit_notes(notes, subject, task.recent, room, self._context.tokens)
        self._always, self._called = selected.always, selected.called
        if left_out := selected.left_out:
            await self._emit(NotesLeftOut(task.section.id, tuple(note.title for note in left_out)))
        room = int(self._agent.context_length * FACT_SHARE)
        self._facts = choose_facts(task.facts, subject, task.recent, room)
        if not task.direct:
            self._detail = await self._fitting_detail()
        await self._choose_passages(subject)
        await self._fit_earlier()
        shown = self._earlier
        whole = {section.id for section in shown.whole}
        # A fact of a section that is shown whole needs no room, which others can have.
        hidden = [fact for fact in task.facts if fact.pinned or fact.section_id not in whole]
        self._facts = choose_facts(hidden, subject, task.recent, room)
        basis = make_basis(task.brief.instruction, task.section, notes, shown.whole, shown.summaries)
        await self._emit(Grounded(task.section.id, basis))

    @property
    def _notes_list(self) -> str:
        return as_list((*self._always, *self._called))

    def parts(self, text: str) -> dict[str, str]:
        """Return the variable parts of a request by name, where ``text`` is the section's text so far."""
        task = self._task
        parts = {
            "Instruction": task.brief.instruction,
            "Notes": self._notes_list,
            "Facts": facts_list(self._facts),
            "Passages": passages_list(self.passages or ()),
            "Plan": "" if task.direct else self._agent.prompts.outline(task.plan, task.number, self._detail),
            "Text before": self._earlier.text,
            "Section as it stands": task.rewrite.old if task.rewrite else "",
            "This section so far": text,
        }
        return {name: part for name, part in parts.items() if part}

    async def request(self, text: str, length: int, *, salt: int, loops: int) -> Request:
        """Build the request for the section, or for the rest of it.

        Args:
            text: The section's text so far.
            length: The length of ``text``, in the counter's unit.
            salt: Varies the seed from call to call.
            loops: How often the section has repeated itself so far.

        Raises:
            NoRoom: Not even the plan fits.
        """
        words = max(LEAST_WORDS, self._words_to_ask(length))
        before, detail = await self._shown(length, loops)
        wished = tokens_for(words) * (_TOKENS_OF_CODE if self._task.has_free_length else 1)
        wished += self._agent.limits.reasoning_tokens
        prompt = self._prompt(before, text, words, detail)
        room = await self._agent.room_beside(prompt)
        if room < min(wished, self._agent.context_length // 4):
            prompt = await self._squeezed(text, words, wished)
            room = await self._agent.room_beside(prompt)
        self.cramped = room < wished
        copies = self._task.rewrite is not None and bool(self._task.rewrite.old)
        request = Request(prompt, max_tokens=min(wished, max(1, room)), repeats_prompt=copies)
        request = await self._agent.fitted(request)
        salt += self._task.number * 997 + self._task.variant * 1_000
        unlike = self._unlike(request.prompt) if self._agent.is_small and self._is_new(copies) else None
        return self._agent.prepared(request, self._task.brief, salt, role=Role.WRITE, loops=loops, unlike=unlike)

    def _unlike(self, prompt: Prompt) -> str:
        """Return the end of a prompt without the writer's own words: their names and numbers belong in the section."""
        shown = prompt.plain()
        for part in (clean(self._task.brief.instruction).strip(), self._notes_list, facts_list(self._facts)):
            shown = shown.replace(part, "") if part else shown
        return shown[-_UNLIKE:]

    def _is_new(self, copies: bool) -> bool:
        """Whether the section has nothing that has to be copied, such as passages to quote, or rows that are alike."""
        return not (copies or self.passages or self._task.section.kind.has_free_length)

    async def _shown(self, length: int, loops: int) -> tuple[str, Detail]:
        """Return the earlier text and the detail of the plan to show.

        A small model repeats what it is shown, so it is shown less with each loop.

        Args:
            length: The length of the section so far: what repeats later in it is mostly its own.
            loops: How often the section has repeated itself so far.
        """
        steps = loops if length < LEAST_WORDS else loops - 1
        text = self._earlier.text
        if steps <= 0 or not self._agent.profile.ends_itself:
            return text, self._detail
        return await self._context.end_of(text, _SHOWN_AFTER_LOOPS // steps), Detail.LEAST

    def _words_to_ask(self, length: int) -> int:
        """Return the length to ask for so that the section reaches its target, given the model's habits."""
        task, agent = self._task, self._agent
        if length or task.direct or not agent.profile.ends_itself:
            return task.target - length
        self.asked = task.ask or agent.lengths.ask_for(task.kind, task.target)
        return self.asked

    async def _choose_passages(self, subject: str) -> None:
        """Choose the passages of the sources that serve the section. A base model cannot cite, so it sees none."""
        task = self._task
        if task.sources is None or not self._agent.follows_instructions:
            return
        instruction = task.brief.instruction
        wanted = instruction if task.direct else subject
        near = await task.sources.near(wanted)
        selected = task.sources.for_section(
            wanted,
            passages_room(task.target, self._agent.context_length),
            section_id=task.section.id,
            recent=task.recent,
            instruction=instruction,
            near=near,
        )
        self.passages = selected.chosen
        needed = _LEAST_FREE + min(tokens_for(task.target), self._agent.context_length // 4)
        while self.passages and await self._agent.room_beside(self._prompt("", "", task.target)) < needed:
            self.passages = self.passages[: len(self.passages) * 3 // 4]
        if left_out := selected.left_out + len(selected.chosen) - len(self.passages):
            await self._emit(PassagesLeftOut(task.section.id, len(self.passages), left_out))

    async def _fit_earlier(self) -> None:
        task = self._task
        if task.parallel or task.direct or not task.earlier:
            return
        free = await self._free()
        # When the section is continued, its own text is in the prompt, too.
        growth = 2 * tokens_for(task.target) + min(self._agent.limits.reasoning_tokens, free // 4)
        budget = free - min(growth, free * 2 // 3)
        self._earlier = await self._context.fit(self._agent, task.earlier, budget, task.section.id, self._emit)
        if self._context.shows_less:
            self._earlier, self._detail = await self._end_of_earlier(), Detail.LEAST

    async def _fitting_detail(self) -> Detail:
        """Return the most detail in which the plan fits."""
        room = min(_PLAN_TOKENS, int(self._agent.context_length * _PLAN_SHARE))
        for detail in Detail:
            outline = self._agent.prompts.outline(self._task.plan, self._task.number, detail)
            if await self._context.tokens(outline) <= room:
                return detail
        return Detail.LEAST

    async def _squeezed(self, text: str, words: int, wished: int) -> Prompt:
        """Return a prompt with less text. At most half of the room goes to the earlier sections."""
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
        """Return how many tokens the context has besides what all requests of this section show."""
        free = await self._agent.room_beside(self._prompt("", "", self._task.target))
        if free < _LEAST_FREE:
            used = self._agent.context_length - free
            raise NoRoom(
                _(
                    "The brief and the plan take {used} of the model's {context} tokens: use a model "
                    "with a longer context, or fewer sections.",
                    used=used,
                    context=self._agent.context_length,
                )
            )
        return free

    def _prompt(self, earlier: str, text: str, words: int, detail: Detail | None = None) -> Prompt:
        detail = self._detail if detail is None else detail
        view = SectionView(
            words, earlier, text, detail, self._always, self._called, self._task.lacks, self._facts, self.passages
        )
        return self._agent.prompts.section(self._task, view)


def tokens_for(words: int) -> int:
    """Return the most tokens that an answer of ``words`` may take."""
    return words * _TOKENS_PER_WORD + 128

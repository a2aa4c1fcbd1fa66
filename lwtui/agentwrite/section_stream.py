"""Writes one draft of a section: makes the calls, filters the text, and decides whether to continue."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import Enum

import regex

from lwtui.agentwrite.agent import Agent, NoRoom
from lwtui.agentwrite.conclusions import ConclusionFilter
from lwtui.agentwrite.earlier_index import EarlierIndex
from lwtui.agentwrite.events import (
    CitationsDropped,
    Continuing,
    Emit,
    ModelUnsure,
    ReadingPrompt,
    Retrying,
    TextDelta,
    TextRolledBack,
    Thinking,
)
from lwtui.agentwrite.filters import FilterChain, FilterVerdict, SectionText, TextFilter
from lwtui.agentwrite.length import CLOSE, RUNAWAY, LengthTarget, ParagraphStopper, SentenceStopper
from lwtui.agentwrite.plan_index import plan_index
from lwtui.agentwrite.prompt_leak import PromptLeakFilter
from lwtui.agentwrite.refusals import is_refusal
from lwtui.agentwrite.repeated_openings import RepeatedOpeningFilter
from lwtui.agentwrite.repetition import RepetitionFilter
from lwtui.agentwrite.retry import Retries
from lwtui.agentwrite.section_requests import LEAST_WORDS, SectionRequests
from lwtui.agentwrite.section_task import SectionTask, is_prose
from lwtui.agentwrite.short_calls import MORE_ROOM
from lwtui.agentwrite.similar_paragraphs import SimilarParagraphFilter
from lwtui.agentwrite.source_selection import shown_title
from lwtui.agentwrite.stream_cleaner import LINE, StreamCleaner
from lwtui.config import Role
from lwtui.documents.model import Origin
from lwtui.documents.section_kind import SectionKind
from lwtui.models.base import (
    AnswerVoided,
    Finished,
    FinishReason,
    ModelError,
    PromptProgress,
    ReasoningPiece,
    Request,
    StreamPart,
    TextPiece,
    UnsurePiece,
)
from lwtui.sources.citation_cleaner import CitationCleaner
from lwtui.sources.reference_lists import is_reference_heading
from lwtui.text import count_words, last_landing, one_line, sentence_ends
from lwtui.text.code_blocks import in_code
from lwtui.text.list_marks import MARK
from lwtui.translation import _

_MOST_DROPPED = 2_000  # characters in a row that are no text, such as a list of references, before an answer is ended
_MOST_FRUITLESS = 6  # consecutive calls that add next to nothing
_LEAST_GAIN = 5  # words that a call must add to count as progress
_MOST_LOOPS = 16  # rolled back in one section before it is left as it is
_MOST_LOOPS_OF_CHAT = 3  # the same for models that end their own sections
_LOOPS_AT_ONE_PLACE = 3  # after that, the sentence before the loop is cut, too
_MOST_REASONING_RETRIES = 4  # calls repeated because reasoning took all their tokens
_MOST_REFUSALS = 2  # answers that refuse the request before the section is refused
_MOST_DIRECT = 3  # times the target that a text in direct mode may reach
_MOST_SQUEEZES = 2  # times that the prompt is shortened because the server found it too long
_CHARACTERS_PER_TOKEN = 3  # of reasoning; a low estimate
_LEAST_SENTENCE = 8  # words of a last line without an end that are taken for half a sentence, not for a verse
# A letter, a digit or a comma, but not the end of an address, a footnote's number, or a script without full stops.
_NO_SENTENCE_END = regex.compile(
    r"(?<!://\S{0,200})(?<![.!?…。！？]['\"”’]?\p{N}{0,3})"
    r"(?:[,;、，；]|[\p{L}\p{M}\p{N}--[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]])\s*\Z",
    regex.VERSION1,
)
_EMPTY_ITEM = regex.compile(rf"\n\s*{MARK}\s*\Z")
_LEAD_IN = regex.compile(r"(?:(?<=[.!?。！？])|\n)[^\n.!?。！？]*[:：]\s*\Z")  # to a list that was never written
_PAIRS = tuple(zip("“「『«(（[【", "”」』»)）]】", strict=True))
_NOT_PROSE = regex.compile(rf"\s*(?:#|\||>|[–—]\s|{MARK}\s|[a-z][.)]\s|```|~~~|\$\$)|[ ]{{4}}|\t")


class _End(Enum):
    """How a call ended."""

    STOP = "stop"  # the model ended its answer, or the section has its length
    LENGTH = "length"  # the answer was cut off
    AGAIN = "again"  # the text was rolled back, and another call with another seed is needed


@dataclass
class _LeftOut:
    """The last repetition that was left out of an answer.

    Attributes:
        place: Where in the text it stood; what comes before is sound.
        gaps: The white space before and after it, until more text comes.
    """

    place: int
    gaps: list[str]

    def take_gap(self) -> str:
        """Return the white space in its place: it may have been the beginning or the end of a paragraph."""
        before, after = self.gaps
        self.gaps.clear()
        return after if after and after.count("\n") >= before.count("\n") else before


@dataclass
class _Attempt:
    """The current attempt at a call."""

    request: Request
    cleaner: StreamCleaner
    started_at: int  # length of the text before it, in characters
    thought: int = 0  # characters of reasoning
    dropped: int = 0  # characters that came since any became text
    left_out: _LeftOut | None = None
    closed: bool = False


class SectionStream:
    """Writes one draft of a section, or continues the section's text.

    Args:
        agent: The model that writes.
        task: The section to write.
        requests: Builds the requests; already prepared.
        emit: Awaited for each event.
        index: What the filters know of the earlier sections.

    Attributes:
        repeated_at_once: Whether the first answer was cut near its beginning, since it repeated what it was shown.
    """

    def __init__(
        self, agent: Agent, task: SectionTask, requests: SectionRequests, emit: Emit, index: EarlierIndex
    ) -> None:
        self._agent = agent
        self._task = task
        self._id = task.section.id
        self._emit = emit
        self._requests = requests
        self._index = index
        # In direct mode, the model alone decides how long the text becomes, unless it never ends.
        self._unbounded = task.direct and agent.profile.ends_itself
        limit = task.target * (_MOST_DIRECT if self._unbounded else 1)
        self._target = LengthTarget(limit, agent.profile.ends_itself, task.slack, task.has_free_length)
        self._plan = plan_index(task.plan)
        self._leak = PromptLeakFilter(task.section.title, self._plan.headings, self._plan.other_points(task.section.id))
        kept = task.section.text
        if task.section.origin is not Origin.USER:
            kept = kept[: agent.prompts.resume_at(kept)]
        self._text = SectionText(kept, floor=len(kept))  # some of the kept text may be the writer's own
        self._filters = self._new_filters()
        self._retries = Retries(agent.policy)
        self._resumable = len(kept)  # how many characters remained after the last fault
        self._calls = 1
        self._longest = 0
        self.repeated_at_once = False
        self._loops = 0
        self._loop_places: dict[int, int] = {}
        self._left_out: list[int] = []  # the lengths of what was left out
        self._reasoning_retries = 0
        self._squeezes = 0
        self._refusals: list[str] = []
        self._went_on = False  # after an answer that ended within a sentence
        self._cached: tuple[tuple[int, int], Request] | None = None  # (calls, characters), and the request for them
        self._call: _Attempt | None = None

    @property
    def _resume_below(self) -> float:
        """The length below which an interrupted text is continued; a longer one is complete."""
        target = self._target
        return target.least_words if target.ends_itself else target.stop_at

    def _new_filters(self) -> FilterChain:
        """Return filters that know the text so far, and nothing of what was cut."""
        filters = FilterChain(self._choose_filters())
        filters.trust(self._text.text)
        return filters

    def _choose_filters(self) -> list[TextFilter]:
        task, index = self._task, self._index
        repetition = self._repetition_filter()
        stopper = ParagraphStopper if self._agent.profile.ends_itself else SentenceStopper
        length: TextFilter = stopper(self._target)
        if not self._agent.follows_instructions:
            return [repetition, length]  # a base model's stop strings take care of the rest
        filters: list[TextFilter] = [repetition, self._leak]
        if self._agent.profile.ends_itself and not task.direct:
            filters.append(SimilarParagraphFilter(self._earlier_texts, self._plan.headings, index.paragraphs))
            filters.append(RepeatedOpeningFilter())
            if task.ordinal < task.total:
                filters.append(ConclusionFilter())
        return [*filters, length]

    @property
    def _earlier_texts(self) -> list[str]:
        return [section.text for section in self._task.earlier]

    def _repetition_filter(self) -> RepetitionFilter:
        return RepetitionFilter(self._earlier_texts, self._index.sentences)

    @property
    def text(self) -> str:
        """The text so far."""
        return self._text.text

    @property
    def refusal(self) -> str:
        """The model's words, if it has refused to write the section and there is no text."""
        return self._refusals[-1] if self._refusals and self._text.blank else ""

    @property
    def length(self) -> int:
        """The length of the text, in the counter's unit."""
        return self._text.length

    @property
    def reached(self) -> int:
        """The greatest length that the text had before anything was cut, in the counter's unit."""
        return max(self._longest, self._text.length) + sum(self._left_out)

    @property
    def has_own_length(self) -> bool:
        """Whether the model has decided on the draft's length, and not the filters that cut what it repeats."""
        return self._loops + len(self._left_out) <= 1

    @property
    def looped(self) -> bool:
        """Whether the draft ended because the model repeated itself too often."""
        return self._loops >= (_MOST_LOOPS_OF_CHAT if self._agent.profile.ends_itself else _MOST_LOOPS)

    @property
    def keep(self) -> int:
        """How many characters of the section's earlier text are kept."""
        return self._text.floor

    async def first_request(self) -> Request:
        """Return the first request that :meth:`run` will make."""
        return await self._next_request()

    async def run(self) -> None:
        """Write until the section has its length or the model ends it.

        Raises:
            ModelError: A call failed for good. The text emitted so far remains valid.
            BudgetReached: The budget is used up. The text emitted so far remains valid.
        """
        if self._text.blank or self._text.length < self._resume_below:
            end = await self._until_long_enough()
            if self._loops:
                await self._cut_repeated_rest(end)
            is_cut = end is _End.LENGTH or (self._agent.profile.ends_itself and breaks_off(self._text.text))
            await self._trim_end(_End.LENGTH if is_cut else end)

    async def _until_long_enough(self) -> _End:
        """Make calls until the section has its length, or calls add nothing. Returns how the last call ended."""
        fruitless = 0
        while True:
            before = self._text.length
            end = await self._one_call()
            if end is _End.AGAIN:
                continue
            length = self._text.length
            more = self._needs_more(length, end)
            if more:
                await self._prepare_to_continue(end)
            fruitless = 0 if self._text.length > before + _LEAST_GAIN else fruitless + 1
            if not more or fruitless >= _MOST_FRUITLESS:
                if self._text.blank and not self._refusals:
                    raise self._no_answer(end)
                return end
            if not self._text.blank:
                await self._emit(Continuing(self._id, length, self._task.target))

    def _needs_more(self, length: int, end: _End) -> bool:
        if len(self._refusals) >= _MOST_REFUSALS:
            return False
        if self._unbounded:
            return end is _End.LENGTH and length < self._task.target * RUNAWAY
        if self._agent.profile.ends_itself:
            # Its end is final: asked to continue after it, the model would repeat itself.
            if self._target.free:  # a table or code that was cut off is of no use
                return self._text.blank or (end is _End.LENGTH and length < self._target.longest)
            return self._text.blank or (end is _End.LENGTH and length < self._target.target * CLOSE)
        return self._target.is_short(length, cut=end is _End.LENGTH)

    # -- calls

    async def _one_call(self) -> _End:
        """Get one answer, in as many attempts as it takes."""
        while True:
            context_length = self._agent.context_length
            try:
                end = await self._attempt()
            except ModelError as error:
                squeeze = error.kind == "context" and not isinstance(error, NoRoom) and self._squeezes < _MOST_SQUEEZES
                try:
                    delay = 0.0 if squeeze else self._delay_after(error)
                except ModelError:
                    await self._take_rest()  # there is no next attempt, so keep all text
                    raise
                ended = await self._clean_up(error)
                if ended is not None:
                    end = ended
                elif squeeze:
                    await self._squeeze(error, context_length)
                    continue
                else:
                    await self._wait(error, delay)
                    continue
            self._calls += 1
            return end

    async def _attempt(self) -> _End:
        self._call = None
        request = await self._next_request()
        self._call = call = _Attempt(request, self._cleaner(), len(self._text))
        if self._agent.follows_instructions:
            # A text may well say what its main point says, in the same words.
            given = self._requests.parts(self._text.text) | {"Plan": "", "Main point": self._task.section.main_point}
            review = self._task.rewrite.points if self._task.rewrite else ""
            self._leak.set_prompt(request.prompt.plain(), given.values(), quoting=review)
        async with aclosing(self._agent.model.stream(request)) as parts:
            async for part in parts:
                if (end := await self._handle(call, part)) is not None:
                    return end
        raise ModelError(_("The stream ended without a final message."), kind="dropped", retryable=True)

    def _cleaner(self) -> StreamCleaner:
        """Return a cleaner for an answer that continues the present text."""
        exact = not self._agent.follows_instructions
        plain = not exact and not self._task.direct and is_prose(self._task)
        title = self._task.section.title
        about = f"{self._task.section.main_point}\n{self._task.brief.instruction}"
        return StreamCleaner(
            self._text.text,
            title,
            exact=exact,
            plain=plain,
            others=self._plan.other_headings(title),
            about=about,
            citations=self._citations(),
            keep_fences=self._task.section.kind is SectionKind.CODE,
        )

    def _citations(self) -> CitationCleaner | None:
        """Return what makes citations of the numbers in an answer; ``None`` without sources."""
        store, passages = self._task.sources, self._requests.passages
        if store is None or passages is None:
            return None
        sources = {source.key: source for source in store.list()}
        keep_lists = is_reference_heading(self._task.section.title)
        titles = [shown_title(one.source) for one in passages]
        return CitationCleaner(passages, sources, self._text.text, keep_lists=keep_lists, titles=titles)

    async def _handle(self, call: _Attempt, part: StreamPart) -> _End | None:
        """Handle one part of the stream. Returns how the call ended, if it has."""
        match part:
            case TextPiece(text):
                piece = call.cleaner.add(text)
                call.dropped = 0 if piece else call.dropped + len(text)
                end = await self._append(piece)
                await self._tell_dropped(call)
                is_over = call.cleaner.ended or call.dropped > _MOST_DROPPED
                return await self._finish(call, "stop") if end is None and is_over else end
            case UnsurePiece(before, text, entropy):
                await self._emit(ModelUnsure(self._id, before, text, entropy))
            case AnswerVoided():
                await self._void(call)
            case ReasoningPiece(text):
                call.thought += len(text)
                await self._emit(Thinking(self._id, call.thought))
            case PromptProgress(tokens, total):
                await self._emit(ReadingPrompt(self._id, tokens, total))
            case Finished(reason):
                return await self._finish(call, reason)
        return None

    async def _void(self, call: _Attempt) -> None:
        """Take back the text of this call, all of which was reasoning."""
        longest = self._longest
        call.thought += len(self._text) - call.started_at
        call.dropped, call.left_out = 0, None
        await self._cut(call.started_at, len(self._text), _("it was the model's reasoning"))
        self._longest = longest
        call.cleaner = self._cleaner()

    async def _next_request(self) -> Request:
        """Return the request for the current text. An attempt that changed nothing is repeated with the same seed."""
        state = (self._calls, len(self._text))
        if self._cached is None or self._cached[0] != state:
            length = self._text.length
            request = await self._requests.request(self._text.text, length, salt=self._calls, loops=self._loops)
            # Only a base model is kept from ending early: it does not know where to end.
            least = 0 if self._agent.profile.ends_itself else self._target.least_words - length
            self._cached = (state, replace(request, min_words=max(0, least)))
        return self._cached[1]

    async def _clean_up(self, error: ModelError) -> _End | None:
        """After a failed attempt, take the text that the cleaner held back, and cut to where it can be continued."""
        end = await self._take_rest(broken_off=error.retryable)
        if end is not None or not error.retryable:
            return end
        await self._cut_to_resume(_("the stream broke off within a sentence"))
        return None

    def _delay_after(self, error: ModelError) -> float:
        """Return the seconds to wait before the next attempt. Raises ``error`` if there is to be none."""
        resumable = max(self._text.floor, self._agent.prompts.resume_at(self._text.text))
        if resumable > self._resumable:
            self._retries.progress()
        self._resumable = resumable
        return self._retries.delay_after(error)

    async def _wait(self, error: ModelError, delay: float) -> None:
        await self._emit(Retrying(error.kind, str(error), self._retries.failures, round(delay, 2), self._id))
        await asyncio.sleep(delay)

    async def _squeeze(self, error: ModelError, context_length: int) -> None:
        """Show less of the earlier text, since the server found the prompt too long."""
        self._squeezes += 1
        if self._agent.context_length == context_length:  # otherwise the server has told the true length
            self._agent.limits.context_share *= 0.75
        await self._emit(
            Retrying(
                "context", _("{error} The next prompt shows less text.", error=error), self._squeezes, 0.0, self._id
            )
        )
        self._cached = None
        await self._requests.prepare()

    async def _finish(self, call: _Attempt, reason: FinishReason) -> _End:
        """Take the end of an answer. Returns how the call ended."""
        if (end := await self._take_rest()) is not None:
            return end
        if self._agent.follows_instructions and is_refusal(self._text.text[call.started_at :]):
            return await self._refused(call)
        end = _End.LENGTH if reason == "length" else _End.STOP
        if call.left_out and count_words(self._text.text[call.started_at :]) < LEAST_WORDS:
            nothing_else = FilterVerdict(len(self._text), _("most paragraphs repeat earlier ones"), loop=True)
            return await self._apply(nothing_else, len(self._text))
        if call.thought:
            self._agent.saw_reasoning(min(call.thought // _CHARACTERS_PER_TOKEN, 16_000))
        if len(self._text) <= call.started_at:
            if end is _End.LENGTH and call.dropped:
                return _End.STOP  # more room would not help: what came was no text of the section
            if end is _End.LENGTH:
                await self._allow_more_reasoning(call)
            return end
        if end is _End.STOP and self._agent.profile.ends_itself and breaks_off(self._text.text) and not self._went_on:
            self._went_on = True
            end = _End.LENGTH  # whatever the server says
        # If the answer was cut off, its last sentence is incomplete. The filters must not count that as a repetition.
        if end is _End.STOP and (verdict := self._filters.feed(self._text, ended=True)):
            return await self._apply(verdict, len(self._text))
        return end

    async def _refused(self, call: _Attempt) -> _End:
        """Take back an answer that refuses the request. Returns whether to ask once more."""
        longest = self._longest
        self._refusals.append(one_line(self._text.text[call.started_at :]))
        await self._cut(call.started_at, len(self._text), _("the model refused the request"))
        self._longest = longest
        self._filters = self._new_filters()  # the next refusal may have the same words
        return _End.STOP if len(self._refusals) >= _MOST_REFUSALS else _End.AGAIN

    async def _allow_more_reasoning(self, call: _Attempt) -> None:
        """Allow about twice as many tokens, since reasoning took all and no text came."""
        self._reasoning_retries += 1
        if self._requests.cramped or self._reasoning_retries > _MOST_REASONING_RETRIES:
            if self._text.blank:
                raise self._no_answer(_End.LENGTH)
            return
        self._agent.saw_reasoning(call.request.max_tokens)
        await self._emit(Retrying("no-answer", MORE_ROOM, self._reasoning_retries, 0.0, self._id))

    # -- the text

    async def _append(self, piece: str) -> _End | None:
        """Append clean text and filter it."""
        # Line by line: no filter is to know what stands after a paragraph that may be left out.
        for line in LINE.findall(piece):
            if (end := await self._append_line(self._after_gap(line))) is not None:
                return end
        return None

    async def _append_line(self, piece: str) -> _End | None:
        if not piece:
            return None
        shown = len(self._text)
        self._text.append(piece)
        verdict = self._filters.feed(self._text)
        if verdict is None:
            await self._emit(TextDelta(self._id, piece))
            return None
        if self._can_leave_out(verdict):
            return await self._leave_out(verdict, shown)
        return await self._apply(verdict, shown)

    async def _apply(self, verdict: FilterVerdict, shown: int) -> _End:
        """Apply a filter's verdict. The first ``shown`` characters of the text have been emitted."""
        if verdict.final:
            await self._cut(verdict.keep, shown, verdict.reason)
            return _End.STOP
        sound = self._text.text[: verdict.keep]
        short = self._is_short(sound)
        ends = self._agent.profile.ends_itself and not self._unbounded
        if short or (verdict.loop and not ends):
            return await self._roll_back(verdict, shown)
        await self._cut(max(self._text.floor, verdict.keep), shown, verdict.reason)
        return _End.STOP

    def _is_short(self, sound: str) -> bool:
        return not sound.strip() or (not self._unbounded and self._target.is_short(count_words(sound)))

    def _can_leave_out(self, verdict: FilterVerdict) -> bool:
        """Tell whether the answer may go on without a repetition: one alone does not yet make a loop."""
        call = self._call
        if call is None or call.closed or verdict.end is None or verdict.keep < call.started_at:
            return False
        text = self._text.text
        if not self._agent.profile.ends_itself or self._unbounded or not self._is_short(text[: verdict.keep]):
            return False
        if not _is_closed(text[verdict.keep : verdict.end]):
            return False
        before = call.left_out
        return before is None or count_words(text[before.place : verdict.keep]) >= LEAST_WORDS

    async def _leave_out(self, verdict: FilterVerdict, shown: int) -> _End | None:
        """Leave out a sentence or paragraph, and take what follows it. Another call would read its prompt anew."""
        call, text = self._call, self._text.text
        assert call is not None and verdict.end is not None
        following = text[verdict.keep :]
        before = following[: len(following) - len(following.lstrip())]
        await self._cut(verdict.keep, shown, verdict.reason)
        call.left_out = _LeftOut(verdict.keep, [before, ""])
        self._left_out.append(count_words(following[: verdict.end - verdict.keep]))
        return await self._append(text[verdict.end :])

    def _after_gap(self, piece: str) -> str:
        """Return ``piece`` with the white space that belongs before it, if it follows something that was left out."""
        left_out = self._call.left_out if self._call else None
        if left_out is None or not left_out.gaps:
            return piece
        body = piece.lstrip()
        left_out.gaps[1] += piece[: len(piece) - len(body)]
        if not body:
            return ""
        gap = left_out.take_gap()
        return body if self._text.blank else gap + body

    async def _roll_back(self, verdict: FilterVerdict, shown: int) -> _End:
        """Cut the text and ask for another call, unless there were too many loops."""
        keep = verdict.keep
        self._loops += 1
        places = self._loop_places
        places[keep] = places.get(keep, 0) + 1
        if places[keep] > _LOOPS_AT_ONE_PLACE:
            earlier = [end for end in sentence_ends(self._text.text[:keep]) if end < keep]
            keep = earlier[-1] if earlier else keep
        left_out = self._call.left_out if self._call else None
        few = count_words(self._text.text[: max(keep, left_out.place if left_out else 0)]) < LEAST_WORDS
        self.repeated_at_once = self.repeated_at_once or (few and verdict.loop and self._loops == 1)
        if few and self._agent.profile.ends_itself and not self.looped:
            keep = 0  # it does better to begin anew than to continue a few words
        keep = max(self._text.floor, _paragraph_start(self._text.text, keep))
        self._resumable = min(self._resumable, keep)
        await self._cut(keep, shown, verdict.reason)
        return _End.STOP if self.looped else _End.AGAIN

    async def _cut(self, keep: int, shown: int, reason: str) -> None:
        """Cut the text to ``keep`` characters. The first ``shown`` characters have been emitted."""
        unseen = self._text.text[shown:keep]
        self._longest = max(self._longest, self._text.length)
        self._text.cut(keep)
        self._filters.cut(keep)
        if keep < shown:
            await self._emit(TextRolledBack(self._id, keep, reason))
        elif unseen:
            await self._emit(TextDelta(self._id, unseen))

    async def _take_rest(self, *, broken_off: bool = False) -> _End | None:
        """At the end of an answer, take the text that the cleaner held back."""
        call = self._call
        if call is None or call.closed:
            return None
        call.closed = True
        end = await self._append(call.cleaner.close(broken_off=broken_off))
        if end is None and call.left_out and call.left_out.gaps and not self._text.blank:
            end = await self._append_line(call.left_out.take_gap())  # the next answer may begin a paragraph
        await self._tell_dropped(call)
        return end

    async def _tell_dropped(self, call: _Attempt) -> None:
        """Tell of citations that the cleaner has dropped since it was last asked."""
        if dropped := call.cleaner.take_dropped():
            await self._emit(CitationsDropped(self._id, dropped))

    async def _cut_to_resume(self, reason: str) -> None:
        """Cut the text to where the model can continue it."""
        keep = max(self._text.floor, self._agent.prompts.resume_at(self._text.text))
        if keep < len(self._text):
            await self._cut(keep, len(self._text), reason)

    async def _prepare_to_continue(self, end: _End) -> None:
        """Prepare the text for another call after an answer that was too short."""
        if end is _End.LENGTH:
            await self._cut_to_resume(_("the answer was cut off within a sentence"))
            return
        # The model ended the section, so a new paragraph follows. A stop string may have left half of the paragraph
        # break.
        text = self._text.text
        lines = text[len(text.rstrip()) :].count("\n")
        if text and lines < 2:
            gap = "\n" * (2 - lines)
            self._text.append(gap)
            await self._emit(TextDelta(self._id, gap))

    async def _cut_repeated_rest(self, end: _End) -> None:
        """Cut what is left of a draft that repeated itself, if that as a whole stood in earlier sections.

        A short paragraph may come again, as a refrain does, and is told from a repetition only at the end of a section.

        Raises:
            ModelError: Nothing else is left.
        """
        repetition = self._repetition_filter()
        repetition.trust(self._text.text[: self._text.floor])
        verdict = repetition.feed(self._text, ended=True)
        if verdict is None:
            return
        await self._cut(max(self._text.floor, verdict.keep), len(self._text), verdict.reason)
        if self._text.blank:
            raise self._no_answer(end)

    async def _trim_end(self, end: _End) -> None:
        """Cut what leads to nothing at the end: white space, the mark of an item, a lead-in, half a sentence."""
        text = _EMPTY_ITEM.sub("", self._text.text.rstrip()).rstrip()
        if self._agent.profile.ends_itself and not in_code(text):
            text = (_LEAD_IN.sub("", text) or text).rstrip()
        stop = last_landing(text) if end is _End.LENGTH else len(text)
        if stop < len(text) and count_words(text[:stop]) >= 0.8 * count_words(text):
            text = text[:stop]
        keep = max(self._text.floor, len(text))
        if keep < len(self._text):
            await self._cut(keep, len(self._text), _("ended on a whole sentence"))

    def _no_answer(self, end: _End) -> ModelError:
        number = self._task.ordinal
        if self._loops:
            code = "only-repeats"
            message = _(
                "The model only repeated itself and gave no new text for section {number}. Try again, or choose "
                "another model; what was written is kept.",
                number=number,
            )
        elif end is _End.LENGTH:
            code = "only-reasoning"
            otherwise = _("allow it a longer context or choose another model")
            message = _(
                "The model used all its tokens for reasoning and gave no text for section {number}. {remedy}; "
                "what was written is kept.",
                number=number,
                remedy=self._agent.less_reasoning(Role.WRITE, otherwise),
            )
        else:
            code = "no-text"
            message = _(
                "The model ended its answer and gave no text for section {number}. Try again, or choose another model; "
                "what was written is kept.",
                number=number,
            )
        return ModelError(message, kind="no-answer", code=code)


def _is_closed(text: str) -> bool:
    """Tell whether no quotation, bracket or emphasis begins in ``text`` and ends after it, or the other way round."""
    pairs = all(text.count(opening) == text.count(closing) for opening, closing in _PAIRS)
    return pairs and all(text.count(mark) % 2 == 0 for mark in ('"', "**", "`"))


def breaks_off(text: str) -> bool:
    """Tell whether ``text`` ends within a sentence: prose whose last line has no end. Not all scripts mark the end."""
    line = text.rstrip().rpartition("\n")[2]
    return (
        _NO_SENTENCE_END.search(line) is not None
        and not _NOT_PROSE.match(line)
        and count_words(line) >= _LEAST_SENTENCE
        and not in_code(text)
    )


def _paragraph_start(text: str, end: int) -> int:
    """Return ``end`` moved past a paragraph break that follows, so that new text starts a paragraph."""
    sound = len(text[:end].rstrip())
    space = len(text[sound:]) - len(text[sound:].lstrip())
    return sound + space if "\n\n" in text[sound : sound + space] else sound

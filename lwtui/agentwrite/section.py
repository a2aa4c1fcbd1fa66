"""Writes one section: a call, the filters its text passes through, and what is to follow."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import Enum
from time import monotonic

from lwtui.agentwrite.agent import Agent, NoRoom
from lwtui.agentwrite.context import ContextBuilder
from lwtui.agentwrite.events import (
    Continuing,
    Emit,
    ReadingPrompt,
    Retrying,
    SectionFinished,
    SectionStarted,
    TextDelta,
    TextRolledBack,
    Thinking,
)
from lwtui.agentwrite.filters import FilterChain, FilterVerdict, SectionText
from lwtui.agentwrite.length import RUNAWAY, LengthStopper, LengthTarget
from lwtui.agentwrite.prompt_leak import PromptLeakFilter
from lwtui.agentwrite.repetition import RepetitionFilter
from lwtui.agentwrite.retry import Retries
from lwtui.agentwrite.section_requests import SectionRequests
from lwtui.agentwrite.section_task import SectionTask
from lwtui.agentwrite.short_calls import MORE_ROOM
from lwtui.agentwrite.stream_cleaner import StreamCleaner
from lwtui.documents.model import Origin
from lwtui.models.base import (
    Finished,
    FinishReason,
    ModelError,
    PromptProgress,
    ReasoningPiece,
    Request,
    StreamPart,
    TextPiece,
)
from lwtui.models.metering import MeteredTask
from lwtui.text import count_words, last_sentence_end, sentence_ends

_MOST_CONTINUATIONS = 6  # calls in a row that bring the section no nearer to its length
_LEAST_GAIN = 5  # words that a call has to bring to count as one that does
_MOST_LOOPS = 16  # loops rolled back in one section before it is left as it is
_LOOPS_AT_ONE_PLACE = 3  # then the sentence before goes too
_MOST_ROOM_ASKED = 4  # calls that are made again because reasoning took all their tokens
_MOST_DIRECT = 3  # times its target that a text written in direct mode may become
_MOST_SQUEEZES = 2  # times that a prompt is made shorter because the model found it too long
_CHARACTERS_A_TOKEN = 3  # of reasoning, rather too few


class _End(Enum):
    """How a call ended."""

    STOP = "stop"  # the model's own end, or the section has its length
    LENGTH = "length"  # the answer was cut off
    AGAIN = "again"  # the text was rolled back and is to be written on under another seed


@dataclass
class _Attempt:
    """The attempt that is being made."""

    request: Request
    cleaner: StreamCleaner
    started_at: int  # characters that the text had
    thought: int = 0  # characters
    closed: bool = False


class SectionWriter:
    """Writes one section, or goes on with it.

    Args:
        agent: Who writes; its calls are metered by ``usage``.
        task: The section.
        context: Chooses what of the text so far is shown.
        emit: Is told every event.
        usage: Counts the section's calls.
    """

    def __init__(
        self, agent: Agent, task: SectionTask, context: ContextBuilder, emit: Emit, usage: MeteredTask
    ) -> None:
        self._agent = agent.metered(usage)
        self._task = task
        self._id = task.section.id
        self._emit = emit
        self._usage = usage
        self._requests = SectionRequests(self._agent, task, context, emit)
        # In direct mode the model alone decides how long the text becomes, unless it does not end.
        self._unbounded = task.direct and agent.profile.ends_itself
        limit = task.target * (_MOST_DIRECT if self._unbounded else 1)
        self._target = LengthTarget(limit, agent.profile.ends_itself, task.precise)
        self._leak = PromptLeakFilter(task.section.title, (one.title for one in task.plan.sections))
        # A base model's own stop strings see to that.
        watches = [self._leak] if agent.follows_instructions else []
        repetition = RepetitionFilter(one.text for one in task.earlier)
        self._filters = FilterChain([repetition, *watches, LengthStopper(self._target)])
        self._text = SectionText()
        self._retries = Retries(agent.policy)
        self._furthest = 0  # how much of the text the last fault left standing
        self._calls = 1
        self._loops = 0
        self._loop_places: dict[int, int] = {}
        self._room_asked = 0
        self._squeezes = 0
        self._asked: tuple[tuple[int, int], Request] | None = None  # the request for a number of calls and characters
        self._call: _Attempt | None = None

    async def run(self) -> None:
        """Write the section.

        Raises:
            ModelError: A fault lasts; the text emitted until then stays valid.
            BudgetReached: So does it where the budget is used up.
        """
        began = monotonic()
        section, task = self._task.section, self._task
        keep = len(section.text)
        if section.origin is not Origin.USER:
            keep = self._agent.prompts.resume_at(section.text)
        self._furthest = keep
        self._text = SectionText(section.text[:keep], floor=keep)  # some of it may be the writer's own
        self._filters.trust(self._text.text)
        await self._requests.prepare()
        provenance = self._agent.provenance(await self._next_request())
        resumed = bool(section.text)
        await self._emit(
            SectionStarted(self._id, task.ordinal, task.total, section.title, task.target, resumed, keep, provenance)
        )
        if self._text.blank or self._text.length < self._target.stop_at:
            end = await self._until_long_enough()
            await self._tidy_end(end)
        seconds = round(monotonic() - began, 3)
        await self._emit(SectionFinished(self._id, self._text.length, task.target, self._usage.usage, seconds))

    async def _until_long_enough(self) -> _End:
        """Call until the section has its length, or no call brings it further; how the last call ended."""
        fruitless = 0
        while True:
            before = self._text.length
            end = await self._one_call()
            if end is _End.AGAIN:
                continue
            length = self._text.length
            more = self._is_to_go_on(length, end)
            if more:
                await self._make_ready(end)
            fruitless = 0 if self._text.length > before + _LEAST_GAIN else fruitless + 1
            if not more or fruitless >= _MOST_CONTINUATIONS:
                if self._text.blank:
                    raise self._no_answer(end)
                return end
            if not self._text.blank:
                await self._emit(Continuing(self._id, length, self._task.target))

    def _is_to_go_on(self, length: int, end: _End) -> bool:
        if self._unbounded:
            return end is _End.LENGTH and length < self._task.target * RUNAWAY
        return self._target.is_short(length, cut=end is _End.LENGTH)

    # -- calls

    async def _one_call(self) -> _End:
        """One answer, however many attempts it takes."""
        while True:
            context_length = self._agent.context_length
            try:
                end = await self._attempt()
            except ModelError as error:
                squeeze = error.kind == "context" and not isinstance(error, NoRoom) and self._squeezes < _MOST_SQUEEZES
                try:
                    delay = 0.0 if squeeze else self._delay_after(error)
                except ModelError:
                    await self._take_rest()  # nothing comes again, so all that came is kept
                    raise
                ended = await self._broke_off(error)
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
        exact = not self._agent.follows_instructions
        cleaner = StreamCleaner(self._text.text, self._task.section.title, exact=exact)
        self._call = call = _Attempt(request, cleaner, len(self._text))
        if self._agent.follows_instructions:
            given = self._requests.parts(self._text.text) | {"Plan": ""}
            self._leak.ask(request.prompt.plain(), given.values())
        async with aclosing(self._agent.model.stream(request)) as parts:
            async for part in parts:
                if (end := await self._take(call, part)) is not None:
                    return end
        raise ModelError("The stream ended without saying so.", kind="dropped", retryable=True)

    async def _take(self, call: _Attempt, part: StreamPart) -> _End | None:
        match part:
            case TextPiece(text):
                return await self._append(call.cleaner.add(text))
            case ReasoningPiece(text):
                call.thought += len(text)
                await self._emit(Thinking(self._id, call.thought))
            case PromptProgress(tokens, total):
                await self._emit(ReadingPrompt(self._id, tokens, total))
            case Finished(reason):
                return await self._finish(call, reason)
        return None

    async def _next_request(self) -> Request:
        """The request for the text as it stands; an attempt that changed nothing is repeated with the same seed."""
        state = (self._calls, len(self._text))
        if self._asked is None or self._asked[0] != state:
            length = self._text.length
            words = self._task.target - length
            request = await self._requests.request(self._text.text, words, salt=self._calls, loops=self._loops)
            least = 0 if self._unbounded else self._target.least_words - length
            self._asked = (state, replace(request, least_words=max(0, least)))
        return self._asked[1]

    async def _broke_off(self, error: ModelError) -> _End | None:
        """An attempt failed: take what the cleaner held back, and go back to where the text can be continued."""
        end = await self._take_rest(broken_off=error.retryable)
        if end is not None or not error.retryable:
            return end
        await self._cut_to_resume("the stream broke off within a sentence")
        return None

    def _delay_after(self, error: ModelError) -> float:
        """The seconds to wait before the next attempt. Raises ``error`` where there is to be none."""
        stands = max(self._text.floor, self._agent.prompts.resume_at(self._text.text))
        if stands > self._furthest:
            self._retries.progress()
        self._furthest = stands
        return self._retries.delay_after(error)

    async def _wait(self, error: ModelError, delay: float) -> None:
        await self._emit(Retrying(error.kind, str(error), self._retries.failures, round(delay, 2), self._id))
        await asyncio.sleep(delay)

    async def _squeeze(self, error: ModelError, context_length: int) -> None:
        """The model found its prompt too long after all: show less of the text so far."""
        self._squeezes += 1
        if self._agent.context_length == context_length:  # else the model has learned the true one from the server
            self._agent.limits.context_share *= 0.75
        await self._emit(Retrying("context", f"{error} Less of the text is shown now.", self._squeezes, 0.0, self._id))
        self._asked = None
        await self._requests.prepare()

    async def _finish(self, call: _Attempt, reason: FinishReason) -> _End:
        """The answer is complete; say how the call ended."""
        if (end := await self._take_rest()) is not None:
            return end
        end = _End.LENGTH if reason == "length" else _End.STOP
        if call.thought:
            self._agent.saw_reasoning(min(call.thought // _CHARACTERS_A_TOKEN, 16_000))
        if len(self._text) <= call.started_at:
            if end is _End.LENGTH:
                await self._ask_for_room(call)
            return end
        # Of an answer that was cut off, half a sentence would be known when the model writes all of it.
        if end is _End.STOP and (verdict := self._filters.feed(self._text, ended=True)):
            return await self._apply(verdict, len(self._text))
        return end

    async def _ask_for_room(self, call: _Attempt) -> None:
        """No text came, and the tokens are used up: a reasoning model gets about twice as many."""
        self._room_asked += 1
        if self._requests.cramped or self._room_asked > _MOST_ROOM_ASKED:
            if self._text.blank:
                raise self._no_answer(_End.LENGTH)
            return
        self._agent.saw_reasoning(call.request.max_tokens)
        await self._emit(Retrying("no-answer", MORE_ROOM, self._room_asked, 0.0, self._id))

    # -- the text

    async def _append(self, piece: str) -> _End | None:
        """Append clean text, unless a filter objects."""
        if not piece:
            return None
        shown = len(self._text)
        self._text.append(piece)
        verdict = self._filters.feed(self._text)
        if verdict is None:
            await self._emit(TextDelta(self._id, piece))
            return None
        return await self._apply(verdict, shown)

    async def _apply(self, verdict: FilterVerdict, shown: int) -> _End:
        """Do as a filter says, where the first ``shown`` characters of the text have been emitted."""
        if verdict.final:
            await self._cut(verdict.keep, shown, verdict.reason)
            return _End.STOP
        sound = self._text.text[: verdict.keep]
        short = not sound.strip() or (not self._unbounded and self._target.is_short(count_words(sound)))
        if verdict.loop or short:
            return await self._roll_back(verdict, shown)
        await self._cut(max(self._text.floor, verdict.keep), shown, verdict.reason)
        return _End.STOP

    async def _roll_back(self, verdict: FilterVerdict, shown: int) -> _End:
        keep = verdict.keep
        self._loops += 1
        places = self._loop_places
        places[keep] = places.get(keep, 0) + 1
        if places[keep] > _LOOPS_AT_ONE_PLACE:
            earlier = [end for end in sentence_ends(self._text.text[:keep]) if end < keep]
            keep = earlier[-1] if earlier else keep
        keep = max(self._text.floor, _paragraph_start(self._text.text, keep))
        self._furthest = min(self._furthest, keep)
        await self._cut(keep, shown, verdict.reason)
        return _End.STOP if self._loops >= _MOST_LOOPS else _End.AGAIN

    async def _cut(self, keep: int, shown: int, reason: str) -> None:
        """Cut the text to ``keep`` characters, of which the first ``shown`` have been emitted."""
        unseen = self._text.text[shown:keep]
        self._text.cut(keep)
        self._filters.cut(keep)
        if keep < shown:
            await self._emit(TextRolledBack(self._id, keep, reason))
        elif unseen:
            await self._emit(TextDelta(self._id, unseen))

    async def _take_rest(self, *, broken_off: bool = False) -> _End | None:
        """Take what the cleaner held back, at the end of an answer."""
        call = self._call
        if call is None or call.closed:
            return None
        call.closed = True
        return await self._append(call.cleaner.close(broken_off=broken_off))

    async def _cut_to_resume(self, reason: str) -> None:
        """Cut the text to where the model can continue it."""
        keep = max(self._text.floor, self._agent.prompts.resume_at(self._text.text))
        if keep < len(self._text):
            await self._cut(keep, len(self._text), reason)

    async def _make_ready(self, end: _End) -> None:
        """Bring the text to where it can be continued after an answer that was too short."""
        if end is _End.LENGTH:
            await self._cut_to_resume("the answer was cut off within a sentence")
            return
        # The model took the section for complete, so what follows is a new paragraph. A stop string may have left half
        # of its beginning.
        text = self._text.text
        lines = text[len(text.rstrip()) :].count("\n")
        if text and lines < 2:
            gap = "\n" * (2 - lines)
            self._text.append(gap)
            await self._emit(TextDelta(self._id, gap))

    async def _tidy_end(self, end: _End) -> None:
        """End the section without white space after it and, where an answer was cut off, on a whole sentence."""
        text = self._text.text.rstrip()
        at = last_sentence_end(text) if end is _End.LENGTH else len(text)
        if at < len(text) and count_words(text[:at]) >= 0.8 * count_words(text):
            text = text[:at]
        keep = max(self._text.floor, len(text))
        if keep < len(self._text):
            await self._cut(keep, len(self._text), "ended on a whole sentence")

    def _no_answer(self, end: _End) -> ModelError:
        if self._loops:
            why, remedy = "only repeated itself and gave no new text", "Try again, or choose another model"
        elif end is _End.LENGTH:
            why = "used all its tokens for reasoning and gave no text"
            remedy = "Lower its reasoning effort, allow it a longer context, or choose another model"
        else:
            why, remedy = "ended its answer and gave no text", "Try again, or choose another model"
        return ModelError(
            f"The model {why} for section {self._task.ordinal}. {remedy}; what was written is kept.", kind="no-answer"
        )


def _paragraph_start(text: str, end: int) -> int:
    """``end``, a sentence's, moved past a break of paragraphs that follows, so that new text begins a paragraph."""
    sound = len(text[:end].rstrip())
    space = len(text[sound:]) - len(text[sound:].lstrip())
    return sound + space if "\n\n" in text[sound : sound + space] else sound

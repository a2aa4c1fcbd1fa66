"""Writing one section: asked for, watched while it streams, continued where it is short, landed where it is long."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from time import monotonic

from lwtui.agentwrite.agent import Agent, NoRoom
from lwtui.agentwrite.calls import MORE_ROOM, Patience, stream_patiently
from lwtui.agentwrite.context import Context
from lwtui.agentwrite.events import (
    Continuing,
    Event,
    ReadingPrompt,
    Retrying,
    SectionFinished,
    SectionStarted,
    TextDelta,
    TextRolledBack,
    Thinking,
)
from lwtui.agentwrite.intake import Intake
from lwtui.agentwrite.length import RUNAWAY, Lander, Landing
from lwtui.agentwrite.recital import RecitalWatch
from lwtui.agentwrite.repetition import Finding, RepetitionWatch
from lwtui.agentwrite.section_prompts import Job, SectionPrompts
from lwtui.documents.model import Origin, Usage
from lwtui.models.base import (
    Finished,
    FinishReason,
    ModelError,
    Prompt,
    PromptProgress,
    ReasoningPiece,
    Request,
    StreamPart,
    TextPiece,
)
from lwtui.text import RunningCount, count_words, last_sentence_end, sentence_ends

_MOST_CONTINUATIONS = 6  # calls in a row that bring the section no nearer to its length
_LEAST_GAIN = 5  # words a call has to bring to count as one that does
_MOST_LOOPS = 16  # loops rolled back in one section before it is left as it is
_LOOPS_AT_ONE_PLACE = 3  # then the sentence before goes too
_MOST_ROOM_ASKED = 4  # how often a call is made again because reasoning took all its tokens
_MOST_DIRECT = 3  # times its target that a text written in direct mode may become
_MOST_SQUEEZES = 2  # how often a prompt is made shorter because the model found it too long
_CHARACTERS_A_TOKEN = 3  # of reasoning, rather too few


class SectionWriter:
    """The state of one section while it is written. :meth:`run` yields the events, in order."""

    def __init__(self, agent: Agent, job: Job, context: Context) -> None:
        self._agent = agent
        self._job = job
        self._id = job.section.id
        self._context = context
        self._prompts = SectionPrompts(agent, job, context)
        self._follows = agent.profile.form == "chat"  # instructions
        # In direct mode the model alone decides how long the text becomes, but for one that does not end.
        self._by_itself = job.direct and agent.profile.ends_itself
        limit = job.target * (_MOST_DIRECT if self._by_itself else 1)
        self._landing = Landing(limit, agent.profile.ends_itself, job.precise)
        self._watch = RepetitionWatch(one.text for one in job.earlier)
        self._recital = RecitalWatch(job.section.title, (one.title for one in job.plan.sections))
        self._patience = Patience(agent.policy)
        self._floor = 0  # text before it is never taken back: some of it may be the writer's own
        self._text, self._count = "", RunningCount()
        self._lander = Lander(self._landing)
        # Over all calls:
        self._usage = Usage()
        self._calls = 1
        self._loops = 0
        self._loop_places: dict[int, int] = {}
        self._room_asked = 0
        self._squeezes = 0
        self._furthest = 0  # how much of the text the last fault left standing
        self._broken_off: list[tuple[Prompt, str]] = []  # what calls without an end asked and answered
        # Of the call that is being made:
        self._asked: tuple[tuple[int, int], Request] | None = None
        self._intake: Intake | None = None
        self._received: list[str] = []
        self._used: Usage | None = None  # so far, as the backend says
        self._thought = 0  # characters
        self._ended: FinishReason | None = None
        self._looped = False  # a loop was rolled back: the text is to be gone on with, under another seed

    async def run(self) -> AsyncGenerator[Event, None]:
        """Write the section, or go on with it. Raises ``ModelError``; what was yielded before stays valid."""
        began = monotonic()
        section = self._job.section
        by_hand = section.origin is Origin.USER
        keep = len(section.text) if by_hand else self._agent.form.resume_at(section.text)
        self._floor = self._furthest = keep
        self._set_text(section.text[:keep])
        self._watch.trust(self._text)
        self._recital.trust(self._text)
        async with aclosing(self._prompts.prepare()) as items:
            async for item in items:
                yield item
        first = await self._next_request()
        for event in self._notices():
            yield event
        yield SectionStarted(
            self._id,
            self._job.ordinal,
            self._job.total,
            section.title,
            self._job.target,
            bool(section.text),
            keep,
            self._agent.provenance(first),
        )
        if not self._text.strip() or self._count.words < self._landing.stop_at:
            async with aclosing(self._until_long_enough()) as events:
                async for event in events:
                    yield event
            for event in self._tidy_end():
                yield event
        self._usage += self._context.take_usage()
        yield SectionFinished(self._id, self._count.words, self._job.target, self._usage, round(monotonic() - began, 3))

    async def _until_long_enough(self) -> AsyncGenerator[Event, None]:
        """Call until the section has landed, or no call brings it further."""
        fruitless = 0
        while True:
            before = self._count.words
            async with aclosing(self._one_call_that_fits()) as events:
                async for event in events:
                    yield event
            if self._looped:
                continue
            length = self._count.words
            is_to_go_on = self._is_to_go_on(length)
            if is_to_go_on:
                for event in self._made_ready():
                    yield event
            fruitless = 0 if self._count.words > before + _LEAST_GAIN else fruitless + 1
            if not is_to_go_on or fruitless >= _MOST_CONTINUATIONS:
                if not self._text.strip():
                    raise self._no_answer()
                return
            if self._text.strip():
                yield Continuing(self._id, length, self._job.target)

    def _is_to_go_on(self, length: int) -> bool:
        if self._by_itself:
            return self._ended == "length" and length < self._job.target * RUNAWAY
        return self._landing.is_short(length, cut=self._ended == "length")

    async def _one_call_that_fits(self) -> AsyncGenerator[Event, None]:
        """One answer; where the model finds its prompt too long, after all, it is asked with less of the text."""
        while True:
            length = self._agent.context_length
            try:
                async with aclosing(self._one_call()) as events:
                    async for event in events:
                        yield event
                return
            except ModelError as error:
                self._squeezes += 1
                if error.kind != "context" or isinstance(error, NoRoom) or self._squeezes > _MOST_SQUEEZES:
                    raise
                if self._agent.context_length == length:  # else the model has learned the true one from the server
                    self._agent.context_share *= 0.75
                yield Retrying("context", f"{error} Less of the text is shown now.", self._squeezes, 0.0, self._id)
            self._asked = None
            async with aclosing(self._prompts.prepare()) as items:
                async for item in items:
                    yield item

    async def _one_call(self) -> AsyncGenerator[Event, None]:
        """One answer, however often its call has to be repeated. Leaves why it ended in ``_ended`` or ``_looped``."""
        self._ended, self._looped = None, False
        parts = stream_patiently(self._agent.model, self._new_try, self._patience, self._id, self._gained)
        try:
            async with aclosing(parts):
                async for part in parts:
                    for event in (*self._notices(), *self._heard(part)):
                        yield event
                    if self._ended is not None or self._looped:
                        break
        except ModelError:
            for event in self._take_rest():
                yield event
            raise
        self._calls += 1
        self._note_broken_off()
        for prompt, text in self._broken_off:
            model = self._agent.model
            self._usage += Usage(await model.count_tokens(prompt.plain()), await model.count_tokens(text))
        self._broken_off.clear()

    def _heard(self, part: StreamPart | Retrying) -> list[Event]:
        match part:
            case TextPiece(text, usage):
                self._received.append(text)
                self._used = usage
                return self._take(self._intake.add(text) if self._intake else text)
            case ReasoningPiece(text):
                self._received.append(text)
                self._thought += len(text)
                return [Thinking(self._id, self._thought)]
            case PromptProgress(tokens, total):
                return [ReadingPrompt(self._id, tokens, total)]
            case Retrying():
                self._note_broken_off()
                return [*self._dropped(), part]
            case Finished(reason, usage):
                self._received.clear()
                self._used = None
                self._usage += usage
                return self._finish_call(reason)

    def _note_broken_off(self) -> None:
        """A call was ended before its own end: its usage is what it last said, or estimated later from its texts."""
        if self._used is not None:
            self._usage += self._used
        elif self._received and self._asked:
            self._broken_off.append((self._asked[1].prompt, "".join(self._received)))
        self._received.clear()
        self._used = None

    async def _new_try(self) -> Request:
        """The request for the text as it stands now; each try gets an intake of its own."""
        self._thought = 0
        self._received.clear()
        self._intake = Intake(self._text, self._job.section.title, exact=not self._follows)
        request = await self._next_request()
        if self._follows:
            given = self._prompts.parts(self._text) | {"Plan": ""}
            self._recital.ask(request.prompt.plain(), given.values())
        return request

    async def _next_request(self) -> Request:
        """The request for the text as it stands now; a try that changed nothing is made again with the same seed."""
        state = (self._calls, len(self._text))
        if self._asked is None or self._asked[0] != state:
            words = self._count.words
            request = await self._prompts.request(self._text, words, salt=self._calls, loops=self._loops)
            least = 0 if self._by_itself else self._landing.least_words - words
            self._asked = (state, replace(request, least_words=max(0, least)))
        return self._asked[1]

    def _notices(self) -> list[Event]:
        notices: list[Event] = [*self._prompts.notices]
        self._prompts.notices.clear()
        return notices

    def _gained(self) -> bool:
        """Whether more of the text stands at this fault than at the last."""
        stands = max(self._floor, self._agent.form.resume_at(self._text))
        gained, self._furthest = stands > self._furthest, max(self._furthest, stands)
        return gained

    def _take(self, piece: str) -> list[Event]:
        """Append ``piece`` unless it loops or passes the landing; then cut there."""
        if not piece:
            return []
        before, self._text = self._text, self._text + piece
        self._count.add(piece)
        if finding := self._watch.look(self._text):
            return self._roll_back(before, finding)
        if finding := self._recited():
            return self._end_before(before, finding)
        at = self._lander.look(self._text, self._count.words)
        if at is None:
            return [TextDelta(self._id, piece)]
        self._ended = "stop"
        return self._cut(before, at, "landed at the end of a sentence")

    def _recited(self, *, ended: bool = False) -> Finding | None:
        """What the model said that is not the section's text. A base model's own stop strings see to that."""
        return self._recital.look(self._text, ended=ended) if self._follows else None

    def _end_before(self, shown: str, finding: Finding) -> list[Event]:
        """End the section before what does not belong there or, where it is short, go on from there."""
        sound = self._text[: finding.keep]
        if not sound.strip() or (not self._by_itself and self._landing.is_short(count_words(sound))):
            return self._roll_back(shown, finding)
        self._ended = "stop"
        return self._cut(shown, max(self._floor, finding.keep), finding.reason)

    def _take_rest(self, *, broken_off: bool = False) -> list[Event]:
        """Take what the intake held back, at the end of an answer."""
        intake, self._intake = self._intake, None
        return self._take(intake.close(broken_off=broken_off)) if intake else []

    def _set_text(self, text: str) -> None:
        self._text, self._count = text, RunningCount(text)
        self._lander = Lander(self._landing, self._floor)

    def _cut(self, shown: str, at: int, reason: str) -> list[Event]:
        """End the text at ``at``, where the reader has seen ``shown`` of it."""
        self._set_text(self._text[:at])
        if at >= len(shown):
            rest = self._text[len(shown) :]
            return [TextDelta(self._id, rest)] if rest else []
        return [TextRolledBack(self._id, at, reason)]

    def _roll_back(self, shown: str, finding: Finding) -> list[Event]:
        keep = finding.keep
        self._loops += 1
        places = self._loop_places
        places[keep] = places.get(keep, 0) + 1
        if places[keep] > _LOOPS_AT_ONE_PLACE:
            earlier = [end for end in sentence_ends(self._text[:keep]) if end < keep]
            keep = earlier[-1] if earlier else keep
        keep = max(self._floor, _paragraph_start(self._text, keep))
        self._rolled_back(keep)
        self._furthest = min(self._furthest, keep)
        if self._loops >= _MOST_LOOPS:
            self._ended = "stop"
        else:
            self._looped = True
        return self._cut(shown, keep, finding.reason)

    def _dropped(self) -> list[Event]:
        """A call broke off: take what the intake held back, then go back to where it can be gone on from."""
        events = self._take_rest(broken_off=True)
        if self._ended is not None or self._looped:
            return events
        return events + self._to_resume("the stream broke off within a sentence")

    def _to_resume(self, reason: str) -> list[Event]:
        """Cut the text to where the model can go on from it."""
        keep = max(self._floor, self._agent.form.resume_at(self._text))
        if keep == len(self._text):
            return []
        self._set_text(self._text[:keep])
        self._rolled_back(keep)
        return [TextRolledBack(self._id, keep, reason)]

    def _rolled_back(self, keep: int) -> None:
        self._watch.rolled_back(keep)
        self._recital.rolled_back(keep)

    def _finish_call(self, reason: FinishReason) -> list[Event]:
        events = self._take_rest()
        if self._ended is not None or self._looped:
            return events
        self._ended = reason
        if self._thought:
            self._agent.saw_reasoning(min(self._thought // _CHARACTERS_A_TOKEN, 16_000))
        if self._brought_nothing:
            return events + (self._ask_for_room() if reason == "length" else [])
        # Half a sentence would be known when the model writes all of it.
        if reason != "length" and (finding := self._watch.look(self._text, ended=True)):
            self._ended = None
            return events + self._roll_back(self._text, finding)
        if finding := self._recited(ended=reason != "length"):
            self._ended = None
            return events + self._end_before(self._text, finding)
        return events

    @property
    def _brought_nothing(self) -> bool:
        """Whether the text is what it was when the call was made."""
        return self._asked is not None and len(self._text) <= self._asked[0][1]

    def _made_ready(self) -> list[Event]:
        """Bring the text to where it can be gone on from after an answer that was too short."""
        if self._ended == "length":
            return self._to_resume("the answer was cut off within a sentence")
        # The model took the section for complete, so what follows is a new paragraph. A stop string may have left half
        # of its beginning.
        lines = self._text[len(self._text.rstrip()) :].count("\n")
        if not self._text or lines >= 2:
            return []
        gap = "\n" * (2 - lines)
        self._set_text(self._text + gap)
        return [TextDelta(self._id, gap)]

    def _ask_for_room(self) -> list[Event]:
        """No text came, and the tokens are used up: a reasoning model gets about twice as many."""
        allowed = self._asked[1].max_tokens if self._asked else 0
        self._room_asked += 1
        if self._prompts.cramped or self._room_asked > _MOST_ROOM_ASKED:
            if not self._text.strip():
                raise self._no_answer()
            return []
        self._agent.saw_reasoning(allowed)
        return [Retrying("no-answer", MORE_ROOM, self._room_asked, 0.0, self._id)]

    def _no_answer(self) -> ModelError:
        if self._loops:
            why, remedy = "only repeated itself and gave no new text", "Try again, or choose another model"
        elif self._ended == "length":
            why = "used all its tokens for reasoning and gave no text"
            remedy = "Lower its reasoning effort, allow it a longer context, or choose another model"
        else:
            why, remedy = "ended its answer and gave no text", "Try again, or choose another model"
        return ModelError(
            f"The model {why} for section {self._job.ordinal}. {remedy}; what was written is kept.", kind="no-answer"
        )

    def _tidy_end(self) -> list[Event]:
        """End the section without white space after it and, where an answer was cut off, on a whole sentence."""
        text = self._text.rstrip()
        end = last_sentence_end(text) if self._ended == "length" else len(text)
        if end < len(text) and count_words(text[:end]) >= 0.8 * count_words(text):
            text = text[:end]
        keep = max(self._floor, len(text))
        if keep == len(self._text):
            return []
        self._set_text(self._text[:keep])
        return [TextRolledBack(self._id, keep, "ended on a whole sentence")]


def _paragraph_start(text: str, end: int) -> int:
    """``end``, a sentence's, moved past the break of a paragraph that follows, so that what comes begins one too."""
    sound = len(text[:end].rstrip())
    space = len(text[sound:]) - len(text[sound:].lstrip())
    return sound + space if "\n\n" in text[sound : sound + space] else sound

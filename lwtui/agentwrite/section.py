"""Writing one section: asked for, watched while it streams, continued where it is short, landed where it is long."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.calls import Patience, stream_patiently
from lwtui.agentwrite.context import Context, Shown
from lwtui.agentwrite.events import (
    ContextTrimmed,
    Continuing,
    Event,
    Retrying,
    SectionFinished,
    SectionStarted,
    TextDelta,
    TextRolledBack,
    Thinking,
)
from lwtui.agentwrite.forms import Task
from lwtui.agentwrite.intake import Intake
from lwtui.agentwrite.length import Landing, land
from lwtui.agentwrite.repetition import RepetitionWatch
from lwtui.documents.model import Brief, Origin, Plan, Section, Usage
from lwtui.models.base import Finished, FinishReason, ModelError, ReasoningPiece, Request, TextPiece
from lwtui.text import RunningCount, count_words, last_sentence_end, sentence_ends

_MOST_CONTINUATIONS = 6  # calls in a row that bring the section no nearer to its length
_MOST_LOOPS = 16  # loops rolled back in one section before it is left as it is
_LOOPS_AT_ONE_PLACE = 3  # then the sentence before goes too
_TOKENS_A_WORD = 3  # generous: the landing ends a section, this only bounds a call
_MARGIN = 128  # tokens of a context that stay free


@dataclass(frozen=True)
class Job:
    """One section to write, and what is known of its surroundings at that moment."""

    brief: Brief
    plan: Plan
    section: Section
    number: int  # from 1
    target: int
    last: bool
    earlier: Sequence[Section]
    parallel: bool = False
    direct: bool = False


class SectionWriter:
    """The state of one section while it is written. :meth:`run` yields the events, in order."""

    def __init__(self, agent: Agent, job: Job, context: Context) -> None:
        self._agent = agent
        self._job = job
        self._context = context
        self._landing = Landing(job.target, agent.profile.ends_itself, job.last)
        self._watch = RepetitionWatch("\n\n".join(one.text for one in job.earlier))
        self._text = ""
        self._count = RunningCount()
        self._usage = Usage()
        self._calls = 0
        self._loops = 0
        self._loop_places: dict[int, int] = {}
        self._thought = 0
        self._room_factor = 1  # doubled when a reasoning model used up its tokens before it answered
        self._patience = Patience(agent.policy)
        self._intake: Intake | None = None
        self._ended: FinishReason | None = None
        self._looped = False  # a loop was rolled back: the text is to be gone on with, under another seed
        self._floor = 0  # text before it is never taken back: it may be the writer's own

    async def run(self) -> AsyncGenerator[Event, None]:
        """Write the section, or go on with it. Raises ``ModelError``; what was yielded before stays valid."""
        began = monotonic()
        section = self._job.section
        written_by_hand = section.origin is Origin.USER
        keep = len(section.text) if written_by_hand else self._agent.form.resume_at(section.text)
        self._set_text(section.text[:keep])
        self._floor = keep
        self._watch.look(self._text)
        shown: Shown | None = None
        async for item in self._show():
            if isinstance(item, Shown):
                shown = item
            else:
                yield item
        assert shown is not None
        first = self._request(shown)
        yield SectionStarted(
            section.id,
            self._job.number,
            len(self._job.plan.sections),
            section.title,
            self._job.target,
            bool(section.text),
            keep,
            self._agent.provenance(first),
        )
        async with aclosing(self._until_long_enough(shown)) as events:
            async for event in events:
                yield event
        for event in self._tidy_end():
            yield event
        length = self._count.words
        yield SectionFinished(section.id, length, self._job.target, self._usage, round(monotonic() - began, 3))

    async def _until_long_enough(self, shown: Shown) -> AsyncGenerator[Event, None]:
        """Call until the section has landed, or no call brings it further."""
        fruitless = 0
        while True:
            before = self._count.words
            async with aclosing(self._one_call(shown)) as events:
                async for event in events:
                    yield event
            length = self._count.words
            if self._looped:
                continue
            # Direct mode leaves the length to the model: it goes on only where the call itself was cut short.
            short = self._ended == "length" if self._by_itself else self._landing.is_short(length)
            fruitless = 0 if length > before + 5 else fruitless + 1
            if not short or fruitless >= _MOST_CONTINUATIONS:
                if not self._text.strip():
                    raise self._no_answer()
                return
            yield Continuing(self._job.section.id, length, self._job.target)

    async def _one_call(self, shown: Shown) -> AsyncGenerator[Event, None]:
        """One answer, however often its call has to be repeated. Leaves why it ended in ``_ended`` or ``_looped``."""
        self._ended = None
        parts = stream_patiently(
            self._agent.model, lambda: self._next_request(shown), self._patience, self._job.section.id
        )
        async with aclosing(parts):
            async for part in parts:
                match part:
                    case TextPiece(text):
                        for event in self._take(self._intake.add(text) if self._intake else text):
                            yield event
                    case ReasoningPiece(text):
                        self._thought += len(text)
                        yield Thinking(self._job.section.id, self._thought)
                    case Retrying():
                        for event in self._dropped():
                            yield event
                        yield part
                    case Finished(reason, usage):
                        self._usage += usage
                        for event in self._finish_call(reason):
                            yield event
                if self._ended is not None or self._looped:
                    return

    def _next_request(self, shown: Shown) -> Request:
        """The request for the text as it stands now; each gets an intake of its own."""
        self._looped = False
        self._intake = Intake(self._text, self._job.section.title, exact=self._agent.profile.form == "completion")
        return self._request(shown)

    def _request(self, shown: Shown) -> Request:
        job = self._job
        left = max(30, job.target - self._count.words)
        task = Task(job.brief, job.plan, job.number, left, shown.text, self._text, job.parallel, job.direct)
        self._calls += 1
        request = Request(self._agent.form.section(task), max_tokens=self._answer_room(left))
        salt = job.number * 997 + self._calls
        return self._agent.prepared(request, job.brief, salt, firmer=self._loops)

    def _answer_room(self, words: int) -> int:
        wished = (words * _TOKENS_A_WORD + 128) * self._room_factor + min(self._thought, 16_000)
        return min(wished, self._agent.model.capabilities.context_length // 3 * (2 if self._room_factor > 1 else 1))

    async def _show(self) -> AsyncGenerator[Shown | ContextTrimmed | Retrying, None]:
        """What of the earlier text goes into this section's prompts."""
        job, model = self._job, self._agent.model
        if job.parallel or job.direct:
            yield Shown("", 0)
            return
        bare = self._agent.form.section(Task(job.brief, job.plan, job.number, job.target, "", self._text))
        fixed = await model.count_tokens(bare.plain())
        # The section itself will stand in its own prompts when it is continued.
        growth = self._answer_room(job.target)
        budget = model.capabilities.context_length - fixed - 2 * growth - _MARGIN
        if budget < 0 and not job.earlier:
            budget = 0
        if budget < 0:
            raise ModelError(
                f"The plan alone takes {fixed} of the model's {model.capabilities.context_length} tokens: use a model "
                "with a longer context, or fewer sections.",
                kind="context",
            )
        async for item in self._context.show(job.earlier, budget, job.section.id):
            yield item

    def _take(self, piece: str) -> list[Event]:
        """Append ``piece`` unless it loops or passes the landing; then cut there."""
        if not piece:
            return []
        before, self._text = self._text, self._text + piece
        self._count.add(piece)
        if finding := self._watch.look(self._text):
            return self._roll_back(before, finding.keep, finding.reason)
        at = None if self._by_itself else land(self._text, self._count.words, self._landing)
        if at is None:
            return [TextDelta(self._job.section.id, piece)]
        self._ended = "stop"
        return self._cut(before, at, "landed at the end of a sentence")

    @property
    def _by_itself(self) -> bool:
        """Whether the model alone decides how long the text becomes."""
        return self._job.direct and self._agent.profile.ends_itself

    def _set_text(self, text: str) -> None:
        self._text, self._count = text, RunningCount(text)

    def _cut(self, shown: str, at: int, reason: str) -> list[Event]:
        """End the text at ``at``, where the reader has seen ``shown`` of it."""
        self._set_text(self._text[:at])
        if at >= len(shown):
            rest = self._text[len(shown) :]
            return [TextDelta(self._job.section.id, rest)] if rest else []
        return [TextRolledBack(self._job.section.id, at, reason)]

    def _roll_back(self, shown: str, keep: int, reason: str) -> list[Event]:
        self._loops += 1
        places = self._loop_places
        places[keep] = places.get(keep, 0) + 1
        if places[keep] > _LOOPS_AT_ONE_PLACE:
            earlier = [end for end in sentence_ends(self._text[:keep]) if end < keep]
            keep = earlier[-1] if earlier else 0
        keep = max(self._floor, len(self._text[:keep].rstrip()))
        self._watch.rolled_back(keep)
        if self._loops >= _MOST_LOOPS:
            self._ended = "stop"
        else:
            self._looped = True
        return self._cut(shown, keep, reason)

    def _dropped(self) -> list[Event]:
        """A call broke off: take what the intake held back, then go back to where it can be gone on from."""
        events = self._take(self._intake.close()) if self._intake else []
        keep = max(self._floor, self._agent.form.resume_at(self._text))
        if keep < len(self._text):
            self._set_text(self._text[:keep])
            self._watch.rolled_back(keep)
            events.append(TextRolledBack(self._job.section.id, keep, "the stream broke off within a sentence"))
        return events

    def _finish_call(self, reason: FinishReason) -> list[Event]:
        events = self._take(self._intake.close()) if self._intake else []
        if self._ended is not None or self._looped:
            return events
        before = self._text
        if finding := self._watch.look(self._text, ended=True):
            return events + self._roll_back(before, finding.keep, finding.reason)
        self._ended = reason
        if reason == "length" and not self._text.strip():
            return events + self._ask_for_room()
        if (
            reason == "stop"
            and self._text
            and not self._text[-1].isspace()
            and self._landing.is_short(self._count.words)
        ):
            # The model took the section for complete, so what follows is a new paragraph.
            self._set_text(self._text + "\n\n")
            events.append(TextDelta(self._job.section.id, "\n\n"))
        return events

    def _ask_for_room(self) -> list[Event]:
        """No text came, and the tokens are used up: a reasoning model gets twice as many."""
        limit = self._agent.model.capabilities.context_length // 3
        if self._room_factor >= 16 or self._answer_room(self._job.target) >= 2 * limit:
            raise self._no_answer()
        self._room_factor *= 2
        reason = "All tokens went into reasoning; twice as many are allowed now."
        return [Retrying("no-answer", reason, self._room_factor.bit_length() - 1, 0.0, self._job.section.id)]

    def _no_answer(self) -> ModelError:
        why = (
            "used all its tokens for reasoning and"
            if self._thought or self._ended == "length"
            else "ended its answer and"
        )
        return ModelError(
            f"The model {why} gave no text for section {self._job.number}. Lower its reasoning effort, allow it a "
            "longer context, or choose another model; what was written is kept.",
            kind="no-answer",
        )

    def _tidy_end(self) -> list[Event]:
        """End the section on a whole sentence, without white space after it."""
        text = self._text.rstrip()
        end = last_sentence_end(text)
        if end < len(text) and count_words(text[:end]) >= 0.8 * count_words(text):
            text = text[:end]
        if text == self._text:
            return []
        keep = len(text)
        self._set_text(text)
        return [TextRolledBack(self._job.section.id, keep, "ended on a whole sentence")]

"""Asking a model for something short, whole: a plan, or a line of one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.calls import MORE_ROOM, Patience, always, stream_patiently
from lwtui.agentwrite.events import Event, PlanAsked, PlanDelta, Retrying
from lwtui.agentwrite.plan_format import PlanError
from lwtui.documents.model import Usage
from lwtui.models.base import Finished, FinishReason, ModelError, ReasoningPiece, Request, TextPiece
from lwtui.text import StreamCleaner

_MOST_ROOM_ASKED = 4  # how often a call is made again because reasoning took all its tokens


@dataclass
class Answer:
    """What a call brought."""

    text: str = ""
    reason: FinishReason = "stop"
    usage: Usage = field(default_factory=Usage)  # of all its calls that ended

    def check_whole(self, raw: str) -> None:
        """Raise :class:`PlanError` if the answer was cut off: what is there of it may look like a shorter plan."""
        if self.reason == "length":
            finding = "The answer was cut off before its end; keep it shorter."
            raise PlanError(finding, (finding,), raw)


async def ask(agent: Agent, request: Request, into: Answer) -> AsyncGenerator[Event, None]:
    """Stream an answer into ``into``; one that breaks off is asked for from its beginning, since a plan is short.

    A reasoning model that used up its tokens before it answered is given twice as many, while the context has them.
    """
    wished = agent.allowing_for_reasoning(request).max_tokens
    for attempt in range(1, _MOST_ROOM_ASKED + 1):
        allowed = await agent.fitted(replace(request, max_tokens=wished))
        cleaner = StreamCleaner()
        into.text, into.reason, thought, used = "", "stop", False, Usage()
        async with aclosing(stream_patiently(agent.model, always(allowed), Patience(agent.policy))) as parts:
            async for part in parts:
                match part:
                    case Retrying():
                        cleaner, into.text = StreamCleaner(), ""
                        yield part
                    case TextPiece(text):
                        into.text += text
                        if shown := cleaner.add(text):
                            yield PlanDelta(shown)
                    case ReasoningPiece():
                        thought = True
                    case Finished(reason, usage):
                        into.reason = reason
                        used = usage
                        into.usage += usage
        if used != Usage():
            yield PlanAsked(used)
        if into.reason == "length" and (thought or not into.text.strip()):
            agent.saw_reasoning(allowed.max_tokens)
        if into.text.strip() or into.reason != "length":
            return
        if allowed.max_tokens < wished:
            break
        yield Retrying("no-answer", MORE_ROOM, attempt, 0.0)
        wished *= 2
    raise ModelError(
        "The model used all its tokens for reasoning and gave no answer. Lower its reasoning effort or choose another.",
        kind="no-answer",
    )

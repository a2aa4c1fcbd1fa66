"""Short calls, whose answer is needed whole: a plan or a line of one, a summary, a review, a passage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Emit, Event, PlanDelta, Retrying, ignore
from lwtui.agentwrite.retry import Retries, with_retries
from lwtui.models.base import Finished, FinishReason, ModelError, ReasoningPiece, Request, TextPiece
from lwtui.text import ControlStripper

MORE_ROOM = "All tokens went into reasoning; twice as many are allowed now."
_MOST_ROOM_ASKED = 4  # calls that are made again because reasoning took all their tokens


@dataclass
class ShortAnswer:
    """What a call brought. ``thought``: some of it was reasoning, which is not part of the text."""

    text: str = ""
    reason: FinishReason = "stop"
    thought: bool = False

    @property
    def cut(self) -> bool:
        """Whether it was cut off before its end."""
        return self.reason == "length"


async def ask(agent: Agent, request: Request, emit: Emit = ignore, into: ShortAnswer | None = None) -> ShortAnswer:
    """Ask for a short answer; a call that breaks off is made again from the beginning.

    A reasoning model that used up its tokens before it answered is given twice as many, while the context has them.

    Args:
        agent: Who is asked.
        request: The call.
        emit: Is told the text as it comes (:class:`PlanDelta`), and of retries, after which it comes anew.
        into: Filled in as the answer comes, for those who want what there is when the call is stopped.

    Raises:
        ModelError: A fault lasts, or the model answers nothing.
    """
    answer = into or ShortAnswer()
    wished = agent.allowing_for_reasoning(request).max_tokens
    for attempt in range(1, _MOST_ROOM_ASKED + 1):
        allowed = await agent.fitted(replace(request, max_tokens=wished))
        await with_retries(_attempt(agent, allowed, answer, emit), Retries(agent.policy), emit)
        if answer.cut and (answer.thought or not answer.text.strip()):
            agent.saw_reasoning(allowed.max_tokens)
        if answer.text.strip() or not answer.cut:
            return answer
        if allowed.max_tokens < wished:
            break
        await emit(Retrying("no-answer", MORE_ROOM, attempt, 0.0))
        wished *= 2
    raise ModelError(
        "The model used all its tokens for reasoning and gave no answer. Lower its reasoning effort or choose another.",
        kind="no-answer",
    )


async def ask_once(agent: Agent, request: Request, emit: Emit = ignore) -> ShortAnswer:
    """Ask without a second try for one that reasoned too long; the request has to fit the context."""
    answer = ShortAnswer()
    await with_retries(_attempt(agent, request, answer, emit), Retries(agent.policy), emit)
    return answer


def retries_only(emit: Emit) -> Emit:
    """``emit`` without the text of the answer, for calls whose answer is not shown."""

    async def emit_retries(event: Event) -> None:
        if isinstance(event, Retrying):
            await emit(event)

    return emit_retries


def _attempt(agent: Agent, request: Request, answer: ShortAnswer, emit: Emit) -> Callable[[], Awaitable[None]]:
    async def attempt() -> None:
        stripper = ControlStripper()
        answer.text, answer.reason, answer.thought = "", "stop", False
        async with aclosing(agent.model.stream(request)) as parts:
            async for part in parts:
                match part:
                    case TextPiece(text):
                        answer.text += text
                        if shown := stripper.add(text):
                            await emit(PlanDelta(shown))
                    case ReasoningPiece():
                        answer.thought = True
                    case Finished(reason):
                        answer.reason = reason
                        return
        raise ModelError("The stream ended without saying so.", kind="dropped", retryable=True)

    return attempt

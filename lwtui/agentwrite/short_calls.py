"""Makes short calls, whose answers are used as a whole: a plan or a line of one, a summary, a review, a passage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Emit, Event, PlanDelta, PlanVoided, Retrying, ignore
from lwtui.agentwrite.retry import Retries, with_retries
from lwtui.models.base import AnswerVoided, Finished, FinishReason, ModelError, ReasoningPiece, Request, TextPiece
from lwtui.text import ControlStripper
from lwtui.translation import _

MORE_ROOM = _("Reasoning used up all output tokens; the next call may use twice as many.")
_MOST_CALLS = 4  # while reasoning takes all their tokens


@dataclass
class ShortAnswer:
    """The answer to a call.

    Attributes:
        text: Its text, without reasoning.
        reason: Why it ended.
        thought: Whether the model reasoned.
    """

    text: str = ""
    reason: FinishReason = "stop"
    thought: bool = False

    @property
    def cut(self) -> bool:
        """Whether the answer was cut off."""
        return self.reason == "length"


async def ask(
    agent: Agent,
    request: Request,
    emit: Emit = ignore,
    into: ShortAnswer | None = None,
    until: Callable[[str], bool] | None = None,
) -> ShortAnswer:
    """Ask for a short answer. A call that breaks off is repeated from the beginning.

    If a reasoning model uses up its tokens before it answers, it is asked again with twice as many, while the context
    has room.

    Args:
        agent: The model to ask.
        request: The request.
        emit: Awaited for the streamed text (:class:`PlanDelta`), and for retries, after which the text starts again.
        into: The answer to fill in as the text streams, for callers that use it even if the call is stopped.
        until: Is asked at the end of each line whether the answer is complete; the call is then ended.

    Returns:
        The answer.

    Raises:
        ModelError: A call failed for good, or gave no answer.
    """
    answer = into or ShortAnswer()
    wished = agent.allowing_for_reasoning(request).max_tokens
    for attempt in range(1, _MOST_CALLS + 1):
        allowed = await agent.fitted(replace(request, max_tokens=wished))
        await with_retries(_attempt(agent, allowed, answer, emit, until), Retries(agent.policy), emit)
        if answer.cut and (answer.thought or not answer.text.strip()):
            agent.saw_reasoning(allowed.max_tokens)
        if answer.text.strip() or not answer.cut:
            return answer
        if allowed.max_tokens < wished:
            break
        await emit(Retrying("no-answer", MORE_ROOM, attempt, 0.0))
        wished *= 2
    remedy = agent.less_reasoning(request.role, _("choose another model"))
    raise ModelError(
        _("The model used all its tokens for reasoning and gave no answer. {remedy}.", remedy=remedy),
        kind="no-answer",
    )


async def ask_once(agent: Agent, request: Request, emit: Emit = ignore) -> ShortAnswer:
    """Ask without a second try if reasoning takes all tokens. The request must fit the context."""
    answer = ShortAnswer()
    await with_retries(_attempt(agent, request, answer, emit), Retries(agent.policy), emit)
    return answer


def retries_only(emit: Emit) -> Emit:
    """Return a callback that passes only retries on to ``emit``, for calls whose answer is not shown."""

    async def emit_retries(event: Event) -> None:
        if isinstance(event, Retrying):
            await emit(event)

    return emit_retries


def _attempt(
    agent: Agent,
    request: Request,
    answer: ShortAnswer,
    emit: Emit,
    until: Callable[[str], bool] | None = None,
) -> Callable[[], Awaitable[None]]:
    async def attempt() -> None:
        stripper, shown_so_far = ControlStripper(), 0
        answer.text, answer.reason, answer.thought = "", "stop", False
        async with aclosing(agent.model.stream(request)) as parts:
            async for part in parts:
                match part:
                    case TextPiece(text):
                        answer.text += text
                        if shown := stripper.add(text):
                            shown_so_far += len(shown)
                            await emit(PlanDelta(shown))
                        if until and "\n" in text and until(answer.text):
                            return
                    case ReasoningPiece():
                        answer.thought = True
                    case AnswerVoided():
                        answer.text, answer.thought = "", True
                        stripper = ControlStripper()
                        if shown_so_far:
                            await emit(PlanVoided(shown_so_far))
                            shown_so_far = 0
                    case Finished(reason):
                        answer.reason = reason
                        return
        raise ModelError(_("The stream ended without a final message."), kind="dropped", retryable=True)

    return attempt

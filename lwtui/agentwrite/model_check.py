"""Checks a new or changed model with a small call: whether it answers, and how fast."""

from __future__ import annotations

from contextlib import aclosing
from time import monotonic

from lwtui.agentwrite.agent import Agent
from lwtui.models.base import Finished, Message, ModelError, Prompt, ReasoningPiece, Request, TextPiece
from lwtui.translation import _

_TOKENS = 48


async def check_model(agent: Agent) -> str:
    """Make a small call.

    Returns:
        One line on how fast the model answered and how long its context is.

    Raises:
        ModelError: The model did not answer, or without text.
    """
    if not agent.follows_instructions:
        prompt = Prompt(text="It was a bright morning in spring, and")
    else:
        prompt = Prompt(messages=(Message("user", "Write two sentences about spring."),))
    request = Request(prompt, _TOKENS, sampling=agent.profile.sampling)
    began = monotonic()
    first: float | None = None
    pieces = tokens = 0
    async with aclosing(agent.model.stream(request)) as parts:
        async for part in parts:
            match part:
                case TextPiece() | ReasoningPiece():
                    first = first if first is not None else monotonic()
                    pieces += 1
                case Finished(usage=usage):
                    tokens = usage.completion
    if first is None:
        raise ModelError(
            _(
                "{name} answered, but with no text. Check its name and its prompts in the settings.",
                name=agent.model.name,
            ),
            kind="malformed",
        )
    # Evaluating the prompt ends with the first token. A short answer in one piece shows no speed.
    seconds = monotonic() - first
    name, context = agent.model.name, agent.model.capabilities.context_length
    if tokens > 1 and pieces > 1 and seconds > 0:
        return _(
            "ok: {name} answers: first token after {seconds:.2f} s, then {rate:.0f} tokens/s; "
            "{context:,} tokens of context",
            name=name,
            seconds=first - began,
            rate=(tokens - 1) / seconds,
            context=context,
        )
    return _(
        "ok: {name} answers: first token after {seconds:.2f} s; {context:,} tokens of context",
        name=name,
        seconds=first - began,
        context=context,
    )

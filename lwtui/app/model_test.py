"""Finding out whether a model works: one tiny call."""

from __future__ import annotations

from contextlib import aclosing
from time import monotonic

from lwtui.app.agents import Agents
from lwtui.app.session import Session
from lwtui.errors import LwtuiError
from lwtui.models.base import Finished, Message, Prompt, ReasoningPiece, Request, TextPiece

_TOKENS = 48
_QUESTION = "Write one sentence about the sea."


async def try_model(agents: Agents, name: str, session: Session | None) -> str:
    """Open the model and let it write a sentence; one line about how that went.

    Raises :class:`lwtui.errors.LwtuiError` where it does not work, or where ``session`` is at work with another model,
    which would have to be closed.
    """
    if session is not None and session.busy and session.document.brief.model != name:
        raise LwtuiError(f"{session.document.brief.model} is at work on your document. Stop it (F6), then test {name}.")
    began = monotonic()
    agent = await agents.get(name)
    opened = monotonic()
    chat = agent.profile.form == "chat"
    prompt = Prompt(messages=(Message("user", _QUESTION),)) if chat else Prompt(text="The sea is")
    first, tokens = 0.0, 0
    async with aclosing(agent.model.stream(Request(prompt, _TOKENS))) as parts:
        async for part in parts:
            if isinstance(part, TextPiece | ReasoningPiece):
                first = first or monotonic()
            elif isinstance(part, Finished):
                tokens = part.usage.completion
    ended = monotonic()
    if not first:
        return f"{name} answered, but with no text."
    rate = tokens / max(0.001, ended - first)
    return (
        f"{name} works: opened in {opened - began:.1f} s, first word after {first - opened:.1f} s, "
        f"{rate:.0f} tokens/s, context of {agent.model.capabilities.context_length:,} tokens."
    )

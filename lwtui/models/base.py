"""The one protocol every model speaks, whatever runs it.

A client makes one attempt and says plainly how it ended: retries, continuation after a dropped stream and
length are the method's business (``lwtui.agentwrite``), so that every backend behaves alike.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from lwtui.errors import LwtuiError
from lwtui.models.usage import Usage

FinishReason = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Prompt:
    """Either a chat (``messages``) or a raw text for the model to carry on (``text``)."""

    messages: tuple[Message, ...] = ()
    text: str = ""

    @property
    def is_chat(self) -> bool:
        return bool(self.messages)

    def plain(self) -> str:
        """All of it as one string, for hashing and estimates."""
        return self.text or "\n".join(message.content for message in self.messages)


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn. ``None`` leaves a value to the backend.

    DRY (penalises going on with what was said before, by ``multiplier * base ** (length - allowed_length)``) and XTC
    (leaves out the likeliest tokens above ``threshold``, with ``probability``) are llama.cpp's. ``logit_bias``: a
    token's number, or on this machine a text that is one token, and what is added to its logit.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    dry_multiplier: float | None = None
    dry_base: float | None = None
    dry_allowed_length: int | None = None
    xtc_probability: float | None = None
    xtc_threshold: float | None = None
    logit_bias: Mapping[str, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Request:
    """One call. ``max_tokens`` bounds the answer; ``stop`` strings end it and are not part of it.

    ``grammar`` (GBNF) or ``json_schema`` constrain the answer where :class:`Capabilities` says the backend
    can; elsewhere they are ignored, so the caller still has to check what comes. ``least_words`` is the length before
    which the model shall not end its answer, where :class:`Capabilities` says so; elsewhere it is ignored.
    """

    prompt: Prompt
    max_tokens: int
    stop: tuple[str, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    seed: int | None = None
    grammar: str = ""
    json_schema: dict[str, Any] | None = None
    least_words: int = 0


@dataclass(frozen=True)
class Capabilities:
    """What a backend can do. ``context_length`` is in tokens and holds prompt and answer together."""

    context_length: int
    chat: bool = True
    completion: bool = False
    grammar: bool = False
    json_schema: bool = False
    parallel: int = 4  # sensible number of requests at once
    exact_tokens: bool = False  # count_tokens is the model's own tokenizer, not an estimate


@dataclass(frozen=True)
class TextPiece:
    """Text of the answer, as it comes. Not yet cleaned of control characters.

    ``usage`` is what the call has used up to here, where the backend can tell.
    """

    text: str
    usage: Usage | None = None


@dataclass(frozen=True)
class ReasoningPiece:
    """Text a reasoning model thinks before it answers; never part of the document."""

    text: str


@dataclass(frozen=True)
class PromptProgress:
    """Of a long prompt of ``total`` tokens, the model has read so many."""

    tokens: int
    total: int


@dataclass(frozen=True)
class Finished:
    """The last thing a stream yields."""

    reason: FinishReason
    usage: Usage = field(default_factory=Usage)


StreamPart = PromptProgress | TextPiece | ReasoningPiece | Finished


class ModelError(LwtuiError):
    """A call failed. ``retryable`` says whether the same call may succeed later.

    ``kind`` names the fault for the events: ``rate-limit``, ``server``, ``unreachable``, ``dropped``, ``stalled``,
    ``malformed``, ``auth``, ``unknown-model``, ``context``, ``budget``, ``worker``, ``refused``. ``retry_after`` is
    in seconds, as the server asked. The message never holds a key.
    """

    def __init__(self, message: str, *, kind: str, retryable: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable
        self.retry_after = retry_after


class Model(Protocol):
    """A model that is open and ready. Close it with ``await model.aclose()``."""

    name: str
    model_hash: str

    @property
    def capabilities(self) -> Capabilities: ...

    def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Yield pieces and, last, :class:`Finished`. Closing the iterator early cancels the call at once.

        Raises :class:`ModelError`; text already yielded stays valid.
        """
        ...

    async def count_tokens(self, text: str) -> int:
        """Tokens of ``text``: exact or, where ``capabilities.exact_tokens`` is false, a careful over-estimate."""
        ...

    async def aclose(self) -> None: ...

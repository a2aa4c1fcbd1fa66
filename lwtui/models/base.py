"""The one protocol that every model implements, whatever runs it.

A client makes one attempt and reports plainly how it ended. Retries, continuation after a dropped stream and length
control belong to the method (``lwtui.agentwrite``), so that every backend behaves alike.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from lwtui.config import Role
from lwtui.errors import LwtuiError
from lwtui.models.usage import Usage

FinishReason = Literal["stop", "length", "canceled"]


@dataclass(frozen=True)
class Message:
    """One message of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Prompt:
    """Either a chat (``messages``) or raw text for the model to continue (``text``)."""

    messages: tuple[Message, ...] = ()
    text: str = ""

    @property
    def is_chat(self) -> bool:
        """Whether the prompt is a chat."""
        return bool(self.messages)

    def plain(self) -> str:
        """Join the whole prompt into one string, for hashes and token estimates."""
        return self.text or "\n".join(message.content for message in self.messages)


@dataclass(frozen=True)
class Sampling:
    """Sampling options; ``None`` leaves a value to the backend.

    DRY penalizes repeating earlier text, by ``multiplier * base ** (length - allowed_length)``. XTC leaves out the
    likeliest tokens above ``threshold``, with probability ``probability``. Both are llama.cpp's. ``logit_bias`` maps a
    token to the number added to its logit. A token is given by its id or, for a GGUF, by text that is one token.
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
        """Return the options that are set."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Request:
    """One call to a model.

    Attributes:
        prompt: What the model answers or continues.
        max_tokens: Upper bound of the completion, in tokens.
        stop: Strings that end the completion and are not part of it.
        sampling: Sampling options.
        seed: Makes sampling repeatable where the backend supports it.
        grammar: A GBNF grammar for the completion. Backends without :attr:`Capabilities.grammar` ignore it, so the
            caller still has to check the answer.
        json_schema: A JSON schema for the completion. Backends without :attr:`Capabilities.json_schema` ignore it.
        min_words: Words (characters in Chinese and Japanese) before which the completion must not end. Only GGUFs on
            this machine honor it.
        repeats_prompt: Whether the completion is likely to repeat parts of the prompt, as an edited passage does. GGUFs
            on this machine write it faster then.
        penalized: The text that the sampling penalties count besides the completion; ``None``: the end of the prompt.
            Only GGUFs on this machine honor it.
        role: The task that the call belongs to; a model may have other settings for each (``[models.NAME.ROLE]``).
    """

    prompt: Prompt
    max_tokens: int
    stop: tuple[str, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    seed: int | None = None
    grammar: str = ""
    json_schema: dict[str, Any] | None = None
    min_words: int = 0
    repeats_prompt: bool = False
    penalized: str | None = None
    role: Role = Role.WRITE


@dataclass(frozen=True)
class Capabilities:
    """What a backend can do.

    Attributes:
        context_length: Tokens that prompt and completion may have together.
        chat: Takes chat prompts.
        completion: Takes raw text prompts.
        grammar: Honors :attr:`Request.grammar`.
        json_schema: Honors :attr:`Request.json_schema`.
        parallel: Sensible number of concurrent requests.
        exact_tokens: ``count_tokens`` uses the model's own tokenizer instead of an estimate.
        sampling: The options that the model's authors recommend, where the backend has defaults of its own.
        weights: Size of the model's weights in bytes, if it is on this machine; else 0.
    """

    context_length: int
    chat: bool = True
    completion: bool = False
    grammar: bool = False
    json_schema: bool = False
    parallel: int = 4
    exact_tokens: bool = False
    sampling: Sampling = Sampling()
    weights: int = 0


@dataclass(frozen=True)
class TextPiece:
    """A piece of the completion as it streams in, not yet stripped of control characters.

    ``usage`` is the token usage of the call so far, if the backend reports it.
    """

    text: str
    usage: Usage | None = None


@dataclass(frozen=True)
class UnsurePiece:
    """The model was unsure of ``text``, a piece that it has just sent.

    ``before`` is the text before it, and ``entropy`` that of the distribution it was sampled from, in nats.
    """

    before: str
    text: str
    entropy: float


@dataclass(frozen=True)
class ReasoningPiece:
    """A piece of what a reasoning model thinks before it answers; never part of the document."""

    text: str


@dataclass(frozen=True)
class PromptProgress:
    """The model has processed ``tokens`` of the ``total`` tokens of a long prompt."""

    tokens: int
    total: int


@dataclass(frozen=True)
class AnswerVoided:
    """All text of this call so far was reasoning: the model has closed a tag that it had not opened."""


@dataclass(frozen=True)
class Finished:
    """The last item of a stream."""

    reason: FinishReason
    usage: Usage = field(default_factory=Usage)


StreamPart = PromptProgress | TextPiece | UnsurePiece | ReasoningPiece | AnswerVoided | Finished


class ModelError(LwtuiError):
    """A call failed. The message never contains an API key.

    Attributes:
        kind: The fault, as events name it: ``rate-limit``, ``server``, ``unreachable``, ``dropped``, ``stalled``,
            ``malformed``, ``auth``, ``unknown-model``, ``context``, ``budget``, ``worker`` or ``refused``.
        retryable: Whether the same call may succeed later.
        retry_after: Seconds that the server asks to wait, if it says so.
        code: ``kind``, or a more exact name of the failure.
    """

    def __init__(
        self, message: str, *, kind: str, retryable: bool = False, retry_after: float | None = None, code: str = ""
    ) -> None:
        super().__init__(message, code=code or kind)
        self.kind = kind
        self.retryable = retryable
        self.retry_after = retry_after


class Model(Protocol):
    """A model that is open and ready. Close it with ``await model.aclose()``.

    Attributes:
        name: The model's name in the settings.
        model_hash: SHA-256 of the model's file; empty for an endpoint.
    """

    name: str
    model_hash: str

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do."""
        ...

    def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Make one call and yield its parts; the last one is :class:`Finished`.

        Closing the iterator early cancels the call at once.

        Raises:
            ModelError: The call failed. Text that was already yielded stays valid.
        """
        ...

    async def count_tokens(self, text: str) -> int:
        """Count the tokens of ``text``: exactly, or rather too many unless ``capabilities.exact_tokens``."""
        ...

    async def aclose(self) -> None:
        """Close the model; calls under way fail."""
        ...

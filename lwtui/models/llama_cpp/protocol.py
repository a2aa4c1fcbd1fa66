"""The messages between the app and its worker process: one JSON object per line, each a small dataclass.

The app writes to the worker's standard input and reads its standard output. Every call has an id, and every reply
carries the id of its call. Both sides belong to one installation; the version only detects a mixed one.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from lwtui.translation import _

VERSION = 7
MAX_SEQUENCES = 8  # computed at the same time


class ProtocolError(Exception):
    """A line is not a valid message; ``str`` says why."""


# Messages from the app.


@dataclass(frozen=True)
class Load:
    """Open the GGUF at ``path``.

    ``options`` are fields of :class:`lwtui.models.llama_cpp.fit.LoadOptions`. Options that are missing are chosen to
    fit into memory.
    """

    path: str
    options: dict[str, Any] = field(default_factory=dict)
    version: int = VERSION


@dataclass(frozen=True)
class Generate:
    """Continue ``text``, or answer ``messages`` (pairs of role and content) in the model's chat template.

    Nothing but ``max_tokens`` ends the completion before it has ``min_words`` words. With ``repeats_prompt``,
    tokens of the completion are guessed from the prompt. Penalties count the completion and ``penalized``; if that is
    ``None``, the end of the prompt. With ``entropy``, chunks name the pieces that the model was unsure of.
    """

    id: int
    max_tokens: int
    text: str = ""
    messages: list[list[str]] = field(default_factory=list)
    stop: list[str] = field(default_factory=list)
    sampling: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    grammar: str = ""
    min_words: int = 0
    repeats_prompt: bool = False
    penalized: str | None = None
    entropy: bool = False


@dataclass(frozen=True)
class KeepStates:
    """Save KV cache states in ``folder`` under ``key``, in at most ``max_bytes``, and use those saved earlier."""

    folder: str
    key: str
    max_bytes: int


@dataclass(frozen=True)
class Cancel:
    """End the call ``id`` at once. Its caller has seen the first ``seen_tokens`` tokens of the completion."""

    id: int
    seen_tokens: int = 0


@dataclass(frozen=True)
class CountTokens:
    """Count the tokens of ``text``."""

    id: int
    text: str


@dataclass(frozen=True)
class Embed:
    """Make the vectors of ``texts``. Only the process of an embedding model answers, to one call after the other."""

    texts: list[str]


# Messages from the worker.


@dataclass(frozen=True)
class ModelLoaded:
    """The model is ready.

    Attributes:
        context_length: Tokens that prompt and completion may have together.
        training_context: Tokens of context that the model was trained for.
        chat: Whether it has a chat template.
        description: Architecture, size and quantization in llama.cpp's words.
        sampling: The options that its authors recommend.
        weights: Size of its weights in bytes.
    """

    context_length: int
    training_context: int
    chat: bool
    description: str = ""
    sampling: dict[str, float] = field(default_factory=dict)
    weights: int = 0


@dataclass(frozen=True)
class PromptStarted:
    """The engine has begun to process the prompt.

    Attributes:
        id: The call.
        prompt_tokens: Tokens of the prompt.
        cached_tokens: Those among them that need not be computed.
        thinking: Whether the chat template has already opened the model's reasoning.
    """

    id: int
    prompt_tokens: int
    cached_tokens: int
    thinking: bool = False


@dataclass(frozen=True)
class PromptRead:
    """The engine has processed ``tokens`` tokens of a long prompt, including the cached ones."""

    id: int
    tokens: int


@dataclass(frozen=True)
class TextChunk:
    """A piece of the completion, which has ``completion_tokens`` tokens so far.

    ``unsure`` has the text before, the text and the entropy in nats of each token that the model was unsure of.
    """

    id: int
    text: str
    completion_tokens: int
    unsure: list[list[Any]] = field(default_factory=list)


@dataclass(frozen=True)
class GenerationDone:
    """The completion is over, after ``completion_tokens`` tokens."""

    id: int
    reason: str
    completion_tokens: int


@dataclass(frozen=True)
class TokenCount:
    """The reply to :class:`CountTokens`."""

    id: int
    tokens: int


@dataclass(frozen=True)
class TextVectors:
    """The reply to :class:`Embed`.

    Attributes:
        vectors: The vector of each text, in Base64 of numbers in single precision, the lowest byte first.
        tokens: How many tokens were computed.
    """

    vectors: list[str]
    tokens: int


@dataclass(frozen=True)
class CallFailed:
    """A call (or, with ``id`` 0, loading) failed; the fields are those of :class:`lwtui.models.base.ModelError`."""

    id: int
    message: str
    kind: str
    retryable: bool = False


WorkerMessage = (
    Load
    | KeepStates
    | Generate
    | Cancel
    | CountTokens
    | ModelLoaded
    | PromptStarted
    | PromptRead
    | TextChunk
    | GenerationDone
    | TokenCount
    | Embed
    | TextVectors
    | CallFailed
)
TO_WORKER = (Load, KeepStates, Generate, Cancel, CountTokens)
TO_APP = (ModelLoaded, PromptStarted, PromptRead, TextChunk, GenerationDone, TokenCount, CallFailed)
TO_EMBEDDER = (Load, Embed)
FROM_EMBEDDER = (TextVectors, CallFailed)


def encode(message: WorkerMessage) -> bytes:
    """Encode a message as one line of ASCII, which no text in it can break."""
    return json.dumps({"type": type(message).__name__, **vars(message)}).encode("ascii") + b"\n"


def decode(line: bytes, kinds: tuple[type[Any], ...]) -> Any:
    """Decode the message in ``line``, which must be one of ``kinds``.

    Raises:
        ProtocolError: It is not.
    """
    try:
        body = json.loads(line)
    except ValueError:
        raise ProtocolError(_("a line is not JSON")) from None
    kind = next((kind for kind in kinds if isinstance(body, dict) and body.get("type") == kind.__name__), None)
    if kind is None:
        raise ProtocolError(
            _("there is no message {name!r}", name=str(body.get("type") if isinstance(body, dict) else body)[:40])
        )
    del body["type"]
    known = {field.name for field in dataclasses.fields(kind)}
    try:
        if unknown := body.keys() - known:
            raise TypeError(f"unknown field {min(unknown)!r}")
        return kind(**body)
    except TypeError as error:
        raise ProtocolError(f"{kind.__name__}: {error}") from None

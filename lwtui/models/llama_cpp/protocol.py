"""What the app and its model process say to each other: one JSON object a line, each a small dataclass.

The app writes to the process's standard input and reads its standard output. Every call has a number, and each answer
carries the number of its call. Both ends are of one installation; the version only catches a mixed one.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

VERSION = 2
MOST_ANSWERS = 8  # that are computed at once


class ProtocolError(Exception):
    """A line that is not a message; the text says why."""


# From the app.


@dataclass(frozen=True)
class Load:
    """Open the GGUF at ``path``.

    ``wishes`` are the model settings that :class:`lwtui.models.llama_cpp.fit.LoadOptions` has; what they leave open is
    chosen by what fits.
    """

    path: str
    wishes: dict[str, Any] = field(default_factory=dict)
    version: int = VERSION


@dataclass(frozen=True)
class Generate:
    """Write on from ``text``, or answer ``messages`` (pairs of role and content) in the model's chat template."""

    id: int
    max_tokens: int
    text: str = ""
    messages: list[list[str]] = field(default_factory=list)
    stop: list[str] = field(default_factory=list)
    sampling: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    grammar: str = ""
    least: int = 0  # words; before, nothing ends the answer but ``max_tokens``


@dataclass(frozen=True)
class Keep:
    """Save states of the memory in ``folder``, under ``key``, in ``most_bytes`` at most; use those that are there."""

    folder: str
    key: str
    most_bytes: int


@dataclass(frozen=True)
class Cancel:
    """End the call ``id`` at once; its reader saw it up to the token number ``seen``."""

    id: int
    seen: int = 0


@dataclass(frozen=True)
class Count:
    """How many tokens are in ``text``?"""

    id: int
    text: str


# From the process.


@dataclass(frozen=True)
class Loaded:
    """The model is ready. ``context_length`` and ``trained_length`` are in tokens."""

    context_length: int
    trained_length: int
    chat: bool
    description: str = ""


@dataclass(frozen=True)
class Begun:
    """The prompt, of so many tokens, is being read, but for the ``cached`` ones.

    ``thinking``: the template has already opened the model's reasoning.
    """

    id: int
    prompt: int
    cached: int
    thinking: bool = False


@dataclass(frozen=True)
class Read:
    """Of a long prompt, so many tokens have been read, the cached ones included."""

    id: int
    tokens: int


@dataclass(frozen=True)
class Text:
    """A piece of the answer; ``token`` counts the answer's tokens up to here."""

    id: int
    text: str
    token: int


@dataclass(frozen=True)
class Done:
    """The answer is complete, in ``completion`` tokens."""

    id: int
    reason: str
    completion: int


@dataclass(frozen=True)
class Counted:
    id: int
    tokens: int


@dataclass(frozen=True)
class Failed:
    """A call (or, with ``id`` 0, loading) failed; the fields are those of ``ModelError``."""

    id: int
    message: str
    kind: str
    retryable: bool = False


Message = Load | Keep | Generate | Cancel | Count | Loaded | Begun | Read | Text | Done | Counted | Failed
TO_WORKER = (Load, Keep, Generate, Cancel, Count)
TO_APP = (Loaded, Begun, Read, Text, Done, Counted, Failed)


def encode(message: Message) -> bytes:
    """The line for ``message``: ASCII, so that no text can break it."""
    return json.dumps({"type": type(message).__name__, **vars(message)}).encode("ascii") + b"\n"


def decode(line: bytes, kinds: tuple[type[Any], ...]) -> Any:
    """The message in ``line``, which must be one of ``kinds``. Raises :class:`ProtocolError`."""
    try:
        body = json.loads(line)
    except ValueError:
        raise ProtocolError("a line is not JSON") from None
    kind = next((kind for kind in kinds if isinstance(body, dict) and body.get("type") == kind.__name__), None)
    if kind is None:
        raise ProtocolError(f"there is no message {str(body.get('type') if isinstance(body, dict) else body)[:40]!r}")
    del body["type"]
    known = {item.name for item in dataclasses.fields(kind)}
    try:
        if unknown := body.keys() - known:
            raise TypeError(f"unknown field {min(unknown)!r}")
        return kind(**body)
    except TypeError as error:
        raise ProtocolError(f"{kind.__name__}: {error}") from None

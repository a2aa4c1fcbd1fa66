"""A model at an OpenAI-compatible endpoint, together with the fault server behind it, and helpers to call it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from lwtui.config import ModelSettings
from lwtui.models.base import Message, ModelError, Prompt, ReasoningPiece, Request, StreamPart, TextPiece
from lwtui.models.openai_api import OpenAIModel
from tests.support.fault_server import Answer, FaultServer

KEY = "tok-0123456789abcdefVERYSECRET"
CHAT = Request(Prompt(messages=(Message("system", "You write."), Message("user", "Begin."))), max_tokens=50)
RAW = Request(Prompt(text="Once upon"), max_tokens=50)
PIECES = ["One ", "two ", "three ", "four ", "five."]


def settings_for(server: FaultServer, **changes: Any) -> ModelSettings:
    base = ModelSettings("writer", model="m-1", base_url=server.base_url, connect_seconds=2.0, stall_seconds=2.0)
    return replace(base, **changes)


async def collect(model: OpenAIModel, request: Request = CHAT) -> list[StreamPart]:
    """Make a call and return all its parts."""
    return [part async for part in model.stream(request)]


async def failure_of(model: OpenAIModel, request: Request = CHAT) -> tuple[str, ModelError]:
    """Make a call that fails, and return the text before the failure and the error, which must not contain the key."""
    text = ""
    with pytest.raises(ModelError) as caught:
        async for part in model.stream(request):
            text += part.text if isinstance(part, TextPiece) else ""
    error = caught.value
    for shown in (str(error), repr(error), repr(model), repr(error.__cause__), repr(error.__context__)):
        assert KEY not in shown
    assert "\n" not in str(error)
    assert len(str(error)) < 700
    return text, error


def text_of(parts: Sequence[StreamPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextPiece))


def reasoning_of(parts: Sequence[StreamPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, ReasoningPiece))


class ServedModel:
    """A server together with a model that talks to it. ``async with`` yields the model."""

    def __init__(self, server: FaultServer, key: str = KEY, **changes: Any) -> None:
        self.server = server
        self._key, self._changes = key, changes

    async def __aenter__(self) -> OpenAIModel:
        await self.server.__aenter__()
        self.model = OpenAIModel(settings_for(self.server, **self._changes), self._key)
        return self.model

    async def __aexit__(self, *_: object) -> None:
        await self.model.aclose()
        await self.server.__aexit__()


def always(*pieces: str, **kinds: Any) -> Callable[[Any], Answer]:
    """Make a script that gives the same :class:`Answer` to each request; ``kinds`` are its other fields."""
    return lambda _: Answer(pieces or PIECES, **kinds)

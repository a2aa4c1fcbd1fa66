"""Servers of this machine in their own words: what they are, and the context length that they really have."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from lwtui.config import ModelSettings
from lwtui.models.base import Finished, Message, ModelError, Prompt, Request
from lwtui.models.catalog import open_model
from lwtui.models.ollama_api import OllamaModel
from lwtui.models.openai_api import OpenAIModel
from lwtui.models.server_info import server_root
from tests.support.fault_server import Answer, FaultServer, RecordedRequest, send_response
from tests.support.ollama import Ollama
from tests.support.served import CHAT, RAW, collect, reasoning_of, text_of


class Pages(FaultServer):
    """A server with pages of its own."""

    def __init__(self, pages: dict[str, Any], **more: Any) -> None:
        super().__init__(**more)
        self._pages = pages

    async def _serve(self, request: RecordedRequest, writer: asyncio.StreamWriter) -> None:
        if request.path in self._pages:
            await send_response(writer, 200, json.dumps(self._pages[request.path]).encode())
        else:
            await super()._serve(request, writer)


def settings(server: FaultServer, **changes: Any) -> ModelSettings:
    return replace(ModelSettings("q", model="qwen3:8b", base_url=server.base_url, stall_seconds=5.0), **changes)


def prompt(words: int, max_tokens: int = 500) -> Request:
    return Request(Prompt(messages=(Message("user", "word " * words),)), max_tokens)


async def test_ollama_is_asked_for_the_context_that_a_request_needs() -> None:
    async with Ollama() as server:
        model = await open_model(settings(server))
        assert isinstance(model, OllamaModel) and model.capabilities.context_length == 32_768
        for words in (10, 3000, 10, 9000, 300_000):
            await collect(model, prompt(words))
        await model.aclose()
    assert [call.json["options"]["num_ctx"] for call in server.calls] == [4096, 8192, 8192, 16_384, 32_768]
    assert {call.path for call in server.calls} == {"/api/chat"}


@pytest.mark.parametrize("address", ["", "/v1", "/v1/", "/api/chat"])
async def test_ollama_is_recognized_at_any_of_its_addresses(address: str) -> None:
    async with Ollama() as server:
        model = await open_model(settings(server, base_url=f"http://127.0.0.1:{server.port}{address}"))
        assert text_of(await collect(model, CHAT)) == "Once upon a time."
        await model.aclose()


async def test_the_context_in_the_settings_is_used_from_the_first_call_on() -> None:
    async with Ollama() as server:
        model = await open_model(settings(server, context_length=12_000))
        await collect(model, prompt(10))
        await model.aclose()
    assert model.capabilities.context_length == server.calls[0].json["options"]["num_ctx"] == 12_000


async def test_a_model_that_ollama_has_loaded_is_not_loaded_anew_with_less() -> None:
    async with Ollama() as server:
        server.loaded = 16_384
        model = await open_model(settings(server))
        await collect(model, prompt(10))
        await model.aclose()
    assert server.calls[0].json["options"]["num_ctx"] == 16_384


async def test_ollamas_answers_are_read() -> None:
    usage = {"prompt_tokens": 120, "completion_tokens": 9}
    answer = Answer(["Once ", "more."], reasoning=["Hm. ", "So."], finish="length", usage=usage)
    async with Ollama(lambda _: answer) as server:
        model = await open_model(settings(server))
        parts = await collect(model, replace(CHAT, seed=7, stop=("a", "b", "c", "d", "e")))
        raw = await collect(model, RAW)
        await model.aclose()
    assert (text_of(parts), reasoning_of(parts), text_of(raw)) == ("Once more.", "Hm. So.", "Once more.")
    assert isinstance(parts[-1], Finished) and parts[-1].reason == "length"
    assert (parts[-1].usage.prompt, parts[-1].usage.completion) == (120, 9)
    chat, completion = server.calls
    assert chat.json["options"] | {"seed": 7, "num_predict": 50} == chat.json["options"]
    assert chat.json["options"]["stop"] == ["a", "b", "c", "d", "e"] and "think" not in chat.json
    assert (completion.path, completion.json["raw"]) == ("/api/generate", True)


@pytest.mark.parametrize(
    ("changes", "think"),
    [
        ({"reasoning_effort": "none"}, False),
        ({"reasoning_tokens": 0}, False),
        ({"reasoning_effort": "high"}, True),
        ({}, None),
    ],
)
async def test_ollama_is_told_whether_to_think(changes: dict[str, Any], think: bool | None) -> None:
    async with Ollama() as server:
        model = await open_model(settings(server, **changes))
        await collect(model)
        await model.aclose()
    assert server.calls[0].json.get("think") is think


async def test_a_model_that_cannot_think_is_not_told_to() -> None:
    async with Ollama(thinks=False) as server:
        model = await open_model(settings(server, reasoning_effort="high"))
        assert isinstance(model, OllamaModel)
        model._thinks = None  # as with versions that do not tell
        await collect(model)
        await collect(model)
        await model.aclose()
    assert ["think" in call.json for call in server.calls] == [True, False, False]


async def test_a_model_that_ollama_does_not_have_is_unknown() -> None:
    async with Ollama() as server:
        model = await open_model(settings(server, model="other:1b"))
        with pytest.raises(ModelError) as caught:
            await collect(model)
        await model.aclose()
    assert caught.value.kind == "unknown-model" and "qwen3:8b" in str(caught.value)


STUDIO = {"id": "qwen3:8b", "max_context_length": 32_768, "state": "loaded", "loaded_context_length": 8192}
MODELS = [{"id": "qwen3:8b", "object": "model", "owned_by": "llamacpp", "meta": {"n_ctx_train": 40_960}}]


@pytest.mark.parametrize(
    ("pages", "context", "parallel"),
    [
        ({"/api/v0/models": {"data": [STUDIO, {"id": "b"}]}}, 8192, 4),
        ({"/api/v0/models": {"data": [{"id": "qwen3:8b", "max_context_length": 32_768}]}}, 4096, 4),
        ({"/props": {"default_generation_settings": {"n_ctx": 6000}, "total_slots": 2}}, 6000, 2),
        # KoboldCpp and others imitate Ollama's pages, but not its options.
        ({"/api/version": {"version": "0.7.0"}, "/props": {"default_generation_settings": {"n_ctx": 6000}}}, 6000, 4),
        ({"/props": ["nothing"], "/api/v0/models": {"data": "x"}, "/api/version": {"version": 1}}, 40_960, 4),
        ({}, 40_960, 4),
    ],
)
async def test_the_loaded_context_is_read(pages: dict[str, Any], context: int, parallel: int) -> None:
    async with Pages(pages, models=MODELS) as server:
        model = await open_model(settings(server))
        await model.aclose()
    assert type(model) is OpenAIModel
    assert (model.capabilities.context_length, model.capabilities.parallel) == (context, parallel)


@pytest.mark.parametrize("address", ["http://h:1", "http://h:1/v1", "http://h:1/v1/", "http://h:1/api/v1"])
def test_the_root_of_a_server_is_found(address: str) -> None:
    assert server_root(address) == "http://h:1"

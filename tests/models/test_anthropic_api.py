"""Anthropic's Messages API through its SDK, against a server that speaks its event stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from lwtui.config import ModelSettings, Role
from lwtui.models.anthropic_api import AnthropicModel
from lwtui.models.base import Finished, Message, ModelError, Prompt, Request, Sampling
from lwtui.models.catalog import open_model
from lwtui.models.prompt_cache import stable_blocks
from tests.support.anthropic_server import AnthropicServer, api_error
from tests.support.fault_server import Answer
from tests.support.served import CHAT, KEY, RAW, collect, failure_of, reasoning_of, text_of

OVERLOADED = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'


@asynccontextmanager
async def served(server: AnthropicServer, **changes: Any) -> AsyncIterator[AnthropicModel]:
    settings = ModelSettings("claude", provider="anthropic", model="claude-x", stall_seconds=5.0)
    async with server:
        model = AnthropicModel(replace(settings, base_url=server.base_url, **changes), KEY)
        yield model
        await model.aclose()


async def test_text_and_thinking_are_streamed_and_counted() -> None:
    usage = {"input_tokens": 5, "cache_read_input_tokens": 900, "cache_creation_input_tokens": 95, "output_tokens": 40}
    answer = Answer(["One ", "two."], reasoning=["Hm. ", "So."], finish="end_turn", usage=usage)
    server = AnthropicServer(lambda _: answer)
    async with served(server) as model:
        parts = await collect(model)
    assert (text_of(parts), reasoning_of(parts)) == ("One two.", "Hm. So.")
    finished = parts[-1]
    assert isinstance(finished, Finished) and finished.reason == "stop"
    assert (finished.usage.prompt, finished.usage.cached, finished.usage.completion) == (1000, 900, 40)
    call = server.calls[0]
    assert call.path == "/v1/messages" and call.headers["x-api-key"] == KEY and "authorization" not in call.headers
    assert call.headers["anthropic-version"] == "2023-06-01"
    assert call.json["system"] == [{"type": "text", "text": "You write."}] and call.json["stream"] is True
    assert call.json["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Begin."}]}]


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
    ],
)
async def test_the_reasons_for_the_end_are_understood(finish: str, reason: str) -> None:
    async with served(AnthropicServer(lambda _: Answer(["One."], finish=finish))) as model:
        finished = (await collect(model))[-1]
    assert isinstance(finished, Finished) and finished.reason == reason


async def test_a_refusal_is_an_error() -> None:
    async with served(AnthropicServer(lambda _: Answer(["No"], finish="refusal"))) as model:
        text, error = await failure_of(model)
    assert (text, error.code, error.retryable) == ("No", "content-filter", False)


@pytest.mark.parametrize(
    ("status", "kind", "message", "wanted"),
    [
        (401, "authentication_error", f"invalid x-api-key {KEY}", ("auth", "wrong-key", False)),
        (403, "permission_error", "not allowed", ("auth", "forbidden", False)),
        (402, "billing_error", "no credit", ("budget", "budget", False)),
        (404, "not_found_error", "model: claude-y", ("refused", "no-such-path", False)),
        (400, "invalid_request_error", "prompt is too long: 210000 tokens", ("context", "context", False)),
        (
            400,
            "invalid_request_error",
            "messages: text blocks must be non-empty",
            ("refused", "refused", False),
        ),
        (413, "request_too_large", "too large", ("context", "context", False)),
        (429, "rate_limit_error", "slow down", ("rate-limit", "rate-limit", True)),
        (500, "api_error", "Internal server error", ("server", "server", True)),
        (529, "overloaded_error", "Overloaded", ("server", "server", True)),
    ],
)
async def test_errors_have_the_kinds_of_other_endpoints(
    status: int, kind: str, message: str, wanted: tuple[str, str, bool]
) -> None:
    async with served(AnthropicServer(errors=[(status, api_error(kind, message))])) as model:
        _, error = await failure_of(model)
    assert (error.kind, error.code, error.retryable) == wanted
    if error.retryable:
        assert error.retry_after == 7.0


async def test_an_unknown_model_is_told_with_those_that_there_are() -> None:
    errors = [(404, api_error("not_found_error", "model: claude-y"))]
    async with served(AnthropicServer(errors=errors), model="claude-y") as model:
        _, error = await failure_of(model)
    assert error.kind == "unknown-model" and "claude-x" in str(error)


@pytest.mark.parametrize(
    ("breaks", "kind", "retryable"),
    [
        (
            b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
            "server",
            True,
        ),
        (b"", "dropped", True),
        (b"event: content_block_delta\ndata: {half\n\n", "malformed", True),
    ],
)
async def test_a_stream_that_breaks_keeps_its_text(breaks: bytes, kind: str, retryable: bool) -> None:
    async with served(AnthropicServer(breaks=breaks)) as model:
        text, error = await failure_of(model)
    assert (text, error.kind, error.retryable) == ("Once upon a time.", kind, retryable)


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({}, {}),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ({"reasoning_tokens": 0}, {"thinking": {"type": "disabled"}}),
        ({"reasoning_tokens": 3000}, {"thinking": {"type": "enabled", "budget_tokens": 3000}}),
        ({"reasoning_tokens": 100}, {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ({"reasoning_effort": "high"}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        ({"reasoning_effort": "minimal"}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
    ],
)
async def test_thinking_follows_the_settings(changes: dict[str, Any], sent: dict[str, Any]) -> None:
    server = AnthropicServer()
    request = replace(CHAT, sampling=Sampling(temperature=1.3, top_p=0.9, min_p=0.1), stop=("\n\n", "END"))
    async with served(server, **changes) as model:
        await collect(model, request)
    body = server.calls[0].json
    assert {name: body[name] for name in ("thinking", "output_config") if name in body} == sent
    budget = sent.get("thinking", {}).get("budget_tokens", 0)
    assert body["max_tokens"] > budget and body["stop_sequences"] == ["END"] and "min_p" not in body
    thinks = sent.get("thinking", {}).get("type") in ("enabled", "adaptive")
    assert body.get("temperature") == (None if thinks else 1.0)


@pytest.mark.parametrize(
    ("changes", "message", "left_out", "thinking"),
    [
        ({"reasoning_effort": "high"}, "output_config: Extra inputs are not permitted", "output_config", "adaptive"),
        ({"reasoning_effort": "high"}, "adaptive thinking is not supported on this model", "output_config", "enabled"),
        ({"reasoning_tokens": 2000}, "thinking: this model does not support thinking", "thinking", None),
        ({}, "`temperature` may not be set for this model", "temperature", None),
    ],
)
async def test_what_a_model_does_not_take_is_left_out(
    changes: dict[str, Any], message: str, left_out: str, thinking: str | None
) -> None:
    server = AnthropicServer(errors=[(400, api_error("invalid_request_error", message))])
    async with served(server, **changes) as model:
        for _ in range(2):
            await collect(model, replace(CHAT, sampling=Sampling(temperature=0.5)))
    first, second, third = (call.json for call in server.calls)
    assert left_out in first and left_out not in second and set(second) == set(third)
    assert second.get("thinking", {}).get("type") == thinking


async def test_a_bound_of_the_tokens_is_taken_over() -> None:
    message = "max_tokens: 50 > 40, which is the maximum allowed number of output tokens for claude-x"
    server = AnthropicServer(errors=[(400, api_error("invalid_request_error", message))])
    async with served(server) as model:
        await collect(model)
    assert [call.json["max_tokens"] for call in server.calls] == [50, 40]


async def test_the_part_of_a_prompt_that_the_next_one_shares_is_cached() -> None:
    server = AnthropicServer()
    text = "\n\n".join(f"Paragraph {number} of the text so far. " + "word " * 100 for number in range(60))
    async with served(server) as model:
        for written in (text[:15_000], text[:24_000]):
            prompt = Prompt(messages=(Message("user", f"{written}\n\nNow write on."),))
            await collect(model, Request(prompt, 50))
    first, second = (call.json["messages"][0]["content"] for call in server.calls)
    marked = [block for block in first if "cache_control" in block]
    assert len(marked) == 1 and first[-1]["text"].endswith("Now write on.") and marked == [first[-2]]
    assert [block["text"] for block in second[: len(first) - 1]] == [block["text"] for block in first[:-1]]
    assert "".join(stable_blocks(text)) == text


async def test_each_role_has_its_own_settings() -> None:
    server = AnthropicServer()
    roles = {"plan": {"reasoning_effort": "high", "extra_headers": {"anthropic-beta": "a"}, "extra_body": {"x": 1}}}
    async with served(server, roles=roles) as model:
        await collect(model, replace(CHAT, role=Role.PLAN))
        await collect(model, RAW)
    plan, write = server.calls
    assert (plan.headers["anthropic-beta"], plan.json["x"], plan.json["thinking"]["type"]) == ("a", 1, "adaptive")
    assert "anthropic-beta" not in write.headers and not {"x", "thinking"} & set(write.json)


async def test_canceling_ends_the_call() -> None:
    async with served(AnthropicServer()) as model:
        stream = model.stream(CHAT)
        assert await anext(stream)
        await stream.aclose()
        assert text_of(await collect(model)) == "Once upon a time."


async def test_the_provider_opens_the_api_and_has_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    model = await open_model(ModelSettings("claude", provider="anthropic"))
    assert isinstance(model, AnthropicModel) and model.capabilities.context_length == 200_000
    await model.aclose()


async def test_without_the_package_one_line_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "anthropic", None)
    with pytest.raises(ModelError, match=r"lwtui\[anthropic\]"):
        await open_model(ModelSettings("claude", provider="anthropic"))

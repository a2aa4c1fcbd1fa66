"""Reasoning, more parameters and more headers on their way to an endpoint."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lwtui.config import ModelSettings, Role
from lwtui.models.base import Finished, ModelError
from lwtui.models.openai_api import OpenAIModel
from lwtui.models.reasoning_settings import (
    likely_reasoning,
    lower_reasoning,
    reasoning_parameters,
    reasoning_summary,
)
from tests.support.fault_server import Answer, Fault, FaultServer
from tests.support.served import CHAT, RAW, ServedModel, collect, failure_of, settings_for

OFF = {"chat_template_kwargs": {"enable_thinking": False}}


@pytest.mark.parametrize(
    ("host", "settings", "parameters"),
    [
        ("https://api.openai.com/v1", {}, {}),
        ("https://api.openai.com/v1", {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        (
            "https://api.openai.com/v1",
            {"reasoning_tokens": 4000, "reasoning_effort": "low"},
            {"reasoning_effort": "low"},
        ),
        ("https://api.openai.com/v1", {"reasoning_tokens": 0}, {"reasoning_effort": "none"}),
        ("https://openrouter.ai/api/v1", {"reasoning_effort": "high"}, {"reasoning": {"effort": "high"}}),
        ("https://openrouter.ai/api/v1", {"reasoning_tokens": 2000}, {"reasoning": {"max_tokens": 2000}}),
        ("https://openrouter.ai/api/v1", {"reasoning_effort": "none"}, {"reasoning": {"enabled": False}}),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            {"reasoning_tokens": 0},
            {"extra_body": {"google": {"thinking_config": {"thinking_budget": 0}}}},
        ),
        ("https://api.example.org/v1", {"reasoning_tokens": 2000}, {"thinking_budget": 2000}),
        ("http://127.0.0.1:8000/v1", {"reasoning_effort": "none"}, {"reasoning_effort": "none", **OFF}),
    ],
)
def test_each_service_is_told_in_its_own_parameters(host: str, settings: dict, parameters: dict) -> None:
    assert reasoning_parameters(ModelSettings("m", base_url=host, **settings)) == parameters


async def test_each_role_has_its_own_parameters_and_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "top-secret-4711")
    roles = {"plan": {"reasoning_effort": "high", "extra_headers": {"X-Role": "plan"}, "extra_body": {"a": {"c": 2}}}}
    changes = {
        "reasoning_effort": "low",
        "extra_body": {"a": {"b": 1}, "top_k": 3},
        "extra_headers": {"X-Role": "any", "Authorization": "Token $MY_KEY"},
        "roles": roles,
    }
    server = FaultServer()
    async with ServedModel(server, **changes) as model:
        for role in Role:
            await collect(model, replace(CHAT, role=role))
        await collect(model, RAW)
    plan, write, critic, judge, raw = server.calls
    assert [call.json["reasoning_effort"] for call in (plan, write, critic, judge)] == ["high", "low", "low", "low"]
    assert [call.headers["x-role"] for call in server.calls] == ["plan", *["any"] * 4]
    assert [call.json["a"] for call in server.calls] == [{"b": 1, "c": 2}, *[{"b": 1}] * 4]
    assert {call.headers["authorization"] for call in server.calls} == {"Token top-secret-4711"}
    assert {call.json["top_k"] for call in server.calls} == {3} and "reasoning_effort" not in raw.json


@pytest.mark.parametrize(
    ("message", "left_out"),
    [
        ("Unsupported parameter: 'reasoning_effort' is not supported with this model.", {"reasoning_effort"}),
        ("Unrecognized request argument supplied: reasoningEffort", {"reasoning_effort"}),
        ("thinking_budget: Extra inputs are not permitted", {"thinking_budget"}),
        ("This model does not support thinking.", {"chat_template_kwargs"}),
        ("Reasoning is not supported here", {"chat_template_kwargs"}),
    ],
)
async def test_a_refused_parameter_of_reasoning_is_left_out_and_remembered(message: str, left_out: set[str]) -> None:
    server = FaultServer(faults=[Fault.http(400, message=message)])
    async with ServedModel(server, reasoning_effort="none", reasoning_tokens=0) as model:
        await collect(model)
        await collect(model)
    first, second, third = (set(call.json) for call in server.calls)
    assert first - second == left_out and third == second


async def test_parameters_of_the_user_are_never_left_out() -> None:
    server = FaultServer(faults=[Fault.http(400, message="Unsupported parameter: top_k"), None])
    async with ServedModel(server, extra_body={"top_k": 3}) as model:
        _, error = await failure_of(model)
    assert (error.kind, len(server.calls)) == ("refused", 1)


async def test_no_secret_of_a_header_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "top-secret-4711")
    server = FaultServer(
        faults=[Fault.http(400, message="bad header top-secret-4711"), Fault.redirect("http://x.org/")]
    )
    async with ServedModel(server, extra_headers={"X-Auth": "$MY_KEY"}) as model:
        for _ in range(2):
            _, error = await failure_of(model)
            assert "4711" not in str(error)


def test_a_header_without_its_variable_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(ModelError, match="MY_KEY") as caught:
        OpenAIModel(ModelSettings("m", extra_headers={"X-Auth": "$MY_KEY"}), "")
    assert (caught.value.kind, caught.value.code) == ("refused", "no-variable")


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 50, "total_tokens": 60}, (10, 50, 0)),
        ({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 90}, (10, 80, 0)),  # xAI, Gemini
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 4}, (10, 5, 4)),  # DeepSeek
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 8}}, (10, 5, 8)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "cache_read_input_tokens": 80}, (10, 5, 10)),
    ],
)
async def test_tokens_of_reasoning_and_of_the_cache_are_counted(usage: dict, counted: tuple[int, int, int]) -> None:
    async with ServedModel(FaultServer(lambda _: Answer(["Hi."], usage=usage))) as model:
        finished = (await collect(model))[-1]
    assert isinstance(finished, Finished)
    assert (finished.usage.prompt, finished.usage.completion, finished.usage.cached) == counted


def test_likely_reasoning_is_part_of_a_forecast() -> None:
    model = ModelSettings("m", reasoning_effort="none", roles={"plan": {"reasoning_effort": "high"}})
    assert likely_reasoning(model) == 0 < likely_reasoning(model, Role.PLAN)
    assert likely_reasoning(ModelSettings("m", reasoning_tokens=1000)) == 500
    assert likely_reasoning(ModelSettings("m")) == 0


def test_reasoning_is_shown_in_a_few_words() -> None:
    model = ModelSettings(
        "m", reasoning_effort="low", reasoning_tokens=4000, roles={"plan": {"reasoning_effort": "high"}}
    )
    assert reasoning_summary(model) == "reasoning low and at most 4,000 tokens, plan: high and at most 4,000 tokens"
    assert reasoning_summary(ModelSettings("m")) == ""


def test_the_command_for_less_reasoning_names_the_setting() -> None:
    model = ModelSettings("gpt", reasoning_effort="low", roles={"plan": {"reasoning_effort": "high"}})
    assert lower_reasoning(model) == "lwtui config set models.gpt.reasoning_effort none"
    assert lower_reasoning(model, Role.PLAN) == "lwtui config set models.gpt.plan.reasoning_effort low"
    assert lower_reasoning(ModelSettings("g", provider="llama_cpp")) == ""


async def test_settings_for_an_endpoint_keep_their_default_requests() -> None:
    server = FaultServer()
    async with ServedModel(server) as model:
        await collect(model)
    assert set(server.calls[0].json) == {"model", "stream", "messages", "max_tokens", "stream_options"}
    assert settings_for(server).extra_body == {}

"""The OpenAI-compatible client against a real server on the loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from lwtui.config import ModelSettings
from lwtui.models.base import (
    Finished,
    ModelError,
    Prompt,
    ReasoningPiece,
    Sampling,
    TextPiece,
)
from lwtui.models.openai_api import OpenAIModel, list_models
from lwtui.models.usage import Usage
from tests.errors import has_code
from tests.support.fault_server import Answer, Fault, FaultServer
from tests.support.served import (
    CHAT,
    KEY,
    PIECES,
    RAW,
    ServedModel,
    always,
    collect,
    failure_of,
    reasoning_of,
    settings_for,
    text_of,
)

# ---- answers ----------------------------------------------------------------------------------------------------


async def test_chat_streams_pieces_then_finishes_with_usage() -> None:
    usage = {"prompt_tokens": 40, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 32}}
    server = FaultServer(always(usage=usage))
    async with ServedModel(server) as model:
        parts = await collect(model)
    assert parts == [*map(TextPiece, PIECES), Finished("stop", Usage(40, 9, 32))]
    sent = server.calls[0]
    assert sent.path == "/v1/chat/completions"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.json == {
        "model": "m-1",
        "messages": [{"role": "system", "content": "You write."}, {"role": "user", "content": "Begin."}],
        "max_tokens": 50,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_raw_text_goes_to_completions_with_all_parameters() -> None:
    sampling = Sampling(temperature=0.5, top_p=0.9, top_k=64, min_p=0.05, repeat_penalty=1.1, frequency_penalty=0.2)
    server = FaultServer(always(finish="length"))
    async with ServedModel(server, constrain="grammar") as model:
        request = replace(RAW, stop=("1", "2", "3", "4", "5"), seed=7, sampling=sampling, grammar="root ::= x")
        parts = await collect(model, request)
    assert text_of(parts) == "".join(PIECES)
    assert isinstance(parts[-1], Finished) and parts[-1].reason == "length"
    sent = server.calls[0]
    assert sent.path == "/v1/completions"
    assert sent.json == sampling.to_dict() | {
        "model": "m-1",
        "prompt": "Once upon",
        "max_tokens": 50,
        "stop": ["1", "2", "3", "4", "5"],
        "seed": 7,
        "grammar": "root ::= x",
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize("constrain", ["", "grammar", "json_schema"])
async def test_constraints_are_sent_only_if_the_settings_say_so(constrain: str) -> None:
    server = FaultServer(always())
    async with ServedModel(server, constrain=constrain) as model:
        can = model.capabilities
        await collect(model, replace(CHAT, grammar="root ::= x", json_schema={"type": "object"}, stop=tuple("abcdef")))
    sent = server.calls[0].json
    assert ("grammar" in sent) == can.grammar == (constrain == "grammar")
    assert ("response_format" in sent) == can.json_schema == (constrain == "json_schema")
    assert sent["stop"] == ["a", "b", "c", "d"]
    if can.json_schema:
        assert sent["response_format"]["json_schema"]["schema"] == {"type": "object"}


async def test_a_lone_surrogate_in_the_prompt_does_not_stop_the_call() -> None:
    async with ServedModel(FaultServer(always())) as model:
        assert text_of(await collect(model, replace(RAW, prompt=Prompt(text="a\ud800b")))) == "".join(PIECES)


async def test_missing_usage_is_estimated() -> None:
    async with ServedModel(FaultServer(always("word " * 70, usage=None))) as model:
        finished = (await collect(model))[-1]
    assert isinstance(finished, Finished)
    assert finished.usage == Usage(await model.count_tokens(CHAT.prompt.plain()), 100, 0)


async def test_an_unstreamed_answer_is_accepted() -> None:
    body = {"choices": [{"message": {"content": "All at once."}, "finish_reason": "stop"}]}
    async with ServedModel(FaultServer(faults=[Fault.http(200, body=body)])) as model:
        assert text_of(await collect(model)) == "All at once."


async def test_content_in_parts_is_split_into_text_and_thinking() -> None:
    content = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Yes."}]
    body = {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}
    async with ServedModel(FaultServer(faults=[Fault.http(200, body=body)])) as model:
        parts = await collect(model)
    assert parts[:2] == [ReasoningPiece("Hm."), TextPiece("Yes.")]


# ---- reasoning --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_reasoning_may_have_its_own_field(name: str) -> None:
    async with ServedModel(FaultServer(always("Text.", reasoning=["Let me ", "see."], reasoning_field=name))) as model:
        parts = await collect(model)
    assert reasoning_of(parts) == "Let me see."
    assert text_of(parts) == "Text."


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100])
async def test_think_tags_may_be_split_anywhere(size: int) -> None:
    whole = "\n<think>\nA </b> or < b?</think>\n\nThe <think> text</think>."
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    async with ServedModel(FaultServer(always(*pieces))) as model:
        parts = await collect(model)
    assert reasoning_of(parts) == "\nA </b> or < b?"
    assert text_of(parts) == "The <think> text</think>."


@pytest.mark.parametrize("pieces", [["<thi"], ["<", "thinker> goes on"], ["  ", "plain"], ["a <think>b</think>"]])
async def test_text_that_only_resembles_think_tags_stays_text(pieces: list[str]) -> None:
    async with ServedModel(FaultServer(always(*pieces))) as model:
        parts = await collect(model)
    assert text_of(parts) == "".join(pieces)
    assert reasoning_of(parts) == ""


async def test_unclosed_thinking_is_all_reasoning() -> None:
    async with ServedModel(FaultServer(always("<think>a", "b</thi", finish="length"))) as model:
        parts = await collect(model)
    assert reasoning_of(parts) == "ab</thi"
    assert text_of(parts) == ""


async def test_reasoning_that_uses_up_all_tokens_finishes_with_length() -> None:
    async with ServedModel(FaultServer(faults=[Fault.no_text()])) as model:
        parts = await collect(model)
    assert text_of(parts) == ""
    assert reasoning_of(parts) == "Hmm. Let me think."
    assert parts[-1] == Finished("length", Usage(11, 7))


# ---- refused parameters -----------------------------------------------------------------------------------------


FULL = replace(
    CHAT,
    stop=("x",),
    seed=3,
    grammar="root ::= x",
    sampling=Sampling(temperature=0.5, top_p=0.9, top_k=64, min_p=0.05, repeat_penalty=1.1, frequency_penalty=0.2),
)


@pytest.mark.parametrize(
    "name",
    ["temperature", "seed", "stop", "top_p", "top_k", "min_p", "repeat_penalty", "grammar", "stream_options"],
)
@pytest.mark.parametrize(
    "refusal",
    [
        lambda name: Fault.refuses(name),
        lambda name: Fault.http(400, message=f"Unrecognized request argument supplied: {name}"),
        lambda name: Fault.http(400, message="Unsupported value", param=name),
        lambda name: Fault.http(500, message=f"1 validation error: {{'loc': ('body', '{name}')}}"),
        lambda name: Fault.http(422, body={"detail": [{"loc": ["body", name], "msg": "Extra inputs"}]}),
        lambda name: Fault.http(400, body=[{"error": {"message": f'Unknown name "{name}": Cannot find field.'}}]),
    ],
)
async def test_a_refused_parameter_is_left_out_from_then_on(name: str, refusal: Callable[[str], Fault]) -> None:
    server = FaultServer(faults=[refusal(name)])
    async with ServedModel(server, constrain="grammar") as model:
        assert text_of(await collect(model, FULL)) == "Once upon a time."
        await collect(model, FULL)
    first, second, third = (seen.json for seen in server.calls)
    assert name in first
    assert second == third == {key: value for key, value in first.items() if key != name}


async def test_a_refused_response_format_is_left_out() -> None:
    server = FaultServer(faults=[Fault.http(400, message="Invalid schema", param="response_format.json_schema")])
    async with ServedModel(server, constrain="json_schema") as model:
        await collect(model, replace(CHAT, json_schema={"type": "object"}))
    assert "response_format" not in server.calls[1].json


async def test_max_tokens_becomes_max_completion_tokens() -> None:
    message = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    server = FaultServer(faults=[Fault.http(400, message=message, param="max_tokens"), None, None])
    async with ServedModel(server) as model:
        await collect(model)
        await collect(model)
        await collect(model, RAW)
    for seen in server.calls[1:3]:
        assert seen.json["max_completion_tokens"] == 50 and "max_tokens" not in seen.json
    assert server.calls[3].json["max_tokens"] == 50  # /completions knows only this name


async def test_max_tokens_is_lowered_to_the_servers_limit() -> None:
    message = "max_tokens is too large: 9000. This model supports at most 4,096 completion tokens."
    server = FaultServer(faults=[Fault.http(400, message=message)])
    async with ServedModel(server) as model:
        await collect(model, replace(CHAT, max_tokens=9000))
        await collect(model, replace(CHAT, max_tokens=30))
    assert [seen.json["max_tokens"] for seen in server.calls] == [9000, 4096, 30]


async def test_refused_parameters_are_dropped_one_by_one_and_each_once() -> None:
    faults = [Fault.refuses(name) for name in ("top_k", "min_p", "temperature")]
    server = FaultServer(faults=[*faults, Fault.refuses("temperature")])
    async with ServedModel(server) as model:
        _, error = await failure_of(model, FULL)
    assert error.kind == "refused"
    assert len(server.calls) == 4


async def test_concurrent_calls_all_drop_a_refused_parameter() -> None:
    server = FaultServer(faults=[Fault.refuses("temperature")] * 3)
    async with ServedModel(server) as model:
        texts = await asyncio.gather(*(collect(model, FULL) for _ in range(3)))
    assert [text_of(parts) for parts in texts] == ["Once upon a time."] * 3
    assert len(server.calls) == 6


async def test_an_ordinary_word_is_not_mistaken_for_a_parameter() -> None:
    server = FaultServer(faults=[Fault.http(400, message="Please stop sending this seed of doubt.")])
    async with ServedModel(server) as model:
        _, error = await failure_of(model, FULL)
    assert error.kind == "refused" and len(server.calls) == 1


def test_openai_gets_no_unknown_parameters() -> None:
    model = OpenAIModel(ModelSettings("gpt-4o", constrain="grammar"), KEY)
    body = model._body(FULL)
    assert not {"top_k", "min_p", "repeat_penalty", "grammar"} & set(body)
    assert {"temperature", "top_p", "frequency_penalty", "seed", "stop"} < set(body)


# ---- hanging up -------------------------------------------------------------------------------------------------


async def has_hung_up(server: FaultServer) -> bool:
    for _ in range(100):
        if server.calls and server.calls[-1].hung_up:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_closing_the_iterator_hangs_up_at_once() -> None:
    server = FaultServer(always(*["piece "] * 1000, delay=0.02))
    async with ServedModel(server) as model:
        async with aclosing(model.stream(CHAT)) as parts:
            assert await anext(parts) == TextPiece("piece ")
        assert await has_hung_up(server)


@pytest.mark.parametrize("after", [-1, 0, 2])
async def test_canceling_the_task_hangs_up_at_once(after: int) -> None:
    server = FaultServer(faults=[Fault.stall(30, after=after)])
    async with ServedModel(server, stall_seconds=60) as model:
        task = asyncio.create_task(collect(model))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await has_hung_up(server)


async def test_a_stall_hangs_up() -> None:
    server = FaultServer(faults=[Fault.stall(30, after=1)])
    async with ServedModel(server, stall_seconds=0.2) as model:
        await failure_of(model)
        assert await has_hung_up(server)


# ---- models and context lengths ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("models", "settled", "expected"),
    [
        (None, 0, 8192),
        ([], 0, 8192),
        ([{"id": "m-1", "max_model_len": 32768}], 0, 32768),
        ([{"id": "other", "context_length": 5}, {"id": "m-1", "context_length": 131072}], 0, 131072),
        ([{"id": "/path/a.gguf", "meta": {"n_ctx_train": 40960}}], 0, 40960),
        ([{"id": "other", "max_model_len": 5}, {"id": "another"}], 0, 8192),
        ([{"id": "m-1", "max_model_len": "many", "meta": 3}], 0, 8192),
        ([{"id": "m-1", "max_model_len": 32768}], 12000, 12000),
    ],
)
async def test_the_context_length_comes_from_the_settings_or_the_endpoint(
    models: list[dict[str, Any]] | None, settled: int, expected: int
) -> None:
    async with ServedModel(FaultServer(models=models), context_length=settled) as model:
        await model.connect()
        assert model.capabilities.context_length == expected
        assert model.capabilities.completion and model.capabilities.chat and not model.capabilities.exact_tokens


async def test_connect_ignores_an_unreachable_server() -> None:
    async with FaultServer() as server:
        settings = settings_for(server)
    model = OpenAIModel(settings, KEY)
    await model.connect()
    assert model.capabilities.context_length == 8192
    await model.aclose()


async def test_the_token_estimate_learns_from_true_counts() -> None:
    english, chinese = "The rain fell on the harbour. " * 40, "雨落在港口的石板上。" * 40
    story = replace(RAW, prompt=Prompt(text=english))
    reported = iter([99, 100_000, 10, 343, 343])
    server = FaultServer(lambda _: Answer(PIECES, usage={"prompt_tokens": next(reported), "completion_tokens": 5}))
    async with ServedModel(server) as model:
        assert await model.count_tokens("") == 0
        assert await model.count_tokens(english) == 343
        assert 400 <= await model.count_tokens(chinese) <= 500
        await collect(model, CHAT)  # too short to correct the estimate
        assert await model.count_tokens(english) == 343
        await collect(model, story)
        assert await model.count_tokens(english) == 686  # at most twice the estimate
        await collect(model, story)
        assert 600 < await model.count_tokens(english) < 686  # down, but slowly
        for _ in range(2):
            await collect(model, story)
        assert 343 < await model.count_tokens(english) < 620


async def test_a_bare_list_of_models_is_accepted() -> None:
    async def bare(seen: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n [{"id": "a"}, {"id": "b/c"}]')

    server = FaultServer()
    server._serve = bare  # type: ignore[method-assign, assignment]
    async with server:
        assert await list_models(settings_for(server), KEY, 2.0) == ["a", "b/c"]


async def test_the_models_of_an_endpoint_are_listed() -> None:
    async with FaultServer(models=[{"id": "a"}, {"id": "b\x1b[2J"}, {"no": "id"}]) as server:
        assert await list_models(settings_for(server), KEY, 2.0) == ["a", "b"]
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    with pytest.raises(ModelError) as caught:
        await list_models(settings_for(server), KEY, 2.0)
    assert caught.value.kind == "unreachable"
    async with FaultServer() as server:
        with pytest.raises(ModelError, check=has_code("no-such-path")):
            await list_models(settings_for(server), KEY, 2.0)


# ---- the fault server -------------------------------------------------------------------------------------------


async def test_the_fault_server_can_be_a_proxy() -> None:
    async with FaultServer(always(), models=[{"id": "m-1", "max_model_len": 777}]) as real:
        proxy = FaultServer(faults=[Fault.cut(2), Fault.http(500), None], upstream=real.base_url)
        async with ServedModel(proxy) as model:
            await model.connect()
            text, error = await failure_of(model)
            assert (text, error.kind) == ("One two ", "dropped")
            assert (await failure_of(model))[1].kind == "server"
            assert text_of(await collect(model)) == "".join(PIECES)
        assert model.capabilities.context_length == 777
        assert [seen.json for seen in real.calls] == [seen.json for seen in (proxy.calls[0], proxy.calls[2])]
        assert real.calls[0].headers["authorization"] == f"Bearer {KEY}"


def test_the_fault_server_serves_from_a_thread() -> None:
    async def ask(server: FaultServer) -> str:
        model = OpenAIModel(settings_for(server), KEY)
        try:
            return text_of(await collect(model))
        finally:
            await model.aclose()

    with FaultServer() as server:
        assert asyncio.run(ask(server)) == "Once upon a time."

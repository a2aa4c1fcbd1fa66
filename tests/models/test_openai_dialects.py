"""What real servers send instead of what the API says: read where it is clear, told in one line where it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lwtui.models.base import Finished, Message, Prompt, Request, Sampling
from lwtui.models.openai_stream import finish_kind
from tests.support.fault_server import Fault, FaultServer
from tests.support.served import ServedModel, collect, failure_of, text_of

CHAT = Request(Prompt(messages=(Message("system", "Be brief."), Message("user", "Hi"))), 50)


def event(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish, **more}]}


def stream(*events: object, end: str = "\n\n") -> bytes:
    return "".join(f"data: {one if isinstance(one, str) else json.dumps(one)}{end}" for one in events).encode()


def serves(body: bytes, content_type: str = "text/event-stream", status: int = 200) -> FaultServer:
    """Return a server that sends this body and nothing else."""
    return FaultServer(faults=[Fault.raw(body, content_type, status)])


TEXT = "One two 🙂 three."
EVENTS = [event("One "), event("two 🙂 "), event("three."), event(finish="stop")]
DONE = "[DONE]"
WHOLE = {"choices": [{"message": {"content": TEXT}, "finish_reason": "stop"}]}
FRAMINGS = {
    "byte order mark": b"\xef\xbb\xbf" + stream(*EVENTS, DONE),
    "CR": stream(*EVENTS, DONE, end="\r\r"),
    "CRLF": stream(*EVENTS, DONE, end="\r\n\r\n"),
    "one newline": stream(*EVENTS, DONE, end="\n"),
    "field without colon": b"data\n\n" + stream(*EVENTS, DONE),
    "null and other values": stream("null", '"ping"', "3", *EVENTS, DONE),
    "comment as data": stream(": PROCESSING", *EVENTS, DONE),
    "two objects in an event": stream(json.dumps(EVENTS[0]) + json.dumps(EVENTS[1]), *EVENTS[2:], DONE),
    "one object a line": "\n".join(map(json.dumps, EVENTS)).encode(),
    "no end": stream(*EVENTS),
    "whole answer": json.dumps(WHOLE).encode(),
    "whole answer, indented": json.dumps(WHOLE, indent=2).encode(),
    "whole answer and done": json.dumps(WHOLE).encode() + b"\ndata: [DONE]\n\n",
    "message again": stream(*EVENTS[:3], {"choices": [{"message": {"content": TEXT}, "finish_reason": "stop"}]}, DONE),
    "message beside each delta": stream(*({**one, "choices": [{**one["choices"][0], "message": {"content": "x"}}]}
                                          for one in EVENTS[:3]),
                                        event(finish="stop", message={"content": TEXT}), DONE),
    "the whole as a delta": stream(event("One two three four five "), event("six."),
                                   event("One two three four five six."), event(finish="stop")),
    "strings as parts": stream({"choices": [{"delta": {"content": ["One two ", {"text": "🙂 three."}]}}]}, DONE),
    "usage as a list": stream(*({**one, "usage": []} for one in EVENTS), DONE),
    "reasoning as an object": stream({"choices": [{"delta": {"content": TEXT, "reasoning": {"a": 1}}}]}, DONE),
    "half characters": stream('{"choices":[{"delta":{"content":"One two \\ud83d"}}]}',
                              '{"choices":[{"delta":{"content":"\\ude42 three."}}]}', event(finish="stop")),
}  # fmt: skip


@pytest.mark.parametrize("framing", FRAMINGS)
async def test_what_is_clear_is_read(framing: str) -> None:
    async with ServedModel(serves(FRAMINGS[framing])) as model:
        parts = await collect(model)
    wanted = "One two three four five six." if framing == "the whole as a delta" else TEXT
    assert text_of(parts) == wanted
    assert isinstance(parts[-1], Finished) and parts[-1].reason == "stop"


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        *((reason, "stop") for reason in ("stop", "end_turn", "eos", "STOP", "stop_sequence", "COMPLETE", "eos_token")),
        *((reason, "length") for reason in ("length", "MAX_TOKENS", "max_tokens", "model_length", "max_output_tokens")),
        *((reason, "length") for reason in ("model_context_window_exceeded", "context_length", "token_limit")),
        *((reason, "filter") for reason in ("content_filter", "sensitive", "SAFETY", "refusal", "PROHIBITED_CONTENT")),
        *((reason, "filter") for reason in ("RECITATION", "BLOCKLIST", "guardrail_intervened", "content-filtered")),
        *((reason, "error") for reason in ("error", "abort", "network_error", "insufficient_system_resource")),
        *((reason, "error") for reason in ("cancelled", "timeout", "server_error")),
        *((reason, "") for reason in ("tool_calls", "OTHER", "banana")),
    ],
)
def test_the_reasons_with_which_servers_end_an_answer_are_classified(reason: str, kind: str) -> None:
    assert finish_kind(reason) == kind


@pytest.mark.parametrize(
    ("reason", "kind", "retryable"),
    [("sensitive", "refused", False), ("network_error", "dropped", True), ("SAFETY", "refused", False)],
)
async def test_an_answer_that_was_stopped_is_not_complete(reason: str, kind: str, retryable: bool) -> None:
    async with ServedModel(serves(stream(*EVENTS[:2], event(finish=reason), DONE))) as model:
        text, error = await failure_of(model)
    assert (text, error.kind, error.retryable) == ("One two 🙂 ", kind, retryable)


async def test_a_refusal_in_its_own_field_is_shown() -> None:
    refusal = [{"choices": [{"delta": {"refusal": words}}]} for words in ("I cannot ", "help with that.")]
    async with ServedModel(serves(stream(*refusal, event(finish="stop"), DONE))) as model:
        _, error = await failure_of(model)
    assert (error.kind, error.code, error.retryable) == ("refused", "content-filter", False)
    assert "I cannot help with that." in str(error)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (stream(event("Hello there."), {"choices": [], "x_groq": {"error": "over capacity"}}, DONE), "server"),
        (b'{"error": {"message": "quota exceeded", "code": "insufficient_quota"}}', "budget"),
        (b'[{"error": {"code": 429, "message": "slow down"}}]\n', "malformed"),
        (stream([{"error": {"code": 429, "message": "slow down"}}]), "rate-limit"),
    ],
)
async def test_errors_in_other_places_are_errors(body: bytes, kind: str) -> None:
    async with ServedModel(serves(body)) as model:
        _, error = await failure_of(model)
    assert error.kind == kind


async def test_the_same_unreadable_answer_twice_is_final_and_quoted() -> None:
    body = b"<!-- nothing to see here, key=secret-key-4711 -->"
    fault = Fault.raw(body)
    async with ServedModel(FaultServer(faults=[fault, fault])) as model:
        _, first = await failure_of(model)
        _, second = await failure_of(model)
    assert (first.retryable, second.retryable) == (True, False)
    assert (first.kind, second.kind) == ("malformed", "malformed")


async def test_a_success_that_says_that_there_is_nothing_here_hints_at_base_url() -> None:
    body = b'{"error": "Unexpected endpoint or method. (POST /chat/completions)"}'
    async with ServedModel(serves(body, "application/json")) as model:
        _, error = await failure_of(model)
    assert (error.code, error.retryable) == ("no-such-path", False)
    assert "/v1" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        {"object": "error", "message": "System role not supported", "code": 400},
        [{"error": {"code": 400, "message": "Developer instruction is not enabled for models/gemma-3-27b-it"}}],
        {"error": {"message": "'messages[0].role' does not support 'system'", "param": "messages[0].role"}},
        {"error": {"message": "Conversation roles must alternate user/assistant/user/assistant/..."}},
        {"error": {"message": "Only user and assistant roles are supported! (jinja: system role)"}},
    ],
)
async def test_a_server_without_system_messages_gets_the_text_in_the_first_message(body: object) -> None:
    server = FaultServer(faults=[Fault.raw(json.dumps(body).encode(), "application/json", 400)])
    async with ServedModel(server) as model:
        await collect(model, CHAT)
        await collect(model, CHAT)
    folded = [{"role": "user", "content": "Be brief.\n\nHi"}]
    assert [seen.json["messages"] for seen in server.calls[1:]] == [folded, folded]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        stream(DONE),
        stream(event(finish="stop"), DONE),
        stream(event("", finish="stop"), {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 0}}, DONE),
    ],
)
async def test_a_server_that_says_nothing_at_first_may_lack_system_messages(body: bytes) -> None:
    server = FaultServer(faults=[Fault.raw(body)])
    async with ServedModel(server) as model:
        assert text_of(await collect(model, CHAT)) == "Once upon a time."
        await collect(model, CHAT)
    folded = [{"role": "user", "content": "Be brief.\n\nHi"}]
    assert [seen.json["messages"] for seen in server.calls[1:]] == [folded, folded]


async def test_what_did_not_help_is_not_kept() -> None:
    server = FaultServer(faults=[Fault.raw(b""), Fault.raw(b"")])
    async with ServedModel(server) as model:
        _, error = await failure_of(model, CHAT)
        await collect(model, CHAT)
    roles = [[message["role"] for message in call.json["messages"]] for call in server.calls]
    assert error.code == "no-answer" and roles == [["system", "user"], ["user"], ["system", "user"]]


async def test_a_server_that_has_answered_before_takes_system_messages() -> None:
    server = FaultServer(faults=[None, Fault.raw(b"")])
    async with ServedModel(server) as model:
        await collect(model, CHAT)
        _, error = await failure_of(model, CHAT)
    assert error.code == "no-answer" and len(server.calls) == 2


@pytest.mark.parametrize(
    ("message", "left_out"),
    [
        ("does not support parameter frequencyPenalty", {"frequency_penalty"}),
        ("Penalty is not enabled for this model", {"frequency_penalty", "presence_penalty"}),
        ("TOP_P is not allowed here", {"top_p"}),
        (
            "one of the parameters is not supported",
            {"frequency_penalty", "presence_penalty", "top_p", "stream_options"},
        ),
    ],
)
async def test_a_parameter_is_left_out_however_the_server_names_it(message: str, left_out: set[str]) -> None:
    sampling = Sampling(frequency_penalty=0.1, presence_penalty=0.1, top_p=0.9)
    server = FaultServer(faults=[Fault.http(400, message=message)])
    async with ServedModel(server) as model:
        await collect(model, Request(CHAT.prompt, 50, sampling=sampling))
    first, second = (set(seen.json) for seen in server.calls)
    assert first - second == left_out


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "The maximum tokens you requested exceeds the model limit of 40. Try a value lower than 40."),
        (400, "max_completion_tokens must be less than or equal to 40"),
        (402, "You requested up to 50 tokens, but can only afford 40."),
    ],
)
async def test_a_bound_of_the_tokens_is_taken_over_in_whatever_words(status: int, message: str) -> None:
    server = FaultServer(faults=[Fault.http(status, message=message)])
    async with ServedModel(server) as model:
        await collect(model, CHAT)
    assert [seen.json["max_tokens"] for seen in server.calls] == [50, 40]


async def test_the_quota_of_a_day_is_final_and_says_when_it_begins_anew() -> None:
    error = {
        "message": "Rate limit exceeded: free-models-per-day",
        "metadata": {"headers": {"X-RateLimit-Reset": "1999999999000"}},
    }
    server = FaultServer(faults=[Fault.raw(json.dumps({"error": error}).encode(), "application/json", 429)])
    async with ServedModel(server) as model:
        _, failure = await failure_of(model)
    assert (failure.code, failure.retryable) == ("day-quota", False)
    assert "2033-05-1" in str(failure)

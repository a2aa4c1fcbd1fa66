"""How calls to an OpenAI-compatible server fail: each fault has its kind, and no message contains a key."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from lwtui.config import ModelSettings
from lwtui.models.base import (
    Finished,
    ModelError,
    TextPiece,
)
from lwtui.models.openai_api import OpenAIModel
from lwtui.models.openai_stream import MalformedStream, StreamError, read_events
from tests.errors import has_code
from tests.support.fault_server import Answer, Fault, FaultServer
from tests.support.served import KEY, PIECES, RAW, ServedModel, always, collect, failure_of, settings_for, text_of

# ---- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "kind", "retryable"),
    [
        (Fault.http(429), "rate-limit", True),
        (Fault.http(429, code="insufficient_quota"), "budget", False),
        (Fault.http(402, message="Insufficient Balance"), "budget", False),
        (Fault.http(500), "server", True),
        (Fault.http(502, body=b"<html>Bad gateway</html>"), "server", True),
        (Fault.http(503), "server", True),
        (Fault.http(529, body={"type": "error", "error": {"type": "overloaded_error"}}), "server", True),
        (Fault.http(408), "server", True),
        (Fault.http(409), "server", True),
        (Fault.http(401), "auth", False),
        (Fault.http(403), "auth", False),
        (Fault.http(400, code="context_length_exceeded"), "context", False),
        (Fault.http(400, message="This model's maximum context length is 4096 tokens."), "context", False),
        (Fault.http(400, body={"error": "the request exceeds the available context size"}), "context", False),
        (Fault.http(413), "context", False),
        (Fault.http(400, message="No."), "refused", False),
        (Fault.http(400, body=[{"error": {"code": 400, "message": "Google's way"}}]), "refused", False),
        (Fault.http(422, body={"detail": [{"loc": ["body", "messages"], "msg": "bad"}]}), "refused", False),
        (Fault.http(418, body=b"\xff\xfe not JSON"), "refused", False),
        (Fault.http(400, message="zzz is not a valid model ID"), "unknown-model", False),
        (Fault.http(404, message="The model `m-1` does not exist", code="model_not_found"), "unknown-model", False),
    ],
)
async def test_every_refusal_has_its_kind(fault: Fault, kind: str, retryable: bool) -> None:
    async with ServedModel(FaultServer(faults=[fault])) as model:
        text, error = await failure_of(model)
        assert text_of(await collect(model)) == "Once upon a time."  # the model still works
    assert (text, error.kind, error.retryable) == ("", kind, retryable)


@pytest.mark.parametrize(("given", "expected"), [(7, 7.0), ("2.5", 2.5), ("soon", None), ("-3", None), ("inf", None)])
async def test_retry_after_in_seconds(given: object, expected: float | None) -> None:
    for status in (429, 503):
        async with ServedModel(FaultServer(faults=[Fault.http(status, retry_after=given)])) as model:
            assert (await failure_of(model))[1].retry_after == expected


async def test_retry_after_as_a_date_and_in_milliseconds() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    earlier = format_datetime(datetime.now(UTC) - timedelta(seconds=30), usegmt=True)
    precise = replace(Fault.http(429, retry_after=1), headers=(("retry-after", "1"), ("retry-after-ms", "250")))
    faults = [Fault.http(429, retry_after=later), Fault.http(429, retry_after=earlier), precise]
    async with ServedModel(FaultServer(faults=faults)) as model:
        assert (await failure_of(model))[1].retry_after == pytest.approx(30, abs=3)
        assert (await failure_of(model))[1].retry_after == 0
        assert (await failure_of(model))[1].retry_after == 0.25


async def test_an_unknown_model_is_reported_with_some_that_exist() -> None:
    missing = Fault.http(404, message="The model `m-1` does not exist")
    server = FaultServer(faults=[missing], models=[{"id": f"good-{n}\x1b[31m"} for n in range(9)])
    async with ServedModel(server) as model:
        _, error = await failure_of(model)
    assert error.kind == "unknown-model"
    assert "'m-1'" in str(error) and "good-0, good-1" in str(error)
    assert "good-8" not in str(error) and "\x1b" not in str(error)


async def test_a_wrong_path_is_not_mistaken_for_an_unknown_model() -> None:
    async with ServedModel(FaultServer(faults=[Fault.http(404, body={"detail": "Not Found"})])) as model:
        _, error = await failure_of(model)
    assert (error.kind, error.code) == ("refused", "no-such-path")


async def test_a_web_page_instead_of_a_stream_suggests_to_check_the_address() -> None:
    async with ServedModel(FaultServer(faults=[Fault.http(200, body=b"<html>Welcome</html>")])) as model:
        _, error = await failure_of(model)
    assert (error.kind, error.code, error.retryable) == ("refused", "web-page", False)


async def test_a_servers_message_is_cleaned_and_shortened() -> None:
    words = "Bad\n\x1b]0;title\x07 \x1b[31mrequest\u202e\x00 " + "x" * 5000
    async with ServedModel(FaultServer(faults=[Fault.http(400, message=words)])) as model:
        _, error = await failure_of(model)
    quote = str(error).partition("It says: ")[2]
    assert quote.startswith("Bad request xxx") and len(quote) == 300


async def test_a_huge_error_body_is_not_read_completely() -> None:
    async with ServedModel(FaultServer(faults=[Fault.http(500, message="y" * 50_000_000)])) as model:
        began = monotonic()
        _, error = await failure_of(model)
    assert error.kind == "server"
    assert monotonic() - began < 5


async def test_the_context_length_is_learned_from_a_refusal() -> None:
    refusal = Fault.http(400, message="request (9000 tokens) exceeds the available context size (4096 tokens)")
    async with ServedModel(FaultServer(faults=[refusal])) as model:
        await failure_of(model)
        assert model.capabilities.context_length == 4096


# ---- the key ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_a_key_echoed_by_the_server_is_not_shown(status: int) -> None:
    echo = f"Bad key: {KEY}. Also {KEY[:12]}*****{KEY[-4:]} and 'Bearer {KEY}'; " + "z" * 250 + KEY
    faults = [Fault.http(status, message=echo), Fault.error(1, message=echo, code=str(status))]
    async with ServedModel(FaultServer(faults=faults)) as model:
        for _ in faults:
            _, error = await failure_of(model)
            assert KEY[:12] not in str(error) and KEY[-4:] not in str(error)


@pytest.mark.parametrize("key", ["short", KEY])
async def test_other_keys_and_short_keys_are_not_shown_either(key: str) -> None:
    words = f"Key {key} of sk-live-****abcd; shortage"
    async with ServedModel(FaultServer(faults=[Fault.http(400, message=words)]), key=key) as model:
        _, error = await failure_of(model)
    assert str(error).endswith("It says: Key [key] of [key]; shortage")


async def test_the_key_goes_to_no_other_origin() -> None:
    async with FaultServer(models=[]) as elsewhere, ServedModel(FaultServer()) as model:
        client = model._endpoint.client
        await client.send(client.build_request("GET", f"{elsewhere.base_url}/models"))
    assert len(elsewhere.requests) == 1
    assert "authorization" not in elsewhere.requests[0].headers


async def test_a_refused_key_is_reported_with_where_to_set_it() -> None:
    for key, status, settings, variable, code in (
        (KEY, 401, {"key_env": "MY_KEY"}, "MY_KEY", "wrong-key"),
        (KEY, 403, {}, "LWTUI_API_KEY", "forbidden"),
        ("", 401, {}, "LWTUI_API_KEY", "no-key"),
    ):
        async with ServedModel(FaultServer(faults=[Fault.http(status)]), key=key, **settings) as model:
            _, error = await failure_of(model)
        assert (error.kind, error.code) == ("auth", code)
        assert variable in str(error)


async def test_without_a_key_no_authorization_is_sent() -> None:
    server = FaultServer()
    async with ServedModel(server, key="") as model:
        await collect(model)
    assert "authorization" not in server.calls[0].headers


async def test_openais_environment_variables_affect_no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "env-key")
    monkeypatch.setenv("OPENAI_ORG_ID", "env-org")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer env-token\nX-Gateway: env-gateway")
    server = FaultServer()
    for key in ("", KEY):
        async with ServedModel(server, key=key) as model:
            await collect(model)
    assert len(server.calls) == 2
    for seen in server.calls:
        assert not any("env-" in value for value in seen.headers.values())
        assert not any(name.startswith("x-") for name in seen.headers)


@pytest.mark.parametrize("key", ["smart”quote", "two words", "line\nbreak"])
async def test_an_invalid_key_is_reported_at_once(key: str) -> None:
    with pytest.raises(ModelError) as caught:
        OpenAIModel(ModelSettings("m"), key)
    assert caught.value.kind == "auth"
    assert key not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_origin_is_refused_and_nothing_goes_there(status: int) -> None:
    async with FaultServer() as elsewhere:
        location = f"{elsewhere.base_url}/chat/completions"
        async with ServedModel(FaultServer(faults=[Fault.redirect(location, status)])) as model:
            _, error = await failure_of(model)
    assert elsewhere.requests == []
    assert (error.kind, error.code, error.retryable) == ("refused", "other-origin", False)
    assert f"127.0.0.1:{elsewhere.port}" in str(error)


async def test_a_redirect_within_the_server_is_followed_with_the_key() -> None:
    server = FaultServer(faults=[Fault.redirect("/v1/other/chat/completions", 308)])
    async with ServedModel(server) as model:
        assert text_of(await collect(model)) == "Once upon a time."
    assert server.calls[1].path == "/v1/other/chat/completions"
    assert server.calls[1].headers["authorization"] == f"Bearer {KEY}"


async def test_a_redirect_to_an_invalid_address_is_refused() -> None:
    async with ServedModel(FaultServer(faults=[Fault.redirect("http://[::1")])) as model:
        _, error = await failure_of(model)
    assert error.kind == "refused"


async def test_a_redirect_in_a_circle_ends() -> None:
    circle = Fault.redirect("/v1/chat/completions")
    async with ServedModel(FaultServer(faults=[circle] * 40)) as model:
        _, error = await failure_of(model)
    assert error.kind == "refused"


# ---- faults of the stream ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.cut(after=2), "dropped"),
        (Fault.ends(after=2), "dropped"),
        (Fault.malformed(after=2), "malformed"),
        (Fault.garbage(after=2), "malformed"),
        (Fault.utf8(after=2), "malformed"),
        (Fault.huge(after=2), "malformed"),
        (Fault("insert", 2, body=b"data: [1, 2]\n\n"), "malformed"),
        (Fault("insert", 2, body=b"data: " + b"[" * 100_000 + b"\n\n"), "malformed"),
        (Fault("insert", 2, body=b'data: {"choices": 3}\n\n'), "malformed"),
        (Fault("insert", 2, body=b'data: {"choices": [3]}\n\n'), "malformed"),
        (Fault("insert", 2, body=b'data: {"choices": [{"delta": {"content": 3}}]}\n\n'), "malformed"),
        (Fault.stall(9, after=2), "stalled"),
        (Fault.stall(9, after=2, comments=True), "stalled"),
        (Fault.error(2, message="Overloaded", type="server_error"), "server"),
        (Fault.error(2, message="Slow down", code=429), "rate-limit"),
    ],
)
async def test_a_stream_that_fails_midway_keeps_its_text(fault: Fault, kind: str) -> None:
    async with ServedModel(FaultServer(always(), faults=[fault]), stall_seconds=0.3) as model:
        text, error = await failure_of(model)
        assert text_of(await collect(model)) == "".join(PIECES)
    assert (text, error.kind, error.retryable) == ("One two ", kind, True)


@pytest.mark.parametrize("after", [-1, 0])
async def test_silence_before_the_first_piece_is_a_stall(after: int) -> None:
    stall = Fault.stall(9, after=after)
    async with ServedModel(FaultServer(faults=[stall]), stall_seconds=0.3, connect_seconds=0.2) as model:
        began = monotonic()
        _, error = await failure_of(model)
    assert (error.kind, error.retryable) == ("stalled", True)
    assert monotonic() - began < 2


async def test_a_slow_stream_is_not_a_stall() -> None:
    async with ServedModel(FaultServer(always(delay=0.2)), stall_seconds=0.5) as model:
        assert text_of(await collect(model)) == "".join(PIECES)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "x", "code": "context_length_exceeded"}, "context"),
        ({"message": "x", "type": "insufficient_quota"}, "budget"),
        ({"message": "x", "type": "authentication_error"}, "auth"),
        ({"message": "bad input", "type": "invalid_request_error"}, "refused"),
    ],
)
async def test_an_error_within_the_stream_has_its_kind(error: dict[str, Any], kind: str) -> None:
    faults = [Fault.error(0, **error), Fault.error(0, event="error", **error)]
    async with ServedModel(FaultServer(faults=faults)) as model:
        for _ in faults:
            _, raised = await failure_of(model)
            assert (raised.kind, raised.retryable) == (kind, False)


async def test_an_error_with_a_success_status_is_an_error() -> None:
    message = "Provider is away"
    async with ServedModel(FaultServer(faults=[Fault.http(200, code=502, message=message)])) as model:
        _, error = await failure_of(model)
    assert error.kind == "server" and message in str(error)


async def test_an_error_event_needs_no_error_object() -> None:
    for body in (b'event: error\ndata: {"message": "Broken"}\n\n', b'error: {"code": 500, "message": "Broken"}\n\n'):
        async with ServedModel(FaultServer(faults=[Fault("insert", 1, body=body)])) as model:
            _, error = await failure_of(model)
        assert error.kind == "server" and "Broken" in str(error)


async def test_the_content_filter_is_a_refusal() -> None:
    async with ServedModel(FaultServer(always(finish="content_filter"))) as model:
        text, error = await failure_of(model)
    assert (text, error.kind, error.retryable) == ("".join(PIECES), "refused", False)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.ends(6),
        Fault.cut(6),
        Fault.malformed(6),
        Fault.stall(9, after=6),
        Fault("insert", 6, body=b'data: {"choices": 3}\n\n'),
    ],
)
async def test_faults_after_the_finish_reason_are_ignored(fault: Fault) -> None:
    async with ServedModel(FaultServer(always(finish="length"), faults=[fault]), stall_seconds=0.3) as model:
        parts = await collect(model)
    assert text_of(parts) == "".join(PIECES)
    assert isinstance(parts[-1], Finished) and parts[-1].reason == "length"


@pytest.mark.parametrize("finish", ["error", "abort"])
async def test_an_answer_aborted_by_the_server_counts_as_dropped(finish: str) -> None:
    async with ServedModel(FaultServer(always(finish=finish))) as model:
        text, error = await failure_of(model)
    assert (text, error.kind, error.retryable) == ("".join(PIECES), "dropped", True)


async def test_done_without_a_finish_reason_is_an_end_unless_the_server_sends_reasons() -> None:
    reasons = iter([None, "stop", None])
    async with ServedModel(FaultServer(lambda _: Answer(PIECES, finish=next(reasons)))) as model:
        for _ in range(2):
            parts = await collect(model)
            assert isinstance(parts[-1], Finished) and parts[-1].reason == "stop"
        text, error = await failure_of(model)
    assert (text, error.kind) == ("".join(PIECES), "dropped")


async def test_an_empty_answer_hints_at_the_context_length() -> None:
    async with ServedModel(FaultServer(faults=[Fault.ends(0)] * 2)) as model:
        _, error = await failure_of(model)
    assert (error.kind, error.code, error.retryable) == ("dropped", "no-answer", True)
    assert "context_length" in str(error)


async def test_events_may_use_crlf_other_fields_and_comments() -> None:
    odd = b': hello\r\nid: 4\r\nevent: message\r\nretry: 10\r\ndata:{"choices": [\r\ndata: {"text": "Hi"}]}\r\n\r\n'
    done = b"data: [DONE]"
    body = Fault("insert", 0, body=odd)
    async with ServedModel(FaultServer(always("."), faults=[body])) as model:
        assert text_of(await collect(model, RAW)) == "Hi."
    async with ServedModel(FaultServer(faults=[replace(Fault.ends(0), body=odd + done)])) as model:
        parts = await collect(model, RAW)
    assert parts[0] == TextPiece("Hi") and isinstance(parts[-1], Finished)


async def test_events_may_be_split_at_any_byte() -> None:
    whole = 'data: {"choices": [{"text": "né 雨 😀"}]}\r\n\r\n: x\n\ndata: {"a": 1}\n\ndata: [DONE]\n\nrest'.encode()

    async def cut(*places: int) -> AsyncIterator[bytes]:
        for start, end in pairwise((0, *places, len(whole))):
            yield whole[start:end]

    for at in range(len(whole)):
        for places in ((at,), (at, min(at + 1, len(whole)))):
            events = [event async for event in read_events(cut(*places))]
            assert events == [{"choices": [{"text": "né 雨 😀"}]}, {"a": 1}, None]


@pytest.mark.parametrize(
    "whole",
    [
        b'data: {"a": 1}\n\n',
        b'data: {"a": 1}\n\ndata: {"a": 2}\n\n',
        b'data: {"a": 1}\n',
        b'data: {"a": 1}',
        b'data: {"a": 1}\r\n\r\n',
        b'data: {"a": 1}\r\r',
        b'data: {"a": 1} \n\n',
        b'data:  {"a": 1}\n\n',
        b'data:{"a": 1}\n\n',
        b'data: {"a": 1}{"a": 2}\n\n',
        b'data: {"a": 1} {"a": 2}\n\n',
        b'data: {"a":\ndata: 1}\n\n',
        b'data: {"a": 1}\ndata: {"a": 2}\n\n',
        b'data: {"a": "\xc3\xa9 \xf0\x9f\x98\x80"}\n\n',
        b'data: {"a": "\xff"}\n\n',
        b'data: {"a": "\\ud83d"}\n\n',
        b'data: {"a": \n\n',
        b'data: {"a": 1}x\n\n',
        b"data: {" + b'"a":[' * 20_000 + b"\n\n",
        b'data: {"error": {"message": "no"}}\n\n',
        b'data: {"error": null, "a": 1}\n\n',
        b'data: [{"a": 1}]\n\n',
        b"data: 1\n\n",
        b'event: error\ndata: {"a": 1}\n\n',
        b'error: {"a": 1}\n\n',
        b'\xef\xbb\xbfdata: {"a": 1}\n\n',
        b': hello\n\ndata: {"a": 1}\n\n',
        b'{"a": 1}\n{"a": 2}\n',
        b'{"a":\n1}\n',
        b"data: [DONE]\n\n",
    ],
)
async def test_events_are_the_same_however_they_are_cut(whole: bytes) -> None:
    """Most servers send an event in a piece of its own, which is read faster than others."""
    before, after = b'data: {"first": 1}\n\n', b'data: {"last": 1}\n\n'

    async def read(*pieces: bytes) -> list[object]:
        async def stream() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        events: list[object] = []
        try:
            async for event in read_events(stream()):
                events.append(event)
        except (MalformedStream, StreamError) as error:
            events.append((type(error), str(error), getattr(error, "body", None)))
        return events

    def bytes_of(data: bytes) -> list[bytes]:
        return [data[at : at + 1] for at in range(len(data))]

    assert await read(whole) == await read(*bytes_of(whole))
    assert await read(before, whole, after) == await read(*bytes_of(before + whole + after))
    assert await read(before, whole + after) == await read(before + whole, after)


async def test_a_timer_is_set_for_each_wait_and_not_for_each_token(monkeypatch: pytest.MonkeyPatch) -> None:
    timers = 0
    loop = asyncio.get_running_loop()
    call_at = loop.call_at

    def counting(*arguments: Any, **options: Any) -> asyncio.TimerHandle:
        nonlocal timers
        timers += 1
        return call_at(*arguments, **options)

    event = b'data: {"choices": [{"text": "word "}]}\n\n'
    body = event * 2000 + b'data: {"choices": [{"text": "", "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
    async with ServedModel(FaultServer(faults=[Fault.raw(body)])) as model:
        monkeypatch.setattr(loop, "call_at", counting)
        assert text_of(await collect(model, replace(RAW, max_tokens=4000))) == "word " * 2000
    assert timers < 200


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 1000, b"data: " + b"x" * 1000 + b"\n"], ids=["line", "lines"])
async def test_an_endless_event_is_rejected(piece: bytes) -> None:
    read = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(3000):
            read += len(piece)
            yield piece

    with pytest.raises(MalformedStream):
        await anext(read_events(pieces()))
    assert read < 2**20 + 20_000


async def test_connections_are_reused() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while data := await reader.read(65536):
            if not data.startswith(b"POST"):  # a request's body, which arrived separately
                continue
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            writer.write(b"e\r\ndata: [DONE]\n\n\r\n")
            await asyncio.sleep(0.02)
            writer.write(b"0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        model = OpenAIModel(ModelSettings("m", base_url=f"http://127.0.0.1:{port}/v1"), KEY)
        for _ in range(3):
            await collect(model)
        await model.aclose()
        await asyncio.sleep(0.05)  # the handler notices the end of its connection
    assert connections == 1


# ---- connections ------------------------------------------------------------------------------------------------


async def failure_at(base_url: str) -> ModelError:
    model = OpenAIModel(ModelSettings("m", base_url=base_url, connect_seconds=1.0, stall_seconds=1.0), KEY)
    try:
        return (await failure_of(model))[1]
    finally:
        await model.aclose()


async def test_a_refused_connection_is_unreachable_and_retryable() -> None:
    async with FaultServer() as server:
        gone = server.base_url
    error = await failure_at(gone)
    assert (error.kind, error.code, error.retryable) == ("unreachable", "connection-refused", True)


async def test_a_server_on_this_machine_is_called_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    async with ServedModel(FaultServer()) as model:
        assert text_of(await collect(model)) == "Once upon a time."


async def test_a_host_that_does_not_exist_is_unreachable() -> None:
    error = await failure_at("http://no-such-host.invalid/v1")
    assert (error.kind, error.code, error.retryable) == ("unreachable", "no-host", True)
    assert "no-such-host.invalid" in str(error)


async def test_a_server_that_hangs_up_at_once_has_dropped_the_call() -> None:
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        error = await failure_at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    assert (error.kind, error.retryable) == ("dropped", True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate with its key, in one file."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(file), "-out", str(file.with_suffix(".crt")), "-days", "2", "-subj", "/CN=localhost"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no openssl to make a certificate with")
    file.write_bytes(file.read_bytes() + file.with_suffix(".crt").read_bytes())
    return file


async def test_an_untrusted_certificate_is_not_retryable(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with await asyncio.start_server(lambda _, writer: writer.close(), "localhost", 0, ssl=context) as server:
        error = await failure_at(f"https://localhost:{server.sockets[0].getsockname()[1]}/v1")
    assert (error.kind, error.code, error.retryable) == ("unreachable", "certificate", False)


async def test_https_to_a_server_without_tls_is_not_retryable() -> None:
    async with FaultServer() as server:
        error = await failure_at(server.base_url.replace("http:", "https:"))
    assert (error.kind, error.code, error.retryable) == ("unreachable", "no-tls", False)


@pytest.mark.parametrize("base_url", ["localhost:port/v1", "", "ftp://host/v1", "http://[::1", "http://host:port/v1"])
def test_an_invalid_address_is_reported_at_once(base_url: str) -> None:
    with pytest.raises(ModelError, check=has_code("invalid-address")) as caught:
        OpenAIModel(ModelSettings("m", base_url=base_url), KEY)
    assert not caught.value.retryable


async def test_a_password_in_the_address_is_used_and_not_shown() -> None:
    server = FaultServer(faults=[None, Fault.http(500)])
    async with server:
        settings = settings_for(server)
        settings = replace(settings, base_url=settings.base_url.replace("//", "//me:hunter22@"))
        model = OpenAIModel(settings, "")
        await collect(model)
        _, error = await failure_of(model)
        await model.aclose()
    assert server.calls[0].headers["authorization"].startswith("Basic ")
    assert "hunter22" not in str(error)

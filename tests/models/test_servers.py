"""Finding model servers on this machine: real sockets, with everything that may answer on a port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic

import pytest

from lwtui.app.web import Address, serve
from lwtui.config import ModelSettings
from lwtui.models import servers
from lwtui.models.servers import LocalServer, discovered_models, find_servers, free_name
from tests.support.fault_server import FaultServer


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Connection: close", "", ""]).encode() + body


@asynccontextmanager
async def port_answering(answer: bytes | None) -> AsyncIterator[int]:
    """A port that sends ``answer`` to every request; ``None`` sends nothing and keeps the connection open."""
    done = asyncio.Event()

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer is None:
            await done.wait()
        else:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(come, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    done.set()
    server.close()


def server_listing(*models: dict[str, object]) -> FaultServer:
    return FaultServer(models=list(models))


async def test_the_kind_of_a_server_follows_from_its_answer_or_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {
        "Ollama": {"id": "qwen3:8b", "object": "model", "owned_by": "library"},
        "llama-server": {"id": "/models/Llama-3.gguf", "owned_by": "llamacpp", "meta": {"n_ctx": 8192}},
        "vLLM": {"id": "org/Big-70B", "owned_by": "vllm", "max_model_len": 32768},
        "LM Studio": {"id": "gemma-3-4b", "owned_by": "organization_owner"},
        "KoboldCpp": {"id": "koboldcpp/Tiny", "owned_by": "koboldcpp"},
        "llama-cpp-python": {"id": "gpt-3.5-turbo", "owned_by": "me"},
        "a model server": {"id": "m", "owned_by": 7},
    }
    for variable in ("LWTUI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(variable, "sk-never-shown")
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(server_listing(model)) for model in kinds.values()]
        found = await find_servers([server.port for server in running])
        monkeypatch.setitem(servers.PORTS, running[-1].port, "Jan")
        (by_port,) = await find_servers([running[-1].port])
        asked = [seen for server in running for seen in server.requests]
    assert {server.kind: list(server.models) for server in found} == {k: [m["id"]] for k, m in kinds.items()}
    assert [server.base_url for server in found] == [server.base_url for server in running]
    assert by_port.kind == "Jan"
    assert all((seen.method, seen.path) == ("GET", "/v1/models") for seen in asked)
    assert not any({"authorization", "cookie"} & set(seen.headers) for seen in asked)


async def test_other_programs_are_not_mistaken_for_model_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # it would swallow every request
    rows = json.dumps({"data": [{"id": "row-1"}, {"id": "row-2"}]}).encode()
    secret = json.dumps({"status": 401, "error": "Unauthorized", "path": "/v1/models"}).encode()
    async with AsyncExitStack() as stack:
        right = await stack.enter_async_context(server_listing({"id": "right", "object": "model"}))
        away = http(b"", "302 Found", f"Location: {right.base_url}/models")
        silent = await stack.enter_async_context(port_answering(None))
        others = [
            await stack.enter_async_context(port_answering(answer))
            for answer in (
                http(b"<!doctype html><title>Router</title>", "200 OK", "Content-Type: text/html"),
                http(b"{", "200 OK"),
                http(b"[" * 100_000, "200 OK"),
                http(rows),  # some other list, not models
                http(json.dumps({"object": "list"}).encode()),
                http(secret, "401 Unauthorized"),
                http(b"This needs the token.", "401 Unauthorized"),
                http(b"x", "200 OK", "Content-Encoding: gzip"),
                http(b'{"object": "list", "data": [' + b" " * 2**21 + b"]}"),
                away,
                b"SSH-2.0-OpenSSH\r\n",
                b"\xff\x00garbage\r\n\r\n",
                b"",
            )
        ]
        began = monotonic()
        found = await find_servers([9, silent, *others, right.port], seconds=0.8)
        assert monotonic() - began < 5  # the silent port did not block it
        assert [server.models for server in found] == [("right",)]
        assert len(right.requests) == 1  # the redirect was not followed


async def test_lwtui_serve_is_not_mistaken_for_a_model_server() -> None:
    for token in ("", "t" * 24):
        ready: asyncio.Future[Address] = asyncio.get_running_loop().create_future()
        app = asyncio.create_task(serve([], Address("127.0.0.1", 0, token), ready.set_result))
        assert await find_servers([(await ready).port]) == []
        app.cancel()
        await asyncio.gather(app, return_exceptions=True)


async def test_a_server_that_needs_a_key_or_has_no_model_is_found() -> None:
    keyed = json.dumps({"error": {"message": "Invalid API Key", "code": 401}}).encode()
    async with (
        port_answering(http(keyed, "401 Unauthorized")) as first,
        port_answering(http(b'{"object":"list","data":null}')) as last,
    ):
        found = await find_servers([first, last])
    assert [(server.needs_key, server.models) for server in found] == [(True, ()), (False, ())]


async def test_unprintable_names_and_models_that_write_no_text_are_left_out() -> None:
    names = ["good", "good", "nomic-embed-text", "bge-m3-reranker", "whisper-1"]
    names += ["e\x1b[2Jvil", "two\nlines", " ", " x", "--help", "x" * 999]
    async with server_listing(*({"id": name, "object": "model"} for name in names), {"id": 5}, {"no": "id"}) as server:
        (found,) = await find_servers([server.port])
    assert found.models == ("good",)
    async with server_listing(*({"id": f"m{number}"} for number in range(999))) as many:
        (found,) = await find_servers([many.port])
    assert len(found.models) == 200


def test_models_in_the_settings_are_not_discovered_again() -> None:
    server = LocalServer("Ollama", "http://127.0.0.1:11434/v1", ("qwen3:8b", "llama3.1:latest", "org/qwen3:8b", "demo"))
    known = [
        ModelSettings("mine", model="qwen3:8b", base_url="http://localhost:11434/v1/"),
        ModelSettings("llama3.1", model="llama3.1:latest", base_url="https://elsewhere.example/v1"),
        ModelSettings("odd", base_url="http://[::1:x/v1"),
    ]
    assert [(found.model, found.name) for found in discovered_models([server], known)] == [
        ("llama3.1:latest", "llama3.1-2"),
        ("org/qwen3:8b", "qwen3-8b"),
        ("demo", "demo-2"),
    ]
    assert discovered_models([server], [])[0].settings() == ModelSettings(
        "qwen3-8b", model="qwen3:8b", base_url=server.base_url
    )


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("/srv/models/Llama 3 (Q4).gguf", "Llama-3-Q4"),
        ("koboldcpp/Tiny.Q4_K_M", "Tiny.Q4_K_M"),
        ("通义千问:7b", "通义千问-7b"),
        ("///", "model"),
        ("--force", "force"),
        ("x" * 99, "x" * 40),
    ],
)
def test_a_free_name_is_short_and_easy_to_type(model: str, name: str) -> None:
    assert free_name(model, ()) == name


@pytest.mark.parametrize("model", ["Foo-Q4.GGUF", "Foo-Q4.gguf:latest", "Foo-Q4.gguf.GGUF"])
def test_a_free_name_has_no_file_extension(model: str) -> None:
    assert free_name(model, ()) == "Foo-Q4"

"""Endpoints that mean harm: whatever they send, and however long, costs little memory and time, and is one line."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from tests.cli.running import KEY, Shell
from tests.faults.conftest import Tried
from tests.support.fault_server import FaultServer

_OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
_STREAM = _OK + b"Content-Type: text/event-stream\r\n\r\n"


def _event(**delta: str) -> bytes:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta}]})}\n\n".encode()


def _endless(head: bytes, body: bytes) -> Callable[[], AsyncIterator[bytes]]:
    async def send() -> AsyncIterator[bytes]:
        yield head
        while True:
            yield body

    return send


async def _slow_head() -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        await asyncio.sleep(0.05)
        yield b"X-More: to come\r\n"


# What is sent by whom, for as long as anybody listens, and what the caller is told.
HOSTILE: dict[str, tuple[Callable[[], AsyncIterator[bytes]], str]] = {
    "a line without an end": (_endless(_STREAM, b"x" * 65536), "malformed"),
    "an event without an end": (_endless(_STREAM, b"data: " + b"x" * 5000 + b"\n"), "malformed"),
    "text without an end": (_endless(_STREAM, _event(content="Once upon a time. " * 20)), "length"),
    "thinking without an end": (_endless(_STREAM, _event(reasoning_content="Hmm, let me see. " * 100)), "length"),
    "an opened <think> without an end": (_endless(_STREAM, _event(content="<think>" + "hmm " * 100)), "length"),
    "events that say nothing": (_endless(_STREAM, _event(content="")), "stalled"),
    "comments without an end": (_endless(_STREAM, b": wait\n\n"), "stalled"),
    "more and more after the end": (
        _endless(_STREAM + b'data: {"choices": [{"finish_reason": "stop", "delta": {}}]}\n\n', _event(content="")),
        "stop",
    ),
    "more and more after [DONE]": (_endless(_STREAM + b"data: [DONE]\n\n", b"x" * 65536), "stop"),
    "JSON without an end": (_endless(_OK + b"Content-Type: application/json\r\n\r\n", b"[" * 65536), "malformed"),
    "an error without an end": (_endless(b"HTTP/1.1 500 No\r\nConnection: close\r\n\r\n", b"no " * 9999), "server"),
    "headers without an end": (_endless(b"HTTP/1.1 200 OK\r\n", b"X-More: to come\r\n" * 99), "dropped"),
    "a header without an end": (_endless(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 65536), "dropped"),
    "headers one by one": (_slow_head, "stalled"),
    "a chunk that says it is huge": (
        _endless(
            _OK + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n", b"y" * 65536
        ),
        "malformed",
    ),
    "a gzip bomb": (
        _endless(
            _OK + b"Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(bytes(10**7))
        ),
        "refused",
    ),
    "a gzip bomb for an error": (
        _endless(
            b"HTTP/1.1 400 No\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(bytes(10**7))
        ),
        "refused",
    ),
}


@dataclass
class HostileServer:
    """Serves ``HOSTILE``: the number in the path of a request says which."""

    sent: dict[str, int] = field(default_factory=dict)
    port: int = 0

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{list(HOSTILE).index(name)}/v1"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            name = list(HOSTILE)[int(request.split(b"/")[1])]
            async for data in HOSTILE[name][0]():
                writer.write(data)
                await writer.drain()
                self.sent[name] = self.sent.get(name, 0) + len(data)
        writer.close()


@contextmanager
def served(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> Iterator[int]:
    """Serve connections from a thread of its own; the port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(serve, "127.0.0.1", 0), loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@pytest.fixture
def hostile() -> Iterator[HostileServer]:
    server = HostileServer()
    with served(server.connected) as port:
        server.port = port
        yield server


# Calls each address of its arguments, and prints how that ended and how much memory the process has had at the most.
CALLER = """
import asyncio, json, re, sys
from pathlib import Path
from lwtui.config import ModelSettings
from lwtui.models.base import Finished, Message, ModelError, Prompt, Request
from lwtui.models.openai_api import OpenAIModel

def memory():  # of this program alone: getrusage counts the process that started it too
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

async def call(address):
    model = OpenAIModel(ModelSettings("m", base_url=address, connect_seconds=1.0, stall_seconds=1.0), sys.argv[1])
    characters, ending = 0, ["", ""]
    try:
        async for part in model.stream(Request(Prompt(messages=(Message("user", "Write."),)), max_tokens=100)):
            if isinstance(part, Finished):
                ending = [part.reason, ""]
            else:
                characters += len(part.text)
    except ModelError as error:
        ending = [error.kind, str(error)]
    await model.aclose()
    return [*ending, characters, memory()]

for address in sys.argv[2:]:
    print(json.dumps(asyncio.run(call(address))), flush=True)
"""


def test_whatever_an_endpoint_sends_is_bounded_and_told_in_one_line(hostile: HostileServer, tried: Tried) -> None:
    addresses = [hostile.address(name) for name in HOSTILE]
    done = subprocess.run(
        [sys.executable, "-c", CALLER, KEY, *addresses], capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    ends = dict(zip(HOSTILE, map(json.loads, done.stdout.splitlines()), strict=True))
    for name, (ending, line, characters, mebibytes) in ends.items():
        assert ending == HOSTILE[name][1], (name, ending, line)
        assert "\n" not in line and len(line) < 700 and KEY not in line, name
        assert characters < 2**21, name
        assert mebibytes < 256, (name, mebibytes)
    most = max(mebibytes for *_, mebibytes in ends.values())
    told = f"bounded (the whole process at most {most} MiB), told in one line"
    tried("an endpoint that sends without an end, or a bomb", told, len(HOSTILE))


def test_the_command_ends_too_and_says_why_in_one_line(shell: Shell, hostile: HostileServer) -> None:
    for name, code in (
        ("text without an end", ""),
        ("a gzip bomb", "compressed"),
        ("an error without an end", "server"),
    ):
        shell.settings(
            f'[models.writer]\nbase_url = "{hostile.address(name)}"\nconnect_seconds = 1\nstall_seconds = 1\n'
            "retry_seconds = 0.1\n"
        )
        command = ("models", "verify", "writer")
        if code:
            shell.fails(1, code, *command, LWTUI_API_KEY=KEY)
        else:
            assert shell.run(*command, LWTUI_API_KEY=KEY).worked().out.startswith("ok: writer ")


def test_a_list_of_models_without_an_end_is_given_up(shell: Shell, hostile: HostileServer, tried: Tried) -> None:
    names = ("JSON without an end", "a gzip bomb", "headers one by one", "an error without an end")
    tables = (f'[models."{name}"]\nbase_url = "{hostile.address(name)}"' for name in names)
    shell.settings("\n".join(tables))
    found = {check["name"]: check for check in json.loads(shell.run("doctor", "--json").out)["checks"]}
    for name in names:
        assert found[f"model {name}"]["status"] in ("fail", "warn"), found
    tried("a list of models without an end", "given up, told in one line", len(names))


def test_no_key_goes_where_a_redirect_leads(shell: Shell, tried: Tried) -> None:
    """To another port, another host name of the same machine, another scheme, and by way of a place at home."""
    with FaultServer() as elsewhere:

        async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            where = (await reader.readuntil(b"\r\n\r\n")).split(b"/")[1].decode()
            home = f"127.0.0.1:{port}"
            target = {
                "port": f"http://127.0.0.1:{elsewhere.port}/v1/chat/completions",
                "name": f"http://localhost:{elsewhere.port}/v1/chat/completions",
                "user": f"http://{home}@127.0.0.1:{elsewhere.port}/v1/chat/completions",
                "relative": f"//127.0.0.1:{elsewhere.port}/v1/chat/completions",
                "scheme": f"https://{home}/v1/chat/completions",
                "home": f"http://{home}/port/chat/completions",
                "file": "file:///etc/passwd",
            }[where]
            writer.write(f"HTTP/1.1 307 Go\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())
            with suppress(ConnectionError):
                await writer.drain()
            writer.close()

        with served(redirect) as port:
            ways = ("port", "name", "user", "relative", "scheme", "home", "file")
            addresses = [f"http://127.0.0.1:{port}/{way}" for way in ways]
            done = subprocess.run(
                [sys.executable, "-c", CALLER, KEY, *addresses], capture_output=True, encoding="utf-8", timeout=60
            )
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        ending, said, *_ = json.loads(line)
        assert ending == "refused" and "redirects to" in said and KEY not in said
    assert len(done.stdout.splitlines()) == len(ways)
    assert elsewhere.requests == []
    tried("a redirect to another place", "not followed, no key sent there", len(ways))

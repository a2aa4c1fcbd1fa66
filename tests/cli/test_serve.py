"""The app in a browser, over real HTTP and a real WebSocket on the loopback interface."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from lwtui.app.web import is_loopback
from lwtui.config import set_value
from lwtui.documents.store import Document
from tests.app.place import Place
from tests.cli.running import Shell

TOKEN = "0123456789abcdef-XYZ"
TIMEOUT = 60.0


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path / "cache"))
    set_value("documents", str(tmp_path / "documents"))
    set_value("welcome", "false")
    return Place(tmp_path)


@dataclass
class RunningServer:
    """A running ``lwtui serve``."""

    url: str
    process: asyncio.subprocess.Process

    @property
    def base(self) -> str:
        return self.url.partition("?")[0].rstrip("/")


@asynccontextmanager
async def serving(*arguments: str) -> AsyncIterator[RunningServer]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lwtui", "serve", "--port", "0", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), TIMEOUT)).decode()
        found = re.search(r"http://\S+", line)
        assert found is not None, line
        yield RunningServer(found[0], process)
    finally:
        if process.returncode is None:
            process.terminate()
        assert await asyncio.wait_for(process.wait(), TIMEOUT) == 0


async def wait_for(socket: aiohttp.ClientWebSocketResponse, *wanted: str) -> None:
    """Wait until the app has drawn all of ``wanted``."""
    seen = b""
    async with asyncio.timeout(TIMEOUT):
        while not all(text.encode() in seen for text in wanted):
            message = await socket.receive()
            assert message.type is aiohttp.WSMsgType.BINARY, (message, seen[-500:])
            seen += message.data


async def test_a_document_is_edited_through_a_websocket(place: Place) -> None:
    path = place.make(100, texts={1: "First."})
    async with (
        serving(str(path)) as served,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(served.url) as page:
            assert page.status == 200
            assert f"ws://{served.base.removeprefix('http://')}/ws" in await page.text()
            assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        async with session.ws_connect(f"{served.base}/ws?width=100&height=30") as socket:
            await wait_for(socket, "First.", "Outline")
            await socket.send_json(["stdin", "e"])
            await wait_for(socket, "Part cece")  # the editor has the focus once its frame is redrawn
            await socket.send_json(["stdin", "Mine 番茄. "])
            await wait_for(socket, "Mine")
            for _ in range(100):
                with Document.open(path, read_only=True) as document:
                    if document.sections()[0].text == "Mine 番茄. First.":
                        break
                await asyncio.sleep(0.1)
            await socket.send_str("no JSON at all")  # ends the app of this page only
        async with session.get(served.url) as page:
            assert page.status == 200
    with Document.open(path) as document:
        assert document.sections()[0].text == "Mine 番茄. First."


async def test_other_origins_and_hosts_are_rejected_on_the_loopback(place: Place) -> None:
    async with serving("--library") as served, aiohttp.ClientSession() as session:
        own = served.base.removeprefix("http://")
        for headers, status in (
            ({}, 200),
            ({"Origin": served.base}, 200),
            ({"Origin": "http://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Host": "evil.example"}, 403),
            ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
            ({"Host": own.replace("127.0.0.1", "localhost")}, 200),
        ):
            async with session.get(served.base, headers=headers) as answer:
                assert answer.status == status, headers
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"{served.base}/ws", headers=headers)
            assert refused.value.status == 403


async def test_without_the_token_nothing_is_served(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LWTUI_SERVE_TOKEN", TOKEN)
    place.make(100, texts={1: "First."})
    async with serving("--host", "0.0.0.0", "--library") as served:
        assert served.url.endswith(f"/?token={TOKEN}")
        base = served.base.replace("0.0.0.0", "127.0.0.1")
        jar = aiohttp.CookieJar(unsafe=True)  # accepts cookies from IP addresses
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            for path in ("/", "/?token=wrong", "/?token=", "/static/js/textual.js", "/download/x", "/ws", "/nothing"):
                async with session.get(f"{base}{path}") as answer:
                    assert answer.status == 401, path
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(f"{base}/ws?token={TOKEN}")
            async with session.get(f"{base}/?token={TOKEN}", allow_redirects=False) as answer:
                assert answer.headers["Location"] == "/"
                assert "HttpOnly" in answer.headers["Set-Cookie"]
                assert "SameSite=Strict" in answer.headers["Set-Cookie"]
            async with session.get(base) as answer:
                assert answer.status == 200
                assert TOKEN not in await answer.text()
            async with session.ws_connect(f"{base}/ws?width=80&height=24") as socket:
                await wait_for(socket, "Library", "A Plan")
                await socket.send_json(["stdin", "q"])


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["--host", "0.0.0.0"], "no-token", "--token"),
        (["--host", "::"], "no-token", "--token"),
        (["--host", "0.0.0.0", "--token", "short"], "invalid-token", "16"),
        (["--token", "with spaces in the token"], "invalid-token", "16"),
        (["nothing.md"], "unknown-command", "nothing.md"),
        (["--model", "nobody"], "unknown-model", "'nobody'"),
    ],
)
def test_errors_are_reported_before_anything_is_served(
    shell: Shell, arguments: list[str], code: str, word: str
) -> None:
    assert word in shell.fails(2, code, "serve", *arguments).err


def test_an_invalid_port_is_reported(shell: Shell) -> None:
    shell.run("serve", "--port", "http").failed(2, "--port", "'http'")


async def test_a_port_in_use_is_reported(shell: Shell) -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    done = await asyncio.to_thread(shell.fails, 1, "cannot-listen", "serve", "--port", port)
    server.close()
    assert "127.0.0.1" in done.err and str(port) in done.err


def test_only_addresses_of_this_machine_are_loopback() -> None:
    for host, loopback in (
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("localhost.evil.example", False),
        ("", False),
    ):
        assert is_loopback(host) is loopback


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
async def test_a_browser_shows_the_app_and_types_into_it(place: Place) -> None:
    from playwright.async_api import async_playwright

    path = place.make(100, texts={1: "First."})
    async with serving(str(path), "--token", TOKEN) as served, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            page = await browser.new_page(viewport={"width": 1000, "height": 600})
            requests: list[str] = []
            page.on("requestfinished", lambda request: requests.append(request.url))
            await page.goto(served.url)
            assert TOKEN not in page.url
            await page.wait_for_selector("body.-first-byte", timeout=TIMEOUT * 1000)
            await page.wait_for_timeout(1500)
            await page.focus(".xterm-helper-textarea")
            await page.keyboard.press("e")
            await page.wait_for_timeout(500)
            await page.keyboard.type("Mine. ")
            for _ in range(100):
                with Document.open(path, read_only=True) as document:
                    if document.sections()[0].text == "Mine. First.":
                        break
                await asyncio.sleep(0.1)
            assert all(url.startswith(served.base) for url in requests)
        finally:
            await browser.close()
    with Document.open(path) as document:
        assert document.sections()[0].text == "Mine. First."

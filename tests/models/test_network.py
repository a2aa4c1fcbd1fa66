"""Proxies and certificates of the environment: followed where they can be, and named where they cannot."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import httpx2
import pytest

from lwtui.config import ModelSettings
from lwtui.models.base import ModelError
from lwtui.models.download_http import DownloadClient, DownloadError
from lwtui.models.network import route_to
from lwtui.models.openai_api import OpenAIModel
from tests.support.fault_server import FaultServer
from tests.support.served import CHAT, ServedModel, collect, failure_of, text_of

_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*_VARIABLES, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class SocksServer:
    """A SOCKS 5 proxy that sends every connection to one port of this machine, whatever host is asked for."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.hosts: list[str] = []

    async def __aenter__(self) -> SocksServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\x05\x00")
        *_, kind = await reader.readexactly(4)
        assert kind == 3, "the proxy resolves the name"
        self.hosts.append((await reader.readexactly((await reader.readexactly(1))[0])).decode())
        await reader.readexactly(2)
        writer.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01" + struct.pack(">H", self._target))
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(_pipe(reader, back), _pipe(there, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.mark.parametrize("scheme", ["socks", "socks5", "socks5h", "SOCKS5"])
async def test_a_socks_proxy_is_used(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultServer() as server, SocksServer(server.port) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:{proxy.port}/")
        model = OpenAIModel(ModelSettings("m", base_url="http://models.example.org/v1"), "")
        assert text_of(await collect(model, CHAT)) == "Once upon a time."
        await model.aclose()
    assert proxy.hosts == ["models.example.org"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
@pytest.mark.parametrize("value", ["socks://127.0.0.1:1", "http://127.0.0.1:1", "nonsense://::", "socks4://x:1"])
async def test_this_machine_is_never_reached_through_a_proxy(
    host: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, value)
    assert route_to(httpx2.URL(f"http://{host}:80/v1")).proxy is None
    async with ServedModel(FaultServer()) as model:
        assert text_of(await collect(model, CHAT))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks4://user:secret-4711@127.0.0.1:1"),
        ("HTTPS_PROXY", "ftp://127.0.0.1:1"),
        ("https_proxy", ":::"),
        ("HTTPS_PROXY", "http://"),
        ("all_proxy", "http://127.0.0.1:notaport"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ModelError) as caught:
        OpenAIModel(ModelSettings("m", base_url="https://models.example.org/v1"), "")
    assert (caught.value.kind, caught.value.code) == ("unreachable", "proxy")
    assert name in str(caught.value) and "4711" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["http://127.0.0.1:1", "socks://127.0.0.1:1", "127.0.0.1:1"])
async def test_a_proxy_that_does_not_answer_is_named_by_its_variable(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", value)
    model = OpenAIModel(ModelSettings("m", base_url="https://models.example.org/v1"), "")
    _, error = await failure_of(model, CHAT)
    await model.aclose()
    assert (error.kind, error.code, error.retryable) == ("unreachable", "proxy", True)
    assert "ALL_PROXY" in str(error) and "models.example.org" in str(error)


@pytest.mark.parametrize(
    ("no_proxy", "excluded"),
    [
        ("*", True),
        ("models.example.org", True),
        (".example.org", True),
        ("*.example.org", True),
        ("a.b, EXAMPLE.ORG", True),
        ("example.org:443", True),
        ("example.org:8443", False),
        ("https://models.example.org", True),
        ("ample.org", False),
        ("localhost,127.0.0.1", False),
        ("", False),
    ],
)
def test_no_proxy_excludes_hosts(no_proxy: str, excluded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (route_to(httpx2.URL("https://models.example.org/v1")).proxy is None) is excluded


@pytest.mark.parametrize(
    ("no_proxy", "excluded"), [("10.0.0.0/8", True), ("10.1.2.3", True), ("192.168.0.0/16", False)]
)
def test_no_proxy_excludes_networks(no_proxy: str, excluded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    route = route_to(httpx2.URL("http://10.1.2.3:8000/v1"))
    assert (route.proxy is None) is excluded


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_certificates_that_are_not_there_are_named_by_their_variable(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "/no/such/path-4711")
    with pytest.raises(ModelError) as caught:
        OpenAIModel(ModelSettings("m", base_url="https://models.example.org/v1"), "")
    assert (caught.value.kind, caught.value.code) == ("unreachable", "certificates")
    assert name in str(caught.value)
    async with ServedModel(FaultServer()) as model:  # without encryption, nothing needs them
        assert text_of(await collect(model, CHAT))
    client = DownloadClient("https://models.example.org/a.gguf")
    with pytest.raises(DownloadError, match=name):
        async with client.open():
            raise AssertionError("there is no such host")
    await client.aclose()


def test_a_file_without_certificates_is_named_by_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with pytest.raises(ModelError, match="SSL_CERT_FILE"):
        route_to(httpx2.URL("https://models.example.org/v1"))

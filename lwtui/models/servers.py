"""Finds model servers on this machine by asking the ports they usually listen on.

It asks loopback ports only, with one plain request each for the list of models. It sends no key, uses no proxy and
follows no redirect, and it believes an answer only if it looks like such a list. Anything may listen on these ports:
another program's web pages, ``lwtui serve``, something that never answers.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lwtui.addresses import is_loopback
from lwtui.config import ModelSettings
from lwtui.text import clean

if TYPE_CHECKING:
    import httpx2

# The usual server on each port. Several servers share a port, so the answer itself decides where it can.
PORTS: dict[int, str] = {
    11434: "Ollama",
    8080: "llama-server",
    8000: "vLLM",
    30000: "SGLang",
    1234: "LM Studio",
    5000: "text-generation-webui",
    5001: "KoboldCpp",
    1337: "Jan",
}
SEARCH_SECONDS = 1.0  # upper bound of a search

_OWNERS = {
    "library": "Ollama",
    "llamacpp": "llama-server",
    "vllm": "vLLM",
    "sglang": "SGLang",
    "koboldcpp": "KoboldCpp",
    "tabbyapi": "TabbyAPI",
    "me": "llama-cpp-python",
    "organization_owner": "LM Studio",
    "organization-owner": "LM Studio",
}
_KEYED_PORTS = (1337,)  # Jan always needs a key, and says so in plain text instead of JSON
_HOST = "127.0.0.1"
_CONNECT_SECONDS = 0.4
_MAX_BODY_BYTES = 2**20
_MAX_MODELS = 200
_MAX_NAME = 200  # characters
# Model lists also hold models that write no text.
_NOT_A_WRITER = re.compile(r"embed|rerank|whisper|(^|[-_/])(bge|tts)[-_]", re.IGNORECASE)


@dataclass(frozen=True)
class LocalServer:
    """A model server on this machine.

    Attributes:
        kind: The server's name, such as ``Ollama``.
        base_url: The address of its API.
        models: Its own names for its models, as far as it lists them.
        needs_key: Whether it lists its models only to callers with a key.
    """

    kind: str
    base_url: str
    models: tuple[str, ...] = ()
    needs_key: bool = False

    @property
    def host_and_port(self) -> str:
        """Host and port, such as ``127.0.0.1:11434``."""
        return urlsplit(self.base_url).netloc


@dataclass(frozen=True)
class DiscoveredModel:
    """A model of a local server that is not in the settings yet.

    Attributes:
        server: The server that has it.
        model: The server's name for it; empty if the server needs a key first.
        name: An unused name for it in the settings; empty if the server needs a key first.
    """

    server: LocalServer
    model: str
    name: str

    def settings(self) -> ModelSettings:
        """Make the model's entry for the settings."""
        return ModelSettings(self.name, model=self.model, base_url=self.server.base_url)


async def find_servers(ports: Iterable[int] | None = None, seconds: float | None = None) -> list[LocalServer]:
    """Find the model servers that answer in time.

    Never fails: whatever does not answer like a model server is left out.

    Args:
        ports: The ports to ask; by default those in :data:`PORTS`.
        seconds: How long to wait for each answer; by default :data:`SEARCH_SECONDS`.

    Returns:
        The servers, in the order of ``ports``.
    """
    candidates = list(PORTS if ports is None else ports)
    if not candidates:
        return []
    await asyncio.to_thread(import_module, "httpx2")  # a slow import must not block the user interface
    async with _client() as client:
        found = await asyncio.gather(*(_probe(client, port, seconds or SEARCH_SECONDS) for port in candidates))
    return [server for server in found if server is not None]


def _client() -> httpx2.AsyncClient:
    import httpx2

    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(SEARCH_SECONDS, connect=_CONNECT_SECONDS),
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "lwtui"},
        follow_redirects=False,
        trust_env=False,
    )


async def _probe(client: httpx2.AsyncClient, port: int, seconds: float) -> LocalServer | None:
    address = f"http://{_HOST}:{port}/v1"
    status, answer = await _get(client, f"{address}/models", seconds)
    usual = PORTS.get(port, "a model server")
    if status in (401, 403):
        is_keyed_server = set(answer) == {"error"} or port in _KEYED_PORTS
        return LocalServer(usual, address, needs_key=True) if is_keyed_server else None
    entries = _entries(answer) if status == 200 else None
    if entries is None:
        return None
    return LocalServer(_kind(entries) or usual, address, _models(entries))


async def _get(client: httpx2.AsyncClient, url: str, seconds: float) -> tuple[int, dict[str, Any]]:
    """Get a page: its HTTP status (0 for no answer) and its JSON object (empty if it has none)."""
    import anyio
    import httpx2

    try:
        async with asyncio.timeout(seconds), client.stream("GET", url) as response:
            return response.status_code, _json_object(await _body(response))
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, anyio.EndOfStream, OSError, TimeoutError):
        return 0, {}


async def _body(response: httpx2.Response) -> bytes:
    """Read the body; empty if it is longer than a model list can be, or compressed against our request."""
    if response.headers.get("content-encoding", "identity") != "identity":
        return b""
    body = b""
    async with aclosing(response.aiter_raw()) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > _MAX_BODY_BYTES:
                return b""
    return body


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _entries(answer: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return the entries of a model list, or ``None`` for any other object."""
    data = answer.get("data")
    is_list = answer.get("object") == "list"
    if not data:  # Ollama without any model sends null
        return [] if is_list and "data" in answer else None
    if not isinstance(data, list):
        return None
    entries = [entry for entry in data if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
    holds_models = is_list or all(entry.get("object") == "model" for entry in entries)
    return entries if entries and holds_models else None


def _kind(entries: Iterable[Mapping[str, Any]]) -> str:
    owners = (str(entry.get("owned_by", "")).lower() for entry in entries)
    return next((_OWNERS[owner] for owner in owners if owner in _OWNERS), "")


def _models(entries: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names that can be shown and typed, of models that may write text."""
    names = dict.fromkeys(entry["id"] for entry in entries)
    return tuple(name for name in names if _is_name(name) and not _NOT_A_WRITER.search(name))[:_MAX_MODELS]


def _is_name(text: str) -> bool:
    one_line = text == clean(text).strip() and "\n" not in text
    return one_line and 0 < len(text) <= _MAX_NAME and not text.startswith("-")


def discovered_models(servers: Iterable[LocalServer], known: Collection[ModelSettings]) -> list[DiscoveredModel]:
    """List the servers' models that are not among the ``known`` ones, each with an unused name."""
    configured = {(_port(model.base_url), model.model or model.name) for model in known if model.is_endpoint}
    known_ports = {port for port, _ in configured}
    taken = {model.name for model in known}
    models = []
    for server in servers:
        port = _port(server.base_url)
        if server.needs_key and port not in known_ports:
            models.append(DiscoveredModel(server, "", ""))
        for model in server.models:
            if (port, model) not in configured:
                name = free_name(model, taken)
                taken.add(name)
                models.append(DiscoveredModel(server, model, name))
    return models


def _port(base_url: str) -> int:
    """Return the port of an address on this machine, or 0 for an address elsewhere."""
    try:
        parts = urlsplit(base_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return 0
    return port if is_loopback(parts.hostname or "") else 0


def free_name(model: str, taken: Collection[str]) -> str:
    """Derive an unused name from a server's name for a model: ``qwen3:8b`` gives ``qwen3-8b``, a path its last part."""
    last = re.sub(r"(?i)(\.gguf)+$", "", model.rstrip("/").rpartition("/")[2].removesuffix(":latest"))
    name = re.sub(r"[^\w.+-]+", "-", last).strip("-._+")[:40] or "model"
    return next(candidate for candidate in _numbered(name) if candidate not in taken and candidate != "demo")


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in range(2, 10_000))

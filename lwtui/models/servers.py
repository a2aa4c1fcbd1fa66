"""Model servers that run on this machine, found by asking the ports they usually listen on.

Only the loopback is asked, with one plain request each for the list of models: no key goes out, no proxy is used, no
redirect is followed, and what answers is believed only as far as it has the shape of such a list. Anything may
listen on these ports: another program's pages, ``lwtui serve``, something that never answers.
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

from lwtui.config import ModelSettings
from lwtui.text import clean

if TYPE_CHECKING:
    import httpx2

# Who usually listens where. Their answers tell it better, where they do: several share a port.
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
SECONDS = 1.0  # that a search takes at most

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
_KEYED_PORTS = (1337,)  # Jan always wants a key, and says so in plain text
_HOST = "127.0.0.1"
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
_CONNECT_SECONDS = 0.4
_MOST_BYTES = 2**20
_MOST_MODELS = 200
_LONGEST = 200  # characters of a model's name
# What such a list also holds, and what writes no text.
_NO_WRITER = re.compile(r"embed|rerank|whisper|(^|[-_/])(bge|tts)[-_]", re.IGNORECASE)


@dataclass(frozen=True)
class Server:
    """A model server on this machine. ``models`` are its own names for them, as far as it told.

    ``wants_key`` is true where it tells nothing without a key.
    """

    kind: str
    base_url: str
    models: tuple[str, ...] = ()
    wants_key: bool = False

    @property
    def place(self) -> str:
        """Host and port."""
        return urlsplit(self.base_url).netloc


@dataclass(frozen=True)
class Offer:
    """A model of a server that is not in the settings yet; ``name`` is free there.

    Of a server that wants a key first, ``model`` and ``name`` are empty.
    """

    server: Server
    model: str
    name: str

    def settings(self) -> ModelSettings:
        return ModelSettings(self.name, model=self.model, base_url=self.server.base_url)


async def find_servers(ports: Iterable[int] | None = None, seconds: float | None = None) -> list[Server]:
    """The model servers that answer within ``seconds``, in the order of ``ports`` (default: :data:`PORTS`).

    Never fails: what does not answer as a model server does is none.
    """
    asked = list(PORTS if ports is None else ports)
    if not asked:
        return []
    await asyncio.to_thread(import_module, "httpx2")  # takes a moment, in which keys are typed and painted
    async with _client() as client:
        found = await asyncio.gather(*(_ask(client, port, seconds or SECONDS) for port in asked))
    return [server for server in found if server is not None]


async def loaded_context(model: ModelSettings) -> int:
    """The tokens of context that Ollama on this machine has loaded a model with, or 0 where nothing tells it.

    Its list of models does not say it, and it cuts a prompt that is longer without a word.
    """
    if model.provider != "openai" or not _port(model.base_url):
        return 0
    address = model.base_url.rstrip("/").removesuffix("/v1")
    async with _client() as client:
        _, answer = await _get(client, f"{address}/api/ps", SECONDS)
    running = answer.get("models")
    wanted = model.model or model.name
    entries = [one for one in running if isinstance(one, dict)] if isinstance(running, list) else []
    mine = [one for one in entries if wanted in (one.get("name"), one.get("model"))]
    length = mine[0].get("context_length") if mine else 0
    return length if isinstance(length, int) and 0 < length < 2**31 else 0


def _client() -> httpx2.AsyncClient:
    import httpx2

    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(SECONDS, connect=_CONNECT_SECONDS),
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "lwtui"},
        follow_redirects=False,
        trust_env=False,
    )


async def _ask(client: httpx2.AsyncClient, port: int, seconds: float) -> Server | None:
    address = f"http://{_HOST}:{port}/v1"
    status, answer = await _get(client, f"{address}/models", seconds)
    usual = PORTS.get(port, "a model server")
    if status in (401, 403):
        keyed = set(answer) == {"error"} or port in _KEYED_PORTS
        return Server(usual, address, wants_key=True) if keyed else None
    entries = _entries(answer) if status == 200 else None
    if entries is None:
        return None
    return Server(_kind(entries) or usual, address, _models(entries))


async def _get(client: httpx2.AsyncClient, url: str, seconds: float) -> tuple[int, dict[str, Any]]:
    """The status of an answer and the JSON object in it, if one is; 0 where no answer came."""
    import anyio
    import httpx2

    try:
        async with asyncio.timeout(seconds), client.stream("GET", url) as response:
            return response.status_code, _object(await _body(response))
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, anyio.EndOfStream, OSError, TimeoutError):
        return 0, {}


async def _body(response: httpx2.Response) -> bytes:
    """The body; nothing of one that is compressed, which was not asked for, or longer than such a list is."""
    if response.headers.get("content-encoding", "identity") != "identity":
        return b""
    body = b""
    async with aclosing(response.aiter_raw()) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > _MOST_BYTES:
                return b""
    return body


def _object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _entries(answer: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The entries of a list of models; ``None`` for an object of another kind."""
    data = answer.get("data")
    is_list = answer.get("object") == "list"
    if not data:  # Ollama without a model says null
        return [] if is_list and "data" in answer else None
    if not isinstance(data, list):
        return None
    entries = [one for one in data if isinstance(one, dict) and isinstance(one.get("id"), str)]
    told = is_list or all(one.get("object") == "model" for one in entries)
    return entries if entries and told else None


def _kind(entries: Iterable[Mapping[str, Any]]) -> str:
    owners = (str(entry.get("owned_by", "")).lower() for entry in entries)
    return next((_OWNERS[owner] for owner in owners if owner in _OWNERS), "")


def _models(entries: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Names that can be shown, typed and asked for, of models that may write."""
    names = dict.fromkeys(entry["id"] for entry in entries)
    return tuple(name for name in names if _is_name(name) and not _NO_WRITER.search(name))[:_MOST_MODELS]


def _is_name(text: str) -> bool:
    one_line = text == clean(text).strip() and "\n" not in text
    return one_line and 0 < len(text) <= _LONGEST and not text.startswith("-")


def offers(servers: Iterable[Server], known: Collection[ModelSettings]) -> list[Offer]:
    """The servers' models that none of the ``known`` is, each with a name that none of them has."""
    here = {(_port(model.base_url), model.model or model.name) for model in known if model.provider == "openai"}
    known_ports = {port for port, _ in here}
    taken = {model.name for model in known}
    made = []
    for server in servers:
        port = _port(server.base_url)
        if server.wants_key and port not in known_ports:
            made.append(Offer(server, "", ""))
        for model in server.models:
            if (port, model) not in here:
                name = free_name(model, taken)
                taken.add(name)
                made.append(Offer(server, model, name))
    return made


def _port(base_url: str) -> int:
    """The port on this machine that an address means; 0 for one elsewhere."""
    try:
        parts = urlsplit(base_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return 0
    return port if parts.hostname in _THIS_MACHINE else 0


def free_name(model: str, taken: Collection[str]) -> str:
    """A name for a model by what its server calls it: ``qwen3:8b`` is ``qwen3-8b``, a path is its last part."""
    last = re.sub(r"(?i)(\.gguf)+$", "", model.rstrip("/").rpartition("/")[2].removesuffix(":latest"))
    name = re.sub(r"[^\w.+-]+", "-", last).strip("-._+")[:40] or "model"
    return next(one for one in _numbered(name) if one not in taken and one != "demo")


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in range(2, 10_000))

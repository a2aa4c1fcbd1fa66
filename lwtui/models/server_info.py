"""Asks a server of this machine or network what it is, and with what context length it has loaded a model.

The OpenAI-compatible API does not tell either. Each server has a page of its own that does.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from lwtui.addresses import host_of_address, is_local
from lwtui.models.base import ModelError
from lwtui.models.openai_errors import HttpStatusError
from lwtui.models.openai_http import Endpoint, read_body
from lwtui.models.openai_stream import parse_object

_SECONDS = 3.0
_OLLAMA_PORT = 11434
_LM_STUDIO_DEFAULT = 4096  # tokens, if it loads the model only now
_OTHERS = ("koboldcpp", "llamacpp", "vllm", "sglang")  # some of them imitate Ollama's pages


@dataclass(frozen=True)
class ServerInfo:
    """What a server says about itself.

    Attributes:
        kind: Which server it is; empty if it is none that is known here.
        context_length: Tokens with which it has loaded the model; 0 if it does not tell.
        most_context: Tokens that the model can have at most; 0 if unknown.
        thinks: Whether the model can reason; ``None`` if unknown.
        parallel: Requests that it computes at a time; 0 if unknown.
    """

    kind: Literal["", "Ollama", "LM Studio", "llama-server"] = ""
    context_length: int = 0
    most_context: int = 0
    thinks: bool | None = None
    parallel: int = 0


async def ask_server(endpoint: Endpoint, base_url: str, model: str) -> ServerInfo:
    """Ask a server what it is. Never fails: a server that is not near, or does not answer, is not known.

    Args:
        endpoint: The client for it.
        base_url: Its address, usually with ``/v1``.
        model: The server's name for the model.
    """
    root, port = server_root(base_url), urlsplit(base_url).port
    if not is_local(host_of_address(base_url)) and port != _OLLAMA_PORT:
        return ServerInfo()
    pages = (f"{root}/api/version", f"{root}/api/v0/models", f"{root}/props", "/models")
    version, studio, props, models = await asyncio.gather(*(_fetch(endpoint, page) for page in pages))
    owners = {str(entry.get("owned_by", "")).lower() for entry in _objects(models.get("data"))}
    if isinstance(version.get("version"), str) and not owners.intersection(_OTHERS):
        return await _ollama(endpoint, root, model)
    entries = _objects(studio.get("data"))
    if any("max_context_length" in entry for entry in entries):
        return _lm_studio(entries, model)
    settings = props.get("default_generation_settings")
    if isinstance(settings, dict):
        return ServerInfo("llama-server", _count(settings.get("n_ctx")), parallel=_count(props.get("total_slots")))
    return ServerInfo()


def server_root(base_url: str) -> str:
    """Return the address of a server without the path of its OpenAI-compatible API."""
    return base_url.rstrip("/").removesuffix("/v1").removesuffix("/api").rstrip("/")


async def _ollama(endpoint: Endpoint, root: str, model: str) -> ServerInfo:
    shown, running = await asyncio.gather(
        _fetch(endpoint, f"{root}/api/show", {"model": model}), _fetch(endpoint, f"{root}/api/ps")
    )
    details = shown.get("model_info")
    details = details if isinstance(details, dict) else {}
    most = next((_count(value) for name, value in details.items() if name.endswith(".context_length")), 0)
    names = (model, f"{model}:latest")
    loaded = [entry for entry in _objects(running.get("models")) if {entry.get("name"), entry.get("model")} & {*names}]
    abilities = shown.get("capabilities")
    thinks = "thinking" in abilities if isinstance(abilities, list) else None
    return ServerInfo("Ollama", _count(loaded[0].get("context_length")) if loaded else 0, most, thinks)


def _lm_studio(entries: list[dict[str, Any]], model: str) -> ServerInfo:
    entry = next((entry for entry in entries if entry.get("id") == model), {})
    loaded, most = _count(entry.get("loaded_context_length")), _count(entry.get("max_context_length"))
    if not loaded and most:
        loaded = min(most, _LM_STUDIO_DEFAULT)
    return ServerInfo("LM Studio", loaded, most)


async def _fetch(endpoint: Endpoint, address: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Fetch a JSON object; empty if there is none."""
    try:
        with endpoint.translate_errors():
            async with asyncio.timeout(_SECONDS):
                response = await endpoint.request(address, body)
                try:
                    return parse_object(await read_body(response))
                finally:
                    await response.aclose()
    except (ModelError, HttpStatusError):
        return {}


def _objects(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < 2**31 else 0

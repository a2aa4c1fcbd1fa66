"""Well-known services: where each one is and which variable holds its key, so that nobody has to type addresses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from lwtui.addresses import host_of_address
from lwtui.models.servers import PORTS
from lwtui.translation import _


@dataclass(frozen=True)
class Service:
    """A service with an OpenAI-compatible API.

    Attributes:
        name: The service's name on screen.
        base_url: The address of its API.
        key_env: The environment variable in which people keep its key.
        lists_models: Whether its ``/models`` speaks the OpenAI protocol.
        context_length: Tokens that all of its models have at least, if its model list does not tell; 0 if unknown.
    """

    name: str
    base_url: str
    key_env: str = ""
    lists_models: bool = True
    context_length: int = 0

    @property
    def has_key(self) -> bool:
        """Whether the environment holds the service's key."""
        return bool(self.key_env and os.environ.get(self.key_env, "").strip())


SERVICES: tuple[Service, ...] = (
    Service("OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    Service("OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    Service(
        "Anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", lists_models=False, context_length=200_000
    ),
    Service("DeepSeek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", context_length=64_000),
    Service("Google Gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    Service("Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    Service("Mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    Service("Together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    Service("xAI", "https://api.x.ai/v1", "XAI_API_KEY"),
    *(Service(_("{name} (local)", name=name), f"http://127.0.0.1:{port}/v1") for port, name in PORTS.items()),
)


def service_at(base_url: str) -> Service | None:
    """Find the service at an address: by its host, or on this machine by its port."""
    origin = _origin(base_url)
    return next((service for service in SERVICES if _origin(service.base_url) == origin), None)


def best_provider(base_url: str) -> str:
    """Return the provider for an address: Anthropic's own API if its package is installed, else OpenAI's."""
    from importlib.util import find_spec

    is_anthropic = host_of_address(base_url) == "api.anthropic.com" and find_spec("anthropic") is not None
    return "anthropic" if is_anthropic else "openai"


def default_service() -> Service:
    """Choose the service to offer first: one whose key is in the environment, else the first in the list."""
    return next((service for service in SERVICES if service.has_key), SERVICES[0])


def _origin(base_url: str) -> tuple[str, str]:
    """Scheme, and host with port, of an address; ``localhost`` counts as 127.0.0.1."""
    try:
        parts = urlsplit(base_url.strip())
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "", base_url
    return parts.scheme, ("127.0.0.1" if host == "localhost" else host) + port

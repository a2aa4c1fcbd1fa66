"""Services that are known by name, so that nobody has to type their address: where each is, and whose key it takes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from lwtui.models.servers import PORTS

# What stands where a person may have pasted a key instead: keys of the services below, and what else looks like one.
_KEY = re.compile(r"(sk-|gsk_|xai-|hf_|tgp_|fw_|pplx-|nvapi-)[\w-]{12,}|AIza[\w-]{20,}")


@dataclass(frozen=True)
class Service:
    """A service with an OpenAI-compatible address. ``key_env`` is the variable in which people keep its key.

    ``lists`` is false for one that tells its models by another protocol alone. ``context_length`` (tokens) is what
    its models have at least, where its list does not say it; 0 leaves it open.
    """

    name: str
    base_url: str
    key_env: str = ""
    lists: bool = True
    context_length: int = 0

    @property
    def key_found(self) -> bool:
        """Whether its key stands in the environment."""
        return bool(self.key_env and os.environ.get(self.key_env, "").strip())


SERVICES: tuple[Service, ...] = (
    Service("OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    Service("OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    Service("Anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", lists=False, context_length=200_000),
    Service("DeepSeek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", context_length=64_000),
    Service("Google Gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    Service("Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    Service("Mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    Service("Together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    Service("xAI", "https://api.x.ai/v1", "XAI_API_KEY"),
    *(Service(f"{name} here", f"http://127.0.0.1:{port}/v1") for port, name in PORTS.items()),
)


def service_at(base_url: str) -> Service | None:
    """The service that an address belongs to: by its host, or for this machine by its port."""
    place = _place(base_url)
    return next((service for service in SERVICES if _place(service.base_url) == place), None)


def usual_service() -> Service:
    """The one to offer first: the first whose key stands in the environment, else the first."""
    return next((service for service in SERVICES if service.key_found), SERVICES[0])


def looks_like_key(text: str) -> bool:
    """Whether ``text`` seems to be a key, which must not stand where it can be read."""
    return bool(_KEY.fullmatch(text.strip()))


def _place(base_url: str) -> tuple[str, str]:
    """Scheme, host and port of an address; this machine has one name here."""
    try:
        parts = urlsplit(base_url.strip())
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "", base_url
    return parts.scheme, ("127.0.0.1" if host == "localhost" else host) + port

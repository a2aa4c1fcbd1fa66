"""Well-known services, and keys in the wrong place."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from lwtui.models.services import SERVICES, best_provider, default_service, service_at
from lwtui.request_settings import looks_like_key


@pytest.mark.parametrize(
    ("base_url", "provider"),
    [
        ("https://api.anthropic.com/v1", "anthropic"),
        ("https://api.openai.com/v1", "openai"),
        ("https://api.anthropic.com.example.org/v1", "openai"),
    ],
)
def test_anthropic_is_called_through_its_own_api(base_url: str, provider: str) -> None:
    assert best_provider(base_url) == provider


def test_a_service_is_found_by_its_host_or_its_local_port(monkeypatch: pytest.MonkeyPatch) -> None:
    for address, name in (
        ("https://api.openai.com/v1", "OpenAI"),
        (" https://openrouter.ai/api/v1/ ", "OpenRouter"),
        ("http://localhost:11434/v1", "Ollama (local)"),
        ("http://127.0.0.1:11434", "Ollama (local)"),
        ("http://api.openai.com/v1", None),  # no key is sent unencrypted
        ("https://api.openai.com.evil.example/v1", None),
        ("https://api.openai.com@evil.example/v1", None),
        ("http://127.0.0.1:9/v1", None),
        ("http://[::1:x", None),
        ("", None),
    ):
        found = service_at(address)
        assert (found.name if found else None) == name, address
    for service in SERVICES:
        assert service_at(service.base_url) is service
        assert not service.key_env or urlsplit(service.base_url).scheme == "https"
        monkeypatch.delenv(service.key_env or "X", raising=False)
    assert default_service() is SERVICES[0]
    monkeypatch.setenv("MISTRAL_API_KEY", " ")
    assert default_service() is SERVICES[0]
    monkeypatch.setenv("MISTRAL_API_KEY", "k")
    assert default_service().name == "Mistral"


def test_keys_are_recognized_and_names_are_not() -> None:
    for key in ("sk-abcdefghijklmnop", " sk-proj-Ab_12-xyzxyzxyz\n", "gsk_0123456789abcdef", "AIza" + "x" * 35):
        assert looks_like_key(key)
    for name in (
        "sk-small",
        "gpt-4o",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        "key",
        "hf-internal-testing-model",
    ):
        assert not looks_like_key(name)

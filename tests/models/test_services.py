"""Services by name, and keys that stand where they do not belong."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from lwtui.models.services import SERVICES, looks_like_key, service_at, usual_service


def test_an_address_is_told_apart_by_its_host_and_here_by_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    for address, name in (
        ("https://api.openai.com/v1", "OpenAI"),
        (" https://openrouter.ai/api/v1/ ", "OpenRouter"),
        ("http://localhost:11434/v1", "Ollama here"),
        ("http://127.0.0.1:11434", "Ollama here"),
        ("http://api.openai.com/v1", None),  # a key does not go there unencrypted
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
    assert usual_service() is SERVICES[0]
    monkeypatch.setenv("MISTRAL_API_KEY", " ")
    assert usual_service() is SERVICES[0]
    monkeypatch.setenv("MISTRAL_API_KEY", "k")
    assert usual_service().name == "Mistral"


def test_keys_are_known_by_their_looks_and_names_are_none() -> None:
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

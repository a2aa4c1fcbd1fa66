"""Addresses as people write them, and the ones that they stand for."""

from __future__ import annotations

import pytest

from lwtui.addresses import is_local, is_loopback, tidy_address
from lwtui.config import ModelSettings


@pytest.mark.parametrize(
    ("given", "base_url"),
    [
        ("https://api.example.org/v1", "https://api.example.org/v1"),
        ("  https://api.example.org/v1\t\n", "https://api.example.org/v1"),
        ("\u00a0'https://api.example.org/v1/'", "https://api.example.org/v1"),
        ("https://api.example.org/v1///", "https://api.example.org/v1"),
        ("https://api.example.org/v1/chat/completions", "https://api.example.org/v1"),
        ("https://api.example.org/v1/Chat/Completions/", "https://api.example.org/v1"),
        ("https://api.example.org/v1//completions", "https://api.example.org/v1"),
        ("https://api.example.org/v1/models", "https://api.example.org/v1"),
        ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1"),
        ("http://127.0.0.1:11434/api/chat", "http://127.0.0.1:11434"),
        ("http://127.0.0.1:3000/api/chat/completions", "http://127.0.0.1:3000/api"),
        ("https://me.services.ai.azure.com/models/chat/completions", "https://me.services.ai.azure.com/models"),
        ("localhost:11434", "http://localhost:11434"),
        ("127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        ("[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("192.168.1.20:8000/v1/models", "http://192.168.1.20:8000/v1"),
        ("gpu-box:8000/v1", "http://gpu-box:8000/v1"),
        ("tower.local:1234/v1", "http://tower.local:1234/v1"),
        ("api.example.org/v1", "https://api.example.org/v1"),
        ("HTTPS://Api.Example.org/v1", "https://Api.Example.org/v1"),
        ("https://api.example.org/models-of-mine", "https://api.example.org/models-of-mine"),
        # What is no address, or holds something that must not be stored, stays for the check to refuse.
        ("not an address", "not an address"),
        ("gpt", "gpt"),
        ("mailto:me@example.org", "mailto:me@example.org"),
        ("https://api.example.org/v1/models?key=x", "https://api.example.org/v1/models?key=x"),
        ("", ""),
    ],
)
def test_an_address_is_tidied(given: str, base_url: str) -> None:
    assert tidy_address(given) == base_url
    assert tidy_address(base_url) == base_url
    assert ModelSettings("m", base_url=given).base_url == base_url


@pytest.mark.parametrize(
    ("host", "loopback", "local"),
    [
        *((host, True, True) for host in ("localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9")),
        *((host, True, True) for host in ("::1", "[::1]", "::ffff:127.0.0.1", "0.0.0.0")),
        *((host, False, True) for host in ("10.0.0.7", "192.168.0.2", "172.16.0.1", "fe80::1", "nas.local", "gpu-box")),
        *((host, False, False) for host in ("api.example.org", "8.8.8.8", "127.example.org", "localhost.example.org")),
    ],
)
def test_this_machine_and_the_local_network_are_recognized(host: str, loopback: bool, local: bool) -> None:
    assert (is_loopback(host), is_local(host)) == (loopback, local)

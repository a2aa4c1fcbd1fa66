"""Settings that go into each request to an endpoint: reasoning, more parameters and more headers.

No key is ever stored: a header names the environment variable that holds it.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from lwtui.errors import ConfigError
from lwtui.translation import _

Parameters = dict[str, Any]
Headers = dict[str, str]

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
# The fields of a model that each role may have in another way, in [models.NAME.ROLE].
ROLE_FIELDS = ("reasoning_effort", "reasoning_tokens", "extra_body", "extra_headers")

_EFFORT = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_HEADER_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]{1,100}", re.ASCII)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)
_OWN_HEADERS = ("content-length", "content-type", "host", "accept-encoding", "transfer-encoding", "connection")
_OWN_PARAMETERS = ("messages", "prompt", "stream", "system")
# Recognizes an API key that somebody put where it must not be: keys of well-known services and similar texts.
_KNOWN_KEY = re.compile(r"(sk-|gsk_|xai-|hf_|tgp_|fw_|pplx-|nvapi-|ghp_|github_pat_)[\w-]{12,}|AIza[\w-]{20,}")
_ANY_KEY = re.compile(
    rf"(?<!\w)(?:{_KNOWN_KEY.pattern}|eyJ[\w-]{{8,}}\.[\w.-]{{8,}}|(?=\w*[A-Za-z])(?=\w*\d)\w{{24,}})", re.ASCII
)
_KEY_HEADER = re.compile(r"auth|key|token|secret|cookie|password|credential", re.IGNORECASE)
_LIST_OF_HEADERS = re.compile(r"\s*[,;\n]\s*(?=[\w-]+\s*[:=])")


def looks_like_key(text: str) -> bool:
    """Whether ``text`` seems to be an API key, which must not be stored or shown as plain text."""
    return bool(_KNOWN_KEY.fullmatch(text.strip()))


def parse_parameters(text: str) -> Parameters:
    """Parse parameters of a request, written as JSON (``{"a": 1}``) or TOML (``a = 1``).

    Raises:
        ValueError: They are neither.
    """
    text = text.strip()
    if not text:
        return {}
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        try:
            parsed = tomllib.loads(f"x = {text}" if text.startswith("{") else text)
        except tomllib.TOMLDecodeError:
            raise ValueError(text) from None
        parsed = parsed["x"] if text.startswith("{") else parsed
    if not isinstance(parsed, dict) or _has_null(parsed):
        raise ValueError(text)
    return parsed


def _has_null(value: object) -> bool:
    """Whether a value holds ``null``, which TOML does not have."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(map(_has_null, inner))


def parse_headers(text: str) -> Headers:
    """Parse headers, written as ``Name: value, Name: value``, JSON or TOML.

    Raises:
        ValueError: They are none of these.
    """
    try:
        parsed = parse_parameters(text)
    except ValueError:
        lines = (line.partition(":") for line in _LIST_OF_HEADERS.split(text.strip()))
        parsed = {name.strip(): value.strip() if colon else None for name, colon, value in lines}
    if not all(isinstance(value, str) for value in parsed.values()):
        raise ValueError(text)
    return parsed


def headers_text(headers: Mapping[str, str]) -> str:
    """Return headers as :func:`parse_headers` reads them."""
    listed = ", ".join(f"{name}: {value}" for name, value in headers.items())
    try:
        return listed if parse_headers(listed) == headers else json.dumps(headers, ensure_ascii=False)
    except ValueError:
        return json.dumps(headers, ensure_ascii=False)


def parameters_text(parameters: Mapping[str, Any]) -> str:
    """Return parameters as :func:`parse_parameters` reads them."""
    return json.dumps(parameters, ensure_ascii=False) if parameters else ""


def check_request_settings(values: Mapping[str, Any], where: str) -> None:
    """Check the fields in :data:`ROLE_FIELDS` that ``values`` has. ``where`` begins the messages.

    Raises:
        ConfigError: One is invalid, or contains a key; the message does not repeat it.
    """
    effort = values.get("reasoning_effort", "")
    if effort and not _EFFORT.fullmatch(effort):
        raise ConfigError(
            _(
                "{where}'reasoning_effort' must be a word such as {efforts}.",
                where=where,
                efforts=", ".join(EFFORTS[:5]),
            ),
            code="invalid-choice",
        )
    for name, value in values.get("extra_headers", {}).items():
        _check_header(name, value, f"{where}'extra_headers'")
    extra = values.get("extra_body", {})
    if own := next((name for name in _OWN_PARAMETERS if name in extra), ""):
        raise ConfigError(
            _("{where}'extra_body' must not have '{own}', which lwtui sets itself.", where=where, own=own),
            code="own-parameter",
        )
    if any(_ANY_KEY.search(text) for text in _strings(extra)):
        raise ConfigError(
            _(
                "{where}'extra_body' contains what looks like a key. Keys belong in the environment: name the variable "
                "in key_env or in extra_headers.",
                where=where,
            ),
            code="secret-in-settings",
        )


def _check_header(name: str, value: object, where: str) -> None:
    if not _HEADER_NAME.fullmatch(name):
        raise ConfigError(
            _("{where}: a name consists of letters, digits and hyphens.", where=where), code="invalid-header"
        )
    if name.lower() in _OWN_HEADERS:
        raise ConfigError(
            _("{where} must not have '{name}', which lwtui sets itself.", where=where, name=name), code="own-parameter"
        )
    if not isinstance(value, str) or not value.isprintable() or not value.isascii():
        raise ConfigError(
            _("{where}: '{name}' must be plain text in quotes, on one line.", where=where, name=name),
            code="invalid-header",
        )
    rest = _VARIABLE.sub("", value)
    if _ANY_KEY.search(rest) or (_KEY_HEADER.search(name) and not _VARIABLE.search(value)):
        raise ConfigError(
            _(
                "{where}: the value of '{name}' looks like a key, which must not go into the settings file. Put it in "
                "an "
                'environment variable and name that: {name} = "$NAME".',
                where=where,
                name=name,
            ),
            code="secret-in-settings",
        )


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def resolved_headers(headers: Mapping[str, str]) -> tuple[Headers, list[str]]:
    """Return headers with the values of the variables that they name, and these values, which are secret.

    Raises:
        ConfigError: A variable is not set, or holds what no header can.
    """
    secrets: list[str] = []

    def value_of(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        value = os.environ.get(name, "").strip()
        if not value:
            raise ConfigError(
                _("extra_headers names the variable {name}, which is not set. Set it.", name=name), code="no-variable"
            )
        if not value.isascii() or not value.isprintable():
            raise ConfigError(
                _(
                    "The variable {name}, which extra_headers names, holds characters that no header can hold.",
                    name=name,
                ),
                code="invalid-header",
            )
        secrets.append(value)
        return value

    return {name: _VARIABLE.sub(value_of, value) for name, value in headers.items()}, secrets


def merged(parameters: Mapping[str, Any], more: Mapping[str, Any]) -> Parameters:
    """Return ``parameters`` with ``more`` added; tables within both are merged as well."""
    result = dict(parameters)
    for name, value in more.items():
        old = result.get(name)
        result[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result

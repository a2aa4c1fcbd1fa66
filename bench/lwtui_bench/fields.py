"""Reading the fields of a row that anyone may have written: each is checked, and ``ValueError`` says what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from lwtui.text import clean


def prompt_in(row: Mapping[str, Any]) -> str:
    """The prompt of a row; ``ValueError`` if it has none."""
    prompt = row.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise ValueError(f"'prompt' must be text, not {short(prompt)}" if prompt else "it has no 'prompt'")
    return prompt


def prompt_id(prompt: str) -> str:
    """16 hexadecimal digits that stand for a prompt."""
    return sha256(prompt.encode("utf-8", "replace")).hexdigest()[:16]


def length_in(row: Mapping[str, Any]) -> float:
    """The required length of a row; ``ValueError`` if it has none above 0."""
    if "length" not in row:
        raise ValueError("it has no 'length'")
    length = row["length"]
    if isinstance(length, bool) or not isinstance(length, int | float) or not 0 < length < 1e9:
        raise ValueError(f"'length' must be a number above 0, not {short(length)}")
    return length


def type_in(row: Mapping[str, Any]) -> str:
    kind = row.get("type", "")
    if not isinstance(kind, str):
        raise ValueError(f"'type' must be text, not {short(kind)}")
    return clean(kind).strip() or "unknown"


def short(value: object) -> str:
    shown = clean(repr(value))
    return shown if len(shown) <= 40 else f"{shown[:40]}…"


def text_in(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name!r} must be text, not {short(value)}")
    return clean(value or "").strip()


def whole_in(row: Mapping[str, Any], name: str, default: int) -> int:
    value = row.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name!r} must be a whole number, not {short(value)}")
    return value


def number_in(row: Mapping[str, Any], name: str) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ValueError(f"{name!r} must be a number from 0, not {short(value)}")
    return float(value)


def table_in(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = row.get(name) or {}
    if not isinstance(value, dict):
        raise ValueError(f"{name!r} must be an object, not {short(value)}")
    return value

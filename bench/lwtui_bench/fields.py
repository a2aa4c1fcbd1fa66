"""Read the fields of a row from an untrusted file. Each getter raises ``ValueError`` for a malformed value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from lwtui.text import clean
from lwtui.translation import _

_MAX_SHOWN = 40  # characters


def get_prompt(row: Mapping[str, Any]) -> str:
    """Return the prompt, which is required."""
    prompt = row.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise ValueError(
            _("'prompt' must be text, not {value}", value=shorten(prompt)) if prompt else _("it has no 'prompt'")
        )
    return prompt


def prompt_id(prompt: str) -> str:
    """Return 16 hexadecimal digits that identify a prompt."""
    return sha256(prompt.encode("utf-8", "replace")).hexdigest()[:16]


def get_length(row: Mapping[str, Any]) -> float:
    """Return the required length, which must be there and above 0."""
    if "length" not in row:
        raise ValueError(_("it has no 'length'"))
    length = row["length"]
    if isinstance(length, bool) or not isinstance(length, int | float) or not 0 < length < 1e9:
        raise ValueError(_("'length' must be a number above 0, not {value}", value=shorten(length)))
    return length


def get_type(row: Mapping[str, Any]) -> str:
    """Return the type of text, or "unknown"."""
    kind = row.get("type", "")
    if not isinstance(kind, str):
        raise ValueError(_("'type' must be text, not {value}", value=shorten(kind)))
    return clean(kind).strip() or "unknown"


def get_text(row: Mapping[str, Any], name: str) -> str:
    """Return a text without control characters; it is empty if the row has none."""
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(_("{name!r} must be text, not {value}", name=name, value=shorten(value)))
    return clean(value or "").strip()


def get_required(row: Mapping[str, Any], names: Iterable[str], what: str) -> dict[str, str]:
    """Return texts by their names, all of which the row must have; else it is ``what``, such as "not a verdict"."""
    texts = {name: get_text(row, name) for name in names}
    if missing := [name for name, text in texts.items() if not text]:
        raise ValueError(_("it has no {missing!r}, so it is {what}", missing=missing[0], what=what))
    return texts


def get_integer(row: Mapping[str, Any], name: str, default: int) -> int:
    """Return a whole number, or ``default`` if the row has none."""
    value = row.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(_("{name!r} must be a whole number, not {value}", name=name, value=shorten(value)))
    return value


def get_number(row: Mapping[str, Any], name: str) -> float | None:
    """Return a number of at least 0, or ``None`` if the row has none."""
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ValueError(_("{name!r} must be a number of at least 0, not {value}", name=name, value=shorten(value)))
    return float(value)


def get_table(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a JSON object, which is empty if the row has none."""
    value = row.get(name) or {}
    if not isinstance(value, dict):
        raise ValueError(_("{name!r} must be an object, not {value}", name=name, value=shorten(value)))
    return value


def shorten(value: object) -> str:
    """Show a value in an error message, in at most 40 characters."""
    shown = clean(repr(value))
    return shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"

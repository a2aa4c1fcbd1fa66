"""Asks a LanguageTool server of the user's own what is wrong with a text (its HTTP API, ``/v2/check``)."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import regex

from lwtui.config import public_address
from lwtui.errors import LwtuiError
from lwtui.models.network import route_to
from lwtui.text import clean, one_line
from lwtui.translation import _

_SECONDS = 60.0
_MOST_BYTES = 2**24  # of an answer
_MOST_CHARACTERS = 20_000  # in one request
_BREAK = regex.compile(r"\n[ \t]*\n\s*")
_LONGEST = 300  # characters of a message
_PATH = regex.compile(r"/+(?:v2(?:/+check)?)?/*$")


@dataclass(frozen=True)
class LanguageFault:
    """Something that LanguageTool has found.

    Attributes:
        start: Where it starts in the text (offset).
        end: Where it ends.
        message: What is wrong.
        kind: LanguageTool's type of the issue, such as ``misspelling``, ``grammar`` or ``style``.
        replacements: What may stand there instead.
    """

    start: int
    end: int
    message: str
    kind: str
    replacements: tuple[str, ...]


def check_language(address: str, text: str, language: str) -> list[LanguageFault]:
    """Have a server check a text.

    Args:
        address: The server's address, with or without ``/v2/check``.
        text: The text, of any length; it is sent in pieces of whole paragraphs.
        language: The language of the text; empty lets the server find out.

    Raises:
        LwtuiError: The server cannot be reached, or does not answer as LanguageTool does.
    """
    found = []
    for start, end in _pieces(text):
        piece = text[start:end]
        for fault in _ask(_PATH.sub("", address.strip()) + "/v2/check", piece, language or "auto"):
            found.append(replace(fault, start=fault.start + start, end=fault.end + start))
    return found


def _ask(url: str, text: str, language: str) -> list[LanguageFault]:
    import httpx2

    try:
        with httpx2.Client(timeout=_SECONDS, **route_to(httpx2.URL(url)).options) as client:
            response = client.post(url, data={"text": text, "language": language})
            body = response.content[:_MOST_BYTES]
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        problem = one_line(clean(str(error))) or type(error).__name__
        raise LwtuiError(
            _(
                "Cannot reach LanguageTool at {url}: {problem}. Start it, or change languagetool in "
                "[lint] of the settings.",
                url=public_address(url),
                problem=problem,
            ),
            code="unreachable",
        ) from None
    if response.status_code != 200:
        said = one_line(clean(body.decode("utf-8", "replace")))[:_LONGEST]
        if response.status_code == 400 and language != "auto" and "language" in said:
            return _ask(url, text, "auto")  # one that it does not know
        status = _("it answers with status {status}", status=response.status_code)
        raise _odd(url, f"{status} ({said})" if said else status)
    try:
        rows = json.loads(body)["matches"]
        units = text.encode("utf-16-le", "surrogatepass")  # in which LanguageTool counts: an emoji has two units
        return [fault for row in rows if (fault := _fault(row, units)) is not None]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise _odd(url, _("its answer is none of LanguageTool's")) from None


def _fault(row: Any, units: bytes) -> LanguageFault | None:
    """Return the fault in a row; ``None`` if its place is not in the text, of which ``units`` is the UTF-16."""
    offset, length = row["offset"], row["length"]
    if type(offset) is not int or type(length) is not int or offset < 0 or length < 0:
        return None
    if 2 * (offset + length) > len(units):
        return None
    start = len(units[: 2 * offset].decode("utf-16-le", "ignore"))
    end = len(units[: 2 * (offset + length)].decode("utf-16-le", "ignore"))
    others = [one_line(clean(str(one.get("value", "")))) for one in row.get("replacements", [])[:3]]
    rule = row.get("rule") or {}
    message = one_line(clean(str(row.get("message", ""))))[:_LONGEST]
    kind = str(rule.get("issueType") or "grammar").lower()
    return LanguageFault(start, end, message or _("LanguageTool gives no reason."), kind, tuple(filter(None, others)))


def _odd(url: str, problem: str) -> LwtuiError:
    return LwtuiError(
        _(
            "{url} is no LanguageTool server: {problem}. Change languagetool in [lint] of the settings.",
            url=public_address(url),
            problem=problem,
        ),
        code="malformed",
    )


def _pieces(text: str) -> list[tuple[int, int]]:
    """Divide a text at blank lines into pieces that one request can have."""
    pieces, start = [], 0
    while len(text) - start > _MOST_CHARACTERS:
        window = text[start : start + _MOST_CHARACTERS]
        breaks = [match.end() for match in _BREAK.finditer(window)]
        end = start + (breaks[-1] if breaks else window.rfind(" ") + 1 or len(window))
        pieces.append((start, end))
        start = end
    return [(a, b) for a, b in (*pieces, (start, len(text))) if text[a:b].strip()]

"""Citation keys such as "gray2020", made from the author, the year and the title of a source."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

import regex

from lwtui.sources.csl import issued_parts, people

_NOT_IN_KEY = regex.compile(r"[^a-z0-9]+")
_MAX_KEY = 40  # characters
_MAX_PART = 24  # characters of a name or of a word of a title
_SMALL_WORDS = frozenset(
    """
    a an and as at by for from how in into is of on or the to with das de der des die du ein eine el en la las le les
    los un una und une von zum zur
    """.split()  # noqa: SIM905
)
# Letters that Unicode does not take for another letter with a mark.
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"}
)


def make_key(csl: Mapping[str, Any], wanted: str, taken: Collection[str]) -> str:
    """Return a citation key that is not taken: ASCII, ``[a-z0-9-]``.

    Args:
        csl: The CSL-JSON item.
        wanted: The key that a bibliography has for it, or empty.
        taken: The keys of the other sources.
    """
    base = _ascii(wanted, "-")[:_MAX_KEY].strip("-")
    if not base:
        name, year = _author(csl), _year(csl)
        base = (name or _title_word(csl)) + year if name or year else _title_words(csl)
        base = base or "source"
    if base not in taken and base != "source":
        return base
    if base[-1:].isdigit() and not wanted:
        for letter in "bcdefghijklmnopqrstuvwxyz":
            if base + letter not in taken:
                return base + letter
    number = 1 if base == "source" else 2
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"


def _ascii(text: str, between: str = "") -> str:
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    bare = "".join(char for char in folded if not unicodedata.combining(char))
    return _NOT_IN_KEY.sub(between, bare).strip("-")


def _author(csl: Mapping[str, Any]) -> str:
    for name in people(csl, ("author", "editor")):
        given = name.get("family") or name.get("literal") or ""
        words = [word for word in map(_ascii, given.split()) if word]
        words = [word for word in words if word not in _SMALL_WORDS] or words
        if found := "".join(words[:2] if name.get("family") else words[:1]):
            return found[:_MAX_PART]
    return ""


def _year(csl: Mapping[str, Any]) -> str:
    year = next((part[0] for part in issued_parts(csl)), None)
    return str(year) if isinstance(year, int) and 0 < year < 10_000 else ""


def _words(csl: Mapping[str, Any]) -> list[str]:
    words = [_ascii(word) for word in regex.split(r"[\s\p{P}]+", str(csl.get("title") or ""))]
    words = [word for word in words if word]
    return [word for word in words if word not in _SMALL_WORDS] or words


def _title_word(csl: Mapping[str, Any]) -> str:
    return next((word[:_MAX_PART] for word in _words(csl) if not word.isdigit()), "source")


def _title_words(csl: Mapping[str, Any]) -> str:
    return "-".join(word[:_MAX_PART] for word in _words(csl)[:3])[:_MAX_KEY].strip("-")

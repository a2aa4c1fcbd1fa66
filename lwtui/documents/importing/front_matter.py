"""What stands before a Markdown text: YAML, TOML or JSON front matter, or the head of pandoc or MultiMarkdown."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import regex

from lwtui.text import one_line

# Its first line must be followed by a key or a comment, or it is text between two thematic breaks.
_YAML = regex.compile(
    r"\A\s*^---[ \t]*\n(?=#|[^\s:#][^\n:]*:)(?P<yaml>(?s:.*?))^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", regex.MULTILINE
)
_TOML = regex.compile(r"\A\s*^\+\+\+[ \t]*\n(?P<toml>(?s:.*?))^\+\+\+[ \t]*(?:\n|\Z)", regex.MULTILINE)
_JSON = regex.compile(r"\A\s*(?:;;;[ \t]*\n\s*)?(?=\{\s*\"[^\"\n]*\"\s*:)")
_AFTER_JSON = regex.compile(r"[ \t]*\n(?:;;;[ \t]*(?:\n|\Z))?|[ \t]*\Z")
# Pandoc: a title, authors and a date, each after a percent sign; further lines are indented.
_PANDOC = regex.compile(
    r"\A\s*?(?P<lines>%(?![%~])[^\n]*(?:\n[ \t]+[^\n]+)*(?:\n%(?![%~])[^\n]*(?:\n[ \t]+[^\n]+)*){0,2})(?:\n|\Z)"
)
_MULTIMARKDOWN = regex.compile(
    r"\A(?P<head>(?:[\p{L}][\p{L}\p{N} _-]{0,30}:[^\n]*(?:\n[ \t]+[^\n]+)*(?:\n|\Z))+)(?=[ \t]*\n|\Z)"
)
_MULTIMARKDOWN_LINE = regex.compile(r"(?P<key>[\p{L}][\p{L}\p{N} _-]{0,30}):(?P<value>[^\n]*(?:\n[ \t]+[^\n]+)*)")
_KEY = regex.compile(r"[\w-]+[ \t]*:")
_YAML_LINE = regex.compile(r"^(?P<key>title|author|date)[ \t]*:[ \t]*(?P<value>[^\n]*)", regex.MULTILINE)
_MAX_FRONT_MATTER = 20_000  # characters
_TITLES = ("title", "titel", "titre", "título", "titolo")
_AUTHORS = ("author", "authors", "autor", "autorin", "auteur", "autore", "creator")
# A head of MultiMarkdown has one of these, or it is prose with a colon.
_MULTIMARKDOWN_KEYS = frozenset({*_TITLES, *_AUTHORS})
_LANGUAGES = ("lang", "language", "locale")
_DATES = ("date", "published", "datum", "fecha", "data")
_TAG = regex.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True)
class FrontMatter:
    """What the front matter says.

    Attributes:
        title: The title, or empty.
        author: The author or authors, or empty.
        language: The language as a BCP 47 tag, or empty.
        others: The names of the other values, which a document has no place for.
        date: The date, which is one of them.
    """

    title: str = ""
    author: str = ""
    language: str = ""
    others: tuple[str, ...] = ()
    date: str = ""


def split_front_matter(text: str) -> tuple[FrontMatter, str]:
    """Split off the front matter of a text; return it and the text after it."""
    for split in (_yaml, _toml, _json, _pandoc, _multimarkdown):
        found = split(text)
        if found is not None:
            return found
    return FrontMatter(), text


def _yaml(text: str) -> tuple[FrontMatter, str] | None:
    match = _YAML.match(text)
    if match is None or len(match["yaml"]) > _MAX_FRONT_MATTER:
        return None
    import yaml

    rest = text[match.end() :]
    try:
        # BaseLoader keeps titles such as 007 or No as strings. Tabs are common, though not valid YAML.
        values = yaml.load(match["yaml"].replace("\t", "  "), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        if not _KEY.match(match["yaml"]):
            return None  # text between two thematic breaks
        # "title: Rust: The Book" is common, though not valid YAML.
        lines = {line["key"]: line["value"].strip(" \t\"'") for line in _YAML_LINE.finditer(match["yaml"])}
        others = dict.fromkeys(regex.findall(r"(?m)^([\w-]+)[ \t]*:", match["yaml"]))
        return _front_matter({**others, **lines}), rest
    return (_front_matter(values), rest) if isinstance(values, dict) else None


def _toml(text: str) -> tuple[FrontMatter, str] | None:
    match = _TOML.match(text)
    if match is None or len(match["toml"]) > _MAX_FRONT_MATTER:
        return None
    try:
        values = tomllib.loads(match["toml"])
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return None
    return _front_matter(values), text[match.end() :]


def _json(text: str) -> tuple[FrontMatter, str] | None:
    match = _JSON.match(text)
    if match is None:
        return None
    try:
        values, end = json.JSONDecoder().raw_decode(text, match.end())
    except (ValueError, RecursionError):
        return None
    after = _AFTER_JSON.match(text, end)
    if not isinstance(values, dict) or after is None:
        return None
    return _front_matter(values), text[after.end() :]


def _pandoc(text: str) -> tuple[FrontMatter, str] | None:
    match = _PANDOC.match(text)
    if match is None or match["lines"].count("\n\n"):
        return None
    values = [one_line(value) for value in regex.split(r"(?m)^%", match["lines"])[1:]]
    title, author, date = (*values, "", "", "")[:3]
    authors = ", ".join(name.strip() for name in author.split(";") if name.strip())
    return FrontMatter(title, authors, others=("date",) if date else (), date=date), text[match.end() :]


def _multimarkdown(text: str) -> tuple[FrontMatter, str] | None:
    match = _MULTIMARKDOWN.match(text.lstrip("\n"))
    if match is None or len(match["head"]) > _MAX_FRONT_MATTER:
        return None
    values = {line["key"].strip(): one_line(line["value"]) for line in _MULTIMARKDOWN_LINE.finditer(match["head"])}
    if not _MULTIMARKDOWN_KEYS & {key.lower() for key in values}:
        return None
    rest = text.lstrip("\n")[match.end() :]
    return (_front_matter(values), rest) if rest.strip() else None


def _front_matter(values: Mapping[Any, Any]) -> FrontMatter:
    named = {str(key).strip().lower(): value for key, value in values.items()}
    title = next((_text(named[key]) for key in _TITLES if isinstance(named.get(key), str | int | float)), "")
    author = next((_text(named[key]) for key in _AUTHORS if named.get(key)), "")
    language = next((_text(named[key]) for key in _LANGUAGES if named.get(key)), "")
    is_tag = bool(_TAG.fullmatch(language))
    known = {*_TITLES, *_AUTHORS, *(_LANGUAGES if is_tag else ())}
    others = tuple(one_line(str(key)) for key in values if str(key).strip().lower() not in known)
    date = next((_text(named[key]) for key in _DATES if named.get(key)), "")
    return FrontMatter(title, author, language if is_tag else "", others, date)


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        value = value.get("name", "")
    if isinstance(value, list):
        return ", ".join(name for part in value if (name := _text(part)))
    return one_line(str(value)) if value is not None else ""

"""Reads what the search tool of an MCP server answers. There is no standard for it: JSON, Markdown, labeled lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import regex

from lwtui.sources.research.results import MOST_RESULTS, SearchResult, make_result

MAX_TEXT = 2_000_000  # characters of an answer
_ADDRESS_KEYS = ("url", "link", "href", "uri", "address", "source_url", "source")
_TITLE_KEYS = ("title", "name", "headline")
_EXCERPT_KEYS = ("snippet", "description", "excerpt", "content", "text", "summary", "body", "highlights")
_DEEPEST = 8
_ADDRESS = r"https?://[^\s<>\"'`\]|\\^{}]+"
_LINK = regex.compile(rf"\[(?P<title>[^\[\]\n]{{1,300}})\]\((?P<address>{_ADDRESS}?)(?:\s+\"[^\"]*\")?\)")
_FIELD = regex.compile(
    r"(?im)^[ \t>*#\d.)-]*(?P<name>title|url|link|description|snippet|summary)[*_ ]{0,3}[:：][*_ ]{0,3}(?P<value>\S.*)$"
)
_BARE = regex.compile(_ADDRESS)


def results_in(texts: list[str], structured: object = None) -> list[SearchResult]:
    """Return the results in the answer of a search tool.

    Args:
        texts: Its pieces of text.
        structured: Its structured content, if it has any.
    """
    found = list(_in_data(structured, 0)) if structured is not None else []
    for text in texts:
        if len(found) >= MOST_RESULTS:
            break
        if not found:
            found += _in_text(text[:MAX_TEXT])
    unique = {result.address: result for result in reversed(found)}
    return list(reversed(unique.values()))[:MOST_RESULTS]


def _in_text(text: str) -> list[SearchResult]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return _in_lines(text)
    return list(_in_data(data, 0))


def _in_data(data: Any, depth: int) -> Iterator[SearchResult]:
    """Yield the results anywhere in JSON data: objects with an address."""
    if depth > _DEEPEST:
        return
    if isinstance(data, str):
        # Some tools answer with an object whose only value is the text.
        yield from _in_lines(data[:MAX_TEXT]) if "://" in data else ()
    elif isinstance(data, list):
        for each in data[: MOST_RESULTS * 4]:
            yield from _in_data(each, depth + 1)
    elif isinstance(data, Mapping):
        if result := _of_object(data):
            yield result
            return
        for value in list(data.values())[:MOST_RESULTS]:
            if isinstance(value, Mapping | list) or (isinstance(value, str) and len(data) == 1):
                yield from _in_data(value, depth + 1)


def _of_object(row: Mapping[str, Any]) -> SearchResult | None:
    address = next((row[key] for key in _ADDRESS_KEYS if isinstance(row.get(key), str) and "://" in row[key]), None)
    own = row.get("id")
    if address is None and isinstance(own, str) and "://" in own:
        address = own
    excerpt = next((row[key] for key in _EXCERPT_KEYS if row.get(key)), "")
    if isinstance(excerpt, list):
        excerpt = " … ".join(each for each in excerpt if isinstance(each, str))
    return make_result(next((row[key] for key in _TITLE_KEYS if row.get(key)), ""), address, excerpt, own)


def _in_lines(text: str) -> list[SearchResult]:
    """Return the results in plain text: lines such as ``Title: …`` and ``URL: …``, links in Markdown, or addresses."""
    fields = [(match["name"].lower(), match["value"].strip(" *_`<>")) for match in _FIELD.finditer(text)]
    if any(name in ("url", "link") and _BARE.match(value) for name, value in fields):
        return _of_fields(fields)
    links = [make_result(match["title"], match["address"]) for match in _LINK.finditer(text)]
    if links:
        return [link for link in links if link]
    bare = (make_result("", match[0].rstrip(".,;:!?)。，；")) for match in _BARE.finditer(text))
    return [link for link in bare if link]


def _of_fields(fields: list[tuple[str, str]]) -> list[SearchResult]:
    """Return the results in labeled lines. A label that has come already begins the next result."""
    groups: list[dict[str, str]] = [{}]
    for name, value in fields:
        name = {"link": "url", "snippet": "description", "summary": "description"}.get(name, name)
        if name in groups[-1]:
            groups.append({})
        groups[-1][name] = value
    made = (make_result(group.get("title", ""), group.get("url"), group.get("description", "")) for group in groups)
    return [result for result in made if result]

"""What a search finds, as data from elsewhere: cleaned, bounded, and only public addresses of the web."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import regex

from lwtui.addresses import host_of_address, is_local
from lwtui.errors import LwtuiError
from lwtui.text import one_line

RESEARCH = "research"  # the document setting that is "on" until the research of a run is done
MOST_RESULTS = 60  # of one research, and of one answer
MOST_QUERIES = 12
_LONGEST_QUERY = 300  # characters
_LONGEST_ADDRESS = 2_000  # characters
_LONGEST_TITLE = 200
_LONGEST_EXCERPT = 500
_NO_ADDRESS = regex.compile(r"[\s\p{C}<>\"\\^`{|}]")
_TAG = regex.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_TRACKING = regex.compile(r"(?:^|&)(?:utm_[a-z]+|gclid|fbclid|mc_[ce]id)=[^&]*", regex.IGNORECASE)


class ResearchError(LwtuiError):
    """A search tool is missing, or does not answer as it should."""

    code = "research"


@dataclass(frozen=True)
class SearchResult:
    """A page that a search has found.

    Attributes:
        title: Its title; its address if it has none.
        address: An ``http`` or ``https`` address, not of the local network.
        excerpt: Some words of it, or nothing.
        query: The query that found it.
        id: How the search tool names it, if not by the address.
    """

    title: str
    address: str
    excerpt: str = ""
    query: str = ""
    id: str = ""


class SearchTool(Protocol):
    """Something that searches. It is open within ``async with``."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    async def search(self, query: str) -> Sequence[SearchResult]:
        """Return what a query finds, the best first.

        Raises:
            ResearchError: The tool does not answer as it should.
        """
        ...

    async def fetch(self, result: SearchResult) -> str | None:
        """Return the text of a result; ``None`` if lwtui is to fetch the page itself.

        Raises:
            ResearchError: The tool does not give it.
        """
        ...


def make_result(title: object, address: object, excerpt: object = "", id: object = "") -> SearchResult | None:
    """Make a result of what a search tool says; ``None`` if it has no public address of the web."""
    if not isinstance(address, str) or not (address := address.strip()) or not is_public(address):
        return None
    plain = _plain(title, _LONGEST_TITLE) or address
    name = id if isinstance(id, str) and id != address else ""
    return SearchResult(plain, address, _plain(excerpt, _LONGEST_EXCERPT), id=name[:_LONGEST_ADDRESS])


def is_public(address: str) -> bool:
    """Tell whether an address is one of the web that may be fetched: ``http(s)``, no password, no local host."""
    if len(address) > _LONGEST_ADDRESS or _NO_ADDRESS.search(address):
        return False
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    host = host_of_address(address)
    if parts.scheme.lower() not in ("http", "https") or not host or "@" in parts.netloc or port == 0:
        return False
    # A number may be an address in another form: 2130706433 and 0x7f.1 are this machine.
    is_number = regex.fullmatch(r"[\d.]+|(?:.*\.)?0x[\da-f.x]+", host) is not None
    is_plain = regex.fullmatch(r"(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})", host) is not None
    return not is_local(host) and (is_plain or not is_number)


def _plain(text: object, most: int) -> str:
    """Return a text as one line without markup and control characters."""
    if not isinstance(text, str):
        return ""
    line = one_line(unescape(_TAG.sub("", text[: most * 4])))
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def address_key(address: str) -> str:
    """Return what two addresses of the same page have in common."""
    parts = urlsplit(address)
    query = _TRACKING.sub("", parts.query).strip("&")
    return urlunsplit(("", parts.netloc.lower().removeprefix("www."), parts.path.rstrip("/"), query, ""))


def merged(lists: Sequence[Sequence[SearchResult]], known: Iterable[str] = ()) -> tuple[SearchResult, ...]:
    """Return the results of several queries in turn, the best of each first, every page once.

    Args:
        lists: The results of each query.
        known: Addresses that are left out: those that are sources already.
    """
    seen = {address_key(address) for address in known if is_public(address)}
    chosen = []
    for result in _in_turn(lists):
        if (key := address_key(result.address)) not in seen:
            seen.add(key)
            chosen.append(result)
    return tuple(chosen[:MOST_RESULTS])


def _in_turn(lists: Sequence[Sequence[SearchResult]]) -> Iterator[SearchResult]:
    for rank in range(max(map(len, lists), default=0)):
        for results in lists:
            if rank < len(results):
                yield results[rank]


def tidy_queries(queries: Iterable[str]) -> list[str]:
    """Return queries as they are sent: on one line each, each once, and not too many."""
    lines = (one_line(query).strip(" -*•\"'“”") for query in queries)
    return list(dict.fromkeys(line[:_LONGEST_QUERY] for line in lines if line))[:MOST_QUERIES]

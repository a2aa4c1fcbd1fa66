"""Searches with SearXNG, a metasearch engine that one can run oneself, through its JSON API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from lwtui import __version__
from lwtui.addresses import host_of_address, tidy_address
from lwtui.models.base import ModelError
from lwtui.models.network import routed_transport
from lwtui.sources.research.results import MOST_RESULTS, ResearchError, SearchResult, make_result
from lwtui.text import one_line
from lwtui.translation import _, sentences

if TYPE_CHECKING:
    import httpx2

_WHOLE_SECONDS = 30.0
_MAX_BYTES = 5_000_000
_JSON_OFF = _("Add json to search.formats in its settings.yml, or choose another instance.")


class SearxngSearch:
    """Asks a SearXNG server (see :class:`lwtui.sources.research.results.SearchTool`)."""

    def __init__(self, address: str, language: str = "", key: str = "", seconds: float = _WHOLE_SECONDS) -> None:
        """Create the tool.

        Args:
            address: The address of the server.
            language: The language of the results (BCP 47); empty for all.
            key: A bearer token that the server asks for; empty for none.
            seconds: How long it may take to answer.
        """
        self._address = tidy_address(address).removesuffix("/search")
        self._language = language
        self._seconds = seconds
        self._headers = {"User-Agent": f"lwtui/{__version__}", "Accept": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._client: httpx2.AsyncClient | None = None

    @property
    def name(self) -> str:
        """The server's host."""
        return _("SearXNG at {host}", host=host_of_address(self._address))

    async def __aenter__(self) -> Self:
        import httpx2

        self._client = httpx2.AsyncClient(timeout=self._seconds, headers=self._headers, transport=routed_transport())
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._client is not None
        await self._client.aclose()

    async def search(self, query: str) -> Sequence[SearchResult]:
        """See :meth:`lwtui.sources.research.results.SearchTool.search`."""
        import anyio
        import httpx2

        try:
            async with asyncio.timeout(self._seconds):
                return _results(await self._answer(query), query, self.name)
        except (TimeoutError, httpx2.TimeoutException):
            message = _("{server} does not answer in time. Try again later.", server=self.name)
            raise ResearchError(message, code="timeout") from None
        except ModelError:
            raise  # a proxy or certificate that the environment names wrongly
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError, anyio.EndOfStream, ValueError):
            raise ResearchError(
                _(
                    "{server} cannot be reached. Check searxng in [research] of the settings, and that it runs.",
                    server=self.name,
                ),
                code="unreachable",
            ) from None

    async def fetch(self, result: SearchResult) -> str | None:
        """Return ``None``: SearXNG only searches."""
        return None

    async def _answer(self, query: str) -> bytes:
        assert self._client is not None
        parameters = {"q": query, "format": "json"} | ({"language": self._language} if self._language else {})
        async with self._client.stream("GET", f"{self._address}/search", params=parameters) as response:
            if response.status_code != 200:
                status = response.status_code
                raise ResearchError(_refusal(self.name, status), code=f"http-{status}")
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _MAX_BYTES:
                    raise ResearchError(
                        _(
                            "{server} sends more than {size} MB. Check the address.",
                            server=self.name,
                            size=_MAX_BYTES // 1_000_000,
                        ),
                        code="too-large",
                    )
        return bytes(body)


def _refusal(server: str, status: int) -> str:
    if status == 403:
        return sentences(_("{server} does not give JSON ({status}).", server=server, status=status), _JSON_OFF)
    if status in (401, 407):
        message = _("{server} needs a login ({status}). Name the variable with its token in key_env of [research].")
    elif status == 429:
        message = _("{server} is asked for too often ({status}). Try again later, or run your own.")
    elif status == 404:
        message = _("{server} is no SearXNG ({status}). Check searxng in [research] of the settings.")
    elif 300 <= status < 400:
        message = _("{server} leads elsewhere ({status}). Name the address that it leads to.")
    else:
        message = _("{server} cannot search ({status}). Try again later.")
    return message.format(server=server, status=status)


def _results(body: bytes, query: str, name: str) -> list[SearchResult]:
    """Read an answer.

    Raises:
        ResearchError: It is not SearXNG's, or none of its engines has answered.
    """
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    rows = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        message = sentences(_("{server} does not answer in JSON.", server=name), _JSON_OFF)
        raise ResearchError(message, code="no-json")
    found = []
    for row in rows[: MOST_RESULTS * 4]:
        if not isinstance(row, dict):
            continue
        if result := make_result(row.get("title"), row.get("url"), row.get("content")):
            found.append(replace(result, query=query))
    silent = answer.get("unresponsive_engines")
    if not found and not rows and isinstance(silent, list) and silent:
        engines = (each[0] if isinstance(each, list) and each else each for each in silent[:5])
        names = ", ".join(one_line(str(engine))[:30] for engine in engines)
        message = _("{server} found nothing: its engines do not answer ({engines}).", server=name, engines=names)
        raise ResearchError(message, code="no-engines")
    return found[:MOST_RESULTS]

"""Research from end to end: opens the search tool of the settings, asks it, and reads the pages that were chosen."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date

from lwtui.config import ResearchSettings
from lwtui.documents.export.pandoc import require_packages
from lwtui.log import add_secret
from lwtui.sources.csl import accessed, item_from
from lwtui.sources.model import ReadSource, Stretch
from lwtui.sources.reading.adding import SourceReader
from lwtui.sources.reading.files import ReadResult
from lwtui.sources.reading.job import ReadJob, SourceError
from lwtui.sources.reading.passages import divide
from lwtui.sources.research.mcp_search import McpSearch
from lwtui.sources.research.results import ResearchError, SearchResult, SearchTool, merged, tidy_queries
from lwtui.sources.research.searxng import SearxngSearch
from lwtui.translation import _


@dataclass(frozen=True)
class FoundResults:
    """What the queries have found.

    Attributes:
        results: The pages, the best of each query first.
        problems: What went wrong with single queries, in one line each.
    """

    results: tuple[SearchResult, ...]
    problems: tuple[str, ...] = ()


def check_search_tool(settings: ResearchSettings) -> None:
    """Check that the settings name a search tool.

    Raises:
        ResearchError: They name none, or two.
    """
    if not settings.searxng and not settings.mcp:
        raise ResearchError(
            _(
                "There is no search tool. Name a SearXNG server (lwtui config set research.searxng https://HOST) or an "
                "MCP server (research.mcp: its command or address)."
            ),
            code="no-search-tool",
        )
    if settings.searxng and settings.mcp:
        raise ResearchError(_("[research] names two search tools. Remove searxng or mcp."), code="two-search-tools")


def search_tool_name(settings: ResearchSettings) -> str:
    """Return what messages call the search tool of the settings."""
    return SearxngSearch(settings.searxng).name if settings.searxng else McpSearch(settings.mcp).name


@asynccontextmanager
async def open_search(settings: ResearchSettings, language: str = "") -> AsyncIterator[SearchTool]:
    """Open the search tool of the settings.

    Raises:
        ResearchError: The settings name none, or it cannot be used.
        LwtuiError: A package is missing.
    """
    check_search_tool(settings)
    key = os.environ.get(settings.key_env, "").strip() if settings.key_env else ""
    add_secret(key)
    if settings.searxng:
        async with SearxngSearch(settings.searxng, language, key) as searxng:
            yield searxng
        return
    require_packages(_("Research with an MCP server"), "mcp", extra="mcp")
    names = [name.strip() for name in settings.mcp_env.split(",") if name.strip()]
    variables = {name: os.environ[name] for name in names if name in os.environ}
    async with McpSearch(
        settings.mcp,
        search_tool=settings.search_tool,
        fetch_tool=settings.fetch_tool,
        key=key,
        variables=variables,
    ) as server:
        yield server


def find_results(
    settings: ResearchSettings,
    queries: Sequence[str],
    job: ReadJob,
    *,
    language: str = "",
    known: Iterable[str] = (),
    on_query: Callable[[str], None] = lambda _query: None,
) -> FoundResults:
    """Ask the search tool all queries, one after the other. To be called in a thread of its own.

    Args:
        settings: Which tool to ask.
        queries: The queries.
        job: Can stop the search.
        language: The language of the results (BCP 47); empty for all.
        known: Addresses to leave out.
        on_query: Called with each query before it is asked.

    Raises:
        ResearchError: The tool cannot be used, or no query could be asked.
        ReadStopped: The job was stopped.
    """

    async def ask() -> FoundResults:
        found: list[Sequence[SearchResult]] = []
        problems: list[ResearchError] = []
        async with open_search(settings, language) as tool:
            for query in tidy_queries(queries):
                on_query(query)
                try:
                    found.append(await tool.search(query))
                except ResearchError as error:
                    problems.append(error)
        if problems and not found:
            raise problems[0]
        return FoundResults(merged(found, known), tuple(dict.fromkeys(map(str, problems))))

    return asyncio.run(job.stoppable(ask()))


class ResearchReader:
    """Reads the pages of results, as :class:`lwtui.sources.reading.adding.SourceReader` reads locations.

    Pages are fetched within the bounds of all sources, and only from public addresses; or, if the settings say so, by
    a tool of the MCP server.
    """

    def __init__(self, settings: ResearchSettings, results: Sequence[SearchResult], job: ReadJob) -> None:
        """Create a reader of ``results``. ``job`` can stop it."""
        self._settings = settings
        self._results = {result.address: result for result in results}
        self._job = job
        self._pages = SourceReader(job, public_only=True)

    def read(self, location: str) -> Generator[ReadResult, None, None]:
        """Read the page of a result, by its address.

        Raises:
            SourceError: It cannot be read as a source.
            ReadStopped: The job was stopped.
            LwtuiError: A package is missing, or the network cannot be used.
        """
        if not (self._settings.mcp and self._settings.fetch_tool):
            yield from self._pages.read(location)
            return
        self._job.check()
        yield ReadResult(self._source(self._results[location], asyncio.run(self._job.stoppable(self._text(location)))))

    async def _text(self, location: str) -> str:
        async with open_search(self._settings) as tool:
            return await tool.fetch(self._results[location]) or ""

    def _source(self, result: SearchResult, text: str) -> ReadSource:
        lines = [line for line in text.split("\n") if line.strip()]
        if not lines:
            raise SourceError(_("{address} has no text, says the search tool.", address=result.address), code="no-text")
        today = date.today()
        item = item_from("webpage", title=result.title, url=result.address) | {"accessed": accessed(today)}
        return ReadSource("web", result.title, result.address, today.isoformat(), divide(map(Stretch, lines)), item)

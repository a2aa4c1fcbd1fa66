"""Research from end to end: asks the search tool of the settings, and reads the pages that were chosen."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from lwtui.sources.csl import accessed, item_from
from lwtui.sources.model import ReadSource, Source, Stretch
from lwtui.sources.reading.adding import SourceReader, is_address
from lwtui.sources.reading.files import ReadResult
from lwtui.sources.reading.job import ReadJob, SourceError
from lwtui.sources.reading.passages import divide
from lwtui.sources.research.results import ResearchError, SearchResult, SearchTool, merged, tidy_queries
from lwtui.sources.research.session import SearchSession
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


def known_addresses(sources: Iterable[Source]) -> list[str]:
    """Return the addresses that a search leaves out, because they are sources already."""
    return [source.location for source in sources if is_address(source.location)]


def find_results(
    session: SearchSession,
    queries: Sequence[str],
    job: ReadJob,
    *,
    known: Iterable[str] = (),
    on_query: Callable[[str], None] = lambda _query: None,
) -> FoundResults:
    """Ask the search tool all queries, one after the other. To be called in a thread of its own.

    Args:
        session: The session with the tool.
        queries: The queries.
        job: Can stop the search.
        known: Addresses to leave out.
        on_query: Called with each query before it is asked.

    Raises:
        ResearchError: The tool cannot be used, or no query could be asked.
        ReadStopped: The job was stopped.
    """

    async def ask(tool: SearchTool) -> FoundResults:
        found: list[Sequence[SearchResult]] = []
        problems: list[ResearchError] = []
        for query in tidy_queries(queries):
            on_query(query)
            try:
                found.append(await tool.search(query))
            except ResearchError as error:
                problems.append(error)
        if problems and not found:
            raise problems[0]
        return FoundResults(merged(found, known), tuple(dict.fromkeys(map(str, problems))))

    return session.call(ask, job)


class ResearchReader:
    """Reads the pages of results, as :class:`lwtui.sources.reading.adding.SourceReader` reads locations.

    Pages are fetched within the bounds of all sources, and only from public addresses; or, if the settings say so, by
    a tool of the MCP server.
    """

    def __init__(self, session: SearchSession, results: Sequence[SearchResult], job: ReadJob) -> None:
        """Create a reader of ``results``. ``job`` can stop it. The tool of ``session`` may give the pages."""
        self._session = session
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
        settings = self._session.settings
        if not (settings.mcp and settings.fetch_tool):
            yield from self._pages.read(location)
            return
        result = self._results[location]
        text = self._session.call(lambda tool: tool.fetch(result), self._job)
        yield ReadResult(self._source(result, text or ""))

    def _source(self, result: SearchResult, text: str) -> ReadSource:
        lines = [line for line in text.split("\n") if line.strip()]
        if not lines:
            raise SourceError(_("{address} has no text, says the search tool.", address=result.address), code="no-text")
        today = date.today()
        item = item_from("webpage", title=result.title, url=result.address) | {"accessed": accessed(today)}
        return ReadSource("web", result.title, result.address, today.isoformat(), divide(map(Stretch, lines)), item)

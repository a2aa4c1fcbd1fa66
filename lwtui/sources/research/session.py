"""The search tool of the settings, opened once for a whole research: its queries and the pages that it fetches."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Self, TypeVar

from lwtui.config import ResearchSettings
from lwtui.documents.export.pandoc import require_packages
from lwtui.errors import LwtuiError
from lwtui.log import add_secret
from lwtui.sources.reading.job import ReadJob
from lwtui.sources.research.mcp_search import McpSearch
from lwtui.sources.research.results import ResearchError, SearchTool
from lwtui.sources.research.searxng import SearxngSearch
from lwtui.translation import _

_POLL_SECONDS = 0.05  # between two checks whether to stop

_T = TypeVar("_T")
_Work = Callable[[SearchTool], Coroutine[Any, Any, _T]]


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


class SearchSession:
    """A research's session with its search tool, from the first query to the last page.

    The tool is opened by the first call. If the connection ends, the next call opens it again. Close the session at the
    end, or use it in ``async with``.
    """

    def __init__(self, settings: ResearchSettings, language: str = "") -> None:
        """Create the session, without opening anything.

        Args:
            settings: Which tool to open.
            language: The language of the results (BCP 47); empty for all.
        """
        self.settings = settings
        self._language = language
        self._connection: _Connection | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await asyncio.to_thread(self.close)

    def call(self, work: _Work[_T], job: ReadJob) -> _T:
        """Have the tool do something, and wait for that. To be called in any thread but that of an event loop.

        Args:
            work: What is to be done with the open tool.
            job: Can stop it; the session is closed then.

        Raises:
            ResearchError: The tool cannot be opened, or does not answer as it should.
            ReadStopped: The job was stopped.
            LwtuiError: A package is missing.
        """
        job.check()
        connection, is_new = self._connected()
        try:
            return connection.call(work, job)
        except ResearchError as error:
            # A server may have ended the session meanwhile, such as while somebody looked at the results.
            if is_new or error.code != "unreachable":
                raise
            self.close()
            return self._connected()[0].call(work, job)

    def close(self) -> None:
        """End what the tool is doing, and close it. It may be called again, and from another thread."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> tuple[_Connection, bool]:
        """Return the connection, and whether it is a new one."""
        if self._connection is not None and not self._connection.has_ended:
            return self._connection, False
        self.close()
        self._connection = _Connection(lambda: open_search(self.settings, self._language))
        return self._connection, True


@dataclass(frozen=True)
class _Call:
    work: _Work[Any]
    answer: Future[Any] = field(default_factory=Future)


class _Connection:
    """An open search tool in a thread of its own, where one task opens it, makes all calls and closes it.

    The ``mcp`` SDK needs that: a fault of the connection ends the task that has opened it, and only in that task is
    the reason told.
    """

    def __init__(self, open_tool: Callable[[], Any]) -> None:
        self._open_tool = open_tool
        self._calls: asyncio.Queue[_Call | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_idle = False
        self._started = Event()
        self._thread = ThreadPoolExecutor(1, "lwtui-research")
        self._ended: Future[None] = self._thread.submit(lambda: asyncio.run(self._serve()))
        self._started.wait()

    @property
    def has_ended(self) -> bool:
        return self._ended.done()

    def call(self, work: _Work[_T], job: ReadJob) -> _T:
        call = _Call(work)
        self._tell(lambda: self._calls.put_nowait(call))
        while not call.answer.done():
            try:
                job.check()
            except BaseException:
                self.close()
                raise
            wait([call.answer, self._ended], _POLL_SECONDS, FIRST_COMPLETED)
            if self._ended.done() and not call.answer.done():
                raise self._why_ended()
        answer: _T = call.answer.result()
        return answer

    def _why_ended(self) -> BaseException:
        error = self._ended.exception()
        if error is None or isinstance(error, asyncio.CancelledError):
            return ResearchError(_("The search tool was closed."), code="closed")
        return error

    def close(self) -> None:
        self._tell(self._end)
        self._thread.shutdown()

    def _tell(self, what: Callable[[], None]) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(what)

    def _end(self) -> None:
        assert self._task is not None
        if self._is_idle:
            self._calls.put_nowait(None)
        else:
            self._task.cancel()

    async def _serve(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._started.set()
        async with self._open_tool() as tool:
            while (call := await self._next()) is not None:
                try:
                    answer = await call.work(tool)
                except LwtuiError as error:
                    call.answer.set_exception(error)
                else:
                    call.answer.set_result(answer)

    async def _next(self) -> _Call | None:
        self._is_idle = True
        try:
            return await self._calls.get()
        finally:
            self._is_idle = False

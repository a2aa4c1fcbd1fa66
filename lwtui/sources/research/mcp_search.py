"""Searches with the tools of an MCP server: a command that is started, or an address (streamable HTTP)."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import regex

from lwtui.addresses import host_of_address
from lwtui.errors import LwtuiError
from lwtui.models.base import ModelError
from lwtui.models.network import routed_transport
from lwtui.sources.research.mcp_answers import MAX_TEXT, results_in
from lwtui.sources.research.results import ResearchError, SearchResult
from lwtui.system import WINDOWS
from lwtui.text import clean, one_line
from lwtui.translation import _

if TYPE_CHECKING:
    import httpx2
    from mcp import Client
    from mcp.types import CallToolResult, Tool

_log = logging.getLogger(__name__)
_CALL_SECONDS = 60.0  # a command may download its server first
_MAX_BYTES = 20_000_000  # of an answer of a server behind an address
_MOST_TOOLS = 12  # that a message names
_QUERY_NAMES = ("query", "q", "search_query", "search_term", "keywords", "question", "text", "input")
_PAGE_KEYS = ("text", "content", "markdown", "body")
_ADDRESS_NAMES = ("url", "urls", "uri", "address", "link", "id", "page")


class McpSearch:
    """Calls the tools of an MCP server (see :class:`lwtui.sources.research.results.SearchTool`)."""

    def __init__(
        self,
        server: str,
        *,
        search_tool: str = "",
        fetch_tool: str = "",
        key: str = "",
        variables: Mapping[str, str] | None = None,
        seconds: float = _CALL_SECONDS,
    ) -> None:
        """Create the tool.

        Args:
            server: The command line that starts the server, or its address.
            search_tool: The name of its tool that searches; empty for the one whose name says so.
            fetch_tool: The name of its tool that returns the text of a page; empty to have lwtui fetch pages.
            key: A bearer token for a server behind an address; empty for none.
            variables: Variables of the environment for a server that is started, besides the harmless ones.
            seconds: How long the start, and each call, may take.
        """
        self._server = server.strip()
        self._search_tool, self._fetch_tool = search_tool, fetch_tool
        self._key = key
        self._variables = dict(variables or {})
        self._seconds = seconds
        self._stack = AsyncExitStack()
        self._client: Client | None = None
        self._tools: dict[str, Tool] = {}
        self._room = _Room()

    @property
    def name(self) -> str:
        """The server's host, or its command, as a sentence begins with it."""
        if _is_address(self._server):
            return _("The MCP server at {host}", host=host_of_address(self._server))
        return _("The MCP server {command}", command=self._command)

    @property
    def _name_within(self) -> str:
        """The same within a sentence."""
        if _is_address(self._server):
            return _("the MCP server at {host}", host=host_of_address(self._server))
        return _("the MCP server {command}", command=self._command)

    @property
    def _command(self) -> str:
        words = _words(self._server)
        return one_line(Path(words[0]).name if words else "")

    async def __aenter__(self) -> Self:
        try:
            async with self._explained(starting=True):
                async with asyncio.timeout(self._seconds):
                    await self._connect()
            self._chosen(self._search_tool, "search", _QUERY_NAMES)
            if self._fetch_tool:
                self._chosen(self._fetch_tool, "fetch", _ADDRESS_NAMES)
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._stack.__aexit__(kind, error, trace)
        except BaseExceptionGroup as errors:
            reasons = "; ".join(map(_reason, _leaves(errors)))
            if isinstance(error, asyncio.CancelledError) and reasons:
                # A fault of the connection ends the call that waits for it, and is told only here.
                raise self._unusable(reasons[:160]) from None
            # A server that has gone already. What has gone wrong before is told, or nothing has.
            _log.debug("Closing %s: %s", self.name, reasons)

    async def _connect(self) -> None:
        from mcp import Client

        client = Client(await self._transport(), read_timeout_seconds=self._seconds)
        self._client = await self._stack.enter_async_context(client)
        listed = await self._client.list_tools()
        self._tools = {tool.name: tool for tool in listed.tools}

    async def search(self, query: str) -> Sequence[SearchResult]:
        """See :meth:`lwtui.sources.research.results.SearchTool.search`."""
        tool, argument = self._chosen(self._search_tool, "search", _QUERY_NAMES)
        answer = await self._call(tool, {argument: query})
        texts = _texts(answer)
        return [replace(result, query=query) for result in results_in(texts, answer.structured_content)]

    async def fetch(self, result: SearchResult) -> str | None:
        """See :meth:`lwtui.sources.research.results.SearchTool.fetch`."""
        if not self._fetch_tool:
            return None
        tool, argument = self._chosen(self._fetch_tool, "fetch", _ADDRESS_NAMES)
        wanted = result.id if argument == "id" and result.id else result.address
        texts = _texts(await self._call(tool, {argument: [wanted] if argument == "urls" else wanted}))
        return _page_text(texts)

    async def _call(self, tool: Tool, arguments: dict[str, Any]) -> CallToolResult:
        assert self._client is not None
        self._room.left = _MAX_BYTES
        async with self._explained():
            async with asyncio.timeout(self._seconds):
                answer = await self._client.call_tool(tool.name, arguments)
        if answer.is_error:
            problem = one_line(" ".join(_texts(answer)))[:160]
            if problem:
                message = _("{server} reports an error: {problem}.", server=self.name, problem=problem)
            else:
                message = _("{server} reports an error: no reason given.", server=self.name)
            raise ResearchError(message, code="tool-error")
        return answer

    def _chosen(self, name: str, purpose: str, names: Sequence[str]) -> tuple[Tool, str]:
        """Return a tool and the name of its argument.

        Raises:
            ResearchError: There is no such tool, or it takes other arguments.
        """
        tool = self._tools.get(name) if name else _by_purpose(self._tools, purpose)
        if tool is None:
            raise self._no_tool(name, f"{purpose}_tool")
        argument = _argument(tool, names)
        if argument is None:
            if purpose == "search":
                message = _("The tool {tool} of {server} takes no query. Name another as search_tool in [research].")
            else:
                message = _("The tool {tool} of {server} takes no address. Name another as fetch_tool in [research].")
            raise ResearchError(message.format(tool=one_line(tool.name), server=self._name_within), code="no-tool")
        return tool, argument

    def _no_tool(self, name: str, setting: str) -> ResearchError:
        """Report that the server has no tool of a name; with no name, none whose name says that it can search."""
        known = ", ".join(one_line(each)[:40] for each in list(self._tools)[:_MOST_TOOLS]) or _("none")
        if name:
            message = _("{server} has no tool {name!r}. It has: {known}. Name one as {setting} in [research].")
        else:
            message = _(
                "{server} has no tool whose name says that it can search. It has: {known}. Name one as {setting} in "
                "[research]."
            )
        return ResearchError(message.format(server=self.name, name=name, known=known, setting=setting), code="no-tool")

    async def _transport(self) -> Any:
        from mcp import StdioServerParameters
        from mcp.client.stdio import stdio_client
        from mcp.client.streamable_http import streamable_http_client

        if _is_address(self._server):
            import httpx2

            headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
            transport = _bounded(routed_transport(), self._room)
            http = httpx2.AsyncClient(headers=headers, timeout=self._seconds, transport=transport)
            await self._stack.enter_async_context(http)
            return streamable_http_client(self._server, http_client=http, max_sse_event_size=_MAX_BYTES)
        command, *arguments = _words(self._server)
        # What the server prints on standard error would end up in the middle of the app.
        silent = self._stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: ASYNC230, PTH123, SIM115
        parameters = StdioServerParameters(command=command, args=arguments, env=self._variables)
        return stdio_client(parameters, errlog=silent)

    @asynccontextmanager
    async def _explained(self, *, starting: bool = False) -> AsyncIterator[None]:
        """Turn whatever goes wrong with the server into one line."""
        import httpx2
        from mcp import MCPError

        try:
            yield
        except TimeoutError:
            raise self._timeout() from None
        except LwtuiError:
            raise
        except BaseExceptionGroup as errors:
            kinds = list(_leaves(errors))
            known = next((error for error in kinds if isinstance(error, LwtuiError)), None)
            if known is not None:
                raise known from None
            if not kinds or not all(isinstance(error, Exception) for error in kinds):
                raise
            if starting:
                message = _("{server} no longer starts or answers ({reason}).")
            else:
                message = _("{server} no longer answers ({reason}).")
            message = message.format(server=self.name, reason=_reason(kinds[0]))
            raise ResearchError(message, code="unreachable") from None
        except MCPError as error:
            raise (self._timeout() if "timed out" in str(error).lower() else self._unusable(_reason(error))) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError, ValueError, RuntimeError) as error:
            message = _(
                "{server} cannot be used ({reason}). Check mcp in [research] of the settings.",
                server=self.name,
                reason=_reason(error),
            )
            raise ResearchError(message, code="unreachable") from None

    def _timeout(self) -> ResearchError:
        message = _("{server} does not answer in time. Try again later.", server=self.name)
        return ResearchError(message, code="timeout")

    def _unusable(self, reason: str) -> ResearchError:
        message = _("{server} cannot be used ({reason}).", server=self.name, reason=reason)
        return ResearchError(message, code="unreachable")


def _is_address(server: str) -> bool:
    return server.lower().startswith(("http://", "https://"))


def _words(command: str) -> list[str]:
    """Return the words of a command line.

    Raises:
        ResearchError: A quotation mark is not closed.
    """
    try:
        words = shlex.split(command, posix=not WINDOWS)
    except ValueError:
        message = _("mcp in [research] has a quotation mark that is not closed.")
        raise ResearchError(message, code="no-command") from None
    return [word[1:-1] if WINDOWS and len(word) > 1 and word[0] == word[-1] == '"' else word for word in words]


def _by_purpose(tools: Mapping[str, Tool], purpose: str) -> Tool | None:
    """Return the tool whose name says what it is for, the shortest name first: "search" before "search_images"."""
    names = sorted((name for name in tools if purpose in name.lower()), key=lambda name: (len(name), name))
    return next((tools[name] for name in names if _argument(tools[name], _QUERY_NAMES) is not None), None)


def _argument(tool: Tool, names: Sequence[str]) -> str | None:
    """Return the name of the argument that takes a query or an address; ``None`` if the tool has none."""
    schema: Any = tool.input_schema
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping):
        return None
    by_name = {str(name).lower(): str(name) for name in properties}
    for name in names:
        if name in by_name:
            return by_name[name]
    required = schema.get("required")
    return str(required[0]) if isinstance(required, list) and len(required) == 1 else None


def _texts(answer: CallToolResult) -> list[str]:
    """Return the texts in an answer, and the addresses of what it links to."""
    texts = []
    for block in answer.content:
        resource = getattr(block, "resource", block)
        text = getattr(resource, "text", None)
        if isinstance(text, str):
            texts.append(clean(text[:MAX_TEXT]))
        elif isinstance(uri := getattr(resource, "uri", None), str):
            texts.append(f"[{getattr(resource, 'title', None) or getattr(resource, 'name', '')}]({uri})")
    return texts


def _page_text(texts: Sequence[str]) -> str:
    """Return the text of a page: what a tool has answered, or the text within its JSON."""
    import json

    pages = []
    for text in texts:
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            pages.append(text)
            continue
        row = data[0] if isinstance(data, list) and data and isinstance(data[0], Mapping) else data
        fields = row if isinstance(row, Mapping) else {}
        found = next((fields[key] for key in _PAGE_KEYS if isinstance(fields.get(key), str)), None)
        pages.append(clean(found) if found is not None else text)
    return "\n\n".join(pages)


@dataclass
class _Room:
    """How many bytes a server may still send for a call."""

    left: int = _MAX_BYTES


def _bounded(inner: httpx2.AsyncBaseTransport, room: _Room) -> httpx2.AsyncBaseTransport:
    """Return a transport that ends with an error without ``room``: no server can fill the memory."""
    import httpx2

    class Stream(httpx2.AsyncByteStream):
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for piece in self._stream:
                room.left -= len(piece)
                if room.left < 0:
                    raise httpx2.ReadError(_("more than {size} MB", size=_MAX_BYTES // 1_000_000))
                yield piece

        async def aclose(self) -> None:
            await self._stream.aclose()

    class Transport(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            response = await inner.handle_async_request(request)
            response.stream = Stream(response.stream)
            return response

        async def aclose(self) -> None:
            await inner.aclose()

    return Transport()


def _leaves(errors: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """Return the errors in a group, without those of cancellation."""
    found: list[BaseException] = []
    for error in errors.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return [error for error in found if not isinstance(error, asyncio.CancelledError)]


def _reason(error: BaseException) -> str:
    """Return the reason that an error gives, as a part of a line."""
    if isinstance(error, FileNotFoundError):
        return _("there is no such command")
    if isinstance(error, ModelError):
        return str(error)
    text = regex.sub(r"\s+", " ", one_line(str(error)))[:120]
    return text.rstrip(".") or type(error).__name__

"""The HTTP side of a download: the hub's redirects and headers, and the meaning of error responses.

The hub's token goes to the hub's own origin and nowhere else: the hub redirects to another host for the file itself.
Errors name hosts, never whole addresses, because addresses of redirects contain signatures.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import regex

from lwtui import __version__
from lwtui.errors import LwtuiError
from lwtui.models.base import ModelError
from lwtui.models.network import routed_transport
from lwtui.text import clean
from lwtui.translation import _

if TYPE_CHECKING:
    import httpx2

_MAX_REDIRECTS = 6
_REDIRECT_STATUSES = (301, 302, 303, 307, 308)
_TRANSIENT_STATUSES = (408, 425, 429, 500, 502, 503, 504)
_MAX_WAIT = 300.0  # seconds that a server may ask to wait
_SENTENCE_END = regex.compile(r"\.(?: |$)|。")
_HASH = regex.compile(r'"?([0-9a-f]{64})"?')


class TransferInterrupted(Exception):
    """The connection broke, or the server is overloaded; ``str`` says why. A retry may succeed.

    ``wait`` is how many seconds the server asks to wait.
    """

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class RangeNotSatisfiable(Exception):
    """The server has nothing after the offset: the part on disk is already whole, or belongs to another file."""


class DownloadError(LwtuiError):
    """The file cannot be downloaded; a retry will not help."""

    code = "download"

    @property
    def reason(self) -> str:
        """What went wrong, without what to do: the first sentence."""
        return _SENTENCE_END.split(str(self), maxsplit=1)[0]


class NotFound(DownloadError):
    """The server has no such file."""

    code = "not-found"


class DiskError(DownloadError):
    """This machine cannot hold the file, wherever it comes from."""

    code = "disk-full"


@dataclass(frozen=True)
class DownloadResponse:
    """The head of a response with the file.

    Attributes:
        response: The response; its body has not been read.
        size: Size of the whole file in bytes; 0 if unknown.
        offset: Where in the file the body begins, in bytes.
        etag: The file's strong ETag, or empty.
        sha256: The file's hash as the hub states it, or empty.
        revision: The commit of the file as the hub states it, or empty.
    """

    response: httpx2.Response
    size: int
    offset: int
    etag: str
    sha256: str
    revision: str


class DownloadClient:
    """An HTTP client for one file. Close it with :meth:`aclose`.

    Args:
        url: The file's address. A user and password in it go to its own origin alone.
        hub: The origin that may see ``token``.
        token: The hub's token.
        stall_seconds: How many seconds without a byte count as a broken connection.
        start_seconds: How many seconds the head of a response may take, redirects included; ``None`` for no limit.
        accept: The media types to ask for.
    """

    def __init__(
        self,
        url: str,
        hub: str = "",
        token: str = "",
        stall_seconds: float = 30.0,
        start_seconds: float | None = None,
        accept: str = "*/*",
    ) -> None:
        import httpx2

        given = httpx2.URL(url)
        self._url = self._last_url = given.copy_with(userinfo=b"")
        self._user = unquote_to_bytes(given.userinfo)
        self._hub = httpx2.URL(hub).origin if hub else None
        self._token = token if token.isascii() and token.isprintable() and " " not in token else ""
        self._start_seconds = start_seconds
        self._client = httpx2.AsyncClient(
            timeout=stall_seconds,
            headers={"User-Agent": f"lwtui/{__version__}", "Accept-Encoding": "identity", "Accept": accept},
            transport=routed_transport(),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    @property
    def host(self) -> str:
        """The host of the last request."""
        return clean(self._last_url.host)

    @property
    def last_url(self) -> httpx2.URL:
        """The address of the last request, after all redirects."""
        return self._last_url

    @asynccontextmanager
    async def open(self, offset: int = 0, etag: str = "") -> AsyncIterator[DownloadResponse]:
        """Request the file from ``offset`` (bytes) on if it still has this ``etag``; the response may begin at 0.

        Raises:
            TransferInterrupted: A retry may succeed.
            RangeNotSatisfiable: The file has nothing after ``offset``.
            DownloadError: A retry will not help.
        """
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        if offset and etag:
            headers["If-Range"] = etag
        with self._translate_errors():
            async with asyncio.timeout(self._start_seconds):
                download = await self._follow_redirects(headers)
        try:
            yield download
        finally:
            await download.response.aclose()

    async def pieces(self, download: DownloadResponse) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes. Raises the same errors as :meth:`open`."""
        with self._translate_errors():
            async with aclosing(download.response.aiter_raw()) as pieces:
                async for piece in pieces:
                    yield piece

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        import anyio
        import httpx2

        try:
            yield
        except ModelError as error:  # of a proxy or of certificates
            raise DownloadError(str(error), code=error.code) from None
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol):
            raise DownloadError(
                _("{host} redirects to an invalid address.", host=self.host), code="invalid-redirect"
            ) from None
        except (httpx2.ConnectTimeout, TimeoutError):
            raise TransferInterrupted(_("{host} does not answer", host=self.host)) from None
        except httpx2.TimeoutException:
            raise TransferInterrupted(_("{host} stopped sending", host=self.host)) from None
        except (httpx2.HTTPError, httpx2.StreamError, OSError, anyio.EndOfStream) as error:
            raise TransferInterrupted(_reason(error, self.host)) from None

    async def _follow_redirects(self, headers: dict[str, str]) -> DownloadResponse:
        url, sha256, revision, size = self._url, "", "", 0
        for _attempt in range(_MAX_REDIRECTS):
            response = await self._send(url, headers)
            if self._hub is not None and url.origin == self._hub:
                # The hub states these in its own response, before it redirects to the file.
                sha256 = sha256 or _sha256(response.headers)
                revision = revision or response.headers.get("x-repo-commit", "")
                size = size or _number(response.headers.get("x-linked-size", ""))
            if response.status_code not in _REDIRECT_STATUSES:
                return await self._check(response, size, sha256, _hex(revision))
            await response.aclose()
            url = self._redirect_target(url, response.headers.get("location", ""))
        raise DownloadError(_("{host} redirects in a circle.", host=self.host), code="redirects")

    async def _send(self, url: httpx2.URL, headers: dict[str, str]) -> httpx2.Response:
        if self._token and url.origin == self._hub:
            headers = headers | {"Authorization": f"Bearer {self._token}"}
        elif self._user and url.origin == self._url.origin:
            headers = headers | {"Authorization": f"Basic {b64encode(self._user).decode()}"}
        self._last_url = url
        request = self._client.build_request("GET", url, headers=headers)
        return await self._client.send(request, stream=True)

    def _redirect_target(self, url: httpx2.URL, location: str) -> httpx2.URL:
        target = url.join(location)
        if not location or target.scheme not in ("http", "https") or not target.host:
            raise DownloadError(_("{host} redirects to an invalid address.", host=self.host), code="invalid-redirect")
        if url.scheme == "https" and target.scheme != "https":
            raise DownloadError(
                _("{host} redirects to an unencrypted address ({target}).", host=self.host, target=target.host),
                code="invalid-redirect",
            )
        return target

    async def _check(self, response: httpx2.Response, size: int, sha256: str, revision: str) -> DownloadResponse:
        status = response.status_code
        if status not in (200, 206):
            await response.aclose()
            raise _refusal(status, self.host, response.headers.get("retry-after", ""), on_hub=self._hub is not None)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise DownloadError(
                _("{host} sends the file compressed, although lwtui asks for it uncompressed.", host=self.host),
                code="compressed",
            )
        offset, total = 0, _number(response.headers.get("content-length", ""))
        if status == 206:
            offset, total = _range(response.headers.get("content-range", ""))
        etag = response.headers.get("etag", "")
        return DownloadResponse(
            response, size or total, offset, "" if etag.startswith("W/") else etag, sha256, revision
        )


def _refusal(status: int, host: str, retry_after: str, *, on_hub: bool) -> Exception:
    host = clean(host)
    if status in _TRANSIENT_STATUSES:
        return TransferInterrupted(
            _("{host} answered {status}", host=host, status=status), min(_MAX_WAIT, float(_number(retry_after)))
        )
    if status in (401, 403):
        if on_hub:
            refusal = _(
                "{host} does not allow this download ({status}): there is no such repository, or you have to accept "
                "the terms on its page and export HF_TOKEN=….",
                host=host,
                status=status,
            )
        else:
            refusal = _("{host} does not allow this download ({status}): check its address.", host=host, status=status)
        return DownloadError(refusal, code="forbidden")
    if status in (404, 410):
        return NotFound(
            _(
                "{host} has no such file ({status}). Check the names of the repository and the file.",
                host=host,
                status=status,
            )
        )
    if status == 416:
        return RangeNotSatisfiable(_("{host} has less of the file than is here already", host=host))
    return DownloadError(
        _("{host} answered {status} instead of sending the file.", host=host, status=status), code="refused"
    )


def _sha256(headers: httpx2.Headers) -> str:
    found = _HASH.fullmatch(headers.get("x-linked-etag", ""))
    return found[1] if found else ""


def _hex(revision: str) -> str:
    return revision if regex.fullmatch(r"[0-9a-f]{40}", revision) else ""


def _range(header: str) -> tuple[int, int]:
    """Parse offset and size of the file from ``Content-Range: bytes 5-9/10``; offset -1 if it is invalid."""
    found = regex.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", header)
    return (int(found[1]), int(found[2])) if found else (-1, 0)


def _number(text: str) -> int:
    return int(text) if regex.fullmatch(r"\d{1,18}", text) else 0


def _reason(error: Exception, host: str) -> str:
    import httpx2

    if isinstance(error, httpx2.ConnectError | httpx2.ProxyError):
        if "certificate" in str(error).lower():
            return _("{host} cannot be reached: its certificate is not valid", host=host)
        return _("{host} cannot be reached", host=host)
    return _("the connection to {host} broke", host=host)

"""The HTTP side of a download: the hub's redirects and headers, and what an answer that is no file means.

The hub's token goes to the hub's own origin and nowhere else: a file on the hub lies on another host, to which it
redirects. Errors name hosts, never whole addresses: those of a redirect hold signatures.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import regex

from lwtui import __version__
from lwtui.errors import LwtuiError
from lwtui.text import clean

if TYPE_CHECKING:
    import httpx2

_MOST_HOPS = 6
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 425, 429, 500, 502, 503, 504)  # statuses of something that may be over soon
_MOST_WAIT = 300.0  # seconds that a server may ask for
_HASH = regex.compile(r'"?([0-9a-f]{64})"?')
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Interrupted(Exception):
    """The connection broke, or the server is not up to it at the moment; ``str`` says why. Worth another try."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait  # seconds that the server asked for


class DownloadError(LwtuiError):
    """The file cannot be had; trying again does not help."""


@dataclass(frozen=True)
class DownloadResponse:
    """The beginning of a file's answer. ``size`` is of the whole file in bytes, 0 if nobody said it; ``offset`` is
    where the body begins. ``sha256`` and ``revision`` are what the hub said, or empty."""

    response: httpx2.Response
    size: int
    offset: int
    etag: str
    sha256: str
    revision: str


class Client:
    """Asks for one file. ``hub`` is the origin that may see ``token``. Close it with :meth:`aclose`."""

    def __init__(self, url: str, hub: str = "", token: str = "", silence: float = 30.0) -> None:
        """``silence`` is how many seconds without a byte pass for a broken connection."""
        import httpx2

        self._url = self._at = httpx2.URL(url)
        self._hub = httpx2.URL(hub).origin if hub else None
        self._token = token if token.isascii() and token.isprintable() and " " not in token else ""
        self._client = httpx2.AsyncClient(
            timeout=silence,
            headers={"User-Agent": f"lwtui/{__version__}", "Accept-Encoding": "identity", "Accept": "*/*"},
            trust_env=self._url.host not in _LOOPBACK,  # a proxy cannot reach it
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    @property
    def host(self) -> str:
        """Who was asked last."""
        return clean(self._at.host)

    @asynccontextmanager
    async def open(self, offset: int = 0, etag: str = "") -> AsyncIterator[DownloadResponse]:
        """Ask for the file from ``offset`` on, if it still has this ``etag``; the answer may begin at 0 instead.

        Raises :class:`Interrupted`, :class:`Unsatisfiable` and :class:`DownloadError`.
        """
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        if offset and etag:
            headers["If-Range"] = etag
        with self._translated():
            answer = await self._followed(headers)
        try:
            yield answer
        finally:
            await answer.response.aclose()

    async def pieces(self, answer: DownloadResponse) -> AsyncGenerator[bytes, None]:
        """The body, as it comes. Raises as :meth:`open` does."""
        with self._translated():
            async with aclosing(answer.response.aiter_raw()) as pieces:
                async for piece in pieces:
                    yield piece

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import anyio
        import httpx2

        try:
            yield
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol):
            raise DownloadError(f"{self.host} sends the download to something that is no address.") from None
        except httpx2.TimeoutException:
            raise Interrupted(f"{self.host} is silent") from None
        except (httpx2.HTTPError, httpx2.StreamError, OSError, anyio.EndOfStream) as error:
            raise Interrupted(_reason(error, self.host)) from None

    async def _followed(self, headers: dict[str, str]) -> DownloadResponse:
        url, sha256, revision, size = self._url, "", "", 0
        for _ in range(_MOST_HOPS):
            response = await self._sent(url, headers)
            if self._hub is not None and url.origin == self._hub:
                # Said on the way: on the hub itself, before it sends us to where the bytes are.
                sha256 = sha256 or _sha256(response.headers)
                revision = revision or response.headers.get("x-repo-commit", "")
                size = size or _number(response.headers.get("x-linked-size", ""))
            if response.status_code not in _REDIRECTS:
                return await self._checked(response, size, sha256, _hex(revision))
            await response.aclose()
            url = self._next(url, response.headers.get("location", ""))
        raise DownloadError(f"{self.host} sends the download in circles.")

    async def _sent(self, url: httpx2.URL, headers: dict[str, str]) -> httpx2.Response:
        own = {"Authorization": f"Bearer {self._token}"} if self._token and url.origin == self._hub else {}
        self._at = url
        request = self._client.build_request("GET", url, headers=headers | own)
        return await self._client.send(request, stream=True)

    def _next(self, url: httpx2.URL, location: str) -> httpx2.URL:
        target = url.join(location)
        if not location or target.scheme not in ("http", "https") or not target.host:
            raise DownloadError(f"{self.host} sends the download to something that is no address.")
        if url.scheme == "https" and target.scheme != "https":
            raise DownloadError(f"{self.host} sends the download to an address without encryption ({target.host}).")
        return target

    async def _checked(self, response: httpx2.Response, size: int, sha256: str, revision: str) -> DownloadResponse:
        status = response.status_code
        if status not in (200, 206):
            await response.aclose()
            raise _refusal(status, self.host, response.headers.get("retry-after", ""), on_hub=self._hub is not None)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise DownloadError(f"{self.host} sends the file compressed, which was not asked for.")
        offset, whole = 0, _number(response.headers.get("content-length", ""))
        if status == 206:
            offset, whole = _range(response.headers.get("content-range", ""))
        etag = response.headers.get("etag", "")
        return DownloadResponse(
            response, size or whole, offset, "" if etag.startswith("W/") else etag, sha256, revision
        )


def _refusal(status: int, host: str, retry_after: str, *, on_hub: bool) -> Exception:
    host = clean(host)
    if status in _PASSING:
        return Interrupted(f"{host} answers {status}", min(_MOST_WAIT, float(_number(retry_after))))
    if status in (401, 403):
        how = "there is no such repository, or it takes export HF_TOKEN=… and accepting the terms on its page"
        how = how if on_hub else "check its address"
        return DownloadError(f"{host} does not let everybody have this file ({status}): {how}.")
    if status in (404, 410):
        return DownloadError(f"{host} has no such file ({status}). Check the name of the repository and of the file.")
    if status == 416:
        return Unsatisfiable(f"{host} has less than what is here already")
    return DownloadError(f"{host} answers {status} instead of a file.")


class Unsatisfiable(Exception):
    """There is nothing from that offset on: what is here is no beginning of that file, or all of it."""


def _sha256(headers: httpx2.Headers) -> str:
    found = _HASH.fullmatch(headers.get("x-linked-etag", ""))
    return found[1] if found else ""


def _hex(revision: str) -> str:
    return revision if regex.fullmatch(r"[0-9a-f]{40}", revision) else ""


def _range(header: str) -> tuple[int, int]:
    """Offset and size of ``Content-Range: bytes 5-9/10``; an offset of -1 if it says neither."""
    found = regex.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", header)
    return (int(found[1]), int(found[2])) if found else (-1, 0)


def _number(text: str) -> int:
    return int(text) if regex.fullmatch(r"\d{1,18}", text) else 0


def _reason(error: Exception, host: str) -> str:
    import httpx2

    if isinstance(error, httpx2.ConnectError | httpx2.ProxyError):
        why = "certificate" if "certificate" in str(error).lower() else ""
        return f"{host} cannot be reached" + (", its certificate is not valid" if why else "")
    return f"the connection to {host} broke"

"""Web addresses: fetched once, within bounds, and only where the site's robots.txt allows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

import regex

from lwtui import __version__
from lwtui.addresses import is_local
from lwtui.documents.export.pandoc import require_packages
from lwtui.models.base import ModelError
from lwtui.models.network import routed_transport
from lwtui.sources.reading.job import ReadJob, SourceError
from lwtui.text import one_line
from lwtui.translation import _

if TYPE_CHECKING:
    import httpx2

AGENT = "lwtui"  # the name by which a robots.txt can address lwtui
_MAX_BYTES = 50_000_000
_MAX_ROBOTS_BYTES = 500_000
_MAX_REDIRECTS = 6
_REDIRECTS = (301, 302, 303, 307, 308)
_READ_SECONDS = 20.0  # without a byte
_WHOLE_SECONDS = 120.0
_MAX_DELAY = 10.0  # seconds that a robots.txt can ask to wait between two pages
_ACCEPT = "text/html,application/xhtml+xml,application/pdf,text/plain,text/markdown,*/*;q=0.5"
_ENCODINGS = ("gzip", "deflate")  # in these, a few bytes cannot stand for gigabytes
_CHARSET = regex.compile(r"(?i)charset\s*=\s*[\"']?(?P<name>[\w.:-]{2,40})")
_NO_HOST = regex.compile(r"[%\s\\]")


@dataclass(frozen=True)
class Fetched:
    """What was fetched.

    Attributes:
        body: Its bytes.
        media_type: What the server says it is, such as "text/html"; empty if it says nothing.
        encoding: The encoding that the server names, or empty.
        address: The address after all redirects, without user and password.
    """

    body: bytes
    media_type: str
    encoding: str
    address: str


@dataclass
class _Site:
    """A site as far as it is known: its robots.txt, and when a page was fetched last."""

    rules: Any = None
    last: float = field(default=float("-inf"))


class PageFetcher:
    """Fetches pages. It reads the robots.txt of each site once."""

    def __init__(self, job: ReadJob, *, public_only: bool = False) -> None:
        """Create a fetcher. ``job`` can stop it. With ``public_only`` it fetches nothing from the local network."""
        self._job = job
        self._public_only = public_only
        self._sites: dict[str, _Site] = {}

    def fetch(self, address: str) -> Fetched:
        """Fetch what is at an address.

        Raises:
            SourceError: It cannot be fetched; the message says why.
            ReadStopped: The job was stopped.
            LwtuiError: A package is missing, or a variable of the environment cannot be followed.
        """
        require_packages(_("Reading {location}", location=one_line(address)), "trafilatura", "protego", extra="sources")
        return asyncio.run(self._job.stoppable(self._fetch(address)))

    async def _fetch(self, address: str) -> Fetched:
        import httpx2

        try:
            url = httpx2.URL(address)
        except (httpx2.InvalidURL, ValueError):
            url = None
        if url is None or not _is_of_the_web(url):
            raise SourceError(
                _("{address} is not an address of the web. Write it as https://HOST/PAGE.", address=one_line(address)),
                code="no-address",
            )
        if self._public_only and await _is_inside(url.host):
            raise SourceError(
                _("{address} is an address of the local network, to which no search may lead.", address=_shown(url)),
                code="not-public",
            )
        headers = {"User-Agent": f"{AGENT}/{__version__}", "Accept": _ACCEPT, "Accept-Encoding": ", ".join(_ENCODINGS)}
        client = httpx2.AsyncClient(timeout=_READ_SECONDS, headers=headers, transport=routed_transport())
        async with client, _explained(url):
            async with asyncio.timeout(_WHOLE_SECONDS):
                return await self._follow(client, url)

    async def _follow(self, client: httpx2.AsyncClient, url: httpx2.URL) -> Fetched:
        started_at = url.host
        for _step in range(_MAX_REDIRECTS):
            await self._ask_robots(client, url)
            async with client.stream("GET", url) as response:
                if response.status_code not in _REDIRECTS:
                    return await _fetched(response, url)
                target = _joined(url, response.headers.get("location", ""))
            if target is None or target == url:
                raise SourceError(
                    _("{address} leads nowhere. Open it in a browser, and copy the address.", address=_shown(url))
                )
            if target.host != started_at and not is_local(started_at) and await _is_inside(target.host):
                # A page of the web must not make this machine read something of its own network.
                raise SourceError(
                    _("{address} leads to an address of the local network, which is not followed.", address=_shown(url))
                )
            url = target if target.userinfo or target.host != url.host else target.copy_with(userinfo=url.userinfo)
        raise SourceError(
            _("{address} is redirected too often. Open it in a browser, and copy the address.", address=_shown(url))
        )

    async def _ask_robots(self, client: httpx2.AsyncClient, url: httpx2.URL) -> None:
        """Wait as long as the robots.txt of the site asks to; raise :class:`SourceError` if it forbids the page."""
        site = self._sites.setdefault(str(url.copy_with(userinfo=b"", path="/", query=None, fragment=None)), _Site())
        if site.rules is None:
            site.rules = await _robots(client, url)
        page = str(url.copy_with(userinfo=b""))
        if not site.rules.can_fetch(page, AGENT):
            raise SourceError(
                _(
                    "{address} may not be read by programs: the site's robots.txt forbids it. Save the page from a "
                    "browser, and add the file.",
                    address=_shown(url),
                ),
                code="robots",
            )
        delay = min(site.rules.crawl_delay(AGENT) or 0.0, _MAX_DELAY)
        await asyncio.sleep(max(0.0, site.last + delay - monotonic()))
        site.last = monotonic()


async def _robots(client: httpx2.AsyncClient, url: httpx2.URL) -> Any:
    """Read the robots.txt of a site. Without one, everything is allowed; if it cannot be read, nothing is."""
    from protego import Protego

    address = url.copy_with(path="/robots.txt", query=None, fragment=None)
    for _step in range(_MAX_REDIRECTS):
        async with client.stream("GET", address) as response:
            if response.status_code in _REDIRECTS and response.headers.get("location"):
                target = _joined(address, response.headers["location"])
                is_free = target is not None and (target.host == url.host or is_local(url.host))
                if target is not None and (is_free or not await _is_inside(target.host)):
                    address = target
                    continue
            if response.status_code >= 500 or response.status_code == 429:
                return Protego.parse("User-agent: *\nDisallow: /")
            if response.status_code != 200:
                return Protego.parse("")
            body = await _body(response, _MAX_ROBOTS_BYTES)
            return Protego.parse(body[:_MAX_ROBOTS_BYTES].decode("utf-8", "replace"))
    return Protego.parse("")


async def _fetched(response: httpx2.Response, url: httpx2.URL) -> Fetched:
    if response.status_code != 200:
        raise SourceError(_refusal(response.status_code, _shown(url)), code=f"http-{response.status_code}")
    length = response.headers.get("content-length", "")
    body = b"" if length.isdecimal() and int(length) > _MAX_BYTES else await _body(response, _MAX_BYTES)
    if len(body) > _MAX_BYTES or not (body or length in ("", "0")):
        raise SourceError(
            _(
                "{address} is larger than {size} MB. Download it, and add the file.",
                address=_shown(url),
                size=_MAX_BYTES // 1_000_000,
            ),
            code="too-large",
        )
    kind = response.headers.get("content-type", "")
    charset = _CHARSET.search(kind)
    media_type = one_line(kind.partition(";")[0]).lower()
    return Fetched(body, media_type, charset["name"] if charset else "", _shown(url))


async def _body(response: httpx2.Response, most: int) -> bytes:
    """Read a body up to a little more than ``most`` bytes."""
    if response.headers.get("content-encoding", "identity").strip().lower() not in (*_ENCODINGS, "identity", ""):
        raise SourceError(
            _(
                "{address} is compressed in a way that was not asked for. Save the page from a browser, and "
                "add the file.",
                address=_shown(response.url),
            )
        )
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > most:
            break
    return bytes(body)


def _refusal(status: int, address: str) -> str:
    if status in (401, 403, 407):
        message = _(
            "{address} needs a login, or refuses programs ({status}). Save the page from a browser, and add the file."
        )
    elif status in (404, 410):
        message = _("{address} does not exist ({status}). Check the address.")
    elif status == 429:
        message = _("{address} is asked for too often ({status}). Try again later.")
    elif status >= 500:
        message = _("{address} cannot be delivered by its server ({status}). Try again later.")
    else:
        message = _("{address} was not delivered ({status}). Open it in a browser, save the page, and add the file.")
    return message.format(address=address, status=status)


async def _is_inside(host: str) -> bool:
    """Tell whether a host is of the local network, by its name or its address."""
    if is_local(host):
        return True
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None)
    except OSError:
        return False  # a proxy may know it, or the request fails
    return any(is_local(str(address[0])) for *_rest, address in found)


def _joined(url: httpx2.URL, location: str) -> httpx2.URL | None:
    """Return where a redirect leads; ``None`` if that is no address of the web."""
    import httpx2

    try:
        target = url.join(location)
    except (httpx2.InvalidURL, ValueError):
        return None
    return target if _is_of_the_web(target) else None


def _is_of_the_web(url: httpx2.URL) -> bool:
    return url.scheme in ("http", "https") and bool(url.host) and not _NO_HOST.search(url.host)


def _shown(url: httpx2.URL) -> str:
    return one_line(str(url.copy_with(userinfo=b"")))


@asynccontextmanager
async def _explained(url: httpx2.URL) -> AsyncIterator[None]:
    """Turn errors of the network into one line each."""
    import anyio
    import httpx2

    host = one_line(url.host)
    try:
        yield
    except (TimeoutError, httpx2.TimeoutException):
        raise SourceError(_("{host} does not answer in time. Try again later.", host=host), code="timeout") from None
    except (httpx2.DecodingError, httpx2.InvalidURL, httpx2.UnsupportedProtocol):
        raise SourceError(
            _("{host} sends what is not HTTP. Save the page from a browser, and add the file.", host=host)
        ) from None
    except ModelError:
        raise  # a proxy or certificate that the environment names wrongly
    except (httpx2.HTTPError, httpx2.StreamError, OSError, anyio.EndOfStream) as error:
        reason = one_line(str(error))[:120]
        if reason:
            message = _(
                "{host} cannot be reached ({reason}). Check the address and the connection.", host=host, reason=reason
            )
        else:
            message = _("{host} cannot be reached. Check the address and the connection.", host=host)
        raise SourceError(message, code="unreachable") from None

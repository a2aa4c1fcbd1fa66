"""The HTTP client for an OpenAI-compatible address: one try a call, bounded answers, a key kept at home."""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lwtui import __version__
from lwtui.config import ModelSettings
from lwtui.log import hide
from lwtui.models.base import ModelError
from lwtui.models.openai_errors import Faults, HttpStatus, bad_address
from lwtui.models.openai_stream import MalformedStream, StreamError, parse_object

if TYPE_CHECKING:
    import httpx2

_MOST_ERROR_BYTES = 2**16
_MOST_BODY_BYTES = 2**23
_OPENAI_HEADERS = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
# Text that streams gains little from compression, and a few kilobytes of it can hold gigabytes.
_PLAIN = {"Accept-Encoding": "identity"}


class Endpoint:
    """An open client for one address. Close it with :meth:`aclose`."""

    def __init__(self, settings: ModelSettings, key: str) -> None:
        """Raises :class:`ModelError` for an address or a key that cannot be one. Does not connect."""
        import anyio
        import httpx2

        self._key = key.strip()
        hide(self._key)
        try:
            address = httpx2.URL(settings.base_url)
            self.faults, self._home = Faults(settings, self._key), address.copy_with(userinfo=b"")
        except (ValueError, httpx2.InvalidURL):
            raise bad_address() from None
        if self._home.scheme not in ("http", "https") or not self._home.host:
            raise bad_address()
        if not self._key.isascii() or not self._key.isprintable() or " " in self._key:
            raise ModelError(
                f"The key for {self.faults.host} holds characters that no key has: copy it anew.", kind="auth"
            )
        login = b64encode(f"{address.username}:{address.password}".encode()).decode()
        self._secret = f"Basic {login}" if address.userinfo else f"Bearer {self._key}" if self._key else ""
        self._failures = (httpx2.HTTPError, httpx2.StreamError, OSError, anyio.EndOfStream)
        # Silence is timed by the callers, event by event.
        timeout = httpx2.Timeout(None, connect=settings.connect_seconds)
        hooks: dict[str, list[Any]] = {"request": [self._prepare], "response": [self._check]}
        headers = {"User-Agent": f"lwtui/{__version__}", "Accept": "application/json, text/event-stream", **_PLAIN}
        if self.faults.is_openai:
            headers |= {
                name: os.environ[variable] for name, variable in _OPENAI_HEADERS.items() if variable in os.environ
            }
        self._address = str(self._home).rstrip("/")
        self.client = httpx2.AsyncClient(
            headers=headers,
            timeout=timeout,
            follow_redirects=True,
            event_hooks=hooks,
            # How many calls there are is the callers' business: one that waited here would pass for stalled.
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),
            trust_env=self._home.host not in _THIS_MACHINE,  # a proxy cannot reach it
        )

    async def aclose(self) -> None:
        await self.client.aclose()

    async def _prepare(self, request: httpx2.Request) -> None:
        """Put the key into a request that goes where it belongs, and into no other."""
        request.headers.pop("authorization", None)
        if self._secret and request.url.origin == self._home.origin:
            request.headers["authorization"] = self._secret

    async def _check(self, response: httpx2.Response) -> None:
        """Raise for everything but a success and a redirect that stays at home."""
        import httpx2

        if response.headers.get("content-encoding", "identity") != "identity":
            raise self.faults.compressed()
        status = response.status_code
        if status < 300:
            return
        if response.has_redirect_location:
            try:
                target = response.request.url.join(response.headers["location"])
                origin = target.origin
            except (httpx2.InvalidURL, ValueError):  # the second for file:///etc/passwd and the like
                raise self.faults.redirected("nowhere") from None
            keeps_method = status in (307, 308) or response.request.method == "GET"
            if keeps_method and origin == self._home.origin:
                return
            raise self.faults.redirected(f"{target.scheme}://{target.netloc.decode('ascii', 'replace')}")
        raise HttpStatus(status, dict(response.headers), await read_body(response, _MOST_ERROR_BYTES))

    async def request(self, path: str, body: dict[str, Any] | None = None) -> httpx2.Response:
        """Post ``body`` to ``path``, or get it. The body of the response is still to be read; the caller closes it.

        Raises :class:`HttpStatus`, and what :meth:`translated` takes.
        """
        request = self.client.build_request("GET" if body is None else "POST", self._address + path, json=body)
        return await self.client.send(request, stream=True)

    async def models(self) -> list[dict[str, Any]]:
        """The entries of ``/models``. Raises as :meth:`request` does."""
        response = await self.request("/models")
        try:
            body = await read_body(response)
            if body.lstrip().startswith(b"["):  # Together gives the list alone
                body = b'{"data": %b}' % body
            entries = parse_object(body).get("data")
        finally:
            await response.aclose()
        if not isinstance(entries, list):
            raise MalformedStream("it is no list of models")
        return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what the client and the readers raise into :class:`ModelError`."""
        try:
            yield
        except StreamError as error:
            raise self.faults.from_stream(error.body) from None
        except MalformedStream as error:
            raise self.faults.malformed(str(error)) from None
        except TimeoutError:
            raise self.faults.stalled() from None
        except self._failures as error:
            raise self.faults.from_transport(error) from None


async def read_body(response: httpx2.Response, most: int = _MOST_BODY_BYTES) -> bytes:
    """At most ``most`` bytes of a body that is not streamed."""
    body = b""
    async with aclosing(response.aiter_bytes()) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > most:
                break
    return body[:most]


async def list_models(model: ModelSettings, key: str, timeout: float) -> list[str]:  # noqa: ASYNC109
    """The names of the models at the endpoint of ``model``, fit to show. ``timeout`` (seconds) bounds the whole call.

    Raises :class:`ModelError` with one line if it cannot be reached, refuses, or has no such list.
    """
    endpoint = Endpoint(replace(model, connect_seconds=timeout, stall_seconds=timeout), key)
    try:
        with endpoint.translated():
            async with asyncio.timeout(timeout):
                entries = await endpoint.models()
    except HttpStatus as refusal:
        faults = endpoint.faults
        raise (faults.no_such_path("/models") if refusal.status == 404 else faults.from_status(refusal)) from None
    finally:
        await endpoint.aclose()
    return [endpoint.faults.words(entry["id"]) for entry in entries]

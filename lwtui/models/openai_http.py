"""The HTTP client for an OpenAI-compatible endpoint: no retries, bounded responses, and a key sent nowhere else."""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lwtui import __version__
from lwtui.config import ModelSettings, Role
from lwtui.errors import ConfigError
from lwtui.log import add_secret
from lwtui.models.base import ModelError
from lwtui.models.network import route_to
from lwtui.models.openai_errors import EndpointErrors, HttpStatusError, invalid_base_url
from lwtui.models.openai_stream import MalformedStream, StreamError, parse_object
from lwtui.request_settings import resolved_headers
from lwtui.translation import _

if TYPE_CHECKING:
    import httpx2

_MAX_ERROR_BYTES = 2**16
_MAX_BODY_BYTES = 2**23
_OPENAI_HEADERS = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
# Streamed text gains little from compression, and a few compressed kilobytes can expand to gigabytes.
_UNCOMPRESSED = {"Accept-Encoding": "identity"}


_ANTHROPIC_VERSION = "2023-06-01"
_role: ContextVar[Role] = ContextVar("role", default=Role.WRITE)


class Endpoint:
    """An HTTP client for one endpoint. Making it does not connect; close it with :meth:`aclose`.

    Args:
        settings: The model's settings.
        key: The API key; may be empty.

    Attributes:
        errors: Makes the errors for this endpoint.
        client: The underlying client.
        faults: The exceptions of the client and the stream parser.

    Raises:
        ModelError: The address or the key is invalid.
    """

    def __init__(self, settings: ModelSettings, key: str) -> None:
        import anyio
        import httpx2

        self._key = key.strip()
        self._is_anthropic = settings.provider == "anthropic"
        add_secret(self._key)
        try:
            address = httpx2.URL(settings.base_url)
            self.errors, self._base_url = EndpointErrors(settings, self._key), address.copy_with(userinfo=b"")
        except (ValueError, httpx2.InvalidURL):
            raise invalid_base_url() from None
        if self._base_url.scheme not in ("http", "https") or not self._base_url.host:
            raise invalid_base_url()
        if not self._key.isascii() or not self._key.isprintable() or " " in self._key:
            raise ModelError(
                _("The key for {host} holds characters that no key has: copy it again.", host=self.errors.host),
                kind="auth",
            )
        credentials = b64encode(f"{address.username}:{address.password}".encode()).decode()
        self._authorization = f"Basic {credentials}" if address.userinfo else f"Bearer {self._key}" if self._key else ""
        self._more_headers = {role: self._headers_for(settings, role) for role in Role}
        transport: tuple[type[Exception], ...] = (httpx2.HTTPError, httpx2.StreamError, OSError, anyio.EndOfStream)
        self.faults: tuple[type[Exception], ...] = (StreamError, MalformedStream, TimeoutError, *transport)
        # The callers time silence themselves, event by event.
        timeout = httpx2.Timeout(None, connect=settings.connect_seconds)
        hooks: dict[str, list[Any]] = {"request": [self._authorize], "response": [self._check]}
        headers = {
            "User-Agent": f"lwtui/{__version__}",
            "Accept": "application/json, text/event-stream",
            **_UNCOMPRESSED,
        }
        if self.errors.is_openai:
            headers |= {
                name: os.environ[variable] for name, variable in _OPENAI_HEADERS.items() if variable in os.environ
            }
        self._address = str(self._base_url).rstrip("/")
        route = route_to(self._base_url)
        self.errors.proxy_variable = route.variable
        self.client = httpx2.AsyncClient(
            headers=headers,
            timeout=timeout,
            follow_redirects=True,
            event_hooks=hooks,
            # The callers bound the number of calls; a call that waited here would seem to stall.
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),
            **route.options,
        )

    async def aclose(self) -> None:
        """Close the connections; calls under way fail."""
        await self.client.aclose()

    async def _authorize(self, request: httpx2.Request) -> None:
        """Add the key and the user's headers to a request to the endpoint itself, and remove them from any other."""
        for name in ("authorization", "x-api-key"):
            request.headers.pop(name, None)
        more = self._more_headers[_role.get()]
        for name in more:
            request.headers.pop(name, None)
        if request.url.origin == self._base_url.origin:
            if self._is_anthropic and self._key:
                request.headers.update({"x-api-key": self._key, "anthropic-version": _ANTHROPIC_VERSION})
            elif self._authorization:
                request.headers["authorization"] = self._authorization
            request.headers.update(more)

    def _headers_for(self, settings: ModelSettings, role: Role) -> dict[str, str]:
        try:
            headers, secrets = resolved_headers(settings.for_role(role).extra_headers)
        except ConfigError as error:
            raise ModelError(str(error), kind="refused", code=error.code) from None
        for secret in secrets:
            add_secret(secret)
            self.errors.add_secret(secret)
        return headers

    async def _check(self, response: httpx2.Response) -> None:
        """Raise for everything but a success and a redirect within the endpoint's origin."""
        import httpx2

        if response.headers.get("content-encoding", "identity") != "identity":
            raise self.errors.compressed()
        status = response.status_code
        if status < 300:
            return
        if response.has_redirect_location:
            try:
                target = response.request.url.join(response.headers["location"])
                origin = target.origin
            except (httpx2.InvalidURL, ValueError):  # ValueError for file:///etc/passwd and the like
                raise self.errors.redirected("nowhere") from None
            keeps_method = status in (307, 308) or response.request.method == "GET"
            if keeps_method and origin == self._base_url.origin:
                return
            raise self.errors.redirected(f"{target.scheme}://{target.netloc.decode('ascii', 'replace')}")
        raise HttpStatusError(status, dict(response.headers), await read_body(response, _MAX_ERROR_BYTES))

    async def request(
        self, path: str, body: dict[str, Any] | None = None, *, role: Role = Role.WRITE
    ) -> httpx2.Response:
        """Send a request: ``POST`` with a ``body``, ``GET`` without one.

        Args:
            path: What follows the endpoint's address, or a whole address of the same origin.
            body: The object to send.
            role: The role whose headers to send.

        Returns:
            The response; its body has not been read yet, and the caller has to close it.

        Raises:
            HttpStatusError: The response has no success status.
            Exception: Whatever :meth:`translate_errors` translates.
        """
        address = path if "://" in path else self._address + path
        self.use_role(role)
        request = self.client.build_request("GET" if body is None else "POST", address, json=body)
        return await self.client.send(request, stream=True)

    def use_role(self, role: Role) -> None:
        """Send the headers of ``role`` with the next request of this task."""
        _role.set(role)

    async def model_entries(self) -> list[dict[str, Any]]:
        """Fetch the entries of ``/models``. Raises the same errors as :meth:`request`."""
        response = await self.request("/models")
        try:
            body = await read_body(response)
            if body.lstrip().startswith(b"["):  # Together sends the bare list
                body = b'{"data": %b}' % body
            entries = parse_object(body).get("data")
        finally:
            await response.aclose()
        if not isinstance(entries, list):
            raise MalformedStream(_("it is not a list of models"))
        return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Turn the ``faults`` into :class:`ModelError`."""
        try:
            yield
        except self.faults as fault:
            raise self.translated(fault) from None

    def translated(self, fault: Exception) -> ModelError:
        """Return the error for one of the ``faults``."""
        if isinstance(fault, StreamError):
            return self.errors.from_stream(fault.body)
        if isinstance(fault, MalformedStream):
            return self.errors.malformed(str(fault), fault.sample)
        return self.errors.stalled() if isinstance(fault, TimeoutError) else self.errors.from_transport(fault)


async def read_body(response: httpx2.Response, max_bytes: int = _MAX_BODY_BYTES) -> bytes:
    """Read a body that is not streamed, at most ``max_bytes`` of it."""
    body = bytearray()
    async with aclosing(response.aiter_bytes()) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > max_bytes:
                break
    return bytes(body[:max_bytes])


async def list_models(model: ModelSettings, key: str, timeout: float) -> list[str]:  # noqa: ASYNC109
    """List the names of the models at an endpoint, sanitized for display.

    Args:
        model: Settings with the endpoint's address.
        key: The API key; may be empty.
        timeout: Upper bound of the whole call, in seconds.

    Raises:
        ModelError: The endpoint cannot be reached, refuses, or has no such list; the message is one line.
    """
    endpoint = Endpoint(replace(model, connect_seconds=timeout, stall_seconds=timeout), key)
    try:
        with endpoint.translate_errors():
            async with asyncio.timeout(timeout):
                entries = await endpoint.model_entries()
    except HttpStatusError as refusal:
        errors = endpoint.errors
        raise (errors.no_such_path("/models") if refusal.status == 404 else errors.from_status(refusal)) from None
    finally:
        await endpoint.aclose()
    return [endpoint.errors.sanitize(entry["id"]) for entry in entries]

"""Serves the app to a browser: one process of the app for each page.

Every request is checked first:

- Its ``Host`` and ``Origin`` must be the server's own. This keeps out the pages of other sites and DNS names that
  somebody points at this machine.
- If other machines can reach the server, the request needs the token: once in the address, then in a cookie.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp_jinja2
from aiohttp import web
from textual_serve.server import Server

from lwtui.errors import LwtuiError
from lwtui.system import join_command
from lwtui.translation import _

_COOKIE = "lwtui_token"
_HEADERS = {
    # Nothing loads from other hosts (the stock page asks for a font), and no other page may frame this one.
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; connect-src 'self' ws: wss:; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Address:
    """The address of the server.

    Attributes:
        host: The host name or IP address.
        port: The TCP port.
        token: The secret that a browser must send; empty if none is needed.
    """

    host: str
    port: int
    token: str = ""

    @property
    def url(self) -> str:
        """The URL to open in a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/" + (f"?token={self.token}" if self.token else "")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class GuardedServer(Server):
    """Textual's app server with the checks of this module."""

    def __init__(self, arguments: Sequence[str], address: Address) -> None:
        """Prepare the server.

        Args:
            arguments: The arguments of ``lwtui`` for each page's app.
            address: Where to serve.
        """
        command = join_command([sys.executable, "-m", "lwtui", *arguments])
        super().__init__(command, host=address.host, port=address.port, title="lwtui")
        self._address = address

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.on_startup.clear()  # the stock handler prints its own messages
        app.middlewares.append(self._guard)
        app.on_response_prepare.append(_add_headers)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
        self._check_name(request)
        token = self._address.token
        if not token:
            return await handler(request)
        if _same(request.cookies.get(_COOKIE, ""), token):
            return await handler(request)
        if request.path == "/" and _same(request.query.get("token", ""), token):
            answer = web.HTTPFound("/")  # keeps the token out of the address bar and the browser's history
            answer.set_cookie(_COOKIE, token, httponly=True, samesite="Strict", path="/")
            raise answer
        raise web.HTTPUnauthorized(
            text=_("The token is missing or wrong. Open the address that lwtui serve printed.") + "\n"
        )

    def _check_name(self, request: web.Request) -> None:
        name = urlsplit(f"//{request.host}").hostname or ""
        if is_loopback(self._address.host) and not is_loopback(name):
            raise web.HTTPForbidden(text=_("Only this machine may use this server, under its own host name.") + "\n")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text=_("Pages of other sites may not use this server.") + "\n")

    async def handle_index(self, request: web.Request) -> web.Response:
        """Render the page with URLs under the host name of the request."""
        size = request.query.get("fontsize", "16")
        base, socket = ("https", "wss") if request.scheme == "https" else ("http", "ws")
        context = {
            "font_size": int(size) if size.isdecimal() and len(size) < 4 else 16,
            "app_websocket_url": f"{socket}://{request.host}/ws",
            "config": {"static": {"url": f"{base}://{request.host}/static/"}},
            "application": {"name": self.title},
        }
        return aiohttp_jinja2.render_template("app_index.html", request, context)


async def serve(arguments: Sequence[str], address: Address, ready: Callable[[Address], None]) -> None:
    """Serve until the task is canceled.

    Args:
        arguments: The arguments of ``lwtui`` for each page's app.
        address: Where to serve; port 0 takes a free one.
        ready: Is called with the address once the server listens, with the actual port.

    Raises:
        LwtuiError: The address is in use or not allowed.
    """
    logging.getLogger("textual-serve").setLevel(logging.CRITICAL)  # bad requests need no traceback
    runner = web.AppRunner(await GuardedServer(arguments, address)._make_app(), access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise LwtuiError(
                _(
                    "Cannot serve on {host}, port {port}: {why}. Choose another with --host and --port.",
                    host=address.host,
                    port=address.port,
                    why=why,
                ),
                code="cannot-listen",
            ) from None
        ready(replace(address, port=runner.addresses[0][1]))
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())

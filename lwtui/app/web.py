"""The app in a browser: one process of the app for each page, behind a door that looks at who comes.

What the door checks, before anything is served:

- The page and its socket are asked for under the server's own name, so that no other site's page, and no name that
  somebody points at this machine, gets in.
- Where the server can be reached from other machines, the token: once in the address, from then on in a cookie.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp_jinja2
from aiohttp import web
from textual_serve.server import Server

from lwtui.errors import LwtuiError

_COOKIE = "lwtui_token"
_HEADERS = {
    # Nothing comes from elsewhere (the page as it is made asks for a font), and no other page may frame this one.
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; connect-src 'self' ws: wss:; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Address:
    """Where the app is served; ``token`` is what a visitor must show (empty: nothing)."""

    host: str
    port: int
    token: str = ""

    @property
    def url(self) -> str:
        """What to open in a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/" + (f"?token={self.token}" if self.token else "")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Door(Server):
    """Textual's server of an app, with the door in front of it."""

    def __init__(self, arguments: Sequence[str], address: Address) -> None:
        """``arguments`` are those of ``lwtui`` for the app of each page."""
        command = shlex.join([sys.executable, "-m", "lwtui", *arguments])
        super().__init__(command, host=address.host, port=address.port, title="lwtui")
        self._address = address

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.on_startup.clear()  # it says what is served where by itself
        app.middlewares.append(self._door)
        app.on_response_prepare.append(_add_headers)
        return app

    @web.middleware
    async def _door(self, request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
        self._check_name(request)
        token = self._address.token
        if not token:
            return await handler(request)
        if _same(request.cookies.get(_COOKIE, ""), token):
            return await handler(request)
        if request.path == "/" and _same(request.query.get("token", ""), token):
            answer = web.HTTPFound("/")  # the token does not stay in the address, nor in the browser's history
            answer.set_cookie(_COOKIE, token, httponly=True, samesite="Strict", path="/")
            raise answer
        raise web.HTTPUnauthorized(text="This needs the token: open the address that lwtui serve printed.\n")

    def _check_name(self, request: web.Request) -> None:
        name = urlsplit(f"//{request.host}").hostname or ""
        if is_loopback(self._address.host) and not is_loopback(name):
            raise web.HTTPForbidden(text="This is served to this machine alone, under its own name.\n")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="Another site's page may not use this.\n")

    async def handle_index(self, request: web.Request) -> web.Response:
        """The page, with addresses under the name by which it was asked for."""
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
    """Serve until the task is cancelled. ``ready`` hears the address with the port that was really taken.

    Raises :class:`lwtui.errors.LwtuiError` if the address cannot be had.
    """
    logging.getLogger("textual-serve").setLevel(logging.CRITICAL)  # what a browser sends is no reason for a traceback
    runner = web.AppRunner(await Door(arguments, address)._make_app(), access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise LwtuiError(
                f"Cannot serve on {address.host}, port {address.port}: {why}. Choose another by --host and --port."
            ) from None
        ready(replace(address, port=runner.addresses[0][1]))
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())

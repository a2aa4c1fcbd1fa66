"""``lwtui serve``: open the app in a browser."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwtui.command_line.extras import require_extra
from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, add_model_options, command_parser
from lwtui.errors import UsageError
from lwtui.stop_signals import on_stop_signal
from lwtui.translation import _

if TYPE_CHECKING:
    from lwtui.app.web import Address

_MIN_TOKEN_LENGTH = 16


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "serve",
        _(
            "Open the app in a browser. Only this machine can reach it, unless you choose another --host, which "
            "requires\n"
            "a --token. Anyone with the token can read and change your documents and use your models. The connection "
            "is\n"
            "not encrypted: use a proxy with TLS, or an SSH tunnel.\n"
            'Needs the extra: pip install "lwtui[serve]"'
        ),
        """
        lwtui serve
        lwtui serve report.lw --port 8080
        lwtui serve --host 0.0.0.0 --token
        LWTUI_SERVE_TOKEN=… lwtui serve --host 0.0.0.0
        """,
    )
    result.add_argument("file", nargs="?", metavar="FILE", help=_("a document, or a file of another program to import"))
    result.add_argument("--host", default="127.0.0.1", help=_("the address to serve on (default: 127.0.0.1)"))
    result.add_argument("--port", type=_port, default=8000, help=_("the port; 0 chooses a free one (default: 8000)"))
    result.add_argument(
        "--token",
        nargs="?",
        const="",
        metavar="TOKEN",
        help=_(
            "the token that a browser needs; without TOKEN, one is generated. Put it in LWTUI_SERVE_TOKEN to hide it "
            "from other users of this machine"
        ),
    )
    result.add_argument("--library", action="store_true", help=_("start in the library, not where you left off"))
    add_model_options(result)
    return result


def run(options: argparse.Namespace) -> int:
    """Serve the app until it is stopped, and return the exit code."""
    require_extra("serve", "textual_serve", "aiohttp")
    from lwtui.app import web

    address = web.Address(options.host, options.port, _token(options, loopback=web.is_loopback(options.host)))
    try:
        asyncio.run(_serve(web, _arguments(options), address))
    except KeyboardInterrupt:
        say(_("Stopped."))
    return 0


async def _serve(web: Any, arguments: list[str], address: Address) -> None:
    task = asyncio.ensure_future(web.serve(arguments, address, _print_address))
    on_stop_signal(lambda _signal: task.cancel(), interrupt=True)
    try:
        await task
    except asyncio.CancelledError:
        say(_("Stopped."))


def _print_address(address: Address) -> None:
    print(_("lwtui is at {url}", url=address.url), flush=True)
    if address.token:
        say(_("Anyone with this address can read and change your documents and use your models."))
    say(_("Press Ctrl+C to stop."))


def _token(options: argparse.Namespace, *, loopback: bool) -> str:
    """Return the token, generated if need be. Raises :class:`UsageError` if it is required and missing, or invalid."""
    token: str | None = options.token
    if not token:
        # Removed from the environment, which the app of each page inherits.
        from_environment = os.environ.pop("LWTUI_SERVE_TOKEN", "")
        token = from_environment or (secrets.token_urlsafe(24) if token is not None else "")
    if not token and not loopback:
        raise UsageError(
            _(
                "On {host}, other machines can reach your documents and models. Add --token and keep the address "
                "that it prints to yourself, or leave out --host.",
                host=options.host,
            ),
            code="no-token",
        )
    if token and not re.fullmatch(rf"[A-Za-z0-9_-]{{{_MIN_TOKEN_LENGTH},}}", token):
        raise UsageError(
            _(
                "A token has at least {least} letters, digits, - or _. --token alone generates one.",
                least=_MIN_TOKEN_LENGTH,
            ),
            code="invalid-token",
        )
    return token


def _arguments(options: argparse.Namespace) -> list[str]:
    """Return the arguments of the lwtui that serves each page, and check them here rather than in the browser."""
    from lwtui.cli.app import document_of
    from lwtui.command_line.choice import choose_model
    from lwtui.config import load_settings

    settings = load_settings()
    if options.model or options.base_url:
        choose_model(options, settings)
    arguments = [str(document_of(Path(options.file).expanduser()).absolute())] if options.file else []
    for name in ("model", "base_url"):
        if value := getattr(options, name):
            arguments += [f"--{name.replace('_', '-')}", value]
    return arguments + (["--library"] if options.library else [])


def _port(given: str) -> int:
    if not given.isdecimal() or int(given) > 65535:
        raise argparse.ArgumentTypeError(_("{given!r} is not a port: enter a number from 0 to 65535", given=given))
    return int(given)

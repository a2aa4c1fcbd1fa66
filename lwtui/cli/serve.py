"""``lwtui serve``: the app in a browser."""

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

if TYPE_CHECKING:
    from lwtui.app.web import Address

_LEAST_TOKEN = 16  # characters


def parser() -> Parser:
    result = command_parser(
        "serve",
        "Open the app in a browser. Only this machine can reach it, unless you name another --host, which needs\n"
        "a --token: whoever has it can read and change your documents and use your models, and what goes over\n"
        "the network is not encrypted (put a proxy with TLS in front, or use an SSH tunnel).\n"
        'Needs the extra: pip install "lwtui[serve]"',
        """
        lwtui serve
        lwtui serve report.lw --port 8080
        lwtui serve --host 0.0.0.0 --token
        LWTUI_SERVE_TOKEN=… lwtui serve --host 0.0.0.0
        """,
    )
    result.add_argument("file", nargs="?", metavar="FILE", help="a document, or Markdown, text or DOCX to import")
    result.add_argument("--host", default="127.0.0.1", help="the address to serve on (default: 127.0.0.1)")
    result.add_argument("--port", type=_port, default=8000, help="the port; 0 takes a free one (default: 8000)")
    result.add_argument(
        "--token",
        nargs="?",
        const="",
        metavar="TOKEN",
        help="what a browser must show; without TOKEN one is made. In LWTUI_SERVE_TOKEN other users do not see it",
    )
    result.add_argument("--library", action="store_true", help="begin with the library, not where lwtui was left")
    add_model_options(result)
    return result


def run(options: argparse.Namespace) -> int:
    require_extra("serve", "textual_serve", "aiohttp")
    from lwtui.app import web

    address = web.Address(options.host, options.port, _token(options, loopback=web.is_loopback(options.host)))
    try:
        asyncio.run(_serve(web, _arguments(options), address))
    except KeyboardInterrupt:
        say("Stopped.")
    return 0


async def _serve(web: Any, arguments: list[str], address: Address) -> None:
    task = asyncio.ensure_future(web.serve(arguments, address, _tell))
    on_stop_signal(lambda _: task.cancel(), interrupt=True)
    try:
        await task
    except asyncio.CancelledError:
        say("Stopped.")


def _tell(address: Address) -> None:
    print(f"lwtui is at {address.url}", flush=True)
    if address.token:
        say("Whoever has this address can read and change your documents and use your models.")
    say("Ctrl+C ends it.")


def _token(options: argparse.Namespace, *, loopback: bool) -> str:
    """The token, made if one was asked for. Raises :class:`UsageError` where one is needed and was not."""
    given: str | None = options.token
    if not given:
        # Out of the environment, which each page's app inherits.
        kept = os.environ.pop("LWTUI_SERVE_TOKEN", "")
        given = kept or (secrets.token_urlsafe(24) if given is not None else "")
    if not given and not loopback:
        raise UsageError(
            f"On {options.host} other machines can reach your documents and models. Add --token, and give the address "
            "it prints to nobody else; or leave --host out."
        )
    if given and not re.fullmatch(rf"[A-Za-z0-9_-]{{{_LEAST_TOKEN},}}", given):
        raise UsageError(f"A token has at least {_LEAST_TOKEN} letters, digits, - or _. --token alone makes one.")
    return given


def _arguments(options: argparse.Namespace) -> list[str]:
    """What each page's own lwtui is started with. What is wrong with it is told here, not in the browser."""
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
        raise argparse.ArgumentTypeError(f"{given!r} is no port: a number from 0 to 65535")
    return int(given)

"""``lwtui models find``: find model servers on this machine, and print how to add their models."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from typing import Any

from lwtui.command_line.guard import say
from lwtui.config import ModelSettings, Settings
from lwtui.models.servers import PORTS, LocalServer, discovered_models, find_servers
from lwtui.system import quote_word
from lwtui.translation import _, _n

_MAX_SHOWN = 12  # models of each server


def add_find_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the action."""
    parser.description = _(
        "Search this machine's ports ({ports}) for model servers: Ollama, llama-server,\n"
        "vLLM, LM Studio and others. Nothing is added, no key is sent, and no other machine is contacted.",
        ports=", ".join(map(str, PORTS)),
    )
    parser.add_argument(
        "--port", type=_port, action="append", metavar="N", help=_("search only this port; may be repeated")
    )
    parser.add_argument("--json", action="store_true", help=_("print a JSON list"))


def run_find(options: argparse.Namespace, settings: Settings) -> int:
    """Run the action, and return the exit code."""
    found = asyncio.run(find_servers(options.port))
    known = list(settings.models.values())
    if options.json:
        print(json.dumps([_described(server, known) for server in found], ensure_ascii=False, indent=2))
        return 0
    for server in found:
        print("\n".join(_lines(server, known)))
    if not found:
        say(_("Found no model server on this machine. To add one elsewhere by its address: lwtui models add --help"))
    return 0


def _described(server: LocalServer, known: Sequence[ModelSettings]) -> dict[str, Any]:
    free = {offer.model: offer.name for offer in discovered_models([server], known)}
    models = [{"id": model, "added": model not in free, "name": free.get(model, "")} for model in server.models]
    return {"server": server.kind, "base_url": server.base_url, "wants_key": server.needs_key, "models": models}


def _lines(server: LocalServer, known: Sequence[ModelSettings]) -> list[str]:
    where = _("{server} at {address}", server=server.kind, address=server.host_and_port)
    if server.needs_key:
        lines = [_("{server} at {address} needs a key", server=server.kind, address=server.host_and_port)]
        return [*lines, f"  lwtui models add NAME --base-url {server.base_url} --model ID --key-stdin"]
    lines = [where]
    if not server.models:
        return [*lines, "  " + _("has no models yet")]
    free = discovered_models([server], known)
    added = len(server.models) - len(free)
    lines += [f"  {_command(offer.name, offer.model, server.base_url)}" for offer in free[:_MAX_SHOWN]]
    if len(free) > _MAX_SHOWN:
        more = len(free) - _MAX_SHOWN
        lines.append("  " + _("and {number} more; --json lists all", number=more))
    if added:
        known_line = _n(
            "{count} of its models is already in the settings",
            "{count} of its models are already in the settings",
            added,
        )
        lines.append(f"  {known_line}")
    return lines


def _command(name: str, model: str, base_url: str) -> str:
    """Return the command that adds a model. The names come from a server, so they are quoted for the shell."""
    return f"lwtui models add {quote_word(name)} --base-url {base_url} --model {quote_word(model)}"


def _port(given: str) -> int:
    if not given.isdecimal() or not 0 < int(given) <= 65535:
        raise argparse.ArgumentTypeError(_("{given!r} is not a port: enter a number from 1 to 65535", given=given))
    return int(given)

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

_MAX_SHOWN = 12  # models of each server


def add_find_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the action."""
    parser.description = (
        f"Search this machine's ports ({', '.join(map(str, PORTS))}) for model servers: Ollama, llama-server,\n"
        "vLLM, LM Studio and others. Nothing is added, no key is sent, and no other machine is contacted."
    )
    parser.add_argument(
        "--port", type=_port, action="append", metavar="N", help="search only this port; may be repeated"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list")


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
        say("Found no model server on this machine. To add one elsewhere by its address: lwtui models add --help")
    return 0


def _described(server: LocalServer, known: Sequence[ModelSettings]) -> dict[str, Any]:
    free = {offer.model: offer.name for offer in discovered_models([server], known)}
    models = [{"id": model, "added": model not in free, "name": free.get(model, "")} for model in server.models]
    return {"server": server.kind, "base_url": server.base_url, "wants_key": server.needs_key, "models": models}


def _lines(server: LocalServer, known: Sequence[ModelSettings]) -> list[str]:
    lines = [f"{server.kind} at {server.host_and_port}" + (" needs a key" if server.needs_key else "")]
    if server.needs_key:
        return [*lines, f"  lwtui models add NAME --base-url {server.base_url} --model ID --key-stdin"]
    if not server.models:
        return [*lines, "  has no models yet"]
    free = discovered_models([server], known)
    added = len(server.models) - len(free)
    lines += [f"  {_command(offer.name, offer.model, server.base_url)}" for offer in free[:_MAX_SHOWN]]
    if len(free) > _MAX_SHOWN:
        lines.append(f"  and {len(free) - _MAX_SHOWN} more; --json lists all")
    if added:
        lines.append(f"  {added} of its models {'is' if added == 1 else 'are'} already in the settings")
    return lines


def _command(name: str, model: str, base_url: str) -> str:
    """Return the command that adds a model. The names come from a server, so they are quoted for the shell."""
    return f"lwtui models add {quote_word(name)} --base-url {base_url} --model {quote_word(model)}"


def _port(given: str) -> int:
    if not given.isdecimal() or not 0 < int(given) <= 65535:
        raise argparse.ArgumentTypeError(f"{given!r} is not a port: enter a number from 1 to 65535")
    return int(given)

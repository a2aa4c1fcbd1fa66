"""``lwtui models find``: the model servers that run on this machine, and how to add their models."""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
from collections.abc import Sequence
from typing import Any

from lwtui.command_line.guard import say
from lwtui.config import ModelSettings, Settings
from lwtui.models.servers import PORTS, Server, find_servers, offers

_SHOWN = 12  # models of one server


def add_find_options(to: argparse.ArgumentParser) -> None:
    to.description = (
        f"Ask this machine's own ports ({', '.join(map(str, PORTS))}) for servers of models: Ollama, llama-server,\n"
        "vLLM, LM Studio and others. Nothing is added, no key is sent, and no other machine is asked."
    )
    to.add_argument(
        "--port", type=_port, action="append", metavar="N", help="ask this port alone; may be given several times"
    )
    to.add_argument("--json", action="store_true", help="as a JSON list")


def run_find(options: argparse.Namespace, settings: Settings) -> int:
    found = asyncio.run(find_servers(options.port))
    known = list(settings.models.values())
    if options.json:
        print(json.dumps([_described(server, known) for server in found], ensure_ascii=False, indent=2))
        return 0
    for server in found:
        print("\n".join(_lines(server, known)))
    if not found:
        say("No model server was found on this machine. One elsewhere is added by its address: lwtui models add --help")
    return 0


def _described(server: Server, known: Sequence[ModelSettings]) -> dict[str, Any]:
    free = {offer.model: offer.name for offer in offers([server], known)}
    models = [{"id": model, "added": model not in free, "name": free.get(model, "")} for model in server.models]
    return {"server": server.kind, "base_url": server.base_url, "wants_key": server.wants_key, "models": models}


def _lines(server: Server, known: Sequence[ModelSettings]) -> list[str]:
    lines = [f"{server.kind} at {server.place}" + (" wants a key" if server.wants_key else "")]
    if server.wants_key:
        return [*lines, f"  lwtui models add NAME --base-url {server.base_url} --model ID --key-stdin"]
    if not server.models:
        return [*lines, "  has no model yet"]
    free = offers([server], known)
    added = len(server.models) - len(free)
    lines += [f"  {_command(offer.name, offer.model, server.base_url)}" for offer in free[:_SHOWN]]
    if len(free) > _SHOWN:
        lines.append(f"  and {len(free) - _SHOWN} more; --json lists all")
    return lines + ([f"  {added} of its models {'is' if added == 1 else 'are'} in the settings"] if added else [])


def _command(name: str, model: str, base_url: str) -> str:
    """What adds a model, to copy: its name comes from a server, so it is quoted for the shell."""
    return f"lwtui models add {shlex.quote(name)} --base-url {base_url} --model {shlex.quote(model)}"


def _port(given: str) -> int:
    if not given.isdecimal() or not 0 < int(given) <= 65535:
        raise argparse.ArgumentTypeError(f"{given!r} is no port: a number from 1 to 65535")
    return int(given)

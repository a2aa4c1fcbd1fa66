"""A stand-in for the program llama-server: its options, its pages and its key, with an :class:`Author` as the model.

``installed`` puts it on the PATH. Its requests are added to the file that ``LLAMA_SERVER_LOG`` names.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.support.author import Author
from tests.support.fault_server import FaultServer, send_response

ROOT = Path(__file__).parents[2]


def installed(folder: Path, name: str = "llama-server") -> Path:
    """Make the program in ``folder``, and return its path."""
    program = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\ncd "{ROOT}" && exec "{sys.executable}" -m tests.support.llama_server "$@"\n')
    program.chmod(0o755)
    return program


class LlamaServer(FaultServer):
    async def _answer_to(self, request: Any, writer: asyncio.StreamWriter, fault: Any) -> None:
        _log(request)
        if request.path == "/health":
            return await send_response(writer, 200, b'{"status": "ok"}')
        if request.headers.get("authorization") != f"Bearer {os.environ['LLAMA_API_KEY']}":
            return await send_response(writer, 401, b'{"error": {"message": "Invalid API Key"}}')
        if request.path == "/tokenize":
            tokens = list(range(len(request.json["content"].split())))
            return await send_response(writer, 200, json.dumps({"tokens": tokens}).encode())
        if "die" in json.dumps(request.json):
            print("ggml: fatal error: out of memory", file=sys.stderr, flush=True)
            os._exit(3)
        return await super()._answer_to(request, writer, fault)


def _log(request: Any) -> None:
    with Path(os.environ.get("LLAMA_SERVER_LOG", os.devnull)).open("a", encoding="utf-8") as log:
        log.write(json.dumps({"path": request.path, "json": request.json}) + "\n")


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", action="store_true")
    for name in ("-m", "--alias", "--host", "-c", "-np", "-t", "-ngl", "-ctk", "-ctv", "-fa"):
        parser.add_argument(name)
    parser.add_argument("--port", type=int)
    parser.add_argument("--jinja", action="store_true")
    options = parser.parse_args()
    if options.version:
        print("version: 11434", file=sys.stderr)
        return
    if "native" in options.m:
        os.kill(os.getpid(), signal.SIGILL)
    if "broken" in options.m:
        print("gguf_init_from_file: failed to read the tensors", file=sys.stderr)
        print("main: exiting", file=sys.stderr)
        sys.exit(1)
    author = Author(piece=8)
    async with LlamaServer(
        lambda body: ["Once ", "more."] if body.get("prompt") == "Once" else author(body), port=options.port
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())

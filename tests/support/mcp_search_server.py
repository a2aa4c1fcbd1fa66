"""An MCP server that searches, made with the official SDK: ``python -m tests.support.mcp_search_server MODE [PORT]``.

With a port it speaks streamable HTTP on the loopback, otherwise standard input and output. The mode says how its tools
are called and what they answer. What happens is written to the file that the variable ``MCP_LOG`` names.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from time import monotonic, sleep
from typing import Any

PAGES = {
    "https://tea.example/assam": ("Tea of Assam", "The harvest of 2019 was picked by hand."),
    "https://tea.example/green": ("Green tea", "Green tea is steamed at once."),
}
TEXT = "Assam lies in the north of India.\n\nThe harvest of 2019 was picked by hand, by 1,200 people."


def command(mode: str) -> str:
    """Return the command line that starts the server."""
    return f'"{sys.executable}" -m tests.support.mcp_search_server {mode}'


def logged(path: Path) -> list[tuple[str, int]]:
    """Return what servers have written to a log: each event, and the process."""
    lines = path.read_text().split("\n") if path.exists() else []
    return [(event, int(process)) for event, _, process in (line.partition(" ") for line in lines if line)]


def _log(event: str) -> None:
    if path := os.environ.get("MCP_LOG"):
        with Path(path).open("a") as file:
            file.write(f"{event} {os.getpid()}\n")


@contextmanager
def http_server(mode: str) -> Iterator[str]:
    """Run the server behind an address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = Path(__file__).parents[2]
    arguments = [sys.executable, "-m", "tests.support.mcp_search_server", mode, str(port)]
    with subprocess.Popen(arguments, cwd=root, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = monotonic() + 60
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert monotonic() < deadline and process.poll() is None
                    sleep(0.05)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.kill()


def _serve(mode: str, port: int) -> None:
    from mcp.server import MCPServer

    server = MCPServer("search", log_level="ERROR")

    def search(query: str) -> Any:
        """Search the web."""
        _log("search")
        if mode == "dies-later":
            Timer(0.3, os._exit, (3,)).start()
        rows = [{"title": title, "url": url, "snippet": text} for url, (title, text) in PAGES.items()]
        if mode == "json":
            return {"results": rows}
        if mode == "text-json":
            return json.dumps(rows)
        if mode == "markdown":
            return "\n".join(f"- [{row['title']}]({row['url']}): {row['snippet']}" for row in rows)
        if mode == "fields":
            lines = (f"Title: {row['title']}\nDescription: {row['snippet']}\nURL: {row['url']}" for row in rows)
            return "\n\n".join(lines)
        if mode in ("ids", "dies-later", "hang-fetch"):
            return {"results": [{"id": f"doc-{number}", **row} for number, row in enumerate(rows, 1)]}
        if mode == "environment":
            return {"results": [{"title": os.environ.get(query, "not set"), "url": "https://tea.example/"}]}
        if mode == "garbage":
            return "No idea what you mean. <|im_start|> \x1b[31mred"
        if mode == "flood":
            return "x" * 30_000_000
        if mode == "hang":
            sleep(600)
        raise RuntimeError("the engine\nis out of order")

    def fetch(id: str) -> Any:
        """Return the text of a page."""
        _log("fetch")
        if mode == "hang-fetch":
            sleep(600)
        return {"id": id, "title": "Tea of Assam", "text": TEXT if id == "doc-1" else "", "url": "https://tea.example/"}

    if mode == "other-names":
        server.add_tool(search, name="web_lookup")
    elif mode == "no-query":

        def now(first: int, second: int) -> str:
            """Return nothing."""
            return ""

        server.add_tool(now, name="search")
    elif mode != "no-search":
        server.add_tool(search)
    server.add_tool(fetch)
    _log("start")
    if port:
        server.run("streamable-http", host="127.0.0.1", port=port)
    else:
        server.run("stdio")
    _log("end")


if __name__ == "__main__":
    if sys.argv[1] == "noise":
        sys.stdout.write("this is no MCP\n" * 1_000)
        sys.stdout.flush()
        sleep(600)
    elif sys.argv[1] == "dies":
        sys.exit("cannot start")
    else:
        _serve(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)

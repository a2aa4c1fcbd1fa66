"""Runs a server for as long as the app lives: ``python server_child.py PROGRAM ARGUMENT…``.

The app holds the other end of this process's standard input. When the app ends, be it by force, that input closes, and
the server is ended. This file is run by its path and imports nothing of lwtui.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

_END_SECONDS = 5.0


def main() -> None:
    """Run the server, and exit with its exit code."""
    server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno())
    threading.Thread(target=_end_with_input, args=(server,), daemon=True).start()
    code = server.wait()
    if code < 0:
        print(f"error: the server was ended by signal {-code} ({_name(-code)})", file=sys.stderr, flush=True)
    os._exit(code & 0xFF)  # a regular exit would wait for the reading thread


def _name(number: int) -> str:
    if number == signal.SIGILL:
        return "illegal instruction: it was compiled for another processor"
    return signal.strsignal(number) or "unknown"


def _end_with_input(server: subprocess.Popen[bytes]) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.terminate()
    try:
        server.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()


if __name__ == "__main__":
    main()

"""Install lwtui as strangers do, and write a document with each installation.

    python packaging/try_installs.py                 # with pip, pipx and uv
    python packaging/try_installs.py --tools pip     # with one of them
    python packaging/try_installs.py --wheel dist/lwtui-1.0.0-py3-none-any.whl

Each tool installs the wheel, without extras and so without a compiler, in an environment of its own outside the
checkout. The installed command then writes, exports and checks a document. The model is a small server of this script
on the loopback interface. Only the package index is needed from outside.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_WINDOWS = sys.platform == "win32"
_PROGRAMS = "Scripts" if _WINDOWS else "bin"
_EXE = ".exe" if _WINDOWS else ""
_SECONDS = 900  # of an installation, with a slow connection
_PLAN = {
    "title": "Three portraits",
    "sections": [
        {"title": title, "main_point": f"What {title.lower()} does before sunrise.", "words": 60}
        for title in ("The baker", "The sailor", "The gardener")
    ],
}
_TEXTS = (
    "The harbor lay quiet before sunrise, and nobody spoke while the first boats came in with the tide. A lamp burned "
    "behind one window of the bakery, where two loaves were already cooling on the sill. Someone had swept the steps. "
    "By seven the market would be loud, with gulls over every stall and children running late to school.",
    "Peter kept his grandfather's compass in a tin with the tobacco. He had read the needle through eleven winters and "
    "trusted it more than any forecast from the mainland. Off Bergen, in a fog as thick as wool, it had once turned "
    "twice around for no reason, and he still told that story to whoever bought him coffee.",
    "Maria planted roses because the school had asked for trees. Trees need thirty years, she said, and these pupils "
    "leave after six. So each class got a bed, a spade and a color of its own. Parents grumbled about thorns until the "
    "June evening when the whole yard smelled of apricot and nobody wanted to go home.",
)
_NEXT_TEXT = cycle(_TEXTS)


class Endpoint(BaseHTTPRequestHandler):
    """An OpenAI-compatible server whose model knows three paragraphs."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """List the model, or say that there is no such page."""
        is_list = self.path.endswith("/models")
        body = {"object": "list", "data": [{"id": "writer", "object": "model"}]} if is_list else {"detail": "Not Found"}
        self._send(200 if is_list else 404, json.dumps(body).encode(), "application/json")

    def do_POST(self) -> None:
        """Stream the next paragraph."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = [{"delta": {"content": f"{word} "}} for word in next(_NEXT_TEXT).split()]
        chunks.append({"delta": {}, "finish_reason": "stop"})
        events = [json.dumps({"choices": [{"index": 0, **chunk}]}) for chunk in chunks]
        body = "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode()
        self._send(200, body, "text/event-stream")

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep requests out of the output."""

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def run(command: list[str | Path], folder: Path, environment: Mapping[str, str], seconds: float = 120) -> str:
    """Run a command and return its output.

    Raises:
        SystemExit: It failed; its output is printed.
    """
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed ({done.returncode}):\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def new_environment(folder: Path) -> Path:
    """Make a virtual environment, and return its Python."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder / _PROGRAMS / f"python{_EXE}"


def with_pip(wheel: Path, folder: Path, environment: Mapping[str, str]) -> Path:
    """Install with pip, and return the command."""
    python = new_environment(folder / "venv")
    run([python, "-m", "pip", "install", "--quiet", wheel], folder, environment, _SECONDS)
    return python.with_name(f"lwtui{_EXE}")


def with_pipx(wheel: Path, folder: Path, environment: Mapping[str, str]) -> Path:
    """Install with pipx, and return the command."""
    python = new_environment(folder / "pipx")
    run([python, "-m", "pip", "install", "--quiet", "pipx"], folder, environment, _SECONDS)
    own = {**environment, "PIPX_HOME": str(folder / "home"), "PIPX_BIN_DIR": str(folder / "commands")}
    run([python, "-m", "pipx", "install", wheel], folder, own, _SECONDS)
    return folder / "commands" / f"lwtui{_EXE}"


def with_uv(wheel: Path, folder: Path, environment: Mapping[str, str]) -> Path:
    """Install with uv, and return the command."""
    python = new_environment(folder / "uv")
    run([python, "-m", "pip", "install", "--quiet", "uv"], folder, environment, _SECONDS)
    own = {**environment, "UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "commands")}
    if index := _index_of_pip(python, folder, environment):
        own.setdefault("UV_DEFAULT_INDEX", index)  # uv does not read pip's settings
    run([python.with_name(f"uv{_EXE}"), "tool", "install", "--python", sys.executable, wheel], folder, own, _SECONDS)
    return folder / "commands" / f"lwtui{_EXE}"


def _index_of_pip(python: Path, folder: Path, environment: Mapping[str, str]) -> str:
    """Return the package index in pip's settings; empty for the usual one."""
    lines = run([python, "-m", "pip", "config", "list"], folder, environment).splitlines()
    found = (
        line.partition("=")[2].strip("' ") for line in lines if line.startswith(("global.index-url", ":env:.index-url"))
    )
    return next(found, "")


TOOLS: dict[str, Callable[[Path, Path, Mapping[str, str]], Path]] = {
    "pip": with_pip,
    "pipx": with_pipx,
    "uv": with_uv,
}


def use(lwtui: Path, folder: Path, environment: Mapping[str, str], base_url: str) -> str:
    """Write, export and check with an installed command, and return what to report."""
    (folder / "plan.json").write_text(json.dumps(_PLAN), encoding="utf-8")
    version = run([lwtui, "--version"], folder, environment).strip()
    write = ["write", "Three portraits.", "--plan", "plan.json", "--base-url", base_url, "--model", "writer"]
    run([lwtui, *write, "--output", "portraits.md"], folder, environment)
    text = (folder / "portraits.md").read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    if len(headings) != len(_PLAN["sections"]) or "harbor" not in text:
        sys.exit(f"{lwtui} wrote something else:\n{text}")
    run([lwtui, "export", "portraits.lw", "--to", "html"], folder, environment)
    run(
        [lwtui, "models", "add", "writer", "--base-url", base_url, "--model", "writer"],
        folder,
        environment,
    )
    run([lwtui, "config", "set", "model", "writer"], folder, environment)
    doctor = run([lwtui, "doctor"], folder, environment)
    local = next((line for line in doctor.splitlines() if "GGUF" in line), "")
    return f"{version}: {len(headings)} sections, {len(text.split())} words. {' '.join(local.split())}"


def build(folder: Path) -> Path:
    """Build the wheel of this checkout, in an environment of its own, and return its path."""
    python = new_environment(folder / "build")
    run([python, "-m", "pip", "install", "--quiet", "build"], folder, os.environ, _SECONDS)
    run([python, "-m", "build", "--wheel", "--outdir", folder / "dist", ROOT], folder, os.environ, _SECONDS)
    return next((folder / "dist").glob("*.whl"))


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=Path, help="the wheel to install (default: one is built from this checkout)")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS), help="what to install with")
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base_url = f"http://127.0.0.1:{server.server_port}/v1"
    with tempfile.TemporaryDirectory(prefix="lwtui-install-", ignore_cleanup_errors=True) as name:
        wheel = options.wheel.resolve() if options.wheel else build(Path(name))
        for tool in options.tools:
            folder, began = Path(name, tool), time.monotonic()
            environment = {key: value for key, value in os.environ.items() if not key.startswith(("LWTUI_", "PYTHON"))}
            environment |= {f"LWTUI_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "CACHE", "STATE")}
            environment["PYTHONUTF8"] = "1"
            folder.mkdir()
            lwtui = TOOLS[tool](wheel, folder, environment)
            seconds = time.monotonic() - began
            print(f"{tool}: installed in {seconds:.0f} s. {use(lwtui, folder, environment, base_url)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

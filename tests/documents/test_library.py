"""The folder of documents."""

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
from tests.documents.support import MADE, PLAN, SOIL, WATER, new_document, start, texts


def test_no_folder_holds_no_documents(tmp_path: Path) -> None:
    assert list_documents(tmp_path / "none") == []
    assert list_documents(tmp_path) == []
    (tmp_path / "file").write_text("x")
    with pytest.raises(DocumentError, match="Cannot read"):
        list_documents(tmp_path / "file")


def test_documents_are_listed_the_last_changed_first(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        new_document(tmp_path, f"{name}.lw").close()
    with Document.open(tmp_path / "b.lw") as document:
        document.edit(SOIL.id, "Loam.")
    (tmp_path / "notes.md").write_text("# Notes")
    assert [Path(one.path).name for one in list_documents(tmp_path)] == ["b.lw", "c.lw", "a.lw"]


def test_a_summary_says_how_far_a_document_is(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "word " * 60)  # done, though shorter than its 100
        document.begin(WATER.id, MADE, 0)
        document.append(WATER.id, "word " * 50)
        document.finish(WATER.id, Status.PARTIAL, Usage())
    [summary] = list_documents(tmp_path)
    assert (summary.title, summary.model, summary.problem) == ("Tomatoes", "demo", "")
    assert (summary.words, summary.target) == (110, 450)
    assert summary.progress == pytest.approx((100 + 50) / 450)
    assert summary.path == str(document.path)


def test_a_document_without_a_plan_is_listed_by_its_instruction(tmp_path: Path) -> None:
    Document.create(tmp_path / "a.lw", Brief("Write about soil", 700)).close()
    [summary] = list_documents(tmp_path)
    assert (summary.title, summary.words, summary.target, summary.progress) == ("Soil", 0, 700, 0.0)


def test_sections_that_left_the_plan_do_not_count(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "word " * 60)
        document.set_plan(Plan("Tomatoes", (WATER,)), "Delete")
    [summary] = list_documents(tmp_path)
    assert (summary.words, summary.target, summary.progress) == (0, 200, 0.0)


def test_what_is_being_written_counts_at_once(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.begin(SOIL.id, MADE, 0)
        document.append(SOIL.id, "word " * 50)
        document.flush()
        [summary] = list_documents(tmp_path)
        assert (summary.words, summary.progress) == (50, pytest.approx(50 / 450))


def test_a_file_that_cannot_be_read_is_listed_with_its_problem(tmp_path: Path) -> None:
    new_document(tmp_path).close()
    (tmp_path / "garbage.lw").write_bytes(b"garbage" * 100)
    (tmp_path / "folder.lw").mkdir()
    (tmp_path / "nowhere.lw").symlink_to(tmp_path / "gone")
    problems = {Path(one.path).name: one.problem for one in list_documents(tmp_path)}
    assert problems.pop("tomatoes.lw") == ""
    assert sorted(problems) == ["folder.lw", "garbage.lw", "nowhere.lw"]
    assert all(problem and "\n" not in problem for problem in problems.values())


def test_listing_leaves_no_trace(tmp_path: Path) -> None:
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
def test_a_title_becomes_a_plain_file_name(tmp_path: Path, title: str, name: str) -> None:
    assert new_path(tmp_path, title) == tmp_path / name


@given(st.text())
def test_any_title_becomes_a_name_within_the_folder(title: str) -> None:
    folder = Path("/nowhere")
    path = new_path(folder, title)
    assert path.parent == folder
    assert path.suffix == ".lw"
    assert not path.name.startswith((".", " "))
    assert len(path.name.encode()) <= 255
    assert path.name.isprintable()


@pytest.mark.parametrize("title", ["番茄" * 200, "word " * 100, "x" * 400])
def test_a_long_title_is_cut_to_a_name_that_can_be_used(tmp_path: Path, title: str) -> None:
    for _ in range(2):
        with Document.create(new_path(tmp_path, title), Brief("x", 1)) as document:
            document.set_brief(Brief("y", 2))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2
    assert all(title.startswith(name.removesuffix(".lw").removesuffix(" 2")) for name in names)


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    for name in ("Tomatoes.lw", "Tomatoes 2.lw"):
        (tmp_path / name).touch()
    assert new_path(tmp_path, "Tomatoes").name == "Tomatoes 3.lw"
    (tmp_path / "Soil.lw-wal").touch()  # left by a document that is gone
    assert new_path(tmp_path, "Soil").name == "Soil 2.lw"
    assert new_path(tmp_path, "").name == "Untitled.lw"
    (tmp_path / "Untitled.lw").touch()
    assert new_path(tmp_path, "").name == "Untitled 2.lw"


# -- the trash


def test_a_deleted_document_can_be_brought_back(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "Loam.")
    trashed = move_to_trash(document.path)
    assert trashed == tmp_path / ".trash" / "tomatoes.lw"
    assert list_documents(tmp_path) == []
    assert restore_from_trash(trashed) == document.path
    with Document.open(document.path) as again:
        assert texts(again) == ["Loam.", "", ""]
    assert list((tmp_path / ".trash").iterdir()) == []


def test_documents_of_one_name_all_find_room(tmp_path: Path) -> None:
    trashed = []
    for number in range(3):
        with new_document(tmp_path, plan=Plan(f"Number {number}", PLAN.sections)) as document:
            pass
        trashed.append(move_to_trash(document.path))
    assert [path.name for path in trashed] == ["tomatoes.lw", "tomatoes 2.lw", "tomatoes 3.lw"]
    restored = [restore_from_trash(path) for path in trashed]
    assert [Document.open(path, read_only=True).title for path in restored] == ["Number 0", "Number 1", "Number 2"]
    assert len(list_documents(tmp_path)) == 3


def test_a_document_that_is_open_is_not_deleted(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        with pytest.raises(DocumentError, match="is open in this window"):
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
    with pytest.raises(DocumentError, match="is open in another lwtui"):
        move_to_trash(document.path)
    holder.kill()
    holder.communicate(timeout=30)
    assert move_to_trash(document.path).exists()


def test_what_stands_in_the_log_of_a_crashed_document_goes_with_it(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.begin(SOIL.id, MADE, 0)
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


def test_deleting_what_is_not_there_or_where_there_is_no_room(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="There is no document"):
        move_to_trash(tmp_path / "none.lw")
    new_document(tmp_path).close()
    (tmp_path / ".trash").write_text("a file where the folder should be")
    with pytest.raises(DocumentError, match="Cannot write"):
        move_to_trash(tmp_path / "tomatoes.lw")
    assert len(list_documents(tmp_path)) == 1


def test_a_document_that_is_read_elsewhere_is_deleted_whole(tmp_path: Path) -> None:
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

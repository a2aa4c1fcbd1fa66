"""Upgrades of older documents lose nothing."""

from __future__ import annotations

import sqlite3
from array import array
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.documents import upgrade
from lwtui.documents.database import SIDE_FILES
from lwtui.documents.facts import Fact
from lwtui.documents.library import list_documents
from lwtui.documents.model import Brief, Mode, Origin, Plan, PlannedSection, Status, Style
from lwtui.documents.schema import VERSION
from lwtui.documents.section_kind import SectionKind
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.models.usage import Usage
from lwtui.sources.model import ReadSource, Stretch
from tests.documents.support import new_document, texts
from tests.errors import has_code

# A document of version 1: two sections in the plan and a deleted one; one text was written by a model and then edited,
# and the writer was killed in the middle of the other.
_VERSION_1 = Path(__file__).with_name("version_1.sql")
# What each version has brought, taken back.
_WITHOUT = {
    3: ("ALTER TABLE document DROP COLUMN style",),
    4: ("DROP TABLE fact",),
    5: ("DROP TABLE passage_index", "DROP TABLE passage", "DROP TABLE source"),
    6: ("ALTER TABLE section DROP COLUMN kind",),
    7: ("DROP TABLE passage_vector",),
}
_LEAF = "The leaf grows on high hills. It is picked by hand."


def version_1(folder: Path) -> Path:
    path = folder / "tea.lw"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(_VERSION_1.read_text(encoding="utf-8"))
    return path


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def make_version(path: Path, version: int) -> None:
    """Make a document one of an older version."""
    db = sqlite3.connect(path, isolation_level=None)
    for newer in range(VERSION, version, -1):
        for statement in _WITHOUT[newer]:
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {version}")
    db.close()


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def assert_intact(document: Document) -> None:
    assert document.brief == Brief("Write about tea", 300, "en", Mode.AGENTWRITE, "demo", 7)
    assert [(section.id, section.level, section.status) for section in document.sections()] == [
        ("water001", 1, Status.PARTIAL),
        ("leaf0001", 1, Status.DONE),
    ]
    assert texts(document) == ["Water boils. 水沸腾了。", _LEAF]
    assert document.usage == Usage(100, 12, 40)
    assert [(revision.origin, revision.text) for revision in document.revisions("leaf0001")] == [
        (Origin.USER, _LEAF),
        (Origin.MODEL, "The leaf grows on hills. It is picked by hand."),
    ]
    provenance = document.revisions("leaf0001")[1].provenance
    assert provenance is not None
    assert (provenance.seed, provenance.basis) == (11, None)
    assert document.basis("leaf0001") is None
    assert not document.notes
    assert not document.summaries


def test_an_old_document_is_upgraded_and_backed_up(tmp_path: Path) -> None:
    path = version_1(tmp_path)
    before = dump(path)
    with Document.open(path) as document:
        assert not document.read_only
        assert_intact(document)
        assert document.undo_plan() == "Delete “Cup”"
        assert [section.title for section in document.sections()] == ["Water", "Leaf", "Cup"]
        assert document.undo_plan() == "Move “Water”"
        assert [section.title for section in document.sections()] == ["Leaf", "Water", "Cup"]
    assert version_of(path) == VERSION
    assert sorted(file.name for file in tmp_path.iterdir()) == ["tea.lw", "tea.lw.v1.bak"]
    assert dump(tmp_path / "tea.lw.v1.bak") == before
    assert version_of(tmp_path / "tea.lw.v1.bak") == 1
    with Document.open(path) as again:
        assert texts(again)[:2] == [_LEAF, "Water boils. 水沸腾了。"]
    assert [Path(entry.path).name for entry in list_documents(tmp_path)] == ["tea.lw"]


def test_a_document_of_the_version_before_keeps_its_brief(tmp_path: Path) -> None:
    path = tmp_path / "tea.lw"
    brief = Brief("Write about tea", 500, sampling="temperature=0.7")
    Document.create(path, brief, Plan("Tea", ())).close()
    make_version(path, 2)
    with Document.open(path, read_only=True) as document:
        assert document.brief == brief
    with Document.open(path) as document:
        assert document.brief == brief
        document.set_brief(replace(brief, style=Style.LISTS))
    with Document.open(path) as document:
        assert document.brief.style is Style.LISTS
    assert version_of(path) == VERSION


def test_a_document_without_facts_gets_a_place_for_them(tmp_path: Path) -> None:
    path = tmp_path / "tea.lw"
    plan = Plan("Tea", (PlannedSection("Leaf", "where it grows", 100, "leaf"),))
    with Document.create(path, Brief("Write about tea", 500, style=Style.PROSE), plan) as document:
        document.edit("leaf", _LEAF)
    make_version(path, 3)
    fact = Fact("place", "Tea", "Tea grows on high hills.", "The leaf grows on high hills.", "leaf")
    with Document.open(path) as document:
        assert document.facts == () and texts(document) == [_LEAF] and document.brief.style is Style.PROSE
        document.fact_book.put(fact)
    with Document.open(path, read_only=True) as document:
        assert document.facts == (fact,)
    assert version_of(path) == VERSION and version_of(tmp_path / "tea.lw.v3.bak") == 3


def test_a_document_without_sources_gets_a_place_for_them(tmp_path: Path) -> None:
    path = tmp_path / "tea.lw"
    Document.create(path, Brief("Write about tea", 500), Plan("Tea", ())).close()
    make_version(path, 4)
    read = ReadSource("text", "Tea", "tea.txt", "2026-11-30", (Stretch("Tea grows on hills. 茶叶"),))
    with Document.open(path, read_only=True) as document:
        assert document.sources == () and document.source_store.search("tea") == ()
    with Document.open(path) as document:
        assert document.sources == ()
        source = document.source_store.add(read)
    with Document.open(path, read_only=True) as document:
        assert document.sources == (source,)
        assert [found.source for found in document.source_store.search("茶叶")] == [source]
    assert version_of(path) == VERSION and version_of(tmp_path / "tea.lw.v4.bak") == 4


def test_sections_of_older_documents_are_prose(tmp_path: Path) -> None:
    path = tmp_path / "tea.lw"
    plan = Plan("Tea", (PlannedSection("Leaf", "where it grows", 100, "leaf"),))
    with Document.create(path, Brief("Write about tea", 500), plan) as document:
        document.set_plan(replace(plan, title="All about tea"), "Title")
    with closing(sqlite3.connect(path)) as db, db:
        # An undo step as older versions have written it: without kinds.
        (step,) = db.execute("SELECT before FROM plan_step").fetchone()
        db.execute("UPDATE plan_step SET before = ?", (step.replace(', \\"prose\\"', ""),))
    make_version(path, 5)
    with Document.open(path, read_only=True) as document:
        assert document.plan.sections[0].kind is SectionKind.PROSE
    with Document.open(path) as document:
        table = replace(document.plan.sections[0], kind=SectionKind.TABLE)
        document.set_plan(document.plan.with_section(table), "Kind")
    with Document.open(path) as document:
        assert [section.kind for section in document.sections()] == [SectionKind.TABLE]
        assert document.undo_plan() == "Kind" and document.undo_plan() == "Title"
        assert document.plan == plan
    assert version_of(path) == VERSION and version_of(tmp_path / "tea.lw.v5.bak") == 5


def test_sources_of_older_documents_can_have_vectors(tmp_path: Path) -> None:
    path = tmp_path / "tea.lw"
    with Document.create(path, Brief("Write about tea", 500), Plan("Tea", ())) as document:
        source = document.source_store.add(ReadSource("text", "Tea", "tea.txt", "2026-11-30", (Stretch("Tea grows."),)))
    make_version(path, 6)
    with Document.open(path) as document:
        vectors = document.source_store.vectors
        (passage,) = vectors.missing("m", 10)
        vectors.put("m", [passage], [array("f", [0.6, 0.8])])
        assert vectors.nearest("m", array("f", [1.0, 0.0]), 5) == [passage.id] and vectors.count_missing("m") == 0
        document.source_store.remove(source.id)
        assert vectors.nearest("m", array("f", [1.0, 0.0]), 5) == []
    assert version_of(path) == VERSION and version_of(tmp_path / "tea.lw.v6.bak") == 6
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM passage_vector").fetchone() == (0,)


def test_an_older_backup_is_not_overwritten(tmp_path: Path) -> None:
    path = version_1(tmp_path)
    (tmp_path / "tea.lw.v1.bak").write_text("mine")
    Document.open(path).close()
    assert (tmp_path / "tea.lw.v1.bak").read_text() == "mine"
    assert version_of(tmp_path / "tea.lw.v1.2.bak") == 1


def test_changes_in_the_log_are_in_the_backup_and_in_the_document(tmp_path: Path) -> None:
    path = version_1(tmp_path)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("UPDATE document SET title = 'In the log'")
    side_files = {side: Path(f"{path}{side}").read_bytes() for side in SIDE_FILES if Path(f"{path}{side}").exists()}
    main = path.read_bytes()
    db.close()
    path.write_bytes(main)  # as after kill -9: closing has merged the log into the file
    for side, content in side_files.items():
        Path(f"{path}{side}").write_bytes(content)
    with Document.open(path) as document:
        assert document.title == "In the log"
    with closing(sqlite3.connect(tmp_path / "tea.lw.v1.bak")) as copy:
        assert copy.execute("SELECT title FROM document").fetchone() == ("In the log",)


def test_reading_an_old_document_does_not_change_it(tmp_path: Path) -> None:
    path = version_1(tmp_path)
    before = path.read_bytes()
    with Document.open(path, read_only=True) as document:
        assert_intact(document)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["tea.lw"]


@pytest.mark.parametrize("position", [1, 4, len(upgrade.split_statements(upgrade.UPGRADES[2]))])
def test_a_failed_upgrade_leaves_the_file_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, position: int
) -> None:
    path = version_1(tmp_path)
    before = dump(path)
    parts = upgrade.split_statements(upgrade.UPGRADES[2])
    parts.insert(position, "INSERT INTO nowhere VALUES (1)")
    monkeypatch.setitem(upgrade.UPGRADES, 2, ";\n".join(parts))
    with pytest.raises(DocumentError, check=has_code("damaged")) as raised:
        Document.open(path)
    assert "nowhere" in str(raised.value)
    assert (dump(path), version_of(path)) == (before, 1)
    monkeypatch.undo()
    with Document.open(path) as document:
        assert_intact(document)


def test_an_upgraded_document_has_the_tables_of_a_new_one(tmp_path: Path) -> None:
    def columns(path: Path) -> dict[str, list[object]]:
        with closing(sqlite3.connect(path)) as db:
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_master ORDER BY name")]
            found = {name: db.execute(f"PRAGMA table_xinfo({name})").fetchall() for name in names}
            keys = {name: db.execute(f"PRAGMA foreign_key_list({name})").fetchall() for name in names}
        return {name: [found[name], keys[name]] for name in names}

    path = version_1(tmp_path)
    Document.open(path).close()
    new_document(tmp_path, "new.lw").close()
    assert columns(path) == columns(tmp_path / "new.lw")


def test_a_newer_version_in_the_log_is_rejected(tmp_path: Path) -> None:
    new_document(tmp_path).close()
    path = tmp_path / "tomatoes.lw"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    for read_only in (False, True):
        with pytest.raises(DocumentError, check=has_code("newer-format")):
            Document.open(path, read_only=read_only)
    db.close()

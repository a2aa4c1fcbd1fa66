"""The sources of a document: what is stored, and what a search finds."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.sources.model import ReadSource, Stretch
from tests.documents.support import SOIL, new_document
from tests.errors import has_code
from tests.sources.support import TEA, TODAY, read_source


def keys(document: Document, query: str, limit: int = 10) -> list[str]:
    return [f"{found.source.key}:{found.passage.number}" for found in document.source_store.search(query, limit)]


def test_sources_stay_with_their_passages_and_sections(tmp_path: Path) -> None:
    names = [{"family": "Gray", "given": "Ann"}]
    read = read_source(*TEA, author=names, issued={"date-parts": [[2020, 3]]})
    with new_document(tmp_path) as document:
        source = document.source_store.add(replace(read, passages=(*read.passages[:2], Stretch(TEA[2], 7))))
        assert source.key == "gray2020" and source.csl["id"] == "gray2020" and source.csl["author"] == names
        source = document.source_store.pin(source.id, SOIL.id)
        assert source.pinned == (SOIL.id,)
        passages = document.source_store.passages(source.id)
        assert [(passage.number, passage.text, passage.page) for passage in passages] == [
            (1, TEA[0], None),
            (2, TEA[1], None),
            (3, TEA[2], 7),
        ]
    with Document.open(tmp_path / "tomatoes.lw", read_only=True) as document:
        assert document.sources == (source,)
        assert document.source_store.passages(source.id) == passages
        for name in (source.id, "gray2020", "tea.txt"):
            assert document.source_store.get(name) == source
        assert document.source_store.get("gray") is None
        with pytest.raises(DocumentError, check=has_code("read-only")):
            document.source_store.remove(source.id)


def test_what_is_read_again_takes_the_place_of_what_was(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        store = document.source_store
        first = store.add(read_source("Old tea from Assam.", title="Tea of Old"))
        store.pin(first.id, SOIL.id)
        other = store.add(read_source("Cups and pots.", title="Cups", location="cups.txt"))
        again = store.add(read_source("New tea from Ceylon.", "And more of it.", title="Tea of New"))
        assert (again.id, again.key, again.pinned) == (first.id, "tea-old", (SOIL.id,))
        assert (again.title, again.passages) == ("Tea of New", 2)
        assert document.sources == (again, other)
        assert keys(document, "Assam") == [] and keys(document, "Ceylon") == ["tea-old:1"]
        store.remove(again.id)
        assert document.sources == (other,) and keys(document, "Ceylon") == []
    with Document.open(tmp_path / "tomatoes.lw") as document:
        assert document.sources == (other,) and keys(document, "pot") == ["cups:1"]


def test_the_index_forgets_what_was_removed(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        store = document.source_store
        kept = store.add(read_source("Cups and pots of clay.", location="cups.txt", title="Cups"))
        for number in range(5):
            store.remove(store.add(read_source(f"Tea number {number} in cups.", *TEA)).id)
        assert keys(document, "cups") == [f"{kept.key}:1"]
        assert keys(document, "tea hills hours") == []
    with closing(sqlite3.connect(tmp_path / "tomatoes.lw")) as db:
        (rows,) = db.execute("SELECT count(*) FROM passage_index_docsize").fetchone()
        db.execute("INSERT INTO passage_index (passage_index) VALUES ('integrity-check')")
    assert rows <= 2


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("hills", ["en:1"]),
        ("hill", ["en:1"]),
        ("HILLS", ["en:1"]),
        ("1200", ["en:2"]),
        ("1,200", ["en:2"]),
        ("茶", ["ja:1", "zh:1", "zh:2"]),
        ("茶叶", ["zh:1"]),
        ("高山", ["zh:1"]),
        ("お茶", ["ja:1"]),
        ("抹茶を", ["ja:1"]),
        ("カテキン", ["ja:1"]),
        ("EU", ["de:1"]),
        ("eu", ["de:1"]),
        ("Hügel", ["de:1"]),
        ("hugel", ["de:1"]),
        ("чай", ["ru:1"]),
        ('"hills" OR NOT (', ["en:1"]),
        ("", []),
        ("-*?", []),
        ("zzz", []),
    ],
)
def test_words_of_any_script_are_found(many: Document, query: str, found: list[str]) -> None:
    assert sorted(keys(many, query)) == sorted(found)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Document:
    document = new_document(tmp_path_factory.mktemp("many"))
    texts = {
        "en": TEA,
        "zh": ("茶叶生长在高山上。", "绿茶产于中国，产量为三百吨。"),
        "ja": ("抹茶はカテキンを多く含むお茶です。",),
        "de": ("In der EU wächst kein Tee auf dem Hügel.",),
        "ru": ("Чай растёт в горах.",),
    }
    for key, passages in texts.items():
        document.source_store.add(replace(read_source(*passages, location=f"{key}.txt"), key=key))
    return document


def test_the_best_comes_first_and_no_more_than_asked_for(many: Document) -> None:
    assert keys(many, "farmers of Assam in the hills", 5)[0] == "en:2"
    assert len(keys(many, "茶", 1)) == 1 and keys(many, "茶", 0) == []


def test_a_section_gets_what_serves_it_and_fits(many: Document) -> None:
    store = many.source_store
    selected = store.for_section("For how long the leaf withers", 200)
    assert selected.chosen[0].passage.text == TEA[2]
    chinese = store.for_section("茶叶的产量", 500)
    assert chinese.chosen[0].source.key == "zh"
    assert "ru" not in {found.source.key for found in chinese.chosen}
    tight = store.for_section("tea on high hills, picked by farmers, withers for hours", 45)
    assert len(tight.chosen) == 1 and tight.left_out >= 1
    assert store.for_section("zzz", 500).chosen == () == store.for_section("tea", 0).chosen


def test_what_is_pinned_to_a_section_comes_first(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        store = document.source_store
        store.add(read_source(*TEA))
        pinned = store.add(read_source("Cups of clay.", "Pots of tea.", location="cups.txt", title="Cups"))
        store.pin(pinned.id, SOIL.id)
        chosen = store.for_section("tea on hills", 500, section_id=SOIL.id).chosen
        assert [found.source.key for found in chosen[:2]] == ["cups", "cups"]
        assert chosen[0].passage.text == "Pots of tea." and chosen[2].passage.text == TEA[0]
        assert store.for_section("tea on hills", 500).chosen[0].passage.text == TEA[0]
        store.pin(pinned.id, SOIL.id, pinned=False)
        assert store.for_section("hills", 500, section_id=SOIL.id).chosen[0].passage.text == TEA[0]


def test_text_is_cleaned_and_a_key_is_never_taken_twice(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        store = document.source_store
        title, csl = (
            "\x1b[31mTea\x07\nof old",
            {"title": "\x1b]0;x\x07Tea", "author": [{"family": "Gr\u202ey"}], "x": 1},
        )
        read = ReadSource("spaceship", title, "a\nb\x1b[2J.txt", TODAY, (Stretch("Red \x1b[31mtea.\r\n"),), csl)
        source = store.add(read)
        assert (source.kind, source.title, source.location) == ("other", "Tea of old", "a b.txt")
        assert source.csl == {"id": "gry", "title": "Tea", "author": [{"family": "Gry"}]}
        assert store.passages(source.id)[0].text == "Red tea."
        made = [store.add(replace(read, location=f"{number}.txt")).key for number in range(3)]
        assert made == ["gry-2", "gry-3", "gry-4"]
        with pytest.raises(DocumentError, check=has_code("no-text")):
            store.add(read_source("  \n "))
        record = store.add(replace(read, kind="record", passages=(), key="Smith_2001"))
        assert (record.key, record.passages) == ("smith-2001", 0)
        assert store.add(replace(read, kind="record", passages=(), key="Smith_2001")) == record


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE source SET csl = '['",
        "UPDATE source SET csl = '" + "[" * 200_000 + "'",
        "UPDATE source SET key = 'Not A Key'",
        "UPDATE source SET key = ''",
        "UPDATE source SET pinned = '3'",
    ],
)
def test_a_file_with_other_contents_is_damaged(tmp_path: Path, change: str) -> None:
    with new_document(tmp_path) as document:
        document.source_store.add(read_source(*TEA))
    with closing(sqlite3.connect(tmp_path / "tomatoes.lw", isolation_level=None)) as db:
        db.execute(change)
    with pytest.raises(DocumentError, check=has_code("damaged")):
        Document.open(tmp_path / "tomatoes.lw")


def test_a_foreign_item_is_cut_to_what_is_known(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.source_store.add(read_source(*TEA))
    item = {
        "id": "evil",
        "title": {"a": 1},
        "author": [3, {"family": "Li", "x": "y"}],
        "issued": {"date-parts": [["x"]]},
    }
    with closing(sqlite3.connect(tmp_path / "tomatoes.lw", isolation_level=None)) as db:
        db.execute("UPDATE source SET csl = ?, kind = 'x', title = ?", (json.dumps(item), "\x1b[2JTea"))
    with Document.open(tmp_path / "tomatoes.lw") as document:
        (source,) = document.sources
    assert (source.csl, source.kind, source.title) == ({"id": "tea", "author": [{"family": "Li"}]}, "other", "Tea")

"""Facts: renewed with their section, and as the user left them where the user has changed them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.documents.facts import Fact
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from tests.errors import has_code

MIRA = Fact("person", "Mira", "Mira is forty.", "Mira, who is forty, leaves.", "s1")
ROME = Fact("place", "Rome", "Mira lives in Rome.", "She lives in Rome.", "s1")
CAT = Fact("thing", "cat", "The cat is black.", "A black cat sat there.", "s2")


@pytest.fixture
def document(tmp_path: Path) -> Iterator[Document]:
    plan = Plan("A", (PlannedSection("One", "", 100, "s1"), PlannedSection("Two", "", 100, "s2")))
    with Document.create(tmp_path / "a.lw", Brief("Write", 200), plan) as document:
        yield document


def reopened(document: Document) -> tuple[Fact, ...]:
    with Document.open(document.path, read_only=True) as other:
        assert other.facts == document.facts and other.fact_book.noted() == document.fact_book.noted()
        return tuple(other.facts)


def test_a_changed_section_renews_its_own_facts(document: Document) -> None:
    book = document.fact_book
    book.renew("s1", "d1", [MIRA, ROME])
    book.renew("s2", "d2", [CAT])
    assert book.noted() == {"s1": "d1", "s2": "d2"}
    newer = replace(MIRA, id="new", text="Mira is fifty.", quote="Mira, who is fifty, leaves.")
    book.renew("s1", "d3", [newer])
    assert reopened(document) == (CAT, newer) and book.noted()["s1"] == "d3"


def test_what_the_user_has_changed_stays(document: Document) -> None:
    book = document.fact_book
    book.renew("s1", "d1", [MIRA, ROME])
    book.put(replace(MIRA, text="Mira is thirty-nine.", by_hand=True))
    book.pin(ROME.id)
    book.renew("s1", "d2", [replace(MIRA, id="again"), replace(ROME, id="again2"), replace(CAT, section_id="s1")])
    assert [fact.text for fact in reopened(document)] == [
        "Mira is thirty-nine.",
        "Mira lives in Rome.",
        "The cat is black.",
    ]
    assert [fact.pinned for fact in document.facts] == [False, True, False]
    book.pin(ROME.id, pinned=False)
    assert not any(fact.pinned for fact in reopened(document))


def test_a_removed_fact_is_not_noted_again_and_comes_back(document: Document) -> None:
    book = document.fact_book
    book.renew("s1", "d1", [MIRA, ROME])
    book.remove(MIRA.id)
    book.remove(ROME.id)
    book.renew("s1", "d2", [replace(MIRA, id="again")])
    assert reopened(document) == ()
    restored = book.undo_remove()
    assert restored == ROME and reopened(document) == (ROME,)
    path = document.path
    document.close()
    with Document.open(path) as again:  # also after closing
        assert again.fact_book.undo_remove() == MIRA
        assert again.fact_book.undo_remove() is None


def test_two_facts_are_merged(document: Document) -> None:
    book = document.fact_book
    book.renew("s1", "d1", [MIRA, ROME])
    book.merge(MIRA.id, ROME.id)
    (fact,) = reopened(document)
    assert (fact.text, fact.by_hand, fact.quote) == ("Mira is forty; Mira lives in Rome.", True, MIRA.quote)
    assert book.undo_remove() == ROME


def test_a_fact_is_cleaned_and_needs_a_text(document: Document) -> None:
    book = document.fact_book
    book.put(replace(MIRA, kind="spaceship", subject="Mi\x1b[2Jra\n", text="Is\nforty.", by_hand=True))
    assert reopened(document)[0] == replace(MIRA, kind="thing", subject="Mira", text="Is forty.", by_hand=True)
    with pytest.raises(DocumentError, check=has_code("no-text")):
        book.put(replace(MIRA, text=" \x00 "))


def test_facts_with_unexpected_contents_are_reported(document: Document) -> None:
    document.fact_book.put(MIRA)
    document.set_setting("facts-noted", "[" * 5000)
    assert document.fact_book.noted() == {}
    path = document.path
    document.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE fact SET kind = 'x', text = 'a' || char(7) || 'b'")
        db.commit()
    with Document.open(path) as again:
        assert (again.facts[0].kind, again.facts[0].text) == ("thing", "ab")

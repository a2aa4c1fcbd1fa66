"""Storage of notes, summaries, settings, bases and nested plans."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.documents.model import Basis, Note, Plan, PlannedSection, SectionSummary, Status
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.models.usage import Usage
from tests.documents.support import PLAN, PROVENANCE, SOIL, WATER, new_document
from tests.errors import has_code

MIRA = Note("Mira", "A botanist, 40.", "story", always=False, triggers=("Mira", "botanist"))
TONE = Note("Tone", "Dry wit.", "style")
BASIS = Basis("a1", "b2", {"n": "c3"}, {SOIL.id: "d4"}, {"x": "e5"})


def reopened(document: Document) -> Document:
    document.close()
    return Document.open(document.path)


def test_notes_keep_their_order_and_changes_can_be_undone(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    book = document.notebook
    book.set_notes([MIRA], "Add “Mira”")
    book.set_notes([TONE, MIRA], "Add “Tone”")
    for age in ("41", "42"):  # typed one after the other: one undo step
        book.set_notes([TONE, replace(MIRA, text=f"A botanist, {age}.")], "Edit “Mira”")
    book.set_notes([TONE], "Delete “Mira”")
    document = reopened(document)
    assert document.notes == (TONE,)
    undone = []
    while label := document.notebook.undo_notes():
        undone.append((label, [note.text for note in document.notes]))
    assert undone == [
        ("Delete “Mira”", ["Dry wit.", "A botanist, 42."]),
        ("Edit “Mira”", ["Dry wit.", "A botanist, 40."]),
        ("Add “Tone”", ["A botanist, 40."]),
        ("Add “Mira”", []),
    ]
    again = [document.notebook.redo_notes() for _ in range(5)]
    assert again == ["Add “Mira”", "Add “Tone”", "Edit “Mira”", "Delete “Mira”", None]
    document = reopened(document)
    assert document.notes == (TONE,)
    assert document.notebook.undo_notes() == "Delete “Mira”"
    document.notebook.set_notes([MIRA], "Delete “Tone”")
    assert document.notebook.redo_notes() is None
    document.close()


def test_notes_are_stored_clean(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        odd = Note("To\x1b[31mne\n", " a\r\nb ", "a fact\n", False, ("x\ny", "", "x y", "z"), "id")
        document.notebook.set_notes([odd], "Add")
        assert document.notes == (Note("Tone", "a\nb", "a fact", False, ("x y", "z"), "id"),)
        with pytest.raises(DocumentError, check=has_code("duplicate-note")):
            document.notebook.set_notes([TONE, TONE], "Add")
        assert len(document.notes) == 1


def test_a_users_summary_replaces_the_models_and_an_empty_one_removes_it(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.edit(SOIL.id, "Loam.")
    made = SectionSummary(SOIL.id, "Loam, it says.", "d1", document.revision_id(SOIL.id))
    document.notebook.set_summary(made)
    mine = replace(made, text="Loam is best.", by_hand=True)
    document.notebook.set_summary(mine)
    document.notebook.set_summary(replace(mine, text="Loam is best.\x07 "))
    document = reopened(document)
    assert document.summaries == {SOIL.id: mine}
    document.notebook.set_summary(replace(mine, text=""))
    document = reopened(document)
    assert not document.summaries
    document.close()


def test_a_section_stores_its_basis(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.begin(SOIL.id, replace(PROVENANCE, basis=BASIS), 0)
    document.append(SOIL.id, "Loam.")
    document.finish(SOIL.id, Status.DONE, Usage())
    document.edit(SOIL.id, "Loam and sand.")
    document = reopened(document)
    assert document.basis(SOIL.id) == BASIS  # an edit by hand does not change it
    later = replace(BASIS, instruction="a2")
    document.mark_up_to_date(SOIL.id, later)
    document.clear(SOIL.id)
    assert document.basis(SOIL.id) is None
    document.restore(document.revisions(SOIL.id)[-1].id)
    document = reopened(document)
    assert document.basis(SOIL.id) == BASIS
    document.mark_up_to_date(SOIL.id, later)
    document = reopened(document)
    assert document.basis(SOIL.id) == later
    document.close()


def test_invalid_notes_and_levels_are_reported_in_one_line(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.notebook.set_notes([TONE], "Add “Tone”")
    document.notebook.set_notes([], "Delete “Tone”")
    document.close()
    for odd in ("{", "3", '[{"title": 1}]', '[{"title": "x", "text": "y", "triggers": 5}]', "[[]]"):
        with closing(sqlite3.connect(document.path)) as db:
            db.execute("UPDATE note_step SET before = ?", (odd,))
            db.commit()
        with Document.open(document.path) as again, pytest.raises(DocumentError, check=has_code("damaged")):
            again.notebook.undo_notes()
    with closing(sqlite3.connect(document.path)) as db:
        db.execute("UPDATE section SET level = 0")
        db.commit()
    with pytest.raises(DocumentError, check=has_code("damaged")):
        Document.open(document.path)


def test_settings_are_stored(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    assert document.setting("folded", "none") == "none"
    document.set_setting("folded", "a")
    document.set_setting("folded", "b")
    document = reopened(document)
    assert document.setting("folded") == "b"
    document.close()


def test_a_nested_plan_is_stored_without_gaps_between_levels(tmp_path: Path) -> None:
    part = PlannedSection("Part", "", 0, "part0001")
    nested = Plan("Tomatoes", (part, replace(SOIL, level=2), replace(WATER, level=5)))
    document = new_document(tmp_path)
    document.set_plan(nested, "Nest")
    document = reopened(document)
    assert [(section.title, section.level) for section in document.plan.sections] == [
        ("Part", 1),
        ("Soil", 2),
        ("Water", 3),
    ]
    assert [section.status for section in document.sections()] == [Status.DONE, Status.EMPTY, Status.EMPTY]
    assert document.plan.to_dict()["sections"][2]["level"] == 3
    assert document.undo_plan() == "Nest"
    assert document.plan == PLAN
    assert "level" not in document.plan.to_dict()["sections"][0]
    document.close()

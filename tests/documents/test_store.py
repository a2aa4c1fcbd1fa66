"""Documents: storage, edits, undo, and streams."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.documents.model import Brief, Mode, Origin, Plan, PlannedSection, Status, Style
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.models.usage import NO_USAGE, Usage
from tests.documents.support import BRIEF, LIGHT, PLAN, PROVENANCE, SOIL, WATER, new_document, texts
from tests.errors import has_code
from tests.support.disk import connection


def reopened(document: Document) -> Document:
    document.close()
    return Document.open(document.path)


def test_a_document_stores_its_brief_and_plan(tmp_path: Path) -> None:
    brief = Brief("写一篇关于番茄的文章", 3000, "zh-TW", Mode.PARALLEL, "gpt", None, style=Style.LISTS)
    with Document.create(tmp_path / "new" / "tomatoes.lw", brief, PLAN) as document:
        assert document.brief == brief
    with Document.open(document.path) as again:
        assert (again.brief, again.plan, again.title) == (brief, PLAN, "Tomatoes")
        assert [section.status for section in again.sections()] == [Status.EMPTY] * 3
        assert not again.read_only
        assert again.read_only_reason == ""


@pytest.mark.parametrize("plan", [None, PLAN, Plan("T\x1b[31m\nx", (replace(SOIL, title="a\tb", level=3), WATER))])
def test_a_new_document_equals_the_reopened_one(tmp_path: Path, plan: Plan | None) -> None:
    brief = Brief("One\x00 two\r\n\udc80three", 10, "zh-TW", Mode.DIRECT, "a\x1b[2Jb", None, "top_k=4\x07")
    document = Document.create(tmp_path / "new.lw", brief, plan)
    created = state_of(document)
    document = reopened(document)
    assert state_of(document) == created
    assert not document.read_only
    document.close()


def state_of(document: Document) -> tuple[object, ...]:
    """Return everything that a document says about itself."""
    ids = [section.id for section in document.sections()]
    return (
        (document.brief, document.plan, document.title, document.words, document.usage),
        (document.sections(), [document.basis(id) for id in ids], [document.revision_id(id) for id in ids]),
        ([document.revisions(id) for id in ids], document.undo_label),
        (tuple(document.notes), dict(document.summaries), document.read_only, document.read_only_reason),
    )


def test_without_a_plan_the_title_comes_from_the_instruction(tmp_path: Path) -> None:
    with new_document(tmp_path, plan=None) as document:
        assert document.title == "A guide to growing tomatoes on a balcony"
        assert document.plan == Plan("", ())
        assert document.sections() == []
        assert document.words == 0


def test_a_closed_document_is_a_single_file(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "Loam.")
    assert [path.name for path in tmp_path.iterdir()] == ["tomatoes.lw"]
    document.close()  # a second call does nothing


def test_a_closed_document_can_be_read_but_not_changed(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.close()
    assert document.title == "Tomatoes"
    with pytest.raises(DocumentError, check=has_code("closed")):
        document.edit(SOIL.id, "Loam.")


def test_a_changed_brief_is_stored(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.set_brief(replace(BRIEF, words=900, model="other", seed=None))
    document = reopened(document)
    assert document.brief == replace(BRIEF, words=900, model="other", seed=None)


def test_unsafe_and_unencodable_characters_are_not_stored(tmp_path: Path) -> None:
    with Document.create(tmp_path / "odd.lw", Brief("a\udc80b", 10), Plan("T\x1b[31m\nx", (SOIL,))) as document:
        document.edit(SOIL.id, "one \ud800 two\x00\x1b]0;title\x07 three\r\n")
        document.begin(SOIL.id, PROVENANCE, 100)
        document.append(SOIL.id, "four \udc80 five")
        document.finish(SOIL.id, Status.DONE, Usage())
    with Document.open(document.path) as again:
        assert again.brief.instruction == "ab"
        assert again.plan.title == "T x"
        assert texts(again) == ["one  two three\nfour \ufffd five"]


def test_an_unknown_section_raises_key_error(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        with pytest.raises(KeyError):
            document.section("nothing")
        with pytest.raises(KeyError):
            document.edit("nothing", "text")
        with pytest.raises(KeyError):
            document.begin("nothing", PROVENANCE, 0)
        assert texts(document) == ["", "", ""]


# -- edits


def test_an_edit_is_counted_and_stored(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.edit(SOIL.id, "Tomatoes like loam.")
    section = document.section(SOIL.id)
    assert (section.text, section.length, section.status) == ("Tomatoes like loam.", 3, Status.DONE)
    assert section.origin is Origin.USER
    assert document.words == 3
    again = reopened(document)
    assert again.sections() == [section, *document.sections()[1:]]
    assert again.words == 3


def test_edits_close_together_share_a_revision(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        for end in range(1, 20):
            document.edit(SOIL.id, "Tomatoes like loam."[:end])
        assert [revision.text for revision in document.revisions(SOIL.id)] == ["Tomatoes like loam."]


def test_edits_far_apart_are_separate_revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("lwtui.documents.edits.monotonic", lambda: clock[0])
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "one")
        clock[0] += 31
        document.edit(SOIL.id, "one two")
        assert [revision.text for revision in document.revisions(SOIL.id)] == ["one two", "one"]


def test_the_text_before_the_first_edit_stays_a_revision(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        write(document, SOIL.id, "By the model.")
        document.edit(SOIL.id, "By the model. And me.")
        document.edit(SOIL.id, "By the model. And me!")
        assert [(revision.origin, revision.text) for revision in document.revisions(SOIL.id)] == [
            (Origin.USER, "By the model. And me!"),
            (Origin.MODEL, "By the model."),
        ]


def test_edits_before_and_after_a_model_are_separate_revisions(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "Mine.")
        write(document, SOIL.id, " Its.", keep=5)
        document.edit(SOIL.id, "Mine. Its. Mine.")
        found = [revision.text for revision in document.revisions(SOIL.id)]
        assert found == ["Mine. Its. Mine.", "Mine. Its.", "Mine."]


@pytest.mark.parametrize("gone", ["", "x", "new words"])
def test_text_removed_at_once_stays_a_revision(tmp_path: Path, gone: str) -> None:
    long = "A long text that took a while to type. " * 20
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "A")
        document.edit(SOIL.id, long)
        document.edit(SOIL.id, gone)
        assert document.section(SOIL.id).text == gone
        assert long in [revision.text for revision in document.revisions(SOIL.id)]


def test_text_removed_key_by_key_stays_a_revision_almost_completely(tmp_path: Path) -> None:
    long = "A long text that took a while to type. " * 20
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, long)
        for end in range(len(long) - 10, 0, -10):
            document.edit(SOIL.id, long[:end])
        lengths = sorted(len(revision.text) for revision in document.revisions(SOIL.id))
        assert lengths[-1] >= len(long) - 200
        assert len(lengths) < 10


def test_an_emptied_section_is_empty_and_no_change_is_no_revision(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "")
        assert document.revisions(SOIL.id) == []
        document.edit(SOIL.id, "Loam.")
        document.edit(SOIL.id, "Loam.")
        document.edit(SOIL.id, "")
        section = document.section(SOIL.id)
        assert (section.status, section.text, section.length, section.origin) == (Status.EMPTY, "", 0, None)
        assert len(document.revisions(SOIL.id)) == 1
        document.edit(SOIL.id, " \n")
        assert document.section(SOIL.id).status is Status.EMPTY


def test_a_partial_section_stays_partial_until_it_is_marked_done(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    write(document, SOIL.id, "Half a", status=Status.PARTIAL)
    document.edit(SOIL.id, "Half a text")
    assert document.section(SOIL.id).status is Status.PARTIAL
    document = reopened(document)
    assert document.section(SOIL.id).status is Status.PARTIAL
    document.mark_done(SOIL.id)
    document.mark_done(WATER.id)
    document = reopened(document)
    assert [section.status for section in document.sections()] == [Status.DONE, Status.EMPTY, Status.EMPTY]


def test_a_cleared_section_is_empty_and_can_be_restored(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    write(document, SOIL.id, "Half a", status=Status.PARTIAL)
    document.clear(SOIL.id)
    assert document.section(SOIL.id).status is Status.EMPTY
    document = reopened(document)
    assert document.section(SOIL.id).text == ""
    [old] = document.revisions(SOIL.id)
    document.restore(old.id)
    section = document.section(SOIL.id)
    assert (section.text, section.length, section.status) == ("Half a", 2, Status.PARTIAL)
    assert section.origin is Origin.MODEL


def test_restoring_keeps_the_current_text_and_the_old_provenance(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        write(document, SOIL.id, "By the model.", usage=Usage(5, 3, 1))
        document.edit(SOIL.id, "By hand.")
        old = document.revisions(SOIL.id)[-1]
        document.restore(old.id)
        newest, by_hand, first = document.revisions(SOIL.id)
        assert (newest.text, newest.origin, newest.provenance) == ("By the model.", Origin.MODEL, PROVENANCE)
        assert newest.usage == Usage()  # paid for only once
        assert by_hand.text == "By hand."
        assert first == old
        document.restore(newest.id)
        assert len(document.revisions(SOIL.id)) == 3
        with pytest.raises(DocumentError, check=has_code("no-such-version")):
            document.restore(999)


def test_imported_text_has_its_own_origin(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "From elsewhere.", Origin.IMPORT)
        document.edit(SOIL.id, "From elsewhere!")
        assert [revision.origin for revision in document.revisions(SOIL.id)] == [Origin.USER, Origin.IMPORT]


# -- the plan


def test_a_removed_section_keeps_its_text_and_undo_brings_it_back(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.edit(WATER.id, "Daily.")
    document.set_plan(Plan("Tomatoes", (SOIL, LIGHT)), "Delete section “Water”")
    assert [section.id for section in document.sections()] == [SOIL.id, LIGHT.id]
    with pytest.raises(KeyError):
        document.section(WATER.id)
    assert document.words == 0
    document = reopened(document)
    assert [revision.text for revision in document.revisions(WATER.id)] == ["Daily."]
    assert document.undo_plan() == "Delete section “Water”"
    assert document.plan == PLAN
    assert texts(document) == ["", "Daily.", ""]
    assert document.undo_plan() is None
    document = reopened(document)
    assert texts(document) == ["", "Daily.", ""]


def test_adding_a_removed_section_again_brings_its_text_back(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(WATER.id, "Daily.")
        document.set_plan(Plan("Tomatoes", (SOIL,)), "Delete two")
        document.set_plan(Plan("Tomatoes", (WATER, SOIL)), "Bring one back")
        assert texts(document) == ["Daily.", ""]


def test_plan_changes_can_be_undone_after_reopening(tmp_path: Path) -> None:
    document = new_document(tmp_path, plan=None)
    plans = [PLAN, Plan("Love apples", (LIGHT, SOIL)), Plan("None", ())]
    for number, plan in enumerate(plans):
        document.set_plan(plan, f"step {number}")
        document = reopened(document)
    assert document.title == "None"
    assert document.undo_plan() == "step 2"
    document = reopened(document)
    assert document.plan == plans[1]
    assert document.undo_plan() == "step 1"
    assert document.undo_plan() == "step 0"
    assert document.plan == Plan("", ())
    assert document.undo_plan() is None


def test_undone_plan_changes_can_be_redone_until_the_next_change(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.edit(SOIL.id, "Loam.")
    document.edit(WATER.id, "Daily.")
    merged = replace(SOIL, words=300)
    document.set_plan(Plan("Tomatoes", (merged, LIGHT)), "Merge", {SOIL.id: "Loam. Daily."})
    document.set_plan(Plan("Love apples", (merged,)), "Delete “Light”")
    assert document.redo_plan() is None
    assert [document.undo_plan(), document.undo_plan()] == ["Delete “Light”", "Merge"]
    assert (document.plan, texts(document)) == (PLAN, ["Loam.", "Daily.", ""])
    assert document.redo_plan() == "Merge"
    assert (document.plan.sections, texts(document)) == ((merged, LIGHT), ["Loam. Daily.", ""])
    assert document.redo_plan() == "Delete “Light”"
    assert document.redo_plan() is None
    assert document.plan == Plan("Love apples", (merged,))
    document = reopened(document)  # redone changes are stored, and can be undone again
    assert [document.undo_plan(), document.undo_plan(), document.undo_plan()] == ["Delete “Light”", "Merge", None]
    assert (document.plan, texts(document)) == (PLAN, ["Loam.", "Daily.", ""])
    document.set_plan(Plan("Pots", (SOIL,)), "Another")
    assert document.redo_plan() is None
    document.close()


def test_texts_change_with_the_plan_in_one_undo_step(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    write(document, SOIL.id, "First half. Second half.", status=Status.PARTIAL)
    half = PlannedSection("More soil", "", 50)
    document.set_plan(
        Plan("Tomatoes", (replace(SOIL, words=50), half)), "Split", {SOIL.id: "First half.", half.id: "Second half."}
    )
    assert texts(document) == ["First half.", "Second half."]
    assert [section.words for section in document.sections()] == [50, 50]
    document = reopened(document)
    assert texts(document) == ["First half.", "Second half."]
    assert document.undo_plan() == "Split"
    section = document.section(SOIL.id)
    assert (section.text, section.status, section.origin, section.words) == (
        "First half. Second half.",
        Status.PARTIAL,
        Origin.MODEL,
        100,
    )
    assert {revision.text for revision in document.revisions(SOIL.id)} >= {"First half.", "First half. Second half."}
    assert [revision.text for revision in document.revisions(half.id)] == ["Second half."]


def test_undoing_a_plan_change_loses_no_text_typed_since(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "Before.")
        document.set_plan(PLAN, "Change", {SOIL.id: "Changed."})
        document.edit(SOIL.id, "Changed. And typed.")
        document.undo_plan()
        assert document.section(SOIL.id).text == "Before."
        assert "Changed. And typed." in [revision.text for revision in document.revisions(SOIL.id)]


def test_undo_restores_texts_that_a_plan_change_added_or_removed(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.set_plan(PLAN, "Give text", {SOIL.id: "Text."})
        document.undo_plan()
        assert document.section(SOIL.id).status is Status.EMPTY
        document.edit(SOIL.id, "Text.")
        document.set_plan(PLAN, "Take text", {SOIL.id: ""})
        assert document.section(SOIL.id).status is Status.EMPTY
        document.undo_plan()
        assert document.section(SOIL.id).text == "Text."


def test_a_plan_with_a_section_twice_is_rejected_completely(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        with pytest.raises(DocumentError, check=has_code("duplicate-section")):
            document.set_plan(Plan("Tomatoes", (SOIL, SOIL)), "Bad", {SOIL.id: "Text."})
        assert document.plan == PLAN
        assert texts(document) == ["", "", ""]
        assert document.undo_plan() is None


# -- streams


def write(
    document: Document,
    section_id: str,
    text: str,
    *,
    keep: int = 0,
    status: Status = Status.DONE,
    usage: Usage = Usage(10, 5, 2),  # noqa: B008
) -> None:
    document.begin(section_id, PROVENANCE, keep)
    for start in range(0, len(text), 3):
        document.append(section_id, text[start : start + 3])
    document.finish(section_id, status, usage)


def test_streamed_text_is_visible_at_once_and_becomes_a_revision(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.begin(SOIL.id, PROVENANCE, 0)
    document.append(SOIL.id, "Tomatoes li")
    document.append(SOIL.id, "ke loam.")
    section = document.section(SOIL.id)
    assert (section.status, section.text, section.length) == (Status.WRITING, "Tomatoes like loam.", 3)
    assert document.words == 3
    document.finish(SOIL.id, Status.DONE, Usage(100, 20, 50))
    document.finish(SOIL.id, Status.PARTIAL, Usage(1, 1, 1))  # ignored, because it has ended
    document = reopened(document)
    section = document.section(SOIL.id)
    assert (section.status, section.text, section.length) == (Status.DONE, "Tomatoes like loam.", 3)
    [revision] = document.revisions(SOIL.id)
    assert (revision.origin, revision.provenance, revision.usage) == (Origin.MODEL, PROVENANCE, Usage(100, 20, 50))
    assert document.usage == NO_USAGE  # add_usage alone counts for the document


def test_usage_is_counted_at_once_and_kept_without_its_text(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.begin(SOIL.id, PROVENANCE, 0)
    document.append(SOIL.id, "One.")
    document.add_usage(Usage(10, 5, 2))
    assert document.usage == Usage(10, 5, 2)
    with Document.open(document.path, read_only=True) as other:
        assert other.usage == Usage(10, 5, 2)
    document.finish(SOIL.id, Status.DONE, Usage(10, 5, 2))
    document.clear(SOIL.id)
    document.add_usage(Usage(10, 5, 2))
    write(document, SOIL.id, "Two.", usage=Usage(10, 5, 2))
    document.begin(WATER.id, PROVENANCE, 0)
    document.add_usage(Usage(1, 0, 0))  # paid for, though no text arrived
    document.finish(WATER.id, Status.PARTIAL, Usage(1, 0, 0))
    assert document.usage == Usage(21, 10, 4)
    assert reopened(document).usage == Usage(21, 10, 4)


def test_adding_usage_never_fails(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.add_usage(Usage(10, 5, 2))
    with Document.open(document.path) as reader:  # which can count usage, but not store it
        assert reader.read_only
        reader.add_usage(Usage(1, 1, 1))
        assert reader.usage == Usage(11, 6, 3)
        reader.flush()
    document.close()
    document.add_usage(Usage(1, 1, 1))
    assert document.usage == Usage(11, 6, 3)
    with Document.open(document.path) as again:
        assert again.usage == Usage(10, 5, 2)


def test_rolled_back_text_is_removed_from_the_file(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.begin(SOIL.id, PROVENANCE, 0)
    document.append(SOIL.id, "Good. Bad. Bad. Bad.")
    document.flush()
    document.roll_back(SOIL.id, 5)
    assert document.section(SOIL.id).text == "Good."
    document.append(SOIL.id, " Better.")
    document.flush()
    document.roll_back(SOIL.id, 8)
    document.append(SOIL.id, "st.")
    expected = document.section(SOIL.id)
    document = reopened(document)
    section = document.section(SOIL.id)
    assert (section.text, section.length) == ("Good. Best.", 2) == (expected.text, expected.length)
    assert section.status is Status.PARTIAL


def test_resuming_keeps_the_text_before_and_the_old_revision(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        write(document, SOIL.id, "A whole sentence. Half of", status=Status.PARTIAL)
        write(document, SOIL.id, " Another.", keep=17)
        assert document.section(SOIL.id).text == "A whole sentence. Another."
        assert [revision.text for revision in document.revisions(SOIL.id)] == [
            "A whole sentence. Another.",
            "A whole sentence. Half of",
        ]


@pytest.mark.parametrize("before", [Status.DONE, Status.PARTIAL])
def test_a_stream_without_text_changes_nothing(tmp_path: Path, before: Status) -> None:
    document = new_document(tmp_path)
    write(document, SOIL.id, "What was there.", status=before)
    document.begin(SOIL.id, PROVENANCE, 4)
    assert document.section(SOIL.id).text == "What"
    document.finish(SOIL.id, Status.PARTIAL, Usage())
    document.begin(WATER.id, PROVENANCE, 0)
    document.close()  # without finishing the stream
    document = Document.open(document.path)
    assert document.section(SOIL.id).text == "What was there."
    assert [section.status for section in document.sections()] == [before, Status.EMPTY, Status.EMPTY]
    assert len(document.revisions(SOIL.id)) == 1


def test_a_partial_section_that_needs_no_more_text_becomes_done(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    write(document, SOIL.id, "All of it.", status=Status.PARTIAL)
    write(document, SOIL.id, "", keep=10)
    assert len(document.revisions(SOIL.id)) == 1
    assert reopened(document).section(SOIL.id).status is Status.DONE


def test_sections_can_stream_in_parallel(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    for section in PLAN.sections:
        document.begin(section.id, PROVENANCE, 0)
    for number in range(20):
        for section in PLAN.sections:
            document.append(section.id, f"{section.title} {number} ")
        if number % 7 == 0:
            document.flush()
    document.finish(WATER.id, Status.DONE, Usage())
    expected = texts(document)
    document = reopened(document)
    assert texts(document) == expected
    assert [section.status for section in document.sections()] == [Status.PARTIAL, Status.DONE, Status.PARTIAL]


def test_a_streaming_section_cannot_be_changed_otherwise(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "Old.")
        document.edit(WATER.id, "Daily.")
        [old] = document.revisions(SOIL.id)
        document.begin(SOIL.id, PROVENANCE, 0)
        for change in (
            lambda: document.edit(SOIL.id, "New."),
            lambda: document.clear(SOIL.id),
            lambda: document.mark_done(SOIL.id),
            lambda: document.restore(old.id),
            lambda: document.begin(SOIL.id, PROVENANCE, 0),
            lambda: document.set_plan(Plan("None", ()), "Bad", {SOIL.id: "New."}),
        ):
            with pytest.raises(DocumentError, check=has_code("being-written")):
                change()
        document.edit(WATER.id, "Daily, in the morning.")  # other sections can be edited
        document.set_plan(Plan("Renamed", (WATER, replace(SOIL, title="Earth"))), "Rename")
        document.append(SOIL.id, "Text.")
        document.finish(SOIL.id, Status.DONE, Usage())
        assert texts(document) == ["Daily, in the morning.", "Text."]
        assert document.section(SOIL.id).title == "Earth"


def test_text_for_a_section_without_a_stream_is_rejected(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        with pytest.raises(DocumentError, check=has_code("not-being-written")):
            document.append(SOIL.id, "Text.")
        with pytest.raises(DocumentError, check=has_code("not-being-written")):
            document.roll_back(SOIL.id, 0)


# -- performance


def test_showing_a_long_document_needs_no_query_and_no_counting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan("Long", tuple(PlannedSection(f"Section {n}", "", 250) for n in range(400)))
    document = Document.create(tmp_path / "long.lw", BRIEF, plan)
    document.set_plan(plan, "Texts", {section.id: "word " * 250 for section in plan.sections})
    document = reopened(document)
    document.begin(plan.sections[0].id, PROVENANCE, 0)
    queries: list[str] = []
    connection(document).set_trace_callback(queries.append)
    for module in ("section_rows", "contents", "store", "streaming"):
        monkeypatch.setattr(f"lwtui.documents.{module}.count_words", _no_count, raising=False)
    assert sum(section.length for section in document.sections()) == document.words == 399 * 250
    document.append(plan.sections[0].id, "one more")
    assert document.words == 399 * 250 + 2
    assert queries == []
    document.close()


def _no_count(text: str) -> int:
    raise AssertionError("counted again")


def test_the_journal_stores_each_piece_once(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.begin(SOIL.id, PROVENANCE, 0)
        for number in range(50):
            document.append(SOIL.id, f"piece {number} ")
            document.flush()
        [(stored,)] = connection(document).execute("SELECT sum(length(text)) FROM journal")
        assert stored == len(document.section(SOIL.id).text)
        writes: list[str] = []
        connection(document).set_trace_callback(writes.append)
        document.flush()
        assert writes == []  # there is nothing new


def test_appended_text_reaches_the_file_without_a_flush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("lwtui.documents.streaming.monotonic", lambda: clock[0])
    with new_document(tmp_path) as document:
        document.begin(SOIL.id, PROVENANCE, 0)
        document.append(SOIL.id, "one ")
        clock[0] += 0.39
        document.append(SOIL.id, "two ")
        with Document.open(document.path, read_only=True) as other:
            assert texts(other) == ["", "", ""]
        clock[0] += 0.02
        document.append(SOIL.id, "three ")
        with Document.open(document.path, read_only=True) as other:
            assert texts(other) == ["one two three ", "", ""]


def test_short_and_refused_sections_keep_their_status(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    write(document, SOIL.id, "Hello there.", status=Status.SHORT)
    document.begin(WATER.id, PROVENANCE, 0)
    document.append(WATER.id, "I'm sorry.")
    document.roll_back(WATER.id, 0)
    document.finish(WATER.id, Status.REFUSED, NO_USAGE)
    document = reopened(document)
    assert (document.section(SOIL.id).status, document.section(SOIL.id).text) == (Status.SHORT, "Hello there.")
    assert (document.section(WATER.id).status, document.section(WATER.id).text) == (Status.REFUSED, "")
    document.edit(SOIL.id, "Hello there, all of you.")
    assert document.section(SOIL.id).status is Status.SHORT
    document.edit(SOIL.id, "word " * SOIL.words)
    document.edit(WATER.id, "By hand.")
    document = reopened(document)
    assert document.section(SOIL.id).status is document.section(WATER.id).status is Status.DONE


def test_a_short_section_can_be_marked_as_done(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    write(document, SOIL.id, "Hello there.", status=Status.SHORT)
    document.mark_done(SOIL.id)
    assert reopened(document).section(SOIL.id).status is Status.DONE

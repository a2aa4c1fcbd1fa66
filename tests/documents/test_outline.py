"""Nested plans and edits of their structure."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.documents import outline, plan_edits
from lwtui.documents.model import MAX_LEVEL, Plan, PlannedSection


def tree(text: str) -> Plan:
    """Make a plan from one word per section, with a dot for each level of nesting: ``a .b .c d``.

    Parts are headings without text; all other sections have 100 words.
    """
    sections = [
        PlannedSection(word.lstrip("."), "", 100, word.lstrip("."), word.count(".") + 1) for word in text.split()
    ]
    parts = {section.id for section, after in pairwise(sections) if after.level > section.level}
    return Plan("T", tuple(replace(section, words=0) if section.id in parts else section for section in sections))


def shape(plan: Plan) -> str:
    return " ".join("." * (section.level - 1) + section.id for section in plan.sections)


BOOK = tree("a .b ..c ..d .e f .g .h")


def test_numbers_and_totals() -> None:
    assert outline.outline_numbers(BOOK) == ["1", "1.1", "1.1.1", "1.1.2", "1.2", "2", "2.1", "2.2"]
    assert outline.subtree_totals(BOOK, [section.words for section in BOOK.sections]) == [
        300,
        200,
        100,
        100,
        100,
        200,
        100,
        100,
    ]
    assert outline.section_numbers(BOOK) == [0, 0, 1, 2, 3, 3, 4, 5]
    assert outline.parents(BOOK) == [None, 0, 1, 1, 0, None, 5, 5]
    assert [outline.has_children(BOOK, section.id) for section in BOOK.sections] == [
        section.words == 0 for section in BOOK.sections
    ]
    with pytest.raises(KeyError):
        outline.subtree(BOOK, "z")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda plan: plan_edits.move(plan, "c", 1), "a .b ..d ..c .e f .g .h"),
        (lambda plan: plan_edits.move(plan, "b", 1), "a .e .b ..c ..d f .g .h"),  # with the sections within it
        (lambda plan: plan_edits.move(plan, "a", 1), "f .g .h a .b ..c ..d .e"),
        (lambda plan: plan_edits.move(plan, "e", 1), "a .b ..c ..d f .e .g .h"),  # into the next part
        (lambda plan: plan_edits.move(plan, "g", -1), "a .b ..c ..d .e .g f .h"),  # into the previous part
        (lambda plan: plan_edits.move(plan, "f", -1), "f .g .h a .b ..c ..d .e"),
        (lambda plan: plan_edits.move(plan, "a", -1), shape(BOOK)),
        (lambda plan: plan_edits.move(plan, "f", 9), shape(BOOK)),
        (lambda plan: plan_edits.move_before(plan, "h", "c"), "a .b ..h ..c ..d .e f .g"),
        (lambda plan: plan_edits.move_before(plan, "b", "f"), "a .e b .c .d f .g .h"),
        (lambda plan: plan_edits.move_before(plan, "c", None), "a .b ..d .e f .g .h ..c"),
        (lambda plan: plan_edits.move_before(plan, "a", "d"), shape(BOOK)),  # not into itself
        (lambda plan: plan_edits.indent(plan, "e"), "a .b ..c ..d ..e f .g .h"),
        (lambda plan: plan_edits.indent(plan, "f"), "a .b ..c ..d .e .f ..g ..h"),
        (lambda plan: plan_edits.outdent(plan, "b"), "a b .c .d .e f .g .h"),
        (lambda plan: plan_edits.outdent(plan, "c"), "a .b .c ..d .e f .g .h"),
        (lambda plan: plan_edits.remove(plan, "a"), "f .g .h"),
        (
            lambda plan: outline.with_subsections(plan, "e", tree("x .y z").sections),
            "a .b ..c ..d .e ..x ...y ..z f .g .h",
        ),
        (lambda plan: outline.with_subsections(plan, "b", tree("x").sections), "a .b ..x .e f .g .h"),
    ],
)
def test_a_section_moves_with_all_sections_within_it(change: object, expected: str) -> None:
    assert callable(change)
    assert shape(change(BOOK)) == expected


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda: plan_edits.indent(BOOK, "a"), "no section above"),
        (lambda: plan_edits.indent(BOOK, "c"), "no section above"),
        (lambda: plan_edits.indent(tree("a .b ..c ...d ....e ....f"), "f"), "at most 5 levels"),
        (lambda: plan_edits.outdent(BOOK, "a"), "first level"),
        (lambda: plan_edits.split(BOOK, "b"), "split"),
        (lambda: plan_edits.merge(BOOK, "b"), "merged"),
        (lambda: plan_edits.merge(BOOK, "h"), "no section after"),
        (lambda: plan_edits.merge(tree("a b .c"), "a"), "merged"),
    ],
)
def test_impossible_edits_raise_an_error(change: object, why: str) -> None:
    assert callable(change)
    with pytest.raises(ValueError, match=why):
        change()


def test_split_and_merged_sections_stay_on_their_level() -> None:
    plan, second = plan_edits.split(BOOK, "e")
    assert shape(plan) == f"a .b ..c ..d .e .{second} f .g .h"
    merged = plan_edits.merge(plan, "e")
    assert shape(merged) == shape(BOOK)
    assert merged.words == BOOK.words


def test_rescaling_leaves_headings_without_text() -> None:
    plan = plan_edits.rescale(BOOK, 1000)
    assert [section.words for section in plan.sections] == [0, 0, 200, 200, 200, 0, 200, 200]
    part = plan_edits.resize(BOOK, "a", 600)
    assert [section.words for section in part.sections] == [0, 0, 200, 200, 200, 0, 100, 100]
    assert plan_edits.rescale(tree("a"), 7).words == 7


_LEVELS = st.lists(st.integers(-1, 8), min_size=1, max_size=12)


@given(_LEVELS, st.data())
def test_moves_lose_no_section_and_leave_no_gap_between_levels(levels: list[int], data: st.DataObject) -> None:
    sections = (PlannedSection("", "", 10, str(at), level) for at, level in enumerate(levels))
    plan = outline.normalize_levels(Plan("T", tuple(sections)))
    chosen = data.draw(st.sampled_from([section.id for section in plan.sections]))
    other = data.draw(st.sampled_from([None, *(section.id for section in plan.sections)]))
    by = data.draw(st.integers(-3, 3))
    within = [plan.sections[at].id for at in outline.subtree(plan, chosen)]
    for changed in (plan_edits.move(plan, chosen, by), plan_edits.move_before(plan, chosen, other)):
        ids = [section.id for section in changed.sections]
        assert sorted(ids) == sorted(section.id for section in plan.sections)
        start = ids.index(chosen)
        assert ids[start : start + len(within)] == within
        assert changed == outline.normalize_levels(changed)
        assert all(1 <= section.level <= MAX_LEVEL for section in changed.sections)

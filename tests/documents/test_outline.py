"""How the sections of a plan nest, and what a person can do to that."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.documents import outline, plan_edits
from lwtui.documents.model import DEEPEST, Plan, PlannedSection


def tree(text: str) -> Plan:
    """A plan from one word a section, a letter as its name after as many dots as it is deep: ``a .b .c d``.

    A group is a heading alone; all others have 100 words.
    """
    found = [PlannedSection(one.lstrip("."), "", 100, one.lstrip("."), one.count(".") + 1) for one in text.split()]
    groups = {one.id for one, after in pairwise(found) if after.level > one.level}
    return Plan("T", tuple(replace(one, words=0) if one.id in groups else one for one in found))


def shape(plan: Plan) -> str:
    return " ".join("." * (one.level - 1) + one.id for one in plan.sections)


BOOK = tree("a .b ..c ..d .e f .g .h")


def test_sections_are_numbered_summed_and_counted() -> None:
    assert outline.labels(BOOK) == ["1", "1.1", "1.1.1", "1.1.2", "1.2", "2", "2.1", "2.2"]
    assert outline.sums(BOOK, [one.words for one in BOOK.sections]) == [300, 200, 100, 100, 100, 200, 100, 100]
    assert outline.numbers(BOOK) == [0, 0, 1, 2, 3, 3, 4, 5]
    assert outline.parents(BOOK) == [None, 0, 1, 1, 0, None, 5, 5]
    assert [outline.is_group(BOOK, one.id) for one in BOOK.sections] == [one.words == 0 for one in BOOK.sections]
    with pytest.raises(KeyError):
        outline.block(BOOK, "z")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda plan: plan_edits.move(plan, "c", 1), "a .b ..d ..c .e f .g .h"),
        (lambda plan: plan_edits.move(plan, "b", 1), "a .e .b ..c ..d f .g .h"),  # with what is within it
        (lambda plan: plan_edits.move(plan, "a", 1), "f .g .h a .b ..c ..d .e"),
        (lambda plan: plan_edits.move(plan, "e", 1), "a .b ..c ..d f .e .g .h"),  # over into the next part
        (lambda plan: plan_edits.move(plan, "g", -1), "a .b ..c ..d .e .g f .h"),  # and back into the one before
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
        (lambda plan: outline.filled(plan, "e", tree("x .y z").sections), "a .b ..c ..d .e ..x ...y ..z f .g .h"),
        (lambda plan: outline.filled(plan, "b", tree("x").sections), "a .b ..x .e f .g .h"),
    ],
)
def test_a_section_goes_where_it_is_sent_with_what_is_within_it(change: object, expected: str) -> None:
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
def test_what_cannot_be_done_is_refused_with_a_reason(change: object, why: str) -> None:
    assert callable(change)
    with pytest.raises(ValueError, match=why):
        change()


def test_halves_and_joined_sections_stay_on_their_level() -> None:
    plan, second = plan_edits.split(BOOK, "e")
    assert shape(plan) == f"a .b ..c ..d .e .{second} f .g .h"
    merged = plan_edits.merge(plan, "e")
    assert shape(merged) == shape(BOOK)
    assert merged.words == BOOK.words


def test_lengths_are_scaled_without_giving_headings_any() -> None:
    plan = plan_edits.rescale(BOOK, 1000)
    assert [one.words for one in plan.sections] == [0, 0, 200, 200, 200, 0, 200, 200]
    part = plan_edits.resize(BOOK, "a", 600)
    assert [one.words for one in part.sections] == [0, 0, 200, 200, 200, 0, 100, 100]
    assert plan_edits.rescale(tree("a"), 7).words == 7


_LEVELS = st.lists(st.integers(-1, 8), min_size=1, max_size=12)


@given(_LEVELS, st.data())
def test_no_change_loses_a_section_or_leaves_a_gap_between_levels(levels: list[int], data: st.DataObject) -> None:
    sections = (PlannedSection("", "", 10, str(at), level) for at, level in enumerate(levels))
    plan = outline.levelled(Plan("T", tuple(sections)))
    chosen = data.draw(st.sampled_from([one.id for one in plan.sections]))
    other = data.draw(st.sampled_from([None, *(one.id for one in plan.sections)]))
    by = data.draw(st.integers(-3, 3))
    within = [plan.sections[at].id for at in outline.block(plan, chosen)]
    for changed in (plan_edits.move(plan, chosen, by), plan_edits.move_before(plan, chosen, other)):
        ids = [one.id for one in changed.sections]
        assert sorted(ids) == sorted(one.id for one in plan.sections)
        start = ids.index(chosen)
        assert ids[start : start + len(within)] == within
        assert changed == outline.levelled(changed)
        assert all(1 <= one.level <= DEEPEST for one in changed.sections)

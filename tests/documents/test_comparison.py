"""Comparing two documents: which sections belong together, and what has become of them."""

from __future__ import annotations

import pytest

from lwtui.documents.comparison import Change, compare, comparison_lines
from lwtui.documents.model import Section, Status
from lwtui.text import count_words

TEXT = "The tide came in before sunrise and nobody spoke while the boats were tied up."


def section(id: str, title: str, text: str = TEXT) -> Section:
    return Section(id, title, "", 50, Status.DONE, text, count_words(text))


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ([section("a", "One")], [section("a", "One")], [Change.SAME]),
        ([section("a", "One")], [section("a", "One", "Short.")], [Change.CHANGED]),
        ([section("a", "One")], [section("a", "Eins")], [Change.CHANGED]),
        ([section("a", "One")], [section("b", "one ")], [Change.CHANGED]),  # the heading has another case
        ([section("a", "One")], [section("b", "Dawn", TEXT + " Then they left.")], [Change.CHANGED]),
        ([section("a", "One")], [section("b", "Two", "Nothing of that.")], [Change.ADDED, Change.REMOVED]),
        (
            [section("a", "One"), section("b", "Two", "x y")],
            [section("b", "Two", "x y")],
            [Change.REMOVED, Change.SAME],
        ),
        ([], [section("a", "One")], [Change.ADDED]),
        ([section("a", "", "")], [section("b", "", "")], [Change.ADDED, Change.REMOVED]),
        ([], [], []),
    ],
)
def test_sections_belong_together_by_id_heading_or_text(
    old: list[Section], new: list[Section], changes: list[Change]
) -> None:
    assert [item.change for item in compare(old, new)] == changes


def test_changes_are_marked_in_the_text_and_counted() -> None:
    old = [section("a", "One", "The old boat left."), section("b", "Two", "Gone.")]
    new = [section("a", "One", "The new boat left."), section("c", "Three", "番茄红了。")]
    compared = compare(old, new)
    assert compared[0].marked() == "The[- old-]{+ new+} boat left."
    assert {item.change: item.marked() for item in compared}[Change.REMOVED] == "[-Gone.-]"
    lines = list(comparison_lines(compared))
    assert lines[-1].startswith("1 changed, 1 added, 1 removed, 0 the same")
    assert lines[0] == "changed: One (+0 words)"
    assert len(list(comparison_lines(compared, texts=False))) == 4


def test_the_texts_can_be_made_of_their_difference() -> None:
    old, new = section("a", "One", TEXT), section("a", "One", TEXT.replace("nobody", "somebody") + "\n\nMore.")
    (item,) = compare([old], [new])
    marked = item.marked()
    assert _without(marked, "[-", "-]").replace("{+", "").replace("+}", "") == new.text
    assert _without(marked, "{+", "+}").replace("[-", "").replace("-]", "") == old.text


def _without(text: str, begin: str, end: str) -> str:
    while begin in text:
        head, _, rest = text.partition(begin)
        text = head + rest.partition(end)[2]
    return text

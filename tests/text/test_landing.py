"""Where a Markdown text can be cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.text import landing_places, last_landing, sentence_ends


def pieces(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in pairwise([0, *landing_places(text)])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Thr", ["One.", "Two!"]),
        ("- water\n- sun\n- loam", ["- water", "- sun"]),
        ("1. Water it\n2. Wait\n\nThen", ["1. Water it", "2. Wait"]),
        ("* a b\n  c d\n* e\n", ["* a b\n  c d"][:0]),
        ("- water daily. Use rain\n- sun\n- ", ["- water daily.", "Use rain", "- sun"][:2]),
        (
            "| a | b |\n|---|---|\n| 1. x | y. Z |\n| 2 | z |\n| 3 |",
            ["| a | b |\n|---|---|\n| 1. x | y. Z |", "| 2 | z |"],
        ),
        ("Text.\n\n| a | b |\n| - | - |\n", ["Text."]),
        ("Text.\n\n## A heading\n\nMore", ["Text."]),
        ("Text.\n\n**A heading**\n\nMore", ["Text."]),
        ("You need the following:\n\n- loam\n- sun\n", ["You need the following:\n\n- loam"]),
        (
            "Run it.\n\n```\nx = 1. Y\n\n# Do. It\n```\n\nDone. So",
            ["Run it.", "```\nx = 1. Y\n\n# Do. It\n```", "Done."],
        ),
        ("Run it.\n\n```\nx = 1. Y\n\nDo. It", ["Run it."]),
        ("Run it.\n\n~~~\na. B\n```\nC. D\n~~~\n\nSo", ["Run it.", "~~~\na. B\n```\nC. D\n~~~"]),
        ("So it is.\n\n$$\na = b. C\n\nd\n$$\n\nThen", ["So it is.", "$$\na = b. C\n\nd\n$$"]),
        ("So it is.\n\n\\[\na = b. C\n\nd", ["So it is."]),
        ("So. \\begin{align}\na. B\n\n\\end{align} End. X", ["So.", "\\begin{align}\na. B\n\n\\end{align} End."]),
        ("See [Mr. Gray. A life](http://a.b/c. D) now. So", ["See [Mr. Gray. A life](http://a.b/c. D) now."]),
        ("Look. See [a. B](http://a", ["Look."]),
        ("Look. See [a. B", ["Look."]),
        ("Use `a. B` so. Then", ["Use `a. B` so."]),
        ("With $a. B$ so. Then", ["With $a. B$ so."]),
        ("It costs $5. Then $6. So", ["It costs $5.", "Then $6."]),
        ("It is so.[^1] Yes.\n\n[^1]: By Gray. See there.\n    And here. So\n\nMore. X", None),
    ],
)
def test_where_a_text_can_end(text: str, expected: list[str] | None) -> None:
    if expected is None:
        expected = ["It is so.[^1]", "Yes.", "[^1]: By Gray. See there.\n    And here. So", "More."]
    assert pieces(text) == expected


def test_a_list_and_a_table_have_places_to_land() -> None:
    items = [f"- the thing number {number} of many" for number in range(40)]
    assert len(landing_places("\n".join(items))) == 39
    rows = [f"| {hour}:00 | do. The thing | {hour} |" for hour in range(24)]
    table = "| time | what | no |\n| --- | --- | --- |\n" + "\n".join(rows)
    assert [table[:place].rpartition("\n")[2] for place in landing_places(table)] == rows[:-1]


_PARTS = [
    "One. ",
    "two ",
    "- ",
    "\n",
    "\n\n",
    "| a. B |",
    "|---|",
    "```",
    "$$",
    "[x](",
    ")",
    "`",
    "\\[",
    "\\]",
    "[^1]:",
    "# ",
]


@given(st.lists(st.sampled_from(_PARTS), max_size=30))
def test_places_are_ascending_and_never_in_a_row_or_fence(parts: list[str]) -> None:
    text = "".join(parts)
    places = landing_places(text)
    assert places == sorted(set(places)) and all(0 < place <= len(text) for place in places)
    assert last_landing(text) == (places[-1] if places else 0)
    if "$$" in text or "\\[" in text:
        return  # within a formula, a line that starts with | is no row
    for place in places:
        line = text[text.rfind("\n", 0, place) + 1 : place]
        assert not line.startswith("|") or place == len(text) or text[place] == "\n"


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "`",
        "$",
        "$$",
        "\\[",
        "```\n",
        "| a |\n",
        "- a\n",
        "[^1]: a\n",
        "\\begin{a}",
        "http://",
        "#",
        "[a](",
        "**",
        "~~~\na\n",
    ],
)
def test_odd_markdown_is_scanned_in_time(unit: str) -> None:
    text = unit * 4000
    assert all(0 < place <= len(text) for place in landing_places(text))


def test_plain_prose_lands_where_its_sentences_end() -> None:
    text = "It rained. Mr. Gray came. “So?” he asked.\n\nThen he went. End"
    assert landing_places(text) == sentence_ends(text)

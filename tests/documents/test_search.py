"""Search and replace."""

from __future__ import annotations

import pytest

from lwtui.documents.search import Match, Query, count, find, nearest, replace_all, replacement_at
from lwtui.errors import UsageError
from tests.errors import has_code

TEXTS = {
    "a": "The cat sat. A CAT, a concatenation; don't.",
    "b": "我喜欢番茄，番茄好。\nStraße (cat) 🐈 cat",
}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query("cat"), ["cat", "CAT", "cat", "cat", "cat"]),
        (Query("cat", case=True), ["cat", "cat", "cat", "cat"]),
        (Query("cat", word=True), ["cat", "CAT", "cat", "cat"]),
        (Query("(cat)"), ["(cat)"]),
        (Query("番茄", word=True), ["番茄", "番茄"]),
        (Query("don", word=True), []),
        (Query("don't", word=True), ["don't"]),
        (Query("🐈 cat"), ["🐈 cat"]),
        (Query(r"c.t\b", expression=True), ["cat", "CAT", "cat", "cat"]),
        (Query(r"^s\w+", expression=True), ["Straße"]),
        (Query("x*", expression=True), []),
        (Query(""), []),
    ],
    ids=str,
)
def test_every_match_is_found_once_in_order(query: Query, found: list[str]) -> None:
    matches = find(TEXTS, query)
    assert [TEXTS[match.section_id][match.start : match.end] for match in matches] == found
    assert matches == sorted(matches)
    assert count(TEXTS.values(), query) == len(found)


@pytest.mark.parametrize(
    ("query", "replacement", "text", "matches"),
    [
        (Query("cat", word=True), "dog", "The dog sat. A dog, a concatenation; don't.", 2),
        (Query("a", case=True), r"\1", None, 5),  # plain text has no special characters
        (Query(r"(\w+) sat", expression=True), r"a \1 stood", "The a cat stood. A CAT, a concatenation; don't.", 1),
        (Query("nothing of it"), "x", TEXTS["a"], 0),
    ],
    ids=str,
)
def test_replacing_changes_only_the_matches(query: Query, replacement: str, text: str | None, matches: int) -> None:
    expected = TEXTS["a"].replace("a", r"\1") if text is None else text
    assert replace_all(TEXTS["a"], query, replacement) == (expected, matches)


def test_a_match_is_replaced_only_if_it_is_still_there() -> None:
    assert replacement_at(TEXTS["a"], Query("c(.)t", expression=True), r"<\1>", 4, 7) == "<a>"
    assert replacement_at(TEXTS["a"], Query("cat"), "dog", 5, 8) is None


@pytest.mark.parametrize(
    ("query", "replacement", "code"),
    [
        (Query("(", expression=True), "", "invalid-expression"),
        (Query("(a|aa)+$", expression=True), "", "slow-expression"),
        (Query("c(.)t", expression=True), r"\2", "invalid-replacement"),
        (Query("c(.)t", expression=True), "\\", "invalid-replacement"),
    ],
)
def test_invalid_expressions_are_reported_in_one_line(query: Query, replacement: str, code: str) -> None:
    with pytest.raises(UsageError, check=has_code(code)):
        replace_all(TEXTS["a"] + "\n" + "a" * 60 + "b", query, replacement)


def test_stepping_wraps_around_the_document() -> None:
    matches = [Match("a", 4, 7), Match("a", 15, 18), Match("b", 2, 5)]

    def step(section_id: str, at: int, forward: bool) -> int | None:
        return nearest(matches, ["a", "x", "b"], section_id, at, forward=forward)

    assert [step("a", 0, True), step("a", 5, True), step("x", 0, True), step("b", 3, True)] == [0, 1, 2, 0]
    assert [step("a", 4, False), step("a", 15, False), step("x", 0, False), step("b", 9, False)] == [2, 0, 1, 2]
    assert nearest([], ["a"], "a", 0, forward=True) is None

"""The word diff: what it finds, and that it loses nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.text.diff import Hunk, apply_hunks, diff, split_at_hunks

NEW_END = "She drove by the new farm"


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("The cat sat down.", "The dog sat down.", [(" cat", " dog")]),
        ("One. Two. Three.", "One. Three.", [(" Two.", "")]),
        ("One. Three.", "One. Two. Three.", [("", " Two.")]),
        ("", "All new.", [("", "All new.")]),
        ("Gone.", "", [("Gone.", "")]),
        ("Same.", "Same.", []),
        ("A line\nand another", "A line\n\nand another", [("\n", "\n\n")]),
        ("猫坐在垫子上。天下雨了。", "狗坐在垫子上。天下雨了。", [("猫", "狗")]),
        ("我看见了一只 cat。", "我看见了一只 dog。", [(" cat", " dog")]),
        # Short words in common do not split a new sentence.
        ("He went to the old house.", "She drove by the new farm.", [("He went to the old house", NEW_END)]),
        # Changes far from each other stay separate.
        (
            "The red pot stands on the balcony in the sun, and the soil is dry.",
            "The blue pot stands on the balcony in the sun, and the soil is wet.",
            [(" red", " blue"), (" dry", " wet")],
        ),
    ],
)
def test_changes_are_whole_words(old: str, new: str, changes: list[tuple[str, str]]) -> None:
    assert [(hunk.old, hunk.new) for hunk in diff(old, new)] == changes


WORDS = st.lists(st.sampled_from(["the", "cat", " ", ".", "\n\n", "猫", "。", "don't", "é", "🙂", ", "])).map("".join)


@given(WORDS, WORDS, st.randoms())
def test_applying_all_hunks_gives_the_new_text_and_none_the_old(old: str, new: str, random_: random.Random) -> None:
    hunks = diff(old, new)
    assert apply_hunks(old, hunks, range(len(hunks))) == new
    assert apply_hunks(old, hunks, ()) == old
    assert all(old[hunk.start : hunk.end] == hunk.old for hunk in hunks)
    some = {number for number in range(len(hunks)) if random_.random() < 0.5}
    rebuilt = "".join(
        text if number is None else hunks[number].new if number in some else hunks[number].old
        for text, number in split_at_hunks(old, hunks)
    )
    assert rebuilt == apply_hunks(old, hunks, some)


def test_a_change_in_a_long_section_is_one_hunk() -> None:
    random_ = random.Random(1)
    words = [f"w{random_.randrange(3000)}" for _ in range(20_000)]
    sentences = [" ".join(words[at : at + 10]) + "." for at in range(0, len(words), 10)]
    changed = sentences[:]
    changed[700] = changed[700].replace(" ", " very ", 1)
    old, new = " ".join(sentences), " ".join(changed)
    (hunk,) = diff(old, new)
    assert hunk == Hunk(hunk.start, hunk.start, "", " very")

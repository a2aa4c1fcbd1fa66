"""Sentence boundaries."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.text import last_sentence_end, sentence_ends


def sentences(text: str) -> list[str]:
    starts = [0, *sentence_ends(text)]
    return [text[start:end].strip() for start, end in pairwise(starts)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?"]),
        ("It costs 3.5 euros. Not 4.", ["It costs 3.5 euros.", "Not 4."]),
        ("Dr. Smith met Mrs. Jones vs. J. Doe. They talked.", ["Dr. Smith met Mrs. Jones vs. J. Doe.", "They talked."]),
        ("Use loam, e.g. from a bag. Then water.", ["Use loam, e.g. from a bag.", "Then water."]),
        ("“Is it ripe?” she asked. “Yes.” He smiled.", ["“Is it ripe?”", "she asked.", "“Yes.”", "He smiled."]),
        ("(In brackets.) After **bold.** And", ["(In brackets.)", "After **bold.**"]),
        ("Wait... what?! Really", ["Wait...", "what?!"]),
        ("番茄喜欢阳光。它们需要水！对吗？是", ["番茄喜欢阳光。", "它们需要水！", "对吗？"]),
        ("他说：“好。”然后走了。", ["他说：“好。”", "然后走了。"]),
        ("A heading\n\nA paragraph without an end\n\nLast", ["A heading", "A paragraph without an end"]),
        ("See example.org and v1.2.3 for more.", ["See example.org and v1.2.3 for more."]),
        ("यह वाक्य है। दूसरा", ["यह वाक्य है।"]),
        ("هل هذا صحيح؟ نعم", ["هل هذا صحيح؟"]),
        ("no end", []),
        ("", []),
    ],
)
def test_splitting_a_text_into_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_the_end_of_the_last_complete_sentence() -> None:
    assert last_sentence_end("One. Two. Thr") == len("One. Two.")
    assert last_sentence_end("no end") == 0
    assert last_sentence_end("All of it.") == len("All of it.")


@given(st.text(alphabet="ab .!?。\n'\"”A1", max_size=60))
def test_ends_are_ascending_and_never_after_white_space(text: str) -> None:
    ends = sentence_ends(text)
    assert ends == sorted(set(ends))
    assert all(0 < end <= len(text) and not text[end - 1].isspace() for end in ends)


def test_the_last_sentence_of_a_paragraph_ends_once() -> None:
    assert sentence_ends("One.\n\nTwo.\n\n") == [4, 10]

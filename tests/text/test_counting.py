"""Word counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.text import RunningCount, count_words, counts_characters


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        (" \n\t ", 0),
        ("Tomatoes like the sun.", 4),
        ("Don't count a well-known word twice.", 6),
        ("“Quoted” — and dashed – words…", 4),
        ("3.5 kg cost 1,200 in 2024", 6),
        ("## Heading\n\n- **bold** item\n* _other_", 4),
        ("* * *\n---\n| a | b |", 2),
        ("me@example.org and/or you", 3),
        ("Größe naïve Ελλάδα Москва", 4),
        ("שלום עולם مرحبا بالعالم", 4),
        ("한국어 문장입니다", 2),
        ("हिन्दी में लिखा", 3),
        ("番茄喜欢阳光。", 6),
        ("トマトは太陽が好きです。", 11),
        ("番茄 tomato 和 2 kg 土", 7),
        ("中文ABC中文", 5),
        ("e\u0301te\u0301 cafe\u0301", 2),
        ("🍅🍅 👍", 0),
    ],
)
def test_counting_words_and_cjk_characters(text: str, length: int) -> None:
    assert count_words(text) == length


@pytest.mark.parametrize(
    ("language", "expected"), [("zh", True), ("zh-TW", True), ("ja", True), ("en", False), ("ko", False), ("", False)]
)
def test_lengths_in_chinese_and_japanese_are_in_characters(language: str, expected: bool) -> None:
    assert counts_characters(language) is expected


_TOKENS = ["word", " ", "'", "-", ".", "3", ",", "\n", "番茄", "は", "é", "\u0301", "’", "@", "/", "\u3000", "中a", "_"]
_PIECES = st.lists(st.one_of(st.sampled_from(_TOKENS), st.text(max_size=5)), max_size=40)


@given(_PIECES)
def test_a_running_count_equals_the_count_of_the_whole(pieces: list[str]) -> None:
    count = RunningCount(pieces[0] if pieces else "")
    for end, piece in enumerate(pieces[1:], 2):
        count.add(piece)
        assert count.words == count_words("".join(pieces[:end]))


@given(st.integers(1, 9), st.sampled_from(["番茄喜欢阳光和水分", "unbroken", "a-b", "a.b,c'd", "中a文b", "．。", "x́́"]))
def test_a_long_text_without_white_space_is_counted_correctly_in_pieces(size: int, unit: str) -> None:
    text = unit * 150
    count = RunningCount()
    for start in range(0, len(text), size):
        count.add(text[start : start + size])
    assert count.words == count_words(text)


@given(st.text(), st.text())
def test_white_space_separates_words(first: str, second: str) -> None:
    assert count_words(f"{first}\n\n{second}") == count_words(first) + count_words(second)

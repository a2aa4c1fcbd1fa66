"""Sentence boundaries."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.text import ends_sentence, last_sentence_end, sentence_ends
from tests.text.sentence_table import TABLE, UNSPACED, sentences_of


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
        ("“Is it ripe?” she asked. “Yes.” He smiled.", ["“Is it ripe?” she asked.", "“Yes.”", "He smiled."]),
        ("(In brackets.) After **bold.** And", ["(In brackets.)", "After **bold.**"]),
        ("Wait... what?! Really", ["Wait... what?!"]),
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


@pytest.mark.parametrize("language", list(TABLE))
def test_a_thousand_sentences_end_where_they_end(language: str, record_property: Callable[[str, object], None]) -> None:
    expected = sentences_of(language)
    record_property("instances", len(expected))
    assert len(expected) == 50
    for order in range(3):
        random.Random(order).shuffle(expected)
        assert sentences(("" if language in UNSPACED else " ").join(expected)) == expected


@pytest.mark.parametrize("language", list(TABLE))
def test_sentences_end_alike_in_lines_and_paragraphs(language: str) -> None:
    expected = sentences_of(language)
    assert sentences("\n".join(expected)) == expected
    assert sentences("\n\n".join(expected)) == expected


def test_there_are_a_thousand_sentences_of_twenty_languages() -> None:
    assert len(TABLE) >= 20 and sum(len(sentences_of(language)) for language in TABLE) >= 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ខ្ញុំស្រឡាញ់កម្ពុជា។គាត់ទៅផ្សារ។", ["ខ្ញុំស្រឡាញ់កម្ពុជា។", "គាត់ទៅផ្សារ។"]),
        ("བོད་ཡིན། རྒྱ་ཡིན།", ["བོད་ཡིན།", "རྒྱ་ཡིན།"]),
        ("Նա եկավ: Նա գնաց։", ["Նա եկավ:", "Նա գնաց։"]),
        ("ܐܬܐ܂ ܐܙܠ܂", ["ܐܬܐ܂", "ܐܙܠ܂"]),
        ("แผ่นดินโลกนั้นก็ว่างเปล่าอยู่ ความมืดอยู่เหนือผิวน้ำ และพระวิญญาณ", ["แผ่นดินโลกนั้นก็ว่างเปล่าอยู่"]),
        ("It is so.[^1] Then so.¹ And so.[2] End", ["It is so.[^1]", "Then so.¹", "And so.[2]"]),
        ("« Quoi ? » Il part.", ["« Quoi ? »", "Il part."]),
        ("„Geh.“ Er ging. »Ja.« So. «Oui.» End", ["„Geh.“", "Er ging.", "»Ja.«", "So.", "«Oui.»"]),
        ("他走了。“好。”然后走了。", ["他走了。", "“好。”", "然后走了。"]),
        ("３．５元．好", ["３．５元．"]),
        ("1. One.\n2. Three. Four", ["1. One.", "2. Three."]),
        ("It was 1990.\n2. Next", ["It was 1990."]),
        ("A. Boil it. B. Eat it.", ["A. Boil it.", "B. Eat it."]),
        (
            "It is as old as I. He knows. Take vitamin C. It helps.",
            ["It is as old as I.", "He knows.", "Take vitamin C.", "It helps."],
        ),
        ("It is the letter a. Then it ends.", ["It is the letter a.", "Then it ends."]),
        ("Das ist z. B. Wasser, i. A. von u. a. Frau Lang, e. V. Berlin.", None),
        ("Em đi ạ. Anh về.", ["Em đi ạ.", "Anh về."]),
        ("나는 너. 그는 나.", ["나는 너.", "그는 나."]),
        ("He works for Smith Inc. The end.", ["He works for Smith Inc.", "The end."]),
        ("Sie kaufte Brot usw. Dann ging sie.", ["Sie kaufte Brot usw.", "Dann ging sie."]),
        ("Он купил хлеб и т. п. Потом ушёл.", ["Он купил хлеб и т. п.", "Потом ушёл."]),
        ("She was ill. Then he said no. I agree.", ["She was ill.", "Then he said no.", "I agree."]),
        ("Wait... and see. It rained… The end.", ["Wait... and see.", "It rained…", "The end."]),
    ],
)
def test_ends_of_every_script(text: str, expected: list[str] | None) -> None:
    assert sentences(text) == (expected or [text])


def test_a_list_in_thai_is_no_sentence() -> None:
    assert sentence_ends("สีแดง สีเขียว สีน้ำเงิน") == []


def test_a_number_at_the_end_of_a_text_so_far_may_be_a_date() -> None:
    assert sentence_ends("Er kam am 3. M") == []
    assert sentence_ends("He is 25. Then") == [9]


@pytest.mark.parametrize(
    "unit", [".", "(", " ", "\n", ". ", ";", "…", "。", "¹", ".”“", "x.[^a", "ก ", "A.", "3. ", "a"]
)
def test_odd_text_is_scanned_in_linear_time(unit: str) -> None:
    short, long = (sentence_ends(unit * count) for count in (300, 30_000))
    assert len(long) >= len(short)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("All of it.", True),
        ("“All of it.”  ", True),
        ("One.\nTwo", False),
        ("Use e.g.", False),
        ("### Heading", False),
        ("全部。", True),
        ("آیا۔", True),
        ("We met Dr.", False),
    ],
)
def test_whether_a_text_ends_a_sentence(text: str, ends: bool) -> None:
    assert ends_sentence(text) is ends
